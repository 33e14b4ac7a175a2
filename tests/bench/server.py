"""A fast server for measurements: the part of the JSON API that rclone and Pail use, over objects in memory.

It checks and keeps what a measurement needs and nothing else; correctness is what the embedded store is for.  A profile
of a distant service (`delay_s` for each request, `rate` bytes a second for each stream) can be laid over it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import secrets
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import httptools

from services import checksum
from tests.bench.arena import Arena, Room
from tests.bench.bucket import Bucket, Stored

SEND_PIECE: Final = 256 * 1024
"""Bytes of a body that are handed to the socket at once."""

RECEIVE_SIZE: Final = 256 * 1024
"""Bytes that are received at once."""

PATTERN: Final = bytes(range(256)) * 1024
"""What filled objects are made of: 256 KiB."""


@dataclass(slots=True)
class World:
    """All that a server knows."""

    delay_s: float = 0.0
    """Seconds before each request is answered."""
    rate: float = 0.0
    """Bytes a second that one stream carries; 0 for as many as it can."""
    base: str = ""
    """Its own address."""
    buckets: dict[str, Bucket] = field(default_factory=dict)
    """Buckets by name; one that is named comes into being."""
    sessions: dict[str, tuple[Bucket, Stored]] = field(default_factory=dict)
    """Resumable sessions."""
    requests: int = 0
    """Requests answered."""
    arena: Arena = field(default_factory=Arena)
    """Where the bodies of uploads lie."""
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(RECEIVE_SIZE)))
    """What all connections receive everything else into."""

    def bucket(self, name: str) -> Bucket:
        """Return a bucket."""
        return self.buckets.setdefault(name, Bucket(name))

    def forget(self) -> None:
        """Be as at the beginning, but with the memory at hand."""
        self.buckets.clear()
        self.sessions.clear()
        self.arena.rewind()

    def digest(self) -> None:
        """Compute the MD5 of what was uploaded in parts: an upload that waited for it would measure the server."""
        for bucket in self.buckets.values():
            bucket.digest()


@dataclass(slots=True)
class Call:
    """One request, and what takes its body."""

    method: str
    path: str
    url: str
    query: dict[str, str]
    headers: dict[str, str]
    body: list[bytes] = field(default_factory=list)
    upload: Stored | None = None


class Peer(asyncio.BufferedProtocol):
    """One connection.

    What the body of an upload still lacks is received where it is kept: the server would be the limit otherwise.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.loop = asyncio.get_running_loop()
        self.parser = httptools.HttpRequestParser(self)
        self.url = b""
        self.headers: dict[str, str] = {}
        self.call: Call | None = None
        self.transport: asyncio.Transport = None  # type: ignore[assignment]
        self.resumed = asyncio.Event()
        self.resumed.set()
        self.task: asyncio.Task[None] | None = None
        self.left = 0
        self.room: Room | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.world.buffer if self.room is None else self.room.free[:RECEIVE_SIZE]

    def buffer_updated(self, nbytes: int) -> None:
        if self.room is None:
            self.parser.feed_data(self.world.buffer[:nbytes])
            if self.left and self.call is not None and self.call.upload is not None:
                self.room = self.world.arena.room(self.left)
        else:
            self.room.take(nbytes)
            if not len(self.room.free):
                self._body_kept(self.room)
        if self.world.rate and nbytes > 16384:
            self.transport.pause_reading()
            self.loop.call_later(nbytes / self.world.rate, self._go_on)

    def _body_kept(self, room: Room) -> None:
        assert self.call is not None
        assert self.call.upload is not None
        self.call.upload.keep(room.view, room.crc(self.call.upload.crc))
        self.room, self.left = None, 0
        self.parser = httptools.HttpRequestParser(self)  # the old one still waits for this body
        self.on_message_complete()

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.resumed.set()
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        self.resumed.clear()

    def resume_writing(self) -> None:
        self.resumed.set()

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        url = self.url.decode("latin-1")
        path, _, query = url.partition("?")
        method = self.parser.get_method().decode()
        self.call = Call(method, path, url, dict(parse_qsl(query)), self.headers)
        self.url, self.headers = b"", {}
        session = self.world.sessions.get(self.call.query.get("upload_id", ""))
        if session is not None:
            self.call.upload = session[1]
            self.left = int(self.call.headers.get("content-length", "0"))
        if self.call.headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        assert self.call is not None
        if self.call.upload is not None:
            self.call.upload.take(body)
            self.left = max(0, self.left - len(body))
        else:
            self.call.body.append(body)

    def on_message_complete(self) -> None:
        call, self.call = self.call, None
        assert call is not None
        if self.world.delay_s:
            self.loop.call_later(self.world.delay_s, self._answer, call)
        else:
            self._answer(call)

    def _answer(self, call: Call) -> None:
        if not self.transport.is_closing():
            self.world.requests += 1
            respond(self, call)

    # What the handlers call.

    def send(self, status: int, body: bytes = b"", *headers: str, kind: str = "application/json") -> None:
        """Answer with a whole body."""
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", f"Content-Type: {kind}", *headers, "", ""]
        self.transport.write("\r\n".join(lines).encode("latin-1") + body)

    def send_object(self, call: Call, stored: Stored) -> None:
        """Answer with the bytes of an object, or a range of them."""
        start, end, status = 0, stored.size, 200
        wanted = call.headers.get("range", "")
        if wanted.startswith("bytes="):
            low, _, high = wanted[6:].partition("-")
            status, start = 206, int(low) if low else max(0, stored.size - int(high))
            end = min(stored.size, int(high) + 1) if low and high else stored.size
        lines = [
            f"HTTP/1.1 {status} X",
            f"Content-Length: {end - start}",
            f"Content-Type: {stored.content_type}",
            f"X-Goog-Generation: {stored.generation}",
            "X-Goog-Metageneration: 1",
            f"X-Goog-Hash: crc32c={checksum.encode(stored.crc)}{stored.md5 and f',md5={stored.md5}'}",
            f"X-Goog-Stored-Content-Length: {stored.size}",
            "X-Goog-Stored-Content-Encoding: identity",
        ]
        lines += [f"Content-Range: bytes {start}-{end - 1}/{stored.size}"] if status == 206 else []
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if end - start <= SEND_PIECE:
            self.transport.write(head + b"".join(_cut(stored, start, end)))
        else:
            self.transport.write(head)
            self.task = self.loop.create_task(self._stream(stored, start, end))

    async def _stream(self, stored: Stored, start: int, end: int) -> None:
        rate = self.world.rate
        due = self.loop.time()
        for piece in _cut(stored, start, end):
            self.transport.write(piece)
            await self.resumed.wait()
            if rate:
                due += len(piece) / rate
                await asyncio.sleep(max(0.0, due - self.loop.time()))


def _cut(stored: Stored, start: int, end: int) -> list[memoryview]:
    found = []
    position = 0
    for piece in stored.pieces:
        low, high = max(start - position, 0), min(end - position, len(piece))
        if low < high:
            view = memoryview(piece)[low:high]
            found += [view[at : at + SEND_PIECE] for at in range(0, len(view), SEND_PIECE)]
        position += len(piece)
    return found


def respond(peer: Peer, call: Call) -> None:
    """Find what a request means, and answer it."""
    words = [unquote(word) for word in call.path.strip("/").split("/")]
    if words[:2] == ["batch", "storage"]:
        _batch(peer, call)
    elif "upload" in words[:1]:
        _upload(peer, call, peer.world.bucket(words[4]))
    elif "b" in words:
        _object(peer, call, words[words.index("b") + 1 :])
    else:
        peer.send(404, b"{}")


def _object(peer: Peer, call: Call, words: list[str]) -> None:
    bucket = peer.world.bucket(words[0])
    if len(words) == 1 or words[1] != "o":
        about = {"kind": "storage#bucket", "name": bucket.name, "metageneration": "1", "storageClass": "STANDARD"}
        peer.send(200, json.dumps(about).encode())
    elif len(words) == 2:
        peer.send(200, bucket.page(call.url, call.query, peer.world.base))
    elif words[3:] == ["compose"]:
        _compose(peer, call, bucket, words[2])
    elif len(words) > 3:
        _copy(peer, bucket, words[2], words[3:])
    elif (stored := bucket.objects.get(words[2])) is None:
        peer.send(404, b'{"error":{"code":404,"message":"No such object"}}')
    elif call.method == "DELETE":
        bucket.remove(stored.name)
        peer.send(204)
    elif call.query.get("alt") == "media":
        peer.send_object(call, stored)
    else:
        peer.send(200, json.dumps(stored.resource(bucket.name, peer.world.base)).encode())


def _copy(peer: Peer, bucket: Bucket, name: str, words: list[str]) -> None:
    """`rewriteTo/b/B/o/N`, `copyTo/b/B/o/N`, `moveTo/o/N`."""
    source = bucket.objects.get(name)
    if source is None:
        peer.send(404, b'{"error":{"code":404,"message":"No such object"}}')
        return
    target = peer.world.bucket(words[2]) if words[1] == "b" else bucket
    copy = source.again(words[-1])
    target.put(copy)
    found: dict[str, Any] = copy.resource(target.name, peer.world.base)
    if words[0] == "moveTo":
        bucket.remove(name)
    if words[0] == "rewriteTo":
        size = str(copy.size)
        found = {
            "kind": "storage#rewriteResponse",
            "done": True,
            "objectSize": size,
            "totalBytesRewritten": size,
            "resource": found,
        }
    peer.send(200, json.dumps(found).encode())


def _compose(peer: Peer, call: Call, bucket: Bucket, name: str) -> None:
    asked = json.loads(b"".join(call.body))
    sources = [source["name"] for source in asked["sourceObjects"]]
    made = bucket.compose(name, sources, asked.get("destination", {}).get("metadata", {}))
    if made is None:
        peer.send(404, b'{"error":{"code":404,"message":"No such object"}}')
    else:
        peer.send(200, json.dumps(made.resource(bucket.name, peer.world.base)).encode())


def _upload(peer: Peer, call: Call, bucket: Bucket) -> None:
    if call.upload is not None and call.method == "DELETE":
        del peer.world.sessions[call.query["upload_id"]]
        peer.send(499)
    elif call.upload is not None:
        _part(peer, call)
    if call.upload is not None:
        return
    kind = call.query.get("uploadType")
    if kind == "resumable":
        key = secrets.token_hex(8)
        about = json.loads(b"".join(call.body) or b"{}")
        stored = Stored(call.query.get("name") or about["name"], metadata=about.get("metadata", {}))
        peer.world.sessions[key] = (bucket, stored)
        where = f"{peer.world.base}/upload/storage/v1/b/{bucket.name}/o?uploadType=resumable&upload_id={key}"
        peer.send(200, b"", f"Location: {where}")
        return
    about, content = _parts(call)
    stored = Stored(call.query.get("name") or about["name"], metadata=about.get("metadata", {}))
    stored.take(content)
    stored.digest()
    bucket.put(stored)
    found = stored.resource(bucket.name, peer.world.base)
    if "fields" in call.query:
        found = {name: found[name] for name in call.query["fields"].split(",")}
    peer.send(200, json.dumps(found).encode())


def _parts(call: Call) -> tuple[dict[str, Any], bytes]:
    """Take `multipart/related` apart: the resource and the bytes."""
    boundary = call.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    body = b"".join(call.body)
    first = body.index(b"\r\n\r\n") + 4
    middle = body.index(b"--" + boundary, first)
    second = body.index(b"\r\n\r\n", middle) + 4
    end = body.rindex(b"\r\n--" + boundary)
    return json.loads(body[first:middle]), body[second:end]


def _part(peer: Peer, call: Call) -> None:
    session = peer.world.sessions.get(call.query["upload_id"])
    if session is None:  # it was cancelled while this part was on its way
        peer.send(410)
        return
    bucket, stored = session
    total = call.headers.get("content-range", "").rpartition("/")[2]
    if total.isdecimal() and stored.size >= int(total):
        del peer.world.sessions[call.query["upload_id"]]
        bucket.put(stored)
        peer.send(200, json.dumps(stored.resource(bucket.name, peer.world.base)).encode())
        return
    # Go's library asks not to be told 308, which proxies mistake for a redirection.
    polite = "x-guploader-no-308" in call.headers
    lines = ["X-Http-Status-Code-Override: 308"] if polite else []
    lines += [f"Range: bytes=0-{stored.size - 1}"] if stored.size else []
    peer.send(200 if polite else 308, b"", *lines)


def _batch(peer: Peer, call: Call) -> None:
    boundary = call.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    answers = []
    for part in b"".join(call.body).split(b"--" + boundary)[1:-1]:
        head, _, rest = part.partition(b"\r\n\r\n")
        marker = head.lower().partition(b"content-id:")[2].partition(b"\r\n")[0].strip(b" <>").decode()
        words = [unquote(word) for word in urlsplit(rest.split(b" ", 2)[1].decode()).path.strip("/").split("/")]
        bucket, found = peer.world.bucket(words[3]), ""
        if len(words) > 6:
            status, found = _batched_move(bucket, words[5], words[-1])
        else:
            status = "204 No Content" if bucket.remove(words[5]) else "404 Not Found"
        answers.append(
            f"--answer\r\nContent-Type: application/http\r\nContent-ID: <response-{marker}>\r\n\r\n"
            f"HTTP/1.1 {status}\r\nContent-Length: {len(found)}\r\n\r\n{found}\r\n"
        )
    peer.send(200, ("".join(answers) + "--answer--\r\n").encode(), kind="multipart/mixed; boundary=answer")


def _batched_move(bucket: Bucket, name: str, target: str) -> tuple[str, str]:
    """Rename an object; returns the status, and the fields that Pail asks for."""
    source = bucket.objects.get(name)
    if source is None or target in bucket.objects:
        return ("404 Not Found" if source is None else "412 Precondition Failed"), ""
    copy = source.again(target)
    bucket.put(copy)
    bucket.remove(name)
    fields = {"name": target, "bucket": bucket.name, "generation": str(copy.generation), "metageneration": "1"}
    return "200 OK", json.dumps({**fields, "size": str(copy.size), "crc32c": checksum.encode(copy.crc)})


def fill(bucket: Bucket, count: int, size: int) -> None:
    """Put `count` objects of `size` bytes in place, in folders of 1,000."""
    for index in range(count):
        stored = Stored(f"data/{index // 1000:04d}/file-{index:07d}.bin")
        for at in range(0, size, len(PATTERN)):
            stored.take(PATTERN[: size - at])
        bucket.put(stored)


async def serve(
    world: World, port: int, context: ssl.SSLContext | None, announce: Callable[[str], None]
) -> None:  # pragma: no cover - runs in its own process
    """Serve until SIGTERM; SIGUSR1 makes it forget everything, SIGUSR2 compute each MD5 that it does not know."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Peer(world), "127.0.0.1", port, ssl=context, backlog=1024)
    number = server.sockets[0].getsockname()[1]
    world.base = f"{'https' if context else 'http'}://{'localhost' if context else '127.0.0.1'}:{number}"
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, world.forget)
    loop.add_signal_handler(signal.SIGUSR2, world.digest)
    announce(world.base)
    await stop.wait()
    server.close()


def main() -> None:
    """Run a server; the first line on standard output is its address, the last one what it used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds for each request")
    parser.add_argument("--rate", type=float, default=0.0, help="bytes a second for each stream")
    parser.add_argument("--fill", action="append", default=[], metavar="BUCKET:COUNT:SIZE")
    parser.add_argument("--room", type=int, default=0, help="bytes of uploads that memory is made ready for")
    parser.add_argument("--tls", default="", metavar="FILE", help="certificate and key")
    options = parser.parse_args()
    world = World(options.delay, options.rate, arena=Arena(options.room))
    for text in options.fill:
        name, count, size = text.split(":")
        fill(world.bucket(name), int(count), int(size))
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls)
    asyncio.run(serve(world, options.port, context, lambda address: print(address, flush=True)))
    used = resource.getrusage(resource.RUSAGE_SELF)
    json.dump({"cpu_s": used.ru_utime + used.ru_stime, "requests": world.requests}, sys.stdout)


if __name__ == "__main__":
    main()
