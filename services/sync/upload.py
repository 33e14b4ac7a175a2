"""Uploads of a pair: over exactly what was planned on, and from where a process that was killed has left them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from services.checksum import Crc32c
from services.errors import Corrupt, PailError, PreconditionFailed, SessionGone, SourceChanged, Transient
from services.model import ObjectInfo, Precondition, WriteAttributes
from services.names import display_name
from services.sync.entries import Action
from services.sync.notes import Notes, OnDisk
from services.sync.remote import Prefix
from services.sync.state import Session
from services.transfer.local import SourceFile
from services.transfer.metadata import MTIME_KEY, NONCE_KEY, content_type
from services.transfer.pipe import PART_BYTES, Begun, Sleep, write_object

RESUMED_FROM: Final = PART_BYTES
"""Bytes of a file from which its upload has a session, which is kept."""


class Road(Protocol):
    """What an upload needs of the pair's mover."""

    @property
    def prefix(self) -> Prefix:
        """The bucket's side."""

    @property
    def notes(self) -> Notes:
        """The pair's memory."""

    @property
    def on_disk(self) -> OnDisk:
        """Runs blocking functions."""

    @property
    def sleep(self) -> Sleep:
        """Waits between tries."""

    @property
    def throttle(self) -> Callable[[int], Awaitable[None]]:
        """Waits until so many bytes may move."""

    async def own(self, key: str, nonce: str) -> ObjectInfo | None:
        """Return the live object where it carries our mark."""


class Upload:
    """The upload of one file; `run` raises `SourceChanged` where it is not what was opened any more."""

    def __init__(self, road: Road, action: Action, source: SourceFile, nonce: str) -> None:
        self._road = road
        self._key = action.key
        self._source = source
        self._nonce = nonce
        self._seen = action.remote.generation if action.remote is not None else 0
        self._reading = _Reading(road, source)

    async def run(self) -> ObjectInfo:
        """Send what is missing and return the object."""
        begun = await self._begun() if self._source.size >= RESUMED_FROM else None
        attributes = WriteAttributes(
            content_type=content_type(self._key),
            metadata={NONCE_KEY: self._nonce, MTIME_KEY: str(max(0, int(self._source.mtime)))},
        )
        road = self._road
        try:
            info = (
                begun
                if isinstance(begun, ObjectInfo)
                else await write_object(
                    road.prefix.data,
                    road.prefix.url(self._key),
                    self._reading.take,
                    attributes=attributes,
                    precondition=Precondition(generation=self._seen),
                    sleep=road.sleep,
                    begun=begun,
                    started=self._keep,
                )
            )
        except (Transient, PreconditionFailed):
            # Refused or unanswered: it may be our own upload that is there (hazards 6 and 7).
            own = await road.own(self._key, self._nonce)
            if own is None:
                raise
            info = own
        except Corrupt:
            if begun is None:
                raise
            # It was edited within a tick of the clock: what was sent before is of another content.
            await self._forget()
            raise SourceChanged("what was sent of it before is of another content") from None
        if info.crc32c != self._reading.crc.base64() or info.size != self._source.size:
            from services.transfer.upload import remove_own  # with all that uploads of the engine need

            await self._forget()
            await remove_own(road.prefix.data, info)
            raise Corrupt(f"{display_name(self._key)} arrived with another checksum than the file's")
        await self._forget()
        return info

    async def _keep(self, session: str) -> None:
        await self._road.notes.keep_session(self._key, Session(session, self._nonce, self._source.mark, self._seen))

    async def _forget(self) -> None:
        if self._source.size >= RESUMED_FROM:
            await self._road.notes.drop_session(self._key)

    async def _begun(self) -> Begun | ObjectInfo | None:
        """Return where an earlier upload of this very file over this very object stands, or what has come of it."""
        road = self._road
        kept = await road.notes.session(self._key)
        if kept is None:
            return None
        if kept.mark != self._source.mark or kept.seen != self._seen:
            await self._forget()
            await self._cancel(kept.session)
            return None
        try:
            status = await road.prefix.data.upload_status(kept.session, total=None)
        except SessionGone:
            await self._forget()
            return None
        # The object of this session carries the mark that it was begun with.
        self._nonce = kept.nonce
        received = self._source.size if status.done is not None else status.received
        await self._reading.skip(received)
        return status.done or Begun(kept.session, received, self._reading.crc.value)

    async def _cancel(self, session: str) -> None:
        try:
            await self._road.prefix.data.cancel_upload(session)
        except PailError:
            return  # it expires by itself


class _Reading:
    """The bytes of a file on their way up; ends with an error unless the file is what it was when it was opened."""

    def __init__(self, road: Road, source: SourceFile) -> None:
        self._road = road
        self._source = source
        self._offset = 0
        self.crc = Crc32c()
        """Checksum of what was read."""

    async def skip(self, offset: int) -> None:
        """Take the first bytes into the checksum without sending them; raises `SourceChanged`."""
        from services.transfer.resumable import hash_range  # only where a session goes on

        value: int | None = await self._road.on_disk(hash_range, self._source, 0, offset, 0)
        if value is None:
            raise SourceChanged("it changed while it was uploaded")
        self._offset, self.crc = offset, Crc32c(value)

    async def take(self, size: int) -> bytes:
        """Return the next bytes; raises `SourceChanged` before the last of them are sent (hazards 10 and 11)."""
        data: bytes = await self._road.on_disk(self._read, size)
        if data:
            await self._road.throttle(len(data))
        return data

    def _read(self, size: int) -> bytes:
        data = self._source.read(self._offset, size)
        self.crc.update(data)
        self._offset += len(data)
        at_end = len(data) < size or self._offset >= self._source.size
        if at_end and (self._offset != self._source.size or not self._source.unchanged()):
            raise SourceChanged("it changed while it was uploaded")
        return data
