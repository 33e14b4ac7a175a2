"""A proxy on real TCP between a client and a store that spoils a share of all requests, in a way that a seed decides.

It understands just enough HTTP/1.1 to know where a request and its answer begin and end, so that it can refuse, cut,
shorten, hold up and damage exactly one of them, and pass the next on the same connection untouched.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit

Kind = Literal[
    "503",
    "429",
    "503-done",
    "reset",
    "reset-request",
    "lost",
    "truncate",
    "short",
    "stall",
    "corrupt",
    "corrupt-request",
]
"""What is done to a request: refused before it is passed on (503, 429) or after it was carried out (503-done); cut
before, in the middle of its body, or after it was carried out (lost); the answer cut in the middle (truncate), ended
early but cleanly (short), held up (stall), or with a wrong bit (corrupt); a wrong bit in its own body."""

KINDS: Final[tuple[Kind, ...]] = (
    "503",
    "429",
    "503-done",
    "reset",
    "reset-request",
    "lost",
    "truncate",
    "short",
    "corrupt",
    "corrupt-request",
)
"""Those of a storm; stalls are rarer, as each costs seconds."""

CHUNK: Final = 65_536
"""Bytes that are passed on at once."""

DROP: Final = 64
"""Bytes that drip at once."""

_LENGTH: Final = re.compile(rb"(?im)^content-length:[ \t]*(\d+)")
_CHUNKED: Final = re.compile(rb"(?im)^transfer-encoding:[ \t]*chunked")
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends RST."""


@dataclass(frozen=True, slots=True)
class Storm:
    """How bad the weather is."""

    share: float = 0.28
    """Share of requests that are spoiled."""
    stalls: float = 0.002
    """Share of requests whose answer is held up, on top of that."""
    stall_s: float = 5.0
    """Seconds for which an answer is held up; then the connection is cut."""
    seed: int = 1
    """Decides everything."""
    kinds: tuple[Kind, ...] = KINDS
    """What may happen."""


class Proxy:
    """Listens on a port of the loopback interface, in a thread of its own; a context manager."""

    def __init__(self, upstream: str, storm: Storm | None = None) -> None:
        parts = urlsplit(upstream)
        self._upstream = parts.hostname or "127.0.0.1", parts.port or 80
        self._chance = random.Random(storm.seed if storm else 0)
        self.storm = storm
        """The weather; None passes everything on.  May be changed at any time."""
        self.dark = False
        """Nothing gets through: what is open is cut, and nobody is let in.  Change it by `black_out`."""
        self.refuse_as: int | None = None
        """Every request is answered by this status, such as 401."""
        self.drips: Callable[[bytes], bool] = lambda _: False
        """Asked with the first line of every request: whether its answer comes at a kilobyte a second."""
        self.answer: Callable[[], bytes | None] = lambda: None
        """Asked for every request: bytes are its answer, as JSON, instead of the store's."""
        self.requests = 0
        """Requests that came in."""
        self.struck: Counter[str] = Counter()
        """What was done to them."""
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._port = int(self._socket.getsockname()[1])
        self.endpoint = f"http://127.0.0.1:{self._port}"
        """Where clients find it."""
        self._thread = threading.Thread(target=self._run, name="chaos-proxy", daemon=True)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._loop.call_soon(lambda: self._loop.create_task(self._listen(ready)))
        self._thread.start()
        ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def black_out(self, *, dark: bool) -> None:
        """Cut the line, or mend it; returns once that is so."""
        asyncio.run_coroutine_threadsafe(self._black_out(dark), self._loop).result(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _listen(self, ready: threading.Event) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self._socket, limit=1 << 20)
        ready.set()

    async def _black_out(self, dark: bool) -> None:
        self.dark = dark
        if dark:
            for writer in tuple(self._writers):
                _reset(writer)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if not self.dark:
                await _Exchange(self, reader, writer, self._upstream).serve()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            if self.dark:
                _reset(writer)
            writer.close()

    def fate(self) -> Kind | None:
        """Return what happens to the next request."""
        self.requests += 1
        storm = self.storm
        if storm is None:
            return None
        drawn = self._chance.random()
        if drawn < storm.stalls:
            return "stall"
        return self._chance.choice(storm.kinds) if drawn < storm.stalls + storm.share else None

    def place(self, size: int) -> int:
        """Return where in `size` bytes something happens."""
        return self._chance.randrange(size) if size > 0 else 0


@dataclass(slots=True)
class _Head:
    """The first lines of a message and what they say of its body."""

    raw: bytes
    length: int
    """Bytes of the body; -1 for one in chunks."""

    @property
    def first(self) -> bytes:
        return self.raw.partition(b"\r\n")[0]


class _Exchange:
    """One connection of a client, and the one to the store that belongs to it."""

    def __init__(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: tuple[str, int]
    ) -> None:
        self._proxy = proxy
        self._in, self._out = reader, writer
        self._address = upstream
        self._upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def serve(self) -> None:
        """Pass requests on until one side leaves or a fault ends it."""
        try:
            while True:
                try:
                    head = await _read_head(self._in)
                except asyncio.IncompleteReadError:
                    return
                if not await self._one(head):
                    return
        finally:
            if self._upstream is not None:
                self._upstream[1].close()

    async def _one(self, head: _Head) -> bool:
        """Pass one request on, or spoil it; tells whether the connection can be used again."""
        proxy = self._proxy
        fate = proxy.fate()
        if proxy.refuse_as is not None:
            await self._body(self._in, head.length, None)
            return await self._refuse(proxy.refuse_as)
        scripted = proxy.answer()
        if scripted is not None:
            await self._body(self._in, head.length, None)
            return await self._say(200, scripted)
        if fate == "corrupt-request" and head.length <= 0:
            fate = "corrupt"
        if fate == "reset-request" and head.length <= 0:
            fate = "reset"
        if fate is not None:
            proxy.struck[fate] += 1
        if fate == "reset":
            _reset(self._out)
            return False
        if fate in ("503", "429"):
            await self._body(self._in, head.length, None)
            return await self._refuse(int(fate))
        reader, writer = await self._connected()
        writer.write(head.raw)
        if fate == "reset-request":
            await self._body(self._in, proxy.place(head.length), writer.write)
            await writer.drain()
            writer.close()
            _reset(self._out)
            return False
        spoil = _flip_at(proxy.place(head.length)) if fate == "corrupt-request" else None
        await self._body(self._in, head.length, writer.write, spoil)
        await writer.drain()
        answer = await _read_head(reader)
        while answer.first.split()[1:2] == [b"100"]:
            answer = await _read_head(reader)
        if head.raw.startswith(b"HEAD ") or answer.first.split()[1] in (b"204", b"304"):
            answer.length = 0
        if proxy.drips(head.first):
            return await self._drip(reader, answer)
        return await self._answer(fate, reader, answer)

    async def _drip(self, reader: asyncio.StreamReader, answer: _Head) -> bool:
        """Hand an answer on at about a kilobyte a second."""
        self._out.write(answer.raw)
        for _ in range(answer.length // DROP):
            self._out.write(await reader.readexactly(DROP))
            await self._out.drain()
            await asyncio.sleep(DROP / 1024)
        self._out.write(await reader.readexactly(answer.length % DROP))
        await self._out.drain()
        return True

    async def _answer(self, fate: Kind | None, reader: asyncio.StreamReader, answer: _Head) -> bool:
        proxy, out = self._proxy, self._out
        if fate in ("lost", "503-done"):
            await self._body(reader, answer.length, None)
            if fate == "503-done":
                return await self._refuse(503)
            _reset(out)
            return False
        if fate in ("truncate", "short", "stall"):
            body = await self._gathered(reader, answer.length)
            kept = proxy.place(len(body))
            raw = answer.raw
            if fate == "short":
                raw = _CHUNKED.sub(b"x-was: chunked", _LENGTH.sub(b"x-length: 0", raw))
                raw = raw[:-2] + b"content-length: %d\r\n\r\n" % kept
            elif answer.length < 0:
                raw = _CHUNKED.sub(b"content-length: %d" % len(body), raw)
            out.write(raw + body[:kept])
            await out.drain()
            if fate == "short":
                return True
            if fate == "stall":
                storm = proxy.storm
                await asyncio.sleep(storm.stall_s if storm else 0.0)
            _reset(out)
            return False
        out.write(answer.raw)
        if fate == "corrupt" and answer.length < 0:
            body = await self._gathered(reader, answer.length, framed=True)
            out.write(body)
        else:
            spoil = _flip_at(proxy.place(answer.length)) if fate == "corrupt" and answer.length > 0 else None
            await self._body(reader, answer.length, out.write, spoil)
        await out.drain()
        return b"connection: close" not in answer.raw.lower()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._upstream is None or self._upstream[1].is_closing() or self._upstream[0].at_eof():
            self._upstream = await asyncio.open_connection(*self._address, limit=1 << 20)
        return self._upstream

    async def _refuse(self, status: int) -> bool:
        return await self._say(status, b'{"error":{"code":%d,"message":"the weather is bad"}}' % status)

    async def _say(self, status: int, body: bytes) -> bool:
        wait = b"retry-after: 0\r\n" if status == 429 else b""
        self._out.write(
            b"HTTP/1.1 %d Proxy\r\n%scontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
            % (status, wait, len(body), body)
        )
        await self._out.drain()
        return True

    async def _body(
        self,
        reader: asyncio.StreamReader,
        length: int,
        write: Callable[[bytes], None] | None,
        spoil: Callable[[bytes, int], bytes] | None = None,
    ) -> None:
        """Read a body and pass it on; `spoil` gets each piece and its offset."""
        if length < 0:
            data = await self._gathered(reader, length, framed=True)
            if write is not None:
                write(data)
            return
        at = 0
        while at < length:
            data = await reader.read(min(CHUNK, length - at))
            if not data:
                raise asyncio.IncompleteReadError(b"", length - at)
            if write is not None:
                if self._out.is_closing():
                    raise ConnectionResetError
                write(spoil(data, at) if spoil is not None else data)
                if at % (16 * CHUNK) == 0:
                    await asyncio.sleep(0)
            at += len(data)

    async def _gathered(self, reader: asyncio.StreamReader, length: int, *, framed: bool = False) -> bytes:
        """Return a whole body; `framed` keeps the chunks' own lines."""
        if length >= 0:
            return await reader.readexactly(length)
        pieces: list[bytes] = []
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            data = await reader.readexactly(size + 2)
            pieces += [line, data] if framed else [data[:-2]]
            if size == 0:
                return b"".join(pieces)


async def _read_head(reader: asyncio.StreamReader) -> _Head:
    raw = await reader.readuntil(b"\r\n\r\n")
    found = _LENGTH.search(raw)
    if found is not None:
        return _Head(raw, int(found[1]))
    return _Head(raw, -1 if _CHUNKED.search(raw) else 0)


def _flip_at(place: int) -> Callable[[bytes, int], bytes]:
    """Return what flips one bit of the byte at `place` of a body."""

    def flip(data: bytes, at: int) -> bytes:
        if not at <= place < at + len(data):
            return data
        spoilt = bytearray(data)
        spoilt[place - at] ^= 1 << (place % 8)
        return bytes(spoilt)

    return flip


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection at once, with RST."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
