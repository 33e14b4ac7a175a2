"""The traps of watching: what the library would drop or hold back, and what nothing reports at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from services.sync.controller import Controller, Result
from services.sync.live import Live, Times
from services.sync.watch import FLOOD, GATHER_MS, LATE_S, STEP_MS, Hints, beat, watch_folder
from tests.services.sync.conftest import Machine
from tests.services.sync.test_live import NEVER_POLLS, has, running
from tests.services.transfer.conftest import eventually


async def test_the_watch_filters_nothing_and_does_not_gather_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    async def nothing(*_: Any, **options: Any) -> AsyncIterator[set[tuple[Any, str]]]:
        asked.update(options)
        yield {(1, f"{tmp_path}/node_modules/a")}

    monkeypatch.setattr(watchfiles, "awatch", nothing)
    hints = Hints()
    await watch_folder(str(tmp_path), hints, asyncio.Event())
    assert asked["watch_filter"] is None
    assert asked["step"] == STEP_MS <= 50
    assert asked["debounce"] == GATHER_MS <= 100
    assert asked["force_polling"] is False
    assert set(hints.waiting) == {"node_modules/a"}


@pytest.mark.parametrize("name", [".git/x", "node_modules/x", ".venv/x", "__pycache__/x", "x.pyc", ".DS_Store"])
async def test_what_the_library_drops_by_default_goes_up(box: Machine, name: str) -> None:
    async with running(box, NEVER_POLLS):
        box.write(name, "x")
        await eventually(has(box, name, "x"))


async def test_a_thousand_files_at_once_settle_in_one_batch(box: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    real = Controller.run_folders

    async def counted(self: Controller, *arguments: Any, **options: Any) -> Result:
        result = await real(self, *arguments, **options)
        batches.append(len(result.items))
        return result

    monkeypatch.setattr(Controller, "run_folders", counted)
    async with running(box, NEVER_POLLS, watch=False) as live:
        for number in range(1000):
            box.write(f"d/{number}", str(number))
        live.hints.add({"d", *(f"d/{number}" for number in range(1000))})
        await eventually(lambda: sum(batches) >= 1000)
    assert batches == [1000]


async def test_hazard_38_a_batch_of_thousands_is_no_list_and_a_smaller_one_is() -> None:
    hints = Hints()
    hints.add({str(number) for number in range(FLOOD - 1)})
    assert not hints.overflow
    assert len(hints.waiting) == FLOOD - 1
    hints.add({str(number) for number in range(FLOOD)})
    assert "at once" in hints.overflow


async def test_hazard_47_a_beat_counts_as_late_only_after_two_seconds() -> None:
    now = [0.0]
    hints = Hints(lambda: now[0])
    task = asyncio.create_task(beat(hints, interval_s=0.001))
    await asyncio.sleep(0)
    now[0] += LATE_S - 0.1
    await asyncio.sleep(0.01)
    assert not hints.overflow
    now[0] += LATE_S + 0.1
    await eventually(lambda: hints.overflow)
    task.cancel()


async def test_everything_is_looked_at_every_ten_minutes_though_nothing_was_reported(box: Machine) -> None:
    assert Times().rescan_s == 600
    times = Times(settle_s=0.05, poll_s=600, poll_most_s=600, rescan_s=0.3)
    async with running(box, times, watch=False):
        box.write("unseen", "x")
        await eventually(has(box, "unseen", "x"))


class Slow:
    """A controller each of whose looks through the folder takes a second."""

    def __init__(self, now: list[float]) -> None:
        self.now = now
        self.looks: list[float] = []
        self.tree = type("Tree", (), {"entries": {}})()
        self.remote = type("Tree", (), {"pages": 1})()
        self.pair = type("Pair", (), {"root": "/nowhere"})()

    async def run_pass(self, **_: Any) -> Result:
        return Result()

    async def run_remote(self, **_: Any) -> Result:
        return Result()

    async def run_local(self, **_: Any) -> Result:
        self.looks.append(self.now[0])
        self.now[0] += 1.0
        return Result()

    def enter(self, *_: str) -> None:
        return None

    def notice(self, *_: str) -> None:
        return None


async def test_hazard_39_looking_through_the_folder_takes_no_more_than_its_share_of_the_time() -> None:
    now = [0.0]
    controller = Slow(now)
    hints = Hints(lambda: now[0])
    hints.polling = "the limit was reached"

    async def wait(seconds: float) -> None:
        now[0] += max(0.0, seconds)
        await asyncio.sleep(0)

    hints.wait = wait  # type: ignore[method-assign]
    live = Live(controller, hints=hints, watch=False)  # type: ignore[arg-type]
    task = asyncio.create_task(live.run())
    await eventually(lambda: len(controller.looks) > 20)
    live.stop()
    await task
    share = len(controller.looks) / (controller.looks[-1] - controller.looks[0])
    assert share <= 0.05 * 1.1
    assert Times().scan_share == 0.05
