"""The body of an object while it is downloaded: what the head of the answer says of it."""

from __future__ import annotations

import abc
import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from services.errors import Transient
from services.gcs.failures import Subject
from services.gcs.interface import Fetched

_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/")


class Filling(abc.ABC):
    """Fills memory of the caller's from a body that comes in pieces."""

    def __init__(self) -> None:
        self._pieces: AsyncIterator[bytes] | None = None
        self._rest = memoryview(b"")
        self._broken: Transient | None = None

    @abc.abstractmethod
    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes in order; raises `Transient` when the connection breaks or stalls before the end."""

    async def fill(self, view: memoryview, came: Callable[[int], None]) -> int:
        """Receive into `view`; see `ReadStream.fill`."""
        if self._pieces is None:
            self._pieces = aiter(self)
        filled = 0
        while filled < len(view):
            if not self._rest and not await self._next(self._pieces):
                break
            count = min(len(view) - filled, len(self._rest))
            view[filled : filled + count] = self._rest[:count]
            self._rest = self._rest[count:]
            filled += count
            came(count)
        if not filled and self._broken is not None:
            raise self._broken
        return filled

    async def _next(self, pieces: AsyncIterator[bytes]) -> bool:
        try:
            self._rest = memoryview(await anext(pieces, b""))
        except Transient as error:
            self._broken = error
        return bool(self._rest)


class StoredBody(Filling):
    """What the answer said of an object, and its bytes as stored (`ReadStream`)."""

    def __init__(self, subject: Subject, status: int, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.status = status
        """200 for the whole object, 206 for a range."""
        self.generation = _number(headers.get("x-goog-generation")) or 0
        self.content_encoding = headers.get("x-goog-stored-content-encoding") or headers.get("content-encoding", "")
        self.content_encoding = "" if self.content_encoding == "identity" else self.content_encoding
        self.crc32c = _crc32c(headers.get("x-goog-hash", ""))
        self._subject = subject
        self._received = 0
        self._expected = _body_size(headers)
        self.size = _whole_size(headers) or 0

    @abc.abstractmethod
    async def close(self) -> None:
        """Let go of the connection: kept after the last byte, closed when some are missing."""

    def _check_end(self) -> None:
        if self._expected is not None and self._received < self._expected:
            raise Transient(
                self._subject.failed(f"the body ended after {self._received} of {self._expected} bytes"),
                url=self._subject.url,
            )


def fetched(headers: Mapping[str, str], content: bytes) -> Fetched:
    """Return an answer that was read whole as the object that it holds."""
    encoding = headers.get("x-goog-stored-content-encoding") or headers.get("content-encoding", "")
    return Fetched(
        _number(headers.get("x-goog-generation")) or 0,
        _whole_size(headers) or 0,
        _crc32c(headers.get("x-goog-hash", "")),
        "" if encoding == "identity" else encoding,
        content,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _crc32c(text: str) -> str:
    # Several headers of the name arrive joined by commas: "crc32c=…,md5=…".
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name == "crc32c":
            return value
    return ""


def _body_size(headers: Mapping[str, str]) -> int | None:
    """Return how many bytes have to come.  A length need not be announced for an end to come too early (hazard 2)."""
    found = _CONTENT_RANGE.match(headers.get("content-range", ""))
    return int(found[2]) - int(found[1]) + 1 if found else _whole_size(headers)


def _whole_size(headers: Mapping[str, str]) -> int | None:
    stored = _number(headers.get("x-goog-stored-content-length"))
    if stored is not None:
        return stored
    total = _number(headers.get("content-range", "").rpartition("/")[2])
    return total if total is not None else _number(headers.get("content-length"))
