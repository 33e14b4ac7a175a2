"""One upload in one stream: parts of a resumable session that outlives this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.checksum import Crc32c
from services.errors import Corrupt, PailError, PreconditionFailed, SessionGone, Transient
from services.gcs.interface import PART_MULTIPLE
from services.model import CREATE_ONLY, ObjectInfo
from services.transfer.attributes import attributes_of
from services.transfer.local import SourceFile
from services.transfer.memory import keep_memory
from services.transfer.meter import part_size
from services.transfer.partial import HASH_CHUNK
from services.transfer.run import Run, completed, source_changed
from services.transfer.target import ObjectTarget

READ_PIECE: Final = 256 * 1024
"""Bytes that are read at once and hashed at once, while the processor still has them at hand."""

Watch = Callable[[int, float], Awaitable[ObjectInfo | None]]
"""Told after each part how many bytes are safe and how many seconds the last part took.

It may finish the upload itself; where it has given up the session without doing so, a new one is begun.
"""


class Chunk(NamedTuple):
    """Bytes of a file that were read and hashed."""

    offset: int
    """Where they begin."""
    pieces: list[bytes]
    """The bytes."""
    size: int
    """How many they are."""
    value: int
    """CRC32C of all bytes from where the hashing began to the end of these."""


def read_hashed(source: SourceFile, offset: int, size: int, value: int) -> Chunk:
    """Read bytes and take them into a checksum that stood at `value`; fewer where the file ends.  Blocks."""
    crc, pieces, at = Crc32c(value), [], offset
    while at < offset + size and (piece := source.read(at, min(READ_PIECE, offset + size - at))):
        crc.update(piece)
        pieces.append(piece)
        at += len(piece)
    return Chunk(offset, pieces, at - offset, crc.value)


def hash_range(source: SourceFile, start: int, end: int, value: int) -> int | None:
    """Take a range of a file into a checksum; None where the file ends before it.  Blocks."""
    crc = Crc32c(value)
    while start < end:
        chunk = source.read(start, min(HASH_CHUNK, end - start))
        if not chunk:
            return None
        crc.update(chunk)
        start += len(chunk)
    return crc.value


@dataclass(slots=True, eq=False, repr=False)
class _Hashed:
    """A checksum of the first bytes of a file."""

    offset: int
    """How many bytes."""
    value: int
    """The checksum."""


class ResumableUpload:
    """A resumable upload of one file, from wherever an earlier try or process left it.

    While one part is sent the next one is read and hashed, on a thread of its own.
    """

    def __init__(self, run: Run, source: SourceFile, target: ObjectTarget, watch: Watch | None = None) -> None:
        self._run = run
        self._source = source
        self._target = target
        self._watch = watch
        # The checksums before and after the last part: what the service did not keep of it is sent again.
        self._before = _Hashed(0, 0)
        self._after = _Hashed(0, 0)
        self._ahead: asyncio.Future[Chunk] | None = None
        self._took_s = 0.0
        keep_memory()

    async def upload(self) -> ObjectInfo:
        """Send what is missing and return the finished object."""
        try:
            return await self._upload()
        finally:
            await self._drop_ahead()

    async def _upload(self) -> ObjectInfo:
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
                if done is None and self._watch is not None:
                    done = await self._watch(received, self._took_s)
                    if done is None and not run.record.session:
                        done, received = await self._start(), 0
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
        limit = self._limit()
        await self._hash_to(offset)
        chunk = await self._read(offset, min(limit, size - offset))
        end = offset + chunk.size
        last = end >= size
        if chunk.size < min(limit, size - offset) or (last and not await run.disk(self._source.unchanged)):
            # Nothing is committed before the last part, so no torn version ever comes to be (10, 11).
            await self._abandon()
            raise source_changed(run)
        self._after = _Hashed(end, chunk.value)
        checksum = ""
        if last:
            checksum = run.record.crc32c = Crc32c(chunk.value).base64()
            run.verifying = True
        else:
            self._read_ahead(end, min(limit, size - end), chunk.value)
        await run.throttle(chunk.size)
        since = time.monotonic()
        try:
            status = await (await run.data()).upload_part(
                run.record.session, chunk.pieces, offset=offset, total=size, crc32c=checksum, progress=run.sent
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
        self._took_s = time.monotonic() - since
        run.confirmed(status.received)
        return status.received, status.done

    def _limit(self) -> int:
        options = self._run.tools.options
        return part_size(
            options.part_size, [self._run.tools.bandwidth.rate, self._run.flags.bandwidth.rate], PART_MULTIPLE
        )

    async def _read(self, offset: int, count: int) -> Chunk:
        """Return the next bytes: those that were read ahead, if they are the ones that are wanted."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            chunk = await completed(ahead)
            if chunk.offset == offset and chunk.size == count:
                return chunk
        return await self._run.in_bulk(read_hashed, self._source, offset, count, self._before.value)

    def _read_ahead(self, offset: int, count: int, value: int) -> None:
        self._ahead = self._run.ahead(read_hashed, self._source, offset, count, value)

    async def _drop_ahead(self) -> None:
        """Wait for what is being read ahead: the file is closed next."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await asyncio.wait([ahead])
            if not ahead.cancelled():
                ahead.exception()

    async def _hash_to(self, offset: int) -> None:
        """Have the checksum of the first `offset` bytes, from the last part if possible, else from the file."""
        if offset == self._after.offset:
            self._before = self._after
        elif offset != self._before.offset:
            start = self._before if self._before.offset < offset else _Hashed(0, 0)
            value = await self._run.in_bulk(hash_range, self._source, start.offset, offset, start.value)
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
