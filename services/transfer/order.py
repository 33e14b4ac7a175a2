"""The order of the queue: which job goes first, and which transfer of a job."""

from __future__ import annotations

import json
import sqlite3
from typing import Final, TypeVar

from services.errors import UsageError
from services.transfer import schema
from services.transfer.control import Controls
from services.transfer.core import Core
from services.transfer.job import Job
from services.transfer.messages import Place, Reorder
from services.transfer.scheduler import Scheduler

RANKS_KEY: Final = "ranks"
"""Setting in the journal: the ranks of the jobs that have one, as JSON."""

Thing = TypeVar("Thing")


class Order:
    """Carries out `Reorder`."""

    def __init__(self, core: Core, controls: Controls, scheduler: Scheduler) -> None:
        self._core = core
        self._controls = controls
        self._scheduler = scheduler
        self._ranks: dict[int, int] = {}

    async def load(self) -> None:
        """Read the ranks that jobs had."""
        text = await self._core.journal.call(lambda db: schema.get_setting(db, RANKS_KEY))
        self._ranks = {int(job): int(rank) for job, rank in json.loads(text or "{}").items()}

    def rank_of(self, job: int) -> int:
        """Return the rank that a job was given."""
        return self._ranks.get(job, 0)

    async def reorder(self, command: Reorder) -> int:
        """Move a job or a transfer and return how many changed their place; raises `UsageError`, `NotFound`."""
        job, seq = self._controls.find(command.target)
        other = self._controls.find(command.other) if command.place == "before" else None
        if job.ended:
            raise UsageError(f"job {job.id} has ended", remedy="Only what waits or runs can be moved.")
        if seq is None:
            return await self._job(job, command.place, other[0] if other else None)
        if other is not None and (other[0] is not job or other[1] is None):
            raise UsageError("a transfer moves within its job", remedy="Name another transfer of the same job.")
        changed = await self._transfer(job, seq, command.place, other[1] if other else None)
        if changed:
            job.put_back()
            self._scheduler.pump()
        return changed

    async def _job(self, job: Job, place: Place, other: Job | None) -> int:
        """Move a job; all that then stand at or above it get a higher rank than all that stand below.

        Jobs that nobody parted go on to take turns.
        """
        queue = sorted((each for each in self._core.jobs.values() if not each.ended), key=standing)
        moved = rearranged(queue, job, place, other)
        if moved == queue:
            return 0
        edge = max(moved.index(each) for each in moved if queue.index(each) > moved.index(each))
        below = max((each.rank for each in moved[edge + 1 :]), default=0)
        for each in moved[: edge + 1]:
            each.rank = max(each.rank, below + 1)
        self._ranks = {each.row.id: each.rank for each in moved if each.rank}
        text = json.dumps(self._ranks)
        await self._core.journal.call(lambda db: schema.set_setting(db, RANKS_KEY, text))
        self._scheduler.pump()
        return 1

    async def _transfer(self, job: Job, seq: int, place: Place, other: int | None) -> int:
        number, running = job.row.id, set(job.active)

        def move(db: sqlite3.Connection) -> int:
            queue = [each for each in schema.queue_order(db, number) if each not in running]
            if seq not in queue or (other is not None and other not in queue):
                raise UsageError(f"transfer {number}.{seq} does not wait", remedy="Only what waits can be moved.")
            moved = rearranged(queue, seq, place, other)
            if moved == queue:
                return 0
            last = max(at for at, (one, two) in enumerate(zip(queue, moved, strict=True)) if one != two)
            schema.put_ahead(db, number, moved[: max(last + 1, schema.count_ahead(db, number))])
            return 1

        return await self._core.journal.call(move)


def standing(job: Job) -> tuple[int, float, int]:
    """Return what jobs are sorted by, as they are shown: those that go first, then the newest."""
    return (-job.rank, -job.row.created, -job.row.id)


def rearranged(queue: list[Thing], thing: Thing, place: Place, other: Thing | None) -> list[Thing]:
    """Return a queue with one thing in another place."""
    at = queue.index(thing)
    rest = queue[:at] + queue[at + 1 :]
    if place == "before":
        to = rest.index(other) if other is not None and other in rest else at
    else:
        to = {"top": 0, "up": max(0, at - 1), "down": min(len(rest), at + 1)}[place]
    return [*rest[:to], thing, *rest[to:]]
