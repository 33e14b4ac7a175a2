"""Uploads: small files in one request, larger ones through sessions that outlive this process."""

from __future__ import annotations

from services.checksum import of
from services.errors import Corrupt, NotFound, PreconditionFailed, SourceChanged, Transient
from services.gcs.interface import DataPlane, Written
from services.model import ObjectInfo, Precondition
from services.names import display_name
from services.transfer import local
from services.transfer.attributes import attributes_of
from services.transfer.local import SourceFile
from services.transfer.reading import Content
from services.transfer.run import Run, source_changed
from services.transfer.target import ObjectTarget


async def upload(run: Run) -> None:
    """Upload the file of `run`; raises `PailError`, `Skipped`, `Asking`."""
    options = run.tools.options
    source, content = await _taken(run)
    try:
        run.record.size, run.record.mtime = source.size, source.mtime
        target = ObjectTarget(run)
        if source.size <= options.small_limit:
            if content is None:
                raise source_changed(run)
            if run.record.session:
                from services.transfer.large import give_up

                await give_up(run)  # it was larger when it was begun
            info = await _small(run, content, target)
        else:
            from services.transfer.large import LargeUpload  # with all that sessions and parts need

            info = await LargeUpload(run, source, target).upload()
        await _confirm(run, info, target.name)
    finally:
        if source.is_open:
            run.tools.later(source.close)
    if run.spec.action == "move":
        await _remove_moved_file(run, source)


async def send(run: Run, content: Content) -> None:
    """Create an object of a file that was read, at the first try and under the name that is wanted.

    Raises `PailError`; `upload` then goes on with what `run` has of it.
    """
    record = run.record
    run.taken = content
    record.size, record.mtime, record.crc32c = len(content.data), content.found.st_mtime_ns / 1e9, content.crc32c
    bucket, _, name = record.target.removeprefix("gs://").partition("/")
    data = run.line.opened or await run.data()
    info = await data.create(bucket, name, content.data, attributes=attributes_of(run), crc32c=content.crc32c)
    run.line.worked()
    await _confirm(run, info, name)


async def _confirm(run: Run, info: ObjectInfo | Written, name: str) -> None:
    """Take down what was written; an object that is not the file under this `name` is removed, as `Corrupt`."""
    record = run.record
    run.verifying = True
    if info.crc32c != record.crc32c or info.size != record.size or info.name != name:
        await remove_own(await run.data(), info)
        raise Corrupt(f"{display_name(record.target)} arrived with another checksum than the file's")
    record.written = info.generation
    record.session = ""
    run.moved = record.size


async def _taken(run: Run) -> tuple[SourceFile, bytes | None]:
    """Return the file, open or, where it is small, with its bytes."""
    record, options = run.record, run.tools.options
    if run.taken is not None:
        content, run.taken = run.taken, None
        return content.source(record.source, record.base), content.data
    take = run.brief if record.size <= options.whole else run.disk
    return await take(_take, record.source, record.base, options.small_limit)


def _take(path: str, base: int, limit: int) -> tuple[SourceFile, bytes | None]:
    """Open a file, and read it whole and close it where it is small; no bytes where it changed meanwhile."""
    source = local.open_source(path, base)
    if source.size > limit:
        return source, None
    try:
        # One byte more is asked for than there was: a file that has grown shows it.
        data = source.read(0, source.size + 1)
        return source, data if len(data) == source.size and source.unchanged() else None
    finally:
        source.close()


async def _remove_moved_file(run: Run, source: SourceFile) -> None:
    record = run.record
    if not await run.disk(local.remove_source, record.source, record.base, source.mark):
        raise SourceChanged(
            f"{display_name(record.source)} was uploaded but changed since, so it was not removed",
            remedy="Upload it again.",
            url=record.source,
        )


async def remove_own(data: DataPlane, info: ObjectInfo | Written) -> None:
    """Remove one generation that we wrote and that is wrong; a newer one stays (hazard 9)."""
    try:
        await data.delete(info.bucket, info.name, precondition=Precondition(generation=info.generation))
    except (NotFound, PreconditionFailed):
        return


async def _small(run: Run, content: bytes, target: ObjectTarget) -> ObjectInfo:
    run.record.crc32c = of(content)
    met, run.fault = run.fault, None
    if met is None and (run.flags.look_first or run.record.decision):
        ours = await target.look()
        if ours is not None:
            return ours
    await run.throttle(len(content))
    data = await run.data()
    while True:
        try:
            if met is not None:
                fault, met = met, None
                raise fault
            info = await data.insert(
                target.bucket,
                target.name,
                content,
                attributes=attributes_of(run),
                crc32c=run.record.crc32c,
                precondition=target.precondition,
                progress=run.sent,
            )
        except PreconditionFailed:
            run.moved = 0
            found = await target.refused()
            if found is not None:
                return found
        except Transient:
            # The answer was lost, the upload perhaps not: ask, instead of sending it twice (hazard 6).
            run.unsure, run.moved = True, 0
            found = await target.read_back()
            if found is None:
                raise
            return found
        else:
            run.line.worked()
            return info
