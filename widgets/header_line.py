"""The first line: which bucket (a selector), the views by number, where this is and what may be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from widgets.cells import cut_end, cut_start
from widgets.symbols import UNICODE, Symbols

CHIP_LIMIT: Final = 28
"""Cells that a bucket's name takes at the most while other parts need room."""

SHORT_VIEW: Final = 3
"""Letters that are left of a view's title where room is short."""


@dataclass(frozen=True, slots=True)
class HeaderState:
    """What the line shows; all texts are safe for a terminal."""

    bucket: str = ""
    """Alias or name of the bucket; empty where none is open."""
    views: tuple[tuple[str, str], ...] = ()
    """Id and title of each view."""
    view: str = ""
    """Id of the current one."""
    where: str = ""
    """Where this is, in a few words."""
    ability: str = ""
    """What may be done: `read/write`, `read only`."""
    warn: bool = False
    """Whether `ability` is less than a person would expect."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the line."""

    text: str
    """What it says."""
    look: str
    """Component class without its prefix."""
    target: str = ""
    """What a click on it means: `bucket` or a view's id."""


class HeaderLine(Widget):
    """One line; a click on the chip or on a view is posted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "header-line--chip",
        "header-line--view",
        "header-line--current",
        "header-line--where",
        "header-line--good",
        "header-line--warn",
        "header-line--gap",
    }
    ALLOW_SELECT = False
    DEFAULT_CSS: ClassVar[str] = "HeaderLine { height: 1; width: 1fr; }"

    state: reactive[HeaderState] = reactive(HeaderState())

    class BucketWanted(Message):
        """The chip was clicked."""

    @dataclass
    class ViewWanted(Message):
        """A view was clicked."""

        view: str
        """Its id."""

    def __init__(self, symbols: Symbols = UNICODE, *, id: str | None = None) -> None:
        """Make an empty line that draws with `symbols`."""
        super().__init__(id=id)
        self._symbols = symbols
        self._parts: list[Part] = []

    def change(self, **changes: object) -> None:
        """Show something else in some of the fields of `HeaderState`."""
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]

    def render(self) -> Text:
        """Draw the line."""
        self._parts = lay_out(self.state, self.size.width, self._symbols)
        text = Text(no_wrap=True, overflow="crop", end="")
        for part in self._parts:
            text.append(part.text, self.get_component_rich_style(f"header-line--{part.look}"))
        return text

    def on_click(self, event: events.Click) -> None:
        """Tell what was clicked."""
        x = 0
        for part in self._parts:
            x += cell_len(part.text)
            if event.x < x:
                if part.target == "bucket":
                    self.post_message(self.BucketWanted())
                elif part.target:
                    self.post_message(self.ViewWanted(part.target))
                return


def lay_out(state: HeaderState, width: int, symbols: Symbols) -> list[Part]:
    """Return the parts of the line in exactly `width` cells: what matters less gives way first.

    First the place is cut, then the views lose letters, then the bucket's name; the ability goes last.
    """
    bucket = state.bucket
    for short, place in ((False, True), (False, False), (True, False)):
        parts = _left(state, bucket, symbols, short=short)
        right = _right(state, symbols, place=place)
        room = width - _width(parts) - _width(right)
        if room >= 1:
            return [*parts, Part(" " * room, "gap"), *right]
        if place and room + cell_len(state.where) >= 12:
            cut = cut_start(state.where, cell_len(state.where) + room - 1, symbols.ellipsis)
            right = _right(replace(state, where=cut), symbols, place=True)
            return [*parts, Part(" " * max(0, width - _width(parts) - _width(right)), "gap"), *right]
    over = _width(parts) + _width(right) + 1 - width
    bucket = cut_end(bucket, max(6, cell_len(bucket) - over), symbols.ellipsis)
    parts = _left(state, bucket, symbols, short=True)
    for tail in (right, []):
        room = width - _width(parts) - _width(tail)
        if room >= 0:
            return [*parts, Part(" " * room, "gap"), *tail]
    return parts


def _left(state: HeaderState, bucket: str, symbols: Symbols, *, short: bool) -> list[Part]:
    name = f"{symbols.current} {bucket}" if bucket else "Choose a bucket"
    parts = [Part(f" {symbols.opened} {name} ", "chip", "bucket"), Part(" " if short else "  ", "gap")]
    for number, (view, title) in enumerate(state.views, 1):
        label = title[:SHORT_VIEW] if short else title
        look = "current" if view == state.view else "view"
        # The current view is told by its brackets as well, where there is no colour.
        text = f"[{number} {label}]" if view == state.view else f" {number} {label} "
        parts.append(Part(text, look, view))
    return parts


def _right(state: HeaderState, symbols: Symbols, *, place: bool) -> list[Part]:
    parts: list[Part] = []
    if place and state.where:
        parts.append(Part(state.where, "where"))
    if state.ability:
        if parts:
            parts.append(Part(f" {symbols.dot} ", "where"))
        parts.append(Part(state.ability, "warn" if state.warn else "good"))
    return [*parts, Part(" ", "gap")]


def _width(parts: Sequence[Part]) -> int:
    return sum(cell_len(part.text) for part in parts)
