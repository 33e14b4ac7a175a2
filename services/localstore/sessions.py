"""Resumable sessions that requests are working on: at most one request for each, and the newest wins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.localstore.blobs import Hasher


def session_file(session: int) -> str:
    """Return the name of a session's partial file."""
    return f"session-{session}"


@dataclass(slots=True)
class Running:
    """A session that at least one request is using."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the request that may touch its file."""
    abort: Callable[[], None] | None = None
    """Cuts the connection of the request that holds the lock."""
    waiting: int = 0
    """Requests that hold the lock or wait for it."""


class Sessions:
    """The running sessions of one store, and the checksums of those that go on; used on the event loop only."""

    def __init__(self) -> None:
        self._running: dict[int, Running] = {}
        self.hashers: dict[int, Hasher] = {}
        """What was computed so far; missing after a restart, and then computed anew from the file."""

    @asynccontextmanager
    async def use(self, session: int, abort: Callable[[], None]) -> AsyncIterator[None]:
        """Take a session over, cutting off the request that had it.

        A client that asks again has given up on its earlier connection, which may not have noticed yet.
        """
        running = self._running.setdefault(session, Running())
        running.waiting += 1
        if running.abort is not None:
            running.abort()
        try:
            async with running.lock:
                running.abort = abort
                try:
                    yield
                finally:
                    running.abort = None
        finally:
            running.waiting -= 1
            if not running.waiting:
                del self._running[session]
