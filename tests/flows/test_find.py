"""Finding below a folder: by keys and with the mouse, and what can be done with what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from tests.flows.conftest import BUCKET, URL, Desk, OpenDesk, eventually
from widgets.find_list import FindList

OBJECTS = {
    "logs/2024/app.log": b"x" * 10,
    "logs/2025/app.log": b"x" * 3_000,
    "logs/2025/web.log": b"x" * 200,
    "logs/readme.md": b"# logs",
    "photos/app.png": b"png",
}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(store_factory: Callable[..., StoreServer], faults: Faults) -> StoreServer:
    return store_factory(faults=faults)


def finds(d: Desk) -> FindList:
    return d.main.find_panel.finds


def found(d: Desk) -> list[str]:
    entries = [finds(d).entry_at(row) for row in range(finds(d).row_total())]
    return [entry.name for entry in entries if entry is not None]


async def search(d: Desk, text: str) -> None:
    await d.see("m Move")
    await d.press("ctrl+f")
    await d.see("parts of names")
    await d.type(text)
    await d.press("enter")
    await eventually(lambda: not d.main.find_panel.searching)
    await d.pilot.pause()


async def click_text(d: Desk, text: str, *, line: str = "", times: int = 1) -> None:
    """Click on a text of the screen, on the line that holds `line`."""
    lines = d.text().splitlines()
    y, row = next((y, row) for y, row in enumerate(lines) if text in row and line in row)
    await d.pilot.click(offset=(row.index(text), y), times=times)
    await d.pilot.pause()


async def test_finds_lie_below_the_folder_that_is_shown(desk: OpenDesk) -> None:
    async with desk(f"{URL}/logs/", objects=OBJECTS) as d:
        await search(d, "app")
        assert found(d) == ["logs/2024/app.log", "logs/2025/app.log"]
        await d.see("2 found · 4 objects looked at", "2025/app.log", "[1 Objects]", "Enter Show")
        await d.press("slash", "ctrl+u")
        await d.type("*.log <1K >5")
        await d.press("enter")
        await eventually(lambda: found(d) == ["logs/2024/app.log", "logs/2025/web.log"])


async def test_a_find_is_shown_in_its_folder_and_the_search_is_returned_to(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await search(d, "app")
        await d.press("down", "enter")
        await eventually(lambda: d.tree.cursor_entry and d.tree.cursor_entry.name == "logs/2025/app.log")
        assert d.main.context.view == "objects"
        assert d.main.desk.place.prefix == "logs/2025/"
        await d.press("ctrl+f")
        await d.see("3 found", "photos/app.png")
        await d.press("escape")
        await d.see("web.log")
        await d.press("backspace")
        await d.press("ctrl+f")
        await d.see("in logs/")
        assert found(d) == []


async def test_marked_finds_are_deleted_and_leave_the_list(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await search(d, "*.log")
        await d.press("space", "down", "space")
        await d.see("2 marked · 210 B")
        await d.press("X")
        await d.see("Delete 2 objects?", "2024/app.log", "2025/web.log")
        await d.press("right", "enter")
        await eventually(lambda: found(d) == ["logs/2025/app.log"])
        assert await d.names() == ["logs/2025/app.log", "logs/readme.md", "photos/app.png"]
        await d.gone("2 marked")
        await eventually(lambda: d.main.undo.possible)
        await d.press("z")
        await eventually(lambda: has(d, 5))


async def has(d: Desk, number: int) -> bool:
    return len(await d.names()) == number


async def test_finds_of_one_name_keep_their_folders_on_disk(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await search(d, "app.log")
        await d.press("a", "d")
        await d.see("Download 2 objects to…")
        await d.press("enter")
        await eventually(lambda: (d.home / "2025" / "app.log").exists())
        await eventually(lambda: (d.home / "2024" / "app.log").exists())
        assert (d.home / "2024" / "app.log").read_bytes() == b"x" * 10


async def test_finds_are_cut_and_pasted_elsewhere(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await search(d, "web.log")
        await d.press("x")
        await d.told("Cut")
        await d.press("escape")
        await eventually(lambda: "photos/" in d.rows())
        await d.press("p")
        await eventually(lambda: moved(d))
        assert found(d) == []


async def test_finds_are_moved_and_copied_to_a_chosen_folder(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await search(d, "*.log")
        await d.press("a", "m")
        await d.see("Move 3 objects to…", "photos/")
        await d.press("escape")
        await d.gone("Move 3 objects to…")
        await d.press("escape", "G", "f5")
        await d.see("Copy web.log to…", "photos/")
        await d.press("down", "G", "enter")
        await eventually(lambda: copied(d))
        assert found(d)[-1] == "logs/2025/web.log", "what is copied stays"


async def copied(d: Desk) -> bool:
    return "photos/web.log" in await d.names()


async def moved(d: Desk) -> bool:
    names = await d.names()
    return "web.log" in names and "logs/2025/web.log" not in names


async def test_it_is_all_done_with_the_mouse(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(120, 30)) as d:
        await d.see("m Move")
        await click_text(d, "Find")
        await d.see("parts of names")
        await d.type("log")
        await d.press("enter")
        await d.see("4 found")
        await click_text(d, "Size")
        assert found(d)[0] == "logs/2025/app.log"
        await d.pilot.hover(finds(d), offset=(5, 2))
        await d.pilot.pause()
        await click_text(d, "✕", line="web.log")
        await d.see("Delete the object web.log?")
        await d.press("right", "enter")
        await eventually(lambda: len(found(d)) == 3)
        await click_text(d, "app.log", line="2024", times=2)
        await eventually(lambda: d.tree.cursor_entry and d.tree.cursor_entry.name == "logs/2024/app.log")
        await click_text(d, "logs", line="›")
        await eventually(lambda: d.main.desk.place.prefix == "logs/")


async def test_escape_ends_a_search_and_a_changed_query_begins_anew(desk: OpenDesk, faults: Faults) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("m Move")
        faults.add(Fault("objects.list", "latency", seconds=60.0))
        await d.press("ctrl+f")
        await d.type("web")
        await d.press("enter")
        await d.see("searching…")
        await d.press("escape")
        await d.gone("searching…")
        faults.add(Fault("objects.list", "latency", seconds=60.0))
        await d.press("R")
        await d.see("searching…")
        await d.press("slash", "x")
        await d.gone("searching…")
        await d.press("backspace", "w", "e", "b", "enter")
        await eventually(lambda: found(d) == ["logs/2025/web.log"])
        assert [task for task in asyncio.all_tasks() if task.get_name() == "search"] == []


async def test_a_refused_search_says_why(desk: OpenDesk, faults: Faults) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("m Move")
        await d.press("ctrl+f")
        faults.add(Fault("objects.list", "status", status=403, count=None))
        await d.type("web")
        await d.press("enter")
        await d.see("! cannot list", "Ask the owner")


async def test_another_bucket_ends_the_search(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await search(d, "app")
        d.main.desk.open_bucket(BUCKET, "photos/")
        await d.see("app.png")
        await d.press("ctrl+f")
        await d.see("in photos/")
        assert found(d) == []
