"""The other side of the worker's socket: an `EngineClient` that finds the worker, starts it, and finds it again.

Without work there need be no worker: a client that is only looked at shows what the journals hold, and starts a
worker when it is given something to do.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services import __version__, paths
from services.errors import Busy, PailError, Transient, UsageError
from services.file_lock import FileLock
from services.sync.wanted import wants_worker
from services.transfer import codec, window
from services.transfer.facts import FactBoard, Subscription
from services.transfer.job import Counts, Job
from services.transfer.journal import (
    JOURNALS,
    WORKER_JOURNAL,
    has_unfinished,
    read_from,
    read_jobs,
    stamp,
)
from services.transfer.messages import Command, Fact, Items, JobFact, Reply, Snapshot, SnapshotQuery, Submit
from services.transfer.options import Options
from services.worker import protocol
from services.worker.link import Gone, Link
from services.worker.start import crash_reason, reap, start_worker

START_LOCK_NAME: Final = "worker-start.lock"
"""Name of the lock in the state folder that whoever starts a worker holds until it answers."""

START_S: Final = 15.0
"""Seconds that a worker may take to answer after it was started."""

REPLACE_S: Final = 45.0
"""Seconds that an older worker may take to make room."""

POLL_S: Final = 0.02
"""Seconds between two attempts to reach a worker that starts or ends."""

STOP_S: Final = 10.0
"""Seconds that a worker may take to stop."""

AGAIN_S: Final = 1.0
"""Seconds after which a lost worker is looked for again."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """Whether a worker runs, and what it does."""

    running: bool
    """Whether one answers."""
    pid: int = 0
    """Its process id; 0 when none runs."""
    version: str = ""
    """Its version."""
    socket: str = ""
    """Path of its socket."""
    jobs: int = 0
    """Jobs that have not ended, also when no worker runs."""
    transfers: int = 0
    """Transfers of those that have not ended."""


class WorkerClient:
    """An `EngineClient` over the socket of one state folder."""

    def __init__(self, state_dir: Path) -> None:
        self._state = state_dir
        self._board = FactBoard()
        self._link: Link | None = None
        self._linking = asyncio.Lock()
        self._wanted: bool | None = None
        self._missed = False
        self._open_jobs: set[str] = set()
        self._ended_jobs: dict[str, float | None] = {}
        self._rest: tuple[tuple[SnapshotQuery, tuple[int, ...]], Snapshot] | None = None
        self._child = 0
        self._keeper: asyncio.Task[None] | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def worker_pid(self) -> int:
        """Process id of the worker it is connected to; 0 for none."""
        return int(self._link.worker.get("pid", 0)) if self._link is not None else 0

    async def submit(self, command: Command) -> Reply:
        """Have a command taken, by a worker that is started if there is none; raises `PailError`."""
        try:
            value = await self._submitted(command)
        except Gone:
            # Whether it was taken is not known, and taking it twice would do everything twice.
            raise Transient(
                "the worker went away while it took the command",
                remedy="See 'pail transfers' for whether it was taken, then try again.",
            ) from None
        reply: Reply = codec.from_plain(value)
        if isinstance(command, Submit) and reply.id not in self._ended_jobs:
            self._open_jobs.add(reply.id)
        return reply

    async def _submitted(self, command: Command) -> Any:
        link = await self._reach(start=True)
        try:
            return await link.call("submit", codec.to_plain(command))
        except Gone:
            if isinstance(command, Submit):
                raise
            # The other commands say what should be, so saying it twice does no harm.
            link = await self._reach(start=True)
            return await link.call("submit", codec.to_plain(command))

    async def snapshot(self, query: SnapshotQuery | None = None) -> Snapshot:
        """Return the state of this moment: the worker's, or the journals' while none runs."""
        for _ in range(2):
            try:
                link = await self._reach(start=False)
                found: Snapshot = codec.from_plain(
                    await link.call("snapshot", codec.to_plain(query or SnapshotQuery()))
                )
            except Gone:
                continue
            else:
                self._open_jobs.update(job.id for job in found.jobs if job.finished is None)
                return found
        return await self._resting(query or SnapshotQuery())

    async def _resting(self, query: SnapshotQuery) -> Snapshot:
        """Return what the journal holds while no worker runs, read again only where it has changed."""
        stamped = query, await asyncio.to_thread(stamp, self._state / JOURNALS / WORKER_JOURNAL)
        if self._rest is None or self._rest[0] != stamped:
            self._rest = stamped, await asyncio.to_thread(_offline, self._state, query)
        return self._rest[1]

    def facts(self, *, items: Items = False) -> Subscription:
        """Yield facts from the call on, across a restart of the worker too, until this client is closed."""
        self._wanted = bool(self._wanted or items)
        if self._link is not None:
            self._ask_for_facts(self._link)
        return self._board.subscribe(items=items)

    async def close(self) -> None:
        """Leave; the worker goes on."""
        self._closed = True
        for task in (self._keeper, self._catching_up):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._link is not None:
            await self._link.close()
        if self._child:
            await asyncio.to_thread(reap, self._child)
        self._board.close()

    async def status(self) -> WorkerStatus:
        """Return what the worker says of itself; raises `Gone` where none runs."""
        link = await self._reach(start=False)
        return WorkerStatus(running=True, **await link.call("status"))

    async def stop(self) -> None:
        """Tell the worker to end; raises `Gone` where none runs."""
        link = await self._reach(start=False)
        with contextlib.suppress(Gone):
            await link.call("stop")

    async def open(self, *, start: bool) -> None:
        """Connect; with `start` a worker is started if there is unfinished work and nobody at it."""
        unfinished = start and await asyncio.to_thread(_has_work, self._state)
        with contextlib.suppress(Gone):
            await self._reach(start=unfinished)
        if start:
            self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        """Look after the connection: when the worker died with work left, start another one."""
        while True:
            if self._link is not None:
                await self._link.lost.wait()
            else:
                await asyncio.sleep(AGAIN_S)
            try:
                unfinished = await asyncio.to_thread(_has_work, self._state)
                if unfinished or self._link is not None:
                    await self._reach(start=unfinished)
            except Gone:
                # Nobody goes on where nothing is left to do: what ended last is told from the journal.
                with contextlib.suppress(PailError, OSError):
                    self._tell_ends(await self._resting(SnapshotQuery(limit=0)))
                await asyncio.sleep(AGAIN_S)
            except (PailError, OSError):
                await asyncio.sleep(AGAIN_S)

    async def _reach(self, *, start: bool) -> Link:
        """Return a connection that works; raises `Gone` where there is none and `start` is not set, `PailError`."""
        async with self._linking:
            if self._link is not None and not self._link.lost.is_set():
                return self._link
            if self._closed:
                raise UsageError("this client is closed", remedy="Connect again.")
            if self._link is not None:
                # Also where this try fails: the next one has to ask what was missed.
                self._missed = True
                await self._link.close()
                self._link = None
            link = await self._connect(start=start)
            self._link = link
            again, self._missed = self._missed, False
            if self._wanted is not None:
                self._ask_for_facts(link)
                if again:
                    self._catching_up = asyncio.create_task(self._catch_up(link))
            return link

    def _told(self, fact: Fact) -> None:
        """Pass a fact on; the end of a job only once, as a lost connection may have it told twice."""
        if isinstance(fact, JobFact):
            # A job that was tried again ends again, at another time.
            if self._ended_jobs.get(fact.job.id) == fact.job.finished:
                return
            self._open_jobs.discard(fact.job.id)
            self._ended_jobs[fact.job.id] = fact.job.finished
        self._board.publish(fact)

    async def _catch_up(self, link: Link) -> None:
        """Tell which jobs have ended while there was no connection: nobody else will."""
        with contextlib.suppress(Gone, PailError):
            self._tell_ends(codec.from_plain(await link.call("snapshot", codec.to_plain(SnapshotQuery(limit=0)))))

    def _tell_ends(self, found: Snapshot) -> None:
        for job in found.jobs:
            if job.finished is not None and job.id in self._open_jobs:
                self._told(JobFact(job))

    async def _connect(self, *, start: bool) -> Link:
        socket = await asyncio.to_thread(paths.socket_path, self._state, protocol.SOCKET_NAME)
        try:
            link = await Link.open(socket, self._told)
        except Gone:
            if not start:
                raise
            return await self._start(socket)
        if protocol.version_key(str(link.worker.get("version"))) < protocol.version_key(__version__):
            return await self._replace(link, socket)
        if link.worker.get("protocol") != protocol.PROTOCOL:
            await link.close()
            raise Busy(
                f"a worker of version {link.worker.get('version')} runs, which this pail does not understand",
                remedy="Update pail, or run 'pail worker stop' with that version.",
            )
        return link

    async def _start(self, socket: Path) -> Link:
        """Start a worker and connect to it; of several clients at once only one starts one.

        Else a worker that was started in vain could find the lock free later, when nobody wants one any more.
        """
        gate = FileLock(self._state / START_LOCK_NAME)
        deadline = asyncio.get_running_loop().time() + START_S
        while not await asyncio.to_thread(_enter, gate):
            with contextlib.suppress(Gone):
                return await Link.open(socket, self._told)
            if asyncio.get_running_loop().time() > deadline:
                raise Busy("another pail is starting the worker, in vain", remedy="Try 'pail worker run'.")
            await asyncio.sleep(POLL_S)
        try:
            with contextlib.suppress(Gone):
                return await Link.open(socket, self._told)
            return await self._spawn(socket)
        finally:
            gate.release()

    async def _spawn(self, socket: Path) -> Link:
        self._child = await asyncio.to_thread(start_worker, self._state)
        deadline = asyncio.get_running_loop().time() + START_S
        while True:
            try:
                return await Link.open(socket, self._told)
            except Gone:
                ended = self._child and await asyncio.to_thread(reap, self._child)
                if ended:
                    self._child = 0
                # One that ended at once may have found another one that was started at the same moment.
                late = asyncio.get_running_loop().time() > deadline
                if late or (ended and await asyncio.to_thread(nobody_serves, self._state)):
                    raise (await asyncio.to_thread(crash_reason, self._state)) from None
            await asyncio.sleep(POLL_S)

    async def _replace(self, link: Link, socket: Path) -> Link:
        """Have an older worker make room, and start one of this version."""
        with contextlib.suppress(Gone, PailError):
            await link.call("retire")
        deadline = asyncio.get_running_loop().time() + REPLACE_S
        while not await asyncio.to_thread(nobody_serves, self._state):
            if asyncio.get_running_loop().time() > deadline:
                raise Busy("an older worker does not end", remedy="Run 'pail worker stop', then try again.")
            await asyncio.sleep(POLL_S)
        await link.close()
        return await self._start(socket)

    def _ask_for_facts(self, link: Link) -> None:
        # Written at once, not by a task: what is submitted after it must not overtake it.
        link.tell("facts", self._wanted)


async def connect(state_dir: Path | None = None, *, start: bool = True) -> WorkerClient:
    """Connect to the worker of a state folder.

    With `start`, one is started where work is unfinished, again after a crash, and whenever a command is submitted;
    without, the client only looks.  Raises `PailError` where a worker cannot be started or is not to be trusted.
    """
    client = WorkerClient(state_dir or paths.state_dir())
    try:
        await client.open(start=start)
    except BaseException:
        await client.close()
        raise
    return client


async def status(state_dir: Path | None = None) -> WorkerStatus:
    """Return whether a worker runs and what it does; starts none.  Raises `Unsafe` where it is not to be trusted."""
    state_dir = state_dir or paths.state_dir()
    client = WorkerClient(state_dir)
    try:
        return await client.status()
    except Gone:
        offline = await asyncio.to_thread(offline_jobs, state_dir)
        left = [job for job in offline if not job.ended]
        return WorkerStatus(
            running=False,
            jobs=len(left),
            transfers=sum(job.counts.of("queued", "asking", "paused") for job in left),
        )
    finally:
        await client.close()


async def stop(state_dir: Path | None = None, *, limit_s: float = STOP_S) -> bool:
    """Stop the worker, with everything resumable, and wait until it has ended; tells whether one ran.

    Raises `Busy` where it does not end in time.
    """
    state_dir = state_dir or paths.state_dir()
    client = WorkerClient(state_dir)
    try:
        await client.stop()
    except Gone:
        return False
    finally:
        await client.close()
    deadline = asyncio.get_running_loop().time() + limit_s
    while not await asyncio.to_thread(nobody_serves, state_dir):
        if asyncio.get_running_loop().time() > deadline:
            raise Busy("the worker does not end", remedy="Look at its log, then kill its process.")
        await asyncio.sleep(POLL_S)
    return True


def _enter(gate: FileLock) -> bool:
    paths.ensure_private_dir(gate.path.parent)
    return gate.acquire()


def nobody_serves(state_dir: Path) -> bool:
    """Tell whether no process is the worker of a state folder; blocks for a moment."""
    if not state_dir.is_dir():
        return True
    lock = FileLock(state_dir / protocol.LOCK_NAME)
    if not lock.acquire():
        return False
    lock.release()
    return True


def _has_work(state_dir: Path) -> bool:
    return has_unfinished(state_dir / JOURNALS, always=WORKER_JOURNAL) or wants_worker(state_dir)


def offline_jobs(state_dir: Path) -> list[Job]:
    """Return the jobs of the worker's journal while no worker runs; blocks."""
    jobs = [
        Job(row, Counts.of_tallies(tallies), Options().small_limit)
        for row, tallies in read_jobs(state_dir / JOURNALS / WORKER_JOURNAL)
    ]
    undone = {job.row.spec.undoes for job in jobs}
    for job in jobs:
        job.undone = job.id in undone
    return jobs


def _offline(state_dir: Path, query: SnapshotQuery) -> Snapshot:
    jobs = offline_jobs(state_dir)
    meant = window.chosen(jobs, query)
    wanted = window.Window(meant, query.offset, min(query.limit, window.MOST_ROWS))
    return Snapshot(
        jobs=tuple(job.view() for job in jobs),
        transfers=tuple(read_from(state_dir / JOURNALS / WORKER_JOURNAL, wanted.read) or ()),
        total=window.total(meant),
    )
