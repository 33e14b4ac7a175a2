"""Resumable sessions that requests are working on: at most one request for each, and the newest wins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
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
    """Cuts the connection whose body is being read, if one is."""
    users: int = 0
    """Requests that hold the lock or wait for it."""
    newest: int = 0
    """Ticket of the last request that came."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request's turn at a session."""

    running: Running
    """The session."""
    ticket: int
    """Grows with every request."""

    @property
    def superseded(self) -> bool:
        """Whether a later request is waiting, so that this one must not wait for its own client."""
        return self.ticket != self.running.newest

    @contextmanager
    def reading(self, abort: Callable[[], None]) -> Iterator[None]:
        """Let a later request cut this one's connection while its body is read."""
        self.running.abort = abort
        try:
            yield
        finally:
            self.running.abort = None


class Sessions:
    """The running sessions of one store, and the checksums of those that go on; used on the event loop only."""

    def __init__(self) -> None:
        self._running: dict[int, Running] = {}
        self.hashers: dict[int, Hasher] = {}
        """What was computed so far; missing after a restart, and then computed anew from the file."""

    @asynccontextmanager
    async def use(self, session: int) -> AsyncIterator[Turn]:
        """Take a session over, cutting off the request whose body is being read.

        A client that asks again has given up on its earlier connection, which may not have noticed yet.
        """
        running = self._running.setdefault(session, Running())
        running.users += 1
        running.newest += 1
        turn = Turn(running, running.newest)
        if running.abort is not None:
            running.abort()
        try:
            async with running.lock:
                yield turn
        finally:
            running.users -= 1
            if not running.users:
                del self._running[session]
