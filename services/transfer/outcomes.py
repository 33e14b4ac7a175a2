"""Carrying transfers out, and how each ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from services.errors import Corrupt, DiskFull, NotAuthenticated, SourceChanged, Transient
from services.names import is_gs_url
from services.transfer import schema
from services.transfer.acts import check_emptied
from services.transfer.attempts import act, as_ours
from services.transfer.bucket import StillFilled
from services.transfer.core import Core, log
from services.transfer.delete import delete_batch
from services.transfer.halt import Halts
from services.transfer.job import Job
from services.transfer.messages import ConflictFact, ItemFact
from services.transfer.partial import remove_partial
from services.transfer.record import EXISTS, has_plain_end
from services.transfer.rename import rename_batch
from services.transfer.run import Asking, Run, Skipped

EXAMPLES: Final = 5
"""Conflicts that a `ConflictFact` shows."""

CLEAN_UP_S: Final = 10
"""Seconds that cleaning up after a cancelled transfer may take; a session that is left then expires by itself, and
parts are removed at the next start."""

MOST_ALONE: Final = 4
"""Objects of one batch that are renamed side by side where they cannot be in the batch."""


class Outcomes:
    """Carries transfers out, and takes down how each ends."""

    def __init__(self, core: Core, halts: Halts, replan: Callable[[Job], None]) -> None:
        """Have `replan` plan a job again where more came than it knew of."""
        self._core = core
        self._halts = halts
        self._replan = replan

    async def carry_out(self, job: Job, run: Run) -> None:
        """Carry a transfer out on its own, and take down how it ends."""
        try:
            if run.record.action == "delete-bucket":
                check_emptied(job)
            await act(run)
        except asyncio.CancelledError:
            self.stopped(job, run)
        except BaseException as error:  # noqa: BLE001 - taken down as the transfer's end
            await self.ended(job, run, error)
        else:
            self.done(job, run)

    async def carry_out_deletes(self, job: Job, runs: list[Run]) -> None:
        """Delete objects in one request, and take down how each ends."""
        try:
            outcomes = await delete_batch(runs)
        except asyncio.CancelledError:
            for run in runs:
                self.stopped(job, run)
        except Exception as error:  # noqa: BLE001 - taken down as the transfers' end
            for run in runs:
                await self.ended(job, run, error)
        else:
            for run, problem in outcomes:
                if problem is None:
                    self.done(job, run)
                else:
                    await self.ended(job, run, problem)

    async def carry_out_moves(self, job: Job, runs: list[Run]) -> None:
        """Rename objects in one request, those alone that cannot be, and take down how each ends."""
        rest: list[Run] = []
        try:
            outcomes, rest = await rename_batch(runs)
        except asyncio.CancelledError:
            for run in runs:
                run.record.attempt += 1  # it may have been renamed: the next try looks first
                self.stopped(job, run)
            return
        except Exception as error:  # noqa: BLE001 - taken down as the transfers' end
            for run in runs:
                await self.ended(job, run, error)
            return
        for run, problem in outcomes:
            if problem is None:
                self.done(job, run)
            else:
                await self.ended(job, run, problem)
        slots = asyncio.Semaphore(MOST_ALONE)

        async def alone(run: Run) -> None:
            async with slots:
                await self.carry_out(job, run)

        await asyncio.gather(*(alone(run) for run in rest))

    def done(self, job: Job, run: Run) -> None:
        """Take down that a transfer has done all that it was to do."""
        record = run.record
        record.reason = record.code = record.remedy = ""
        job.change(record, "done")
        self._leave(job, run, plain=has_plain_end(record) and record.size <= self._core.options.small_limit)
        if self._core.facts.items:
            self._core.facts.publish(ItemFact(record.view()))

    async def ended(self, job: Job, run: Run, error: BaseException) -> None:
        """Take down how else a transfer ended."""
        record = run.record
        record.reason = record.code = record.remedy = ""
        if isinstance(error, Skipped):
            record.reason, record.code = str(error), error.code
            job.change(record, "done", skipped=True)
            if run.moved:
                self._core.background(self.clean_up(run))
        elif isinstance(error, Asking):
            record.seen, record.reason, record.code = error.seen, "it exists already", EXISTS
            record.decision = ""
            job.change(record, "asking")
        elif isinstance(error, StillFilled) and job.emptied != job.last_seq:
            # What came meanwhile goes too; a round that finds nothing more ends it.
            job.emptied, job.row.planned = job.last_seq, False
            job.change(record, "queued")
            await self._core.save(job)
            self._leave(job, run)
            self._replan(job)
            return
        elif isinstance(error, DiskFull):
            job.change(record, "queued", moved=run.kept)
            await self._halts.halt(job, error, record.size - run.moved)
        else:
            problem = as_ours(error)
            log.warning("%s failed: %s", record.id, problem.message)
            job.change(record, "failed", moved=run.kept)
            record.fail(problem)
            if isinstance(problem, Transient | NotAuthenticated | Corrupt | SourceChanged):
                # It was counted for a next try, which does not come.
                record.attempt = max(1, record.attempt - 1)
            if not isinstance(problem, Transient | NotAuthenticated):
                self._core.background(self.clean_up(run))
        self._leave(job, run)
        if record.state in ("done", "failed"):
            self._core.facts.publish(ItemFact(record.view()))
        if record.state == "asking" and not job.asked and not job.asking_soon:
            job.asking_soon = True
            self._core.background(self._ask_soon(job))

    def stopped(self, job: Job, run: Run) -> None:
        """Take down that a transfer was stopped by somebody's wish."""
        record = run.record
        if run.intent == "cancel":
            job.change(record, "cancelled")
            self._core.background(self.clean_up(run))
        elif run.intent == "pause":
            job.change(record, "paused", moved=run.kept)
        else:
            job.change(record, "queued", moved=run.kept)
        self._leave(job, run)
        if record.state == "cancelled":
            self._core.facts.publish(ItemFact(record.view()))

    def _leave(self, job: Job, run: Run, *, plain: bool = False) -> None:
        job.active.pop(run.record.seq, None)
        if plain:
            self._core.journal.note_end(run.record)
        else:
            self._core.journal.note(run.record)
        if run.record.state == "queued":
            # It comes again: the journal is read from the beginning.
            job.put_back()
        elif job.feeding:
            job.late.add(run.record.seq)

    async def clean_up(self, run: Run) -> None:
        """Remove what a cancelled transfer left: its session, its unfinished file."""
        record = run.record
        if record.target and not is_gs_url(record.target):
            await run.disk(remove_partial, record.target, record.base, record.nonce)
        if record.session and record.action in ("upload", "move") and not is_gs_url(record.source):
            from services.transfer.large import give_up  # with all that sessions and parts need

            try:
                async with asyncio.timeout(CLEAN_UP_S):
                    await give_up(run)
            except TimeoutError:
                log.info("%s: what it left could not be removed yet", record.id)
        if record.job in self._core.jobs:
            self._core.journal.note(record)

    async def _ask_soon(self, job: Job) -> None:
        """Ask once others have come together, so that the question tells how many there are."""
        await asyncio.sleep(self._core.options.ask_after_s)
        job.asking_soon = False
        if job.counts.of("asking") and not (job.asked or job.ended or self._core.closing):
            await self.ask(job)

    async def ask(self, job: Job) -> None:
        """Tell that a job waits for an answer."""
        job.asked = job.counts.of("asking")
        number = job.row.id
        found = await self._core.journal.call(lambda db: schema.by_state(db, number, "asking", 0, EXAMPLES))
        self._core.facts.publish(ConflictFact(job.view(), tuple(record.view() for record in found)))
