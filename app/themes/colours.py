"""The colours that make a theme of Pail, and what Textual and the style sheet call them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from textual.color import Color
from textual.theme import Theme


@dataclass(frozen=True, slots=True)
class Colours:
    """One look: a few colours, each with a meaning; `#rrggbb`, or a terminal's own such as `ansi_blue`."""

    text: str
    """Ordinary text."""
    quiet: str
    """Text that may be overlooked."""
    ground: str
    """Behind the lists."""
    surface: str
    """Behind dialogs, and lines that are set apart."""
    panel: str
    """Behind fields and what lies on a surface."""
    active: str
    """What is active: titles, keys, the current view."""
    marked: str
    """What a person marked."""
    good: str
    """Done, allowed."""
    warning: str
    """To be looked at."""
    bad: str
    """Failed, forbidden, deleted."""
    cursor: str
    """Behind the cursor's row."""
    cursor_text: str
    """On the cursor's row."""
    cursor_elsewhere: str
    """Behind the cursor's row while another part has the focus."""
    line: str
    """Frames and dividers."""
    thumb: str
    """The part of a scrollbar that can be dragged."""
    dark: bool = True
    """Whether the ground is dark."""


NAMES: Final = tuple(entry.name for entry in fields(Colours))
"""What a theme's file may set."""

ANSI: Final = "ansi_"
"""Begins the names of colours that the terminal's own settings decide about."""


def is_colour(value: object) -> bool:
    """Tell whether a value of a theme's file is a colour that Textual knows."""
    if not isinstance(value, str) or len(value) > 40:
        return False
    try:
        Color.parse(value)
    except Exception:  # noqa: BLE001 - Textual raises several kinds for what is no colour
        return False
    return True


def theme(name: str, colours: Colours) -> Theme:
    """Return the theme of some colours under the names that Textual and the style sheet use."""
    ansi = colours.ground.startswith(ANSI)
    return Theme(
        name=name,
        primary=colours.active,
        secondary=colours.marked,
        accent=colours.marked,
        warning=colours.warning,
        error=colours.bad,
        success=colours.good,
        foreground=colours.text,
        background=colours.ground,
        surface=colours.surface,
        panel=colours.panel,
        boost=colours.panel if ansi else None,
        dark=colours.dark,
        ansi=ansi,
        variables={
            "block-cursor-background": colours.cursor,
            "block-cursor-foreground": colours.cursor_text,
            "block-cursor-text-style": "none",
            "block-cursor-blurred-background": colours.cursor_elsewhere,
            "block-cursor-blurred-foreground": colours.text,
            "border": colours.line,
            "border-blurred": colours.line,
            "input-selection-background": colours.active if ansi else f"{colours.active} 30%",
            "scrollbar": colours.thumb,
            "scrollbar-hover": colours.thumb,
            "scrollbar-active": colours.active,
            "scrollbar-background": colours.surface,
            "scrollbar-background-hover": colours.surface,
            "scrollbar-background-active": colours.surface,
            "scrollbar-corner-color": colours.surface,
            "text-quiet": colours.quiet,
            **(_ansi(colours) if ansi else {}),
        },
    )


def _ansi(colours: Colours) -> dict[str, str]:
    """Return what Textual would mix from other colours: a terminal's own cannot be mixed."""
    return {
        "ansi-background": "ansi_black" if colours.dark else "ansi_white",
        "ansi-foreground": "ansi_white" if colours.dark else "ansi_black",
        "text": colours.text,
        "text-muted": colours.quiet,
        "text-primary": colours.active,
        "text-accent": colours.marked,
        "text-success": colours.good,
        "text-warning": colours.warning,
        "text-error": colours.bad,
    }
