"""A pair that a process runs: its plan waits for a word, a halt shows what would happen, conflicts are decided."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.errors import Busy, Safeguard
from services.sync.host import SyncHost
from services.sync.live import Spending, Times
from services.sync.overview import PairBook, owner_socket
from services.sync.owner import OwnerLink
from services.sync.pairs import KeptPair, PairList
from services.sync.runner import Runner
from services.sync.status import PairLook, Ticks
from tests.services.sync.conftest import Machine, OpenMachine
from tests.services.transfer.conftest import eventually, open_impatient

QUICK = Times(settle_s=0.05, poll_s=0.1, poll_most_s=0.2, rescan_s=600, retry_s=0.05, wait_s=0.05)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@asynccontextmanager
async def running(box: Machine, state: Path, **options: Any) -> AsyncIterator[Runner]:
    runner = Runner(box.pair, box.storage, state, times=QUICK, **options)
    task = asyncio.create_task(runner.run())
    try:
        await eventually(lambda: runner._open is not None)
        yield runner
    finally:
        runner.stop()
        await task


def stands(runner: Runner, *words: str) -> Any:
    return lambda: runner.view().stand in words


async def test_nothing_moves_before_the_plan_was_seen_and_what_is_unticked_stays_out(box: Machine, state: Path) -> None:
    box.write("a", "1")
    box.write("b", "2")
    answered: list[bool] = []
    async with running(box, state, ask=True, on_answered=lambda: answered.append(True)) as runner:
        await eventually(stands(runner, "asking"))
        plan = await runner.answer("plan", None)
        assert [(line.action, line.key, line.why) for line in runner.lines(plan.number, "upload", 0, 9)] == [
            ("upload", "a", "new here"),
            ("upload", "b", "new here"),
        ]
        assert plan.first
        assert await box.objects() == {}
        await runner.go(Ticks(plan.number, lines={"b": False}), 0)
        await eventually(stands(runner, "watching"))
        assert await box.objects() == {"a": "1"}
        assert answered == [True]
        assert runner.view().left_out == 1
    async with running(box, state) as runner:
        await eventually(stands(runner, "watching"))
        assert await box.objects() == {"a": "1"}
        box.write("b", "another edit")
        await eventually(lambda: _has(box, "b", "another edit"))


async def _has(box: Machine, key: str, content: str) -> bool:
    return (await box.objects()).get(key) == content


async def test_a_halt_shows_the_plan_and_goes_on_once_it_was_allowed(box: Machine, state: Path) -> None:
    for number in range(3):
        box.write(str(number), "x")
    await box.sync()
    async with running(box, state) as runner:
        await eventually(stands(runner, "watching"))
        for number in range(3):
            (box.folder / str(number)).unlink()
        await eventually(stands(runner, "halted"))
        view = runner.view()
        assert "no files any more" in view.why
        assert view.remedy
        assert view.planned == (("delete", 3),)
        assert len(await box.objects()) == 3
        with pytest.raises(Safeguard):
            await runner.once()
        await runner.go(Ticks(), 3)
        await eventually(stands(runner, "watching"))
        assert await box.objects() == {}


async def test_a_pass_for_somebody_else_is_made_in_turn_and_reported(box: Machine, state: Path) -> None:
    async with running(box, state) as runner:
        await eventually(stands(runner, "watching"))
        link = OwnerLink(owner_socket(box.pair.id, state))
        await box.put("there", "x")
        planned = await link.once(max_delete="", dry_run=True)
        done = await link.once(max_delete="", dry_run=False)
        await link.close()
        moved = [*planned.lines, *done.lines]
        # Its own look at the bucket may have come first.
        assert {(line.action, line.key) for line in moved} <= {("download", "there")}
        assert box.read("there") == "x"


async def test_what_a_dry_run_saw_is_carried_all_the_same(box: Machine, state: Path) -> None:
    async with running(box, state) as runner:
        await eventually(stands(runner, "watching"))
        await box.put("there", "x")
        await runner.once(dry_run=True)
        await eventually(lambda: (box.folder / "there").exists())


@pytest.mark.parametrize(
    ("choice", "files"),
    [
        ("local", {"a.txt": "mine"}),
        ("remote", {"a.txt": "theirs"}),
    ],
)
async def test_a_conflict_is_decided_and_what_goes_is_in_the_trash(
    box: Machine, state: Path, choice: Any, files: dict[str, str]
) -> None:
    box.write("other", "x")
    box.write("a.txt", "first")
    await box.sync()
    box.write("a.txt", "mine")
    await box.put("a.txt", "theirs")
    async with running(box, state) as runner:
        await eventually(lambda: bool(runner.view().conflicts))
        (conflict,) = runner.view().conflicts
        assert conflict.key == "a.txt"
        await runner.resolve(conflict.copy, choice)
        await eventually(lambda: not runner.view().conflicts)

        async def settled() -> bool:
            return await box.objects() == {"other": "x", **files}

        await eventually(settled)
    assert box.files() == {"other": "x", **files}
    assert {"mine", "theirs"} - set(files.values()) <= set(box.trash())


async def test_both_versions_of_a_conflict_can_stay_as_they_are(box: Machine, state: Path) -> None:
    box.write("a.txt", "first")
    await box.sync()
    box.write("a.txt", "mine")
    await box.put("a.txt", "theirs")
    async with running(box, state) as runner:
        await eventually(lambda: bool(runner.view().conflicts))
        await runner.resolve(runner.view().conflicts[0].copy, "both")
        assert runner.view().conflicts == ()
    async with running(box, state) as runner:
        await eventually(stands(runner, "watching"))
        assert runner.view().conflicts == ()
    assert sorted(box.files().values()) == ["mine", "theirs"]


async def test_a_view_says_what_was_carried_and_what_is_left_alone(box: Machine, state: Path) -> None:
    box.write("a", "x")
    box.write("a~", "x")
    (box.folder / "link").symlink_to("a")
    async with running(box, state) as runner:
        await eventually(stands(runner, "watching"))
        view = runner.view()
        assert [(line.action, line.key) for line in view.recent] == [("upload", "a")]
        assert (view.ignored, view.tracked, view.troubles_total) == (1, 1, 1)
        assert view.troubles[0].key == "link"
        assert view.troubles[0].remedy
        assert view.interval_s > 0
        assert view.unprotected is False


async def test_the_list_decides_what_the_worker_runs(open_machine: OpenMachine, state: Path) -> None:
    box = await open_machine()
    box.write("a", "x")
    host = SyncHost(state, look_s=0.05, times=QUICK, opener=open_impatient)
    book = PairBook(state, connection=box.pair.connection)

    async def look() -> PairLook | None:
        return next(iter((await book.look()).pairs), None)

    async def stand() -> str:
        found = await look()
        return found.view.stand if found is not None and found.view is not None else ""

    async def reaches(word: str) -> None:
        async def there() -> bool:
            return await stand() == word

        await eventually(there)

    host.start()
    try:
        await book.add(box.pair)
        await reaches("asking")
        assert host.busy
        await book.go(box.pair.id, Ticks(), 0)
        await reaches("watching")
        assert await box.objects() == {"a": "x"}
        assert PairList.of(state).load() == (KeptPair(box.pair),)
        with pytest.raises(Busy):
            await book.go(box.pair.id, Ticks(), 0)
        await book.switch(box.pair.id, on=False)

        async def free() -> bool:
            found = await look()
            return found is not None and found.owner is None

        await eventually(free)
        await eventually(lambda: not host.busy)
        spent = host.operations
        assert spent["objects.insert"] == 1, "what was asked of storage that is closed stays counted"
        assert spent["objects.list"] > 0
        await book.switch(box.pair.id, on=True)
        await reaches("watching")
        await book.remove(box.pair.id)

        async def gone() -> bool:
            return await look() is None

        await eventually(gone)
    finally:
        await book.close()
        await asyncio.to_thread(host.stop)


async def test_hazard_67_a_pair_stops_once_its_project_says_something_else(
    open_machine: OpenMachine, state: Path, tmp_path: Path
) -> None:
    box = await open_machine()
    entry = f'[[sync]]\nfolder = "folder"\nurl = "{box.pair.url}"\nendpoint = "{box.pair.connection.endpoint}"\n'
    toml = box.folder.parent / "pail.toml"
    toml.write_text(entry)
    book = PairBook(state, box.folder.parent, box.pair.connection)
    host = SyncHost(state, look_s=0.05, times=QUICK, opener=open_impatient)
    host.start()
    try:
        (proposed,) = (await book.look()).pairs
        assert proposed.proposed
        await book.approve(proposed.id)

        async def stands(word: str) -> bool:
            (found,) = (await book.look()).pairs
            return (found.view.stand if found.view is not None else "proposed" if found.proposed else "") == word

        await eventually(lambda: stands("asking"))
        await book.go(proposed.id, Ticks(), 0)
        await eventually(lambda: stands("watching"))
        toml.write_text(entry + 'ignore = ["*.o"]\n')
        await eventually(lambda: not host.busy)
        await eventually(lambda: stands("proposed"))
    finally:
        await book.close()
        await asyncio.to_thread(host.stop)


async def test_hazard_62_the_socket_of_a_pair_is_private(box: Machine, state: Path) -> None:
    async with running(box, state) as runner:
        await eventually(stands(runner, "watching"))
        path = owner_socket(box.pair.id, state)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


async def test_a_pair_that_cannot_be_begun_says_why(open_machine: OpenMachine, state: Path) -> None:
    box = await open_machine()
    book = PairBook(state, connection=box.pair.connection)

    async def refuse(_connection: object) -> Any:
        raise Safeguard("no such place", remedy="Make one.")

    host = SyncHost(state, look_s=0.05, times=QUICK, opener=refuse)
    await book.add(box.pair)
    host.start()
    try:

        async def said() -> bool:
            (found,) = (await book.look()).pairs
            return found.view is not None and (found.view.stand, found.view.why) == ("halted", "no such place")

        await eventually(said)
    finally:
        await book.close()
        await asyncio.to_thread(host.stop)


def test_looking_stays_within_its_budget() -> None:
    spending = Spending(100)
    spending.add(0.0, 60)
    assert spending.free_at(10.0, 40) == 10.0
    spending.add(10.0, 40)
    assert spending.free_at(20.0, 1) == 3600.0
    assert spending.free_at(20.0, 80) == 3610.0
    assert spending.pages(3605.0) == 40
