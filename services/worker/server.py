"""The worker: one engine for each user and state folder, behind a Unix socket that only this user may use."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from services import __version__, paths
from services.errors import Busy, PailError, Rejected, Unsafe
from services.file_lock import FileLock
from services.sync.host import SyncHost
from services.transfer import codec
from services.transfer.core import log
from services.transfer.engine import Engine
from services.transfer.facts import Subscription
from services.transfer.inprocess import adopt, open_engine
from services.transfer.journal import JOURNALS
from services.transfer.messages import Answer, Control, Reorder, SetBandwidth, Snapshot, SnapshotQuery, Submit
from services.transfer.options import Options
from services.worker import protocol
from services.worker.log import start_log, stop_log

IDLE_EXIT_S: Final = 60.0
"""Seconds without work and without clients after which it leaves."""

TICK_S: Final = 1.0
"""Seconds between two looks at whether there is still something to do, and at free journals."""

CLOSE_S: Final = 4.5
"""Seconds after which it ends all the same when it was told to stop (hazard 50)."""

DRAIN_S: Final = 30.0
"""Seconds that running transfers get when a newer version takes over; what is left is resumed by that one."""

LAGGING_BYTES: Final = 32 * 1024 * 1024
"""Bytes that may wait for a client that does not read; then it is cut off."""


class Worker:
    """Serves one engine until there is nothing left to do."""

    def __init__(self, state_dir: Path, *, idle_exit_s: float = IDLE_EXIT_S, options: Options | None = None) -> None:
        self._state = state_dir
        self._idle_exit_s = idle_exit_s
        self._options = options
        self._engine: Engine
        self._socket = Path()
        self._stop = asyncio.Event()
        self._retiring = False
        self._sync = SyncHost(state_dir)
        self._clients: set[asyncio.Task[None]] = set()

    async def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Serve until told to stop, or until idle for long enough.

        Raises `Busy` where another worker has the state folder.
        """
        lock = await asyncio.to_thread(self._lock)
        try:
            self._engine = await open_engine(self._state, worker=True, options=self._options)
            try:
                server = await self._listen()
                log.info("worker %d of version %s serves %s", os.getpid(), __version__, self._state)
                try:
                    if on_ready is not None:
                        on_ready()
                    self._sync.share(self._engine.bandwidth)
                    self._sync.start()
                    await self._until_done()
                finally:
                    await asyncio.to_thread(self._sync.stop)
                    server.close()
                    await asyncio.to_thread(self._socket.unlink, missing_ok=True)
            finally:
                await self._engine.close()
                await self._dismiss_clients()
        finally:
            await asyncio.to_thread(lock.release)
            log.info("worker %d has ended", os.getpid())

    def stop(self) -> None:
        """Have `run` end soon, with everything durable and resumable."""
        self._stop.set()

    def _lock(self) -> FileLock:
        paths.ensure_private_dir(self._state)
        lock = FileLock(self._state / protocol.LOCK_NAME)
        if not lock.acquire():
            raise Busy("a worker is running already", remedy="See 'pail worker status'.")
        lock.write(f"{os.getpid()}\n")
        return lock

    async def _listen(self) -> asyncio.Server:
        self._socket = await asyncio.to_thread(paths.socket_path, self._state, protocol.SOCKET_NAME)
        # The lock is ours, so a socket that lies here was left by a worker that was killed.
        await asyncio.to_thread(self._socket.unlink, missing_ok=True)
        previous = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self._accept, self._socket)
        finally:
            os.umask(previous)

    async def _until_done(self) -> None:
        """Return when told to stop, or after having been idle for long enough."""
        loop = asyncio.get_running_loop()
        used = loop.time()
        folder = self._state / JOURNALS
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), min(TICK_S, max(0.01, self._idle_exit_s / 4)))
            if self._engine.busy or self._clients or self._sync.busy:
                used = loop.time()
            elif loop.time() - used >= self._idle_exit_s:
                log.info("nothing to do")
                return
            if self._stop.is_set():
                return
            await adopt(self._engine, folder)
            if not await asyncio.to_thread(self._socket.exists):
                log.warning("the socket was removed; leaving, so that a new worker can be found")
                return

    async def _dismiss_clients(self) -> None:
        for client in tuple(self._clients):
            client.cancel()
        if self._clients:
            await asyncio.wait(self._clients, timeout=1)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            protocol.check_peer(writer)
            async with asyncio.timeout(protocol.HANDSHAKE_S):
                await self._greet(reader, writer)
            await _Session(self, self._engine, reader, writer).serve()
        except (EOFError, TimeoutError, ConnectionError, asyncio.CancelledError):
            pass
        except (Unsafe, Rejected) as error:
            log.warning("a client was turned away: %s", error.message)
        except Exception:  # noqa: BLE001 - one client must not end the others
            log.exception("internal error with a client")
        finally:
            self._clients.discard(task)
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await protocol.read_frame(reader)
        if not isinstance(hello, dict) or hello.get("pail") != "client":
            raise Rejected("a client that does not greet")
        answer = {"pail": "worker", "protocol": protocol.PROTOCOL, "version": __version__, "pid": os.getpid()}
        writer.write(protocol.to_frame(answer))
        await writer.drain()

    async def retire(self) -> None:
        """Make room for a newer version: running transfers may end, the rest is left for it."""
        if self._retiring:
            return
        self._retiring = True
        log.info("a newer version takes over")
        await self._engine.drain(DRAIN_S)
        self.stop()

    def with_sync(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot of the engine with the requests of the pairs counted in."""
        counts = self._sync.operations + Counter(dict(snapshot.operations))
        return snapshot._replace(operations=tuple(sorted(counts.items())))

    def status(self) -> dict[str, Any]:
        """Return what `pail worker status` shows."""
        return {
            "pid": os.getpid(),
            "version": __version__,
            "socket": str(self._socket),
            "jobs": self._engine.unfinished,
            "transfers": self._engine.open_transfers,
        }


class _Session:
    """One client."""

    def __init__(
        self, worker: Worker, engine: Engine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._worker = worker
        self._engine = engine
        self._reader = reader
        self._writer = writer
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscription: Subscription | None = None

    async def serve(self) -> None:
        """Answer calls until the client has gone."""
        try:
            while True:
                frame = await protocol.read_frame(self._reader)
                if not isinstance(frame, dict):
                    raise Rejected("a call that is not an object")
                self._start(self._answer(frame))
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=1)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, frame: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"id": frame.get("id")}
        try:
            answer["value"] = await self._call(str(frame.get("call")), frame.get("value"))
        except PailError as error:
            answer["error"] = codec.error_to_plain(error)
        except Exception as error:  # noqa: BLE001 - told to the client as a failure
            log.exception("internal error in a call")
            answer["error"] = codec.error_to_plain(PailError(f"internal error: {type(error).__name__}"))
        await self._send(answer)

    async def _call(self, call: str, value: Any) -> Any:
        calls: dict[str, Callable[[Any], Awaitable[Any]]] = {
            "submit": self._submit,
            "snapshot": self._snapshot,
            "facts": self._facts,
            "status": self._status,
            "stop": self._stop,
            "retire": self._retire,
        }
        if call not in calls:
            raise Rejected(f"the worker knows no call {call[:40]!a}", remedy="Update pail on both sides.")
        return await calls[call](value)

    async def _submit(self, value: Any) -> Any:
        command = codec.from_plain(value)
        if not isinstance(command, Submit | Control | Reorder | Answer | SetBandwidth):
            raise Rejected("a command that is none", remedy="Update pail on both sides.")
        return codec.to_plain(await self._engine.submit(command))

    async def _snapshot(self, value: Any) -> Any:
        query = codec.from_plain(value)
        if not isinstance(query, SnapshotQuery):
            raise Rejected("a query that is none", remedy="Update pail on both sides.")
        return codec.to_plain(self._worker.with_sync(await self._engine.snapshot(query)))

    async def _facts(self, value: Any) -> Any:
        if self._subscription is not None:
            self._subscription.items = self._subscription.items or bool(value)
            return
        facts = self._subscription = self._engine.facts(items=bool(value))

        async def forward() -> None:
            try:
                async for fact in facts:
                    await self._send({"fact": codec.to_plain(fact)})
            finally:
                await facts.aclose()

        self._start(forward())

    async def _status(self, _: Any) -> Any:
        return self._worker.status()

    async def _stop(self, _: Any) -> Any:
        self._worker.stop()

    async def _retire(self, _: Any) -> Any:
        self._start(self._worker.retire())

    async def _send(self, value: Any) -> None:
        transport = self._writer.transport
        if transport.get_write_buffer_size() > LAGGING_BYTES:
            log.warning("a client does not read what it asked for; it is cut off")
            transport.abort()
            return
        with contextlib.suppress(ConnectionError):
            self._writer.write(protocol.to_frame(value))
            await self._writer.drain()


def serve(state_dir: Path, *, idle_exit_s: float = IDLE_EXIT_S, options: Options | None = None) -> None:
    """Run a worker until it has nothing to do, or SIGTERM, SIGINT or SIGHUP; a second signal ends it at once.

    Must be called on the main thread.  Raises `Busy` where another worker has the state folder, other `PailError`.
    """
    paths.ensure_private_dir(state_dir)
    listener = start_log(state_dir)
    try:
        asyncio.run(_serve(state_dir, idle_exit_s, options))
    finally:
        stop_log(listener)


async def _serve(state_dir: Path, idle_exit_s: float, options: Options | None) -> None:
    worker = Worker(state_dir, idle_exit_s=idle_exit_s, options=options)
    loop = asyncio.get_running_loop()
    told = False

    def stop() -> None:
        nonlocal told
        if told:
            # The journal is consistent at every moment, so this loses nothing but what was being sent (hazard 53).
            os._exit(130)
        told = True
        worker.stop()
        loop.call_later(CLOSE_S, os._exit, 1)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    await worker.run()
