"""Jumping by letters, the keys of what has the focus, and what the palette offers besides commands."""

from __future__ import annotations

from typing import cast

import pytest
from textual.widgets import Input

from app.screens.jump import LETTERS, JumpScreen, labels
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually
from widgets.symbols import ASCII

OBJECTS = {"videos/raw/intro.mp4": b"x" * 3000, "videos/demo.mov": b"x" * 5, "notes.txt": b"x", "readme.md": b"xy"}


@pytest.mark.parametrize("count", [0, 1, 26, 27, 51, 52, 300, 676])
def test_no_label_begins_another_and_the_first_are_short(count: int) -> None:
    found = labels(count)
    assert len(set(found)) == count
    assert not any(one != other and other.startswith(one) for one in found for other in found)
    assert [len(label) for label in found] == sorted(len(label) for label in found)
    assert max(map(len, found), default=1) <= (1 if count <= len(LETTERS) else 2)


async def letters(d: Desk) -> JumpScreen:
    """Press the key for jumping and return the screen with the letters, drawn."""
    await d.press("semicolon")
    await eventually(lambda: isinstance(d.app.screen, JumpScreen))
    await d.see("A letter goes there")
    assert isinstance(d.app.screen, JumpScreen)
    return d.app.screen


async def jump_to(d: Desk, text: str, before: int | None = None) -> str:
    """Jump to the first line with `text`: to what stands `before` cells before it, or to the row.  Return the label."""
    y, line = next((y, line) for y, line in enumerate(d.text().splitlines()) if text in line)
    x = line.index(text) - before if before is not None else None
    screen = await letters(d)
    places = {label: place.at for label, place in screen._places.items()}
    label = next(label for label, at in places.items() if at.y == y and x in (None, at.x))
    await d.press(*label)
    await eventually(lambda: d.app.screen is not screen)
    return label


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20), (40, 10)])
async def test_a_letter_leads_to_a_row_a_view_and_a_part_of_the_path(desk: OpenDesk, size: tuple[int, int]) -> None:
    async with desk(f"gs://{BUCKET}/videos/", objects=OBJECTS, size=size) as d:
        await d.see("demo.mov", "raw/")
        await jump_to(d, "demo.mov")
        await eventually(lambda: d.tree.cursor_entry and d.tree.cursor_entry.name == "videos/demo.mov")
        await jump_to(d, " 3", 0)
        await d.see("Nothing is moving")
        await jump_to(d, " 1", 0)
        await d.see("demo.mov")


async def test_a_letter_on_the_path_goes_there_and_one_on_the_chip_opens_the_selector(desk: OpenDesk) -> None:
    async with desk(f"gs://{BUCKET}/videos/", objects=OBJECTS) as d:
        await d.see("demo.mov")
        await jump_to(d, f"{BUCKET} ›", 1)
        await d.see("notes.txt")
        await jump_to(d, " ▾ ✓", 0)
        await d.see("Create new bucket")


async def test_escape_and_a_wrong_letter_leave_everything_as_it_is(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("notes.txt")
        await d.press("i")
        await d.gone("Address")
        before = d.text()
        screen = await letters(d)
        await d.press("1", "exclamation_mark")
        assert d.app.screen is screen
        await d.press("escape")
        await eventually(lambda: d.text() == before)


async def test_of_two_letters_the_first_narrows_and_backspace_takes_it_back(desk: OpenDesk) -> None:
    objects = {f"{number:03}.txt": b"x" for number in range(60)}
    async with desk(objects=objects, size=(120, 40)) as d:
        await d.see("030.txt")
        y = next(y for y, line in enumerate(d.text().splitlines()) if "030.txt" in line)
        screen = await letters(d)
        label = next(label for label, place in screen._places.items() if place.at.y == y and place.at.x == 0)
        assert len(label) == 2

        def shown() -> int:
            return len([sign for sign in screen.query(".jump-label") if sign.display])

        every = shown()
        await d.press(label[0])
        assert 1 < shown() < every
        await d.press("backspace")
        assert shown() == every
        await d.press(*label)
        await eventually(lambda: d.tree.cursor_entry and d.tree.cursor_entry.name == "030.txt")


async def test_a_dialog_is_jumped_in_and_a_letter_presses_no_button(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("notes.txt")
        await d.press("G", "X")
        await d.see("Delete the object readme.md?")
        dialog = d.app.screen
        await d.press("semicolon")
        await eventually(lambda: isinstance(d.app.screen, JumpScreen))
        screen = cast("JumpScreen", d.app.screen)
        assert len(screen._places) == 2
        await d.press(list(screen._places)[1])
        await eventually(lambda: d.app.screen is dialog and dialog.focused is dialog.query_one("#delete"))
        assert len(await d.names()) == len(OBJECTS)


async def test_in_a_line_the_second_key_jumps_and_the_first_is_typed(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("notes.txt")
        await d.press("n")
        await d.see("New folder")
        await d.press("semicolon")
        assert d.app.screen.query_one(Input).value.endswith(";")
        await d.press("ctrl+g")
        await eventually(lambda: isinstance(d.app.screen, JumpScreen))
        await d.press("escape")
        await d.see("New folder")


async def test_letters_and_signs_are_ascii_where_the_terminal_has_no_more(
    desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with desk(objects=OBJECTS, symbols=ASCII) as d:
        await d.see("notes.txt")
        await letters(d)
        assert d.text().isascii()
        signs = d.app.screen.query(".jump-label").results()
        assert all(sign.rich_style.reverse for sign in signs), "told apart without colours"


async def test_a_new_size_takes_the_letters_away(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("notes.txt")
        await letters(d)
        await d.pilot.resize_terminal(70, 20)
        await eventually(lambda: d.app.screen is d.main)


async def test_the_palette_goes_back_to_folders_of_late_and_names_buckets(desk: OpenDesk) -> None:
    async with desk(f"gs://{BUCKET}/videos/raw/", objects=OBJECTS, size=(100, 40)) as d:
        await d.see("intro.mp4")
        await d.press("backspace")
        await d.see("demo.mov")
        await d.press("colon", *"recent raw")
        await d.see(f"Recent: gs://{BUCKET}/videos/raw/", "Go back to this folder.")
        assert f"Recent: gs://{BUCKET}/videos/ " not in d.text(), "where one is already"
        await d.press("enter")
        await d.see("intro.mp4")
        await d.press("colon", *"view")
        await d.see("View: Objects", "View: Usage")


async def test_the_help_begins_with_what_works_here(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(100, 150)) as d:
        await d.see("notes.txt")
        await d.press("question_mark")
        await d.see("Objects: what works here now", "Choose local files and upload them")
        await d.press("escape", "3")
        await d.see("Nothing is moving")
        await d.press("question_mark")
        await d.see("Transfers: what works here now", "Act: elsewhere, or not now")
        await d.press("escape", "1", "slash", "f1")
        await d.see("Take what is typed and go on.", "Keep the filter, and go to the rows.")


async def test_a_dialog_shows_its_keys(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(100, 60)) as d:
        await d.see("notes.txt")
        await d.press("X")
        await d.see("Delete")
        await d.press("question_mark")
        await d.see("Press the button.", "Close this; nothing more is done.", "To the field, button or list before.")
        await d.press("escape", "escape", "n")
        await d.see("New folder")
        await d.press("f1")
        await d.see("Take what is typed and go on.")
