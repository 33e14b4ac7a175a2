"""The worker's part in sync: it runs every pair that is switched on, on a thread and an event loop of its own.

So a plan over many files never holds up the transfers, and one pair never another one's start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from services.connection import Connection
from services.errors import Busy, PailError
from services.gcs.interface import Storage
from services.gcs.open import open_storage
from services.names import display_name
from services.sync.controller import Listener, Phase
from services.sync.limits import Limits, configured
from services.sync.live import Times
from services.sync.owner import OwnerServer
from services.sync.pair import claim
from services.sync.pairs import KeptPair, PairList
from services.sync.proposals import is_still_named
from services.sync.runner import Runner
from services.sync.status import PairView
from services.transfer.meter import Bandwidth

LOOK_S: Final = 1.0
"""Seconds between two looks at the list of pairs."""

AGAIN_S: Final = 30.0
"""Seconds after which a pair that could not be begun is tried again."""

GRACE_S: Final = 2.0
"""Seconds in which what is under way may end when the worker does (hazard 50)."""

OpenStorage = Callable[[Connection], Awaitable[Storage]]
"""Opens storage; raises `PailError`."""

log = logging.getLogger("pail.sync")


class SyncHost:
    """Runs the pairs of one state folder; `start` and `stop` are called from another thread."""

    def __init__(
        self, state_dir: Path, *, look_s: float = LOOK_S, times: Times | None = None, opener: OpenStorage = open_storage
    ) -> None:
        self._state_dir = state_dir
        self._list = PairList.of(state_dir)
        self._look_s = look_s
        self._times = times
        self._opener = opener
        self.limits = Limits()
        """What sync may cost and keep."""
        self._bandwidth: tuple[Bandwidth, asyncio.AbstractEventLoop] | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = threading.Event()
        self._stop: asyncio.Event
        self._running: dict[str, tuple[KeptPair, _Run]] = {}
        self._seen: tuple[Any, ...] = ()
        self._wanted: dict[str, KeptPair] = {}
        self._open: list[Storage] = []
        self._spent: Counter[str] = Counter()
        # What moves from the open ones to the spent ones is never missing in between: a count that falls means
        # another worker to whoever adds them up.
        self._counting = threading.Lock()
        self.busy = False
        """Whether it keeps some pair in step; read from any thread."""

    def share(self, bandwidth: Bandwidth) -> None:
        """Have all pairs together be part of a limit that belongs to the event loop which calls this."""
        self._bandwidth = bandwidth, asyncio.get_running_loop()

    async def throttle(self, count: int, identifier: str) -> None:
        """Wait until so many bytes of a pair may move."""
        if self._bandwidth is None or not self._bandwidth[0].rate:
            return
        bandwidth, loop = self._bandwidth
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(bandwidth.take(count, f"pair {identifier}"), loop))

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._main, name="pail-sync", daemon=True)
        self._thread.start()

    def stop(self, limit_s: float = GRACE_S + 0.7) -> None:
        """Let what is under way end, for a few seconds; blocks."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
        self._ended.wait(limit_s)

    def _main(self) -> None:
        try:
            asyncio.run(self._work())
        except Exception:
            log.exception("sync has ended")
        finally:
            self.busy = False
            self._ended.set()

    async def _work(self) -> None:
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.limits = await asyncio.to_thread(configured)
        try:
            while not self._stop.is_set():
                await self._look()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), self._look_s)
        finally:
            await self._end(list(self._running.values()))

    async def _look(self) -> None:
        """Begin what is to run, and end what is not."""
        try:
            self._wanted = await asyncio.to_thread(self._read)
        except PailError as error:
            log.warning("%s", error.message)
            return
        gone = [
            (kept, run)
            for kept, run in self._running.values()
            if (wanted := self._wanted.get(kept.id)) is None or wanted.pair != kept.pair or run.task.done()
        ]
        await self._end(gone)
        for identifier, kept in self._wanted.items():
            if identifier not in self._running:
                self._running[identifier] = (kept, _Run(self, kept))
        self.busy = any(run.owns for _, run in self._running.values())

    def _read(self) -> dict[str, KeptPair]:
        """Return the pairs that are switched on; what a project no longer names is not (hazard 67)."""
        projects = {kept.project for kept in self._wanted.values() if kept.project}
        seen = (self._list.stamp(), *(_stamp(Path(project) / "pail.toml") for project in sorted(projects)))
        if seen == self._seen:
            return self._wanted
        found = {kept.id: kept for kept in self._list.load() if kept.on and is_still_named(kept)}
        self._seen = seen if projects == {kept.project for kept in found.values() if kept.project} else ()
        return found

    async def _end(self, runs: list[tuple[KeptPair, _Run]]) -> None:
        for _, run in runs:
            run.stop()
        tasks = [run.task for _, run in runs]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=0.5)
        for kept, _ in runs:
            self._running.pop(kept.id, None)

    # What a run needs

    def answered(self, identifier: str) -> None:
        """Note that the first plan of a pair was seen; blocks."""
        self._list.change(identifier, ask=False)

    async def storage(self, connection: Connection) -> Storage:
        """Open storage, to be closed by `close`; raises `PailError`."""
        storage = await self._opener(connection)
        with self._counting:
            self._open.append(storage)
        return storage

    async def close(self, storage: Storage) -> None:
        """Close storage; what was asked of it stays counted."""
        with self._counting:
            self._open.remove(storage)
            self._spent.update(storage.operations.counts().by_operation)
        await storage.close()

    @property
    def operations(self) -> Counter[str]:
        """Requests of all pairs since the start, by method; may be read from any thread."""
        with self._counting:
            found = Counter(self._spent)
            for storage in self._open:
                found.update(storage.operations.counts().by_operation)
        return found

    @property
    def state_dir(self) -> Path:
        """The state folder."""
        return self._state_dir

    @property
    def times(self) -> Times | None:
        """How long things take; None for as usual."""
        return self._times


class _Run:
    """One pair that is switched on: run here, or waited for while another process runs it."""

    def __init__(self, host: SyncHost, kept: KeptPair) -> None:
        self._host = host
        self._kept = kept
        self._runner: Runner | None = None
        self._ask = kept.ask
        self._wake = asyncio.Event()
        self._stopping = False
        self.owns = True
        """Whether this process has the pair, or tries to."""
        self.task = asyncio.create_task(self._run(), name=f"pair {kept.id}")

    def stop(self) -> None:
        """End it in order."""
        self._stopping = True
        self._wake.set()
        if self._runner is not None:
            self._runner.stop()

    async def _run(self) -> None:
        shown = display_name(self._kept.pair.root)
        while not self._stopping:
            try:
                await self._once()
            except Busy:
                # Somebody in the foreground has it; it is taken over once it is free.
                self.owns = False
                await self._pause(LOOK_S)
            except PailError as error:
                log.warning("%s: %s", shown, error.message)
                await self._strand(error)
            except Exception:
                log.exception("%s: internal error", shown)
                await self._strand(PailError("an internal error ended it", remedy="See worker.log; please report it."))

    async def _once(self) -> None:
        kept, host = self._kept, self._host
        shown = display_name(kept.pair.root)
        storage = await host.storage(kept.pair.connection)
        try:
            self._runner = Runner(
                kept.pair,
                storage,
                host.state_dir,
                ask=self._ask,
                throttle=lambda count: host.throttle(count, kept.id),
                times=host.times,
                limits=host.limits,
                listener=Listener(
                    on_phase=lambda phase, why: _log_phase(shown, phase, why),
                    on_notice=lambda text: log.info("%s: %s", shown, display_name(text)),
                ),
                on_answered=self._answered,
            )
            self.owns = True
            if self._stopping:
                return
            await self._runner.run()
        finally:
            self._runner = None
            await host.close(storage)

    def _answered(self) -> None:
        self._ask = False
        self._host.answered(self._kept.id)

    async def _strand(self, error: PailError) -> None:
        """Say on the pair's socket why it cannot be begun, and return when it is to be tried again."""
        pair = self._kept.pair
        try:
            claimed = await asyncio.to_thread(claim, pair, self._host.state_dir, "worker")
        except PailError:
            await self._pause(AGAIN_S)
            return
        view = PairView(
            pair.id,
            pair.root,
            pair.url,
            pair.mode,
            pair.delete,
            os.getpid(),
            socket.gethostname(),
            stand="halted",
            why=error.message,
            remedy=error.remedy,
            since=time.time(),
        )

        async def answer(call: str, _value: Any) -> Any:
            if call == "view":
                return view
            if call in ("look", "again", "go"):
                self._wake.set()
                return None
            raise PailError(f"the pair is halted: {error.message}", remedy=error.remedy)

        server = OwnerServer(claimed.socket, answer)
        try:
            await server.start()
            await self._pause(AGAIN_S)
        finally:
            await server.close()
            claimed.release()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()


def _log_phase(shown: str, phase: Phase, why: str) -> None:
    """Log what a person may look for later: the phases in between come every few seconds."""
    if phase in ("waiting", "halted"):
        log.warning("%s: %s: %s", shown, phase, display_name(why))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
