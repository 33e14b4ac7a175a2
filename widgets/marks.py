"""What is marked, by name: rows may come, go and change places meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.model import ObjectRow
from widgets.object_rows import Entry


@dataclass(frozen=True, slots=True)
class Totals:
    """What a selection comes to, as far as the rows tell."""

    objects: int = 0
    """Objects that are marked themselves."""
    folders: int = 0
    """Folders, with whatever lies below them (which is not counted here)."""
    bytes: int = 0
    """Bytes of those objects."""

    @property
    def entries(self) -> int:
        """Objects and folders."""
        return self.objects + self.folders


def _key(row: ObjectRow) -> str:
    """Return what a mark is kept by: the name, and the generation of one that is gone (no name has a line feed)."""
    return row.name if row.deleted is None else f"{row.name}\n{row.generation}"


class Marks:
    """A set of objects and prefixes; a marked prefix stands for all below it, so nothing below it is in the set."""

    def __init__(self) -> None:
        """Mark nothing."""
        self._objects: dict[str, ObjectRow] = {}
        self._prefixes: set[str] = set()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._objects) + len(self._prefixes)

    @property
    def totals(self) -> Totals:
        """What it comes to."""
        return Totals(len(self._objects), len(self._prefixes), self._bytes)

    def entries(self) -> list[Entry]:
        """Return what is marked in byte order of the names, folders before objects."""
        folders = [Entry("folder", prefix) for prefix in sorted(self._prefixes)]
        return folders + [Entry("object", row.name, row) for _, row in sorted(self._objects.items())]

    def rows(self) -> list[ObjectRow]:
        """Return the objects that are marked themselves, in no order."""
        return list(self._objects.values())

    def holds(self, entry: Entry) -> bool:
        """Tell whether an entry itself is marked."""
        if entry.kind == "folder":
            return entry.name in self._prefixes
        return (_key(entry.row) if entry.row is not None else entry.name) in self._objects

    def covers(self, entry: Entry) -> bool:
        """Tell whether a folder around an entry is marked."""
        if not self._prefixes:
            return False
        name = entry.name[:-1] if entry.kind == "folder" else entry.name
        end = name.rfind("/") + 1
        while end > 0:
            if name[:end] in self._prefixes:
                return True
            end = name.rfind("/", 0, end - 1) + 1
        return False

    def add(self, entries: Iterable[Entry]) -> None:
        """Mark entries; what lies below a marked folder is left out."""
        folders = False
        for entry in entries:
            if self.covers(entry):
                continue
            if entry.row is not None:
                key = _key(entry.row)
                old = self._objects.get(key)
                self._bytes += entry.row.size - (old.size if old else 0)
                self._objects[key] = entry.row
            else:
                self._prefixes.add(entry.name)
                folders = True
        if folders:
            self._drop(self.covers)

    def add_rows(self, rows: Iterable[ObjectRow]) -> None:
        """Mark objects of one folder none of which is covered: `add` for hundreds of thousands of them."""
        fresh = {_key(row): row for row in rows}
        replaced = sum(self._objects[name].size for name in fresh.keys() & self._objects.keys())
        self._bytes += sum(row.size for row in fresh.values()) - replaced
        if self._objects:
            self._objects.update(fresh)
        else:
            self._objects = fresh

    def remove(self, entries: Iterable[Entry]) -> None:
        """Unmark entries; those that are only covered by a marked folder stay covered."""
        for entry in entries:
            if entry.kind == "folder":
                self._prefixes.discard(entry.name)
            else:
                row = self._objects.pop(_key(entry.row) if entry.row is not None else entry.name, None)
                self._bytes -= row.size if row else 0

    def toggle(self, entry: Entry) -> None:
        """Mark an entry, or unmark it."""
        if self.holds(entry):
            self.remove([entry])
        else:
            self.add([entry])

    def clear(self) -> None:
        """Unmark everything."""
        self._objects.clear()
        self._prefixes.clear()
        self._bytes = 0

    def reconcile(self, current: Callable[[Entry], ObjectRow | bool]) -> None:
        """Follow a refreshed listing: `current` gives the row there is now, False for none, True for "as it was"."""
        for entry in self.entries():
            now = current(entry)
            if now is False:
                self.remove([entry])
            elif isinstance(now, ObjectRow) and now is not entry.row:
                self._bytes += now.size - (entry.size or 0)
                self._objects[_key(now)] = now

    def _drop(self, which: Callable[[Entry], bool]) -> None:
        self.remove([entry for entry in self.entries() if which(entry)])
