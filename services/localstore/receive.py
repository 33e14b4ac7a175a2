"""Bodies on their way in: a partial file, written and hashed off the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.localstore.api_error import bad_request
from services.localstore.blobs import Content, Hasher, write_all
from services.localstore.store import Store

FLUSH_BYTES: Final = 256 << 10
"""Bytes that are gathered before a thread writes them: with 64 clients at once, 16 MiB."""


class BodyWriter:
    """Gathers a body and writes it to a partial file; a body below `FLUSH_BYTES` costs a single hop to a thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._path: Path | None = None
        self._descriptor: int | None = None
        self._hasher = Hasher()
        self._gathered: list[bytes] = []
        self._pending = 0

    async def add(self, data: bytes) -> None:
        """Take the next piece; waits for the disk, so that a fast client cannot fill the memory."""
        self._gathered.append(data)
        self._pending += len(data)
        if self._pending >= FLUSH_BYTES:
            await self._store.in_thread(self._write, self._take())

    async def finish(self) -> Content:
        """Write the rest, flush it and put it in place; no row names it yet."""
        return await self._store.in_thread(self._finish, self._take())

    async def discard(self) -> None:
        """Forget the body; harmless after `finish`."""
        self._gathered.clear()
        if self._path is not None:
            await asyncio.shield(self._store.in_thread(self._remove))

    def _take(self) -> bytes:
        data = b"".join(self._gathered)
        self._gathered.clear()
        self._pending = 0
        return data

    def _write(self, data: bytes) -> None:
        if self._descriptor is None:
            self._path = self._store.blobs.new_partial()
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._hasher.update(data)
        write_all(self._descriptor, data)

    def _finish(self, data: bytes) -> Content:
        try:
            if data:
                self._write(data)
            if self._path is None:
                return Content(None, 0, self._hasher.crc32c, self._hasher.md5)
            content = self._store.blobs.adopt(self._path, self._hasher, descriptor=self._descriptor)
            self._path = None
            return content
        finally:
            self._close()

    def _remove(self) -> None:
        self._close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


async def receive(store: Store, chunks: AsyncIterator[bytes]) -> Content:
    """Write a whole body; leaves nothing behind when the client goes away (`Disconnected`)."""
    writer = BodyWriter(store)
    try:
        async for chunk in chunks:
            await writer.add(chunk)
        return await writer.finish()
    except BaseException:
        await writer.discard()
        raise


@dataclass(frozen=True, slots=True)
class Checksums:
    """What a client says the content's checksums are."""

    crc32c: str | None = None
    """Base64."""
    md5: str | None = None
    """Base64."""

    @classmethod
    def parse(cls, resource: Mapping[str, Any], headers: Mapping[str, str]) -> Checksums:
        """Read them from metadata (`crc32c`, `md5Hash`) and from `X-Goog-Hash` and `Content-MD5`."""
        found = {"crc32c": resource.get("crc32c"), "md5": resource.get("md5Hash") or headers.get("content-md5")}
        for part in headers.get("x-goog-hash", "").split(","):
            kind, _, value = part.strip().partition("=")
            if kind.lower() in found and value:
                found[kind.lower()] = value
        return cls(found["crc32c"], found["md5"])

    def over(self, earlier: Checksums) -> Checksums:
        """Return these, with what only `earlier` knows."""
        return Checksums(self.crc32c or earlier.crc32c, self.md5 or earlier.md5)

    def verify(self, crc32c: str, md5: str | None) -> None:
        """Raise `ApiError` 400 unless they are those of the content."""
        for kind, expected, actual in (("CRC32C", self.crc32c, crc32c), ("MD5 hash", self.md5, md5)):
            if expected is not None and expected != actual:
                raise bad_request(
                    f'Provided {kind} "{str(expected)[:100]}" doesn\'t match calculated {kind} "{actual}".'
                )
