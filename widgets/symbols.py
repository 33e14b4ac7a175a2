"""The few signs that widgets draw beside text, in Unicode and, for other terminals, in ASCII."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter


@dataclass(frozen=True, slots=True)
class Symbols:
    """One set of signs; each is one cell wide (`spark` holds several)."""

    closed: str = "▸"
    """A folder that can be opened in place."""
    opened: str = "▾"
    """A folder that is open."""
    mark: str = "●"
    """A marked row."""
    implied: str = "○"
    """A row below a marked folder."""
    download: str = "↓"
    """Download this row."""
    delete: str = "✕"
    """Delete or dismiss this row."""
    rename: str = "✎"
    """Give this row another name."""
    current: str = "✓"
    """The current one of a list."""
    add: str = "+"
    """Make or add something."""
    separator: str = "›"
    """Between the segments of a path."""
    ellipsis: str = "…"
    """Something was left out."""
    ascending: str = "▴"
    """Sorted upwards."""
    descending: str = "▾"
    """Sorted downwards."""
    bar_full: str = "▰"
    """A part of a bar that is done."""
    bar_empty: str = "▱"
    """A part of a bar that is not done."""
    moving: str = "⠿"
    """Something is moving."""
    none: str = "—"
    """There is no such value."""
    dot: str = "·"
    """Between two facts."""
    arrow: str = "→"
    """From one place to another."""
    back: str = "←"
    """To here from another place."""
    both: str = "⇄"
    """Both ways."""
    upload: str = "↑"
    """From here to the bucket."""
    chosen: str = "✓"
    """A ticked entry."""
    warning: str = "!"
    """Something is wrong."""
    link: str = "↗"
    """A symbolic link."""
    spark: str = "▁▂▃▄▅▆▇█"
    """Heights of a line of values, the lowest first."""
    deeper: str = "⋯"
    """Indentation that was cut."""

    def say(self, text: str) -> str:
        """Return a text of our own with the typography that these signs allow."""
        return text.replace("…", "..." if self.ellipsis == "~" else "…").replace("·", self.dot)


UNICODE: Final = Symbols()
"""For terminals that speak UTF-8."""

ASCII: Final = Symbols(
    closed=">",
    opened="v",
    mark="*",
    implied="+",
    download="d",
    delete="X",
    rename="r",
    current="*",
    separator="/",
    ellipsis="~",
    ascending="^",
    descending="v",
    bar_full="#",
    bar_empty="-",
    moving="=",
    none="-",
    dot="-",
    arrow=">",
    back="<",
    both="=",
    upload="u",
    chosen="*",
    warning="!",
    link="@",
    spark="_.:-=+*#",
    deeper="~",
)
"""For `LANG=C` and the like."""


_TYPOGRAPHY: Final = str.maketrans("…·✓✗—–→←↑↓×›▸▾●“”‘’▁▂▃▄▅▆▇", "~-*x--><^vx/>v*\"\"''       ")
"""Signs of our own words, and the ends of scroll bars, each by one of one cell that every terminal has."""


class AsciiSigns(LineFilter):
    """Writes the typography of our own words in ASCII, wherever a line of a widget holds it.

    A widget whose names have to stay exactly as they are draws with `Symbols` and leaves this filter out.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line, with the same cells."""
        return [
            segment if segment.text.isascii() else Segment(segment.text.translate(_TYPOGRAPHY), *segment[1:])
            for segment in segments
        ]


_PLAIN: Final = ("C", "POSIX")
"""Locales that promise nothing but ASCII."""


def symbols_for(encoding: str) -> Symbols:
    """Return the signs that can be written in `encoding` (a name that Python knows; unknown ones get ASCII)."""
    try:
        return UNICODE if codecs.lookup(encoding).name == "utf-8" else ASCII
    except LookupError:
        return ASCII


def terminal_symbols(environ: Mapping[str, str]) -> Symbols:
    """Return the signs for a terminal with these variables: ASCII for `LANG=C` and for encodings other than UTF-8.

    Python turns the C locale into UTF-8 for itself by setting `LC_CTYPE` (PEP 538); that says nothing of the terminal.
    With no variable set (containers) Unicode is the better guess.
    """
    language = environ.get("LANG", "")
    kind = environ.get("LC_CTYPE", "")
    if kind == "C.UTF-8" and language in _PLAIN:
        kind = ""
    value = environ.get("LC_ALL") or kind or language
    if value in _PLAIN:
        return ASCII
    _, dot, encoding = value.partition(".")
    return symbols_for(encoding.partition("@")[0]) if dot else UNICODE
