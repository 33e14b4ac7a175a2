"""`pail undo`: takes back a job of the worker, such as a move or a delete on the screen."""

from __future__ import annotations

import time
from collections.abc import Sequence

from app.cli.confirm import confirm
from app.cli.context import Context
from app.cli.jobs import Follower, follow_with
from app.cli.runtime import run_async
from services.connection import Connection
from services.errors import NotFound, UsageError
from services.names import display_name
from services.transfer.messages import JobSpec, JobView, SnapshotQuery
from services.transfer.takeback import REMOVES
from services.worker.client import connect
from widgets import formats


def run(context: Context) -> int:
    """Take back the job that is named, or the last one."""
    return run_async(_undo(context), hint="The worker goes on with it; 'pail transfers' shows how it stands.")


async def _undo(context: Context) -> int:
    args = context.args
    worker = await connect()
    try:
        job = chosen((await worker.snapshot(SnapshotQuery(limit=0))).jobs, args.id or "")
        if not args.dry_run and (not args.id or job.action in REMOVES):
            await confirm(context, f"Undo {words(job, time.time())}?", url=job.source)
        # Where it was done and on what the engine knows; what has another object's name by now is left alone.
        spec = JobSpec(
            "undo", Connection(), (), conflict="skip", dry_run=args.dry_run, origin="pail undo", undoes=job.id
        )
        follower = Follower(context.output, dry_run=args.dry_run)
        return follower.finish(await follow_with(worker, spec, follower))
    finally:
        await worker.close()


def chosen(jobs: Sequence[JobView], identifier: str) -> JobView:
    """Return the job that is named, or the one that ended last and can be undone; raises `NotFound`, `UsageError`."""
    if not identifier:
        undoable = [job for job in jobs if job.undoable]
        if not undoable:
            raise NotFound("there is nothing to undo", remedy="'pail transfers --history' lists what was done.")
        return max(undoable, key=lambda job: (job.finished or 0.0, int(job.id)))
    found = next((job for job in jobs if job.id == identifier), None)
    if found is None:
        raise NotFound(f"there is no job {identifier[:40]!a}", remedy="'pail transfers --history' lists what was done.")
    if not found.undoable:
        raise UsageError(
            f"job {found.id} cannot be undone",
            remedy="It has not ended, was undone already, or changed nothing in a bucket.",
        )
    return found


def words(job: JobView, now: float) -> str:
    """Return what a job has done in a line, safe to show."""
    target = f" -> {display_name(job.target)}" if job.target else ""
    done = formats.count(job.done - job.skipped, "object")
    ago = formats.relative_time(job.finished or job.created, now)
    return f"job {job.id} ({job.action} {display_name(job.source)}{target}, {done}, {ago})"
