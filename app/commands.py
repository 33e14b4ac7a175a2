"""One registry of everything a person can do: bindings, key line, palette, help panel and README come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from textual.binding import Binding

from app.context import (
    Context,
    always,
    chosen,
    chosen_writable,
    in_objects,
    on_failed,
    on_moving,
    on_transfer,
    with_bucket,
    with_marks,
    with_rows,
    writable,
)

Group = Literal["Move", "Mark", "Act", "Find", "Transfers", "Buckets", "Pail"]
"""Sections of the help."""

GROUPS: Final[tuple[Group, ...]] = ("Move", "Mark", "Act", "Transfers", "Find", "Buckets", "Pail")
"""The sections in the order in which the help shows them."""

Owner = Literal["screen", "tree", "app"]
"""Who binds the keys: the main screen, the object tree (it moves its own cursor and marks), or the application."""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a person can do."""

    id: str
    """Unique; the main screen's handler is `do_<id>`."""
    keys: tuple[str, ...]
    """Keys in Textual's names; empty for what only the palette and the mouse reach."""
    label: str
    """One or two words for the key line."""
    title: str
    """A few words for the palette."""
    help: str
    """One sentence for the help panel and the README."""
    group: Group
    """Section of the help."""
    applies: Callable[[Context], bool] = always
    """Whether it makes sense now; decides about key line, palette and key alike."""
    priority: int = 0
    """Place in the key line, higher first; 0 keeps it out."""
    owner: Owner = "screen"
    """Who binds the keys."""
    in_palette: bool = True
    """Whether the palette offers it (not for moving the cursor)."""


def _move(name: str, keys: tuple[str, ...], text: str) -> Command:
    return Command(name, keys, "", text, text + ".", "Move", with_rows, owner="tree", in_palette=False)


COMMANDS: Final[tuple[Command, ...]] = (
    _move("cursor_up", ("up", "k"), "One row up"),
    _move("cursor_down", ("down", "j"), "One row down"),
    _move("cursor_home", ("g", "home"), "To the first row"),
    _move("cursor_end", ("G", "end"), "To the last row"),
    _move("page_up", ("pageup",), "One page up"),
    _move("page_down", ("pagedown",), "One page down"),
    _move("half_up", ("ctrl+u",), "Half a page up"),
    _move("half_down", ("ctrl+d",), "Half a page down"),
    _move("expand", ("right", "l"), "Open the folder in place"),
    _move("collapse", ("left", "h"), "Close the folder, then go to the row of its parent"),
    _move("parent_row", ("shift+left",), "To the row of the parent folder"),
    _move("enter", ("enter",), "Go into the folder, or open the object's details"),
    Command(
        "up",
        ("backspace",),
        "Up",
        "Go up one folder",
        "Go up one folder.",
        "Move",
        in_objects,
        owner="tree",
        in_palette=False,
    ),
    Command("mark", ("space",), "Mark", "Mark the row", "Mark the row and go down.", "Mark", with_rows, 60, "tree"),
    Command(
        "mark_range",
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
    Command(
        "mark_none", ("escape",), "None", "Unmark everything", "Unmark everything.", "Mark", with_marks, 55, "tree"
    ),
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
        0,
        "tree",
    ),
    Command(
        "upload",
        ("u",),
        "Upload",
        "Upload files",
        "Choose local files and upload them into the cursor's folder.",
        "Act",
        writable,
        100,
    ),
    Command(
        "upload_folder",
        ("U",),
        "Upload folder",
        "Upload a folder",
        "Choose a local folder and upload all that is in it.",
        "Act",
        writable,
    ),
    Command(
        "download",
        ("d",),
        "Download",
        "Download",
        "Download what is marked, or the cursor's row, to the last folder.",
        "Act",
        chosen,
        95,
    ),
    Command(
        "download_to",
        ("D",),
        "Download to",
        "Download to…",
        "Download to a folder that you choose.",
        "Act",
        chosen,
    ),
    Command(
        "new_folder",
        ("n", "f7"),
        "New folder",
        "New folder",
        "Create a folder in the cursor's folder.",
        "Act",
        writable,
        85,
    ),
    Command(
        "delete",
        ("X", "delete", "f8"),
        "Delete",
        "Delete",
        "Delete what is marked, or the cursor's row; it asks first.",
        "Act",
        chosen_writable,
        90,
    ),
    Command("copy_url", ("Y",), "Copy URL", "Copy the gs:// URL", "Copy the gs:// URL of the row.", "Act", chosen, 30),
    Command(
        "details",
        ("i",),
        "Details",
        "Show or hide the details",
        "Show or hide the details of the row.",
        "Act",
        in_objects,
        40,
    ),
    Command("sort", ("comma",), "Sort", "Sort by…", "Sort by name, size, time or type.", "Act", with_rows, 20),
    Command(
        "cancel",
        ("X", "delete", "f8"),
        "Cancel",
        "Cancel or dismiss the transfer",
        "Cancel what moves, or take what has ended off the list.",
        "Transfers",
        on_transfer,
        90,
    ),
    Command(
        "pause",
        ("full_stop",),
        "Pause",
        "Pause or resume the transfer",
        "Pause the transfer, or resume it.",
        "Transfers",
        on_moving,
        95,
    ),
    Command("retry", ("R",), "Retry", "Try the transfer again", "Try what failed again.", "Transfers", on_failed, 100),
    Command(
        "clear_ended",
        (),
        "Clear",
        "Dismiss all ended transfers",
        "Take all that has ended off the list.",
        "Transfers",
        on_transfer,
    ),
    Command(
        "delete_bucket",
        (),
        "Delete bucket",
        "Delete this bucket…",
        "Delete the bucket and everything in it; you type its name.",
        "Buckets",
        with_bucket,
    ),
    Command(
        "filter",
        ("slash",),
        "Filter",
        "Filter the rows",
        "Show only rows whose name contains a text.",
        "Find",
        in_objects,
        70,
    ),
    Command(
        "refresh",
        ("R",),
        "Refresh",
        "Refresh",
        "List again, or read the settings again.",
        "Find",
        lambda context: context.view != "transfers",
        10,
    ),
    Command(
        "palette",
        ("colon", "ctrl+p"),
        "Commands",
        "Commands",
        "Search all commands, buckets and views.",
        "Find",
        always,
        50,
        in_palette=False,
    ),
    Command(
        "buckets",
        ("b",),
        "Buckets",
        "Choose a bucket",
        "Choose, create or add a bucket, or switch the connection.",
        "Buckets",
        always,
        45,
    ),
    Command("create_bucket", (), "New bucket", "Create a new bucket", "Create a new bucket.", "Buckets"),
    Command("add_bucket", (), "Add bucket", "Add an existing bucket", "Add a bucket by its name.", "Buckets"),
    Command(
        "remove_bucket",
        (),
        "Remove",
        "Remove this bucket from the workspace",
        "Take the bucket off the list; its data stays.",
        "Buckets",
        with_bucket,
    ),
    Command(
        "switch_connection",
        (),
        "Connection",
        "Switch the connection",
        "Choose credentials, a project, an endpoint or the local store.",
        "Buckets",
    ),
    Command("view_objects", ("1",), "Objects", "View: Objects", "The objects of the bucket.", "Find"),
    Command("view_settings", ("2",), "Settings", "View: Settings", "The settings of the bucket.", "Find", with_bucket),
    Command(
        "view_transfers", ("3", "w"), "Transfers", "View: Transfers", "What is moving, waiting, failed or done.", "Find"
    ),
    Command(
        "theme", (), "Theme", "Switch between dark and light", "Switch between the dark and the light theme.", "Pail"
    ),
    Command("help", ("question_mark", "f1"), "Help", "Help", "This list.", "Pail", always, 48, in_palette=True),
    Command("quit", ("q", "f10"), "Quit", "Quit", "Leave; transfers go on in the background.", "Pail", always, 5),
)
"""Every command, in the order of the help."""

_SHOWN: Final = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "comma": ",",
    "full_stop": ".",
    "plus": "+",
    "minus": "-",
    "asterisk": "*",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "escape": "Esc",
    "backspace": "⌫",
    "delete": "Del",
    "enter": "Enter",
    "space": "Space",
    "home": "Home",
    "end": "End",
    "shift+left": "Shift+←",
}
"""How keys are written for a person, where Textual's name is not it."""


def shown_key(key: str) -> str:
    """Return how a key is written for a person: `F8`, `^d`, `?`."""
    if key in _SHOWN:
        return _SHOWN[key]
    if key.startswith("ctrl+"):
        return f"^{key[5:]}"
    return key.upper() if len(key) > 1 else key


def command(identifier: str) -> Command:
    """Return the command with this id; raises `KeyError`."""
    return _BY_ID[identifier]


_BY_ID: Final = {entry.id: entry for entry in COMMANDS}


def applying(context: Context) -> Iterator[Command]:
    """Yield the commands that make sense now, in the order of the registry."""
    return (entry for entry in COMMANDS if entry.applies(context))


def key_line(context: Context) -> list[Command]:
    """Return the commands of the key line, the most useful first."""
    shown = (entry for entry in applying(context) if entry.priority and entry.keys)
    return sorted(shown, key=lambda entry: -entry.priority)


def bindings(owner: Owner, entries: Iterable[Command] = COMMANDS) -> list[Binding]:
    """Return Textual's bindings for the commands that `owner` binds; each runs the action `command(id)`."""
    return [
        Binding(key, f"command('{entry.id}')", entry.title, show=False, id=f"{entry.id}.{key}")
        for entry in entries
        if entry.owner == owner
        for key in entry.keys
    ]
