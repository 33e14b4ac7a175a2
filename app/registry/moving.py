"""Commands that move the cursor, go up and mark rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.commands import Command
from app.context import Context, in_folder, with_marks, with_rows, with_tree_rows


def _move(name: str, keys: tuple[str, ...], text: str, applies: Callable[[Context], bool] = with_rows) -> Command:
    return Command(name, keys, "", text, text + ".", "Move", applies, owner="tree", in_palette=False)


COMMANDS: Final[tuple[Command, ...]] = (
    _move("cursor_up", ("up", "k"), "One row up"),
    _move("cursor_down", ("down", "j"), "One row down"),
    _move("cursor_home", ("g", "home"), "To the first row"),
    _move("cursor_end", ("G", "end"), "To the last row"),
    _move("page_up", ("pageup",), "One page up"),
    _move("page_down", ("pagedown",), "One page down"),
    _move("half_up", ("ctrl+u",), "Half a page up"),
    _move("half_down", ("ctrl+d",), "Half a page down"),
    _move("open_folder", ("right", "l"), "Open the folder in place", with_tree_rows),
    _move("close_folder", ("left", "h"), "Close the folder, then go to the row of its parent", with_tree_rows),
    _move("parent", ("shift+left",), "To the row of the parent folder", with_tree_rows),
    _move("choose", ("enter",), "Go into the folder, or open the object's details", with_tree_rows),
    Command(
        "up",
        ("backspace",),
        "Up",
        "Go up one folder",
        "Go up one folder.",
        "Move",
        in_folder,
        0,
    ),
    Command(
        "toggle_mark", ("space",), "Mark", "Mark the row", "Mark the row and go down.", "Mark", with_rows, 60, "tree"
    ),
    Command(
        "range",
        ("v",),
        "Range",
        "Mark a range",
        "Start a range; v again, or space, ends it.",
        "Mark",
        with_rows,
        0,
        "tree",
    ),
    Command("mark_all", ("a",), "All", "Mark all rows", "Mark all rows that are shown.", "Mark", with_rows, 0, "tree"),
    Command("unmark", ("escape",), "None", "Unmark everything", "Unmark everything.", "Mark", with_marks, 55, "tree"),
    Command(
        "mark_glob",
        ("plus",),
        "Mark…",
        "Mark by pattern",
        "Mark what matches a pattern such as *.jpg.",
        "Mark",
        with_rows,
    ),
    Command(
        "unmark_glob", ("minus",), "Unmark…", "Unmark by pattern", "Unmark what matches a pattern.", "Mark", with_marks
    ),
    Command(
        "mark_invert",
        ("asterisk",),
        "Invert",
        "Invert the marks",
        "Mark what is not marked, and the other way round.",
        "Mark",
        with_rows,
    ),
)
"""Commands that move the cursor, go up and mark rows, in the order of the help."""
