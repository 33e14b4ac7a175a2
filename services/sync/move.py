"""Bytes between a file and an object: pinned to what was planned on, verified, and noted before and after."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from services.errors import (
    Corrupt,
    LocalFileError,
    NotFound,
    ObjectNotFound,
    PreconditionFailed,
    Rejected,
    SourceChanged,
    Transient,
)
from services.model import CREATE_ONLY, ObjectInfo, Precondition, WriteAttributes
from services.names import display_name
from services.sync.disk import Changed, Disk, settled
from services.sync.entries import EMPTY_CRC32C, Action, BaseEntry, RemoteEntry, Signature
from services.sync.notes import Notes, OnDisk
from services.sync.remote import Prefix
from services.sync.scan import signature_of
from services.sync.state import Intent
from services.sync.upload import Upload
from services.transfer.local import SourceFile
from services.transfer.metadata import FOLDER_TYPE, NONCE_KEY
from services.transfer.partial import Partial
from services.transfer.pipe import read_object

MAX_CORRUPT: Final = 3
"""Times that wrong bytes are fetched again."""

MAX_TRIES: Final = 5
"""Times that a change whose answer was lost is looked at and made again."""

Sleep = Callable[[float], Awaitable[None]]
"""Waits for seconds."""

Throttle = Callable[[int], Awaitable[None]]
"""Waits until so many bytes may move."""


class Arrived(NamedTuple):
    """A download that is in its place."""

    entry: BaseEntry
    """What both sides agree on now."""
    signature: Signature
    """Signature of the file, whether or not it can be relied on later."""
    kept: str = ""
    """Key under which the local version was kept."""


class Mover(NamedTuple):
    """Moves single files and objects of a pair; every method raises `Changed` where the plan no longer holds."""

    disk: Disk
    """The local side."""
    prefix: Prefix
    """The bucket's side."""
    notes: Notes
    """The pair's memory."""
    on_disk: OnDisk
    """Runs blocking functions."""
    throttle: Throttle
    """Holds bytes back where a limit is set."""
    sleep: Sleep = asyncio.sleep
    """Waits between tries."""

    async def upload(self, action: Action, nonce: str) -> BaseEntry:
        """Upload a file over exactly the object that was planned on, from where an earlier process left it."""
        source, lasting = await self.on_disk(self._open, action)
        try:
            info = await Upload(self, action, source, nonce).run()
            return BaseEntry(lasting, info.size, info.crc32c, info.generation)
        except SourceChanged:
            raise Changed(action.key) from None
        finally:
            await self.on_disk(source.close)

    def _open(self, action: Action) -> tuple[SourceFile, Signature | None]:
        """Open the file that was planned on; return also its signature where that can be relied on later.

        What counts is how long it had been left alone when its reading began.
        """
        if action.local is None or self.disk.look(action.key) != action.local.signature:
            raise Changed(action.key)
        try:
            source = self.disk.open(action.key)
        except LocalFileError:
            if self.disk.look(action.key) != action.local.signature:
                raise Changed(action.key) from None
            raise
        signature = signature_of(os.fstat(source.handle))
        if signature != action.local.signature:
            source.close()
            raise Changed(action.key)
        return source, settled(signature)

    async def own(self, key: str, nonce: str) -> ObjectInfo | None:
        """Return the live object where it carries our mark."""
        try:
            info = await self.prefix.data.stat(self.prefix.bucket, self.prefix.name(key))
        except ObjectNotFound:
            return None
        return info if info.metadata.get(NONCE_KEY) == nonce else None

    async def download(self, action: Action, nonce: str) -> Arrived:
        """Download the generation that was planned on over exactly the file that was."""
        remote = action.remote
        if remote is None:
            raise Changed(action.key)
        expected = action.local if action.kind != "conflict" else None
        partial: Partial = await self.on_disk(self.disk.partial, action.key, nonce, remote.generation, remote.size)
        try:
            await self._fetch(action.key, remote, partial)
            await self.on_disk(lambda: self.disk.secure(action.key, partial, mtime=remote.mtime))
            kept = await self._keep(action, remote) if action.kind == "conflict" else ""
            await self.notes.begin(
                Intent(
                    action.key,
                    "place",
                    nonce,
                    remote.crc32c,
                    remote.size,
                    remote.generation,
                    os.fstat(partial.handle).st_ino,
                )
            )
            placed = await self.on_disk(lambda: self.disk.place(action.key, partial, expected, copy=action.copy))
        except (Changed, NotFound, PreconditionFailed, Corrupt):
            # An unfinished file that is gone means, to whoever comes after a crash, that it took its name.
            await self.notes.withdraw(action.key, nonce)
            await self.on_disk(partial.discard)
            raise
        except BaseException:
            # What arrived stays, to go on with.
            await asyncio.shield(self.on_disk(partial.close))
            raise
        await self.on_disk(partial.close)
        entry = BaseEntry(placed.signature if placed.settled else None, remote.size, remote.crc32c, remote.generation)
        return Arrived(entry, placed.signature, kept or placed.kept)

    async def _keep(self, action: Action, remote: RemoteEntry) -> str:
        """Give the local version of a conflict its own name, and return it as a key; it goes up with the next pass."""
        there = await self.prefix.stat(action.key)
        if there is None or there.generation != remote.generation:
            # A listing of the past is no second edit.
            raise Changed(action.key)
        planned = action.local
        if planned is None or await self.on_disk(self.disk.look, action.key) != planned.signature:
            raise Changed(action.key)
        # That no file has this name for a moment is nobody's wish to delete it, also if this process ends here.
        await self.notes.forget(action.key)
        kept: str = await self.on_disk(self.disk.rename_copy, action.key, planned, action.copy)
        return kept

    async def _fetch(self, key: str, remote: RemoteEntry, partial: Partial) -> None:
        """Have the whole object in an unfinished file, verified."""

        async def sink(chunk: bytes) -> None:
            await self.throttle(len(chunk))
            await self.on_disk(partial.write, [chunk])

        for attempt in range(MAX_CORRUPT + 1):
            try:
                if partial.offset < remote.size:
                    await read_object(
                        self.prefix.data,
                        self.prefix.url(key),
                        sink,
                        generation=remote.generation,
                        start=partial.offset,
                        sleep=self.sleep,
                    )
                await self.on_disk(partial.verify, remote.size, remote.crc32c)
            except Corrupt:
                # Whatever lies there is not trusted: begin at the first byte (hazards 1 and 2).
                await self.on_disk(partial.restart)
                if attempt == MAX_CORRUPT:
                    raise
            else:
                return

    async def move(self, action: Action) -> BaseEntry:
        """Rename an object on the server to what its file is called now."""
        remote, local = action.remote, action.local
        if remote is None or local is None or await self.on_disk(self.disk.exists, action.source):
            raise Changed(action.key)
        bucket, data = self.prefix.bucket, self.prefix.data
        source, target = self.prefix.name(action.source), self.prefix.name(action.key)
        try:
            info = await data.move(bucket, source, remote.generation, target, precondition=CREATE_ONLY)
        except Rejected:
            info = await self._copy(action, remote)
        except Transient:
            info = await self._moved(action.key, remote)
        if info.crc32c != remote.crc32c or info.size != remote.size:
            raise Corrupt(f"{display_name(action.key)} was written with another checksum than its source")
        await self.delete_object(action.source, remote.generation)
        return BaseEntry(local.lasting, info.size, info.crc32c, info.generation)

    async def _copy(self, action: Action, remote: RemoteEntry) -> ObjectInfo:
        """Copy where the service has no atomic move; the source goes only when the copy is confirmed."""
        bucket, token = self.prefix.bucket, ""
        source, target = self.prefix.name(action.source), self.prefix.name(action.key)
        while True:
            try:
                status = await self.prefix.data.rewrite(
                    bucket, source, remote.generation, bucket, target, precondition=CREATE_ONLY, token=token
                )
            except Transient:
                return await self._moved(action.key, remote)
            if status.done is not None:
                return status.done
            token = status.token

    async def _moved(self, key: str, remote: RemoteEntry) -> ObjectInfo:
        """After a lost answer: return the object where its bytes are there, else plan again."""
        try:
            info = await self.prefix.data.stat(self.prefix.bucket, self.prefix.name(key))
        except ObjectNotFound:
            raise Changed(key) from None
        if info.crc32c != remote.crc32c or info.size != remote.size:
            raise Changed(key)
        return info

    async def delete_object(self, key: str, generation: int) -> None:
        """Delete exactly one generation; one that is gone is deleted (hazard 8).  Raises `Changed` for a newer one."""
        name = self.prefix.name(key)
        for attempt in range(MAX_TRIES):
            try:
                await self.prefix.data.delete(
                    self.prefix.bucket, name, precondition=Precondition(generation=generation)
                )
            except ObjectNotFound:
                return
            except PreconditionFailed:
                raise Changed(key) from None
            except Transient:
                there = await self.prefix.stat(key)
                if there is None:
                    return
                if there.generation != generation:
                    raise Changed(key) from None
                if attempt == MAX_TRIES - 1:
                    raise
                await self.sleep(0.5 * 2**attempt)
            else:
                return

    async def make_placeholder(self, key: str, nonce: str) -> BaseEntry:
        """Create the object that stands for an empty folder."""
        data, bucket, name = self.prefix.data, self.prefix.bucket, self.prefix.name(key)
        attributes = WriteAttributes(content_type=FOLDER_TYPE, metadata={NONCE_KEY: nonce})
        try:
            info = await data.insert(
                bucket, name, b"", attributes=attributes, crc32c=EMPTY_CRC32C, precondition=CREATE_ONLY
            )
        except (Transient, PreconditionFailed):
            own = await self.own(key, nonce)
            if own is None:
                raise
            info = own
        return BaseEntry(None, 0, info.crc32c, info.generation)
