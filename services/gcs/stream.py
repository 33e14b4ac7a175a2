"""The body of an object while it is downloaded: read in threads, one piece ahead, handed to the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Final

import requests
from urllib3.exceptions import HTTPError

from services.errors import PailError
from services.gcs.body import StoredBody
from services.gcs.failures import Subject
from services.gcs.library_faults import from_exception
from services.gcs.pool import ThreadPool
from services.gcs.session import Call

GATHER_S: Final = 0.05
"""Seconds for which small pieces are gathered into one before it is handed over."""


class Download(StoredBody):
    """A body that is read in threads."""

    def __init__(
        self,
        subject: Subject,
        response: requests.Response,
        call: Call,
        *,
        pool: ThreadPool,
        chunk: int,
        release: Callable[[Call], None],
    ) -> None:
        super().__init__(subject, response.status_code, response.headers)
        self._pool = pool
        self._release = release
        self._response = response
        self._call = call
        self._chunk = chunk
        self._ended = False
        self._failure: PailError | None = None
        self._ahead: Future[bytes] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes in order; raises `Transient` when the connection breaks or stalls before the end."""
        self._ahead = self._pool.submit(self._read)
        while data := await asyncio.wrap_future(self._ahead):
            # The next piece is read while the one who asked works on this one: two in memory, no more.
            self._ahead = self._pool.submit(self._read)
            yield data
        self._check_end()

    async def close(self) -> None:
        """Let go of the connection: back to the pool after the last byte, closed when some are missing."""
        if not self._at_end:
            self._call.give_up()
        if self._ahead is not None and not self._ahead.cancel():
            # The thread comes back at once; until then the response belongs to it.
            await asyncio.gather(asyncio.wrap_future(self._ahead), return_exceptions=True)
        self._response.close()
        self._release(self._call)

    def discard(self) -> None:
        """Let go of a body that nobody has begun to read."""
        self._response.close()
        self._release(self._call)

    @property
    def _at_end(self) -> bool:
        # From then on the connection may already carry somebody else's request.
        return self._ended or (self._expected is not None and self._received >= self._expected)

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
                    self._ended = True
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
