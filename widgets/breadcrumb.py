"""Where this is: bucket and prefix as segments that can be clicked, and what is marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from textual.message import Message
from textual.reactive import reactive

from services.names import display_name
from widgets.cells import cut_middle
from widgets.drag import DropSite, DropTarget, Spot
from widgets.span_line import Part, SpanLine, spread

_LONGEST_NAME: Final = 48
"""Cells of one segment, at most."""


class Breadcrumb(SpanLine[str], DropSite):
    """The path above the tree."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"breadcrumb--here", "breadcrumb--marked", "breadcrumb--drop"}

    bucket: reactive[str] = reactive("")
    """Name of the bucket; empty where there is none yet."""
    prefix: reactive[str] = reactive("")
    """Prefix that is shown, raw."""
    marked: reactive[str] = reactive("")
    """What is marked, in words, such as `3 marked · 48.2 MB`."""

    _lit: str | None = None
    """Prefix of the segment that a drop would go to."""

    @dataclass
    class SegmentChosen(Message):
        """A segment of the path was clicked."""

        prefix: str
        """Prefix to go to; empty for the whole bucket."""

    def chosen(self, target: str) -> None:
        """Tell which prefix was clicked."""
        self.post_message(self.SegmentChosen(target))

    def spot_at(self, x: int, y: int) -> Spot:
        """Return the segment at a cell: what is dropped on it goes there."""
        target = self.target_at(x)
        return Spot(DropTarget(target) if target is not None else None)

    def light(self, target: DropTarget | None) -> None:
        """Show the segment that a drop would go to."""
        lit = target.prefix if target is not None else None
        if lit != self._lit:
            self._lit = lit
            self.refresh()

    def parts(self, width: int) -> Sequence[Part[str]]:
        """Return the path, its middle left out where it is too long, and what is marked."""
        right: list[Part[str]] = [Part(self.marked, "breadcrumb--marked")] if self.marked else []
        reserved = cell_len(self.marked) + 3 if self.marked else 0
        if width - reserved < 16:
            right, reserved = [], 0
        return spread(self._path(width - reserved - 2), right, width)

    def _path(self, room: int) -> list[Part[str]]:
        segments = self.segments()
        gap = f" {self.symbols.separator} "
        step = cell_len(gap)
        names = [cut_middle(name, min(_LONGEST_NAME, room), self.symbols.ellipsis) for name, _ in segments]
        cut = 0  # segments left out after the first
        while len(segments) - cut > 2 and self._width(names, cut, step) > room:
            cut += 1
        if self._width(names, cut, step) > room and len(segments) > 1:
            first, last = names[0], names[-1]
            spare = room - 2 * step - 1 if cut else room - step
            names[0] = cut_middle(first, max(4, spare // 3), self.symbols.ellipsis)
            names[-1] = cut_middle(last, max(4, spare - cell_len(names[0])), self.symbols.ellipsis)
        parts: list[Part[str]] = [Part(" ")]
        for index, (_, prefix) in enumerate(segments):
            if 0 < index < cut:
                continue
            if index:
                parts.append(Part(gap, "span-line--muted"))
            hidden = cut and index == cut
            text = self.symbols.ellipsis if hidden else names[index]
            here = index == len(segments) - 1
            kind = "breadcrumb--drop" if prefix == self._lit else "breadcrumb--here" if here else ""
            parts.append(Part(text, kind, prefix))
        return parts

    def segments(self) -> list[tuple[str, str]]:
        """Return what is shown of each segment, and the prefix that it leads to."""
        found = [(display_name(self.bucket), "")]
        start = 0
        while start < len(self.prefix):
            end = self.prefix.find("/", start)
            end = len(self.prefix) - 1 if end < 0 else end
            found.append((display_name(self.prefix[start:end]) or "''", self.prefix[: end + 1]))
            start = end + 1
        return found

    def _width(self, names: list[str], cut: int, step: int) -> int:
        kept = [names[0], *names[cut + 1 :]]
        signs = 1 if cut else 0
        return sum(cell_len(name) for name in kept) + step * (len(kept) - 1 + signs) + signs
