"""How jobs end: once all their transfers have, or by being planned once more."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from services.transfer.acts import remove_empty_folders, sweep_emptied
from services.transfer.core import Core, log
from services.transfer.job import Job
from services.transfer.outcomes import Outcomes

MOST_RELISTED: Final = 3
"""Times that a job lists its sources again at its end, where some of what was listed is not there."""


class Settling:
    """Brings the states of jobs in line with their transfers."""

    def __init__(self, core: Core, outcomes: Outcomes, pump: Callable[[], None], replan: Callable[[Job], None]) -> None:
        """Have `pump` start what can be started, and `replan` plan a job again."""
        self._core = core
        self._outcomes = outcomes
        self._pump = pump
        self._replan = replan

    def settle(self, job: Job) -> None:
        """Bring a job's state in line with its transfers, and end it where all have ended."""
        if job.ending or self._core.closing or job.active or not job.runs:
            return
        state = job.state_now()
        if state == job.row.state:
            if state == "running" and not job.waiting and job.exhausted and not job.feeding:
                job.ending = True
                self._core.background(self._look_again(job))
            return
        job.ending = True
        self._core.background(self._settle(job))

    async def _look_again(self, job: Job) -> None:
        """Read the journal anew where something is counted as queued that nobody holds, rather than wait for ever."""
        log.warning("job %s: looking again for %d queued transfers", job.id, job.counts.of("queued"))
        try:
            await self._core.recount(job)
            job.put_back()
        finally:
            job.ending = False
        self._pump()
        if not job.counts.of("queued"):
            self.settle(job)

    async def _list_again(self, job: Job) -> None:
        """Plan a job once more: what it was told to do was not all there, so the list may have been damaged."""
        job.relisted += 1
        job.flags.list_again = False
        job.row.planned, job.row.state = False, "planning"
        await self._core.save(job)
        self._replan(job)

    async def _settle(self, job: Job) -> None:
        try:
            state = job.state_now()
            if state in ("done", "failed") and job.flags.list_again and job.relisted < MOST_RELISTED:
                await self._list_again(job)
                return
            job.row.state = state
            if state in ("done", "failed"):
                job.row.finished = time.time()
                if state == "done" and job.row.spec.action == "move":
                    await self._core.tools.on_disk(remove_empty_folders, job)
                if state == "done":
                    await sweep_emptied(job, self._core.line_of(job))
            await self._core.save(job)
        finally:
            job.ending = False
        if job.ended:
            log.info("job %s: %s, %d transfers", job.id, state, job.counts.total)
            self._core.publish_end(job)
        elif state == "asking" and job.asked != job.counts.of("asking"):
            await self._outcomes.ask(job)
        self.settle(job)
        self._pump()
