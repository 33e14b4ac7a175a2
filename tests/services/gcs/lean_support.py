"""Servers that do exactly what a test says, byte by byte, and wires to them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from services.gcs.auth import Anonymous, Authority
from services.gcs.exchange import Body, Limits, Request
from services.gcs.failures import Subject
from services.gcs.lean.wire import LeanWire

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
"""The shortest answer."""

LIMITS = Limits(connect_s=5, answer_s=5, stall_s=5, deadline_s=10, attempts=4, backoff_s=0.001, backoff_cap_s=0.002)
"""Limits with which a test does not wait for pauses."""

READ = Request(Subject("look at", "b", "n", is_object=True), "GET", "/x", repeatable=True)
"""A request that may be repeated."""

CHANGE = Request(Subject("delete", "b", "n", is_object=True), "DELETE", "/x")
"""A request that must be sent once."""


def upload(*pieces: bytes, progress: Callable[[int], None] | None = None) -> Request:
    """Return a change with a body in pieces."""
    return Request(Subject("upload"), "PUT", "/x", body=Body(*pieces, progress=progress))


@dataclass
class Peer:
    """One connection that a server was given."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> bytes:
        """Return the next request, head and body; raises `IncompleteReadError` at the end of the connection."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        size = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return head + await self.reader.readexactly(int(size or 0))

    async def reset(self) -> None:
        """Break the connection off."""
        self.writer.transport.abort()


@dataclass
class Scripted:
    """A server, and what was asked of it."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    secure: bool = False

    @property
    def base_url(self) -> str:
        return f"https://localhost:{self.port}" if self.secure else f"http://127.0.0.1:{self.port}"


Script = Callable[[Peer], Awaitable[None]]


@contextlib.asynccontextmanager
async def scripted(
    script: Script, context: ssl.SSLContext | None = None, *, receive_buffer: int = 0
) -> AsyncIterator[Scripted]:
    """Run a server that gives every connection to `script`."""
    listener = socket.socket()
    if receive_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    listener.bind(("127.0.0.1", 0))
    found = Scripted(secure=context is not None)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        found.connections += 1
        found.open += 1
        try:
            await script(Peer(found.connections, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            found.open -= 1
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, sock=listener, ssl=context, backlog=512)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@contextlib.asynccontextmanager
async def wired(where: str | Authority, limits: Limits = LIMITS, *, direct: bool = True) -> AsyncIterator[LeanWire]:
    """Open a wire without credentials."""
    wire = LeanWire(Anonymous(where, "p", "payer") if isinstance(where, str) else where, limits, direct=direct)
    try:
        yield wire
    finally:
        await wire.close()
