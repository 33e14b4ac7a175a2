"""One connection of HTTP/1.1: a request is written, its answer comes as a whole or as a stream, then the next one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from services.gcs.lean.receiving import Answer, LineError, Receiver, Stalled

WRITE_CHUNK: Final = 256 * 1024
"""Bytes of a large body handed to the socket at once, at most: what of them does not fit is copied, and no more."""

FIRST_CHUNK: Final = 16 * 1024
"""Bytes handed over first; twice as many each time that all of them fit, so that progress is fine on a slow line."""

JOIN_LIMIT: Final = 64 * 1024
"""Bytes of a request up to which head and body leave in one call: a copy is cheaper than another system call."""

BREATH: Final = 4 * 1024 * 1024
"""Bytes that are sent before others on the loop have their turn, where the system takes all of them at once."""

SECURED_BREATH: Final = 1024 * 1024
"""The same with TLS, which encrypts on the loop: a quarter takes about as long."""

_HUNG_UP: Final = getattr(select, "POLLRDHUP", 0)
"""Tells on Linux that the other side has ended, apart from having sent something (poll(2))."""

_TIOCOUTQ: Final = 0x5411
"""Asks Linux how many sent bytes the other side has not acknowledged (tcp(7), SIOCOUTQ)."""


class Connection(Receiver):
    """One connection, used by one exchange at a time."""

    __slots__ = ()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; also a second time, when TLS begins inside a tunnel."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=1, low=0)

    def connection_lost(self, error: Exception | None) -> None:
        """End the exchange: well, where the end of the connection is the end of the body."""
        self.gone = True
        if self._head is not None and self._body_left is None and self._chunks is None and error is None:
            self._finish()
        self._fail(LineError("the connection broke"))
        self._wake(self._drained)
        self._wake(self.lost)

    def pause_writing(self) -> None:
        """Hold the sender."""
        self._held_up = True

    def resume_writing(self) -> None:
        """Let the sender go on."""
        self._held_up = False
        self._touched = self._loop.time()
        self._wake(self._drained)

    # What the pool calls.

    def usable(self) -> bool:
        """Tell whether an idle connection still stands, as far as this machine knows."""
        if self.gone or self._transport is None or self._transport.is_closing():
            return False
        # The event loop may not have looked since the other side ended: the system knows.
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN | _HUNG_UP)
        found = self._poll.poll(0)
        events = found[0][1] if found else 0
        if _HUNG_UP and self._transport.get_extra_info("ssl_object") is not None:
            return not events & ~select.POLLIN  # tickets of TLS arrive when they like
        return not events

    def check(self, now: float, late_s: float) -> None:
        """Give the exchange up where nothing has come or gone for its limit; called now and then while it is in use.

        The seconds that the loop comes `late_s` don't count: it did not look meanwhile, and may find something now.
        """
        self._touched = min(now, self._touched + late_s)
        if self._paused_reading or (self._waiter is None and self._reader is None):
            self._touched = now
            return
        unsent = self._bytes_under_way()
        if unsent != self._unsent:
            # A slow line still takes what was handed to the system long ago: that is no stall.
            self._unsent, self._touched = unsent, now
        if now - self._touched >= self._limit_s:
            self.abort(Stalled("nothing came for too long"))

    def abort(self, fault: LineError | None = None) -> None:
        """Close at once; an exchange under way ends with `fault`."""
        self.gone = True
        self._fail(fault or LineError("the connection broke"))
        if self._transport is not None:
            self._transport.abort()
        else:
            self._wake(self.lost)

    # What a request calls.

    async def exchange(
        self,
        request: Sequence[bytes | memoryview],
        *,
        limit_s: float,
        stream: bool = False,
        opens_tunnel: bool = False,
        sent: Callable[[int, int], None] | None = None,
    ) -> Answer:
        """Write a request and return its answer; raises `LineError`.

        `request` is the head and the pieces of the body; `sent` is told index and bytes of what was handed over.  With
        `stream` the body of an answer of 200 or 206 is left to `read`.  An answer that comes early (a refusal) ends the
        sending.  Cancelled, it leaves a connection that has to be aborted.
        """
        transport, waiter = self._begin(limit_s)
        self._streamed = stream
        self._tunnels = opens_tunnel
        try:
            if sum(map(len, request)) <= JOIN_LIMIT:
                transport.write(b"".join(request))
                if sent is not None:
                    for index, piece in enumerate(request):
                        sent(index, len(piece))
            else:
                self._sending = True
                await self._send(transport, request, waiter, sent)
                self._sending = False
            answer: Answer = await waiter
            return answer
        finally:
            self.asked(waiter)

    def ask(self, request: bytes, limit_s: float) -> asyncio.Future[Answer]:
        """Write a small request and return the future of its whole answer; raises `LineError`.

        Whoever asks awaits it and calls `asked`, whatever comes.
        """
        transport, waiter = self._begin(limit_s)
        self._streamed = self._tunnels = False
        transport.write(request)
        return waiter

    def asked(self, waiter: asyncio.Future[Answer]) -> None:
        """End an exchange."""
        self.used = True
        self._waiter = None
        if not waiter.done():
            waiter.cancel()
        elif not waiter.cancelled():
            waiter.exception()  # an early refusal that nobody awaited is not an accident

    def _begin(self, limit_s: float) -> tuple[asyncio.Transport, asyncio.Future[Answer]]:
        if self._transport is None or self.gone:
            raise LineError("the connection broke", sent=False)
        self._waiter = waiter = self._loop.create_future()
        self._head = None
        self._limit_s = limit_s
        self._touched = self._loop.time()
        return self._transport, waiter

    async def _send(
        self,
        transport: asyncio.Transport,
        request: Sequence[bytes | memoryview],
        waiter: asyncio.Future[Answer],
        sent: Callable[[int, int], None] | None,
    ) -> None:
        # Without TLS the system takes bytes from where they are; the transport would copy what does not fit.
        secured = transport.get_extra_info("ssl_object") is not None
        handle = -1 if secured else transport.get_extra_info("socket").fileno()
        size, passed, breath = FIRST_CHUNK, 0, SECURED_BREATH if secured else BREATH
        for index, piece in enumerate(request):
            view = memoryview(piece).cast("B")
            start = 0
            while start < len(view):
                if waiter.done():
                    self.gone = True  # the rest of the body was never sent: nothing can follow it
                    return
                count = 0
                if handle >= 0 and not transport.get_write_buffer_size() and not transport.is_closing():
                    count = _write(handle, view[start : start + size])
                    size = size if count else FIRST_CHUNK
                if not count:
                    chunk = view[start : start + size]
                    count = len(chunk)
                    transport.write(chunk)
                start += count
                if self._held_up:
                    size, passed = max(FIRST_CHUNK, size // 2), 0
                    self._drained = self._loop.create_future()
                    await self._drained
                else:
                    size, passed = min(WRITE_CHUNK, size * 2), passed + count
                    self._touched = self._loop.time()
                if sent is not None:
                    sent(index, count)
                if passed >= breath:
                    passed = 0
                    await asyncio.sleep(0)

    async def tunnel(self, request: bytes, limit_s: float) -> asyncio.Transport | int:
        """Ask a proxy for a tunnel and return the transport to speak through, or the status it refuses with."""
        answer = await self.exchange([request], limit_s=limit_s, opens_tunnel=True)
        if not 200 <= answer.head.status < 300 or self._transport is None:
            return answer.head.status
        transport, self._transport = self._transport, None
        return transport

    def release(self) -> None:
        """Drop what is left of the last answer; the connection is idle from now on."""
        self._pieces.clear()
        self._held = 0
        self._head = None
        self._chunks = None
        self.idle_since = self._loop.time()
        if not self.gone:
            self._go_on()

    def _bytes_under_way(self) -> int:
        transport = self._transport
        if transport is None:
            return 0
        waiting = transport.get_write_buffer_size()
        if sys.platform == "linux":
            waiting += _unacknowledged(transport.get_extra_info("socket"))
        return waiting


def _write(handle: int, view: memoryview) -> int:
    """Hand bytes to the system; returns how many it took, none where it must be waited for or the line is broken."""
    try:
        return os.write(handle, view)
    except OSError:
        return 0  # the transport meets the same fault, and tells of it


def _unacknowledged(sock: Any) -> int:
    import fcntl

    with contextlib.suppress(OSError, ValueError, AttributeError):
        return int.from_bytes(fcntl.ioctl(sock.fileno(), _TIOCOUTQ, b"\0\0\0\0"), sys.byteorder)
    return 0
