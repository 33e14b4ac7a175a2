"""Two screens on one worker: what one does the other sees, and both show the same queue in the same order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.message import Message

from app.bridge import Bridge
from services.localstore.faults import Fault
from services.transfer.messages import Answer, Control, EngineClient, JobItem, Reorder, Snapshot, Submit
from services.worker.client import WorkerClient, connect, stop
from tests.services.transfer.conftest import BUCKET, Lab, OpenLab, eventually
from widgets.transfer_rows import job_order


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


class Screen:
    """What a screen knows of the engine: its bridge, and the messages it got."""

    def __init__(self, state: Path) -> None:
        self.told: list[Message] = []

        async def reach() -> EngineClient:
            return await connect(state)

        self.bridge = Bridge(reach, self.told.append, sample_s=0.02)
        self.bridge.start()

    @property
    def is_connected(self) -> bool:
        """Whether it hears of the worker's facts."""
        client = self.bridge._client
        return isinstance(client, WorkerClient) and client.worker_pid > 0

    @property
    def queue(self) -> list[tuple[str, str, int]]:
        """The jobs as they are shown, with state and rank."""
        return [(job.id, job.state, job.rank) for job in sorted(self.bridge.snapshot.jobs, key=job_order)]

    @property
    def transfers(self) -> list[tuple[str, str]]:
        return [(view.id, view.state) for view in self.bridge.snapshot.transfers]

    def of(self, kind: type[Message]) -> list[Message]:
        return [message for message in self.told if isinstance(message, kind)]


@pytest.fixture
async def pair(open_lab: OpenLab, tmp_path: Path) -> AsyncIterator[tuple[Lab, Screen, Screen]]:
    """Two screens and a lab over a real worker process."""
    state = tmp_path / "state"

    async def reach(folder: Path, _: object) -> EngineClient:
        return await connect(folder)

    lab = await open_lab(open_client=reach, state=state)
    await lab.run("make-folder", JobItem("", at("folder/")))
    await lab.engine.submit(Control("dismiss"))
    one, two = Screen(state), Screen(state)
    await eventually(lambda: one.is_connected and two.is_connected)
    yield lab, one, two
    await one.bridge.stop()
    await two.bridge.stop()
    await lab.engine.close()
    await stop(state)


async def agree(one: Screen, two: Screen) -> Snapshot:
    """Wait until both show the same, and return it."""
    await eventually(lambda: one.bridge.snapshot.jobs and one.queue == two.queue and one.transfers == two.transfers)
    return one.bridge.snapshot


async def test_two_screens_agree_on_the_queue_whoever_changes_it(pair: tuple[Lab, Screen, Screen]) -> None:
    lab, one, two = pair
    lab.faults.add(Fault("objects.insert", "stall", "before", count=None))
    for folder in "ab":
        for number in range(30):
            lab.file(f"{folder}/{number:02}", b"x")
    first = (
        await one.bridge.submit(Submit(lab.spec("upload", JobItem(str(lab.folder / "a"), at("a/"), tree=True))))
    ).id
    second = (
        await two.bridge.submit(Submit(lab.spec("upload", JobItem(str(lab.folder / "b"), at("b/"), tree=True))))
    ).id
    await eventually(lambda: len(one.queue) == len(two.queue) == 2)
    await one.bridge.submit(Control("pause"))
    await eventually(lambda: [state for _, state, _ in two.queue] == ["paused", "paused"])
    await two.bridge.submit(Reorder(first, "top"))
    await eventually(lambda: one.queue == [(first, "paused", 1), (second, "paused", 0)])
    await one.bridge.submit(Reorder(f"{first}.20", "top"))
    wanted = (f"{first}.20", "paused")
    await eventually(lambda: one.transfers[:1] == two.transfers[:1] == [wanted])
    await agree(one, two)
    await two.bridge.submit(Control("cancel", second))
    await eventually(lambda: ("cancelled", 0) in [(state, rank) for _, state, rank in one.queue])
    lab.faults.clear()
    await one.bridge.submit(Control("resume", first))
    await eventually(lambda: len(one.of(Bridge.Ended)) == len(two.of(Bridge.Ended)) == 2)
    await agree(one, two)


async def test_a_question_is_asked_on_both_screens_and_answered_on_one(pair: tuple[Lab, Screen, Screen]) -> None:
    lab, one, two = pair
    await lab.put("f", b"old")
    path = lab.file("f", b"new")
    spec = lab.spec("upload", JobItem(str(path), at("f")), conflict="ask")
    job = (await one.bridge.submit(Submit(spec))).id
    await eventually(lambda: one.of(Bridge.Asked) and two.of(Bridge.Asked))
    await two.bridge.submit(Answer(job, "replace"))
    await eventually(lambda: one.of(Bridge.Ended) and two.of(Bridge.Ended))
    await agree(one, two)
    assert await lab.get("f") == b"new"
