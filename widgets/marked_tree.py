"""A tree of objects whose rows are marked: one by one, by ranges, patterns, all, or turned around; kept by name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import ClassVar, Final

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message

from services.model import ObjectRow
from services.names import base_name
from widgets.listing_tree import ListingTree
from widgets.marks import Marks, Totals
from widgets.object_cells import MarkState
from widgets.object_rows import Entry, Folder, entry_of, holder_of
from widgets.virtual_tree import NO_ROW

MARK_SLICE: Final = 20_000
"""Rows that are marked at once: some ten milliseconds."""


class MarkedTree(ListingTree):
    """Keeps marks by name, so that rows may come, go and change places meanwhile."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_mark", "Mark", show=False, id="toggle_mark"),
        Binding("v", "range", "Range", show=False, id="range"),
        Binding("a", "mark_all", "Mark all", show=False, id="mark_all"),
        Binding("escape", "unmark", "Unmark", show=False, id="unmark"),
    ]

    @dataclass
    class MarksChanged(Message):
        """Other rows are marked than before."""

        totals: Totals
        """What is marked now."""

    @cached_property
    def _marks(self) -> Marks:
        return Marks()

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

    def set_marks(self, entries: Iterable[Entry], *, marked: bool = True) -> None:
        """Mark entries, or unmark them."""
        if marked:
            self._marks.add(entries)
        else:
            self._marks.remove(entries)
        self._marks_changed()

    def clear_marks(self) -> None:
        """Unmark everything."""
        self.workers.cancel_group(self, "marks")
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

    def _beside(self) -> Iterable[Entry]:
        """Yield the entries in the folder of the cursor's row, as far as they are shown."""
        rows = self._model.rows
        siblings = self._model.siblings(rows[self.cursor]) if self.cursor < len(rows) else []
        return (entry for row in siblings if (entry := entry_of(row)))

    def folder_replaced(self, folder: Folder) -> None:
        """Let marks go whose objects a complete listing no longer has, and take over new generations."""
        prefix = folder.prefix

        def current(entry: Entry) -> ObjectRow | bool:
            if entry.name == prefix or not entry.name.startswith(prefix):
                return True
            if entry.kind == "object" and holder_of(entry.name) == prefix:
                return self._model.current(entry) or False
            child = entry.name[: entry.name.index("/", len(prefix)) + 1]
            return self._model.has_folder(child)

        before = self._marks.totals
        self._marks.reconcile(current)
        if self._marks.totals != before:
            self._marks_changed()

    def _marks_changed(self) -> None:
        self.redraw()
        self.post_message(self.MarksChanged(self._marks.totals))

    def action_toggle_mark(self) -> None:
        """Mark the row and go down; within a range, mark the range."""
        entry = self.cursor_entry
        if self.range_start != NO_ROW:
            self.action_range()
        elif entry is not None and not self._marks.covers(entry):
            self._marks.toggle(entry)
            if entry.kind == "object":
                self.repaint_row(self.cursor)
                self.post_message(self.MarksChanged(self._marks.totals))
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

    def _mark_rows(self, rows: range) -> None:
        self.set_marks([entry for row in rows if (entry := self._model.entry_at(row))])

    def action_mark_all(self) -> None:
        """Mark everything in the folder of the cursor's row."""
        rows = self._model.rows
        if self.cursor >= len(rows):
            return
        holder = self._model.holder(rows[self.cursor])
        inside = Entry("object", f"{holder.prefix}x")
        if not self._marks.covers(inside):
            self.set_marks(entry for row in holder.shown if isinstance(row, Folder) and (entry := entry_of(row)))
            self.run_worker(self._mark_in_slices(holder), group="marks", exclusive=True)

    async def _mark_in_slices(self, holder: Folder) -> None:
        """Mark the objects of a folder, with a breath between slices: a million take half a second."""
        shown = holder.shown
        rows = list(shown)  # pages that come meanwhile are added in their places
        for start in range(0, len(rows), MARK_SLICE):
            if start:
                await asyncio.sleep(0)
            if holder.shown is not shown:  # listed or sorted anew meanwhile: what is marked by now stays
                return
            self._marks.add_rows(row for row in rows[start : start + MARK_SLICE] if isinstance(row, ObjectRow))
            self._marks_changed()

    def action_unmark(self) -> None:
        """Give up the range, else unmark everything."""
        if self.range_start != NO_ROW:
            self.range_start = NO_ROW
        elif self._marks:
            self.clear_marks()
        else:
            raise SkipAction

    def mark_state(self, row: int) -> MarkState:
        """Tell whether a row is marked itself, by a folder around it, or not."""
        entry = self._model.entry_at(row)
        if entry is None or not self._marks:
            return "none"
        if self._marks.holds(entry):
            return "marked"
        return "implied" if self._marks.covers(entry) else "none"
