"""Bodies that are received where the caller wants them, against servers that misbehave."""

from __future__ import annotations

import asyncio

import pytest

from services.errors import Transient
from services.gcs.body import StoredBody
from services.gcs.lean.wire import LeanWire
from tests.services.gcs.lean_support import LIMITS, OK, READ, Peer, scripted, wired

BODY = bytes(range(256)) * 3000

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY)


async def filled(body: StoredBody, size: int, counted: list[int] | None = None) -> list[bytes]:
    """Return what came into memory of `size` bytes, time after time."""
    found: list[bytes] = []
    view = memoryview(bytearray(size))
    while count := await body.fill(view, (counted if counted is not None else []).append):
        found.append(bytes(view[:count]))
    return found


async def again(wire: LeanWire) -> None:
    assert (await wire.send(READ)).body == b"{}"


@pytest.mark.parametrize("size", [1000, 100_000, len(BODY), 2 * len(BODY)])
@pytest.mark.parametrize("framing", ["length", "chunked", "end"])
async def test_a_body_of_every_framing_fills_memory_of_every_size(framing: str, size: int) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        head = {"length": PLAIN, "end": b"HTTP/1.1 200 OK\r\n\r\n"}.get(
            framing, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        peer.writer.write(head)
        for start in range(0, len(BODY), 77_777):
            piece = BODY[start : start + 77_777]
            peer.writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if framing == "chunked" else piece)
            await peer.writer.drain()
            await asyncio.sleep(0)
        if framing == "end":
            await peer.writer.drain()
            peer.writer.close()
            return
        peer.writer.write(b"0\r\n\r\n" if framing == "chunked" else b"")
        await peer.request()
        peer.writer.write(OK)

    counted: list[int] = []
    async with scripted(script) as server, wired(server.base_url) as wire:
        body = await wire.open_body(READ)
        pieces = await filled(body, size, counted)
        assert b"".join(pieces) == BODY
        assert {len(piece) for piece in pieces[:-1]} <= {size}
        assert sum(counted) == len(BODY)
        await body.close()
        if framing != "end":
            await again(wire)
            assert server.connections == 1


async def test_what_came_before_a_break_is_handed_over_before_the_break_is_told() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(PLAIN + BODY[:300_000])
        await peer.writer.drain()
        peer.writer.close()

    async with scripted(script) as server, wired(server.base_url) as wire:
        body = await wire.open_body(READ)
        view = memoryview(bytearray(200_000))
        found = b""
        while len(found) < 300_000:
            found += view[: await body.fill(view, lambda _: None)]
        assert found == BODY[:300_000]
        for _ in range(2):
            with pytest.raises(Transient):
                await body.fill(view, lambda _: None)
        await body.close()


async def test_what_comes_after_a_body_is_no_part_of_it_and_ends_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if server.connections == 1:
            peer.writer.write(PLAIN + BODY + b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled")
            await peer.request()
        peer.writer.write(OK)

    async with scripted(script) as server, wired(server.base_url) as wire:
        body = await wire.open_body(READ)
        assert b"".join(await filled(body, 2 * len(BODY))) == BODY
        await body.close()
        await again(wire)
        assert server.connections == 2


async def test_a_server_that_falls_silent_in_the_middle_is_given_up() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(PLAIN + BODY[:1000])
        await asyncio.Event().wait()

    async with scripted(script) as server, wired(server.base_url, LIMITS._replace(stall_s=0.2)) as wire:
        body = await wire.open_body(READ)
        view = memoryview(bytearray(len(BODY)))
        assert await body.fill(view, lambda _: None) == 1000
        with pytest.raises(Transient):
            await body.fill(view, lambda _: None)
        await body.close()


async def test_a_body_that_nobody_wants_just_now_waits_at_the_server_and_is_no_stall() -> None:
    size = 64 * 1024 * 1024
    written = 0
    limits = LIMITS._replace(stall_s=0.2)

    async def script(peer: Peer) -> None:
        nonlocal written
        await peer.request()
        peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(64):
            peer.writer.write(bytes(1024 * 1024))
            await peer.writer.drain()
            written += 1024 * 1024

    async with scripted(script) as server, wired(server.base_url, limits) as wire:
        body = await wire.open_body(READ)
        view = memoryview(bytearray(1024 * 1024))
        received = await body.fill(view, lambda _: None)
        seen = -1
        while seen != written:  # until it stands still
            seen = written
            await asyncio.sleep(2 * limits.stall_s)
        assert written < size - 8 * 1024 * 1024
        while count := await body.fill(view, lambda _: None):
            received += count
        assert received == size
        await body.close()


async def test_whoever_stops_in_the_middle_closes_the_connection() -> None:
    ended = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(PLAIN + BODY[:1000])
        await peer.reader.read()
        ended.set()

    async with scripted(script) as server, wired(server.base_url) as wire:
        body = await wire.open_body(READ)
        came = asyncio.Event()
        task = asyncio.create_task(body.fill(memoryview(bytearray(len(BODY))), lambda _: came.set()))
        await came.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await body.close()
        await asyncio.wait_for(ended.wait(), 5)
