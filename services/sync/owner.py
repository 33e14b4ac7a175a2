"""How others reach the process that runs a pair: a Unix socket of this user's, with the worker's frames (hazard 62)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from services import __version__
from services.errors import PailError, Rejected, Unsafe
from services.sync.status import PairView, PassView, PlanView
from services.transfer import codec
from services.worker import protocol
from services.worker.link import Gone, Link

Answer = Callable[[str, Any], Awaitable[Any]]
"""Answers a call; raises `PailError`."""

LEAVE_S: Final = 1.0
"""Seconds that clients get to hear the last answers."""

log = logging.getLogger("pail.sync")


class OwnerServer:
    """Serves the calls about one pair; whoever has the claim may remove a socket that lies there."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self._path = path
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; raises `OSError`."""
        await asyncio.to_thread(self._path.unlink, missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, self._path)
        await asyncio.to_thread(self._path.chmod, 0o600)

    async def close(self) -> None:
        """Take no more clients, and send those away that are there."""
        if self._server is not None:
            self._server.close()
        for client in tuple(self._clients):
            client.cancel()
        if self._clients:
            await asyncio.wait(self._clients, timeout=LEAVE_S)
        await asyncio.to_thread(self._path.unlink, missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        calls: set[asyncio.Task[None]] = set()
        try:
            protocol.check_peer(writer)
            async with asyncio.timeout(protocol.HANDSHAKE_S):
                hello = await protocol.read_frame(reader)
                if not isinstance(hello, dict) or hello.get("pail") != "client":
                    raise Rejected("a client that does not greet")
                answer = {"pail": "worker", "protocol": protocol.PROTOCOL, "version": __version__, "pid": os.getpid()}
                writer.write(protocol.to_frame(answer))
                await writer.drain()
            while True:
                frame = await protocol.read_frame(reader)
                call = asyncio.create_task(self._call(frame, writer))
                calls.add(call)
                call.add_done_callback(calls.discard)
        except (EOFError, TimeoutError, ConnectionError, asyncio.CancelledError):
            pass
        except (Unsafe, Rejected) as error:
            log.warning("a client was turned away: %s", error.message)
        finally:
            for call in tuple(calls):
                call.cancel()
            self._clients.discard(task)
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()

    async def _call(self, frame: Any, writer: asyncio.StreamWriter) -> None:
        answer: dict[str, Any] = {"id": frame.get("id")}
        try:
            answer["value"] = codec.to_plain(await self._answer(str(frame.get("call")), frame.get("value")))
        except PailError as error:
            answer["error"] = codec.error_to_plain(error)
        except Exception as error:
            log.exception("internal error in a call")
            answer["error"] = codec.error_to_plain(PailError(f"internal error: {type(error).__name__}"))
        with contextlib.suppress(ConnectionError):
            writer.write(protocol.to_frame(answer))
            await writer.drain()


class OwnerLink:
    """The other side: calls to the process that runs a pair, found again where it was lost."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._link: Link | None = None
        self._opening = asyncio.Lock()

    async def call(self, name: str, value: Any = None) -> Any:
        """Return the answer; raises the `PailError` it sends, `Gone` where nobody runs the pair, `Unsafe`."""
        async with self._opening:
            if self._link is None or self._link.lost.is_set():
                await self.close()
                self._link = await Link.open(self._path, lambda _: None)
            link = self._link
        return codec.from_plain(await link.call(name, value))

    async def view(self) -> PairView:
        """Return where the pair stands."""
        found: PairView = await self.call("view")
        return found

    async def plan(self) -> PlanView:
        """Return the plan that waits."""
        found: PlanView = await self.call("plan")
        return found

    async def once(self, *, max_delete: str, dry_run: bool) -> PassView:
        """Have a pass made and return what it came to."""
        found: PassView = await self.call("once", {"max_delete": max_delete, "dry_run": dry_run})
        return found

    async def close(self) -> None:
        """Leave."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()


__all__ = ["Gone", "OwnerLink", "OwnerServer"]
