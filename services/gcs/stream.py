"""The body of an object while it is downloaded: read in threads, one piece ahead, handed to the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from typing import Final

import requests
from urllib3.exceptions import HTTPError

from services.errors import PailError, Transient
from services.gcs.failures import Subject, from_exception
from services.gcs.wire import Opened, Wire

GATHER_S: Final = 0.05
"""Seconds for which small pieces are gathered into one before it is handed over."""


class Download:
    """What the answer said of an object, and its bytes as stored (`ReadStream`)."""

    def __init__(self, wire: Wire, subject: Subject, opened: Opened) -> None:
        self._wire = wire
        self._subject = subject
        self._response: requests.Response = opened.response
        self._call = opened.call
        self._chunk = wire.limits.chunk
        self._failure: PailError | None = None
        self._ahead: Future[bytes] | None = None
        headers: Mapping[str, str] = opened.response.headers
        self._expected = _number(headers.get("content-length"))
        self._received = 0
        self.generation = _number(headers.get("x-goog-generation")) or 0
        self.content_encoding = headers.get("x-goog-stored-content-encoding") or headers.get("content-encoding", "")
        self.content_encoding = "" if self.content_encoding == "identity" else self.content_encoding
        self.crc32c = _crc32c(headers.get("x-goog-hash", ""))
        self.size = _whole_size(headers, self._expected)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes in order; raises `Transient` when the connection breaks or stalls before the end."""
        self._ahead = self._wire.bodies.submit(self._read)
        while data := await asyncio.wrap_future(self._ahead):
            # The next piece is read while the one who asked works on this one: two in memory, no more.
            self._ahead = self._wire.bodies.submit(self._read)
            yield data
        if self._expected is not None and self._received < self._expected:
            raise Transient(
                self._subject.failed(f"the body ended after {self._received} of {self._expected} bytes"),
                url=self._subject.url,
            )

    async def close(self) -> None:
        """Let go of the connection: back to the pool after the last byte, closed when some are missing."""
        if not self._at_end:
            self._call.give_up()
        if self._ahead is not None and not self._ahead.cancel():
            # The thread comes back at once; until then the response belongs to it.
            await asyncio.gather(asyncio.wrap_future(self._ahead), return_exceptions=True)
        self._response.close()
        self._wire.release(self._call)

    @property
    def _at_end(self) -> bool:
        return self._expected is not None and self._received >= self._expected

    def _read(self) -> bytes:
        """Return the next piece, empty at the end.  What came before a failure is handed over before it is raised."""
        if self._failure is not None:
            raise self._failure
        pieces: list[bytes] = []
        size = 0
        until = float("inf")
        try:
            while size < self._chunk and time.monotonic() < until:
                piece = self._response.raw.read1(self._chunk - size, decode_content=False)
                if not piece:
                    break
                pieces.append(piece)
                size += len(piece)
                until = min(until, time.monotonic() + GATHER_S)
        except (requests.RequestException, HTTPError, OSError, ValueError, AttributeError) as error:
            # A socket that is shut down under the reader surfaces as any of these.
            failure = from_exception(self._subject, error)
            if not pieces:
                raise failure from error
            self._failure = failure
        self._received += size
        return b"".join(pieces)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _crc32c(text: str) -> str:
    # Several headers of the name arrive joined by commas: "crc32c=…,md5=…".
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name == "crc32c":
            return value
    return ""


def _whole_size(headers: Mapping[str, str], body: int | None) -> int:
    stored = _number(headers.get("x-goog-stored-content-length"))
    if stored is not None:
        return stored
    total = _number(headers.get("content-range", "").rpartition("/")[2])
    return total if total is not None else body or 0
