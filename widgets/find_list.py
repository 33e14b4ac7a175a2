"""What a search found: a list of objects from many folders, with the marks, keys and signs of any other list."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import Any, ClassVar, Final, get_args

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message

from services.model import ObjectRow
from services.names import base_name, display_name
from widgets import formats
from widgets.cells import Span, cut_end, cut_start
from widgets.columns import Column, Placed
from widgets.marks import Marks, Totals
from widgets.object_cells import Clock, action_at, name_room, with_actions
from widgets.object_rows import Entry, Order, SortKey
from widgets.symbols import Symbols
from widgets.virtual_tree import NO_ROW, Look, VirtualTree

_KEYS: Final[dict[SortKey, Callable[[ObjectRow], Any]]] = {
    "name": attrgetter("name"),
    "size": attrgetter("size"),
    "modified": attrgetter("updated"),
    "type": attrgetter("content_type"),
}
"""What finds are compared by."""


class FindList(VirtualTree):
    """What was found, sorted; what still comes is sorted in."""

    LEFT_MARGIN: ClassVar[int] = 3
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("name", "Name"),
        Column("size", "Size", 8, "right", from_width=28),
        Column("modified", "Modified", 12, from_width=52),
        Column("type", "Type", 14, from_width=84, wide=28, wide_from=110),
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {"object-tree--mark", "object-tree--marked"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_mark", "Mark", show=False, id="toggle_mark"),
        Binding("v", "range", "Range", show=False, id="range"),
        Binding("a", "mark_all", "Mark all", show=False, id="mark_all"),
        Binding("escape", "unmark", "Unmark", show=False, id="unmark"),
    ]

    @dataclass
    class Chosen(Message):
        """A row was chosen."""

        entry: Entry
        """The object."""

    @dataclass
    class DownloadWanted(Message):
        """The download sign of a row was clicked."""

        entry: Entry
        """The row."""

    @dataclass
    class DeleteWanted(Message):
        """The delete sign of a row was clicked."""

        entry: Entry
        """The row."""

    class Changed(Message):
        """Other rows are marked than before, or the cursor stands on another one."""

    def __init__(self, prefix: str, *, symbols: Symbols, clock: Clock, zone: tzinfo | None) -> None:
        """Make an empty list of finds below `prefix`, which is left out of what is shown."""
        self.prefix = prefix
        self._clock, self._zone = clock, zone
        self._rows: list[ObjectRow] = []
        self._order = Order()
        self._marks = Marks()
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

    @property
    def cursor_entry(self) -> Entry | None:
        """The object of the cursor's row; None where nothing was found."""
        return self.entry_at(self.cursor)

    @property
    def selection(self) -> list[Entry]:
        """What a command works on: what is marked, else the row of the cursor."""
        if self._marks:
            return self._marks.entries()
        entry = self.cursor_entry
        return [entry] if entry else []

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

    def on_virtual_tree_head_clicked(self, message: VirtualTree.HeadClicked) -> None:
        """Sort by a column; a second click turns it round."""
        message.stop()
        for key in get_args(SortKey):
            if key == message.key:
                self.sort_by(self._order.clicked(key))

    def head_sign(self, key: str) -> str:
        """Return how a column is sorted."""
        if self._order.key != key:
            return ""
        return self.symbols.descending if self._order.descending else self.symbols.ascending

    # Marks

    @property
    def marked_totals(self) -> Totals:
        """What the marks come to."""
        return self._marks.totals

    def action_toggle_mark(self) -> None:
        """Mark the row and go down; within a range, mark the range."""
        entry = self.cursor_entry
        if self.range_start != NO_ROW:
            self.action_range()
        elif entry is not None:
            self._marks.toggle(entry)
            self._marked()
        self.action_cursor_by(1)

    def action_range(self) -> None:
        """Begin a range at the cursor, or mark the one that was begun."""
        if self.range_start == NO_ROW:
            self.range_start = self.cursor
            return
        self._mark_range(self.selected_range())
        self.range_start = NO_ROW

    def _mark_range(self, rows: range) -> None:
        self._marks.add(entry for row in rows if (entry := self.entry_at(row)))
        self._marked()

    def action_mark_all(self) -> None:
        """Mark everything that was found."""
        self._marks.add_rows(self._rows)
        self._marked()

    def action_unmark(self) -> None:
        """Give up the range, else unmark everything."""
        if self.range_start != NO_ROW:
            self.range_start = NO_ROW
        elif self._marks:
            self.clear_marks()
        else:
            raise SkipAction

    def clear_marks(self) -> None:
        """Unmark everything."""
        self.range_start = NO_ROW
        self._marks.clear()
        self._marked()

    def mark_matching(self, pattern: str, *, marked: bool = True) -> int:
        """Mark (or unmark) the finds whose last segment matches a glob; returns how many do."""
        rows = [row for row in self._rows if fnmatchcase(base_name(row.name).rstrip("/"), pattern)]
        if marked:
            self._marks.add_rows(rows)
        else:
            self._marks.remove(Entry("object", row.name, row) for row in rows)
        self._marked()
        return len(rows)

    def invert_marks(self) -> None:
        """Mark what is not marked, and unmark the others."""
        held = {entry.name for entry in self._marks.entries()}
        self._marks.clear()
        self._marks.add_rows(row for row in self._rows if row.name not in held)
        self._marked()

    def _marked(self) -> None:
        self.redraw()
        self.post_message(self.Changed())

    # Mouse

    def click_row(self, row: int, event: events.Click) -> None:
        """Extend a range with shift, mark with ctrl, else move the cursor and act."""
        if event.shift:
            start = self.cursor if self.range_start == NO_ROW else self.range_start
            self.range_start = NO_ROW
            self.cursor = row
            self._mark_range(range(min(start, row), max(start, row) + 1))
        elif event.ctrl:
            self.cursor = row
            entry = self.cursor_entry
            if entry is not None:
                self._marks.toggle(entry)
                self._marked()
        else:
            super().click_row(row, event)

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
        entry = self.entry_at(row)
        return [(f" {self.symbols.mark}", "object-tree--mark")] if entry and self._marks.holds(entry) else []

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return what stands in a cell: paths keep their ends."""
        found, key = self._rows[row], placed.column.key
        if key == "name":
            acting = look.cursor or look.hover
            entry = self.entry_at(row)
            kind = "object-tree--marked" if entry and self._marks.holds(entry) else ""
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
