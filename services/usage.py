"""What a bucket holds: totals by folder, class, age and type, gathered from the pages of a listing.

Memory is bounded whatever the bucket holds: folders are kept, objects are not, and beyond a number of folders or a
depth what lies deeper is counted as "others" of the nearest folder that is kept.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal

from services.history import State
from services.lifecycle import Rule, created_time, matches
from services.model import ObjectRow
from services.words import DAY_S

FOLDERS_LIMIT: Final = 200_000
"""Folders that are kept; about 60 MiB at the worst."""

DEPTH_LIMIT: Final = 64
"""Levels below the prefix that are kept: a name of 1,024 slashes must not cost 1,024 folders."""

TYPES_LIMIT: Final = 200
"""Content types and classes that are told apart; they are foreign text without an end."""

OTHERS: Final = "others"
"""Stands for the types beyond the limit."""

TOP: Final = 100
"""Objects in the lists of the largest and of the oldest."""

AGE_BOUNDS_DAYS: Final = (1, 7, 30, 90, 180, 365, 730)
"""Bounds between the groups by age, from the newest to the oldest."""

AGE_LABELS: Final = (
    "under a day",
    "under a week",
    "under 30 days",
    "under 90 days",
    "under half a year",
    "under a year",
    "under 2 years",
    "older",
)
"""What the groups by age are called, from the newest to the oldest."""


@dataclass(slots=True)
class Amount:
    """A number of objects and their bytes."""

    objects: int = 0
    """How many."""
    size: int = 0
    """Bytes as stored."""

    def add(self, objects: int, size: int) -> None:
        """Count some more."""
        self.objects += objects
        self.size += size


def total(amounts: Iterable[Amount]) -> Amount:
    """Return the sum of amounts."""
    result = Amount()
    for amount in amounts:
        result.add(amount.objects, amount.size)
    return result


@dataclass(slots=True)
class Folder:
    """One prefix and what lies below it."""

    below: Amount = field(default_factory=Amount)
    """Everything below, however deep."""
    own: Amount = field(default_factory=Amount)
    """Objects directly in it."""
    others: Amount = field(default_factory=Amount)
    """What lies in folders below it that are not kept."""
    children: list[str] = field(default_factory=list)
    """Full prefixes of the folders directly in it that are kept."""


@dataclass(frozen=True, slots=True)
class Share:
    """A line of the drill-down: a folder, or what is left of its parent beside the folders."""

    kind: Literal["folder", "objects", "others"]
    """A folder to go into, the objects directly in the parent, or folders that are not told apart."""
    prefix: str
    """Full prefix of the folder, or of the parent; raw."""
    objects: int
    """How many objects."""
    size: int
    """Their bytes."""


@dataclass(slots=True)
class Usage:
    """What was counted so far below one prefix of one bucket.

    It is filled by one thread, page by page, and may be read between pages.
    """

    bucket: str
    """Name of the bucket."""
    prefix: str = ""
    """Below what was counted; empty for the whole bucket."""
    now: float = 0.0
    """When the count began, seconds since the epoch: ages are relative to it."""
    rules: tuple[Rule, ...] = ()
    """Lifecycle rules whose effect is estimated along the way."""
    complete: bool = False
    """Whether everything was counted."""
    unseen: set[State] = field(default_factory=set)
    """What could not be listed or was not asked for, so that its totals mean nothing."""
    classes: dict[State, dict[str, Amount]] = field(
        default_factory=lambda: {"live": {}, "noncurrent": {}, "soft-deleted": {}}
    )
    """By what a generation is, then by class."""
    ages: list[Amount] = field(default_factory=lambda: [Amount() for _ in AGE_LABELS])
    """Live objects by age, as in `AGE_LABELS`."""
    types: dict[str, Amount] = field(default_factory=dict)
    """Live objects by content type (without parameters; empty for none)."""
    folders: dict[str, Folder] = field(default_factory=dict)
    """Live objects by folder; the prefix itself is among them."""
    touched: list[dict[str, Amount]] = field(default_factory=list)
    """For each rule: by class, what it would touch today."""
    _largest: list[tuple[float, str, ObjectRow]] = field(default_factory=list)
    _oldest: list[tuple[float, str, ObjectRow]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make room for the root and the rules."""
        self.folders.setdefault(self.prefix, Folder())
        self.touched = self.touched or [{} for _ in self.rules]

    def amount(self, state: State = "live") -> Amount:
        """Return the total of one kind of generations."""
        return total(self.classes[state].values())

    @property
    def largest(self) -> list[ObjectRow]:
        """The largest live objects, the largest first."""
        return [row for _, _, row in sorted(self._largest, key=lambda entry: (-entry[0], entry[1]))]

    @property
    def oldest(self) -> list[ObjectRow]:
        """The oldest live objects, the oldest first."""
        return [row for _, _, row in sorted(self._oldest, key=lambda entry: (-entry[0], entry[1]))]

    def restore_top(self, largest: Iterable[ObjectRow], oldest: Iterable[ObjectRow]) -> None:
        """Put back the largest and the oldest objects of a count that was kept."""
        for row in largest:
            _keep_top(self._largest, row.size, row)
        for row in oldest:
            _keep_top(self._oldest, max(0.0, self.now - created_time(row)), row)

    def add(self, rows: Sequence[ObjectRow], *, soft_deleted: bool = False) -> None:
        """Count one page, in the order of the listing; all generations of a name are in the same page.

        Costs a few microseconds a row: a page of 1,000 may be added on the event loop.
        """
        deltas: dict[str, Amount] = {}
        for row in rows:
            state: State = "soft-deleted" if soft_deleted else "live" if row.deleted is None else "noncurrent"
            _grow(self.classes[state], row.storage_class, row.size)
            if state != "live":
                continue
            cut = row.name.rfind("/") + 1
            parent = row.name[:cut] if cut > len(self.prefix) else self.prefix
            delta = deltas.get(parent)
            if delta is None:
                delta = deltas[parent] = Amount()
            delta.add(1, row.size)
            self._add_live(row)
        for parent, delta in deltas.items():
            self._add_below(parent, delta)
        if self.rules and not soft_deleted:
            self._add_touched(rows)

    def _add_live(self, row: ObjectRow) -> None:
        age = max(0.0, self.now - created_time(row))
        self.ages[bisect_right(AGE_BOUNDS_DAYS, age / DAY_S)].add(1, row.size)
        _grow(self.types, row.content_type.partition(";")[0].strip().lower(), row.size)
        _keep_top(self._largest, row.size, row)
        _keep_top(self._oldest, age, row)

    def _add_below(self, parent: str, delta: Amount) -> None:
        node = self.folders[self.prefix]
        node.below.add(delta.objects, delta.size)
        cut = len(self.prefix)
        for _ in range(DEPTH_LIMIT):
            if cut == len(parent):
                node.own.add(delta.objects, delta.size)
                return
            cut = parent.index("/", cut) + 1
            child = parent[:cut]
            found = self.folders.get(child)
            if found is None:
                if len(self.folders) >= FOLDERS_LIMIT:
                    break
                found = self.folders[child] = Folder()
                node.children.append(child)
            node = found
            node.below.add(delta.objects, delta.size)
        node.others.add(delta.objects, delta.size)

    def _add_touched(self, rows: Sequence[ObjectRow]) -> None:
        newer, name = 0, None
        # Generations of a name are listed from the oldest to the newest: backwards, the newer ones come first.
        for row in reversed(rows):
            newer = newer + 1 if row.name == name else 0
            name = row.name
            for rule, touched in zip(self.rules, self.touched, strict=True):
                if matches(rule, row, self.now, newer=newer):
                    _grow(touched, row.storage_class, row.size)

    def children(self, prefix: str | None = None, *, limit: int = 1_000) -> list[Share]:
        """Return what lies directly below a folder (None: the prefix that was counted), the largest first.

        Beyond `limit` folders the smaller ones are one line of others.  A folder that is not known has none.
        """
        prefix = self.prefix if prefix is None else prefix
        folder = self.folders.get(prefix)
        if folder is None:
            return []
        top = [(self.folders[child].below, child) for child in self._largest_of(folder.children, limit)]
        shares = [Share("folder", child, amount.objects, amount.size) for amount, child in top]
        if folder.own.objects:
            shares.append(Share("objects", prefix, folder.own.objects, folder.own.size))
        named = total(amount for amount, _ in top)
        objects = folder.below.objects - folder.own.objects - named.objects
        if objects:
            shares.append(Share("others", prefix, objects, folder.below.size - folder.own.size - named.size))
        return sorted(shares, key=lambda share: (share.kind == "others", -share.size, -share.objects, share.prefix))

    def _largest_of(self, prefixes: list[str], limit: int) -> list[str]:
        """Return the largest folders of some; of equal ones at the edge, those that came first."""
        if len(prefixes) <= limit:
            return prefixes
        # Numbers are sorted in C, several times faster than a heap of folders: 100,000 of them may lie side by side.
        sizes = [self.folders[prefix].below.size for prefix in prefixes]
        least = sorted(sizes)[-limit]
        larger = [prefix for prefix, size in zip(prefixes, sizes, strict=True) if size > least]
        equal = (prefix for prefix, size in zip(prefixes, sizes, strict=True) if size == least)
        return [*larger, *islice(equal, limit - len(larger))]

    def walk(self) -> Iterator[Share]:
        """Yield every folder that is kept with everything below it, in byte order, as `du` lists them."""
        for prefix in sorted(self.folders, key=str.encode):
            below = self.folders[prefix].below
            yield Share("folder", prefix, below.objects, below.size)


def _grow(table: dict[str, Amount], key: str, size: int) -> None:
    amount = table.get(key)
    if amount is None:
        if len(table) >= TYPES_LIMIT:
            key = OTHERS
        amount = table.setdefault(key, Amount())
    amount.objects += 1
    amount.size += size


def _keep_top(heap: list[tuple[float, str, ObjectRow]], key: float, row: ObjectRow) -> None:
    if len(heap) < TOP:
        heapq.heappush(heap, (key, row.name, row))
    elif key > heap[0][0]:
        heapq.heapreplace(heap, (key, row.name, row))
