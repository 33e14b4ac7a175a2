"""Small objects created with no object for the request: what is sent, and what follows an answer that is none."""

from __future__ import annotations

import asyncio
import json

import pytest

from services.errors import Rejected, Transient
from services.gcs.data import GoogleData
from services.gcs.failures import Unsent
from services.gcs.inserting import insert_of
from services.gcs.interface import Written
from services.gcs.lean.wire import LeanWire
from services.model import CREATE_ONLY, ObjectInfo, Precondition, WriteAttributes
from tests.services.gcs.lean_support import Peer, Scripted, scripted, wired

ANSWER = json.dumps({"bucket": "b", "name": "näme/1", "size": "7", "generation": "5", "crc32c": "AAAAAA=="}).encode()
MADE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)


def refusal(status: int) -> bytes:
    body = json.dumps({"error": {"code": status, "message": "no"}}).encode()
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


async def put(wire: LeanWire, content: bytes = b"content", *, brief: bool = False) -> ObjectInfo | Written:
    data = GoogleData(wire)
    attributes = WriteAttributes(content_type="text/plain", metadata={"key": "välue"})
    if brief:
        return await data.create("b", "näme/1", content, attributes=attributes, crc32c="AAAAAA==")
    return await data.insert("b", "näme/1", content, attributes=attributes, crc32c="AAAAAA==", precondition=CREATE_ONLY)


def parts(request: bytes) -> tuple[bytes, dict[str, object], bytes]:
    """Return the first line of a request, its resource and its bytes."""
    head, _, body = request.partition(b"\r\n\r\n")
    boundary = head.partition(b"boundary=")[2].partition(b"\r\n")[0]
    before, resource, media, after = body.split(b"--" + boundary)
    assert (before, after) == (b"", b"--\r\n")
    about, content = resource.partition(b"\r\n\r\n")[2], media.partition(b"\r\n\r\n")[2]
    return head.partition(b"\r\n")[0], json.loads(about), content.removesuffix(b"\r\n")


async def warm(wire: LeanWire, server: Scripted) -> None:
    """Have a first request find out where and with what to send; the ones after it take the short way."""
    await put(wire)
    server.requests.clear()


async def answering(server_of: list[Scripted], peer: Peer, answers: list[bytes]) -> None:
    while True:
        server_of[0].requests.append(await peer.request())
        answer = answers.pop(0) if answers else MADE
        if not answer:
            await peer.reset()
            return
        peer.writer.write(answer)


@pytest.mark.parametrize("brief", [False, True])
async def test_the_short_way_says_what_the_long_one_says(brief: bool) -> None:
    servers: list[Scripted] = []
    async with scripted(lambda peer: answering(servers, peer, [])) as server, wired(server.base_url) as wire:
        servers.append(server)
        await put(wire, brief=brief)  # nothing is known of the server yet: the long way
        found = await put(wire, brief=brief)
        await put(wire, bytes(70_000), brief=brief)  # large: the long way
        long, short, large = server.requests
    assert (found.size, found.generation, found.crc32c) == (7, 5, "AAAAAA==")
    assert parts(short) == parts(long)
    line, about, content = parts(short)
    assert content == b"content"
    assert about == {
        "name": "näme/1", "contentType": "text/plain", "metadata": {"key": "välue"}, "crc32c": "AAAAAA=="
    }  # fmt: skip
    told = b"fields=bucket%2Cname%2Csize%2Cgeneration%2Ccrc32c&prettyPrint=false" if brief else b"projection=noAcl"
    name = b"name=n%C3%A4me%2F1"
    assert line == (
        b"POST /upload/storage/v1/b/b/o?uploadType=multipart&%s&%s&ifGenerationMatch=0 HTTP/1.1" % (name, told)
    )
    assert parts(large)[2] == bytes(70_000)


async def test_bytes_that_hold_the_boundary_are_kept_apart_by_another_one() -> None:
    servers: list[Scripted] = []
    async with scripted(lambda peer: answering(servers, peer, [])) as server, wired(server.base_url) as wire:
        servers.append(server)
        await warm(wire, server)
        await put(wire)
        content = server.requests[0].partition(b"boundary=")[2].partition(b"\r\n")[0]
        assert content.startswith(b"pail-")
        await put(wire, content)
        assert parts(server.requests[1])[2] == content


async def test_a_lost_answer_is_told_and_nothing_is_sent_again() -> None:
    servers: list[Scripted] = []
    answers = [MADE, b""]
    async with scripted(lambda peer: answering(servers, peer, answers)) as server, wired(server.base_url) as wire:
        servers.append(server)
        await warm(wire, server)
        with pytest.raises(Transient, match="cannot write gs://b/näme/1: the connection broke") as caught:
            await put(wire)
        assert not isinstance(caught.value, Unsent)
        assert len(server.requests) == 1
        assert wire.operations.counts().by_operation == {"objects.insert": 2}


@pytest.mark.parametrize(("status", "times"), [(503, 1), (429, 2), (400, 1)])
async def test_a_refusal_is_taken_as_everywhere(status: int, times: int) -> None:
    servers: list[Scripted] = []
    answers = [MADE, refusal(status)]
    async with scripted(lambda peer: answering(servers, peer, answers)) as server, wired(server.base_url) as wire:
        servers.append(server)
        await warm(wire, server)
        if times > 1:
            assert (await put(wire)).generation == 5
        else:
            with pytest.raises((Transient, Rejected)):
                await put(wire)
        assert len(server.requests) == times
        assert wire.operations.counts().by_operation == {"objects.insert": 1 + times}


async def test_a_connection_that_was_closed_in_the_meantime_is_not_used() -> None:
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(MADE)
        await peer.request()
        peer.writer.write(MADE)
        if peer.number == 1:
            peer.writer.close()
            await peer.writer.wait_closed()
            closed.set()
        else:
            await peer.request()

    async with scripted(script) as server, wired(server.base_url) as wire:
        await put(wire)
        await put(wire)
        await closed.wait()
        await asyncio.sleep(0.01)  # any turn of the loop would do
        assert (await put(wire)).generation == 5
        assert server.connections == 2


async def test_an_answer_that_is_none_is_no_success() -> None:
    servers: list[Scripted] = []
    answers = [MADE, b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n<login>"]
    async with scripted(lambda peer: answering(servers, peer, answers)) as server, wired(server.base_url) as wire:
        servers.append(server)
        await warm(wire, server)
        with pytest.raises(Transient):
            await put(wire)


def test_nothing_of_a_name_or_a_type_gets_into_the_head() -> None:
    hostile = "a b\u2028&uploadType=x#?"
    what = insert_of("b", hostile, b"", WriteAttributes(content_type="a\r\nb"), "", Precondition(generation=7))
    assert " " not in what.path
    assert what.path.count("uploadType=") == 1
    assert "#" not in what.path
    assert what.path.endswith("&ifGenerationMatch=7")
    assert what.media_type == "application/octet-stream"
    assert "\r" not in what.resource
    with pytest.raises(Rejected):
        insert_of("b", "a\nb", b"", WriteAttributes(), "", CREATE_ONLY)
