"""What a transfer's action is, and what is done around it: its source looked at, what a move leaves cleared away."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

from services.errors import Conflict, PailError
from services.names import is_gs_url, parse_gs_url
from services.transfer.bucket import remove_bucket
from services.transfer.copy import copy, move
from services.transfer.delete import make_folder
from services.transfer.download import download
from services.transfer.folders import move_folder, remove_folder, sweep
from services.transfer.job import Job
from services.transfer.line import Line
from services.transfer.messages import ItemAction
from services.transfer.plan import describe
from services.transfer.record import Record
from services.transfer.restore import restore
from services.transfer.run import Run
from services.transfer.upload import upload

_BY_ACTION: Final[dict[ItemAction, Callable[[Run], Awaitable[None]]]] = {
    "make-folder": make_folder,
    "move-folder": move_folder,
    "delete-folder": remove_folder,
    "delete-bucket": remove_bucket,
    "restore": restore,
}
"""What is done, where that does not depend on where source and target are."""


def action_of(record: Record) -> Callable[[Run], Awaitable[None]]:
    """Return what carries a transfer out; deletes of objects go in batches instead."""
    if record.action in _BY_ACTION:
        return _BY_ACTION[record.action]
    if not is_gs_url(record.source):
        return upload
    if not is_gs_url(record.target):
        return download
    return move if record.action == "move" else copy


async def look_at_source(run: Run) -> None:
    """Find out which generation is to be read, where the plan did not get to it."""
    record = run.record
    if record.generation == 0 and is_gs_url(record.source) and record.action not in _BY_ACTION:
        url = parse_gs_url(record.source)
        describe(record, await (await run.data()).stat(url.bucket, url.name))


def check_emptied(job: Job) -> None:
    """Raise `Conflict` where something of a bucket could not be deleted: then the bucket stays, too."""
    left = job.counts.of("failed", "cancelled")
    if left:
        what = "one object was" if left == 1 else f"{left:,} objects were"
        raise Conflict(
            f"the bucket stays: {what} not deleted",
            remedy="See why, then try it again.",
            url=job.row.spec.items[0].source,
        )


async def sweep_emptied(job: Job, line: Line) -> None:
    """Delete real folders that a job has emptied; what hinders that is told with the job, whose work is done."""
    spec = job.row.spec
    if not job.flags.no_folders and any(item.tree and is_gs_url(item.source) for item in spec.items):
        try:
            await sweep(await line.data(), spec)
        except PailError as error:
            job.row.reason, job.row.code = f"some empty folders stay: {error.message}", error.reason


def remove_empty_folders(job: Job) -> None:
    """After a move of local trees: remove the folders that are empty now."""
    for item in job.row.spec.items:
        if item.tree and not is_gs_url(item.source):
            for folder in _folders_below(item.source):
                try:
                    folder.rmdir()
                except OSError:
                    continue


def _folders_below(root: str) -> Iterator[Path]:
    for folder, _, _ in os.walk(root, topdown=False, followlinks=False):
        yield Path(folder)
