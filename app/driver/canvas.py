"""What the screen is to show: a grid that text is put on where the cursor is."""

from __future__ import annotations

from app.driver.cells import Cell
from app.driver.styles import PLAIN, Style, bare

Row = list[Cell | None]
"""Cells of a row; None where nothing is known, because nothing was written there yet."""


class Canvas:
    """The cells that Textual asked for, its cursor, and which rows it touched."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.rows: list[Row] = []
        self.dirty: set[int] = set()
        """Rows that may differ from what the terminal shows."""
        self.x = 0
        self.y = 0
        self.style: Style = PLAIN
        self.placed = False
        """Whether it is known where the cursor is."""
        self.forget()

    def forget(self) -> None:
        """Know nothing of any cell, nor of the cursor; what is written from now on is all there is."""
        self.placed = False
        self.rows = [[None] * self.width for _ in range(self.height)]
        self.dirty.clear()

    def resize(self, width: int, height: int) -> None:
        """Cut or enlarge the grid; new cells are unknown until they are written."""
        rows = [row[:width] + [None] * (width - len(row)) for row in self.rows[:height]]
        rows += [[None] * width for _ in range(height - len(rows))]
        if width < self.width:
            for row in rows:
                row[-1] = None  # perhaps half of a wide character
        self.width, self.height, self.rows = width, height, rows
        self.dirty = set(range(height))
        self.placed = False

    def move(self, x: int, y: int) -> None:
        """Set the cursor, within the screen."""
        self.placed = True
        self.x = max(0, min(x, self.width - 1))
        self.y = max(0, min(y, self.height - 1))

    def put(self, cells: list[Cell]) -> None:
        """Write cells from the cursor on; what passes the right edge is cut off, as with line wrap off."""
        x, room = self.x, self.width - self.x
        row = self.rows[self.y]
        if len(cells) > room:
            cells = cells[:room]
            # The terminal may show another character in the last column: never take it for known.
            self._assign(row, x, cells)
            row[-1] = None
        elif row[x : x + len(cells)] != cells:
            self._assign(row, x, cells)
        self.x = min(x + len(cells), self.width - 1)

    def _assign(self, row: Row, x: int, cells: list[Cell]) -> None:
        end = x + len(cells)
        if cells:
            # A character that loses one half loses both: the other one turns blank.
            blank_from = x
            while blank_from and (cell := row[blank_from]) is not None and not cell[0]:
                blank_from -= 1
            _blank(row, blank_from, x)
            blank_to = end
            while blank_to < self.width and (cell := row[blank_to]) is not None and not cell[0]:
                blank_to += 1
            _blank(row, end, blank_to)
        row[x:end] = cells
        self.dirty.add(self.y)


def _blank(row: Row, start: int, end: int) -> None:
    for x in range(start, end):
        cell = row[x]
        row[x] = None if cell is None else (" ", bare(cell[1]))
