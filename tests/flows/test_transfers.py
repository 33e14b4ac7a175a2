"""Pausing, resuming and cancelling on the Transfers view, over a store that is slow on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events

from services.config.reading import Reading
from services.config.schema import Config, Notify
from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from services.paths import state_dir
from services.transfer.chronicle import recall
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually


@pytest.fixture
def faults() -> Faults:
    return Faults(Fault("objects.insert", "latency", seconds=1.0, count=None))


@pytest.fixture
def store(store_factory: Callable[..., StoreServer], faults: Faults) -> StoreServer:
    return store_factory(faults=faults)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.txt").write_bytes(b"x" * 100)
    return folder


def states(d: Desk) -> list[str]:
    return [job.state for job in d.main.desk.bridge.snapshot.jobs]


async def start(d: Desk, folder: Path) -> None:
    await d.see("This bucket is empty")
    d.app.screen.post_message(events.Paste(str(folder)))
    await d.see("Upload 1 pasted path?")
    await d.press("enter")
    await d.see("moving")
    await d.press("w")
    await d.see("[3 Transfers]", "upload")


async def test_a_job_is_paused_and_resumed_by_one_key(desk: OpenDesk, many: Path, faults: Faults) -> None:
    async with desk(size=(120, 30)) as d:
        await start(d, many)
        await d.press("full_stop")
        await eventually(lambda: states(d) == ["paused"])
        await d.see("paused", "Resume")
        faults.clear()
        await d.press("full_stop")
        await eventually(lambda: states(d) == ["done"])
        assert len(await d.names()) == 60
        await d.press("1")
        await d.see("many/")


async def test_a_job_is_cancelled_then_dismissed(desk: OpenDesk, many: Path) -> None:
    async with desk(size=(120, 30)) as d:
        await start(d, many)
        await d.press("X")
        await eventually(lambda: states(d) == ["cancelled"])
        await d.press("X")
        await eventually(lambda: states(d) == [])
        assert BUCKET in d.text()


async def test_a_long_job_that_ends_is_told_to_the_terminal_where_that_is_wanted(
    desk: OpenDesk, many: Path, faults: Faults
) -> None:
    async with desk(size=(120, 30)) as d:
        written: list[str] = []
        d.app.write_to_terminal = written.append  # type: ignore[method-assign]
        wanted = Reading(Config(notify=Notify("osc9", 0.0)))
        d.main.desk.surroundings = replace(d.main.desk.surroundings, reading=wanted)
        await start(d, many)
        faults.clear()
        await eventually(lambda: states(d) == ["done"])
        await eventually(lambda: written)
        assert written[0].startswith("\x1b]9;Pail: Uploaded ")
        assert "many: took" in written[0]


async def test_a_job_and_a_waiting_transfer_are_put_first_by_one_key(
    desk: OpenDesk, many: Path, faults: Faults
) -> None:
    faults.clear()
    faults.add(Fault("objects.insert", "stall", "before", count=None))
    async with desk(size=(120, 30)) as d:
        await start(d, many)
        await d.press("full_stop")
        await eventually(lambda: states(d) == ["paused"])
        assert d.main.desk.bridge.snapshot.jobs[0].bytes == 0
        await d.press("home", "enter")
        await d.see("00.txt", "paused")
        await d.press("end", "T")
        await eventually(lambda: first_waiting(d) == "59.txt")
        await d.press("shift+down")
        await eventually(lambda: first_waiting(d) != "59.txt")


async def test_the_history_is_shown_by_one_key(desk: OpenDesk, many: Path, faults: Faults) -> None:
    async with desk(size=(120, 30)) as d:
        await start(d, many)
        faults.clear()
        await eventually(lambda: states(d) == ["done"])
        await d.press("X")
        await eventually(lambda: states(d) == [])
        await eventually(lambda: recall(state_dir()))
        await d.press("H")
        await d.see("The last 30 days", "1 job", "60 items", "upload", "many")
        await d.press("escape")
        await d.gone("The last 30 days")


def first_waiting(d: Desk) -> str:
    views = [view for view in d.main.desk.bridge.snapshot.transfers if view.state == "paused"]
    return views[0].source.rpartition("/")[2] if views else ""


async def test_the_bandwidth_is_limited_while_something_moves(desk: OpenDesk, many: Path, faults: Faults) -> None:
    async with desk(size=(120, 30)) as d:
        await start(d, many)
        await d.press("full_stop")
        await eventually(lambda: states(d) == ["paused"])
        await d.press("B")
        await d.see("Limit the bandwidth", "08:00,2M 18:00,off", "now: no limit")
        await d.press(*["backspace"] * 3)
        for key in ("x", "backspace", "2", "M"):
            await d.press(key)
        await d.see("now: 2.1 MB/s")
        await d.press("enter")
        await eventually(lambda: d.main.desk.bridge.snapshot.bandwidth == 2 << 20)
        await d.see("limit 2.1 MB/s")
        faults.clear()
        await d.press("full_stop")
        await eventually(lambda: states(d) == ["done"])


async def test_a_job_asks_once_about_all_targets_that_exist_and_says_how_many(
    desk: OpenDesk, many: Path, faults: Faults
) -> None:
    faults.clear()
    async with desk(size=(100, 30), objects={f"many/{number:02}.txt": b"old" for number in range(30)}) as d:
        await d.see("many/")
        d.app.screen.post_message(events.Paste(str(many)))
        await d.see("Upload 1 pasted path?")
        await d.press("enter")
        await d.see("30 targets exist already", "The same for all of this job: 30")
        await d.press("s")
        await d.gone("targets exist already")
        await eventually(lambda: states(d) == ["done"])
        [job] = d.main.desk.bridge.snapshot.jobs
        assert (job.done, job.skipped) == (60, 30)
        assert await d.read("many/00.txt") == b"old"
        assert len(d.app.screen_stack) == 2
