"""TLS and proxies, with real certificates and a proxy that a test can read along."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

import pytest

from services.errors import Forbidden, Unsafe
from services.gcs.failures import Unsent
from tests.services.gcs.certificates import self_signed
from tests.services.gcs.lean_support import CHANGE, OK, READ, Peer, Script, scripted, upload, wired


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    trusted, context = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    return context


async def polite(peer: Peer) -> None:
    while True:
        await peer.request()
        peer.writer.write(OK)


async def echo(peer: Peer) -> None:
    while True:
        body = (await peer.request()).partition(b"\r\n\r\n")[2]
        peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def tunnel(heads: list[bytes]) -> Script:
    """A proxy that notes what it is asked, and passes on what it cannot read."""

    async def script(peer: Peer) -> None:
        heads.append(await peer.reader.readuntil(b"\r\n\r\n"))
        host, _, port = heads[-1].split()[1].decode().rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        peer.writer.write(b"HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n")

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            target.transport.abort()

        try:
            await asyncio.gather(pump(peer.reader, writer), pump(reader, peer.writer))
        finally:
            writer.transport.abort()

    return script


async def test_large_bodies_pass_through_tls_both_ways(tls: ssl.SSLContext) -> None:
    data = bytes(range(256)) * 40_000
    async with scripted(echo, tls) as server, wired(server.base_url) as wire:
        replies = await asyncio.gather(*(wire.send(upload(data)) for _ in range(4)))
        assert all(reply.body == data for reply in replies)


async def test_an_unknown_certificate_is_not_trusted(tmp_path: Path) -> None:
    _trusted, context = self_signed(tmp_path)
    async with scripted(polite, context) as server, wired(server.base_url) as wire:
        with pytest.raises(Unsafe, match=r"the certificate of localhost:\d+ is not trusted") as caught:
            await wire.send(READ)
        assert "SSL_CERT_FILE" in caught.value.remedy
        assert server.requests == []


async def test_a_certificate_of_another_host_is_not_trusted(tls: ssl.SSLContext) -> None:
    async with scripted(polite, tls) as server, wired(server.base_url.replace("localhost", "127.0.0.1")) as wire:
        with pytest.raises(Unsafe, match="not trusted"):
            await wire.send(READ)


async def test_a_server_without_tls_is_named() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(1)
        peer.writer.write(b"HTTP/1.1 400 X\r\n\r\n")
        await peer.writer.drain()

    async with scripted(script) as server, wired(server.base_url.replace("http:", "https:")) as wire:
        with pytest.raises(Unsent, match="no encrypted connection with 127"):
            await wire.send(CHANGE)


async def test_https_goes_through_a_tunnel_that_the_proxy_cannot_read(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[bytes] = []
    data = bytes(range(256)) * 4_000
    async with scripted(echo, tls) as server, scripted(tunnel(heads)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:secret@127.0.0.1:{proxy.port}")
        async with wired(server.base_url, direct=False) as wire:
            assert (await wire.send(upload(data))).body == data
            assert (await wire.send(upload(b"again"))).body == b"again"
        where = f"localhost:{server.port}".encode()
        assert heads == [
            b"CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic YWRhOnNlY3JldA==\r\n\r\n" % (where, where)
        ]


async def test_a_proxy_may_itself_speak_tls(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []
    async with scripted(echo, tls) as server, scripted(tunnel(heads), tls) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.base_url)
        async with wired(server.base_url, direct=False) as wire:
            assert (await wire.send(upload(b"x" * 200_000))).body == b"x" * 200_000
        assert len(heads) == 1


async def test_http_is_asked_of_the_proxy_by_whole_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(peer: Peer) -> None:
        while True:
            proxy.requests.append(await peer.request())
            peer.writer.write(OK)

    async with scripted(script) as proxy:
        monkeypatch.setenv("http_proxy", f"http://ada:secret@127.0.0.1:{proxy.port}")
        async with wired("http://storage.example:4443", direct=False) as wire:
            await wire.send(READ)
        head = proxy.requests[0]
        assert head.startswith(b"GET http://storage.example:4443/x HTTP/1.1\r\nHost: storage.example:4443\r\n")
        assert b"Proxy-Authorization: Basic YWRhOnNlY3JldA==\r\n" in head


async def test_a_proxy_that_refuses_is_told_from_one_that_is_away(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.writer.write(b"HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n")
        await peer.reader.read()

    async with scripted(polite, tls) as server, scripted(script) as proxy:
        monkeypatch.setenv("https_proxy", f"http://ada:secret@127.0.0.1:{proxy.port}")
        async with wired(server.base_url, direct=False) as wire:
            with pytest.raises(Forbidden, match=r"the proxy refuses \(it answered 407\)") as caught:
                await wire.send(CHANGE)
            assert "secret" not in str(caught.value)
            assert "HTTPS_PROXY" in caught.value.remedy
        assert server.connections == 0
    async with wired("https://storage.example", direct=False) as wire:
        with pytest.raises(Unsent, match="the proxy cannot be reached"):
            await wire.send(CHANGE)
