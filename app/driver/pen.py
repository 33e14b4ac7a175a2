"""Writing to the terminal in few bytes: knows where its cursor is and what look is set."""

from __future__ import annotations

import re
from itertools import compress, count, groupby
from operator import itemgetter, ne
from typing import Final

from app.driver.canvas import Row
from app.driver.cells import GLYPHS, Cell, is_odd
from app.driver.styles import PLAIN, Style, bare, change, is_bare

BRIDGE_BYTES: Final = 4
"""Cells that did not change are written again if that takes no more bytes than stepping over them (`ESC [ n C`)."""

ERASED_BLANKS: Final = 10
"""Blanks in a row from which on erasing them and stepping over them takes fewer bytes than writing them."""

_CHARACTER: Final = itemgetter(0)
_LOOK: Final = itemgetter(1)
_LONG_BLANK: Final = " " * ERASED_BLANKS
_BLANKS: Final = re.compile(f"( {{{ERASED_BLANKS},}})")


Late = tuple[Style, int, int, list[Cell]]
"""A run of cells of one look that is written after the rows: its look, row, column and cells."""


class Pen:
    """A sink of bytes with the state of the terminal after them."""

    def __init__(self, width: int, cursor: tuple[int, int] | None, *, erases: bool) -> None:
        """Begin with the cursor at (column, row), None if that is not known, and no look set.

        `erases` tells that erased cells take the background that is set.
        """
        self.width = width
        self.erases = erases
        self.cursor = cursor
        self.style: Style = PLAIN
        self.out: list[str] = []

    def text(self) -> str:
        """Return all that was written."""
        return "".join(self.out)

    def control(self, sequence: str) -> None:
        """Write a sequence that leaves the cursor who knows where."""
        self.out.append(sequence)
        self.cursor = None

    def look(self, style: Style) -> None:
        """Set the look of what follows."""
        if style != self.style:
            self.out.append(change(self.style, style))
            self.style = style

    def move(self, x: int, y: int) -> None:
        """Move the cursor, by the shortest of the ways that every terminal knows."""
        if self.cursor == (x, y):
            return
        if self.cursor is None:
            self.out.append(_absolute(x, y))
        else:
            self.out.append(_shortest(self.cursor, x, y))
        self.cursor = (x, y)

    def cells(self, x: int, y: int, cells: list[Cell]) -> None:
        """Write cells whose widths are beyond doubt."""
        start = end = 0
        for style, group in groupby(cells, _LOOK):
            same = list(group)
            # Blanks go with whatever stands before them if only their background can be seen.
            if style != self.style and (not _are_blanks(same) or style != bare(self.style)):
                if start < end:
                    self._alike(x + start, y, cells[start:end])
                    start = end
                self.out.append(change(self.style, style))
                self.style = style
            end += len(same)
        self._alike(x + start, y, cells[start:])

    def _alike(self, x: int, y: int, cells: list[Cell]) -> None:
        """Write cells in the look that is set; long blanks are erased instead."""
        text = "".join(map(_CHARACTER, cells))
        if self.erases and _LONG_BLANK in text and len(text) == len(cells) and is_bare(self.style):
            for piece in filter(None, _BLANKS.split(text)):
                self.move(x, y)
                if piece.startswith(_LONG_BLANK):
                    self.out.append(f"\x1b[{len(piece)}X")  # leaves the cursor where it is
                    x += len(piece)
                else:
                    x = self._written(x, y, piece, len(piece))
        elif text:
            if self.cursor != (x, y):
                self.move(x, y)
            self._written(x, y, text, len(cells))

    def _written(self, x: int, y: int, text: str, width: int) -> int:
        """Write text at the cursor and return the column after it."""
        self.out.append(text)
        x += width
        # At the right edge some terminals wait with the wrap and some stay: say nothing about it.
        self.cursor = (x, y) if x < self.width else None
        return x

    def cluster(self, x: int, y: int, cluster: str, width: int, style: Style) -> None:
        """Write a cluster whose width is in doubt: its cells are cleared before, and the cursor is set anew after."""
        self.cells(x, y, [(" ", style)] * width)
        self.cursor = None
        self.look(style)  # the blanks may have gone with another one
        self.move(x, y)
        self.out.append(cluster)
        self.cursor = None

    def row(self, y: int, old: Row, new: Row) -> list[Late]:
        """Write what differs between two states of a row; cells of which nothing is known stay as they are.

        Returns runs of another look than the row's first, to be written with those of other rows: the thumb of a
        scrollbar beside a list would change the look twice for every row that it touches.
        """
        changed = differing(old, new)
        if None in new:
            changed = [x for x in changed if new[x] is not None]
        if not changed:
            return []
        if is_odd(old) or is_odd(new):
            self._whole_row(y, new)
            return []
        late: list[Late] = []
        look: Style | None = None
        for start, end in _runs(changed, new):
            cells = [cell for cell in new[start:end] if cell is not None]
            style = cells[0][1]
            if look is not None and style != look and all(cell[1] == style for cell in cells):
                late.append((style, y, start, cells))
            else:
                self.cells(start, y, cells)
                look = style if look is None else look
        return late

    def late(self, runs: list[Late]) -> None:
        """Write runs that rows have left over, look by look."""
        looks = {style: index for index, (style, *_) in reversed([*enumerate(runs)])}
        for _, y, x, cells in sorted(runs, key=lambda run: (looks[run[0]], run[1], run[2])):
            self.cells(x, y, cells)

    def _whole_row(self, y: int, new: Row) -> None:
        x = 0
        while x < len(new):
            cell = new[x]
            if cell is None:
                x += 1
                continue
            end = x + 1
            if cell[0] in GLYPHS.odd:
                while end < len(new) and (half := new[end]) is not None and not half[0]:
                    end += 1
                self.cluster(x, y, cell[0], end - x, cell[1])
            else:
                while end < len(new) and (after := new[end]) is not None and after[0] not in GLYPHS.odd:
                    end += 1
                self.cells(x, y, [known for known in new[x:end] if known is not None])
            x = end


def _are_blanks(cells: list[Cell]) -> bool:
    return cells[0][0] == " " and all(cell[0] == " " for cell in cells)


def differing(old: Row, new: Row) -> list[int]:
    """Return the columns in which two rows of one width differ."""
    return list(compress(count(), map(ne, old, new)))


def _runs(changed: list[int], new: Row) -> list[tuple[int, int]]:
    """Join changed columns to runs (start, end) of known cells, each with both halves of its wide characters."""
    first, last = changed[0], changed[-1]
    if last - first + 1 == len(changed):  # only its ends may cut a character in half
        return [_widened(new, first, last + 1)]
    runs: list[tuple[int, int]] = []
    for x in changed:
        start, end = _widened(new, x, x + 1)
        if runs and (start <= runs[-1][1] or _cheap_to_repeat(new, runs[-1][1], start)):
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        else:
            runs.append((start, end))
    return runs


def _widened(new: Row, start: int, end: int) -> tuple[int, int]:
    """Return a run with both halves of the wide characters at its ends."""
    while start and (cell := new[start]) is not None and not cell[0]:
        start -= 1
    while end < len(new) and (cell := new[end]) is not None and not cell[0]:
        end += 1
    return start, end


def _cheap_to_repeat(new: Row, start: int, end: int) -> bool:
    if end - start > BRIDGE_BYTES:
        return False
    before = new[start - 1]
    size = 0
    for cell in new[start:end]:
        if cell is None or before is None:
            return False
        if cell[1] != before[1] and (cell[0] != " " or cell[1] != bare(before[1])):
            return False
        size += len(cell[0].encode("utf-8", "replace"))
    return size <= BRIDGE_BYTES


def _absolute(x: int, y: int) -> str:
    if x:
        return f"\x1b[{y + 1};{x + 1}H"
    return f"\x1b[{y + 1}H" if y else "\x1b[H"


def _shortest(cursor: tuple[int, int], x: int, y: int) -> str:
    """Return the shortest way from one cell to another: to its address, or sideways and then up or down."""
    was_x, was_y = cursor
    return min(_absolute(x, y), _sideways(was_x, x) + _upright(was_y, y), key=len)


def _upright(was_y: int, y: int) -> str:
    if abs(y - was_y) == 1:
        # Index and reverse index, a byte shorter; no line scrolls, since the other one is on the screen too.
        return "\x1bD" if y > was_y else "\x1bM"
    return _step(abs(y - was_y), "B" if y > was_y else "A") if y != was_y else ""


def _sideways(was_x: int, x: int) -> str:
    if x == was_x:
        return ""
    if x == 0:
        return "\r"
    if x > was_x:
        return _step(x - was_x, "C")
    # Backspaces only move; three are as long as the sequence for any count.
    return "\b" * (was_x - x) if was_x - x <= 3 else _step(was_x - x, "D")


def _step(count: int, final: str) -> str:
    return f"\x1b[{final}" if count == 1 else f"\x1b[{count}{final}"
