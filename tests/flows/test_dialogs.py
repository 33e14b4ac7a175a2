"""Dialogs at every size, without colours and without Unicode; the terminal's cursor stands on what has the focus."""

from __future__ import annotations

import pytest

from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually
from tests.flows.test_states import SIZES, colours
from widgets.symbols import ASCII

OBJECTS = {"videos/raw/intro.mp4": b"x" * 3000, "notes.txt": b"x", "readme.md": b"xy"}

DIALOGS = (
    (("question_mark",), "Help: keys"),
    (("colon",), "command"),
    (("X",), "Delete the object"),
    (("n",), "ew folder"),
    (("m",), "Move"),
    (("u",), "select"),
    (("d",), "Download"),
    (("e",), "ontent type"),
    (("L",), "link"),
    (("A",), "Access"),
    (("C",), "Use from code"),
    (("b",), "filter"),
    (("comma",), "Sort by"),
    (("3", "H"), "30 days"),
    (("s",), "step"),
    (("colon", *"new buck", "enter"), "Create a new bucket"),
    (("colon", *"delete this", "enter"), "Delete the bucket"),
    (("colon", *"choose a theme", "enter"), "pail-dark"),
    (("colon", *"settings of pail", "enter"), "onfig"),
)
"""Keys that open a dialog, and a word of it that is seen at once."""


def focus_is_seen(d: Desk) -> bool:
    """Tell whether what has the focus is on the screen, and the terminal's cursor on it."""
    focused = d.app.screen.focused
    if focused is None:
        return False
    region = d.app.screen.find_widget(focused).visible_region
    return bool(region) and region.contains_point(d.app.cursor_position)


async def wrong_at(d: Desk, size: tuple[int, int]) -> str:
    """Return what is wrong with the dialog that is shown, at a size; empty where nothing is."""
    await d.pilot.resize_terminal(*size)
    try:
        await eventually(lambda: d.app.screen.size == size and focus_is_seen(d), 5)
    except TimeoutError:
        return f"focus {d.app.screen.focused} cursor {d.app.cursor_position}\n{d.text()}"
    if list(colours(d)):
        return "coloured"
    return "".join(sorted({char for char in d.text() if not char.isascii()}))


async def test_every_dialog_shows_its_focus_at_every_size_in_ascii_without_a_colour(
    desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with desk(f"gs://{BUCKET}", objects=OBJECTS, symbols=ASCII, size=SIZES[0]) as d:
        await d.see("notes.txt")
        await d.press("down")
        wrong = []
        for keys, words in DIALOGS:
            await d.press(*("space" if key == " " else key for key in keys))
            await eventually(lambda: d.app.screen is not d.main)
            await d.see(words)
            wrong += [f"{words} at {size}: {found}" for size in SIZES if (found := await wrong_at(d, size))]
            await d.pilot.resize_terminal(*SIZES[0])
            await d.press("escape", "1")
            await eventually(lambda: d.app.screen is d.main and focus_is_seen(d))
        assert not wrong, "\n".join(wrong)
