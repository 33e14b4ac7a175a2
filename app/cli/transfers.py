"""`pail transfers`: lists and steers what the worker moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from app.cli.context import Context
from app.cli.output import Output
from app.cli.past_jobs import print_history
from app.cli.records import transfer_record
from app.cli.runtime import run_async
from services.errors import NotFound, UsageError
from services.names import display_name
from services.paths import state_dir
from services.transfer.messages import (
    ALL,
    Control,
    EngineClient,
    ItemAction,
    JobView,
    Reorder,
    SetBandwidth,
    Snapshot,
    SnapshotQuery,
    TransferState,
    TransferView,
)
from services.transfer.timetable import EXAMPLE
from services.worker.client import connect
from widgets import formats

PAGE: Final = 1000
"""Transfers asked for at once."""

SHOWN: Final = 20
"""Transfers of each job that are listed for a person; scripts get all."""


def run(context: Context) -> int:
    """List the transfers, steer them, or tell what has ended."""
    args = context.args
    if args.history:
        if args.action is not None:
            raise UsageError("--history lists, it steers nothing", remedy="Leave one of them out.")
        return print_history(context.output, state_dir())
    if args.action == "limit":
        if not args.id:
            raise UsageError("what may move a second?", remedy=f"Write {EXAMPLE}, or default.")
        return run_async(_limit(context))
    if args.action is not None and (not args.id or (args.action in _PLACES and args.id == "all")):
        raise UsageError(
            f"what is {args.action} meant for?",
            remedy="Name a job (7) or a transfer (7.12)."
            + ("" if args.action in _PLACES else " 'all' means all jobs."),
        )
    return run_async(_steer(context) if args.action is not None else _list(context))


async def _list(context: Context) -> int:
    output = context.output
    worker = await connect()
    try:
        snapshot = await worker.snapshot(SnapshotQuery(limit=0))
        if snapshot.notice:
            output.message(snapshot.notice)
        if snapshot.bandwidth or snapshot.bandwidth_times:
            output.message(limit_words(snapshot))
        for job in snapshot.jobs:
            if output.json:
                await _print_records(output, worker, job)
            else:
                await _print_job(output, worker, job)
        if not snapshot.jobs:
            output.message("There are no transfers.")
    finally:
        await worker.close()
    return 0


async def _print_records(output: Output, worker: EngineClient, job: JobView) -> None:
    """Print a record for each transfer; one for the job itself while none of its transfers is known yet."""
    known = False
    async for transfer in _transfers(worker, job.id):
        known = True
        output.record("transfer", **transfer_record(transfer))
    if not known:
        output.record("transfer", **transfer_record(_as_transfer(job)))


def _as_transfer(job: JobView) -> TransferView:
    """Return a job that is still being planned as a transfer that waits, by the id of the job."""
    state: TransferState = job.state if job.state in ("paused", "done", "failed", "cancelled") else "queued"
    action: ItemAction = "restore" if job.action == "undo" else job.action
    return TransferView(job.id, job.id, action, job.source, job.target, state, reason=job.reason)


async def _transfers(worker: EngineClient, job: str) -> AsyncIterator[TransferView]:
    """Yield all transfers of a job, a window at a time."""
    offset = 0
    while True:
        snapshot: Snapshot = await worker.snapshot(SnapshotQuery(job=job, offset=offset, limit=PAGE))
        for transfer in snapshot.transfers:
            yield transfer
        offset += len(snapshot.transfers)
        if not snapshot.transfers or offset >= snapshot.total:
            return


async def _print_job(output: Output, worker: EngineClient, job: JobView) -> None:
    way = output.name(job.source) + (f" -> {output.name(job.target)}" if job.target else "")
    parts = [
        f"{job.done:,} of {formats.count(job.items, 'item')}",
        f"{formats.size(job.bytes)} of {formats.size(job.size)}",
    ]
    if job.failed:
        parts.append(f"{job.failed:,} failed")
    if job.rate:
        parts.append(formats.rate(job.rate))
    if job.eta_s is not None:
        parts.append(f"{formats.duration(job.eta_s)} left")
    output.line(f"{job.id:>4}  {job.action:8}  {job.state:9}  {way}")
    output.line(f"      {', '.join(parts)}")
    if job.reason:
        output.line("      " + ". ".join(part for part in (job.reason.removesuffix("."), job.remedy) if part))
    if job.state in ("done", "cancelled") or (job.items <= 1 and not job.failed):
        return
    snapshot = await worker.snapshot(SnapshotQuery(job=job.id, limit=SHOWN))
    shown = [transfer for transfer in snapshot.transfers if transfer.state not in ("done", "cancelled")]
    for transfer in shown:
        percent = formats.percent(transfer.bytes, transfer.size, complete=transfer.state == "done")
        reason = f"  {transfer.reason}" if transfer.reason else ""
        output.line(f"      {transfer.id:>8}  {transfer.state:9}  {percent:3}%  {output.name(transfer.source)}{reason}")
    waiting = job.items - job.done - len(shown)
    if waiting > 0:
        output.line(f"      and {formats.count(waiting, 'more', 'more')}")


async def _steer(context: Context) -> int:
    args = context.args
    target = ALL if args.id == "all" else args.id
    worker = await connect()
    try:
        command = Reorder(target, args.action) if args.action in _PLACES else Control(args.action, target)
        reply = await worker.submit(command)
    finally:
        await worker.close()
    if not reply.affected and args.action in _PLACES:
        context.output.message(f"{display_name(args.id)} stands there already")
        return 0
    if not reply.affected and target != ALL:
        raise NotFound(
            f"cannot {args.action} {display_name(args.id)}: there is no such job or transfer in a state for it",
            remedy="'pail transfers' lists them.",
        )
    context.output.message(
        f"{_DONE[args.action]} {formats.count(reply.affected, 'job or transfer', 'jobs or transfers')}"
    )
    return 0


async def _limit(context: Context) -> int:
    """Change what everything together may move, also of what runs."""
    worker = await connect()
    try:
        await worker.submit(SetBandwidth(times=context.args.id))
        snapshot = await worker.snapshot(SnapshotQuery(limit=0))
    finally:
        await worker.close()
    context.output.message(limit_words(snapshot))
    return 0


def limit_words(snapshot: Snapshot) -> str:
    """Return what limit is in force, in a sentence."""
    now = f"{formats.rate(snapshot.bandwidth)} now" if snapshot.bandwidth else "no limit now"
    if snapshot.bandwidth_times:
        return f"The limit goes by the clock ({snapshot.bandwidth_times}): {now}"
    return f"Everything together may move {formats.rate(snapshot.bandwidth)}" if snapshot.bandwidth else "No limit"


_PLACES: Final = ("top", "up", "down")
"""Verbs that move something in the queue."""

_DONE: Final = {
    "pause": "Paused",
    "resume": "Resumed",
    "cancel": "Cancelled",
    "retry": "Trying again",
    **dict.fromkeys(_PLACES, "Moved"),
}
