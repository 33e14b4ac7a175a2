"""What a command is, and how its keys are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from app.context import Context, always

Group = Literal["Move", "Mark", "Act", "Find", "Transfers", "Sync", "Usage", "Buckets", "Pail"]
"""Sections of the help."""

GROUPS: Final[tuple[Group, ...]] = ("Move", "Mark", "Act", "Transfers", "Sync", "Find", "Usage", "Buckets", "Pail")
"""The sections in the order in which the help shows them."""

Owner = Literal["screen", "tree", "finds", "facts", "transfers", "sync", "usage"]
"""Who binds the keys: the main screen, or a widget that moves its own cursor and knows what can be done there."""


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
    action: str = ""
    """Action of the owner, where that is a widget; empty where it is named like the command."""
    in_palette: bool = True
    """Whether the palette offers it (not for moving the cursor)."""
    short: str = ""
    """A shorter label for narrow windows; empty where the label is short enough."""


_SHOWN: Final = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "semicolon": ";",
    "comma": ",",
    "equals_sign": "=",
    "full_stop": ".",
    "plus": "+",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "minus": "-",
    "asterisk": "*",
    "dollar_sign": "$",
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
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "home": "Home",
    "end": "End",
    "shift+left": "Shift+←",
    "shift+up": "Shift+↑",
    "shift+down": "Shift+↓",
}
"""How keys are written for a person, where Textual's name is not it."""


def shown_key(key: str) -> str:
    """Return how a key is written for a person: `F8`, `^d`, `?`."""
    if key in _SHOWN:
        return _SHOWN[key]
    if key.startswith("ctrl+"):
        return f"^{key[5:]}"
    return key.upper() if len(key) > 1 else key
