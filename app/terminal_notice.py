"""A notice to the terminal itself, for whoever is looking at another window when a long job ends."""

from __future__ import annotations

from typing import Final, Literal

from services.names import display_name

Way = Literal["off", "bell", "osc9", "osc777"]
"""How a terminal is told: not at all, by its bell, as iTerm2, kitty, WezTerm and Windows Terminal take it (OSC 9), or
as urxvt, foot and VTE's do (OSC 777)."""

WAYS: Final[tuple[Way, ...]] = ("off", "bell", "osc9", "osc777")
"""All of them."""

LIMIT: Final = 200
"""Characters of a notice."""

TITLE: Final = "Pail"
"""What it is headed with."""


def sequence(way: str, text: str) -> str:
    """Return what is written to the terminal for a notice; empty where none is wanted.

    `text` is made safe once more here: it ends up in a control sequence, and holds names.
    """
    safe = display_name(" ".join(text.split()))[:LIMIT]
    if way == "bell":
        return "\a"
    if way == "osc9":
        return f"\x1b]9;{TITLE}: {safe}\a"
    if way == "osc777":
        return f"\x1b]777;notify;{TITLE};{safe.replace(';', ',')}\a"
    return ""
