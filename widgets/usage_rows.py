"""The lines of the usage view, made from a count: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final, Literal

from services.history import State
from services.lifecycle import words
from services.model import ObjectRow
from services.names import base_name, display_name
from services.operations import OperationCounts
from services.prices import GIB, Place, PriceTable, money, monthly, operations_cost, saving, storage_rate
from services.storage_classes import class_title
from services.usage import AGE_LABELS, Amount, Share, Usage
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
class Money:
    """What is needed to tell costs."""

    table: PriceTable
    """The prices."""
    place: Place
    """Where the bucket is."""

    def words(self, amount: float) -> str:
        """Return an amount for a person."""
        return money(self.table, amount)


@dataclass(frozen=True, slots=True)
class UsageState:
    """All that the usage view shows."""

    usage: Usage | None = None
    """The count; None before there is any."""
    counting: bool = False
    """Whether it grows."""
    counted_s: float | None = None
    """Seconds since it was complete; None while it is not."""
    money: Money | None = None
    """Prices; None where costs are not shown."""
    uploads: Amount | None = None
    """Multipart uploads that were never finished; None where they were not listed."""
    soft_delete_s: int = 0
    """For how long deleted objects are kept, in seconds."""
    operations: OperationCounts | None = None
    """Requests of this session."""
    problem: str = ""
    """Why counting ended early; what had been counted is shown."""
    remedy: str = ""
    """What to do about that."""


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


def build(
    state: UsageState, section: Section, prefix: str, now: float, zone: tzinfo | None, dot: str = "·"
) -> list[UsageRow]:
    """Return the lines of a section; `prefix` is the folder that was gone into, `now` in seconds since the epoch."""
    if section == "session":
        return list(_session(state))
    usage = state.usage
    if usage is None:
        return []
    if section == "folders":
        return list(_folders(usage, prefix))
    if section == "class":
        return list(_classes(usage, state.money, dot))
    if section == "age":
        return _amounts(zip(AGE_LABELS, usage.ages, strict=True), usage.amount().size)
    if section == "type":
        types = sorted(usage.types.items(), key=lambda entry: (-entry[1].size, -entry[1].objects, entry[0]))
        return _amounts(((display_name(name) or "no type", amount) for name, amount in types), usage.amount().size)
    if section == "savings":
        return list(_savings(state))
    if section == "hidden":
        return list(_hidden(state))
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


def _classes(usage: Usage, prices: Money | None, dot: str) -> Iterator[UsageRow]:
    whole = sum(usage.amount(state).size for state, _ in _STATES) or 1
    for state, what in _STATES:
        for name, amount in sorted(usage.classes[state].items(), key=lambda entry: -entry[1].size):
            detail = what if state != "live" else ""
            if prices is not None:
                rate = storage_rate(prices.table, prices.place, name)
                cost = f"{prices.words(amount.size / GIB * rate.price)} a month"
                detail = f"{detail} {dot} {cost}" if detail else cost
            yield UsageRow(class_title(name), amount.size, amount.objects, amount.size / whole, detail)


def _object(row: ObjectRow, usage: Usage, now: float, zone: tzinfo | None) -> UsageRow:
    name = display_name(row.name[len(usage.prefix) :])
    ago = formats.relative_time(row.updated, now, zone)
    return UsageRow(name, row.size, None, row.size / (usage.amount().size or 1), ago, row=row)


def _hidden(state: UsageState) -> Iterator[UsageRow]:
    usage = state.usage
    if usage is None:
        return
    keeps = f"for {formats.period(state.soft_delete_s)}" if state.soft_delete_s else ""
    amounts: list[tuple[str, Amount | None, str]] = [
        ("Deleted but kept", None if "soft-deleted" in usage.unseen else usage.amount("soft-deleted"), keeps),
        ("Older versions", None if "noncurrent" in usage.unseen else usage.amount("noncurrent"), "until deleted"),
        ("Unfinished uploads", state.uploads, "multipart; resumable ones cannot be listed"),
    ]
    known = [amount for _, amount, _ in amounts if amount is not None]
    whole = usage.amount().size + sum(amount.size for amount in known) or 1
    for label, amount, detail in amounts:
        if amount is None:
            yield UsageRow(label, detail="not known: listing them was refused, or not asked for")
        else:
            yield UsageRow(label, amount.size, amount.objects, amount.size / whole, detail)
    if state.money is not None:
        hidden = monthly(state.money.table, state.money.place, usage).hidden
        yield UsageRow("What that costs", detail=f"about {state.money.words(hidden)} a month, without uploads")


def _savings(state: UsageState) -> Iterator[UsageRow]:
    usage, prices = state.usage, state.money
    if usage is None or prices is None or not usage.rules:
        yield UsageRow("No lifecycle rule to estimate.", detail="Rules are added in the settings.")
        return
    for rule, touched in zip(usage.rules, usage.touched, strict=True):
        found = saving(prices.table, prices.place, rule, touched, soft_delete_s=state.soft_delete_s)
        verb = "saves" if found.monthly >= 0 else "costs"
        detail = f"{verb} {prices.words(abs(found.monthly))} a month"
        yield UsageRow(
            words(rule), found.size, found.objects, None, f"{detail}; {found.note}" if found.note else detail
        )


def _session(state: UsageState) -> Iterator[UsageRow]:
    counts = state.operations
    if counts is not None:
        yield UsageRow("Class A", objects=counts.of_class("A"), detail="changes and listings")
        yield UsageRow("Class B", objects=counts.of_class("B"), detail="reads")
        if state.money is not None:
            cost = operations_cost(state.money.table, state.money.place, counts)
            yield UsageRow("What that costs", detail=f"about {state.money.words(cost)}")
    if state.money is not None:
        yield UsageRow("Prices", detail=display_name(state.money.table.note))
        if state.money.table.usage_page:
            yield UsageRow("What is billed", detail=display_name(state.money.table.usage_page))


def sparkline(values: Iterable[int], signs: str = SPARKS) -> str:
    """Return one sign for each value, the highest for the largest; anything at all is more than nothing."""
    numbers = list(values)
    most = max(numbers, default=0)
    top = len(signs) - 1
    return "".join(signs[max(1 if value else 0, value * top // most) if most else 0] for value in numbers)


def ages_line(usage: Usage, signs: str = SPARKS) -> str:
    """Return the sparkline of bytes by age, the oldest at the left."""
    return sparkline((amount.size for amount in reversed(usage.ages)), signs)
