"""Hazard 30: the process ends at every single step of a pass, and nothing is lost and no conflict is made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.sync import exchange
from services.sync.controller import Controller
from services.sync.disk import Disk
from services.sync.remote import Prefix
from services.sync.state import State
from tests.services.sync.conftest import Machine, no_sleep
from tests.services.transfer.doubles import Changed

CHANGES = ("insert", "delete", "move")


class Crash(BaseException):
    """The process ends here."""


class Doom:
    """Counts steps and ends the process at one of them; nothing works afterwards."""

    def __init__(self, at: int) -> None:
        self.steps = 0
        self.at = at

    def step(self) -> None:
        self.steps += 1
        if self.steps >= self.at:
            raise Crash

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def doomed(*arguments: Any) -> Any:
            self.step()
            result = function(*arguments)
            self.step()
            return result

        return doomed

    async def on_disk(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.around(function)(*arguments)

    async def ask(self, real: Any, *arguments: Any, **options: Any) -> Any:
        self.step()
        answer = await real(*arguments, **options)
        self.step()
        return answer


async def prepare(box: Machine, tmp_path: Path, number: int) -> Machine:
    """Return a machine with a pair of its own, in step, and then changed on both sides."""
    folder = tmp_path / f"crash-{number}"
    folder.mkdir()
    pair = box.pair._replace(root=str(folder), prefix=f"crash-{number}/")
    made = replace(box, folder=folder, database=tmp_path / f"crash-{number}.db", pair=pair)
    for name in ("here", "there", "both", "gone-here", "gone-there", "old-name", "same"):
        made.write(name, f"first {name}")
    await made.sync()
    made.write("here", "edited here")
    made.write("new-here", "made here")
    await made.put("there", "edited there")
    await made.put("new-there", "made there")
    made.write("both", "ours")
    await made.put("both", "theirs")
    (folder / "gone-here").unlink()
    await made.remove("gone-there")
    (folder / "old-name").rename(folder / "new-name")
    return made


async def crash(made: Machine, doom: Doom, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Sync until the doom strikes, and tell whether it did."""
    state = State.open(made.database, made.pair.identity)
    with monkeypatch.context() as patch:
        for name in ("swap", "rename_new", "rename_away"):
            patch.setattr(exchange, name, doom.around(getattr(exchange, name)))
        controller = Controller(
            made.pair,
            Disk(made.pair.root, prefix=made.pair.prefix),
            Prefix(Changed(made.data, dict.fromkeys(CHANGES, doom.ask)), made.pair.bucket, made.pair.prefix),  # type: ignore[arg-type]
            state,
            on_disk=doom.on_disk,
            machine=made.name,
            sleep=no_sleep,
        )
        try:
            await controller.sync()
        except BaseException:
            if doom.steps < doom.at:
                raise
            return True
        finally:
            state.close()
    return False


@pytest.mark.parametrize("edited", ["untouched", "edited in place", "saved anew"])
async def test_hazard_30_a_crash_at_any_step_loses_nothing_and_makes_up_no_conflict(
    box: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edited: str
) -> None:
    at, struck = 1, True
    while struck:
        made = await prepare(box, tmp_path, at)
        struck = await crash(made, Doom(at), monkeypatch)
        wanted = {
            "here": "edited here",
            "new-here": "made here",
            "there": "edited there",
            "new-there": "made there",
            "both": "theirs",
            "new-name": "first old-name",
            "same": "first same",
        }
        if edited != "untouched":
            for name in ("here", "new-here", "new-name"):
                wanted[name] = f"edited after the crash {name}"
                path = made.folder / name
                if edited == "saved anew":
                    path.with_name(".tmp").write_text(wanted[name])
                    path.with_name(".tmp").replace(path)
                else:
                    path.write_text(wanted[name])
        await made.sync()
        files = made.files()
        copies = {name: text for name, text in files.items() if ".conflict-" in name}
        assert {name: text for name, text in files.items() if name not in copies} == wanted, at
        assert list(copies.values()) == ["ours"], at
        assert await made.objects() == files, at
        assert not (await made.sync(dry_run=True)).plan.work, at
        at += 1 if edited == "untouched" else 2
    assert at > 60
