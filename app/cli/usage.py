"""`pail usage`: what a bucket holds, hidden things included, and what it costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from app.cli.connect import named_or_current, open_connection
from app.cli.context import Context
from app.cli.live import LiveLine
from app.cli.output import Output
from app.cli.runtime import run_async
from app.cli.units import rfc3339
from services import config, usage_cache
from services.connection import Connection
from services.errors import BucketNotFound, Forbidden, NotFound, PailError, UsageError
from services.gcs.interface import Storage
from services.history import State
from services.lifecycle import rules_of, words
from services.model import BucketInfo
from services.multipart import Unfinished, survey
from services.names import GsUrl, display_name
from services.operations import OperationCounts
from services.prices import GIB, Place, PriceTable, Saving, money, monthly, operations_cost, saving, storage_rate
from services.storage_classes import class_title
from services.usage import AGE_LABELS, Amount, Usage
from services.usage_count import Count
from services.words import shown
from widgets import formats

STATES: Final[tuple[tuple[State, str], ...]] = (
    ("live", "Live objects"),
    ("noncurrent", "Older versions"),
    ("soft-deleted", "Deleted, restorable"),
)
"""What a generation can be, with its title."""

FOLDERS: Final = 1_000
"""Folders that `--by folder` names; smaller ones are one line of others."""


@dataclass(frozen=True, slots=True)
class _Report:
    """Everything that was found out."""

    url: str
    usage: Usage
    age_s: float
    """Seconds since the count; 0 for a new one."""
    unfinished: Unfinished | None
    """None where it could not be listed."""
    place: Place
    table: PriceTable
    savings: list[Saving]
    operations: OperationCounts
    billed: bool
    """Whether somebody bills for it: not for the embedded store, nor another server."""

    @property
    def monthly_cost(self) -> float:
        """What all of it costs for a month."""
        return monthly(self.table, self.place, self.usage).monthly + self.unfinished_cost

    @property
    def unfinished_cost(self) -> float:
        """What unfinished uploads cost of that."""
        classes = self.unfinished.classes if self.unfinished else {}
        return sum(
            amount.size / GIB * storage_rate(self.table, self.place, name).price for name, amount in classes.items()
        )

    @property
    def operations_cost(self) -> float:
        """What the requests of this command cost."""
        return operations_cost(self.table, self.place, self.operations)


def run(context: Context) -> int:
    """Count and print."""
    return run_async(_run(context), hint="Nothing was changed; repeat the command to count again.")


async def _run(context: Context) -> int:
    settings = await asyncio.to_thread(config.load)
    async with open_connection(context) as (connection, storage):
        url = await named_or_current(context, connection)
        table = settings.price_table(replit=connection.credentials.kind == "replit")
        report = await _find_out(context, connection, storage, url, table)
    if context.args.by:
        _print_groups(context.output, report, context.args.by)
    if context.output.json:
        context.output.record("usage", **_record(report))
    else:
        _print(context.output, report)
    return 0


async def _find_out(
    context: Context, connection: Connection, storage: Storage, url: GsUrl, table: PriceTable
) -> _Report:
    prefix = url.name if url.is_prefix else f"{url.name}/"
    info = await _settings(context.output, storage, url.bucket)
    usage, age_s = await _usage(context, connection, storage, info, url.bucket, prefix)
    if prefix and not any(usage.amount(state).objects for state, _ in STATES):
        raise BucketNotFound(f"cannot count {display_name(str(url))}: nothing lies below it", url=str(url))
    left = await _unfinished(context.output, storage, url.bucket, prefix)
    place = Place.of(info)
    kept_s = info.soft_delete_s if info else 0
    savings = [
        saving(table, place, rule, touched, soft_delete_s=kept_s)
        for rule, touched in zip(usage.rules, usage.touched, strict=True)
    ]
    shown_url = f"gs://{url.bucket}/{prefix}" if prefix else f"gs://{url.bucket}"
    billed = not (connection.is_local or connection.endpoint)
    return _Report(shown_url, usage, age_s, left, place, table, savings, storage.operations.counts(), billed)


async def _settings(output: Output, storage: Storage, bucket: str) -> BucketInfo | None:
    try:
        return await storage.control.get_bucket(bucket)
    except Forbidden as error:
        output.message(f"Prices are a guess: {error.message}")
        return None


async def _usage(
    context: Context, connection: Connection, storage: Storage, info: BucketInfo | None, bucket: str, prefix: str
) -> tuple[Usage, float]:
    """Return a new count, or the last one where that is asked for, and its age in seconds."""
    if context.args.cached:
        kept = await asyncio.to_thread(usage_cache.load, connection, bucket, prefix, time.time())
        if kept is None:
            raise UsageError("there is no count of it yet", remedy="Leave --cached out.", url=f"gs://{bucket}/{prefix}")
        return kept.usage, kept.age_s
    live = LiveLine(context.output)

    def progress(usage: Usage) -> None:
        whole = usage.amount()
        live.show(f"{formats.count(whole.objects, 'object')}, {formats.size(whole.size)}")

    rules = rules_of(info.resource) if info else ()
    try:
        usage = await Count(storage.data, bucket, prefix, now=time.time(), rules=rules, on_page=progress).run()
    finally:
        live.clear()
    await asyncio.to_thread(usage_cache.save, connection, usage)
    return usage, 0.0


async def _unfinished(output: Output, storage: Storage, bucket: str, prefix: str) -> Unfinished | None:
    """Return the unfinished uploads; None where the service does not tell, which is said."""
    try:
        return await survey(storage.data, bucket, prefix)
    except PailError as error:
        # What was counted is worth having, whatever is wrong with this list; other servers answer it with anything.
        why = "this server has no XML API" if isinstance(error, NotFound) else error.message
        output.message(f"Unfinished uploads are not counted: {why}")
        return None


def _record(report: _Report) -> dict[str, Any]:
    usage, table, left = report.usage, report.table, report.unfinished
    live = usage.amount()
    estimate = monthly(table, report.place, usage)
    return {
        "url": report.url,
        "objects": live.objects,
        "size": live.size,
        "counted": rfc3339(usage.now),
        "classes": {state: _table(amounts) for state, amounts in usage.classes.items() if state not in usage.unseen},
        "unseen": sorted(usage.unseen),
        "unfinished_uploads": None
        if left is None
        else {"uploads": left.uploads, "size": left.size, "unsized": left.unsized, "oldest": rfc3339(left.oldest)},
        "monthly_cost": {
            "amount": round(report.monthly_cost, 6),
            "hidden": round(estimate.hidden + report.unfinished_cost, 6),
            "currency": table.currency,
            "exact": estimate.exact,
            "prices": table.note,
        },
        "lifecycle": [
            {"rule": words(rule), "objects": each.objects, "size": each.size, "saves": round(each.monthly, 6)}
            for rule, each in zip(usage.rules, report.savings, strict=True)
        ],
        "operations": {
            "class_a": report.operations.of_class("A"),
            "class_b": report.operations.of_class("B"),
            "free": report.operations.of_class("free"),
            "cost": round(report.operations_cost, 8),
        },
        "usage_page": table.usage_page,
    }


def _table(amounts: dict[str, Amount]) -> dict[str, dict[str, int]]:
    return {name: {"objects": amount.objects, "size": amount.size} for name, amount in sorted(amounts.items())}


def _groups(usage: Usage, by: str) -> Iterable[tuple[str, Amount]]:
    """Return the names and amounts of the groups of live objects."""
    if by == "folder":
        return [
            (_share_name(share.kind, share.prefix), Amount(share.objects, share.size))
            for share in usage.children(limit=FOLDERS)
        ]
    if by == "age":
        return zip(AGE_LABELS, usage.ages, strict=True)
    table = usage.classes["live"] if by == "class" else usage.types
    return sorted(table.items(), key=lambda entry: (-entry[1].size, entry[0]))


def _share_name(kind: str, prefix: str) -> str:
    return {"folder": prefix, "objects": f"(objects in {prefix or 'the bucket'} itself)"}.get(kind, "(other folders)")


def _print_groups(output: Output, report: _Report, by: str) -> None:
    bucket = report.usage.bucket
    for name, amount in _groups(report.usage, by):
        if output.json:
            url = f"gs://{bucket}/{name}" if by == "folder" and name.endswith("/") else report.url
            output.record("usage", url=url, objects=amount.objects, size=amount.size, **{by: name})
        else:
            label = output.name(name) if name else "(none)"
            output.line(f"{formats.size(amount.size):>9}  {formats.count(amount.objects, 'object'):>16}  {label}")
    if not output.json:
        output.line("")


def _print(output: Output, report: _Report) -> None:
    usage, table = report.usage, report.table
    output.line(output.name(report.url) + (f"  (counted {formats.duration(report.age_s)} ago)" if report.age_s else ""))
    for state, title in STATES:
        if state in usage.unseen:
            output.line(f"  {title:20} not listed")
            continue
        whole = usage.amount(state)
        if whole.objects or state == "live":
            output.line(_line(title, whole.size, formats.count(whole.objects, "object"), usage.classes[state]))
    left = report.unfinished
    if left is not None and left.uploads:
        since = f", the oldest of {formats.date(left.oldest)}" if left.oldest is not None else ""
        more = f"; {left.unsized:,} more not measured" if left.unsized else ""
        output.line(_line("Unfinished uploads", left.size, f"{formats.count(left.uploads, 'upload')}{since}{more}", {}))
    estimate = monthly(table, report.place, usage)
    hidden = estimate.hidden + report.unfinished_cost
    part = f", {money(table, hidden)} of it for what is hidden" if hidden else ""
    guess = "" if estimate.exact else "; the location's own prices are not known"
    title = "Costs about" if report.billed else "Would cost about"
    output.line(f"  {title:20} {money(table, report.monthly_cost)} a month{part}  ({table.note}{guess})")
    for rule, each in zip(usage.rules, report.savings, strict=True):
        note = f"; {each.note}" if each.note else ""
        effect = f"would save {money(table, each.monthly)} a month{note}" if each.objects else "fits nothing today"
        output.line(f"  Rule '{words(rule)}' {effect}")
    counts = report.operations
    output.line(
        f"  {'This count':20} {counts.of_class('A'):,} class A and {counts.of_class('B'):,} class B operations, "
        f"{money(table, report.operations_cost)}"
    )
    if output.is_terminal and report.billed:
        output.message(f"What is really billed: {table.usage_page}")
    if left is not None and left.uploads and not any(rule.action.startswith("Abort") for rule in usage.rules):
        remedy = f"pail settings gs://{display_name(usage.bucket)} 'lifecycle=+abort unfinished uploads after 7 days'"
        output.message(f"Unfinished uploads stay until they are aborted: {remedy}")


def _line(title: str, size: int, what: str, classes: dict[str, Amount]) -> str:
    parts = [f"{class_title(shown(name, 40))} {formats.size(amount.size)}" for name, amount in sorted(classes.items())]
    split = (
        f"  ({', '.join(parts)})"
        if len(parts) > 1
        else f"  ({class_title(shown(next(iter(classes)), 40))})"
        if parts
        else ""
    )
    return f"  {title:20} {formats.size(size):>9}  {what}{split}"
