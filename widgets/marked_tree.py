"""A tree of objects whose rows are marked: one by one, by ranges, patterns, all, or turned around; kept by name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from textual.message import Message

from services.model import ObjectRow
from widgets.listing_tree import ListingTree
from widgets.marks import Totals
from widgets.object_rows import Entry, Folder, entry_of, holder_of
from widgets.row_list import RowList

MARK_SLICE: Final = 20_000
"""Rows that are marked at once: some ten milliseconds."""


class MarkedTree(RowList, ListingTree):
    """Follows listings with its marks: what is gone is marked no longer."""

    @dataclass
    class MarksChanged(Message):
        """Other rows are marked than before."""

        totals: Totals
        """What is marked now."""

    def entry_at(self, row: int) -> Entry | None:
        """Return what a row stands for; None for a line that is none."""
        return self._model.entry_at(row)

    def _tell_marks(self) -> None:
        self.post_message(self.MarksChanged(self._marks.totals))

    def clear_marks(self) -> None:
        """Unmark everything, also what is only being marked."""
        self.workers.cancel_group(self, "marks")
        super().clear_marks()

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
