"""The road on the event loop, against servers that misbehave in every way that one can."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from services.errors import Interrupted, NotAuthenticated, PailError, Rejected, Transient
from services.gcs.auth import Anonymous, Stamp
from services.gcs.exchange import Request
from services.gcs.failures import Subject, Unsent
from services.gcs.lean import receiving as line
from services.gcs.lean.connection import Connection
from tests.services.gcs.lean_support import CHANGE, LIMITS, OK, READ, Peer, scripted, upload, wired

QUICK_STALL = LIMITS._replace(stall_s=0.2, answer_s=0.2, attempts=1)


async def polite(peer: Peer) -> None:
    while True:
        await peer.request()
        peer.writer.write(OK)


async def test_one_connection_carries_request_after_request() -> None:
    async with scripted(polite) as server, wired(server.base_url) as wire:
        for _ in range(5):
            assert (await wire.send(READ)).body == b"{}"
        assert server.connections == 1


async def test_many_requests_are_under_way_at_once() -> None:
    arrived = asyncio.Semaphore(0)
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        arrived.release()
        await go.wait()
        peer.writer.write(OK)
        await polite(peer)

    async with scripted(script) as server, wired(server.base_url) as wire:
        tasks = [asyncio.create_task(wire.send(CHANGE)) for _ in range(256)]
        for _ in tasks:
            await arrived.acquire()
        go.set()
        assert {reply.status for reply in await asyncio.gather(*tasks)} == {200}
        assert server.connections == 256


async def test_beyond_the_limit_requests_take_turns_and_a_cancelled_one_hands_its_turn_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.gcs.lean.wire.CONNECTIONS", 2)
    async with scripted(polite) as server, wired(server.base_url) as wire:
        tasks = [asyncio.create_task(wire.send(READ)) for _ in range(40)]
        for task in tasks[10:20]:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(one, asyncio.CancelledError) for one in outcomes) == 10
        assert server.connections <= 2 + 10
        assert server.open <= 2


async def test_a_connection_that_was_closed_while_idle_is_not_used() -> None:
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(OK)
        if peer.number == 1:
            peer.writer.close()
            await peer.writer.wait_closed()
            closed.set()
        else:
            await polite(peer)

    async with scripted(script) as server, wired(server.base_url) as wire:
        await wire.send(CHANGE)
        await closed.wait()
        assert (await wire.send(CHANGE)).status == 200
        assert server.connections == 2


async def test_a_change_whose_answer_is_lost_is_sent_once() -> None:
    async def script(peer: Peer) -> None:
        server.requests.append(await peer.request())
        await peer.reset()

    async with scripted(script) as server, wired(server.base_url) as wire:
        with pytest.raises(Transient, match="cannot delete gs://b/n: the connection broke") as caught:
            await wire.send(CHANGE)
        assert not isinstance(caught.value, Unsent)
        assert len(server.requests) == 1


async def test_a_change_on_a_kept_connection_whose_answer_is_lost_is_sent_once_too() -> None:
    async def script(peer: Peer) -> None:
        server.requests.append(await peer.request())
        if len(server.requests) == 1:
            peer.writer.write(OK)
            server.requests.append(await peer.request())
        await peer.reset()

    async with scripted(script) as server, wired(server.base_url) as wire:
        await wire.send(CHANGE)
        with pytest.raises(Transient):
            await wire.send(CHANGE)
        assert len(server.requests) == 2


async def test_a_read_is_repeated_until_it_is_answered() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number < 3:
            await peer.reset()
        else:
            peer.writer.write(OK)
            await polite(peer)

    async with scripted(script) as server, wired(server.base_url) as wire:
        assert (await wire.send(READ)).status == 200
        assert server.connections == 3


async def test_a_change_that_nobody_received_is_sent_again() -> None:
    async with scripted(polite) as server:
        port = server.port
    moved: list[Stamp] = []

    class Wandering(Anonymous):
        def moved(self, unreachable: Stamp) -> bool:
            moved.append(unreachable)
            self._stamp = Stamp(second.base_url, unreachable.serial + 1, {})
            return True

    async with (
        scripted(polite) as second,
        wired(Wandering(f"http://127.0.0.1:{port}", "p")) as wire,
    ):
        assert (await wire.send(CHANGE)).status == 200
        assert [stamp.base_url for stamp in moved] == [f"http://127.0.0.1:{port}"]


async def test_a_server_that_is_not_there_is_named() -> None:
    async with scripted(polite) as server:
        where = server.base_url
    async with wired(where) as wire:
        with pytest.raises(Unsent, match=r"cannot delete gs://b/n: 127\.0\.0\.1:\d+ refuses the connection"):
            await wire.send(CHANGE)
    async with wired("http://no-such-name.invalid") as wire:
        with pytest.raises(Unsent, match=r"the name no-such-name\.invalid cannot be resolved"):
            await wire.send(CHANGE)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"",
    ],
)
async def test_an_answer_that_is_none_breaks_the_connection(answer: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(answer)
        await peer.writer.drain()
        peer.writer.close()

    async with scripted(script) as server, wired(server.base_url) as wire:
        with pytest.raises(Transient, match=r"broke|damaged"):
            await wire.send(CHANGE)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\n\r\nabcde",
    ],
)
async def test_answers_of_every_framing_are_read_however_they_arrive(answer: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        for byte in answer:
            peer.writer.write(bytes([byte]))
            await peer.writer.drain()
            await asyncio.sleep(0)
        peer.writer.close()

    async with scripted(script) as server, wired(server.base_url) as wire:
        assert (await wire.send(CHANGE)).body == b"abcde"


async def test_what_comes_after_an_answer_answers_nothing() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled")
        await polite(peer)

    async with scripted(script) as server, wired(server.base_url) as wire:
        assert [(await wire.send(CHANGE)).body for _ in range(2)] == [b"{}", b"{}"]
        assert server.connections == 2


async def test_a_refusal_ends_the_sending_of_a_large_body() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.writer.write(b"HTTP/1.1 412 X\r\nContent-Length: 0\r\n\r\n")
        await peer.reader.read(1)
        await asyncio.Event().wait()

    sent: list[int] = []
    async with scripted(script) as server, wired(server.base_url) as wire:
        with pytest.raises(PailError, match="changed since it was seen"):
            await wire.send(upload(bytes(64 * 1024 * 1024), progress=sent.append))
        assert 0 < sum(sent) < 64 * 1024 * 1024


async def test_a_large_body_arrives_in_order_and_is_counted_once() -> None:
    pieces = [b"a" * 100_000, b"b" * 3_000_000, b"c" * 100]
    counted: list[int] = []

    async def script(peer: Peer) -> None:
        server.requests.append(await peer.request())
        peer.writer.write(b"HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n" if len(server.requests) == 1 else OK)
        await script(peer)

    async with scripted(script) as server, wired(server.base_url) as wire:
        assert (await wire.send(upload(*pieces, progress=counted.append))).status == 200
        assert [one.partition(b"\r\n\r\n")[2] for one in server.requests] == [b"".join(pieces)] * 2
        assert sum(counted) == 3_100_100
        assert len(counted) > 10


class Swallowing(asyncio.Transport):
    """A line with TLS that takes all there is at once."""

    def __init__(self, wanted: int) -> None:
        super().__init__({"ssl_object": object()})
        self.wanted, self.size = wanted, 0
        self.whole = asyncio.Event()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.size += len(data)
        if self.size >= self.wanted:
            self.whole.set()


async def test_a_large_body_leaves_others_on_the_loop_their_turn_though_the_line_takes_all_of_it() -> None:
    taken: list[int] = []
    body = memoryview(bytes(8 * 1024 * 1024))
    transport = Swallowing(len(body))

    async def others() -> None:
        while True:
            taken.append(transport.size)
            await asyncio.sleep(0)

    connection = Connection(asyncio.get_running_loop(), memoryview(bytearray(1)))
    connection.connection_made(transport)
    sending = asyncio.create_task(connection.exchange([b"head", body], limit_s=5))
    watching = asyncio.create_task(others())
    await transport.whole.wait()
    watching.cancel()
    sending.cancel()
    await asyncio.gather(watching, sending, return_exceptions=True)
    assert len(set(taken)) >= 8


@pytest.mark.parametrize("stage", ["head", "body", "sending"])
async def test_a_server_that_falls_silent_is_given_up(stage: str) -> None:
    async def script(peer: Peer) -> None:
        if stage != "sending":
            await peer.request()
        if stage == "body":
            peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        await asyncio.Event().wait()

    async with scripted(script) as server, wired(server.base_url, QUICK_STALL) as wire:
        with pytest.raises(Transient, match="nothing came for too long"):
            await wire.send(upload(bytes(64 * 1024 * 1024)) if stage == "sending" else CHANGE)


async def test_a_slow_line_is_no_stall() -> None:
    size = 4 * 1024 * 1024

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        left = size
        while left:
            left -= len(await peer.reader.read(128 * 1024))
            await asyncio.sleep(0.02)  # the line's speed: in all several times the limit
        peer.writer.write(OK)

    async with (
        scripted(script, receive_buffer=64 * 1024) as server,
        wired(server.base_url, QUICK_STALL) as wire,
    ):
        begun = asyncio.get_running_loop().time()
        assert (await wire.send(upload(bytes(size)))).status == 200
        assert asyncio.get_running_loop().time() - begun > QUICK_STALL.answer_s


async def test_a_stream_that_nobody_reads_is_held_up_and_is_no_stall() -> None:
    size = 64 * 1024 * 1024
    written = 0

    async def script(peer: Peer) -> None:
        nonlocal written
        await peer.request()
        peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(64):
            peer.writer.write(bytes(1024 * 1024))
            await peer.writer.drain()
            written += 1024 * 1024

    async with scripted(script) as server, wired(server.base_url, QUICK_STALL) as wire:
        body = await wire.open_body(READ)
        seen = -1
        while seen != written or not written:  # until it stands still
            seen = written
            await asyncio.sleep(2 * QUICK_STALL.stall_s)
        assert written < size - 8 * 1024 * 1024
        received = 0
        async for piece in body:
            assert len(piece) <= line.HOLD_LIMIT + line.RECEIVE_SIZE
            received += len(piece)
        assert received == size
        await body.close()


def hold_up(seconds: float) -> None:
    """Keep the loop from turning, as a machine does that is busy with something else."""
    time.sleep(seconds)


async def test_a_loop_that_was_held_up_itself_is_no_stall() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        hold_up(3 * QUICK_STALL.stall_s)
        await asyncio.sleep(0)  # the next turn of the loop finds everything due at once
        peer.writer.write(OK)
        await peer.request()

    async with scripted(script) as server, wired(server.base_url, QUICK_STALL) as wire:
        assert (await wire.send(READ)).status == 200


async def test_a_stream_that_is_left_early_closes_its_connection() -> None:
    ended = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(1000))
        await peer.reader.read()
        ended.set()

    async with scripted(script) as server, wired(server.base_url) as wire:
        body = await wire.open_body(READ)
        async for _piece in body:
            break
        await body.close()
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_cancelled_request_closes_its_connection() -> None:
    arrived, ended = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        arrived.set()
        await peer.reader.read()
        ended.set()

    async with scripted(script) as server, wired(server.base_url) as wire:
        task = asyncio.create_task(wire.send(CHANGE))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(ended.wait(), 5)


async def test_closing_ends_what_is_under_way_and_what_waits() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        arrived.release()
        await asyncio.Event().wait()

    arrived = asyncio.Semaphore(0)
    async with scripted(script) as server, wired(server.base_url) as wire:
        tasks = [asyncio.create_task(wire.send(request)) for request in (CHANGE, READ)]
        for _ in tasks:
            await arrived.acquire()
        await wire.close()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in outcomes] == [Interrupted, Interrupted]
        with pytest.raises(Interrupted):
            await wire.send(CHANGE)


@pytest.mark.parametrize(
    "request_",
    [
        Request(Subject("x"), "GET", "/a b"),
        Request(Subject("x"), "GET", "/a\r\nEvil: 1"),
        Request(Subject("x"), "GET", "/a", headers={"Range": "1\r\nEvil: 1"}),
        Request(Subject("x"), "GET", "/a", headers={"Evil\n": "1"}),
    ],
)
async def test_nothing_is_smuggled_into_a_request(request_: Request) -> None:
    async with scripted(polite) as server, wired(server.base_url) as wire:
        with pytest.raises(Rejected):
            await wire.send(request_)
        assert server.connections == 0


class Tokens(Anonymous):
    """An authority with numbered tokens, of which the first is refused."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url, "p")
        self.fetched = self.renewed = 0

    def stamp(self) -> Stamp:
        self.fetched += 1
        return Stamp(self._stamp.base_url, self.renewed, {"Authorization": f"Bearer token-{self.renewed}"})

    def renew(self, refused: Stamp) -> bool:
        if refused.serial == self.renewed:
            self.renewed += 1
        return self.renewed < 5


async def picky(peer: Peer) -> None:
    while True:
        known = b"Bearer token-1\r\n" in await peer.request()
        peer.writer.write(OK if known else b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n")


async def test_a_refused_token_is_renewed_once_for_all_who_were_refused() -> None:
    async with scripted(picky) as server:
        tokens = Tokens(server.base_url)
        async with wired(tokens) as wire:
            replies = await asyncio.gather(*(wire.send(CHANGE) for _ in range(50)))
            assert {reply.status for reply in replies} == {200}
            assert tokens.renewed == 1
            before = tokens.fetched
            await asyncio.gather(*(wire.send(CHANGE) for _ in range(50)))
            assert tokens.fetched == before


async def test_a_token_is_asked_for_again_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gcs.lean.wire.PROOF_S", 0.0)
    async with scripted(polite) as server:
        tokens = Tokens(server.base_url)
        async with wired(tokens) as wire:
            await wire.send(CHANGE)
            await wire.send(CHANGE)
            assert tokens.fetched == 2


async def test_a_token_that_stays_refused_is_an_error_without_the_token() -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            peer.writer.write(b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n")

    async with scripted(script) as server, wired(Tokens(server.base_url)) as wire:
        with pytest.raises(NotAuthenticated) as caught:
            await wire.send(CHANGE)
        assert "token-" not in str(caught.value) + repr(wire._origin)


async def test_nothing_is_left_behind() -> None:
    async with scripted(polite) as server, wired(server.base_url) as wire:
        await asyncio.gather(*(wire.send(READ) for _ in range(20)))
    gc.collect()  # a socket or transport left open would warn, and warnings are errors
    assert len(asyncio.all_tasks()) == 1
