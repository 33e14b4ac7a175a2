"""Connections kept alive between requests, and the watch over those in use."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from services.gcs.lean.connection import Connection
from services.gcs.lean.dial import Dialler
from services.gcs.lean.receiving import LineError

IDLE_LIMIT_S: Final = 100.0
"""Seconds after which an idle connection is closed: before Google's servers and most routers forget it."""

CLOSE_LIMIT_S: Final = 2.0
"""Seconds that closing waits for sockets to be gone."""


class Closed(LineError):
    """The pool was closed, here."""

    def __init__(self) -> None:
        super().__init__("the connection to the storage is closed", sent=False)


class Pool:
    """The connections of one route: the one used last is used next, so that spare ones grow old and are closed."""

    def __init__(self, dialler: Dialler, *, size: int, tick_s: float) -> None:
        self._dialler = dialler
        self._size = size
        self._tick_s = tick_s
        self._idle: deque[Connection] = deque()
        self._warm = 0  # how many at the end of these came back in this turn of the loop
        self._cooling = False
        self._busy: set[Connection] = set()
        self._dialling = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()

    async def acquire(self) -> Connection:
        """Return a connection of one's own, made or kept; raises `LineError` of which nothing was sent."""
        while True:
            if self._closed:
                raise Closed
            kept = self.take()
            if kept is not None:
                return kept
            if len(self._busy) + self._dialling < self._size:
                return await self._dial()
            await self._turn()

    def take(self) -> Connection | None:
        """Return a connection of one's own that was kept, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            self._warm = max(0, self._warm - 1)
            if connection.usable():
                self._use(connection)
                return connection
            connection.abort()
        return None

    def take_warm(self) -> Connection | None:
        """Return a connection whose answer came in this turn of the loop, if there is one, else any that was kept.

        Of that one the system is not asked again whether it stands: a call for each of thousands of small requests.
        """
        if self._warm and self._idle:
            self._warm -= 1
            connection = self._idle.pop()
            if not connection.gone:
                self._use(connection)
                return connection
            connection.abort()
        return self.take()

    def _cool(self) -> None:
        self._warm, self._cooling = 0, False

    async def _dial(self) -> Connection:
        self._dialling += 1
        try:
            connection = await self._dialler.dial()
        finally:
            self._dialling -= 1
            self._admit()
        if self._closed:
            connection.abort()
            raise Closed
        self._use(connection)
        return connection

    async def _turn(self) -> None:
        """Wait until a connection may be free."""
        waiter = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._admit()  # the turn was ours, and is handed on
            raise

    def release(self, connection: Connection) -> None:
        """Give a connection back; one that has not been read to its end is closed."""
        self._busy.discard(connection)
        if self._closed or connection.gone or not connection.complete:
            connection.abort()
        else:
            connection.release()
            self._idle.append(connection)
            self._warm += 1
            if not self._cooling:
                self._cooling = True
                self._loop.call_soon(self._cool)
        self._admit()

    async def close(self) -> None:
        """Close all; exchanges under way end with an error."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        connections = [*self._idle, *self._busy]
        for connection in connections:
            connection.abort(Closed())
        self._idle.clear()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        if connections:
            await asyncio.wait([connection.lost for connection in connections], timeout=CLOSE_LIMIT_S)

    def _use(self, connection: Connection) -> None:
        self._busy.add(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(self._tick_s, self._tick)

    def _admit(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _tick(self) -> None:
        """Give up what stalls, close what nobody has used for long; one timer for all, not one for each request."""
        now = self._loop.time()
        late_s = 0.0 if self._timer is None else max(0.0, now - self._timer.when())
        for connection in list(self._busy):
            connection.check(now, late_s)
        while self._idle and (self._idle[0].gone or now - self._idle[0].idle_since > IDLE_LIMIT_S):
            self._idle.popleft().abort()
        alive = self._busy or self._idle
        self._timer = self._loop.call_later(self._tick_s, self._tick) if alive and not self._closed else None
