"""Uploads: small files in one request, larger ones through sessions that outlive this process."""

from __future__ import annotations

from services.checksum import of
from services.errors import Corrupt, NotFound, PreconditionFailed, SourceChanged, Transient
from services.gcs.interface import DataPlane
from services.model import ObjectInfo, Precondition
from services.names import display_name
from services.transfer import local
from services.transfer.attributes import attributes_of
from services.transfer.local import SourceFile
from services.transfer.run import Run, source_changed
from services.transfer.target import ObjectTarget


async def upload(run: Run) -> None:
    """Upload the file of `run`; raises `PailError`, `Skipped`, `Asking`."""
    options = run.tools.options
    take = run.brief if run.record.size <= options.whole else run.disk
    source, content = await take(_take, run.record.source, run.record.base, options.small_limit)
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
        run.verifying = True
        if info.crc32c != run.record.crc32c or info.size != run.record.size or info.name != target.name:
            await remove_own(await run.data(), info)
            raise Corrupt(f"{display_name(run.record.target)} arrived with another checksum than the file's")
        run.record.written = info.generation
        run.record.session = ""
        run.moved = run.record.size
    finally:
        if source.is_open:
            run.tools.later(source.close)
    if run.spec.action == "move":
        await _remove_moved_file(run, source)


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


async def remove_own(data: DataPlane, info: ObjectInfo) -> None:
    """Remove one generation that we wrote and that is wrong; a newer one stays (hazard 9)."""
    try:
        await data.delete(info.bucket, info.name, precondition=Precondition(generation=info.generation))
    except (NotFound, PreconditionFailed):
        return


async def _small(run: Run, content: bytes, target: ObjectTarget) -> ObjectInfo:
    run.record.crc32c = of(content)
    if run.flags.look_first or run.record.decision:
        ours = await target.look()
        if ours is not None:
            return ours
    await run.throttle(len(content))
    data = await run.data()
    while True:
        try:
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
