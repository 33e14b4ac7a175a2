"""`pail usage`: what a bucket holds, hidden things included, and what it costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from app.cli.confirm import confirm
from app.cli.connect import named_or_current, open_connection
from app.cli.context import Context
from app.cli.live import LiveLine
from app.cli.output import Output
from app.cli.runtime import run_async
from app.cli.units import rfc3339
from services import config
from services.errors import BucketNotFound, UsageError
from services.gcs.interface import Storage
from services.history import State
from services.lifecycle import ABORT, rules_of, words
from services.multipart import Unfinished, abort_unfinished
from services.multipart import survey as find_unfinished
from services.names import GsUrl, display_name
from services.operations import OperationCounts
from services.quantities import parse_period
from services.storage_classes import class_title
from services.usage import AGE_LABELS, Amount, Usage
from services.usage_report import Effect, Survey, UsageReport
from services.words import DAY_S, shown
from widgets import formats

STATES: Final[tuple[tuple[State, str], ...]] = (
    ("live", "Live objects"),
    ("noncurrent", "Older versions"),
    ("soft-deleted", "Deleted, restorable"),
)
"""What a generation can be, with its title."""

FOLDERS: Final = 1_000
"""Folders that `--by folder` names; smaller ones are one line of others."""

WORTH: Final = 0.01
"""What a suggested rule has to save for a month to be printed, in the currency of the prices."""


def run(context: Context) -> int:
    """Count and print."""
    return run_async(_run(context), hint="Nothing was changed; repeat the command to count again.")


async def _run(context: Context) -> int:
    args, output = context.args, context.output
    settings = await asyncio.to_thread(config.load)
    older_s = _older(args.older, aborting=args.abort_uploads)
    async with open_connection(context) as (connection, storage):
        url = await named_or_current(context, connection)
        prefix = url.name if url.is_prefix else f"{url.name}/"
        table = settings.price_table(replit=connection.credentials.kind == "replit")
        aborted = await _abort(context, storage, url.bucket, prefix, older_s) if args.abort_uploads else None
        live = LiveLine(output)

        def progress(usage: Usage) -> None:
            whole = usage.amount()
            live.show(f"{formats.count(whole.objects, 'object')}, {formats.size(whole.size)}")

        survey = Survey(connection, storage, url.bucket, prefix, table=table, now=time.time, on_page=progress)
        await survey.look()
        try:
            await _count(survey, url, cached=args.cached)
        finally:
            live.clear()
        await survey.uploads()
        operations = storage.operations.counts()
    report = survey.report()
    for note in report.notes:
        output.message(display_name(note))
    if args.by:
        _print_groups(output, report.usage, args.by)
    if output.json:
        extra = {} if aborted is None else {"aborted_uploads": {"uploads": aborted.uploads, "size": aborted.size}}
        output.record("usage", **_record(report, operations), **extra)
    else:
        _print(output, report, operations)
    return 0


def _older(age: str | None, *, aborting: bool) -> int:
    """Return for how many seconds an upload has to be unfinished to be aborted; raises `UsageError`."""
    if age is None:
        return DAY_S
    if not aborting:
        raise UsageError("--older says which uploads to abort", remedy="Give --abort-uploads as well.")
    return parse_period(age) if age != "0" else 0


async def _count(survey: Survey, url: GsUrl, *, cached: bool) -> None:
    if not cached:
        await survey.count()
    elif not await survey.recall():
        raise UsageError("there is no count of it yet", remedy="Leave --cached out.", url=str(url))
    usage = survey.report().usage
    if usage.prefix and not any(usage.amount(state).objects for state, _ in STATES):
        raise BucketNotFound(f"cannot count {display_name(str(url))}: nothing lies below it", url=str(url))


async def _abort(context: Context, storage: Storage, bucket: str, prefix: str, older_s: int) -> Unfinished:
    """Abort unfinished uploads after a question that says what goes; return what went."""
    before = time.time() - older_s
    doomed = await find_unfinished(storage.data, bucket, prefix, before=before)
    url = f"gs://{bucket}/{prefix}" if prefix else f"gs://{bucket}"
    age = f" begun more than {formats.period(older_s)} ago" if older_s else ""
    if not doomed.uploads:
        context.output.message(f"No unfinished upload{age} in {display_name(url)}.")
        return doomed
    what = f"{formats.count(doomed.uploads, 'unfinished upload')}{age}, {formats.size(doomed.size)}"
    warning = "Their parts are deleted for good; whoever still sends one has to begin again."
    await confirm(context, f"Abort {what}, in {display_name(url)}?\n{warning}", url=url)
    gone = await abort_unfinished(storage.data, bucket, prefix, before=before)
    context.output.message(f"Aborted {formats.count(gone, 'upload')}.")
    return doomed


def _url(usage: Usage) -> str:
    return f"gs://{usage.bucket}/{usage.prefix}" if usage.prefix else f"gs://{usage.bucket}"


def _record(report: UsageReport, operations: OperationCounts) -> dict[str, Any]:
    usage, table, left = report.usage, report.table, report.unfinished
    live = usage.amount()
    effects = report.effects()
    return {
        "url": _url(usage),
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
            "hidden": round(report.hidden_cost, 6),
            "currency": table.currency,
            "exact": report.estimate.exact,
            "prices": table.note,
        },
        "lifecycle": [_effect(effect) for effect in effects if effect.is_set],
        "suggested": [_effect(effect) for effect in effects if not effect.is_set],
        "operations": {
            "class_a": operations.of_class("A"),
            "class_b": operations.of_class("B"),
            "free": operations.of_class("free"),
            "cost": round(report.cost_of(operations), 8),
        },
        "usage_page": table.usage_page,
    }


def _effect(effect: Effect) -> dict[str, Any]:
    each = effect.saving
    return {"rule": words(effect.rule), "objects": each.objects, "size": each.size, "saves": round(each.monthly, 6)}


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


def _print_groups(output: Output, usage: Usage, by: str) -> None:
    for name, amount in _groups(usage, by):
        if output.json:
            url = f"gs://{usage.bucket}/{name}" if by == "folder" and name.endswith("/") else _url(usage)
            output.record("usage", url=url, objects=amount.objects, size=amount.size, **{by: name})
        else:
            label = output.name(name) if name else "(none)"
            output.line(f"{formats.size(amount.size):>9}  {formats.count(amount.objects, 'object'):>16}  {label}")
    if not output.json:
        output.line("")


def _print(output: Output, report: UsageReport, operations: OperationCounts) -> None:
    usage, left = report.usage, report.unfinished
    age_s = time.time() - usage.now
    output.line(output.name(_url(usage)) + (f"  (counted {formats.duration(age_s)} ago)" if age_s >= 60 else ""))
    for state, title in STATES:
        if state in usage.unseen:
            output.line(f"  {title:20} not listed")
            continue
        whole = usage.amount(state)
        if whole.objects or state == "live":
            output.line(_line(title, whole.size, formats.count(whole.objects, "object"), usage.classes[state]))
    if left is not None and left.uploads:
        since = f", the oldest of {formats.date(left.oldest)}" if left.oldest is not None else ""
        more = f"; {left.unsized:,} more not measured" if left.unsized else ""
        output.line(_line("Unfinished uploads", left.size, f"{formats.count(left.uploads, 'upload')}{since}{more}", {}))
    _print_costs(output, report, operations)
    if output.is_terminal and report.billed:
        output.message(f"What is really billed: {report.table.usage_page}")
    if left is not None and left.uploads:
        output.message(f"Unfinished uploads stay until they are aborted: {' or '.join(_remedies(report))}")


def _print_costs(output: Output, report: UsageReport, operations: OperationCounts) -> None:
    part = f", {report.words(report.hidden_cost)} of it for what is hidden" if report.hidden_cost else ""
    guess = "" if report.estimate.exact else "; the location's own prices are not known"
    title = "Costs about" if report.billed else "Would cost about"
    output.line(f"  {title:20} {report.words(report.monthly_cost)} a month{part}  ({report.table.note}{guess})")
    for effect in report.effects():
        each = effect.saving
        note = f"; {each.note}" if each.note else ""
        does = f"would save {report.words(each.monthly)} a month{note}" if each.objects else "fits nothing today"
        if effect.is_set:
            output.line(f"  Rule '{words(effect.rule)}' {does}")
        elif each.monthly >= WORTH:
            output.line(f"  A rule '{words(effect.rule)}' {does}")
    billed = f"{operations.of_class('A'):,} class A and {operations.of_class('B'):,} class B operations"
    output.line(f"  {'This count':20} {billed}, {report.words(report.cost_of(operations))}")


def _remedies(report: UsageReport) -> Iterator[str]:
    """Yield the commands that are rid of unfinished uploads: now, and from now on."""
    url = f"gs://{display_name(report.usage.bucket)}"
    yield f"pail usage {url} --abort-uploads"
    if not any(rule.action == ABORT for rule in rules_of(report.info.resource if report.info else {})):
        yield f"pail settings {url} 'lifecycle=+abort unfinished uploads after 7 days'"


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
