"""A table of any length that draws only the lines on screen.

It knows nothing of its rows: a subclass says how many there are and paints one cell at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import ClassVar, Final, Literal, NamedTuple

from rich.segment import Segment
from textual.cache import LRUCache
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.cells import Span, Styles, component_kinds, fit_spans, line_styles, to_segments
from widgets.columns import Column, Placed, place
from widgets.symbols import UNICODE, AsciiSigns, Symbols

_LINE_CACHE: Final = 1_024
"""Lines that are kept drawn."""

NO_ROW: Final = -1
"""Stands for "no row" where a row number is expected."""


class Look(NamedTuple):
    """What decides how a row is drawn besides its content."""

    cursor: bool
    """It has the cursor."""
    hover: bool
    """The mouse is over it."""
    in_range: bool
    """It lies between the anchor and the cursor."""


_LOOKS: Final = [Look(*bits) for bits in product((False, True), repeat=3)]
"""All looks, to forget every drawn form of a row."""


_PLAIN: Final = Look(cursor=False, hover=False, in_range=False)
"""The look of a row that nothing points at."""


class LineTable(ScrollView, can_focus=True):
    """Lines of cells below a head that stays; which of them are pointed at decides how they look."""

    ALLOW_SELECT = False
    COLUMNS: ClassVar[Sequence[Column]] = ()
    LEFT_MARGIN: ClassVar[int] = 0
    HEAD: ClassVar[bool] = True

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "virtual-tree--head",
        "virtual-tree--head-sorted",
        "virtual-tree--cursor",
        "virtual-tree--hover",
        "virtual-tree--range",
        "virtual-tree--muted",
        "virtual-tree--action",
        "virtual-tree--danger",
    }

    cursor: var[int] = var(0, init=False)
    """Number of the row with the cursor; 0 also where there is no row."""
    hover: var[int] = var(NO_ROW, init=False)
    """Number of the row under the mouse, or `NO_ROW`."""
    range_start: var[int] = var(NO_ROW, init=False)
    """Number of the row where a range began, or `NO_ROW`."""
    follow_mouse: var[bool] = var(default=True)
    """Whether the row under the mouse is shown as such; off over slow lines."""

    def __init__(
        self,
        *,
        symbols: Symbols = UNICODE,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make an empty list that draws with `symbols`."""
        super().__init__(id=id, classes=classes)
        self.symbols = symbols
        self._placed: tuple[Placed, ...] = ()
        self._lines: LRUCache[tuple[int, Look], Strip] = LRUCache(_LINE_CACHE)
        self._style_cache: dict[tuple[Look, str], Styles] = {}
        self._kinds = component_kinds(self)

    # What a subclass says

    def row_total(self) -> int:
        """Return how many rows there are."""
        raise NotImplementedError

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return what stands in one cell; it is cut and padded by the caller."""
        raise NotImplementedError

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return what stands on a row that is not cut into cells; None for one that is."""
        return None

    def margin(self, row: int) -> Sequence[Span]:
        """Return what stands in the `LEFT_MARGIN` cells before the first column."""
        return ()

    def row_kind(self, row: int) -> str:
        """Return the component class that colours a whole row, or an empty string."""
        return ""

    def head_sign(self, key: str) -> str:
        """Return the sign behind a column's title (how it sorts), or an empty string."""
        return ""

    # Rows and lines

    @property
    def head_lines(self) -> int:
        """Lines that the head takes."""
        return 1 if self.HEAD else 0

    @property
    def page_lines(self) -> int:
        """Rows that fit on the screen."""
        return max(1, self.size.height - self.head_lines)

    @property
    def placed(self) -> tuple[Placed, ...]:
        """The columns that are shown."""
        return self._placed

    def rows_changed(self) -> None:
        """Take over that rows were added, removed or drawn anew; called by the subclass, cheap at any length."""
        self._lines.clear()
        total = self.row_total()
        self.virtual_size = Size(self.size.width, total + self.head_lines)
        if self.cursor >= total:
            self.cursor = max(0, total - 1)
        if self.hover >= total:
            self.hover = NO_ROW
        self.refresh()

    def rows_spliced(self, at: int, removed: int, added: int) -> None:
        """Take over that the rows from `at` on were replaced; only lines that are on the screen are drawn anew."""
        self._lines.clear()
        total = self.row_total()
        if removed != added:
            self.virtual_size = Size(self.size.width, total + self.head_lines)
        if self.cursor >= total:
            self.set_reactive(LineTable.cursor, max(0, total - 1))
        if self.hover >= at and removed != added:
            self.set_reactive(LineTable.hover, NO_ROW)
        self.repaint_rows(at, at + added - 1 if removed == added else round(self.scroll_y) + self.page_lines)

    def keep_on_screen(self, rows: int) -> None:
        """Scroll so that a row that has moved by some rows stays on its line."""
        self.virtual_size = Size(self.size.width, self.row_total() + self.head_lines)
        self.scroll_to(y=round(self.scroll_y) + rows, animate=False, force=True)

    def forget_lines(self) -> None:
        """Forget drawn lines without drawing anything: rows that are off the screen have changed."""
        self._lines.clear()

    def redraw(self) -> None:
        """Draw every line on the screen anew."""
        self._lines.clear()
        self.refresh()

    def repaint_row(self, row: int) -> None:
        """Draw one row anew."""
        self.repaint_rows(row, row)

    def repaint_rows(self, first: int, last: int) -> None:
        """Draw the rows from `first` to `last` anew, in either order, as far as they are on the screen."""
        top = round(self.scroll_y)
        first, last = max(min(first, last), top), min(max(first, last), top + self.page_lines - 1)
        if first > last or not self.is_mounted:
            return
        for row in range(first, last + 1):
            for look in _LOOKS:
                self._lines.discard((row, look))
        self.refresh(Region(0, first - top + self.head_lines, self.size.width, last - first + 1))

    def row_at(self, y: int) -> int:
        """Return the row on line `y` of the widget, or `NO_ROW`."""
        row = round(self.scroll_y) + y - self.head_lines
        return row if y >= self.head_lines and 0 <= row < self.row_total() else NO_ROW

    def column_at(self, x: int) -> Placed | None:
        """Return the column at cell `x`."""
        return next((placed for placed in self._placed if placed.covers(x)), None)

    def is_visible_row(self, row: int) -> bool:
        """Tell whether a row is on the screen."""
        return 0 <= row - round(self.scroll_y) < self.page_lines

    def _lay_out(self) -> None:
        self._placed = place(self.COLUMNS, self.size.width, left=self.LEFT_MARGIN)
        self.rows_changed()

    def selected_range(self) -> range:
        """Return the rows from the anchor to the cursor; empty where no range was begun."""
        if self.range_start == NO_ROW:
            return range(0)
        return range(min(self.range_start, self.cursor), max(self.range_start, self.cursor) + 1)

    def _in_range(self, row: int) -> bool:
        return self.range_start != NO_ROW and row in self.selected_range()

    # Painting

    def notify_style_update(self) -> None:
        """Forget drawn lines: their colours may have changed."""
        super().notify_style_update()
        self._lines.clear()
        self._style_cache.clear()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Leave out what would change names: this draws with the signs that it was given."""
        return [each for each in super().get_line_filters() if not isinstance(each, AsciiSigns)]

    def render_line(self, y: int) -> Strip:
        """Draw one line of the widget."""
        width = self.size.width
        if self.HEAD and y == 0:
            return self._head(width)
        row = self.row_at(y)
        if row == NO_ROW:
            return Strip.blank(width, self._styles(_PLAIN, "").base)
        look = Look(row == self.cursor, row == self.hover, self._in_range(row))
        strip = self._lines.get((row, look))
        if strip is None:
            strip = self._row(row, look, width)
            self._lines[row, look] = strip
        return strip

    def _row(self, row: int, look: Look, width: int) -> Strip:
        styles = self._styles(look, self.row_kind(row))
        whole = self.whole_line(row, width, look)
        if whole is not None:
            return Strip(to_segments(self._cut(whole, width), styles), width)
        line: list[Segment] = []
        x = 0
        if self.LEFT_MARGIN:
            line += to_segments(self._cut(self.margin(row), self.LEFT_MARGIN), styles)
            x = self.LEFT_MARGIN
        for placed in self._placed:
            if placed.x > x:
                line.append(Segment(" " * (placed.x - x), styles.base))
            spans = self.cell(row, placed, look)
            line += to_segments(self._cut(spans, placed.width, placed.column.align), styles)
            x = placed.x + placed.width
        return Strip(line).adjust_cell_length(width, styles.base).simplify()

    def _cut(self, spans: Sequence[Span], width: int, align: Literal["left", "right"] = "left") -> list[Span]:
        return fit_spans(spans, width, align, self.symbols.ellipsis)

    def _head(self, width: int) -> Strip:
        styles = line_styles(self, ["virtual-tree--head-sorted"], ["virtual-tree--head"])
        line: list[Segment] = []
        x = 0
        for placed in self._placed:
            line.append(Segment(" " * (placed.x - x), styles.base))
            sign = self.head_sign(placed.column.key)
            title = f"{placed.column.title} {sign}" if sign else placed.column.title
            spans = self._cut([(title, "virtual-tree--head-sorted" if sign else "")], placed.width, placed.column.align)
            line += to_segments(spans, styles)
            x = placed.x + placed.width
        return Strip(line).adjust_cell_length(width, styles.base)

    def _styles(self, look: Look, kind: str) -> Styles:
        styles = self._style_cache.get((look, kind))
        if styles is None:
            over = [
                name
                for name, on in (
                    (kind, bool(kind)),
                    ("virtual-tree--hover", look.hover),
                    ("virtual-tree--range", look.in_range),
                    ("virtual-tree--cursor", look.cursor),
                )
                if on
            ]
            styles = line_styles(self, self._kinds, over)
            self._style_cache[look, kind] = styles
        return styles
