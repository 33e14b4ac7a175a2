"""The way between engine and screen: facts become messages, state is sampled only while something runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from textual.message import Message

from services.errors import PailError, Transient
from services.transfer.messages import (
    Command,
    ConflictFact,
    EngineClient,
    Fact,
    ItemFact,
    JobFact,
    JobView,
    NoticeFact,
    Reply,
    Snapshot,
    SnapshotQuery,
    Submit,
    TransferView,
)

SAMPLE_S: Final = 0.25
"""Seconds between two samples while something runs: progress is read by people, not by machines."""

IDLE_S: Final = 2.0
"""Seconds between two looks at an idle engine: another `pail` may have given it work.  Nothing is drawn for it."""

TOUCH_S: Final = 0.5
"""Seconds for which ended items are gathered before the screen is told."""

TOUCH_LIMIT: Final = 5_000
"""Ended items that are told at once at the most, so that no single message holds up the screen."""

MOVING: Final = frozenset({"queued", "planning", "running"})
"""States of a job that change by themselves."""


class Connect(Protocol):
    """Reaches the engine."""

    async def __call__(self, *, start: bool) -> EngineClient | None:
        """Return a client; where no engine runs, start one or (without `start`) return None."""


class Bridge:
    """Keeps a connection to the engine and tells one receiver what happens there.

    It attaches to an engine that runs, waits for one where none does, starts one for the first command, and attaches
    again when the engine leaves or dies: jobs are journalled, so nothing is lost with it.
    """

    @dataclass
    class Sampled(Message):
        """The state of the engine has changed."""

        snapshot: Snapshot
        """The state; empty when the engine is gone."""

    @dataclass
    class Ended(Message):
        """A job is done, failed or cancelled."""

        job: JobView
        """How it ended."""

    @dataclass
    class Asked(Message):
        """A job waits for a decision."""

        job: JobView
        """The job."""
        examples: tuple[TransferView, ...]
        """Some of its conflicts."""

    @dataclass
    class Noticed(Message):
        """The engine has something to say that is not about one item."""

        fact: NoticeFact
        """What it says."""

    @dataclass
    class Touched(Message):
        """Objects were written or removed."""

        transfers: tuple[TransferView, ...]
        """The transfers that ended, in the order of their ends."""

    @dataclass
    class Lost(Message):
        """The engine went away while it had work."""

        reason: str
        """One line."""

    def __init__(self, connect: Connect, post: Callable[[Message], object], *, sample_s: float = SAMPLE_S) -> None:
        self._connect = connect
        self._post = post
        self._sample_s = sample_s
        self._client: EngineClient | None = None
        self._wake = asyncio.Event()
        self._attached = asyncio.Event()
        self._lock = asyncio.Lock()
        self._last = Snapshot()
        self._query = SnapshotQuery()
        self._touched: list[TransferView] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The state as it was sampled last."""
        return self._last

    @property
    def query(self) -> SnapshotQuery:
        """Which transfers a sample holds."""
        return self._query

    @query.setter
    def query(self, query: SnapshotQuery) -> None:
        if query != self._query:
            self._query = query
            self._wake.set()

    def start(self) -> None:
        """Begin to follow the engine."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="engine bridge")

    async def stop(self) -> None:
        """Leave the engine; a worker goes on without us."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._drop()

    async def submit(self, command: Command) -> Reply:
        """Have the engine take a command, starting one where none runs; raises `PailError` where that fails.

        A command that was cut off is sent again only when it changes nothing to repeat it: a job may have been taken.
        """
        client = await self._reach()
        try:
            reply = await client.submit(command)
        except (Transient, ConnectionError, EOFError) as error:
            await self._drop()
            if isinstance(command, Submit):
                raise _gone(error) from error
            reply = await (await self._reach()).submit(command)
        self._wake.set()
        return reply

    async def look(self, query: SnapshotQuery) -> Snapshot:
        """Return the state now, with other transfers than those that are sampled; raises `PailError`."""
        client = self._client
        return await client.snapshot(query) if client is not None else Snapshot()

    async def _reach(self) -> EngineClient:
        async with self._lock:
            if self._client is None:
                client = await self._connect(start=True)
                if client is None:
                    raise Transient("the transfer engine could not be started", remedy="See 'pail worker status'.")
                self._client = client
                self._attached.set()
            return self._client

    async def _drop(self) -> None:
        client, self._client = self._client, None
        self._attached.clear()
        if client is not None:
            with contextlib.suppress(PailError, OSError, EOFError):
                await client.close()

    async def _run(self) -> None:
        while True:
            try:
                client = await self._attach()
                await self._follow(client)
            except (PailError, OSError, EOFError) as error:
                await self._left(str(error))
            else:
                await self._left("it ended")
            await asyncio.sleep(min(IDLE_S, 4 * self._sample_s))

    async def _attach(self) -> EngineClient:
        while True:
            async with self._lock:
                if self._client is None:
                    self._client = await self._connect(start=False)
                if self._client is not None:
                    return self._client
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._attached.wait(), IDLE_S)

    async def _left(self, reason: str) -> None:
        await self._drop()
        self._flush()
        had_work = any(job.state in MOVING for job in self._last.jobs)
        if self._last != Snapshot():
            self._last = Snapshot()
            self._post(self.Sampled(self._last))
        if had_work:
            self._post(self.Lost(reason))

    async def _follow(self, client: EngineClient) -> None:
        # The subscription starts before the first sample, so that no end falls between the two.
        facts = client.facts(items=True)
        tasks = [
            asyncio.create_task(self._receive(facts), name="engine facts"),
            asyncio.create_task(self._sample(client), name="engine samples"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self, facts: AsyncIterator[Fact]) -> None:
        pending: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()
        try:
            async for fact in facts:
                if isinstance(fact, ItemFact):
                    self._touched.append(fact.transfer)
                    if len(self._touched) >= TOUCH_LIMIT:
                        self._flush()
                    if pending is None or pending.when() < loop.time():
                        pending = loop.call_later(TOUCH_S, self._flush)
                    continue
                self._tell(fact)
                self._wake.set()
        finally:
            if pending is not None:
                pending.cancel()

    def _tell(self, fact: JobFact | ConflictFact | NoticeFact) -> None:
        self._flush()  # what a job did comes before its end
        if isinstance(fact, JobFact):
            self._post(self.Ended(fact.job))
        elif isinstance(fact, ConflictFact):
            self._post(self.Asked(fact.job, fact.examples))
        else:
            self._post(self.Noticed(fact))

    def _flush(self) -> None:
        touched, self._touched = self._touched, []
        if touched:
            self._post(self.Touched(tuple(touched)))

    async def _sample(self, client: EngineClient) -> None:
        while True:
            self._wake.clear()
            snapshot = await client.snapshot(self._query)
            if snapshot != self._last:
                self._last = snapshot
                self._post(self.Sampled(snapshot))
            moving = any(job.state in MOVING for job in snapshot.jobs)
            if moving:
                # Never faster than the interval, whatever wakes us: a job of small files ends items by the thousand.
                await asyncio.sleep(self._sample_s)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), IDLE_S)


def _gone(error: BaseException) -> Transient:
    return Transient(
        f"the transfer engine went away while it was given a job: {error}",
        remedy="Look at Transfers (w) whether the job is there, then repeat it if not.",
    )
