"""A pair that runs: what wakes it, what it waits for, and what it never trusts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.errors import Safeguard, Transient
from services.sync.controller import Controller, Listener
from services.sync.disk import Disk
from services.sync.live import Live, Times, poll_interval
from services.sync.remote import Prefix
from services.sync.state import State
from services.sync.watch import FLOOD, Hints, beat
from tests.services.sync.conftest import Machine
from tests.services.transfer.conftest import eventually
from tests.services.transfer.doubles import Changed

QUICK = Times(settle_s=0.05, poll_s=0.05, poll_most_s=0.1, rescan_s=600, retry_s=0.05, wait_s=0.05, scan_least_s=0.05)
NEVER_POLLS = Times(settle_s=0.05, poll_s=600, poll_most_s=600, rescan_s=600, retry_s=0.05, wait_s=0.05)


@asynccontextmanager
async def running(box: Machine, times: Times, *, watch: bool = True, data: Any = None) -> AsyncIterator[Live]:
    state = State.open(box.database, box.pair.identity)
    controller = Controller(
        box.pair,
        Disk(box.pair.root, prefix=box.pair.prefix),
        Prefix(data or box.data, box.pair.bucket, box.pair.prefix),
        state,
        on_disk=asyncio.to_thread,
        machine=box.name,
        listener=Listener(on_notice=box.notices.append, on_phase=lambda phase, _: box.phases.append(phase)),
    )
    live = Live(controller, times=times, watch=watch)
    task = asyncio.create_task(live.run())
    try:
        await eventually(lambda: "watching" in box.phases or task.done())
        yield live
    finally:
        live.stop()
        await asyncio.wait([task])
        state.close()
    await task


def has(box: Machine, key: str, content: str) -> Callable[[], Any]:
    async def look() -> bool:
        return (await box.objects()).get(key) == content

    return look


async def test_a_change_here_goes_up_without_a_listing(box: Machine) -> None:
    async with running(box, NEVER_POLLS):
        box.write("d/a", "x")
        await eventually(has(box, "d/a", "x"))
        box.write("d/a", "y")
        await eventually(has(box, "d/a", "y"))


async def test_a_change_there_comes_down_at_the_next_look(box: Machine) -> None:
    async with running(box, QUICK):
        await box.put("a", "x")
        await eventually(lambda: box.files().get("a") == "x")


async def test_a_delete_goes_either_way(box: Machine) -> None:
    for name in "abcd":
        box.write(name, name)
    async with running(box, QUICK):
        (box.folder / "a").unlink()
        await box.remove("b")
        await eventually(lambda: set(box.files()) == {"c", "d"})

        async def gone() -> bool:
            return set(await box.objects()) == {"c", "d"}

        await eventually(gone)


async def test_hazard_38_a_flood_of_changes_is_a_look_at_everything(box: Machine) -> None:
    async with running(box, NEVER_POLLS, watch=False) as live:
        box.write("unseen", "x")
        live.hints.add({str(number) for number in range(FLOOD)})
        await eventually(has(box, "unseen", "x"))
    assert any("at once" in notice for notice in box.notices)


async def test_hazard_38_a_process_that_was_stopped_looks_at_everything() -> None:
    now = [0.0]
    hints = Hints(lambda: now[0])
    task = asyncio.create_task(beat(hints, interval_s=0.001))
    await asyncio.sleep(0)
    now[0] += 60
    await eventually(lambda: hints.overflow)
    task.cancel()
    assert "did not run" in hints.overflow


async def test_hazard_39_without_events_the_folder_is_looked_through(
    box: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import watchfiles

    def refuse(*_: object, **__: object) -> Any:
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr(watchfiles, "awatch", refuse)
    async with running(box, QUICK):
        box.write("deep/a", "x")
        await eventually(has(box, "deep/a", "x"))
    assert any("limit reached" in notice for notice in box.notices)


async def test_hazard_41_a_file_that_keeps_growing_waits_and_holds_nobody_up(box: Machine) -> None:
    writing = True

    async def write() -> None:
        text = ""
        while writing:
            text += "x" * 10
            box.write("growing", text)
            await asyncio.sleep(0.01)
        box.write("growing", "whole")

    async with running(box, NEVER_POLLS):
        writer = asyncio.create_task(write())
        box.write("other", "x")
        await eventually(has(box, "other", "x"))
        assert "growing" not in await box.objects()
        writing = False
        await writer
        await eventually(has(box, "growing", "whole"))


async def test_a_lost_network_is_waited_out(box: Machine) -> None:
    down = [False]

    async def lost(real: Any, *arguments: Any, **options: Any) -> Any:
        if down[0]:
            raise Transient("no connection")
        return await real(*arguments, **options)

    data = Changed(box.data, {"list_versions": lost, "insert": lost})
    async with running(box, QUICK, data=data):
        down[0] = True
        box.write("a", "x")
        await eventually(lambda: "waiting" in box.phases)
        down[0] = False
        await eventually(has(box, "a", "x"))


async def test_a_safeguard_halts_and_says_why(box: Machine) -> None:
    for number in range(30):
        box.write(str(number), "x")

    async def empty_it() -> None:
        async with running(box, QUICK):
            for path in box.folder.glob("[0-9]*"):
                path.unlink()
            await eventually(lambda: "halted" in box.phases)

    with pytest.raises(Safeguard):
        await empty_it()
    assert len(await box.objects()) == 30


async def test_new_rules_are_heeded_at_once(box: Machine) -> None:
    async with running(box, NEVER_POLLS):
        box.write(".pailignore", "*.log\n")
        await eventually(has(box, ".pailignore", "*.log\n"))
        box.write("a.log", "x")
        box.write("b", "x")
        await eventually(has(box, "b", "x"))
    assert set(await box.objects()) == {".pailignore", "b"}


@pytest.mark.parametrize(
    ("quiet", "pages", "seconds"), [(0, 1, 5.0), (1, 1, 10.0), (9, 1, 60.0), (0, 20, 36.0), (0, 100, 180.0)]
)
def test_listing_never_costs_more_than_two_thousand_requests_an_hour(quiet: int, pages: int, seconds: float) -> None:
    assert poll_interval(Times(), quiet, pages) == seconds
    assert pages * 3600 / poll_interval(Times(), quiet, pages) <= 2000


async def test_a_change_in_the_middle_of_a_look_at_everything_is_not_dropped(
    box: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(box, NEVER_POLLS, watch=False) as live:
        controller = live._controller
        whole = controller.run_pass

        async def edited_meanwhile(**options: Any) -> Any:
            result = await whole(**options)
            if not (box.folder / "late").exists():
                box.write("late", "x")
                live.hints.add({"late"})
            return result

        monkeypatch.setattr(controller, "run_pass", edited_meanwhile)
        live.refresh()
        await eventually(has(box, "late", "x"), 10)
