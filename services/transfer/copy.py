"""Copies and moves on the server: the bytes never come here, and a source goes only after its copy is confirmed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.errors import Corrupt, ObjectNotFound, PreconditionFailed, Rejected, Transient
from services.model import CREATE_ONLY, ObjectInfo
from services.names import display_name, parse_gs_url
from services.transfer.doubt import look_again, matches
from services.transfer.download import MOVED_MARK, remove_moved
from services.transfer.run import Run
from services.transfer.target import ObjectTarget
from services.transfer.upload import remove_own


async def copy(run: Run) -> None:
    """Copy one generation on the server; raises `PailError`, `Skipped`, `Asking`."""
    info = await written(run, rewrite)
    await verified(run, info, moved=False)


async def move(run: Run) -> None:
    """Rename on the server: in one step where the service can, else by a copy and a delete of what was copied.

    Raises `PailError`, `Skipped`, `Asking`.
    """
    record = run.record
    if record.fingerprint == MOVED_MARK:
        await remove_moved(run)
        return
    source, target = parse_gs_url(record.source), parse_gs_url(record.target)
    atomic = source.bucket == target.bucket and source.bucket not in run.line.no_atomic_move
    if atomic:
        try:
            info = await written(run, _move_once)
        except Rejected:
            run.line.no_atomic_move.add(source.bucket)
            atomic = False
    if not atomic:
        info = await written(run, rewrite)
    await verified(run, info, moved=atomic)
    if not atomic or await _still_there(run):
        await remove_moved(run)


Act = Callable[[Run, ObjectTarget], Awaitable[ObjectInfo]]
"""One try to make the target of its source, under the precondition of the moment."""


async def written(run: Run, act: Act) -> ObjectInfo:
    """Return the object at the target, after `act` has made it; nothing is made twice after a lost answer.

    Raises `PailError`, `Skipped`, `Asking`.
    """
    target = ObjectTarget(run)
    if run.flags.look_first or run.record.decision or run.doubtful:
        ours = await target.look()
        if ours is not None:
            return ours
    url = parse_gs_url(run.record.source)
    patience = run.patience()
    while True:
        try:
            info = await act(run, target)
        except PreconditionFailed:
            run.record.session = ""
            found = await target.refused()
            if found is not None:
                return found
            if act is _move_once:
                await _check_source(run)
        except ObjectNotFound:
            # After a lost answer the source of a move is gone because it was moved.
            found = await target.read_back() if run.doubtful else None
            if found is None:
                raise
            return found
        except Transient as error:
            run.unsure = True
            await patience.after(url.bucket, error, progressed=run.failed_once(error))
        else:
            run.line.worked()
            return info


async def _check_source(run: Run) -> None:
    """Raise `ObjectNotFound` where it is the source's generation, and not the target, that a move was refused for."""
    url = parse_gs_url(run.record.source)
    info = await (await run.data()).stat(url.bucket, url.name)
    if info.generation != run.record.generation:
        raise ObjectNotFound(f"{display_name(run.record.source)} was changed since it was seen", url=run.record.source)


async def _move_once(run: Run, target: ObjectTarget) -> ObjectInfo:
    url = parse_gs_url(run.record.source)
    return await (await run.data()).move(
        url.bucket, url.name, run.record.generation, target.name, precondition=target.precondition
    )


async def rewrite(run: Run, target: ObjectTarget) -> ObjectInfo:
    """Copy, going on with the token of an earlier try."""
    url, record = parse_gs_url(run.record.source), run.record
    data = await run.data()
    while True:
        try:
            status = await data.rewrite(
                url.bucket,
                url.name,
                record.generation,
                target.bucket,
                target.name,
                precondition=target.precondition,
                token=record.session,
            )
        except Rejected:
            if not record.session:
                raise
            record.session = ""  # a token that is too old: from the start
            continue
        if status.done is not None:
            return status.done
        record.session = status.token
        run.confirmed(status.rewritten)
        await run.save()


async def verified(run: Run, info: ObjectInfo, *, moved: bool) -> None:
    """Compare a new object with its source; `moved` says that there is no source any more.

    Raises `Corrupt` where it differs, after it was removed.
    """
    record = run.record
    run.verifying = True
    if moved and info.name != parse_gs_url(record.target).name:
        info = await _put_right(run, info)
    if not matches(run, info):
        # The answer, or the listing that described the source, may have arrived damaged: both are asked for again.
        url = parse_gs_url(record.target)
        told, info = info, await (await run.data()).stat(url.bucket, url.name)
        if moved and not matches(run, info):
            if info.generation != told.generation:
                raise Corrupt(f"{display_name(record.target)} is not the object that was moved there")
            # A rename does not touch bytes, and this is the only copy of them: it is never removed.
            record.size, record.crc32c = info.size, info.crc32c
        elif not matches(run, info):
            await look_again(run)
    if not matches(run, info):
        await remove_own(await run.data(), info)
        raise Corrupt(f"{display_name(record.target)} was written with another checksum than its source")
    record.session, record.written, record.crc32c = "", info.generation, info.crc32c
    run.moved = record.size
    run.verifying = False


async def _put_right(run: Run, told: ObjectInfo) -> ObjectInfo:
    """Return the object under the name that was asked for, where the answer to a rename names another one.

    One wrong bit in a request makes another name of the target, and nothing but the answer tells: then the object is
    renamed once more.  Or it was the answer that arrived damaged.  Raises `PailError`.
    """
    target, patience, data = parse_gs_url(run.record.target), run.patience(), await run.data()
    while True:
        try:
            try:
                found = await data.stat(target.bucket, target.name)
            except ObjectNotFound:
                return await data.move(target.bucket, told.name, told.generation, target.name, precondition=CREATE_ONLY)
        except Transient as error:
            await patience.after(target.bucket, error, progressed=run.failed_once(error))
        else:
            if (found.size, found.crc32c) == (told.size, told.crc32c):
                return found
            lies = display_name(f"gs://{target.bucket}/{told.name}")
            raise PreconditionFailed(
                f"the object was renamed to {lies}, and {display_name(run.record.target)} is another one",
                remedy=f"Move {lies} to where it belongs.",
                url=f"gs://{target.bucket}/{told.name}",
            )


async def _still_there(run: Run) -> bool:
    """Tell whether the source is still there after what looked like a finished move (its copy was found, not made)."""
    url = parse_gs_url(run.record.source)
    if not run.doubtful:
        return False
    try:
        info = await (await run.data()).stat(url.bucket, url.name)
    except ObjectNotFound:
        return False
    return info.generation == run.record.generation
