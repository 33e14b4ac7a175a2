"""The order in which a plan is carried out: what creates first, deletes last, a source only after its copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.errors import Rejected, Transient
from tests.services.sync.conftest import Machine
from tests.services.transfer.doubles import Changed

REQUESTS = ("insert", "move", "rewrite", "delete")


def recording(box: Machine, **methods: Callable[..., Any]) -> tuple[Machine, list[str]]:
    """Return the machine with a list of the changes that it asks for, and with some methods replaced."""
    asked: list[str] = []

    def record(name: str) -> Callable[..., Any]:
        async def ask(real: Any, *arguments: Any, **options: Any) -> Any:
            asked.append(name)
            if name in methods:
                return await methods[name](real, *arguments, **options)
            return await real(*arguments, **options)

        return ask

    return replace(box, data=Changed(box.data, {name: record(name) for name in REQUESTS})), asked


async def no_move(real: Any, *arguments: Any, **options: Any) -> Any:
    raise Rejected("there is no such method")


async def renamed(box: Machine) -> None:
    """Have two files in step, and then one of them renamed."""
    box.write("old", "content")
    box.write("other", "x")
    await box.sync()
    (box.folder / "old").rename(box.folder / "new")


async def test_hazard_42_a_source_is_deleted_only_after_its_copy_is_confirmed(box: Machine) -> None:
    await renamed(box)
    machine, asked = recording(box, move=no_move)
    await machine.sync()
    assert asked == ["move", "rewrite", "delete"]
    assert await box.objects() == {"new": "content", "other": "x"}


async def test_hazard_42_a_copy_that_fails_leaves_its_source(box: Machine) -> None:
    await renamed(box)

    async def lost(real: Any, *arguments: Any, **options: Any) -> Any:
        raise Transient("no connection")

    machine, asked = recording(box, move=no_move, rewrite=lost)
    await machine.sync()
    # The copy is not there: it is planned again, and nothing was deleted meanwhile.
    assert "delete" not in asked
    assert (await box.objects())["old"] == "content"


@pytest.mark.parametrize("gone", ["aa-first", "zz-last"])
async def test_deletes_come_after_all_that_creates(box: Machine, gone: str) -> None:
    for name in (gone, "b", "c"):
        box.write(name, f"content of {name}")
    await box.sync()
    (box.folder / gone).unlink()
    box.write("m", "new and different")
    machine, asked = recording(box)
    await machine.sync()
    assert asked == ["insert", "delete"]
