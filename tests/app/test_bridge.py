"""The bridge: facts become messages, state is sampled only while something changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from textual.message import Message

from app.bridge import Bridge
from services.errors import PailError, Transient
from services.transfer.messages import (
    Command,
    ConflictFact,
    EngineClient,
    Fact,
    ItemFact,
    Items,
    JobFact,
    JobView,
    Reply,
    Snapshot,
    SnapshotQuery,
    TransferView,
)
from tests.flows.conftest import eventually

JOB = JobView("1", "upload", "/a", "gs://b/a", "running")
ITEM = TransferView("1.1", "1", "upload", "/a", "gs://b/a", "done")


class ScriptedEngine:
    """An engine that is told what to report; counts how often it is looked at."""

    def __init__(self) -> None:
        self.state = Snapshot()
        self.looked = 0
        self.closed = False
        self.queue: asyncio.Queue[Fact] = asyncio.Queue()

    async def submit(self, command: Command) -> Reply:
        return Reply()

    async def snapshot(self, query: SnapshotQuery | None = None) -> Snapshot:
        self.looked += 1
        return self.state

    async def facts(self, *, items: Items = False) -> AsyncIterator[Fact]:
        while True:
            yield await self.queue.get()

    async def close(self) -> None:
        self.closed = True


def make(engine: ScriptedEngine, failures: list[PailError] | None = None) -> tuple[Bridge, list[Message]]:
    posted: list[Message] = []

    async def connect() -> EngineClient:
        if failures:
            raise failures.pop(0)
        return engine  # type: ignore[return-value]

    return Bridge(connect, posted.append, sample_s=0.01), posted


async def test_an_engine_that_stands_still_is_told_once() -> None:
    engine = ScriptedEngine()
    engine.state = Snapshot(jobs=(JOB,))
    bridge, posted = make(engine)
    bridge.start()
    await eventually(lambda: engine.looked > 20)
    await bridge.stop()
    assert [type(message) for message in posted] == [Bridge.Sampled]
    assert engine.closed


async def test_an_idle_engine_is_hardly_looked_at() -> None:
    engine = ScriptedEngine()
    bridge, posted = make(engine)
    bridge.start()
    await eventually(lambda: engine.looked == 1)
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert engine.looked == 1
    await bridge.submit(object())  # type: ignore[arg-type]
    await eventually(lambda: engine.looked == 2)
    await bridge.stop()
    assert posted == []


async def test_what_a_job_did_is_told_before_its_end() -> None:
    engine = ScriptedEngine()
    bridge, posted = make(engine)
    bridge.start()
    for fact in (ItemFact(ITEM), ItemFact(ITEM), JobFact(JOB), ConflictFact(JOB, (ITEM,))):
        engine.queue.put_nowait(fact)
    await eventually(lambda: len(posted) == 3)
    await bridge.stop()
    touched, ended, asked = posted
    assert isinstance(touched, Bridge.Touched)
    assert len(touched.transfers) == 2
    assert isinstance(ended, Bridge.Ended)
    assert isinstance(asked, Bridge.Asked)
    assert asked.examples == (ITEM,)


async def test_an_engine_that_cannot_be_reached_is_told_as_an_error() -> None:
    engine = ScriptedEngine()
    bridge, posted = make(engine, [Transient("no worker")])
    bridge.start()
    await eventually(lambda: posted)
    await bridge.stop()
    assert isinstance(posted[0], Bridge.Unreachable)
    assert posted[0].error.message == "no worker"
