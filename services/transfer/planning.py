"""Running planners: every batch is in the journal before any of it moves."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, Final

from services.errors import NotAuthenticated, PailError, Transient, UsageError
from services.gcs.interface import DataPlane
from services.names import is_gs_url, parse_gs_url
from services.transfer import local, schema
from services.transfer.core import Core, log
from services.transfer.job import MOST_WAITING, Counts, Job
from services.transfer.line import Patience
from services.transfer.messages import ItemFact, JobFact, JobSpec
from services.transfer.plan import Planner
from services.transfer.record import Record
from services.transfer.scheduler import Scheduler
from services.transfer.takeback import put_back, taken_back

LOOK_S: Final = 0.05
"""Seconds between two looks whether what was planned has ended."""

PAGE: Final = 1000
"""Transfers of an undone job that are read at once."""


class Planning:
    """Starts, repeats and rehearses plans."""

    def __init__(self, core: Core, scheduler: Scheduler) -> None:
        self._core = core
        self._scheduler = scheduler
        self._rehearsals = 0
        scheduler.replan = lambda job: self.start(job, again=True)

    def start(self, job: Job, *, again: bool = False) -> None:
        """Plan a job; `again` leaves out what an earlier try has put into the journal."""
        job.planner = asyncio.create_task(self._plan(job, again=again))

    async def _plan(self, job: Job, *, again: bool) -> None:
        patience = Patience(self._core.line(job.row.spec.connection), self._core.options)
        bucket = bucket_of_spec(job.row.spec)
        while True:
            try:
                await self._once(job, again=again)
                job.row.planned = True
            except (Transient, NotAuthenticated) as error:
                again = True
                try:
                    await patience.after(bucket, error)
                except PailError as final:
                    _give_up(job, final)
                else:
                    continue
            except PailError as error:
                _give_up(job, error)
            except Exception as error:  # noqa: BLE001 - a plan that breaks ends its job, not the engine
                log.error("internal error while planning", exc_info=error)
                _give_up(job, PailError(f"internal error: {type(error).__name__}", remedy="Please report it."))
            break
        await self._core.save(job)
        self._scheduler.pump()
        self._scheduler.settle(job)

    async def _once(self, job: Job, *, again: bool) -> None:
        number = job.row.id
        # Of an object in a bucket that is deleted every generation is planned; an undo may name one twice, too.
        every = job.row.spec.action in ("delete-bucket", "undo")
        read: Callable[[sqlite3.Connection, int], set[Any]] = (
            schema.planned_generations if every else schema.planned_sources
        )
        known = await self._core.journal.call(lambda db: read(db, number)) if again else set()
        line = self._core.line(job.row.spec.connection)
        seq = job.last_seq
        planner = self._planner(number, job.row.spec, await line.data(), again=again)
        async for batch in self._taken_back(number, job.row.spec) if planner is None else planner.batches():
            if is_gs_url(job.row.spec.items[0].source):
                line.worked()
            fresh = batch
            if known:
                fresh = [one for one in batch if ((one.source, one.generation) if every else one.source) not in known]
            nonces = os.urandom(8 * len(fresh)).hex()
            for index, record in enumerate(fresh):
                seq += 1
                record.seq = seq
                record.nonce = nonces[16 * index : 16 * index + 16]
            await self._take_down(job, fresh, seq)
        job.flags.no_folders = planner is not None and not planner.folders
        job.flags.list_again = job.flags.list_again or (planner is not None and planner.doubtful)

    def _planner(self, number: int, spec: JobSpec, data: DataPlane, *, again: bool = False) -> Planner | None:
        """Return what plans a job; None for one that takes another one back."""
        if spec.action == "undo":
            return None
        return Planner(number, spec, data, self._core.tools.on_disk, again=again)

    async def _taken_back(self, number: int, spec: JobSpec) -> AsyncIterator[list[Record]]:
        """Yield what takes back another job, read from the journal in pages.

        What a move had replaced returns once everything has moved back: until then its name is taken.
        """
        if not spec.undoes:
            raise UsageError("what was done is not known here any more", remedy="Restore it by 'pail restore'.")
        undone = self._core.jobs.get(int(spec.undoes))
        moved = undone is not None and undone.row.spec.action == "move"
        replacing = False
        async for page in self._done(int(spec.undoes)):
            replacing = replacing or any(put_back(number, record, moved=moved) for record in page)
            yield [back for record in page if (back := taken_back(number, record)) is not None]
        if not replacing:
            return
        await self._moved(number)
        async for page in self._done(int(spec.undoes)):
            yield [back for record in page if (back := put_back(number, record, moved=moved)) is not None]

    async def _done(self, number: int) -> AsyncIterator[list[Record]]:
        """Yield the transfers of a job that are done, in pages."""
        after = 0
        while page := await self._core.journal.call(
            partial(schema.done_transfers, job=number, after=after, limit=PAGE)
        ):
            after = page[-1].seq
            yield page

    async def _moved(self, number: int) -> None:
        """Return once all transfers of a job that were planned so far have ended; at once for a rehearsal."""
        job = self._core.jobs.get(number)
        while job is not None and job.counts.of("queued", "asking", "paused"):  # noqa: ASYNC110 - changed all over
            await asyncio.sleep(LOOK_S)

    async def _take_down(self, job: Job, batch: list[Record], seq: int) -> None:
        changed = job.changed
        await self._core.patiently(lambda db: schema.put_new(db, batch), alone=True)
        for record in batch:
            job.count(record)
        # What is in the journal now need not be read from it again, as long as no more waits here than may.
        if job.exhausted and changed == job.changed and not job.feeding and job.waiting + len(batch) <= MOST_WAITING:
            job.take_in([record for record in batch if record.state == "queued"])
            job.cursor = seq
        job.last_seq = seq
        for record in batch:
            if record.state != "queued":
                self._core.facts.publish(ItemFact(record.view()))
        if job.row.state == "planning" and job.counts.of("queued"):
            job.row.state = "running"
        self._scheduler.pump()

    def rehearse(self, spec: JobSpec) -> str:
        """Plan a dry run: every item is told, nothing is journalled or changed; returns the id of the job."""
        self._rehearsals += 1
        number = -self._rehearsals
        job = Job(schema.JobRow(number, spec, created=time.time()), Counts(), self._core.options.small_limit)
        self._core.background(self._rehearse(job))
        return job.id

    async def _rehearse(self, job: Job) -> None:
        spec = job.row.spec
        patience = Patience(self._core.line(spec.connection), self._core.options)
        seq = 0
        while not job.ended:
            try:
                data = await self._core.line(spec.connection).data()
                planner = self._planner(job.row.id, spec, data)
                async for batch in self._taken_back(job.row.id, spec) if planner is None else planner.batches():
                    for record in batch:
                        seq += 1
                        record.seq = seq
                        await self._foresee(job, record)
                        job.counts.add(record)
                        self._core.facts.publish(ItemFact(record.view()))
            except (Transient, NotAuthenticated) as error:
                try:
                    await patience.after(bucket_of_spec(spec), error)
                except PailError as final:
                    _give_up(job, final)
                else:
                    continue
            except PailError as error:
                _give_up(job, error)
            job.row.planned = True
            job.row.state = "failed" if job.row.code or job.counts.of("failed") else "done"
            job.row.finished = time.time()
        self._core.facts.publish(JobFact(job.view()))

    async def _foresee(self, job: Job, record: Record) -> None:
        """Say of a planned download that it would be skipped; for objects only the attempt itself tells."""
        if job.row.spec.conflict != "skip" or record.state != "queued" or not record.target.startswith("/"):
            return
        try:
            found = await self._core.tools.on_disk(local.look, record.target, record.base)
        except PailError:
            return
        if found is not None and not record.target.endswith("/"):
            record.state, record.skipped, record.reason, record.code = "done", 1, "it exists already", "exists"


def _give_up(job: Job, error: PailError) -> None:
    job.row.reason, job.row.code, job.row.remedy = error.message, error.reason, error.remedy


def bucket_of_spec(spec: JobSpec) -> str:
    """Return a bucket that a job talks to."""
    item = spec.items[0]
    return parse_gs_url(item.source if is_gs_url(item.source) else item.target).bucket
