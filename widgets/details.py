"""What is known of one object, beside the tree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from services.model import ObjectInfo, ObjectRow
from services.names import base_name
from widgets import formats
from widgets.facts import Fact, Facts
from widgets.marks import Totals
from widgets.object_rows import Entry


class Details(Facts):
    """The pane at the right of the tree; `CopyWanted` is that of `Facts`."""

    def show_entry(self, bucket: str, entry: Entry | None, *, zone: tzinfo | None = None) -> None:
        """Show what the listing told of an entry."""
        if entry is None:
            self.show([])
        elif entry.row is None:
            url = f"gs://{bucket}/{entry.name}"
            self.show([Fact("Folder", base_name(entry.name)), Fact("Address", url, copy=url)])
        else:
            self.show(row_facts(bucket, entry.row, zone))

    def show_info(self, info: ObjectInfo, *, zone: tzinfo | None = None) -> None:
        """Show everything that the service keeps about an object."""
        self.show([*row_facts(info.bucket, info.row(), zone), *_more_facts(info, zone)])

    def show_totals(self, totals: Totals) -> None:
        """Show what several marked rows come to."""
        facts = [Fact("Marked", formats.count(totals.objects, "object"))] if totals.objects else []
        if totals.folders:
            facts.append(Fact("" if facts else "Marked", formats.count(totals.folders, "folder")))
        self.show(
            [*facts, Fact("Size", formats.size(totals.bytes) + (" and what is in folders" * bool(totals.folders)))]
        )


def row_facts(bucket: str, row: ObjectRow, zone: tzinfo | None = None) -> list[Fact]:
    """Return the facts that a listing has of an object, the most useful first."""
    return list(_row_facts(bucket, row, zone))


def _row_facts(bucket: str, row: ObjectRow, zone: tzinfo | None) -> Iterator[Fact]:
    url = f"gs://{bucket}/{row.name}"
    yield Fact("Name", base_name(row.name) or row.name, copy=row.name)
    exact = f" ({row.size:,} bytes)" if row.size >= 1_000 else ""
    yield Fact("Size", formats.size(row.size) + exact, copy=str(row.size))
    yield Fact("Type", row.content_type or "none", copy=row.content_type)
    if row.content_encoding:
        yield Fact("Encoding", row.content_encoding, copy=row.content_encoding)
    yield _time("Updated", row.updated, zone)
    if row.mtime is not None:
        yield _time("File of", row.mtime, zone)
    yield Fact("Address", url, copy=url)
    yield Fact("Class", row.storage_class.capitalize())
    yield Fact("Generation", str(row.generation), copy=str(row.generation))
    yield Fact("CRC32C", row.crc32c or "none", copy=row.crc32c)


def _more_facts(info: ObjectInfo, zone: tzinfo | None) -> Iterator[Fact]:
    if info.md5:
        yield Fact("MD5", info.md5, copy=info.md5)
    yield _time("Created", info.created, zone)
    yield Fact("Metageneration", str(info.metageneration))
    for field, label in (
        ("cacheControl", "Cache"),
        ("contentDisposition", "Disposition"),
        ("contentLanguage", "Language"),
    ):
        value = info.resource.get(field)
        if isinstance(value, str) and value:
            yield Fact(label, _bounded(value), copy=value)
    for held, label in (("temporaryHold", "Temporary hold"), ("eventBasedHold", "Event hold")):
        if info.resource.get(held) is True:
            yield Fact(label, "on: it cannot be deleted")
    for index, (key, value) in enumerate(sorted(info.metadata.items())):
        yield Fact(_bounded(key, 64), _bounded(value), copy=value, gap=index == 0)


def _time(label: str, then: float, zone: tzinfo | None) -> Fact:
    return Fact(label, formats.date_time(then, zone), copy=formats.date_time(then, zone))


def _bounded(text: str, limit: int = 400) -> str:
    """Return metadata in a length that a pane can show (hazard 64)."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"
