"""The first line: which bucket (a selector), the views by number, where this is and what may be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from rich.cells import cell_len
from textual.message import Message
from textual.reactive import reactive

from widgets.cells import cut_end, cut_start
from widgets.drag import DropSite, Spot
from widgets.span_line import Part, SpanLine
from widgets.symbols import Symbols

CHIP: Final = "bucket"
"""What a click on the chip means; anything else is a view's id."""

MUTED: Final = "span-line--muted"
"""Component class of what matters less."""

SHORT_NAME: Final = 6
"""Cells that the bucket's name keeps."""

SHORT_VIEW: Final = 3
"""Letters that are left of a view's title where room is short."""

SHORT_VIEWS: Final = {"Usage": "Use"}
"""Titles that are shortened in another way."""


@dataclass(frozen=True, slots=True)
class HeaderState:
    """What the line shows; all texts are safe for a terminal."""

    bucket: str = ""
    """Alias or name of the bucket; empty where none is open."""
    views: tuple[tuple[str, str, str], ...] = ()
    """Id, key and title of each view."""
    view: str = ""
    """Id of the current one."""
    attention: frozenset[str] = frozenset()
    """Ids of views in which something waits for a person."""
    where: str = ""
    """Where this is, in a few words."""
    ability: str = ""
    """What may be done: `read/write`, `read only`."""
    warn: bool = False
    """Whether `ability` is less than a person would expect."""


class HeaderLine(SpanLine[str], DropSite):
    """One line; a click on the chip or on a view is posted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "header-line--chip",
        "header-line--current",
        "header-line--good",
        "header-line--warn",
    }

    state: reactive[HeaderState] = reactive(HeaderState())

    class BucketWanted(Message):
        """The chip was clicked."""

    @dataclass
    class ViewWanted(Message):
        """A view was clicked."""

        view: str
        """Its id."""

    def change(self, **changes: Any) -> None:
        """Show something else in some of the fields of `HeaderState`."""
        self.state = replace(self.state, **changes)

    def parts(self, width: int) -> Sequence[Part[str]]:
        """Return the parts that fit."""
        return lay_out(self.state, width, self.symbols)

    def spot_at(self, x: int, y: int) -> Spot:
        """Return the chip: hovered with something to drop, it springs open."""
        return Spot(springs=CHIP if self.target_at(x) == CHIP else "")

    def spring(self, key: str) -> None:
        """Ask for the bucket selector, whose rows take what is dropped."""
        self.post_message(self.BucketWanted())

    def chosen(self, target: str) -> None:
        """Tell what was clicked."""
        self.post_message(self.BucketWanted() if target == CHIP else self.ViewWanted(target))


def lay_out(state: HeaderState, width: int, symbols: Symbols) -> list[Part[str]]:
    """Return the parts of the line in exactly `width` cells: what matters less gives way first.

    First the place is cut, then the views lose letters (in the end all), then the bucket's name; the ability goes last.
    """
    bucket = state.bucket
    for short, place in ((False, True), (False, False), (True, False)):
        parts = _left(state, bucket, symbols, short=short)
        right = _right(state, symbols, place=place)
        room = width - _width(parts) - _width(right)
        if room >= 1:
            return [*parts, Part(" " * room), *right]
        if place and room + cell_len(state.where) >= 12:
            cut = cut_start(state.where, cell_len(state.where) + room - 1, symbols.ellipsis)
            right = _right(replace(state, where=cut), symbols, place=True)
            return [*parts, Part(" " * max(0, width - _width(parts) - _width(right)), ""), *right]
    bare = _width(parts) - cell_len(bucket) + SHORT_NAME > width
    parts = _left(state, bucket, symbols, short=True, bare=bare)
    over = _width(parts) + _width(right) + 1 - width
    bucket = cut_end(bucket, max(SHORT_NAME, cell_len(bucket) - over), symbols.ellipsis)
    parts = _left(state, bucket, symbols, short=True, bare=bare)
    for tail in (right, []):
        room = width - _width(parts) - _width(tail)
        if room >= 0:
            return [*parts, Part(" " * room), *tail]
    return parts


def _left(state: HeaderState, bucket: str, symbols: Symbols, *, short: bool, bare: bool = False) -> list[Part[str]]:
    """Return the bucket and the views: with titles, with short ones, or (`bare`) only the current one with a title."""
    name = f"{symbols.current} {bucket}" if bucket else "Choose a bucket"
    parts = [Part(f" {symbols.opened} {name} ", "header-line--chip", CHIP), Part(" " if short else "  ")]
    for view, key, title in state.views:
        label = f" {SHORT_VIEWS.get(title, title[:SHORT_VIEW]) if short else title}"
        look = "header-line--current" if view == state.view else MUTED
        # The current view is told by its brackets as well, where there is no colour.
        opening, closing = "[]" if view == state.view else "  "
        parts.append(Part(f"{opening}{key}{label if view == state.view or not bare else ''}", look, view))
        if view in state.attention:
            parts.append(Part(symbols.warning, "header-line--warn", view))
        parts.append(Part(closing, look, view))
    return parts


def _right(state: HeaderState, symbols: Symbols, *, place: bool) -> list[Part[str]]:
    parts: list[Part[str]] = []
    if place and state.where:
        parts.append(Part(state.where, MUTED))
    if state.ability:
        if parts:
            parts.append(Part(f" {symbols.dot} ", MUTED))
        parts.append(Part(state.ability, "header-line--warn" if state.warn else "header-line--good"))
    return [*parts, Part(" ")]


def _width(parts: Sequence[Part[str]]) -> int:
    return sum(cell_len(part.text) for part in parts)
