"""What the object tree is made of: folders, objects, hints, and how their order is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from services.model import ObjectRow
from services.names import base_name
from widgets.sorting import gentle_sort

SortKey = Literal["name", "size", "modified", "type"]
"""What the tree can be sorted by; folders come first in any order."""


@dataclass(frozen=True, slots=True)
class Order:
    """How rows are sorted."""

    key: SortKey = "name"
    """By what."""
    descending: bool = False
    """Largest, latest or last first."""

    @property
    def is_natural(self) -> bool:
        """Whether it is the order in which the service lists."""
        return self.key == "name" and not self.descending

    def clicked(self, key: SortKey) -> Order:
        """Return the order after a click on the head of a column: that column, or the other way round."""
        if key == self.key:
            return Order(key, not self.descending)
        return Order(key, descending=key in ("size", "modified"))


class Load(StrEnum):
    """How far the listing of a folder is."""

    NEW = "new"
    """Never asked for."""
    LOADING = "loading"
    """Pages are coming."""
    READY = "ready"
    """All of it is here."""
    FAILED = "failed"
    """The listing broke; what had come is kept."""


class Folder:
    """A prefix in the tree: mutable, slim, never seen outside the tree but for its `prefix`."""

    __slots__ = (
        "below",
        "folders",
        "hint",
        "incoming",
        "load",
        "objects",
        "opened",
        "parent",
        "place",
        "prefix",
        "problem",
        "remedy",
        "shown",
        "shown_folders",
        "ticket",
        "unsettled",
    )

    def __init__(self, prefix: str, parent: Folder | None) -> None:
        """Make a closed folder that was never listed."""
        self.prefix = prefix
        self.parent = parent
        self.opened = False
        self.load = Load.NEW
        self.problem = ""
        """Why the listing failed."""
        self.remedy = ""
        """What to do about that."""
        self.ticket = 0
        """Number of the listing whose pages are taken."""
        self.folders: list[Folder] = []
        """Child folders in byte order of their prefixes."""
        self.objects: list[ObjectRow] = []
        """Objects in byte order of their names."""
        self.shown: list[Row] = []
        """Children as they are shown: sorted and filtered, folders first."""
        self.shown_folders = 0
        """How many of `shown` are folders."""
        self.unsettled = 0
        """How many rows at the end of `shown` were not sorted in yet."""
        self.below = 0
        """Rows on display below it, while it is on display itself."""
        self.place = -1
        """Where it was found last among all rows."""
        self.hint: Hint | None = None
        """The line below its children that says how it stands, if one is due."""
        self.incoming: tuple[list[str], list[ObjectRow]] | None = None
        """Prefixes and objects of a listing that is to replace what is shown, while it comes in."""


class Hint:
    """A line in a folder that is no object: loading, failed, empty."""

    __slots__ = ("folder",)

    def __init__(self, folder: Folder) -> None:
        """Make the line of a folder."""
        self.folder = folder


Row = Folder | ObjectRow | Hint
"""What a line of the tree shows."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object or a folder as others see it."""

    kind: Literal["object", "folder"]
    """What it is."""
    name: str
    """Full name or prefix, raw."""
    row: ObjectRow | None = None
    """The row of an object, as it was listed."""

    @property
    def size(self) -> int | None:
        """Bytes of an object; None for a folder."""
        return self.row.size if self.row else None

    @property
    def generation(self) -> int | None:
        """Generation of an object that was seen; None for a folder."""
        return self.row.generation if self.row else None

    @property
    def is_past(self) -> bool:
        """Whether it is an object that was deleted, or an older generation: it can be restored, and not moved."""
        return self.row is not None and self.row.deleted is not None


def entry_of(row: Row) -> Entry | None:
    """Return the entry that a row stands for; None for a hint."""
    if isinstance(row, Folder):
        return Entry("folder", row.prefix)
    return Entry("object", row.name, row) if isinstance(row, ObjectRow) else None


def holder_of(name: str) -> str:
    """Return the prefix in whose listing an object appears: `a/b` → `a/`, and `a/` (an object) → `a/`."""
    return name[: name.rfind("/") + 1]


_KEYS: Final[dict[SortKey, Callable[[ObjectRow], Any]]] = {
    "size": lambda row: row.size,
    "modified": lambda row: row.updated,
    "type": lambda row: row.content_type,
}
"""What objects are compared by; equal ones stay in the order of their names."""


def arrange_objects(objects: list[ObjectRow], order: Order, needle: str) -> list[ObjectRow]:
    """Return those objects whose last segment contains `needle` (folded), in an order; never changes its argument."""
    if needle:
        objects = [row for row in objects if needle in base_name(row.name).casefold()]
    if order.key == "name":
        return objects[::-1] if order.descending else objects[:]
    return gentle_sort(objects, _KEYS[order.key], descending=order.descending)


def arrange_folders(folders: list[Folder], order: Order, needle: str) -> list[Folder]:
    """Return the folders that match, or that are open (something in them may), by name in either direction."""
    if needle:
        folders = [folder for folder in folders if folder.opened or needle in base_name(folder.prefix).casefold()]
    return folders[::-1] if order.key == "name" and order.descending else folders[:]
