"""From what the terminal shows to what it is to show."""

from __future__ import annotations

from typing import Final

from app.driver.canvas import Canvas, Row
from app.driver.pen import Late, Pen
from app.driver.scrolling import find_scroll
from app.driver.styles import PLAIN

SCROLL_WORTH: Final = 400
"""Characters of a picture below which no scrolling is looked for."""

SCROLL_GAIN: Final = 0.75
"""Share of the plain picture that a scrolled one may take at most; to save little is not worth the flicker."""

SYNC_START: Final = "\x1b[?2026h"
SYNC_END: Final = "\x1b[?2026l"
HIDE: Final = "\x1b[?25l"
SHOW: Final = "\x1b[?25h"


class Painter:
    """Knows the terminal's cells and its cursor, and says what changes them."""

    def __init__(self, width: int, height: int, *, erases: bool) -> None:
        """Begin with a terminal of which nothing is known; `erases` is the pen's."""
        self._erases = erases
        self.shown: list[Row] = []
        self.cursor: tuple[int, int] | None = None
        self.cursor_visible = True
        self.synchronized = False
        """Whether the terminal was told to hold back pictures until they are whole."""
        self.forget(width, height)

    def forget(self, width: int, height: int) -> None:
        """Take nothing for known: not a cell, not the cursor."""
        self.shown = [[None] * width for _ in range(height)]
        self.cursor = None

    def paint(self, canvas: Canvas) -> str:
        """Return the bytes that make the terminal show the canvas, and take them for written."""
        rows = sorted(y for y in canvas.dirty if self.shown[y] != canvas.rows[y])
        pen = self._picture(canvas, rows) if rows else Pen(canvas.width, self.cursor, erases=self._erases)
        cells = pen.text()
        pen.out.clear()
        pen.look(PLAIN)
        if canvas.placed:
            pen.move(canvas.x, canvas.y)
        for y in canvas.dirty:
            self.shown[y] = _merged(self.shown[y], canvas.rows[y])
        canvas.dirty.clear()
        self.cursor = pen.cursor
        return self._framed(cells, pen.text())

    def _framed(self, cells: str, last: str) -> str:
        if not cells:
            return last
        if self.synchronized:
            return f"{SYNC_START}{cells}{last}{SYNC_END}"
        # A visible cursor would be seen running over the screen.
        return f"{HIDE}{cells}{last}{SHOW}" if self.cursor_visible else cells + last

    def _picture(self, canvas: Canvas, rows: list[int]) -> Pen:
        plain = self._drawn(Pen(canvas.width, self.cursor, erases=self._erases), self.shown, canvas.rows, rows)
        size = sum(map(len, plain.out))
        scroll = find_scroll(self.shown, canvas.rows, rows) if size > SCROLL_WORTH and len(rows) > 2 else None
        if scroll is None:
            return plain
        moved = scroll.moved(self.shown)
        pen = Pen(canvas.width, self.cursor, erases=self._erases)
        pen.control(scroll.sequence(canvas.height))
        touched = sorted({*rows, *range(scroll.top, scroll.bottom)})
        self._drawn(pen, moved, canvas.rows, touched)
        unknown = any(None in canvas.rows[y] for y in range(scroll.top, scroll.bottom))
        if unknown or sum(map(len, pen.out)) > size * SCROLL_GAIN:
            return plain
        self.shown = moved
        canvas.dirty.update(touched)
        return pen

    @staticmethod
    def _drawn(pen: Pen, old: list[Row], new: list[Row], rows: list[int]) -> Pen:
        late: list[Late] = []
        for y in rows:
            late += pen.row(y, old[y], new[y])
        pen.late(late)
        return pen


def _merged(shown: Row, wanted: Row) -> Row:
    if None not in wanted:
        return wanted[:]
    return [old if new is None else new for old, new in zip(shown, wanted, strict=True)]
