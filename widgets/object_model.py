"""The object tree as plain data: folders that open lazily, and the flat list of rows that is on display.

Invariants, which the tests compare with a naive model after every step:
- `rows` is what a walk over the open folders gives: each folder's `shown`, an open folder followed by what is below it,
  then its hint;
- `Folder.below` is the number of those rows, for every open folder that is on display itself;
- children lie in the byte order of their names in `folders` and `objects`, whatever `shown` is sorted by.

No step recurses, so a name of a thousand slashes is only a deep tree.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from services.model import ListPage, ObjectRow
from widgets.arranging import Arrangement
from widgets.object_index import ObjectIndex, name_of, prefix_of
from widgets.object_rows import (
    Entry,
    Folder,
    Hint,
    Load,
    Order,
    Row,
    arrange_folders,
    arrange_objects,
    entry_of,
)

SETTLE_AT_ONCE: Final = 4_096
"""Rows of a folder that are sorted on the spot; longer lists wait for a thread."""


@dataclass(frozen=True, slots=True)
class Splice:
    """What happened to the flat list: rows from `at` on were replaced."""

    at: int
    """First row that changed."""
    removed: int
    """How many rows there were."""
    added: int
    """How many rows there are in their place."""


class ObjectModel(ObjectIndex):
    """All that is known of the objects below one prefix, and which rows of it are on display."""

    def __init__(self, prefix: str = "") -> None:
        """Make the model of one prefix, open and not listed yet."""
        self.order = Order()
        self.needle = ""
        self._tickets = count(1)
        super().__init__(prefix)
        self._show_root()

    def reset(self, prefix: str) -> None:
        """Forget everything and begin at a prefix."""
        self.begin_at(prefix)
        self._show_root()

    def _show_root(self) -> None:
        self.root.opened = True
        self.rows: list[Row] = []
        self._rebuild()

    # Looking

    def index_of(self, row: Row) -> int:
        """Return the number of a row; -1 for the root and for what is not on display."""
        if isinstance(row, Folder):
            if row is self.root:
                return -1
            if 0 <= row.place < len(self.rows) and self.rows[row.place] is row:
                return row.place
        start = 0
        if not isinstance(row, Folder):
            start = max(0, self.index_of(self.holder(row)))
        try:
            place = self.rows.index(row, start)
        except ValueError:
            return -1
        if isinstance(row, Folder):
            row.place = place
        return place

    def index_of_entry(self, entry: Entry) -> int:
        """Return the number of the row that stands for an entry now; -1 where there is none."""
        if entry.kind == "folder":
            found = self.child_folder(entry.name)
            return self.index_of(found) if found else -1
        row = self._generation(entry) or self.object_named(entry.name)
        return self.index_of(row) if row else -1

    # Opening and closing

    def open(self, folder: Folder) -> Splice | None:
        """Open a folder in place; its rows appear, as far as they are known."""
        if folder.opened:
            return None
        folder.opened = True
        self._known[folder.prefix] = folder
        at = self.index_of(folder)
        if at < 0 or not self.on_display(folder):
            return None
        return self._replace(folder, at + 1, 0, self._flatten(folder), counted=True)

    def close(self, folder: Folder) -> Splice | None:
        """Close a folder; what was open in it will be open again when it opens."""
        if not folder.opened or folder is self.root:
            return None
        at = self.index_of(folder) if self.on_display(folder) else -1
        folder.opened = False
        if at < 0:
            return None
        below, folder.below = folder.below, 0
        self._count(folder.parent, -below)
        del self.rows[at + 1 : at + 1 + below]
        return Splice(at + 1, below, 0)

    # Listings

    def begin(self, folder: Folder) -> tuple[int, list[Splice]]:
        """Take note that a listing of a folder starts, and return its ticket; what is shown stays until then."""
        self._known[folder.prefix] = folder
        folder.ticket = next(self._tickets)
        folder.incoming = ([], []) if folder.objects or folder.folders or folder.load is Load.READY else None
        folder.load = Load.LOADING
        folder.problem = folder.remedy = ""
        return folder.ticket, self._renew_hint(folder)

    def add_page(self, folder: Folder, page: ListPage, *, final: bool) -> list[Splice]:
        """Take a page of a listing that was begun; pages come in the order of the service."""
        if folder.incoming is not None:
            folder.incoming[0].extend(page.prefixes)
            folder.incoming[1].extend(page.objects)
            if not final:
                return []
            prefixes, objects = folder.incoming
            folder.incoming = None
            folder.load = Load.READY
            return [self._swap(folder, prefixes, objects)]
        if final:
            folder.load = Load.READY
        splices = self._append(folder, page)
        return splices + self._renew_hint(folder)

    def update(
        self, folder: Folder, rows: Iterable[ObjectRow], gone: Mapping[str, int], prefixes: Iterable[str]
    ) -> Splice:
        """Put objects in or in place of older ones, take some out, add child folders, without a listing.

        What is `gone` is so up to a generation: a newer one has come from somebody else.  Only for a folder that was
        listed to its end, without older generations.  Open and listed folders stay so.
        """
        objects, folders = folder.objects[:], folder.folders[:]
        for name, generation in gone.items():
            place = bisect_left(objects, name, key=name_of)
            if place < len(objects) and objects[place].name == name and objects[place].generation <= generation:
                del objects[place]
        for row in rows:
            if self.is_placeholder(folder, row):
                continue
            place = bisect_left(objects, row.name, key=name_of)
            there = place < len(objects) and objects[place].name == row.name
            if not there or objects[place].generation <= row.generation:
                objects[place : place + there] = [row]
        for prefix in prefixes:
            place = bisect_left(folders, prefix, key=prefix_of)
            if place == len(folders) or folders[place].prefix != prefix:
                folders.insert(place, Folder(prefix, folder))
        folder.objects, folder.folders = objects, folders
        self._arrange_or_wait(folder)
        return self._refold(folder)

    def fail(self, folder: Folder, problem: str, remedy: str) -> list[Splice]:
        """Take note that a listing broke; what was shown stays."""
        folder.incoming = None
        folder.load = Load.FAILED
        folder.problem, folder.remedy = problem, remedy
        return self._renew_hint(folder)

    def _append(self, folder: Folder, page: ListPage) -> list[Splice]:
        folders = [Folder(prefix, folder) for prefix in page.prefixes]
        objects = [row for row in page.objects if not self.is_placeholder(folder, row)]
        folder.folders += folders
        folder.objects += objects
        shown_folders = arrange_folders(folders, Order(), self.needle)
        shown_objects = arrange_objects(objects, Order(), self.needle)
        if not self.order.is_natural:
            folder.unsettled += len(shown_objects) + len(shown_folders)
        old_objects = len(folder.shown) - folder.shown_folders
        folder.shown[folder.shown_folders : folder.shown_folders] = shown_folders
        folder.shown_folders += len(shown_folders)
        folder.shown += shown_objects
        if not folder.opened or not self.on_display(folder):
            return []
        end = self.index_of(folder) + 1 + folder.below - (1 if folder.hint else 0)
        splices = []
        if shown_folders:
            splices.append(self._replace(folder, end - old_objects, 0, list(shown_folders)))
            end += len(shown_folders)
        if shown_objects:
            splices.append(self._replace(folder, end, 0, list(shown_objects)))
        return splices

    @staticmethod
    def is_placeholder(folder: Folder, row: ObjectRow) -> bool:
        """Tell whether an object only makes its folder exist; one with bytes in it is shown as what it is."""
        return row.name == folder.prefix and row.size == 0

    def _swap(self, folder: Folder, prefixes: Iterable[str], objects: list[ObjectRow]) -> Splice:
        """Replace all children; folders that are still there stay as they are (open, listed)."""
        old = {child.prefix: child for child in folder.folders}
        folder.folders = [old.pop(prefix) if prefix in old else Folder(prefix, folder) for prefix in prefixes]
        folder.objects = [row for row in objects if not self.is_placeholder(folder, row)]
        for prefix in [known for known in self._known if old and _lies_below_any(known, old)]:
            self._known.pop(prefix).ticket = 0
        self._arrange_or_wait(folder)
        return self._refold(folder)

    # Order

    def arrange_all(self) -> Splice:
        """Arrange all folders at once, on the spot."""
        for folder in self._known.values():
            self._arrange_now(folder)
        return self._rebuild()

    def settle(self, arrangements: Iterable[Arrangement]) -> Splice:
        """Take over what a thread has arranged, and put what came since behind it."""
        for done in arrangements:
            folder = done.folder
            if self._known.get(folder.prefix) is not folder:
                continue
            if folder.objects is not done.source:
                self._arrange_or_wait(folder)
                continue
            late_folders = arrange_folders(folder.folders[done.taken_folders :], Order(), self.needle)
            late_objects = arrange_objects(folder.objects[done.taken :], Order(), self.needle)
            folder.shown = [*done.folders, *late_folders, *done.objects, *late_objects]
            folder.shown_folders = len(done.folders) + len(late_folders)
            folder.unsettled = 0 if self.order.is_natural else len(late_folders) + len(late_objects)
        return self._rebuild()

    def _arrange_or_wait(self, folder: Folder) -> None:
        """Arrange a folder on the spot, or leave a long one as it was listed, for a thread to settle."""
        if self.order.is_natural or len(folder.objects) + len(folder.folders) <= SETTLE_AT_ONCE:
            self._arrange_now(folder)
            return
        folders = arrange_folders(folder.folders, Order(), self.needle)
        folder.shown = [*folders, *arrange_objects(folder.objects, Order(), self.needle)]
        folder.shown_folders = len(folders)
        folder.unsettled = len(folder.shown)

    def _arrange_now(self, folder: Folder) -> None:
        folders = arrange_folders(folder.folders, self.order, self.needle)
        folder.shown = [*folders, *arrange_objects(folder.objects, self.order, self.needle)]
        folder.shown_folders = len(folders)
        folder.unsettled = 0

    # The flat list

    def _hint_due(self, folder: Folder) -> bool:
        if folder.load is Load.FAILED or (folder.load is Load.LOADING and folder.incoming is None):
            return True
        empty = not folder.shown if folder is self.root else not (folder.folders or folder.objects)
        return folder.load is Load.READY and empty

    def _renew_hint(self, folder: Folder) -> list[Splice]:
        """Add or remove the hint of a folder, or say that its text changed."""
        due = self._hint_due(folder)
        visible = folder.opened and self.on_display(folder)
        at = self.index_of(folder) + folder.below  # the last row below the folder
        if due and folder.hint is None:
            folder.hint = Hint(folder)
            return [self._replace(folder, at + 1, 0, [folder.hint])] if visible else []
        if due and folder.hint is not None:
            return [Splice(at, 1, 1)] if visible else []
        if folder.hint is not None:
            folder.hint = None
            return [self._replace(folder, at, 1, [])] if visible else []
        return []

    def _flatten(self, top: Folder) -> list[Row]:
        """Return the rows below a folder, and count them for every folder on the way."""
        out: list[Row] = []
        stack: list[tuple[Folder, int, int]] = [(top, 0, 0)]
        while stack:
            folder, at, start = stack.pop()
            opened = self._next_open(folder, at)
            if opened >= 0:
                out += folder.shown[at : opened + 1]
                child = folder.shown[opened]
                stack.append((folder, opened + 1, start))
                if isinstance(child, Folder):
                    child.place = -1
                    stack.append((child, 0, len(out)))
                continue
            out += folder.shown[at:] if at else folder.shown
            due = self._hint_due(folder)
            folder.hint = (folder.hint or Hint(folder)) if due else None
            if folder.hint:
                out.append(folder.hint)
            folder.below = len(out) - start
        return out

    @staticmethod
    def _next_open(folder: Folder, at: int) -> int:
        for place in range(at, folder.shown_folders):
            child = folder.shown[place]
            if isinstance(child, Folder) and child.opened:
                return place
        return -1

    def _refold(self, folder: Folder) -> Splice:
        """Make the rows below one folder anew."""
        if not folder.opened or not self.on_display(folder):
            self._hint_off_display(folder)
            return Splice(0, 0, 0)
        at = self.index_of(folder) + 1
        removed = folder.below
        rows = self._flatten(folder)
        self.rows[at : at + removed] = rows
        self._count(folder.parent, folder.below - removed)
        return Splice(at, removed, len(rows))

    def _hint_off_display(self, folder: Folder) -> None:
        folder.hint = (folder.hint or Hint(folder)) if self._hint_due(folder) else None

    def _rebuild(self) -> Splice:
        removed = len(self.rows)
        self.rows = self._flatten(self.root)
        return Splice(0, removed, len(self.rows))

    def _replace(self, folder: Folder, at: int, removed: int, rows: list[Row], *, counted: bool = False) -> Splice:
        """Replace rows that belong to a folder; `counted` says that its own `below` is right already."""
        self.rows[at : at + removed] = rows
        self._count(folder.parent if counted else folder, len(rows) - removed)
        return Splice(at, removed, len(rows))

    @staticmethod
    def _count(folder: Folder | None, difference: int) -> None:
        while folder is not None:
            folder.below += difference
            folder = folder.parent

    def siblings(self, row: Row) -> list[Row]:
        """Return the rows that stand in the same folder, as they are shown."""
        return self.holder(row).shown

    def entry_at(self, index: int) -> Entry | None:
        """Return the entry of a row by its number; None for a hint and beyond the end."""
        return entry_of(self.rows[index]) if 0 <= index < len(self.rows) else None


def _lies_below_any(prefix: str, gone: dict[str, Folder]) -> bool:
    """Tell whether a prefix is one of `gone` or lies below one of them."""
    end = len(prefix)
    while end > 0:
        if prefix[:end] in gone:
            return True
        end = prefix.rfind("/", 0, end - 1) + 1
    return False
