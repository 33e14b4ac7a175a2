"""Downloads: one pinned generation into an unfinished file beside the target, verified, durable, then renamed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from services.checksum import matches
from services.errors import (
    Corrupt,
    NotFound,
    ObjectNotFound,
    PailError,
    PreconditionFailed,
    RangeNotSatisfiable,
    Transient,
)
from services.model import ObjectInfo, Precondition
from services.names import display_name, parse_gs_url
from services.transfer import local
from services.transfer.doubt import look_again
from services.transfer.landing import Landing
from services.transfer.partial import HASH_CHUNK, Partial, local_checksum, open_partial, remove_partial
from services.transfer.plan import describe
from services.transfer.receive import THROTTLED_WRITE, check_stream, receive, receive_slices
from services.transfer.record import Record
from services.transfer.run import Run
from services.transfer.slices import open_sliced
from services.transfer.target import FileTarget

AT_ONCE: Final = 64 * 1024
"""Bytes of an object up to which nobody has to see how far it has come."""

_UNTRUSTED: Final = (Corrupt, RangeNotSatisfiable)
"""What says that the bytes so far are wrong."""

MOVED_MARK: Final = "copied"
"""`Record.fingerprint` of a move whose copy is confirmed: only the source has to be removed."""


async def download(run: Run) -> None:
    """Download the object of `run`; raises `PailError`, `Skipped`, `Asking`."""
    record = run.record
    if record.fingerprint == MOVED_MARK:
        await remove_moved(run)
        return
    if (record.source.endswith("/") and record.target.endswith("/")) or record.target == record.target[: record.base]:
        await run.disk(local.make_folder, record.target, record.base)
    elif not (run.doubtful and await _is_there(run)):
        target = FileTarget(run)
        whole = is_whole(run)
        if not whole or run.flags.look_first or record.decision or run.doubtful:
            await target.look()
        if whole:
            await _whole(run, target)
        else:
            await _in_pieces(run, target)
    record.written = record.generation
    run.moved = record.size
    if run.spec.action == "move":
        await remove_moved(run)


def is_whole(run: Run) -> bool:
    """Tell whether an object is small enough to be gathered in memory; under a limit it flows in smaller pieces."""
    size = run.record.size
    return size <= run.tools.options.whole and not run.spec.decompress and (size <= THROTTLED_WRITE or not run.limited)


async def _in_pieces(run: Run, target: FileTarget) -> None:
    """Download by way of an unfinished file that a later try goes on with."""
    part = await _fetch(run)
    try:
        if run.spec.decompress and run.record.encoding == "gzip":
            part = await _decoded(run, part)
        while not await run.disk(_put_in_place, run, part, target.replace):
            await target.taken()
            part.target = Path(run.record.target).name
        part.close()
    except BaseException:
        run.tools.later(part.close)
        raise


async def _whole(run: Run, target: FileTarget) -> None:
    """Download a small object into memory, and have it put in place along with others."""
    content, run.fetched = run.fetched, None
    attempts = _Attempts(run)
    while content is None:
        try:
            content = await small_content(run)
        except PailError as error:
            await attempts.after(error)
            if not is_whole(run):  # it was overwritten, by a larger one
                await _in_pieces(run, target)
                return
        finally:
            run.verifying = False
    run.ashore()
    while not await run.tools.landings.add(landing(run.record, content, replace=target.replace, looked=target.looked)):
        await target.taken()


def landing(record: Record, content: bytes, *, replace: bool, looked: bool) -> Landing:
    """Return what puts a small object in place."""
    what = record.target, record.base, record.nonce, record.generation
    return Landing(*what, content, record.mtime, replace, looked)


async def small_content(run: Run) -> bytes:
    """Return the bytes of a small object, verified; raises `PailError`."""
    if run.fault is not None:
        fault, run.fault = run.fault, None
        raise fault
    record = run.record
    bucket, _, name = record.source.removeprefix("gs://").partition("/")
    run.moved = 0
    data = run.line.opened or await run.data()
    if record.size <= AT_ONCE:
        found = await data.fetch(bucket, name, generation=record.generation)
        check_stream(run, found)
        content = found.content
    else:
        chunks: list[bytes] = []
        async with data.read(bucket, name, generation=record.generation) as stream:
            check_stream(run, stream)
            async for chunk in stream:
                chunks.append(chunk)
                run.moved = min(record.size, run.moved + len(chunk))
        content = b"".join(chunks)
    if run.limited:
        await run.throttle(len(content))
    if len(content) != record.size:
        raise Transient(f"{display_name(record.source)}: the answer ended early", url=record.source)
    run.verifying = True
    if record.crc32c and not matches(content, record.crc32c):
        raise Corrupt(f"{display_name(record.target)}: the bytes that arrived have another checksum than the object")
    run.confirmed(len(content))
    run.waiting = ""
    return content


async def _is_there(run: Run) -> bool:
    """Tell whether an earlier process put the file in place without having noted it."""
    record = run.record
    there = await run.disk(local_checksum, record.target, max(record.base, 1), record.size)
    if not there or there != record.crc32c:
        return False
    await run.disk(remove_partial, record.target, record.base, record.nonce)
    return True


def _put_in_place(run: Run, partial: Partial, replace: bool) -> bool:
    return partial.finish(mtime=run.record.mtime, umask=run.tools.umask, replace=replace)


class _Attempts:
    """The tries of one download, and what a next one needs."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._corrupt = 0
        self._restarts = 0
        self._broken = 0

    async def after(self, error: PailError) -> None:
        """Return when there is to be another try; raises `error` where there is none."""
        run = self._run
        if isinstance(error, Transient):
            url = parse_gs_url(run.record.source)
            await run.patience().after(url.bucket, error, progressed=run.failed_once(error))
            self._broken += 1
            if self._broken > 1:
                await self._look_again()
        elif isinstance(error, _UNTRUSTED):
            self._corrupt += 1
            run.failed_once(error)
            if self._corrupt > run.most_corrupt:
                raise error
            await self._look_again()
        elif isinstance(error, ObjectNotFound):
            # The generation that was seen is gone: a restart with the one that is live now, never a mixture (hazard 3).
            self._restarts += 1
            await _pin_again(run, self._restarts)
        else:
            raise error

    async def _look_again(self) -> None:
        """Have size and checksum once more: bytes that never match may be right, and the listing damaged."""
        with contextlib.suppress(Transient, ObjectNotFound):
            await look_again(self._run)


async def _fetch(run: Run) -> Partial:
    """Return the whole object in an unfinished file, verified."""
    record, attempts = run.record, _Attempts(run)
    while True:
        part, fetch = await _opened(run)
        try:
            await fetch()
            run.verifying = True
            await run.disk(part.verify, record.size, record.crc32c)
        except (*_UNTRUSTED, ObjectNotFound) as error:
            # Whatever lies there is not trusted, or of another generation: begin at the first byte (hazards 1, 2, 3).
            await run.disk(part.discard)
            await attempts.after(error)
        except PailError as error:
            run.tools.later(part.close)
            await attempts.after(error)
        except BaseException:
            run.tools.later(part.close)
            raise
        else:
            return part
        finally:
            run.verifying = False


async def _opened(run: Run) -> tuple[Partial, Callable[[], Awaitable[None]]]:
    """Return the unfinished file, and what fetches what it lacks."""
    record, options = run.record, run.tools.options
    what = record.target, record.base, record.nonce, record.generation, record.size
    if record.size >= options.sliced:
        if run.doubtful:
            # An earlier version fetched it in one stream; what that left would stay for ever.
            await run.disk(remove_partial, record.target, record.base, f"{record.nonce}-")
        sliced = await run.disk(open_sliced, *what)
        run.moved = sliced.done
        return sliced.part, partial(receive_slices, run, sliced, options.streams)
    part = await run.disk(open_partial, *what)
    run.moved = part.offset
    return part, partial(receive, run, part)


async def _pin_again(run: Run, restarts: int) -> None:
    url = parse_gs_url(run.record.source)
    info: ObjectInfo = await (await run.data()).stat(url.bucket, url.name)
    if info.generation == run.record.generation or restarts > run.tools.options.max_restarts:
        raise PreconditionFailed(
            f"{display_name(run.record.source)} is overwritten again and again",
            remedy="Try again once it is left alone.",
            url=run.record.source,
        )
    describe(run.record, info)
    run.moved = 0
    await run.save()


async def _decoded(run: Run, partial: Partial) -> Partial:
    """Return an unfinished file with the decoded bytes, in place of the stored ones that were verified."""
    record = run.record
    decoded = await run.disk(open_partial, record.target, record.base, record.nonce + "d", record.generation, 0)
    try:
        await run.disk(_gunzip, partial, decoded)
    except BaseException:
        run.tools.later(decoded.discard)
        raise
    await run.disk(partial.discard)
    return decoded


def _gunzip(partial: Partial, decoded: Partial) -> None:
    import gzip  # 4 ms with what it loads, for what few downloads ask for
    import zlib

    decoded.restart()
    shown = display_name(partial.path)
    try:
        with os.fdopen(os.dup(partial.handle), "rb") as stored:
            stored.seek(0)
            with gzip.GzipFile(fileobj=stored) as stream:
                while chunk := stream.read(HASH_CHUNK):
                    decoded.write([chunk])
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Corrupt(
            f"{shown}: the stored bytes are right, but they are not gzip: {error}",
            remedy="Download it without --decompress.",
        ) from error


async def remove_moved(run: Run) -> None:
    """Remove the source object of a finished move: exactly the generation that was taken."""
    record, url = run.record, parse_gs_url(run.record.source)
    # The file or the copy is complete: that is in the journal before anything is removed.
    record.fingerprint = MOVED_MARK
    await run.save()
    patience = run.patience()
    while True:
        try:
            await (await run.data()).delete(
                url.bucket, url.name, precondition=Precondition(generation=record.generation)
            )
        except NotFound:
            return
        except PreconditionFailed:
            raise PreconditionFailed(
                f"{display_name(record.source)} was copied, but it changed since and was not removed",
                remedy="Move it again.",
                url=record.source,
            ) from None
        except Transient as error:
            await patience.after(url.bucket, error, progressed=run.failed_once(error))
        else:
            return
