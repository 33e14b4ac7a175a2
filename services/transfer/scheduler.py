"""What runs next: turns between jobs, and between small and large transfers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from services.names import is_gs_url
from services.transfer import schema
from services.transfer.core import Core, log
from services.transfer.delete import BATCH
from services.transfer.halt import Halts
from services.transfer.job import WINDOW, Job, bucket_of, wants_more
from services.transfer.lanes import Lanes
from services.transfer.line import Line
from services.transfer.outcomes import Outcomes
from services.transfer.record import Record
from services.transfer.rename import is_plain
from services.transfer.run import Run
from services.transfer.settling import Settling
from services.transfer.turn import Turn

MOST_RUNNING: Final = 1024
"""Transfers that run at once, those included that wait for the disk."""

LEAST_BATCHES: Final = 4
"""Batches of changes that may run side by side whatever the line seems to carry."""


class Scheduler:
    """Starts transfers while there are free slots."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._running: dict[asyncio.Task[None], list[Run]] = {}
        self._buffered = 0
        self._last_turn = 0
        self._pumping = False
        self.halts = Halts(core, lambda job: self.stop_runs(job, "stop"))
        """Jobs that wait for a disk."""
        self.replan: Callable[[Job], None] = lambda _: None
        """Plans a job again; what it has planned already is left out."""
        self.outcomes = Outcomes(core, self.halts, self._plan_again)
        """How transfers end."""
        self._settling = Settling(core, self.outcomes, self.pump, self._plan_again)
        self._lanes = Lanes(core, self, self.outcomes)

    def _plan_again(self, job: Job) -> None:
        self.replan(job)

    @property
    def running(self) -> int:
        """How many transfers run."""
        return sum(len(runs) for runs in self._running.values())

    @property
    def busy(self) -> bool:
        """Whether anything runs."""
        return bool(self._running)

    def pump(self) -> None:
        """Start what can be started, in turns between the jobs."""
        self._pumping = False
        if self._core.closing:
            return
        turns = self._turns()
        self._lanes.shared = sum(job.waiting > 0 for job in turns) > 1
        started = True
        while started and len(self._running) < MOST_RUNNING:
            started = False
            rank = -1
            for job in turns:
                if job.rank < rank:
                    break  # those that a person put first take all that they can
                line = self._core.line_of(job)
                if not job.waiting:
                    continue
                if not line.has_room():
                    line.pace.full()
                elif self._start_next(job, line):
                    self._last_turn = job.row.id
                    started = True
                    rank = job.rank
        for job in turns:
            if wants_more(job):
                job.feeding = True
                self._core.background(self._feed(job))

    def pump_soon(self) -> None:
        """Pump once for all that happens in this turn of the event loop."""
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self.pump)

    def _turns(self) -> list[Job]:
        jobs = [job for job in self._core.jobs.values() if job.runs]
        last = self._last_turn
        return sorted(jobs, key=lambda job: (-job.rank, job.row.id <= last, job.row.id))

    async def _feed(self, job: Job) -> None:
        """Take more transfers from the journal."""
        number, after, last, changed = job.row.id, job.cursor, job.last_seq, job.changed
        try:
            first, found = await self._core.journal.call(
                lambda db: (
                    schema.moved_ahead(db, number) if after == 0 else [],
                    schema.next_queued(db, number, after, WINDOW),
                )
            )
            if changed == job.changed:
                job.take_in(first, ahead=True)
                job.take_in(found)
                if len(found) < WINDOW:
                    job.cursor = max(job.cursor, last)
        finally:
            job.feeding = False
            job.late.clear()
        self.pump()
        self.settle(job)

    def _start_next(self, job: Job, line: Line) -> bool:
        if job.small and job.small[0].action in ("delete", "delete-bucket"):
            return self._start_deletes(job, line)
        if job.small and is_plain(job.small[0], job.flags, line):
            return self._start_moves(job, line)
        if self.wants_large(job, line):
            self._start(job, [job.large.popleft()], large=True)
            return True
        if not job.small:
            return False
        record = job.small[0]
        if self._lanes.takes(job, record):
            return self._lanes.start(job, line)
        in_memory = not is_gs_url(record.source) or record.size <= self._core.options.whole
        buffered = record.size if in_memory and record.action != "copy" else 0
        if self._buffered and self._buffered + buffered > self._core.options.buffered:
            return False
        self._start(job, [job.small.popleft()], buffered=buffered)
        return True

    def wants_large(self, job: Job, line: Line) -> bool:
        """Tell whether a large transfer waits that may have a turn."""
        return bool(job.large) and line.large < min(self._core.options.large, max(1, line.pace.slots // 2))

    def _start_moves(self, job: Job, line: Line) -> bool:
        if not self._batch_may_start(job, line, "move"):
            return False
        batch = [job.small.popleft()]
        bucket = bucket_of(batch[0])
        while job.small and len(batch) < BATCH and is_plain(job.small[0], job.flags, line, bucket):
            batch.append(job.small.popleft())
        self._start(job, batch, batched=len(batch) > 1)
        return True

    def _batch_may_start(self, job: Job, line: Line, action: str) -> bool:
        """Tell whether another request with many changes may be sent: more of them while that pays."""
        same = (runs[0] for runs in self._running.values() if runs and runs[0].spec is job.row.spec)
        if sum(run.record.action == action for run in same) < max(LEAST_BATCHES, line.pace.slots // 2):
            return True
        line.pace.full()
        return False

    def _start_deletes(self, job: Job, line: Line) -> bool:
        if not self._batch_may_start(job, line, "delete"):
            return False
        if job.small[0].action == "delete-bucket":
            job.small.rotate(-1)  # the bucket goes last, whatever was found in it later
        if job.small[0].action == "delete-bucket":
            return self._start_bucket(job)
        batch = [job.small.popleft()]
        start = f"gs://{bucket_of(batch[0])}/"
        while job.small and len(batch) < BATCH:
            if job.small[0].action != "delete" or not job.small[0].source.startswith(start):
                break
            batch.append(job.small.popleft())
        self._start(job, batch, batched=True)
        return True

    def _start_bucket(self, job: Job) -> bool:
        """Start the delete of the bucket itself once all that is known to be in it has ended."""
        if job.active or not job.row.planned or job.counts.of("queued") > 1 or job.counts.of("paused"):
            return False
        self._start(job, [job.small.popleft()])
        return True

    def _start(
        self, job: Job, records: list[Record], *, large: bool = False, buffered: int = 0, batched: bool = False
    ) -> None:
        line = self._core.line_of(job)
        runs = [self.begin(job, record, line) for record in records]
        if not batched:
            work = self.outcomes.carry_out(job, runs[0])
        elif runs[0].record.action == "delete":
            work = self.outcomes.carry_out_deletes(job, runs)
        else:
            work = self.outcomes.carry_out_moves(job, runs)
        turn = self.turn(line, runs, large=large)
        self._buffered += buffered

        def given_back() -> None:
            self._buffered -= buffered
            turn.end()

        self.launch(job, work, runs, given_back)

    def turn(self, line: Line, runs: list[Run], *, large: bool = False) -> Turn:
        """Take a place of the line; a small transfer gives it back when it only waits for the disk."""
        turn = Turn(line, runs, large=large)
        if not large:
            runs[0].ashore = lambda: self._ashore(turn)
        return turn

    def begin(self, job: Job, record: Record, line: Line) -> Run:
        """Have a transfer run, which whoever asks carries out."""
        if record.moved:
            self._core.journal.note(record)
            job.begin(record)
        run = Run(record, job.row.spec, job.flags, self._core.tools, line, record.size)
        job.active[record.seq] = run
        return run

    def launch(
        self, job: Job, work: Coroutine[Any, Any, None], runs: list[Run], given_back: Callable[[], None]
    ) -> None:
        """Carry out what is to be done with `runs`, a list that may change meanwhile; `given_back` is called after."""
        task = asyncio.create_task(work)
        self._running[task] = runs

        def ended(task: asyncio.Task[None]) -> None:
            self._running.pop(task)
            given_back()
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("internal error", exc_info=error)
            for run in runs:
                # A task that was cancelled before its first step never came to take down its end.
                if job.active.get(run.record.seq) is run:
                    self.outcomes.stopped(job, run)
            self.pump_soon()
            self.settle(job)

        task.add_done_callback(ended)

    def _ashore(self, turn: Turn) -> None:
        turn.end()
        self.pump_soon()

    def stop_runs(self, job: Job, intent: str, seq: int | None = None) -> list[asyncio.Task[None]]:
        """Stop what runs of a job, or one transfer of it, and return the tasks that end now."""
        tasks = []
        for task, runs in self._running.items():
            mine = [run for run in runs if job.active.get(run.record.seq) is run]
            chosen = [run for run in mine if seq is None or run.record.seq == seq]
            for run in chosen:
                run.intent = intent  # type: ignore[assignment]  # callers pass an Intent
            if chosen and task is not asyncio.current_task():
                task.cancel()
                tasks.append(task)
        return tasks

    async def stop_all(self, grace_s: float) -> None:
        """Stop everything so that it can be resumed, but for what has only to be put in place."""
        until = time.monotonic() + grace_s
        tasks = [task for job in self._core.jobs.values() for task in self.stop_runs(job, "stop")]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        # Batches of what was fetched follow one another; one that is broken off leaves unfinished files.
        await self.idle(until - time.monotonic())

    async def idle(self, limit_s: float) -> None:
        """Return once nothing runs, or after `limit_s` seconds; what was fetched is put in place, batch by batch."""
        until = time.monotonic() + limit_s
        while self._running and (left := until - time.monotonic()) > 0:
            await asyncio.wait(set(self._running), timeout=left)

    def settle(self, job: Job) -> None:
        """Bring a job's state in line with its transfers, and end it where all have ended."""
        self._settling.settle(job)
