"""The keys of what has the focus, each with a sentence: what `?` shows in the main screen and over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Button, Input, OptionList, TextArea

from app.commands import GROUPS, Command, shown_key
from app.context import always
from app.registry import COMMANDS, UNBOUND

SENTENCES: Final = {
    "again": "Look for credentials again.",
    "apply": "Apply what was changed.",
    "app.focus_next": "To the next field, button or list.",
    "app.focus_previous": "To the field, button or list before.",
    "app.leave": "Leave Pail.",
    "back": "Back to where you came from.",
    "buckets": "Choose another bucket as the place to go to.",
    "choose": "Choose what the cursor stands on.",
    "choose(-1)": "To the choice before.",
    "choose(1)": "To the next choice.",
    "clear": "Clear the filter, then leave.",
    "copy": "Copy what the cursor stands on, or the whole of what is shown.",
    "cursor_by(-1)": "One row up.",
    "cursor_by(1)": "One row down.",
    "cursor_to(-1)": "To the last row.",
    "cursor_to(0)": "To the first row.",
    "decide('beside')": "Keep both: your version goes beside the other one.",
    "decide('keep-both')": "Keep both, under another name.",
    "decide('replace')": "Replace what is there.",
    "decide('skip')": "Leave what is there, and skip this one.",
    "edit_path": "Type the path of a folder.",
    "enter_folder": "Go into the folder.",
    "filter": "Show only a part of the rows.",
    "give_up": "Leave the name as it was.",
    "grant": "Give somebody a role.",
    "help": "This list.",
    "keys": "This list.",
    "leave": "Close this; nothing more is done.",
    "leave_folder": "Go up a folder.",
    "move(-1)": "One line up.",
    "move(-10)": "Ten lines up.",
    "move(-1000)": "To the first line.",
    "move(-8)": "One page up.",
    "move(1)": "One line down.",
    "move(10)": "Ten lines down.",
    "move(1000)": "To the last line.",
    "move(8)": "One page down.",
    "new_folder": "Create a folder here.",
    "open": "Open the list of values.",
    "page(-0.5)": "Half a page up.",
    "page(-1.0)": "One page up.",
    "page(0.5)": "Half a page down.",
    "page(1.0)": "One page down.",
    "quit": "Leave Pail.",
    "remove": "Take the bucket off the workspace's list; its data stays.",
    "rename": "Give the bucket a name for people.",
    "reread": "Read it again.",
    "revoke": "Take the role under the cursor away.",
    "screen.clear_filter": "Show all rows again.",
    "screen.leave_filter": "Keep the filter, and go to the rows.",
    "scroll(-1)": "Scroll up by a line.",
    "scroll(1)": "Scroll down by a line.",
    "scroll_code(-1)": "Scroll up by a line.",
    "scroll_code(1)": "Scroll down by a line.",
    "select": "Select the file or folder, and go down.",
    "switch": "Switch it on or off.",
    "take_back": "Take the first of two letters back.",
    "tick": "Tick the line, or take the tick away.",
    "tick_all": "Tick all lines, or none.",
    "toggle_all": "Let the answer hold for all that follow, or not.",
    "toggle_hidden": "Show hidden files, or hide them.",
    "turn(-1)": "To the tool before.",
    "turn(1)": "To the next tool.",
    "unfold": "Open it in place.",
    "fold": "Close it.",
}
"""What the actions of dialogs and panes do that are no commands of the registry."""

BY_ID: Final = {
    "details.leave": "Back to the rows.",
    "find.leave-line": "To what was found.",
}
"""Sentences by the id of a binding, where one action means several things."""

TYPED: Final = (
    ("Enter", "Take what is typed and go on."),
    ("^u ^k", "Clear the line before or behind the cursor."),
    ("^w", "Delete the word before the cursor."),
)
"""What is worth knowing of lines to type in."""

PRESSED: Final = (("Enter", "Press the button."),)
"""What is worth knowing of buttons."""

OFFERED: Final = (("↑ ↓", "One row up or down."), ("Enter", "Choose the row."))
"""What is worth knowing of plain lists."""


KeyLine = tuple[str, str]
"""Keys as they are written for a person, and what they do in a sentence."""


@dataclass(frozen=True, slots=True)
class KeySection:
    """A part of the list of keys."""

    title: str
    """Its heading."""
    lines: tuple[KeyLine, ...]
    """Its keys."""


def sentence(binding: Binding) -> str:
    """Return what a binding does, in a sentence; an empty string where it is none of Pail's."""
    identifier = binding.id or ""
    if identifier in BY_ID:
        return BY_ID[identifier]
    return SENTENCES.get(binding.action) or _REGISTERED.get(identifier, "")


_REGISTERED: Final = {entry.action or entry.id: entry.help for entry in COMMANDS}


def keys_of(screen: Screen[Any]) -> tuple[KeySection, ...]:
    """Return the keys that work on a screen over the main one: those of what has the focus, then the others."""
    focused = screen.focused
    here: dict[str, list[str]] = {}
    around: dict[str, list[str]] = {}
    for key, active in screen.active_bindings.items():
        text = sentence(active.binding)
        if text and key != UNBOUND:
            shown = shown_key(key)
            typed = isinstance(focused, Input | TextArea) and len(key if len(key) == 1 else shown) == 1
            if not (typed and active.node is not focused):
                (around if active.node is screen else here).setdefault(text, []).append(shown)
    kinds = ((Input, TYPED), (Button, PRESSED), (OptionList, OFFERED))
    plain = next((lines for kind, lines in kinds if isinstance(focused, kind)), ())
    sections = (
        KeySection("Here", (*plain, *_lines(here))),
        KeySection(
            "Everywhere in it" if here or plain else "Here",
            (*_lines(around), ("Tab", "To the next field, button or list.")),
        ),
    )
    return tuple(section for section in sections if section.lines)


def pane_keys(screen: Screen[Any], here: Iterable[Command]) -> dict[str, KeyLine]:
    """Return, by their ids, the keys of what has the focus in the main screen that are none of `here`."""
    focused, known = screen.focused, {entry.action or entry.id for entry in here}
    found: dict[str, KeyLine] = {}
    if isinstance(focused, Input):
        found = {f"typed {keys}": (keys, text) for keys, text in TYPED}
    for key, active in screen.active_bindings.items():
        identifier, text = active.binding.id or active.binding.action, sentence(active.binding)
        of_pane = active.node is not screen and not (isinstance(focused, Input) and active.node is not focused)
        if text and of_pane and identifier not in known:
            keys = found[identifier][0] + "  " if identifier in found else ""
            found[identifier] = (keys + shown_key(key), text)
    return found


def _lines(found: dict[str, list[str]]) -> Iterator[KeyLine]:
    return ((" ".join(keys), text) for text, keys in found.items())


def line_of(entry: Command) -> KeyLine:
    """Return a command's line."""
    return "  ".join(map(shown_key, entry.keys)) or "palette", entry.help


def sections_here(
    title: str, screen: Screen[Any], here: Iterable[Command], entries: Iterable[Command]
) -> tuple[KeySection, ...]:
    """Return the sections of the main screen's list: what works where one is, everywhere, and then all others."""
    now = tuple(here)
    pane = pane_keys(screen, now)
    everywhere = tuple(line_of(entry) for entry in now if entry.applies is always)
    special = tuple(line_of(entry) for entry in now if entry.applies is not always)
    known = {entry.id for entry in now} | pane.keys()
    return (
        KeySection(f"{title}: what works here now", (*special, *pane.values())),
        KeySection("Everywhere", everywhere),
        *others(entry for entry in entries if entry.id not in known),
    )


def others(entries: Iterable[Command]) -> Iterator[KeySection]:
    """Yield commands by their groups, for where they do not apply."""
    left = tuple(entries)
    for group in GROUPS:
        lines = tuple(line_of(entry) for entry in left if entry.group == group)
        if lines:
            yield KeySection(f"{group}: elsewhere, or not now", lines)
