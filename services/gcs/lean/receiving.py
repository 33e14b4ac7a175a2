"""The receiving half of a connection: answers are taken apart as they come, bodies go where they are wanted."""

from __future__ import annotations

import abc
import asyncio
import select
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from services.gcs.lean.head import HEAD_LIMIT, Chunks, Head, parse_head

HOLD_LIMIT: Final = 512 * 1024
"""Bytes of a streamed body that wait for their reader before the socket is no longer read."""

RECEIVE_SIZE: Final = 256 * 1024
"""Bytes of the buffer that a loop's connections receive into."""

SMALL_PIECE: Final = 64 * 1024
"""Bytes below which pieces that wait are joined, so that a slow line does not cost a step for each packet."""

WHOLE_LIMIT: Final = 128 * 1024 * 1024
"""Bytes of an answer that is read whole: far beyond every page and batch."""


class LineError(Exception):
    """A connection failed; what it means depends on what was asked, which is not known here."""

    def __init__(self, why: str, *, sent: bool = True) -> None:
        super().__init__(why)
        self.why = why
        """In words, for the end of a sentence."""
        self.sent = sent
        """Whether any byte of the request may have left this machine."""


class Stalled(LineError):
    """Nothing came, and nothing went, for too long."""


class Answer(NamedTuple):
    """An answer: whole, or only its head where the body is streamed."""

    head: Head
    """Status and headers."""
    body: bytes
    """The body; empty where it is streamed."""


class Receiver(asyncio.BufferedProtocol, abc.ABC):
    """What takes the answers of one connection.

    All connections of a loop receive into one `buffer`: each copies what came before anybody else is called; only large
    bodies are received where they are wanted.  Left to itself, asyncio allocates its largest size for every record of
    TLS, which doubles the CPU of a download (measured).
    """

    __slots__ = (
        "_body_left",
        "_buffer",
        "_came",
        "_chunks",
        "_drained",
        "_fault",
        "_filled",
        "_head",
        "_held",
        "_held_up",
        "_into",
        "_limit_s",
        "_loop",
        "_partial",
        "_paused_reading",
        "_pieces",
        "_poll",
        "_reader",
        "_sending",
        "_streamed",
        "_touched",
        "_transport",
        "_tunnels",
        "_unsent",
        "_waiter",
        "gone",
        "idle_since",
        "lost",
        "used",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, buffer: memoryview) -> None:
        self._loop = loop
        self._buffer = buffer
        self._transport: asyncio.Transport | None = None
        self._poll: select.poll | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._reader: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._head: Head | None = None
        self._partial = b""
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._body_left: int | None = 0
        self._chunks: Chunks | None = None
        self._fault: LineError | None = None
        self._streamed = self._tunnels = self._sending = self._held_up = self._paused_reading = False
        self._touched = self._limit_s = 0.0
        self._unsent = 0
        self._into: memoryview | None = None
        self._came: Callable[[int], None] | None = None
        self._filled = 0
        self.idle_since = 0.0
        """When it last finished an exchange, on the clock of the loop."""
        self.used = False
        """Whether it has carried a request before."""
        self.gone = False
        """Whether it can carry no further request."""
        self.lost: asyncio.Future[None] = loop.create_future()
        """Done once the socket is closed."""

    @abc.abstractmethod
    def abort(self, fault: LineError | None = None) -> None:
        """Close at once; an exchange under way ends with `fault`."""

    # What the event loop calls.

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Return where to receive: into the memory of whoever waits for a body, and never more than that body."""
        if self._into is None:
            return self._buffer
        free = self._into[self._filled :]
        return free if self._body_left is None else free[: self._body_left]

    def buffer_updated(self, nbytes: int) -> None:
        """Take bytes of an answer."""
        self._touched = self._loop.time()
        if self._into is not None:
            self._take_filled(self._into, nbytes)
            return
        data = bytes(self._buffer[:nbytes])
        try:
            if self._head is None:
                if self._waiter is None or self._waiter.done():
                    self.abort()
                    return
                rest = self._take_head(data)
                if rest is None:
                    return
                data = rest
            self._take_body(data)
        except ValueError as error:
            self.abort(LineError(f"the answer is damaged: {error}"))

    def eof_received(self) -> None:
        """Close as well, now that the other side has ended."""

    # What a reader calls.

    async def read(self) -> bytes:
        """Return the next piece of a streamed body, empty at its end; raises `LineError`."""
        while not self._pieces:
            if self._fault is not None:
                raise self._fault
            if self._body_left == 0:
                return b""
            self._reader = self._loop.create_future()
            self._touched = self._loop.time()
            try:
                await self._reader
            finally:
                self._reader = None
        if len(self._pieces[0]) >= SMALL_PIECE or len(self._pieces) == 1:
            piece = self._pieces.popleft()
            self._held -= len(piece)
        else:
            piece = b"".join(self._pieces)
            self._pieces.clear()
            self._held = 0
        if self._held < HOLD_LIMIT:
            self._go_on()
        return piece

    async def fill(self, view: memoryview, came: Callable[[int], None]) -> int:
        """Receive the streamed body into `view`, without a copy, and return how many bytes; raises `LineError`.

        They are fewer than fit only where the body ends or breaks off there; where there are none it has ended.  `came`
        is told of bytes as they come.
        """
        filled = 0
        while filled < len(view) and (self._pieces or self._chunks is not None):
            # What came before somebody waited for it, or in chunks, has to be copied.
            piece = await self._read_some(filled)
            if not piece:
                return filled
            count = min(len(piece), len(view) - filled)
            view[filled : filled + count] = piece[:count]
            if count < len(piece):
                self._pieces.appendleft(piece[count:])
                self._held += len(piece) - count
            filled += count
            came(count)
        if filled == len(view) or self._body_left == 0:
            return filled
        if self._fault is not None:
            if filled:
                return filled
            raise self._fault
        return await self._receive(view, filled, came)

    async def _read_some(self, filled: int) -> bytes:
        """Return the next piece; none at the end, or where what is `filled` has to be handed over before a fault."""
        try:
            return await self.read()
        except LineError:
            if not filled:
                raise
            return b""

    async def _receive(self, view: memoryview, filled: int, came: Callable[[int], None]) -> int:
        self._into, self._filled, self._came = view, filled, came
        self._reader = self._loop.create_future()
        self._touched = self._loop.time()
        self._go_on()
        try:
            await self._reader
        finally:
            self._reader = self._into = self._came = None
        if not self._filled and self._fault is not None:
            raise self._fault
        return self._filled

    @property
    def complete(self) -> bool:
        """Whether the whole answer has arrived (its last pieces may still wait to be read)."""
        return self._body_left == 0 and self._head is not None

    # Taking answers apart.

    def _take_filled(self, into: memoryview, count: int) -> None:
        """Note bytes that came to where they are wanted."""
        self._filled += count
        if self._came is not None:
            self._came(count)
        if self._body_left is not None:
            self._body_left -= count
        if self._body_left == 0:
            self._into = None
            self._finish()
        elif self._filled == len(into):
            # What comes next waits in the system until somebody says where to: here it would have to be copied.
            self._into = None
            self._hold()
            self._wake(self._reader)

    def _hold(self) -> None:
        if not self._paused_reading and self._transport is not None:
            self._paused_reading = True
            self._transport.pause_reading()

    def _go_on(self) -> None:
        if self._paused_reading and self._transport is not None:
            self._paused_reading = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def _take_head(self, data: bytes) -> bytes | None:
        """Return what follows the head, None while it is not complete."""
        if self._partial:
            data = self._partial + data
        while True:
            cut = data.find(b"\r\n\r\n")
            if cut < 0:
                if len(data) > HEAD_LIMIT:
                    raise ValueError("its head is too long")
                self._partial = data
                return None
            self._partial = b""
            head = parse_head(data[:cut])
            data = data[cut + 4 :]
            if head.status >= 200:
                break
            if head.status == 101:
                raise ValueError("it changes the protocol")
        if self._tunnels and 200 <= head.status < 300:
            # Such an answer has no body, whatever it says of one (RFC 9112, section 6.3).
            head = head._replace(length=0, chunked=False)
        self._head = head
        self._body_left = head.length
        self._chunks = Chunks() if head.chunked else None
        self._streamed = self._streamed and head.status in (200, 206)
        if not head.keep:
            self.gone = True
        if self._streamed and self._waiter is not None:
            self._waiter.set_result(Answer(head, b""))
        return data

    def _take_body(self, data: bytes) -> None:
        rest = b""
        if self._chunks is not None:
            for piece in self._chunks.feed(data):
                self._deliver(piece)
            rest = self._chunks.rest
            if self._chunks.done:
                self._body_left = 0
        elif self._body_left is None:
            self._deliver(data)
        else:
            if len(data) > self._body_left:
                data, rest = data[: self._body_left], data[self._body_left :]
            self._body_left -= len(data)
            self._deliver(data)
        if rest:
            self.gone = True  # more than was asked for: whatever it is, it answers nothing of ours
        if self._body_left == 0:
            self._finish()
        elif self._held > HOLD_LIMIT and self._streamed:
            self._hold()

    def _deliver(self, piece: bytes) -> None:
        if not piece:
            return
        self._pieces.append(piece)
        self._held += len(piece)
        if not self._streamed and self._held > WHOLE_LIMIT:
            raise ValueError("it is too long")
        self._wake(self._reader)

    def _finish(self) -> None:
        self._body_left = 0
        if self._sending:
            self.gone = True
        if self._streamed:
            self._wake(self._reader)
        elif self._waiter is not None and not self._waiter.done() and self._head is not None:
            body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._waiter.set_result(Answer(self._head, body))
            self._wake(self._drained)

    def _fail(self, fault: LineError) -> None:
        if self._fault is None and not self.complete:
            self._fault = fault
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(fault)
        self._wake(self._reader)
        self._wake(self._drained)

    @staticmethod
    def _wake(future: asyncio.Future[None] | None) -> None:
        if future is not None and not future.done():
            future.set_result(None)
