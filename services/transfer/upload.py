"""Uploads: small files in one request, larger ones in parts of a session that outlives this process."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import Final

from services.checksum import Crc32c, of
from services.errors import (
    Corrupt,
    NotFound,
    PailError,
    PreconditionFailed,
    SessionGone,
    SourceChanged,
    Transient,
)
from services.gcs.interface import PART_MULTIPLE, DataPlane
from services.model import CREATE_ONLY, ObjectInfo, Precondition, WriteAttributes
from services.names import display_name
from services.transfer import local
from services.transfer.local import SourceFile
from services.transfer.meter import part_size
from services.transfer.partial import HASH_CHUNK
from services.transfer.run import Run
from services.transfer.target import NONCE_KEY, ObjectTarget

MTIME_KEY: Final = "goog-reserved-file-mtime"
"""Metadata key of the modification time, whole seconds, as gsutil and gcloud write it."""

DEFAULT_TYPE: Final = "application/octet-stream"
"""Type of what the name says nothing about."""

_ENCODINGS: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
"""Types of compressed files: they are stored as what they are, not as an encoding of something else."""


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
            info = await _small(run, content, target)
        else:
            info = await _Session(run, source, target).upload()
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


def attributes_of(run: Run) -> WriteAttributes:
    """Return what the new object gets besides its bytes."""
    metadata = {NONCE_KEY: run.record.nonce}
    if run.record.mtime is not None and run.record.mtime >= 0:
        metadata[MTIME_KEY] = str(int(run.record.mtime))
    return WriteAttributes(content_type=content_type(run.record.target), metadata=metadata)


def content_type(name: str) -> str:
    """Return the MIME type that a name suggests."""
    kind, encoding = mimetypes.guess_type(name.rpartition("/")[2], strict=False)
    if encoding:
        return _ENCODINGS.get(encoding, DEFAULT_TYPE)
    return kind or DEFAULT_TYPE


def source_changed(run: Run) -> SourceChanged:
    """Return the error for a file that is not what it was when it was opened."""
    return SourceChanged(f"{display_name(run.record.source)} changed while it was uploaded", url=run.record.source)


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


@dataclass(slots=True)
class _Hashed:
    """A checksum of the first bytes of a file."""

    offset: int
    """How many bytes."""
    value: int
    """The checksum."""


class _Session:
    """A resumable upload of one file, from wherever an earlier try or process left it."""

    def __init__(self, run: Run, source: SourceFile, target: ObjectTarget) -> None:
        self._run = run
        self._source = source
        self._target = target
        # The checksums before and after the last part: what the service did not keep of it is sent again.
        self._before = _Hashed(0, 0)
        self._after = _Hashed(0, 0)

    async def upload(self) -> ObjectInfo:
        """Send what is missing and return the finished object."""
        run = self._run
        received, done = await self._resume()
        if done is None and not run.record.session:
            done = await self._start()
        patience = run.patience()
        while done is None:
            run.confirmed(received) if received else None
            try:
                received, done = await self._send(received)
                run.waiting = ""
            except Transient as error:
                await patience.after(self._target.bucket, error, progressed=run.failed_once(error))
                received, done = await self._ask(received)
            except PreconditionFailed:
                await self._abandon()
                await self._hash_to(self._source.size)
                run.record.crc32c = Crc32c(self._after.value).base64()
                done = await self._target.refused()
                if done is None:
                    done, received = await self._start(), 0
        if not run.record.crc32c:
            await self._hash_to(self._source.size)
            run.record.crc32c = Crc32c(self._after.value).base64()
        return done

    async def _resume(self) -> tuple[int, ObjectInfo | None]:
        """Ask where the session of an earlier try stands; one of another file, or a lost one, is given up (13)."""
        record = self._run.record
        if not record.session:
            return 0, None
        if record.fingerprint != self._source.mark:
            await self._abandon()
            return 0, None
        return await self._ask(0)

    async def _ask(self, received: int) -> tuple[int, ObjectInfo | None]:
        run = self._run
        patience = run.patience()
        while run.record.session:
            try:
                status = await (await run.data()).upload_status(run.record.session, total=self._source.size)
            except SessionGone:
                await self._forget()
                # The last answer may have been lost, and with it that the object is complete.
                await self._hash_to(self._source.size)
                run.record.crc32c = Crc32c(self._after.value).base64()
                done = await self._target.look()
                return 0, done or await self._start()
            except Transient as error:
                await patience.after(self._target.bucket, error)
            else:
                return status.received, status.done
        return received, None

    async def _start(self) -> ObjectInfo | None:
        """Begin a session, and have it in the journal before the first byte is sent."""
        run = self._run
        patience = run.patience()
        while True:
            try:
                if self._target.precondition == CREATE_ONLY:
                    ours = await self._target.look()
                    if ours is not None:
                        return ours
                session = await (await run.data()).start_upload(
                    self._target.bucket,
                    self._target.name,
                    size=self._source.size,
                    attributes=attributes_of(run),
                    crc32c="",
                    precondition=self._target.precondition,
                )
            except PreconditionFailed:
                ours = await self._target.refused()
                if ours is not None:
                    return ours
            except Transient as error:
                # Nothing can be lost here but an empty session, which costs nothing and expires.
                await patience.after(self._target.bucket, error, progressed=run.failed_once(error))
            else:
                run.record.session, run.record.fingerprint = session, self._source.mark
                run.moved, run.waiting = 0, ""
                await run.save()
                return None

    async def _send(self, offset: int) -> tuple[int, ObjectInfo | None]:
        run, size = self._run, self._source.size
        limit = part_size(
            run.tools.options.part_size, [run.tools.bandwidth.rate, run.flags.bandwidth.rate], PART_MULTIPLE
        )
        await self._hash_to(offset)
        part = await run.disk(self._source.read, offset, min(limit, size - offset))
        last = offset + len(part) >= size
        if len(part) < min(limit, size - offset) or (last and not await run.disk(self._source.unchanged)):
            # Nothing is committed before the last part, so no torn version ever comes to be (10, 11).
            await self._abandon()
            raise source_changed(run)
        crc = Crc32c(self._before.value)
        await run.disk(crc.update, part)
        self._after = _Hashed(offset + len(part), crc.value)
        checksum = ""
        if last:
            checksum = run.record.crc32c = crc.base64()
            run.verifying = True
        await run.throttle(len(part))
        try:
            status = await (await run.data()).upload_part(
                run.record.session, part, offset=offset, total=size, crc32c=checksum, progress=run.sent
            )
        except SessionGone:
            await self._forget()
            found = await self._target.look() if last else None
            return 0, found or await self._start()
        except Corrupt:
            await self._abandon()
            raise
        finally:
            run.verifying = False
        run.confirmed(status.received)
        return status.received, status.done

    async def _hash_to(self, offset: int) -> None:
        """Have the checksum of the first `offset` bytes, from the last part if possible, else from the file."""
        if offset == self._after.offset:
            self._before = self._after
        elif offset != self._before.offset:
            start = self._before if self._before.offset < offset else _Hashed(0, 0)
            value = await self._run.disk(_hash_range, self._source, start.offset, offset, start.value)
            if value is None:
                await self._abandon()
                raise source_changed(self._run)
            self._before = _Hashed(offset, value)
        self._after = self._before

    async def _forget(self) -> None:
        self._run.record.session = ""
        self._run.moved = 0
        await self._run.save()

    async def _abandon(self) -> None:
        session = self._run.record.session
        await self._forget()
        if session:
            await abandon_session(self._run, session)


async def abandon_session(run: Run, session: str) -> None:
    """Cancel a session at the service, so that its parts cost nothing; one that cannot be reached expires by itself."""
    try:
        await (await run.data()).cancel_upload(session)
    except PailError:
        return


def _hash_range(source: SourceFile, start: int, end: int, value: int) -> int | None:
    crc = Crc32c(value)
    while start < end:
        chunk = source.read(start, min(HASH_CHUNK, end - start))
        if not chunk:
            return None
        crc.update(chunk)
        start += len(chunk)
    return crc.value
