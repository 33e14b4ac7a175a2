"""Which folders of a bucket were listed, and what is known to lie in them; nothing of how that is shown."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from services.model import ObjectRow
from widgets.object_rows import Entry, Folder, Hint, Row, holder_of


class ObjectIndex:
    """The folders below one prefix, found by their names, and the objects in them."""

    def __init__(self, prefix: str) -> None:
        """Know nothing but the folder of a prefix."""
        self.begin_at(prefix)

    def begin_at(self, prefix: str) -> None:
        """Forget everything but the folder of a prefix."""
        self.root = Folder(prefix, None)
        self._known: dict[str, Folder] = {prefix: self.root}

    def depth(self, row: Row) -> int:
        """Return how deep below the root a row lies; 0 for the root's own children."""
        base = self.root.prefix.count("/")
        if isinstance(row, Hint):
            return row.folder.prefix.count("/") - base
        if isinstance(row, Folder):
            return row.prefix.count("/") - 1 - base
        return row.name.count("/") - base

    def folder(self, prefix: str) -> Folder | None:
        """Return a folder that was opened or listed before."""
        return self._known.get(prefix)

    def holder(self, row: Row) -> Folder:
        """Return the folder in whose list a row stands."""
        if isinstance(row, Folder):
            return row.parent or self.root
        return row.folder if isinstance(row, Hint) else self._known.get(holder_of(row.name), self.root)

    def on_display(self, folder: Folder) -> bool:
        """Tell whether all folders around a folder are open."""
        parent = folder.parent
        while parent is not None:
            if not parent.opened:
                return False
            parent = parent.parent
        return True

    def _generation(self, entry: Entry) -> ObjectRow | None:
        """Return the very generation of an entry, where several of its name are listed."""
        return next((row for row in self._generations(entry.name) if row.generation == entry.generation), None)

    def object_named(self, name: str) -> ObjectRow | None:
        """Return the listed object of a name: the live one, else the oldest generation that is shown of it."""
        found: ObjectRow | None = None
        for row in self._generations(name):
            if row.deleted is None:
                return row
            found = found or row
        return found

    def current(self, entry: Entry) -> ObjectRow | None:
        """Return what has taken the place of an entry: the live object, or the very generation of one that is gone."""
        if entry.is_past:
            return self._generation(entry)
        found = self.object_named(entry.name)
        return found if found is not None and found.deleted is None else None

    def _generations(self, name: str) -> Iterator[ObjectRow]:
        holder = self._known.get(holder_of(name))
        if holder is None:
            return
        for place in range(bisect_left(holder.objects, name, key=name_of), len(holder.objects)):
            if holder.objects[place].name != name:
                return
            yield holder.objects[place]

    def has_folder(self, prefix: str) -> bool:
        """Tell whether a folder was listed, or may exist because the one around it was not."""
        return self.child_folder(prefix) is not None or holder_of(prefix[:-1]) not in self._known

    def child_folder(self, prefix: str) -> Folder | None:
        """Return a folder that was listed, opened or not."""
        if prefix in self._known:
            return self._known[prefix]
        parent = self._known.get(holder_of(prefix[:-1]))
        if parent is None:
            return None
        place = bisect_left(parent.folders, prefix, key=prefix_of)
        found = parent.folders[place] if place < len(parent.folders) else None
        return found if found is not None and found.prefix == prefix else None

    def known_folders(self) -> Iterator[Folder]:
        """Yield the folders that were listed, or are being listed."""
        return iter(list(self._known.values()))


def name_of(row: ObjectRow) -> str:
    """Return what objects lie in order of."""
    return row.name


def prefix_of(folder: Folder) -> str:
    """Return what child folders lie in order of."""
    return folder.prefix
