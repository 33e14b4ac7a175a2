"""The columns of a table and how they adapt to the width there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

GAP: Final = 2
"""Cells between two columns."""

MIN_FLEXIBLE: Final = 12
"""Cells that the flexible column keeps before fixed ones are dropped."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as a table wants it."""

    key: str
    """What it shows, for sorting and for whoever draws the cells."""
    title: str
    """What its head says."""
    width: int = 0
    """Cells; 0 for the one column that takes what is left."""
    align: Literal["left", "right"] = "left"
    """Where text stands in it."""
    from_width: int = 0
    """It is shown from this width of the table on."""
    wide: int = 0
    """Cells in a table with room to spare; 0 for no more than `width`."""
    wide_from: int = 0
    """Width of the table from which it takes those."""
    sortable: bool = True
    """Whether a click on its head sorts."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A column that is shown, and where."""

    column: Column
    """The column."""
    x: int
    """Its first cell."""
    width: int
    """Its cells."""

    def covers(self, x: int) -> bool:
        """Tell whether a cell lies in it, or in the gap behind it."""
        return self.x <= x < self.x + self.width + GAP


def place(columns: Sequence[Column], width: int, *, left: int = 0, right: int = 1) -> tuple[Placed, ...]:
    """Return the columns that fit into `width` cells between margins; the later ones give way first."""
    shown = [_in_width(column, width) for column in columns if width >= column.from_width]
    room = _left_over(shown, width - left - right)
    while room < MIN_FLEXIBLE and len(shown) > 1:
        fixed = [column for column in shown if column.width]
        if not fixed:
            break
        shown.remove(fixed[-1])
        room = _left_over(shown, width - left - right)
    placed: list[Placed] = []
    x = left
    for column in shown:
        cells = column.width or max(1, room)
        placed.append(Placed(column, x, cells))
        x += cells + GAP
    return tuple(placed)


def _in_width(column: Column, width: int) -> Column:
    return replace(column, width=column.wide) if column.wide and width >= column.wide_from else column


def _left_over(columns: Sequence[Column], width: int) -> int:
    return width - sum(column.width for column in columns) - GAP * (len(columns) - 1)
