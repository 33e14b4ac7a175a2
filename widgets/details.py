"""What is known of one object, or of several at once, beside the tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.message import Message

from services.model import ObjectInfo, ObjectRow
from services.names import base_name
from services.object_details import details
from services.words import date_time
from widgets import formats
from widgets.drag import home_of
from widgets.facts import Fact, Facts
from widgets.marks import Totals
from widgets.object_rows import Entry

KINDS_SHOWN: Final = 3
"""Types or classes of several objects that are named, the most frequent first."""

_METADATA: Final = "Metadata "
"""How `services.object_details` begins the label of an entry of custom metadata."""

_SHOWN_BY_ROW: Final = frozenset(
    {"Name", "URL", "Size", "Content type", "Encoding", "Updated", "Modified at source", "Class"}
    | {"Generation", "CRC32C"}
)
"""Labels of `services.object_details` that a listing tells already, in words of its own."""


class Details(Facts):
    """The pane at the right of the tree; `CopyWanted` is that of `Facts`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back to the rows", show=False, id="details.leave"),
        Binding("pageup", "move(-10)", "Ten lines up", show=False, id="details.page-up"),
        Binding("pagedown", "move(10)", "Ten lines down", show=False, id="details.page-down"),
    ]

    @dataclass
    class Left(Message):
        """The keys should go to the rows again."""

    def action_leave(self) -> None:
        """Let the keys go to the rows again."""
        self.post_message(self.Left())

    def show_entry(self, bucket: str, entry: Entry | None, *, zone: tzinfo | None = None, hold_s: float = 0.0) -> None:
        """Show what the listing told of an entry, from the top; of an object after `hold_s`: more may come by then."""
        self.scroll_home(animate=False)
        if entry is None:
            self.show([])
        elif entry.row is None:
            url = f"gs://{bucket}/{entry.name}"
            self.show([Fact("Folder", base_name(entry.name), copy=entry.name), Fact("Address", url, copy=url)])
        else:
            self.show(row_facts(bucket, entry.row, zone), hold_s=hold_s)

    def show_info(self, info: ObjectInfo, row: ObjectRow, *, zone: tzinfo | None = None) -> None:
        """Show everything that the service keeps about an object of which `row` was listed."""
        self.show([*row_facts(info.bucket, row, zone), *_more_facts(info, zone)])

    def add_problem(self, problem: str) -> None:
        """Say below what is shown why that is not all."""
        self.show([*self.facts, Fact("Not all", problem, gap=True)])

    def show_marked(self, facts: Sequence[Fact]) -> None:
        """Show what several marked rows come to (`marked_facts`, and what `shared_facts` adds)."""
        self.show(facts)


def marked_facts(bucket: str, totals: Totals, rows: Sequence[ObjectRow], *, zone: tzinfo | None = None) -> list[Fact]:
    """Return what marked rows come to and what a listing says that they share; takes a second for a million."""
    facts = [Fact("Marked", formats.count(totals.objects, "object"))] if totals.objects else []
    if totals.folders:
        facts.append(Fact("" if facts else "Marked", formats.count(totals.folders, "folder")))
    exact = f" ({totals.bytes:,} bytes)" if totals.bytes >= 1_000 else ""
    size = formats.size(totals.bytes) + (" and what is in folders" if totals.folders else exact)
    facts.append(Fact("Size", size, copy=str(totals.bytes)))
    if len(rows) > 1:
        facts += _spread(bucket, rows, zone)
    return facts


def _spread(bucket: str, rows: Sequence[ObjectRow], zone: tzinfo | None) -> Iterator[Fact]:
    sizes = [row.size for row in rows]
    if min(sizes) != max(sizes):
        yield Fact("Each", f"{formats.size(min(sizes))} to {formats.size(max(sizes))}")
    homes = {home_of(Entry("object", row.name)) for row in rows}
    if len(homes) == 1:
        url = f"gs://{bucket}/{homes.pop()}"
        yield Fact("All in", url, copy=url)
    else:
        yield Fact("All in", formats.count(len(homes), "folder"))
    yield _kinds("Type", Counter(row.content_type or "none" for row in rows))
    yield _kinds("Class", Counter(row.storage_class.capitalize() for row in rows))
    first, last = min(row.updated for row in rows), max(row.updated for row in rows)
    if first == last:
        yield _time("Updated", first, zone)
    else:
        yield Fact("Updated", f"{date_time(first, zone)}\nto {date_time(last, zone)}")


def _kinds(label: str, kinds: Counter[str]) -> Fact:
    """Return what all share, or how many are of which kind."""
    if len(kinds) == 1:
        kind = next(iter(kinds))
        return Fact(label, _bounded(kind), copy=kind)
    lines = [f"{_bounded(kind, 60)}: {number:,}" for kind, number in kinds.most_common(KINDS_SHOWN)]
    more = [f"and {formats.count(len(kinds) - KINDS_SHOWN, 'other')}"] if len(kinds) > KINDS_SHOWN else []
    return Fact(label, "\n".join([*lines, *more]))


def shared_facts(infos: Sequence[ObjectInfo], zone: tzinfo | None = None) -> list[Fact]:
    """Return what is the same in all of several objects beyond what their listing says."""
    first, *others = (_more_facts(info, zone) for info in infos)
    common = set.intersection(*({(fact.label, fact.copy, fact.value) for fact in one} for one in others))
    kept = [fact for fact in first if (fact.label, fact.copy, fact.value) in common]
    return [Fact("All have", "", gap=True), *kept] if kept else []


def row_facts(bucket: str, row: ObjectRow, zone: tzinfo | None = None) -> list[Fact]:
    """Return the facts that a listing has of an object, the most useful first."""
    return list(_row_facts(bucket, row, zone))


def _row_facts(bucket: str, row: ObjectRow, zone: tzinfo | None) -> Iterator[Fact]:
    url = f"gs://{bucket}/{row.name}"
    yield Fact("Name", base_name(row.name) or row.name, copy=row.name)
    exact = f" ({row.size:,} bytes)" if row.size >= 1_000 else ""
    yield Fact("Size", formats.size(row.size) + exact, copy=str(row.size))
    yield Fact("Type", _bounded(row.content_type) or "none", copy=row.content_type)
    if row.content_encoding:
        yield Fact("Encoding", _bounded(row.content_encoding), copy=row.content_encoding)
    yield _time("Updated", row.updated, zone)
    if row.mtime is not None:
        yield _time("File time", row.mtime, zone)
    yield Fact("Address", url, copy=url)
    yield Fact("Class", row.storage_class.capitalize(), copy=row.storage_class)
    yield Fact("Generation", str(row.generation), copy=str(row.generation))
    yield Fact("CRC32C", row.crc32c or "none", copy=row.crc32c)


def _more_facts(info: ObjectInfo, zone: tzinfo | None) -> list[Fact]:
    """Return what only a look at the object itself tells; the words are made, and made safe, by the service."""
    facts: list[Fact] = []
    in_metadata = False
    for detail in details(info, zone):
        if detail.label in _SHOWN_BY_ROW:
            continue
        begins = detail.label.startswith(_METADATA) and not in_metadata
        in_metadata = in_metadata or begins
        label = detail.label.removeprefix(_METADATA)
        facts.append(Fact(label, detail.value, copy=detail.copied, gap=begins, safe=True))
    return facts


def _time(label: str, then: float, zone: tzinfo | None) -> Fact:
    return Fact(label, date_time(then, zone), copy=date_time(then, zone))


def _bounded(text: str, limit: int = 400) -> str:
    """Return metadata in a length that a pane can show (hazard 64)."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"
