"""The ASGI application: guards, operations, errors and faults around them.

Guards (hazard 62): the `Host` must be this machine's loopback, so that no foreign name can be rebound to it; an
`Origin` must be the store's own; and the run's token is asked for unless the store is open.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final

from services.localstore.api_error import ApiError
from services.localstore.faults import Fault, Faults
from services.localstore.http import Disconnected, Request, Response, error_response, parse_query
from services.localstore.routes import apply_fields, dispatch, resolve
from services.localstore.store import Store

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TRANSPORT_KEY: Final = "pail.transport"
"""Where the server's protocol leaves the connection's transport in the scope."""

STALL_LIMIT_S: Final = 3600.0
"""Seconds after which a planted stall without an end gives up."""

_LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)
_log = logging.getLogger("pail.localstore")


class Application:
    """Answers every request of one store."""

    def __init__(self, store: Store, *, token: str | None, faults: Faults | None = None) -> None:
        self._store = store
        self._token = token
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        exchange = _Exchange(scope, receive, send)
        try:
            await self._answer(exchange)
        except Disconnected:
            return
        except asyncio.CancelledError:
            # The store is stopping, and this request has had its time.
            exchange.abort()
        except Exception as error:  # noqa: BLE001 - the last guard before the wire; it is logged
            # Once an answer has begun, a broken connection is the only honest way to say that it failed.
            _log.exception("answering failed: %s", type(error).__name__)
            exchange.abort()

    async def _answer(self, exchange: _Exchange) -> None:
        try:
            self._guard(exchange.headers)
            request = exchange.request()
            route = resolve(request)
        except ApiError as error:
            await exchange.send(error_response(error))
            return
        exchange.faults = self._faults.take(route.operation) if self._faults else []
        if await exchange.struck("before"):
            return
        try:
            response = apply_fields(route, request, await dispatch(self._store, route, request))
        except ApiError as error:
            response = error_response(error)
        except (Disconnected, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the client gets a 500, the log the cause
            _log.exception("%s failed: %s", route.operation, type(error).__name__)
            response = error_response(ApiError(500, "We encountered an internal error. Please try again."))
        try:
            if not await exchange.struck("after"):
                await exchange.send(response)
        finally:
            if response.close is not None:
                await response.close()

    def _guard(self, headers: dict[str, str]) -> None:
        if not _LOOPBACK.fullmatch(headers.get("host", "")):
            raise ApiError(403, "The Host header does not name this machine's loopback.")
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers['host']}":
            raise ApiError(403, "Requests of other origins are refused.")
        if self._token is None:
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token.encode()):
            raise ApiError(
                401,
                "This store asks for its token.",
                headers=(("WWW-Authenticate", 'Bearer realm="pail"'),),
            )


class _Exchange:
    """One request and its answer on the wire, with the faults that strike them."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}
        self.faults: list[Fault] = []

    def request(self) -> Request:
        """Take the scope apart; raises `ApiError` 400."""
        raw_query = self._scope["query_string"].decode("latin-1")
        return Request(
            method=self._scope["method"],
            path=self._scope["raw_path"].decode("latin-1"),
            query=parse_query(raw_query) if raw_query else {},
            raw_query=raw_query,
            headers=self.headers,
            stream=self._chunks,
            base_url=f"http://{self.headers['host']}",
            abort=self.abort,
        )

    def abort(self) -> None:
        """Cut the connection without a word."""
        transport = self._scope.get(TRANSPORT_KEY)
        if transport is not None:
            transport.abort()

    def _gone(self) -> bool:
        transport = self._scope.get(TRANSPORT_KEY)
        return transport is not None and transport.is_closing()

    async def struck(self, stage: str) -> bool:
        """Let the faults of a stage strike; return whether the exchange is over."""
        for fault in self.faults:
            if fault.action == "latency" and stage == "before":
                await asyncio.sleep(fault.seconds)
            elif fault.stage != stage:
                continue
            elif fault.action == "status":
                headers = (("Retry-After", fault.retry_after),) if fault.retry_after else ()
                error = ApiError(fault.status, "A planted fault.", headers=headers)
                await self._send_plain(error_response(error))
                return True
            elif fault.action == "reset":
                self.abort()
                return True
            elif fault.action == "stall":
                await self._stall(fault)
        return False

    async def send(self, response: Response) -> None:
        """Send an answer, as the faults of its stage want it."""
        faults = [fault for fault in self.faults if fault.stage == "response"]
        if not faults:
            await self._send_plain(response)
            return
        body = _pieces(response)
        truncated = False
        for fault in faults:
            truncated |= fault.action == "truncate"
            body = self._spoiled(body, fault)
        length = None if truncated else (len(response.body) if response.stream is None else response.length)
        await self._send_plain(Response(response.status, response.headers, stream=body, length=length))

    async def _send_plain(self, response: Response) -> None:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
        length = response.length if response.stream is not None or response.length is not None else len(response.body)
        if length is not None and response.status not in {204, 304}:
            headers.append((b"content-length", str(length).encode()))
        await self._send({"type": "http.response.start", "status": response.status, "headers": headers})
        if response.stream is None:
            await self._send({"type": "http.response.body", "body": response.body})
            return
        async for piece in response.stream:
            # What is sent to a client that has gone vanishes without an error: the rest need not be read.
            if self._gone():
                raise Disconnected
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def _chunks(self) -> AsyncIterator[bytes]:
        limits = [fault for fault in self.faults if fault.stage == "request"]
        passed = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            more = message.get("more_body", False)
            chunk = message.get("body", b"")
            for fault in limits:
                if fault.action in {"reset", "stall"} and passed <= fault.at < passed + len(chunk):
                    yield chunk[: fault.at - passed]
                    if fault.action == "reset":
                        self.abort()
                        raise Disconnected
                    await self._stall(fault)
                    chunk = chunk[fault.at - passed :]
                    passed = fault.at
            passed += len(chunk)
            if chunk:
                yield chunk

    async def _spoiled(self, body: AsyncIterator[bytes], fault: Fault) -> AsyncIterator[bytes]:
        position = 0
        async for piece in body:
            offset = fault.at - position
            if not 0 <= offset < len(piece):
                yield piece
            elif fault.action == "corrupt":
                yield piece[:offset] + bytes([piece[offset] ^ 1]) + piece[offset + 1 :]
            elif fault.action == "truncate":
                yield piece[:offset]
                return
            else:
                yield piece[:offset]
                if fault.action == "reset":
                    await self._flush_and_abort()
                    raise Disconnected
                await self._stall(fault)
                yield piece[offset:]
            position += len(piece)

    async def _flush_and_abort(self) -> None:
        """Cut the connection after what was sent has left: its bytes are part of the test."""
        transport = self._scope.get(TRANSPORT_KEY)
        # asyncio announces no empty buffer.
        while transport is not None and transport.get_write_buffer_size() and not self._gone():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        self.abort()

    async def _stall(self, fault: Fault) -> None:
        """Wait as long as the fault says, or until the client is gone."""
        loop = asyncio.get_running_loop()
        until = loop.time() + (fault.seconds or STALL_LIMIT_S)
        while loop.time() < until and not self._gone():  # noqa: ASYNC110
            await asyncio.sleep(min(0.05, max(0.0, until - loop.time())))


async def _pieces(response: Response) -> AsyncIterator[bytes]:
    if response.stream is None:
        yield response.body
        return
    async for piece in response.stream:
        yield piece
