"""Making connections: names, addresses, TLS and tunnels through proxies."""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import partial
from typing import cast

from services.gcs.lean.connection import Connection
from services.gcs.lean.race import connected_socket
from services.gcs.lean.receiving import RECEIVE_SIZE, LineError
from services.gcs.lean.route import Hop, Route, tls_context
from services.names import display_name


class Untrusted(LineError):
    """The server's certificate is not trusted."""


class ProxyRefused(LineError):
    """The proxy does not let us through."""


class ProxyUnreachable(LineError):
    """The proxy does not answer."""


class Dialler:
    """Makes connections along one route."""

    def __init__(self, route: Route, *, connect_s: float) -> None:
        self.route = route
        self._connect_s = connect_s
        self._context: ssl.SSLContext | None = None
        self._address = ""
        self._first = asyncio.Lock()
        self._buffer = memoryview(bytearray(RECEIVE_SIZE))

    async def dial(self) -> Connection:
        """Return a new connection; raises `LineError`, of which no byte of a request was sent, and `UsageError`."""
        if self._address:
            return await self._connect()
        # Whoever is first finds the name's address for all: a name is not looked up 256 times.
        async with self._first:
            return await self._connect()

    async def _connect(self) -> Connection:
        if self._context is None and (self.route.target.secure or (self.route.proxy and self.route.proxy.secure)):
            self._context = await asyncio.to_thread(tls_context)
        hop = self.route.proxy or self.route.target
        connection = Connection(asyncio.get_running_loop(), self._buffer)
        try:
            async with asyncio.timeout(self._connect_s):
                await self._open(connection, hop)
                if self.route.tunnelled:
                    connection = await self._tunnel(connection)
        except BaseException as error:
            self._address = ""
            connection.abort()
            if isinstance(error, OSError | ssl.SSLError | TimeoutError | EOFError):
                raise self._explained(error, hop) from error
            raise
        return connection

    async def _open(self, connection: Connection, hop: Hop) -> None:
        sock = await connected_socket(self._address or hop.host, hop.port)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._address = sock.getpeername()[0]
        except OSError:
            sock.close()
            raise
        # From here on the socket is the transport's, which closes it whatever happens.
        await asyncio.get_running_loop().create_connection(
            lambda: connection,
            sock=sock,
            ssl=self._context if hop.secure else None,
            server_hostname=hop.host if hop.secure else None,
        )

    async def _tunnel(self, connection: Connection) -> Connection:
        """Return a connection with the server inside one with the proxy (RFC 9110, section 9.3.6)."""
        target = self.route.target
        where = f"{f'[{target.host}]' if ':' in target.host else target.host}:{target.port}"
        authorization = self.route.proxy_authorization
        lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
        lines += [f"Proxy-Authorization: {authorization}"] if authorization else []
        inner = Connection(asyncio.get_running_loop(), self._buffer)
        try:
            transport = await connection.tunnel("\r\n".join([*lines, "", ""]).encode("ascii"), self._connect_s)
        except LineError as error:
            raise ProxyUnreachable("the proxy broke the connection", sent=False) from error
        if isinstance(transport, int):
            raise ProxyRefused(f"the proxy refuses (it answered {transport})", sent=False)
        secured = await asyncio.get_running_loop().start_tls(
            transport, inner, cast("ssl.SSLContext", self._context), server_hostname=target.host
        )
        assert secured is not None
        inner.connection_made(secured)
        return inner

    def _explained(self, error: Exception, hop: Hop) -> LineError:
        unsent = partial(LineError, sent=False)
        host = display_name(hop.netloc)
        if isinstance(error, ssl.SSLCertVerificationError):
            name = display_name(self.route.target.netloc)
            return Untrusted(f"the certificate of {name} is not trusted ({error.verify_message})", sent=False)
        if self.route.proxy is not None and not isinstance(error, ssl.SSLError):
            return ProxyUnreachable("the proxy cannot be reached", sent=False)
        if isinstance(error, ssl.SSLError):
            return unsent(f"no encrypted connection with {host} came about")
        if isinstance(error, socket.gaierror):
            return unsent(f"the name {host} cannot be resolved")
        if isinstance(error, TimeoutError):
            return unsent(f"{host} does not answer")
        refused = isinstance(error, ConnectionRefusedError)
        return unsent(f"{host} {'refuses the connection' if refused else 'cannot be reached'}")
