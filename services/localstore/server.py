"""Running a store: in the foreground (`serve`) or beside a test (`StoreServer`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

from services.errors import LocalFileError, PailError
from services.localstore.application import Application
from services.localstore.faults import Faults
from services.localstore.folder import FolderLock, RunFile, last_port, remove_run_file, write_run_file
from services.localstore.protocol import BACKLOG, HttpServer
from services.localstore.store import PURGE_INTERVAL_S, Store, StoreOptions, open_store

HOST: Final = "127.0.0.1"
"""The only address it listens on."""

SHUTDOWN_S: Final = 10.0
"""Seconds that running requests get when the store is told to stop."""

TEST_SHUTDOWN_S: Final = 0.5
"""The same beside a test: what still runs there was held up on purpose."""

_log = logging.getLogger("pail.localstore")


class Runner:
    """One open store with its listening socket; `run` serves it until `stop` is called, from any thread."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        open_access: bool = False,
        idle_exit_s: float | None = None,
        faults: Faults | None = None,
        options: StoreOptions | None = None,
        shutdown_s: float = SHUTDOWN_S,
    ) -> None:
        """Lock the folder, open the store and listen; a stop gives running requests `shutdown_s` seconds.

        Raises `Busy` when another store has the folder, `LocalFileError` when the port cannot be had.
        """
        self.directory = directory
        self.token = None if open_access else secrets.token_urlsafe(32)
        self._idle_exit_s = idle_exit_s
        self._shutdown_s = shutdown_s
        self._stopped = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event
        with contextlib.ExitStack() as stack:
            lock = FolderLock(directory)
            stack.callback(lock.release)
            remove_run_file(directory)
            self._socket = _listen(port, last_port(directory))
            stack.callback(self._socket.close)
            self._store = open_store(directory, options or StoreOptions())
            stack.callback(self._store.close)
            stack.callback(remove_run_file, directory)
            self._resources = stack.pop_all()
        self.endpoint = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self._server = HttpServer(Application(self._store, token=self.token, faults=faults))

    def run(self, on_ready: Callable[[str], None] | None = None) -> None:
        """Serve until `stop`, or until nobody has come for the idle time; then close the store."""
        write_run_file(self.directory, RunFile(self.endpoint, os.getpid(), self.token))
        try:
            asyncio.run(self._serve(on_ready))
        finally:
            self.close()

    def close(self) -> None:
        """Close the store and let the folder go; `run` does it by itself."""
        self._resources.close()

    def stop(self) -> None:
        """Have `run` return soon; running requests get a few seconds."""
        self._stopped.set()
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(self._wake.set)

    async def _serve(self, on_ready: Callable[[str], None] | None) -> None:
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if self._stopped.is_set():
            return
        await self._server.start(self._socket)
        try:
            if on_ready is not None:
                on_ready(self.endpoint)
            await self._wait()
        finally:
            await self._server.stop(self._shutdown_s)

    async def _wait(self) -> None:
        """Wait for the stop, or for the idle time; purge what has expired meanwhile."""
        loop = asyncio.get_running_loop()
        purged = used = loop.time()
        requests = 0
        interval = min(PURGE_INTERVAL_S, self._idle_exit_s / 4 if self._idle_exit_s else PURGE_INTERVAL_S)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), interval)
                return
            now = loop.time()
            if self._server.busy or self._server.requests != requests:
                used, requests = now, self._server.requests
            elif self._idle_exit_s is not None and now - used >= self._idle_exit_s:
                return
            if now - purged >= PURGE_INTERVAL_S:
                purged = now
                await self._store.in_thread(_purge, self._store)


def _purge(store: Store) -> None:
    try:
        store.purge()
    except (OSError, sqlite3.Error):
        # A full disk, say: what has expired is invisible all the same, and goes the next time.
        _log.exception("purging failed")


def _listen(port: int, preferred: int) -> socket.socket:
    """Bind the port that was asked for, else the folder's last one where it is free, else any."""
    for candidate in (port,) if port else (preferred, 0):
        # asyncio switches Nagle's algorithm off only where the protocol is named; with it, every answer that is written
        # in two pieces waits 40 ms for a delayed acknowledgement.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            if candidate and not port:
                continue
            raise LocalFileError(
                f"cannot listen on {HOST}:{candidate}: {error.strerror}",
                remedy="Choose another --port, or 0 for any free one.",
            ) from error
        return listener
    raise AssertionError("port 0 was tried last")


def serve(
    directory: Path,
    *,
    port: int = 0,
    open_access: bool = False,
    idle_exit_s: float | None = None,
    on_ready: Callable[[str], None] | None = None,
    faults: Faults | None = None,
) -> None:
    """Serve the store of a folder until SIGTERM, SIGINT, or the idle time.

    `on_ready` gets the endpoint once it answers.  Must be called on the main thread.  Raises `Busy` when another store
    has the folder, other `PailError` when the folder or the port cannot be used.
    """
    runner = Runner(directory, port=port, open_access=open_access, idle_exit_s=idle_exit_s, faults=faults)

    def handle(_signal: int, _frame: FrameType | None) -> None:
        runner.stop()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        runner.run(on_ready)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class StoreServer:
    """A store on a thread of its own, for tests: `with StoreServer(folder) as store: store.endpoint`."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        open_access: bool = False,
        faults: Faults | None = None,
        options: StoreOptions | None = None,
        idle_exit_s: float | None = None,
    ) -> None:
        """Open the store; it answers once the context is entered."""
        self._runner = Runner(
            directory,
            port=port,
            open_access=open_access,
            faults=faults,
            options=options,
            idle_exit_s=idle_exit_s,
            shutdown_s=TEST_SHUTDOWN_S,
        )
        self.directory = directory
        """Its folder."""
        self.endpoint = self._runner.endpoint
        """Base URL, such as `http://127.0.0.1:4443`."""
        self.token = self._runner.token
        """Bearer token; None when it is open."""
        self.port = int(self.endpoint.rpartition(":")[2])
        """The port in `endpoint`."""
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="store-server", daemon=True)

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        self._thread.start()
        if not self._ready.wait(SHUTDOWN_S) or self._error is not None:
            raise PailError(f"the store did not start: {self._error}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and wait until its folder is free."""
        self.stop()

    def stop(self) -> None:
        """Stop it and wait until its folder is free; harmless when it has stopped already."""
        self._runner.stop()
        self._thread.join()

    @property
    def running(self) -> bool:
        """Whether it still serves."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._runner.run(lambda _endpoint: self._ready.set())
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._ready.set()
