"""What a search found: a list of objects from many folders, with the marks, keys and signs of any other list."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from operator import attrgetter
from typing import Any, ClassVar, Final

from textual import events
from textual.message import Message

from services.model import ObjectRow
from services.names import display_name
from widgets import formats
from widgets.cells import Span, cut_end, cut_start
from widgets.columns import Column, Placed
from widgets.object_cells import Clock, action_at, name_room, with_actions
from widgets.object_rows import Entry, Order, SortKey
from widgets.row_list import RowList, object_columns
from widgets.symbols import Symbols
from widgets.virtual_tree import NO_ROW, Look

_KEYS: Final[dict[SortKey, Callable[[ObjectRow], Any]]] = {
    "name": attrgetter("name"),
    "size": attrgetter("size"),
    "modified": attrgetter("updated"),
    "type": attrgetter("content_type"),
}
"""What finds are compared by."""


class FindList(RowList):
    """What was found, sorted; what still comes is sorted in."""

    LEFT_MARGIN: ClassVar[int] = 3
    COLUMNS: ClassVar[Sequence[Column]] = object_columns("Name")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"object-tree--mark", "object-tree--marked"}

    @dataclass
    class Chosen(Message):
        """A row was chosen."""

        entry: Entry
        """The object."""

    class Changed(Message):
        """Other rows are marked than before, or the cursor stands on another one."""

    def __init__(self, prefix: str, *, symbols: Symbols, clock: Clock, zone: tzinfo | None) -> None:
        """Make an empty list of finds below `prefix`, which is left out of what is shown."""
        self.prefix = prefix
        self._clock, self._zone = clock, zone
        self._rows: list[ObjectRow] = []
        self._order = Order()
        super().__init__(symbols=symbols)

    # Rows

    def add(self, rows: Sequence[ObjectRow]) -> None:
        """Add finds; the cursor stays on its row, or on the first one as long as it was not moved."""
        first = not self._rows
        under = self.cursor_entry if self.cursor else None
        self._rows.extend(rows)
        self._arrange(under)
        if first:
            self.post_message(self.Changed())

    def clear(self) -> None:
        """Forget all finds and marks."""
        self._rows = []
        self._marks.clear()
        self.range_start = NO_ROW
        self.rows_changed()
        self.post_message(self.Changed())

    def forget(self, names: Collection[str]) -> None:
        """Take objects off the list that are no longer there; the cursor stays on its row, or near it."""
        gone = [row for row in self._rows if row.name in names]
        if not gone:
            return
        before = sum(row.name in names for row in self._rows[: self.cursor])
        place = self.cursor - before
        self._marks.remove(Entry("object", row.name, row) for row in gone)
        self._rows = [row for row in self._rows if row.name not in names]
        self.range_start = NO_ROW
        self.rows_changed()
        self.cursor = place
        self.post_message(self.Changed())

    def entry_at(self, row: int) -> Entry | None:
        """Return the object of a row."""
        if not 0 <= row < len(self._rows):
            return None
        return Entry("object", self._rows[row].name, self._rows[row])

    def row_total(self) -> int:
        """Return how many finds there are."""
        return len(self._rows)

    def watch_cursor(self, old: int, new: int) -> None:
        """Tell that the cursor stands elsewhere."""
        super().watch_cursor(old, new)
        self.post_message(self.Changed())

    # Order

    @property
    def order(self) -> Order:
        """How the finds are sorted."""
        return self._order

    def sort_by(self, order: Order) -> None:
        """Sort the finds; those that still come are sorted in."""
        self._order = order
        self._arrange(self.cursor_entry)

    def _arrange(self, under: Entry | None) -> None:
        """Sort, with the cursor on the row that it was on."""
        order = self._order
        # Two sorts by one field each: half the time of one sort by both, and equal ones stay in the order of names.
        self._rows.sort(key=_KEYS["name"])
        if not order.is_natural:
            self._rows.sort(key=_KEYS[order.key], reverse=order.descending)
        self.rows_changed()
        if under is not None and under.row is not None:
            self.cursor = self._rows.index(under.row)

    # Marks

    def _beside(self) -> Iterable[Entry]:
        return (Entry("object", row.name, row) for row in self._rows)

    def _tell_marks(self) -> None:
        self.post_message(self.Changed())

    def action_mark_all(self) -> None:
        """Mark everything that was found."""
        self._marks.add_rows(self._rows)
        self._marks_changed()

    # Mouse

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Act on the sign that was clicked; a double click chooses the row."""
        entry = self.cursor_entry
        sign = action_at(self.placed[0], x)
        if entry is None or (sign != "none" and event.chain > 1):
            return
        if sign == "download":
            self.post_message(self.DownloadWanted(entry))
        elif sign == "delete":
            self.post_message(self.DeleteWanted(entry))
        elif event.chain == 2:
            self.action_choose()

    def action_choose(self) -> None:
        """Tell which row was chosen."""
        entry = self.cursor_entry
        if entry is not None:
            self.post_message(self.Chosen(entry))

    # Painting

    def margin(self, row: int) -> Sequence[Span]:
        """Return the mark."""
        return [(f" {self.symbols.mark}", "object-tree--mark")] if self.mark_state(row) == "marked" else []

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return what stands in a cell: paths keep their ends."""
        found, key = self._rows[row], placed.column.key
        if key == "name":
            acting = look.cursor or look.hover
            kind = "object-tree--marked" if self.mark_state(row) == "marked" else ""
            name = display_name(found.name[len(self.prefix) :])
            room = name_room(placed.width, acting=acting)
            spans = [(cut_start(name, room, self.symbols.ellipsis), kind)]
            return with_actions(spans, placed.width, self.symbols) if acting else spans
        if key == "size":
            return [(formats.size(found.size), "")]
        if key == "modified":
            return [(formats.relative_time(found.updated, self._clock(), self._zone), "virtual-tree--muted")]
        kind_of = cut_end(display_name(found.content_type), placed.width, self.symbols.ellipsis)
        return [(kind_of, "virtual-tree--muted")]
