"""Finding out that a block of rows moved up or down, so that the terminal can move it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import compress, count
from operator import ne
from typing import Final

from app.driver.canvas import Row
from app.driver.cells import BLANK

SAMPLES: Final = 6
"""Rows that are looked for elsewhere in the old picture before anything else is tried."""

DISTINCT: Final = 6
"""Different characters that a row must have to say something; blank rows are alike everywhere."""


@dataclass(frozen=True, slots=True)
class Scroll:
    """A block of whole rows that moves within itself."""

    top: int
    """First row of the block."""
    bottom: int
    """The row after the last one."""
    up: int
    """Rows by which the content moves up; negative for down."""

    def sequence(self, height: int) -> str:
        """Return the bytes: margins, then lines deleted or inserted at the top (the Linux console knows no `SU`)."""
        lines = f"\x1b[{self.top + 1}H\x1b[{abs(self.up)}{'M' if self.up > 0 else 'L'}"
        if self.bottom == height:
            return lines
        return f"\x1b[{self.top + 1};{self.bottom}r{lines}\x1b[r"

    def moved(self, rows: list[Row]) -> list[Row]:
        """Return the rows as the terminal shows them afterwards."""
        block = rows[self.top : self.bottom]
        blank: list[Row] = [[BLANK] * len(rows[0]) for _ in range(abs(self.up))]
        block = block[self.up :] + blank if self.up > 0 else blank + block[: self.up]
        return rows[: self.top] + block + rows[self.bottom :]


def find_scroll(old: list[Row], new: list[Row], rows: list[int]) -> Scroll | None:
    """Return the move that explains most of what changed in these rows, or None; a guess that the caller weighs."""
    spans = {y: span for y in rows if (span := _span(old[y], new[y]))}
    telling = [y for y, (start, end) in spans.items() if _tells(new[y][start:end])]
    votes: Counter[int] = Counter()
    for y in telling[:: max(1, len(telling) // SAMPLES)]:
        start, end = spans[y]
        wanted = new[y][start:end]
        first = wanted[0]
        votes.update(
            was - y for was, row in enumerate(old) if row[start] == first and was != y and row[start:end] == wanted
        )
    if not votes:
        return None
    up, _ = votes.most_common(1)[0]
    came = [y for y in telling if 0 <= y + up < len(old) and old[y + up][slice(*spans[y])] == new[y][slice(*spans[y])]]
    if len(came) < 2:
        return None
    top, bottom = min(came), max(came) + 1
    return Scroll(min(top, top + up), max(bottom, bottom + up), up)


def _span(old: Row, new: Row) -> tuple[int, int] | None:
    """Return where two rows begin and cease to differ, None where they are alike."""
    first = next(compress(count(), map(ne, old, new)), None)
    if first is None:
        return None
    last = next(compress(count(), map(ne, reversed(old), reversed(new))))
    return first, len(new) - last


def _tells(cells: Row) -> bool:
    """Tell whether these cells show enough different characters to be looked for."""
    seen: set[str] = set()
    for cell in cells:
        if cell is not None:
            seen.add(cell[0])
            if len(seen) == DISTINCT:
                return True
    return False
