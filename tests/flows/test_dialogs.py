"""Dialogs at every size, without colours and without Unicode; the terminal's cursor stands on what has the focus."""

from __future__ import annotations

import pytest

from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually
from tests.flows.test_states import SIZES, colours
from widgets.symbols import ASCII

OBJECTS = {"videos/raw/intro.mp4": b"x" * 3000, "notes.txt": b"x", "readme.md": b"xy"}

DIALOGS = (
    (("question_mark",), "Help: keys"),
    (("colon",), "Upload files"),
    (("X",), "Delete the object"),
    (("n",), "ew folder"),
    (("m",), "Move"),
    (("u",), "select"),
    (("d",), "Download"),
    (("e",), "ontent type"),
    (("L",), "link"),
    (("A",), "Access"),
    (("C",), "Use from code"),
    (("b",), "Create new bucket"),
    (("comma",), "Sort by"),
    (("H",), "30 days"),
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


@pytest.mark.parametrize("size", SIZES)
async def test_every_dialog_shows_its_focus_in_ascii_without_a_colour(
    desk: OpenDesk, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with desk(f"gs://{BUCKET}", objects=OBJECTS, symbols=ASCII, size=size) as d:
        await d.see("notes.txt")
        await d.press("down")
        wrong = []
        for keys, words in DIALOGS:
            await d.press(*("space" if key == " " else key for key in keys))
            await eventually(lambda: d.app.screen is not d.main)
            await d.see(words)
            if not d.text().isascii():
                wrong.append(f"{words}: {sorted({char for char in d.text() if not char.isascii()})}")
            if list(colours(d)):
                wrong.append(f"{words}: coloured")
            try:
                await eventually(lambda: focus_is_seen(d), 2)
            except TimeoutError:
                wrong.append(f"{words}: focus {d.app.screen.focused} cursor {d.app.cursor_position}\n{d.text()}")
            while d.app.screen is not d.main:
                before = d.app.screen
                await d.press("escape")
                await eventually(lambda before=before: d.app.screen is not before)
        assert not wrong, "\n".join(wrong)
