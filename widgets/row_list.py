"""What lists of objects have in common for whoever acts on their rows: the tree, and what a search found."""

from __future__ import annotations

from typing import Protocol

from widgets.marks import Totals
from widgets.object_rows import Entry, Order


class RowList(Protocol):
    """A list with a cursor, marks and an order."""

    @property
    def has_focus(self) -> bool:
        """Whether keys go to it."""

    @property
    def cursor_entry(self) -> Entry | None:
        """The entry of the cursor's row; None where there is none."""

    @property
    def selection(self) -> list[Entry]:
        """What a command works on: what is marked, else the row of the cursor."""

    @property
    def marked_totals(self) -> Totals:
        """What the marks come to."""

    @property
    def order(self) -> Order:
        """How the rows are sorted."""

    def row_total(self) -> int:
        """Return how many rows there are."""

    def sort_by(self, order: Order) -> None:
        """Sort the rows."""

    def clear_marks(self) -> None:
        """Unmark everything."""

    def mark_matching(self, pattern: str, *, marked: bool = True) -> int:
        """Mark (or unmark) the rows whose last segment matches a glob; returns how many do."""

    def invert_marks(self) -> None:
        """Mark what is not marked, and unmark the others."""
