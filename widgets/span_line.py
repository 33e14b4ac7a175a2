"""One line of text in parts, some of which can be clicked: the base of the path, the key line and the strip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, NamedTuple, TypeVar

from rich.cells import cell_len
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from widgets.cells import Styles, component_kinds, cut_end, fit_spans, line_styles, to_segments
from widgets.symbols import UNICODE, Symbols

T = TypeVar("T")


class Part(NamedTuple, Generic[T]):
    """A piece of the line."""

    text: str
    """What it says."""
    kind: str = ""
    """Component class that colours it; empty for the line's own colour."""
    target: T | None = None
    """What a click on it means; None for nothing."""


class SpanLine(Widget, Generic[T]):
    """A widget one line high; a subclass says which parts fit into a width."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"span-line--muted", "span-line--pointed"}

    def __init__(self, *, symbols: Symbols = UNICODE, id: str | None = None, classes: str | None = None) -> None:
        """Make a line that draws with `symbols`."""
        super().__init__(id=id, classes=classes)
        self.symbols = symbols
        self._pointed: T | None = None
        self._styles: Styles | None = None
        self._kinds = component_kinds(self)

    def parts(self, width: int) -> Sequence[Part[T]]:
        """Return what stands on the line, in at most `width` cells (what is longer is cut)."""
        raise NotImplementedError

    def chosen(self, target: T) -> None:
        """React to a click on a part."""

    def notify_style_update(self) -> None:
        """Forget colours: they may have changed."""
        super().notify_style_update()
        self._styles = None

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        width = self.size.width
        if self._styles is None:
            self._styles = line_styles(self, self._kinds)
        if y:
            return Strip.blank(width, self._styles.base)
        spans = [
            (part.text, "span-line--pointed" if self._points_at(part) else part.kind) for part in self.parts(width)
        ]
        return Strip(to_segments(fit_spans(spans, width, ellipsis=self.symbols.ellipsis), self._styles), width)

    def _points_at(self, part: Part[T]) -> bool:
        return self._pointed is not None and part.target == self._pointed

    def target_at(self, x: int) -> T | None:
        """Return what a click at cell `x` means."""
        for part in self.parts(self.size.width):
            x -= cell_len(part.text)
            if x < 0:
                return part.target
        return None

    def on_click(self, event: events.Click) -> None:
        """Hand a click on."""
        target = self.target_at(event.x)
        if target is not None:
            event.stop()
            self.chosen(target)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show what would be clicked."""
        self._point(self.target_at(event.x))

    def on_leave(self) -> None:
        """Show that nothing would be clicked."""
        self._point(None)

    def _point(self, target: T | None) -> None:
        if target != self._pointed:
            self._pointed = target
            self.refresh()


def spread(left: Sequence[Part[T]], right: Sequence[Part[T]], width: int) -> list[Part[T]]:
    """Return parts with a gap between, so that `right` ends one cell before the end; `right` gives way if it must."""
    used = sum(cell_len(part.text) for part in left)
    needed = sum(cell_len(part.text) for part in right)
    gap = width - used - needed - 1
    if not right or gap < 2:
        return list(left)
    return [*left, Part(" " * gap), *right]


def shorten(text: str, width: int, symbols: Symbols) -> str:
    """Return `text` in at most `width` cells, with the sign for what was left out."""
    return cut_end(text, width, symbols.ellipsis)


def fit_tabs(titles: Sequence[str], current: int, width: int, ellipsis: str) -> list[tuple[str, int]]:
    """Return as many titles around the current one as fit, each with its number; the current one stands in brackets.

    Where some are left out, a sign at that end stands for the next one beyond it.
    """
    shown = [f"[{title}]" if number == current else f" {title} " for number, title in enumerate(titles)]
    first, last = 0, len(shown)

    def wanted() -> int:
        return sum(map(cell_len, shown[first:last])) + 2 * (first > 0) + 2 * (last < len(shown))

    while last - first > 1 and wanted() > width:
        if current - first > last - 1 - current:
            first += 1
        else:
            last -= 1
    tabs = [(shown[number], number) for number in range(first, last)]
    before = [(f" {ellipsis}", first - 1)] if first else []
    behind = [(f"{ellipsis} ", last)] if last < len(shown) else []
    return [*before, *tabs, *behind]
