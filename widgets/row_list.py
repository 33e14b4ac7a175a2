"""What lists of objects have in common, the tree and what a search found: marks, ranges, signs of a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message

from services.model import ObjectRow
from services.names import base_name
from widgets.columns import Column
from widgets.marks import Marks, Totals
from widgets.object_cells import MarkState
from widgets.object_rows import Entry
from widgets.sorted_list import SortedList
from widgets.virtual_tree import NO_ROW


def object_columns(name: str) -> Sequence[Column]:
    """Return the columns of a list of objects; `name` is the title of the first one."""
    return (
        Column("name", name),
        Column("size", "Size", 8, "right", from_width=28),
        Column("modified", "Modified", 12, from_width=52),
        Column("type", "Type", 14, from_width=84, wide=28, wide_from=110),
    )


class RowList(SortedList):
    """A list with a cursor, marks and an order; marks are kept by name, so that rows may come, go and change places."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_mark", "Mark", show=False, id="toggle_mark"),
        Binding("v", "range", "Range", show=False, id="range"),
        Binding("a", "mark_all", "Mark all", show=False, id="mark_all"),
        Binding("escape", "unmark", "Unmark", show=False, id="unmark"),
    ]

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

    # What a subclass says

    def entry_at(self, row: int) -> Entry | None:
        """Return what a row stands for; None for a line that is none."""
        raise NotImplementedError

    def _beside(self) -> Iterable[Entry]:
        """Yield the entries that patterns and inverting look at."""
        raise NotImplementedError

    def _tell_marks(self) -> None:
        """Tell that other rows are marked than before."""
        raise NotImplementedError

    def action_mark_all(self) -> None:
        """Mark everything beside the cursor."""
        raise NotImplementedError

    # What is chosen

    @cached_property
    def _marks(self) -> Marks:
        return Marks()

    @property
    def cursor_entry(self) -> Entry | None:
        """The entry of the cursor's row; None where there is none."""
        return self.entry_at(self.cursor)

    @property
    def selection(self) -> list[Entry]:
        """What a command works on: what is marked, else the row of the cursor."""
        entry = self.cursor_entry
        return self.marked or ([entry] if entry else [])

    @property
    def marked(self) -> list[Entry]:
        """What is marked, folders first, in byte order; nothing of it lies below another."""
        return self._marks.entries()

    @property
    def marked_totals(self) -> Totals:
        """What the marks come to."""
        return self._marks.totals

    @property
    def marked_rows(self) -> list[ObjectRow]:
        """Objects that are marked themselves, in no order; a new list."""
        return self._marks.rows()

    def mark_state(self, row: int) -> MarkState:
        """Tell whether a row is marked itself, by a folder around it, or not."""
        entry = self.entry_at(row) if self._marks else None
        if entry is None:
            return "none"
        if self._marks.holds(entry):
            return "marked"
        return "implied" if self._marks.covers(entry) else "none"

    # Marking

    def set_marks(self, entries: Iterable[Entry], *, marked: bool = True) -> None:
        """Mark entries, or unmark them."""
        if marked:
            self._marks.add(entries)
        else:
            self._marks.remove(entries)
        self._marks_changed()

    def clear_marks(self) -> None:
        """Unmark everything."""
        self.range_start = NO_ROW
        if self._marks:
            self._marks.clear()
            self._marks_changed()

    def mark_matching(self, pattern: str, *, marked: bool = True) -> int:
        """Mark (or unmark) the entries beside the cursor whose last segment matches a glob; returns how many do."""
        found = [entry for entry in self._beside() if fnmatchcase(base_name(entry.name).rstrip("/"), pattern)]
        self.set_marks(found, marked=marked)
        return len(found)

    def invert_marks(self) -> None:
        """Mark what is not marked among the entries beside the cursor, and unmark the others."""
        beside = list(self._beside())
        marked = [entry for entry in beside if self._marks.holds(entry)]
        self._marks.add([entry for entry in beside if not self._marks.holds(entry)])
        self._marks.remove(marked)
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.redraw()
        self._tell_marks()

    def _mark_rows(self, rows: range) -> None:
        self.set_marks([entry for row in rows if (entry := self.entry_at(row))])

    def action_toggle_mark(self) -> None:
        """Mark the row and go down; within a range, mark the range."""
        entry = self.cursor_entry
        if self.range_start != NO_ROW:
            self.action_range()
        elif entry is not None and not self._marks.covers(entry):
            self._marks.toggle(entry)
            if entry.kind == "object":
                self.repaint_row(self.cursor)
                self._tell_marks()
            else:
                self._marks_changed()
        self.action_cursor_by(1)

    def action_range(self) -> None:
        """Begin a range at the cursor, or mark the one that was begun."""
        if self.range_start == NO_ROW:
            self.range_start = self.cursor
            return
        self._mark_rows(self.selected_range())
        self.range_start = NO_ROW

    def action_unmark(self) -> None:
        """Give up the range, else unmark everything."""
        if self.range_start != NO_ROW:
            self.range_start = NO_ROW
        elif self._marks:
            self.clear_marks()
        else:
            raise SkipAction

    def click_row(self, row: int, event: events.Click) -> None:
        """Extend a range with shift, mark with ctrl, else move the cursor and act."""
        if event.shift:
            start = self.cursor if self.range_start == NO_ROW else self.range_start
            self.range_start = NO_ROW
            self.cursor = row
            self._mark_rows(range(min(start, row), max(start, row) + 1))
        elif event.ctrl:
            self.cursor = row
            entry = self.cursor_entry
            if entry is not None and not self._marks.covers(entry):
                self._marks.toggle(entry)
                self._marks_changed()
        else:
            super().click_row(row, event)
