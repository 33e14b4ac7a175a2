"""The road on the event loop: no thread, no object of a library, and no copy that is not needed for a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, NamedTuple, TypeVar

from services import __version__
from services.errors import Rejected
from services.gcs.auth import Authority, Stamp
from services.gcs.body import StoredBody, fetched
from services.gcs.exchange import STORED, Body, Exchange, First, Limits, Reply, Request, media_request
from services.gcs.inserting import Insert, new_boundary, related
from services.gcs.interface import Fetched
from services.gcs.lean.body import LeanBody
from services.gcs.lean.connection import JOIN_LIMIT
from services.gcs.lean.dial import Dialler
from services.gcs.lean.faults import from_line
from services.gcs.lean.pool import Pool
from services.gcs.lean.receiving import LineError
from services.gcs.lean.route import find_route
from services.gcs.paths import DOWNLOAD, object_path
from services.gcs.pool import ThreadPool

T = TypeVar("T")

CONNECTIONS: Final = 384
"""Connections at most: enough for 256 small objects under way beside lists and streams, and below the 1,024 open files
that a process usually may have."""

PROOF_S: Final = 60.0
"""Seconds after which the authority is asked again for address and proof.  It knows when a token ends; google-auth
renews one 225 s before that (google.auth._helpers.REFRESH_THRESHOLD), so none is used that has ended."""

BLOCKING_THREADS: Final = 8
"""Threads for what blocks: fetching tokens, starting an embedded store, signing."""


class Origin(NamedTuple):
    """A server, and all of a request's head that is the same for each one."""

    stamp: Stamp
    """Address and proof."""
    pool: Pool
    """Connections with it."""
    prefix: str
    """What precedes paths: nothing, or the address where a plain proxy is asked."""
    fixed: str
    """Headers, the last line ended: a secret."""
    breaks: int
    """How many lines they are."""
    media: str
    """What follows the first line of a request for an object's bytes: a secret."""

    def __repr__(self) -> str:
        return f"Origin({self.stamp!r})"


class LeanWire(Exchange):
    """Sends requests on the event loop; it belongs to the loop on which it is first used."""

    def __init__(self, authority: Authority, limits: Limits, *, direct: bool) -> None:
        super().__init__(authority, limits)
        self._direct = direct
        self._threads = ThreadPool("pail-lean", BLOCKING_THREADS)
        self._pools: dict[str, Pool] = {}
        self._origin: Origin | None = None
        self._proven = 0.0
        self._proving: asyncio.Lock = asyncio.Lock()
        boundary = new_boundary()
        self._boundary = boundary.encode("ascii")
        self._related = f"Content-Type: {related(boundary)}\r\n"

    async def blocking(self, work: Callable[[], T]) -> T:
        """Run something else that blocks, such as signing, in a thread."""
        return await self._threads.run(work)

    async def fetch(self, bucket: str, name: str, generation: int | None) -> Fetched:
        """Return a small object whole, as stored; raises `PailError`.

        The first attempt is made with no object for the request, which is most of what a small one costs.
        """
        origin = self._origin
        if origin is None or self._payers or generation is None or asyncio.get_running_loop().time() >= self._proven:
            reply = await self.send(media_request(bucket, name, generation))
        else:
            path = object_path(bucket, name, root=DOWNLOAD)
            text = f"GET {origin.prefix}{path}?alt=media&generation={generation} HTTP/1.1\r\n{origin.media}"
            self.operations.add("objects.get")
            try:
                reply = await self._small(origin.pool, text.encode("latin-1"), self.limits.stall_s)
            except LineError as fault:
                reply = await self._after(origin, media_request(bucket, name, generation), fault)
            if reply.status >= 300:
                reply = await self._after(origin, media_request(bucket, name, generation), reply)
        return fetched(reply.headers, reply.body)

    async def insert(self, what: Insert) -> Reply:
        """Return the answer to what creates a small object; raises `PailError`.

        Here, too, the first attempt is made with no object for the request, where nobody has to see its progress.
        """
        origin, boundary, size = self._origin, self._boundary, len(what.data)
        if origin is None or self._payers or what.progress is not None or size > JOIN_LIMIT or boundary in what.data:
            return await self.send(what.request())
        if asyncio.get_running_loop().time() >= self._proven:
            return await self.send(what.request())
        head, tail = what.frame(boundary.decode("ascii"))
        text = (
            f"POST {origin.prefix}{what.path} HTTP/1.1\r\n{origin.fixed}{self._related}"
            f"Content-Length: {len(head) + size + len(tail)}\r\n\r\n{head}"
        )
        self.operations.add("objects.insert")
        request = b"".join((text.encode("latin-1"), what.data, tail.encode("ascii")))
        try:
            reply = await self._small(origin.pool, request, self.limits.answer_s)
        except LineError as fault:
            return await self._after(origin, what.request(), fault)
        return reply if reply.status < 300 else await self._after(origin, what.request(), reply)

    async def _small(self, pool: Pool, request: bytes, limit_s: float) -> Reply:
        """Return the answer to a request that leaves at once; raises `LineError`."""
        connection = pool.take_warm() or await pool.acquire()
        waiter = connection.ask(request, limit_s)
        try:
            head, body = await waiter
            return Reply(head.status, head.headers, body)
        finally:
            connection.asked(waiter)
            pool.release(connection)

    async def _after(self, origin: Origin, request: Request, came: Reply | LineError) -> Reply:
        """Return what comes of a request whose first attempt was refused or failed; raises `PailError`."""
        first = First(origin.stamp)
        if isinstance(came, LineError):
            first.fault = from_line(request.subject, came)
        else:
            first.reply = came
        found = await self._attempts(request, stream=False, first=first)
        assert isinstance(found, Reply)
        return found

    async def renew(self, refused: Stamp) -> bool:
        """Get a newer proof after `refused` was; False where there is none."""
        self._proven = 0.0
        return await super().renew(refused)

    async def moved(self, unreachable: Stamp) -> bool:
        """Look for a new address after nobody answered; False where it is fixed."""
        self._proven = 0.0
        return await super().moved(unreachable)

    async def close(self) -> None:
        """Give up what is under way and close every connection."""
        self._threads.close()
        for pool in self._pools.values():
            await pool.close()

    async def _try(self, request: Request, stamps: list[Stamp], *, stream: bool) -> Reply | StoredBody:
        origin = self._origin
        if origin is None or asyncio.get_running_loop().time() >= self._proven:
            origin = await self._prove()
        stamps.append(origin.stamp)
        pieces, left = self._encode(request, origin)
        pool = origin.pool
        try:
            connection = await pool.acquire()
        except LineError as fault:
            raise from_line(request.subject, fault) from fault
        handed_on = False
        try:
            # A read is soon asked for anew; a change is waited for, since nobody would know what became of it.
            limit_s = self.limits.stall_s if stream or request.repeatable else self.limits.answer_s
            head, body = await connection.exchange(pieces, limit_s=limit_s, stream=stream, sent=left)
            if stream and head.status in (200, 206):
                handed_on = True
                return LeanBody(request.subject, head, connection, pool)
            return Reply(head.status, head.headers, body)
        except LineError as fault:
            raise from_line(request.subject, fault) from fault
        finally:
            if not handed_on:
                pool.release(connection)

    async def _prove(self) -> Origin:
        """Return where to send and with what, asking the authority once for all who wait."""
        loop = asyncio.get_running_loop()
        async with self._proving:
            if self._origin is not None and loop.time() < self._proven:
                return self._origin
            asked = loop.time()
            stamp = await self.blocking(self.authority.stamp)
            if self._origin is None or self._origin.stamp is not stamp:
                self._origin = await self._make_origin(stamp)
            self._proven = asked + PROOF_S
            return self._origin

    async def _make_origin(self, stamp: Stamp) -> Origin:
        route = find_route(stamp.base_url, direct=self._direct)
        pool = self._pools.get(stamp.base_url)
        if pool is None:
            # The store is at a new address: whatever hangs on the old one hangs on a server that has ended.
            for old in self._pools.values():
                await old.close()
            tick_s = min(1.0, min(self.limits.stall_s, self.limits.answer_s) / 4)
            pool = Pool(Dialler(route, connect_s=self.limits.connect_s), size=CONNECTIONS, tick_s=tick_s)
            self._pools = {stamp.base_url: pool}
        headers = {"Host": route.target.netloc, "User-Agent": f"pail/{__version__}", **stamp.headers}
        if route.proxy_authorization and not route.tunnelled:
            headers["Proxy-Authorization"] = route.proxy_authorization
        fixed = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        media = f"{fixed}{_lines(STORED)}\r\n"
        return Origin(stamp, pool, route.request_prefix, fixed, fixed.count("\n"), media)

    def _encode(
        self, request: Request, origin: Origin
    ) -> tuple[list[bytes | memoryview], Callable[[int, int], None] | None]:
        """Return head and body of a request in pieces, and whom to tell of what has left."""
        target = request.path + request.query(self.payer(*request.subject.buckets))
        headers = _lines(request.headers)
        body = request.body
        size = "" if body is None and request.method in ("GET", "DELETE") else f"Content-Length: {len(body or b'')}\r\n"
        text = f"{request.method} {origin.prefix}{target} HTTP/1.1\r\n{origin.fixed}{headers}{size}\r\n"
        # Every line break is one of ours, or something was smuggled in (RFC 9112, section 11.1).
        if text.count("\n") != origin.breaks + len(request.headers) + bool(size) + 2 or " " in target:
            raise Rejected(request.subject.failed("the request has a line break or a blank where none may be"))
        pieces: list[bytes | memoryview] = [text.encode("latin-1")]
        if isinstance(body, Body):
            tally = body.tally()
            return pieces + body.pieces, partial(_left, tally)
        if body:
            pieces.append(body)
        return pieces, None


def _lines(headers: Mapping[str, str]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()])


def _left(tally: Callable[[int, int], None], index: int, count: int) -> None:
    if index:  # the first piece is the head
        tally(index - 1, count)
