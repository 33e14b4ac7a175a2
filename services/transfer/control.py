"""What a person can do to jobs and transfers: pause, resume, cancel, retry, dismiss, answer."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from services.errors import NotFound, UsageError
from services.names import is_gs_url
from services.transfer import schema
from services.transfer.core import Core
from services.transfer.job import Job
from services.transfer.messages import ALL, Answer, Control, ItemFact, Verb
from services.transfer.planning import Planning
from services.transfer.record import FINAL_STATES, Record, RecordState
from services.transfer.run import Run
from services.transfer.scheduler import Scheduler

LEFTOVERS: Final = 10_000
"""Transfers of a job whose sessions and unfinished files are removed when it is cancelled or dismissed."""


class Controls:
    """Carries out `Control` and `Answer`."""

    def __init__(self, core: Core, scheduler: Scheduler, planning: Planning) -> None:
        self._core = core
        self._scheduler = scheduler
        self._planning = planning
        scheduler.halts.resume = self._reopen

    async def control(self, command: Control) -> int:
        """Do `command.verb` and return how many jobs or transfers it changed; raises `UsageError`, `NotFound`."""
        if command.target == ALL:
            return sum([await self._job(command.verb, job, strict=False) for job in tuple(self._core.jobs.values())])
        job, seq = self.find(command.target)
        if seq is None:
            return await self._job(command.verb, job, strict=True)
        changed = await self._transfer(command.verb, job, seq)
        self._scheduler.pump()
        self._scheduler.settle(job)
        return changed

    async def answer(self, command: Answer) -> int:
        """Decide open conflicts and return how many; raises `UsageError`, `NotFound`."""
        if command.policy not in ("replace", "keep-both", "skip"):
            raise UsageError("a conflict is decided by replace, keep-both or skip", remedy="Choose one of them.")
        job, _ = self.find(command.job)
        if command.transfer:
            _, seq = self.find(command.transfer)
            record = await self._load(job, seq or 0)
            if record.state != "asking":
                return 0
            record.decision = command.policy
            await self._requeue(job, record)
            decided = 1
        else:
            number = job.row.id
            job.flags.answer = job.row.answer = command.policy
            decided = await self._core.journal.call(lambda db: schema.decide(db, number, command.policy))
            await self._core.recount(job)
        job.asked = 0
        job.put_back()
        if job.row.state == "asking":
            job.row.state = "running"
        await self._core.save(job)
        self._scheduler.pump()
        self._scheduler.settle(job)
        return decided

    def find(self, target: str) -> tuple[Job, int | None]:
        """Return the job and the number of a transfer that an id names; raises `NotFound`."""
        number, _, seq = target.partition(".")
        job = self._core.jobs.get(int(number)) if number.isdecimal() else None
        if job is None or (seq and not seq.isdecimal()):
            raise NotFound(
                f"there is no job or transfer {target[:40]!a}", remedy="See 'pail transfers' for those there are."
            )
        return job, int(seq) if seq else None

    async def _job(self, verb: Verb, job: Job, *, strict: bool) -> int:
        actions = {
            "pause": self._pause,
            "resume": self._resume,
            "cancel": self._cancel,
            "retry": self._retry,
            "dismiss": self._dismiss,
        }
        changed = await actions[verb](job)
        if not changed and strict and verb == "dismiss":
            raise UsageError(f"job {job.id} has not ended", remedy="Cancel it first, or wait.")
        return changed

    async def _pause(self, job: Job) -> int:
        if job.ended or (job.row.state == "paused" and not job.row.code):
            return 0
        # A job that waits for its disk stays paused from now on, whatever becomes of the disk.
        job.row.reason = job.row.code = job.row.remedy = ""
        job.row.state = "paused"
        self._scheduler.stop_runs(job, "stop")
        await self._core.save(job)
        return 1

    async def _resume(self, job: Job) -> int:
        if job.ended or (job.row.state != "paused" and not job.counts.of("paused")):
            return 0
        job.halted = 0
        await self._set_states(job, ("paused",), "queued")
        await self._reopen(job)
        return 1

    async def _retry(self, job: Job) -> int:
        if not (job.counts.of("failed", "cancelled") or (job.ended and job.row.state != "done")):
            return 0
        if not job.ended and not job.counts.of("failed"):
            return 0
        await self._try_again(job, ("failed", "cancelled") if job.ended else ("failed",))
        return 1

    async def _try_again(self, job: Job, states: tuple[str, ...], seq: int | None = None) -> int:
        number = job.row.id
        changed = await self._core.journal.call(lambda db: schema.retry(db, number, states, seq))
        await self._core.recount(job)
        await self._reopen(job)
        return changed

    async def _reopen(self, job: Job) -> None:
        job.row.reason = job.row.code = job.row.remedy = ""
        job.row.finished = None
        job.row.state = "running" if job.counts.of("queued") else "planning"
        job.flags.recovered = True
        job.put_back()
        await self._core.save(job)
        if not job.row.planned and (job.planner is None or job.planner.done()):
            self._planning.start(job, again=True)
        self._scheduler.pump()
        self._scheduler.settle(job)

    async def _set_states(self, job: Job, old: tuple[str, ...], new: str) -> None:
        number = job.row.id
        await self._core.journal.call(lambda db: schema.change_state(db, number, old, new))
        await self._core.recount(job)

    async def _cancel(self, job: Job) -> int:
        if job.ended:
            return 0
        job.row.state = "cancelled"
        if job.planner is not None:
            job.planner.cancel()
        self._scheduler.stop_runs(job, "cancel")
        await self._core.save(job)
        self._core.background(self.finish_cancel(job))
        return 1

    async def finish_cancel(self, job: Job) -> None:
        """Write the end of a cancelled job once nothing of it runs, and clean up behind it."""
        tasks = self._scheduler.stop_runs(job, "cancel")
        if tasks:
            await asyncio.wait(tasks)
        if job.planner is not None and not job.planner.done():
            await asyncio.wait([job.planner])
        job.put_back()
        await self._set_states(job, ("queued", "asking", "paused"), "cancelled")
        job.row.finished = time.time()
        await self._core.save(job)
        self._core.publish_end(job)
        await self._remove_leftovers(job)

    async def _remove_leftovers(self, job: Job) -> None:
        number = job.row.id
        left = await self._core.journal.call(lambda db: schema.with_leftovers(db, number, LEFTOVERS))
        for record in left:
            if record.session or (record.moved and not is_gs_url(record.target)):
                await self._scheduler.outcomes.clean_up(self._idle_run(job, record))

    async def remove_parts(self) -> None:
        """Remove what uploads in parts left in buckets, where an earlier process ended before it could."""
        for record in await self._core.journal.call(lambda db: schema.with_parts(db, LEFTOVERS)):
            job = self._core.jobs.get(record.job)
            if job is not None:
                await self._scheduler.outcomes.clean_up(self._idle_run(job, record))

    def _idle_run(self, job: Job, record: Record) -> Run:
        """Return what a clean-up needs of a transfer that does not run."""
        line = self._core.line(job.row.spec.connection)
        return Run(record, job.row.spec, job.flags, self._core.tools, line, record.size)

    async def _dismiss(self, job: Job) -> int:
        undoing = (each for each in self._core.jobs.values() if each.row.spec.undoes == job.id)
        if not job.ended or any(not each.row.planned and not each.ended for each in undoing):
            return 0
        await self._remove_leftovers(job)
        number = job.row.id
        self._core.jobs.pop(number, None)
        await self._core.journal.call(lambda db: schema.delete_job(db, number))
        return 1

    async def _load(self, job: Job, seq: int) -> Record:
        if seq in job.active:
            return job.active[seq].record
        number = job.row.id
        record = await self._core.journal.call(lambda db: schema.one(db, number, seq))
        if record is None:
            raise NotFound(f"there is no transfer {number}.{seq}", remedy="See 'pail transfers' for those there are.")
        return record

    async def _transfer(self, verb: Verb, job: Job, seq: int) -> int:
        record = await self._load(job, seq)
        running = seq in job.active
        if verb == "pause" and record.state == "queued":
            return await self._stop(job, record, "paused", running=running)
        if verb == "cancel" and record.state not in FINAL_STATES:
            return await self._stop(job, record, "cancelled", running=running)
        if verb == "resume" and record.state == "paused":
            await self._requeue(job, record)
            await self._reopen(job)
            return 1
        if verb == "retry" and record.state in ("failed", "cancelled"):
            return await self._try_again(job, (record.state,), seq)
        if verb == "dismiss" and record.state in FINAL_STATES:
            await self._remove(job, record)
            return 1
        return 0

    async def _requeue(self, job: Job, record: Record) -> None:
        job.change(record, "queued", moved=record.moved)
        record.requeue()
        await self._core.journal.write(record)

    async def _stop(self, job: Job, record: Record, state: RecordState, *, running: bool) -> int:
        if running:
            self._scheduler.stop_runs(job, "cancel" if state == "cancelled" else "pause", record.seq)
            return 1
        # What waits in memory is another copy of the record: it has to be read again.
        job.change(record, state, moved=record.moved)
        await self._core.journal.write(record)
        job.put_back()
        if state == "cancelled":
            self._core.background(self._scheduler.outcomes.clean_up(self._idle_run(job, record)))
            self._core.facts.publish(ItemFact(record.view()))
        return 1

    async def _remove(self, job: Job, record: Record) -> None:
        if record.state != "done":
            await self._scheduler.outcomes.clean_up(self._idle_run(job, record))
        await self._core.journal.call(lambda db: schema.delete_record(db, record.job, record.seq))
        job.count(record, -1)
        if job.ended and not job.counts.of("failed") and job.row.state == "failed" and not job.row.code:
            job.row.state = "done"
            await self._core.save(job)
