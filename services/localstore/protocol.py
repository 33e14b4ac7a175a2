"""The HTTP server below the application: uvicorn's protocol on a listening socket, and a stop that is prompt."""

from __future__ import annotations

import asyncio
import socket
import time
from email.utils import formatdate
from typing import Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from services.localstore.application import TRANSPORT_KEY, Application

KEEP_ALIVE_S: Final = 300
"""Seconds that an idle connection is kept: longer than any client of ours keeps one, so that none is cut under it."""

BACKLOG: Final = 1024
"""Connections that may wait to be accepted."""

SHUTDOWN_POLL_S: Final = 0.01
"""Seconds between looks at whether the last request is answered."""


class StoreProtocol(HttpToolsProtocol):
    """Leaves the transport in the scope, so that a connection can be cut (takeovers of sessions, planted faults)."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope[TRANSPORT_KEY] = self.transport  # type: ignore[typeddict-unknown-key]
        # Nothing ticks while nobody asks, so the Date header is renewed here.
        self.server_state.default_headers = [(b"date", formatdate(time.time(), usegmt=True).encode())]


class HttpServer:
    """Serves an application on a socket; all methods belong to the event loop."""

    def __init__(self, application: Application) -> None:
        self._config = uvicorn.Config(
            application,
            loop="asyncio",
            http=StoreProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        self._state = ServerState()
        self._listener: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        """Accept connections from now on."""
        self._config.load()

        def make() -> StoreProtocol:
            return StoreProtocol(self._config, self._state, {}, asyncio.get_running_loop())

        self._listener = await asyncio.get_running_loop().create_server(make, sock=listening, backlog=BACKLOG)

    async def stop(self, grace_s: float) -> None:
        """Stop accepting, let running requests end, and cut those that don't within `grace_s` seconds."""
        if self._listener is None:
            return
        self._listener.close()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace_s
        while (self._state.connections or self._state.tasks) and loop.time() < deadline:
            # Again each time: one that was being accepted as the listener closed appears only now.
            for connection in list(self._state.connections):
                connection.shutdown()
            await asyncio.sleep(SHUTDOWN_POLL_S)
        for task in list(self._state.tasks):
            task.cancel()
        for connection in list(self._state.connections):
            if isinstance(connection, StoreProtocol):
                connection.transport.abort()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)

    @property
    def busy(self) -> bool:
        """Whether anybody is connected, or a request is running."""
        return bool(self._state.connections or self._state.tasks)

    @property
    def requests(self) -> int:
        """Requests that were answered so far."""
        return self._state.total_requests
