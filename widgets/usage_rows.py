"""The lines of the usage view, made from a count: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final, Literal

from services.history import State
from services.lifecycle import Rule, words
from services.model import ObjectRow
from services.multipart import Unfinished
from services.names import base_name, display_name
from services.operations import OperationCounts
from services.prices import GIB, storage_rate
from services.storage_classes import class_title
from services.usage import AGE_LABELS, Amount, Share, Usage
from services.usage_report import UsageReport
from widgets import formats

Section = Literal["folders", "class", "age", "type", "largest", "oldest", "hidden", "savings", "session"]
"""A way to look at a count."""

SECTIONS: Final[tuple[tuple[Section, str], ...]] = (
    ("folders", "Folders"),
    ("class", "Class"),
    ("age", "Age"),
    ("type", "Type"),
    ("largest", "Largest"),
    ("oldest", "Oldest"),
    ("hidden", "Hidden"),
    ("savings", "Savings"),
    ("session", "Session"),
)
"""All of them, in the order of their tabs."""

SPARKS: Final = "▁▂▃▄▅▆▇█"
"""Signs of a sparkline, from nothing to the most."""

ASCII_SPARKS: Final = "_.-=+*%#"
"""The same for terminals that know no others."""


@dataclass(frozen=True, slots=True)
class UsageState:
    """All that the usage view shows."""

    report: UsageReport | None = None
    """What is known; None before there is a count."""
    counting: bool = False
    """Whether the count grows."""
    changed: bool = False
    """Whether something was deleted since it was counted."""
    operations: OperationCounts | None = None
    """Requests of this session; None where they are not counted."""
    problem: str = ""
    """Why counting ended early; what had been counted is shown."""
    remedy: str = ""
    """What to do about that."""

    @property
    def usage(self) -> Usage | None:
        """The count."""
        return self.report.usage if self.report is not None else None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One line of the list."""

    label: str
    """What it is about, safe for a terminal."""
    size: int | None = None
    """Bytes; None for a line without."""
    objects: int | None = None
    """How many objects; None for a line without."""
    share: float | None = None
    """Its part of the whole, 0 to 1; None for a line without a bar."""
    detail: str = ""
    """More in words, safe for a terminal."""
    folder: str | None = None
    """Prefix to go into, raw."""
    row: ObjectRow | None = None
    """An object that can be opened or deleted."""
    up: bool = False
    """Whether it leads out of the folder."""
    uploads: bool = False
    """Whether it stands for unfinished uploads, which can be aborted."""
    rule: Rule | None = None
    """A lifecycle rule that the bucket does not have and could be given."""
    link: str = ""
    """An address that can be copied."""


def build(
    state: UsageState, section: Section, prefix: str, now: float, zone: tzinfo | None, dot: str = "·"
) -> list[UsageRow]:
    """Return the lines of a section; `prefix` is the folder that was gone into, `now` in seconds since the epoch."""
    report = state.report
    if section == "session":
        return list(_session(state))
    if report is None:
        return []
    usage = report.usage
    if section == "folders":
        return list(_folders(usage, prefix))
    if section == "class":
        return list(_classes(report, dot))
    if section == "age":
        return _amounts(zip(AGE_LABELS, usage.ages, strict=True), usage.amount().size)
    if section == "type":
        types = sorted(usage.types.items(), key=lambda entry: (-entry[1].size, -entry[1].objects, entry[0]))
        return _amounts(((display_name(name) or "no type", amount) for name, amount in types), usage.amount().size)
    if section == "savings":
        return list(_savings(report))
    if section == "hidden":
        return list(_hidden(report, counting=state.counting))
    rows = usage.largest if section == "largest" else usage.oldest
    return [_object(row, usage, now, zone) for row in rows]


def _folders(usage: Usage, prefix: str) -> Iterator[UsageRow]:
    if prefix != usage.prefix:
        yield UsageRow("..", up=True)
    shares = usage.children(prefix)
    whole = sum(share.size for share in shares) or 1
    for share in shares:
        yield UsageRow(
            _share_label(share),
            share.size,
            share.objects,
            share.size / whole,
            folder=share.prefix if share.kind == "folder" else None,
        )


def _share_label(share: Share) -> str:
    if share.kind == "folder":
        return f"{display_name(base_name(share.prefix).removesuffix('/'))}/"
    return "objects right here" if share.kind == "objects" else "other folders"


def _amounts(named: Iterable[tuple[str, Amount]], whole: int) -> list[UsageRow]:
    return [UsageRow(name, amount.size, amount.objects, amount.size / (whole or 1)) for name, amount in named]


_STATES: Final[tuple[tuple[State, str], ...]] = (
    ("live", "live"),
    ("noncurrent", "older versions"),
    ("soft-deleted", "deleted, kept"),
)
"""What a generation is, for a person."""


def _classes(report: UsageReport, dot: str) -> Iterator[UsageRow]:
    usage = report.usage
    whole = sum(usage.amount(state).size for state, _ in _STATES) or 1
    for state, what in _STATES:
        for name, amount in sorted(usage.classes[state].items(), key=lambda entry: -entry[1].size):
            rate = storage_rate(report.table, report.place, name)
            cost = f"{report.words(amount.size / GIB * rate.price)} a month"
            detail = f"{what} {dot} {cost}" if state != "live" else cost
            yield UsageRow(class_title(name), amount.size, amount.objects, amount.size / whole, detail)


def _object(row: ObjectRow, usage: Usage, now: float, zone: tzinfo | None) -> UsageRow:
    name = display_name(row.name[len(usage.prefix) :])
    ago = formats.relative_time(row.updated, now, zone)
    return UsageRow(name, row.size, None, row.size / (usage.amount().size or 1), ago, row=row)


def _hidden(report: UsageReport, *, counting: bool) -> Iterator[UsageRow]:
    usage, left = report.usage, report.unfinished
    keeps = f"for {formats.period(report.soft_delete_s)}" if report.soft_delete_s else ""
    uploads = Amount(left.uploads, left.size) if left is not None else None
    amounts: list[tuple[str, Amount | None, str]] = [
        ("Deleted but kept", None if "soft-deleted" in usage.unseen else usage.amount("soft-deleted"), keeps),
        ("Older versions", None if "noncurrent" in usage.unseen else usage.amount("noncurrent"), "until deleted"),
        ("Unfinished uploads", uploads, _uploads_words(left)),
    ]
    known = [amount for _, amount, _ in amounts if amount is not None]
    whole = usage.amount().size + sum(amount.size for amount in known) or 1
    for label, amount, detail in amounts:
        if amount is None:
            why = "not counted yet" if counting else "not known: listing them was refused, or not asked for"
            yield UsageRow(label, detail=why)
        else:
            abortable = amount is uploads and bool(amount.objects)
            yield UsageRow(label, amount.size, amount.objects, amount.size / whole, detail, uploads=abortable)
    yield UsageRow("What that costs", detail=f"{report.about(report.hidden_cost)} a month")


def _uploads_words(left: Unfinished | None) -> str:
    if left is None or not left.uploads:
        return "multipart; resumable ones cannot be listed"
    since = f"since {formats.date(left.oldest)}" if left.oldest is not None else "begun and left"
    more = f"; {left.unsized:,} not measured" if left.unsized else ""
    return f"{since}; can be aborted{more}"


def _savings(report: UsageReport) -> Iterator[UsageRow]:
    for effect in report.effects():
        found = effect.saving
        if not found.objects:
            does = "fits nothing today"
        else:
            verb = ("saves" if effect.is_set else "would save") if found.monthly >= 0 else "costs"
            does = f"{verb} {report.words(abs(found.monthly))} a month"
        detail = f"{does}; {found.note}" if found.note else does
        label = words(effect.rule) if effect.is_set else f"+ {words(effect.rule)}"
        yield UsageRow(label, found.size, found.objects, None, detail, rule=None if effect.is_set else effect.rule)


def _session(state: UsageState) -> Iterator[UsageRow]:
    counts, report = state.operations, state.report
    if counts is not None:
        yield UsageRow("Class A", objects=counts.of_class("A"), detail="changes and lists, with the worker's")
        yield UsageRow("Class B", objects=counts.of_class("B"), detail="reads, with the worker's")
        if report is not None:
            yield UsageRow("What that costs", detail=report.about(report.cost_of(counts)))
    if report is not None:
        yield UsageRow("Prices", detail=display_name(report.table.note))
        if report.billed and report.table.usage_page:
            page = report.table.usage_page
            yield UsageRow("What is billed", detail=display_name(page), link=page)


def sparkline(values: Iterable[int], signs: str = SPARKS) -> str:
    """Return one sign for each value, the highest for the largest; anything at all is more than nothing."""
    numbers = list(values)
    most = max(numbers, default=0)
    top = len(signs) - 1
    return "".join(signs[max(1 if value else 0, value * top // most) if most else 0] for value in numbers)


def ages_line(usage: Usage, signs: str = SPARKS) -> str:
    """Return the sparkline of bytes by age, the oldest at the left."""
    return sparkline((amount.size for amount in reversed(usage.ages)), signs)
