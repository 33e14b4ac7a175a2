"""The way between engine and screen: facts become messages, state is sampled only while something runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

from textual.message import Message

from app.line import SAMPLE_S
from services.errors import PailError
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
    TransferView,
)

IDLE_S: Final = 2.0
"""Seconds between two looks at an idle engine: another `pail` may have given it work.  Nothing is drawn for it."""

RETRY_S: Final = 3.0
"""Seconds after which an engine that cannot be reached is tried again."""

TOUCH_S: Final = 0.5
"""Seconds for which ended items are gathered before the screen is told."""

TOUCH_LIMIT: Final = 5_000
"""Ended items that are told at once at the most, so that no single message holds up the screen."""

MOVING: Final = frozenset({"queued", "planning", "running"})
"""States of a job that change by themselves."""


Connect = Callable[[], Awaitable[EngineClient]]
"""Reaches the engine; raises `PailError`."""


class Bridge:
    """Keeps a client of the engine and tells one receiver what happens there.

    The client of a worker starts it when there is work and finds it again after a crash; so one client lasts for the
    whole time, and only one that cannot be had at all is asked for again.
    """

    @dataclass
    class Sampled(Message):
        """The state of the engine has changed."""

        snapshot: Snapshot
        """The state; empty when the engine is gone."""
        query: SnapshotQuery
        """Which transfers are in it."""

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
    class Unreachable(Message):
        """The engine cannot be reached; it is tried again."""

        error: PailError
        """Why."""

    def __init__(self, connect: Connect, post: Callable[[Message], object], *, sample_s: float = SAMPLE_S) -> None:
        self._connect = connect
        self._post = post
        self._sample_s = sample_s
        self._client: EngineClient | None = None
        self._wake = asyncio.Event()
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
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def submit(self, command: Command) -> Reply:
        """Have the engine take a command; raises `PailError` where it cannot be reached or refuses."""
        client = await self._reach()
        reply = await client.submit(command)
        self._wake.set()
        return reply

    async def look(self, query: SnapshotQuery) -> Snapshot:
        """Return the state now, with other transfers than those that are sampled; raises `PailError`."""
        return await (await self._reach()).snapshot(query)

    async def _reach(self) -> EngineClient:
        async with self._lock:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    async def _run(self) -> None:
        told = ""
        while True:
            try:
                client = await self._reach()
                # The subscription starts before the first sample, so that no end falls between the two.
                facts = client.facts(items=True)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._receive(facts), name="engine facts")
                    group.create_task(self._sample(client), name="engine samples")
            except* PailError as group_error:
                error = next(leaf for leaf in _leaves(group_error))
                if error.message != told:
                    told = error.message
                    self._post(self.Unreachable(error))
            await asyncio.sleep(RETRY_S)

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
            query = self._query
            snapshot = await client.snapshot(query)
            if snapshot != self._last:
                self._last = snapshot
                self._post(self.Sampled(snapshot, query))
            moving = any(job.state in MOVING for job in snapshot.jobs)
            if moving:
                # Never faster than the interval, whatever wakes us: a job of small files ends items by the thousand.
                await asyncio.sleep(self._sample_s)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), IDLE_S)


def _leaves(error: BaseExceptionGroup[PailError]) -> Iterator[PailError]:
    for one in error.exceptions:
        if isinstance(one, BaseExceptionGroup):
            yield from _leaves(one)
        else:
            yield one
