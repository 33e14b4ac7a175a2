"""What runs next: turns between jobs, between small and large transfers, and how each ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from services.errors import Corrupt, DiskFull, NotAuthenticated, SourceChanged, Transient
from services.names import is_gs_url
from services.transfer import schema
from services.transfer.acts import check_emptied, remove_empty_folders, sweep_emptied
from services.transfer.attempts import act, as_ours
from services.transfer.bucket import StillFilled
from services.transfer.core import Core, log
from services.transfer.delete import BATCH, delete_batch
from services.transfer.halt import Halts
from services.transfer.job import WINDOW, Job, bucket_of, wants_more
from services.transfer.lanes import Lanes
from services.transfer.large import give_up
from services.transfer.line import Line
from services.transfer.messages import ConflictFact, ItemFact
from services.transfer.partial import remove_partial
from services.transfer.record import EXISTS, Record, has_plain_end
from services.transfer.rename import is_plain, rename_batch
from services.transfer.run import Asking, Run, Skipped
from services.transfer.turn import Turn

MOST_RUNNING: Final = 1024
"""Transfers that run at once, those included that wait for the disk."""

EXAMPLES: Final = 5
"""Conflicts that a `ConflictFact` shows."""

CLEAN_UP_S: Final = 10
"""Seconds that cleaning up after a cancelled transfer may take; a session that is left then expires by itself, and
parts are removed at the next start."""

MOST_RELISTED: Final = 3
"""Times that a job lists its sources again at its end, where some of what was listed is not there."""

LEAST_BATCHES: Final = 4
"""Batches of changes that may run side by side whatever the line seems to carry."""


class Scheduler:
    """Starts transfers while there are free slots, and takes down how they end."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._running: dict[asyncio.Task[None], list[Run]] = {}
        self._buffered = 0
        self._last_turn = 0
        self._pumping = False
        self._lanes = Lanes(core, self)
        self.halts = Halts(core, lambda job: self.stop_runs(job, "stop"))
        """Jobs that wait for a disk."""
        self.replan: Callable[[Job], None] = lambda _: None
        """Plans a job again; what it has planned already is left out."""

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
                line = self._line(job)
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

    def _line(self, job: Job) -> Line:
        if job.line is None:
            job.line = self._core.line(job.row.spec.connection)
        return job.line

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
        bucket = bucket_of(batch[0])
        while job.small and len(batch) < BATCH and (job.small[0].action, bucket_of(job.small[0])) == ("delete", bucket):
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
        line = self._line(job)
        runs = [self.begin(job, record, line) for record in records]
        if not batched:
            work = self.carry_out(job, runs[0])
        elif runs[0].record.action == "delete":
            work = self._carry_out_deletes(job, runs)
        else:
            work = self._carry_out_moves(job, runs)
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
                    self.stopped(job, run)
            self.pump_soon()
            self.settle(job)

        task.add_done_callback(ended)

    def _ashore(self, turn: Turn) -> None:
        turn.end()
        self.pump_soon()

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

    async def _carry_out_deletes(self, job: Job, runs: list[Run]) -> None:
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

    async def _carry_out_moves(self, job: Job, runs: list[Run]) -> None:
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
        slots = asyncio.Semaphore(LEAST_BATCHES)

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
            self.replan(job)
            return
        elif isinstance(error, DiskFull):
            job.change(record, "queued", moved=run.kept)
            await self.halts.halt(job, error, record.size - run.moved)
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
            try:
                async with asyncio.timeout(CLEAN_UP_S):
                    await give_up(run)
            except TimeoutError:
                log.info("%s: what it left could not be removed yet", record.id)
        if record.job in self._core.jobs:
            self._core.journal.note(record)

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
        """Stop everything so that it can be resumed."""
        tasks = [task for job in self._core.jobs.values() for task in self.stop_runs(job, "stop")]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)

    async def idle(self, limit_s: float) -> None:
        """Return once nothing runs, or after `limit_s` seconds."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=limit_s)

    async def _ask_soon(self, job: Job) -> None:
        """Ask once others have come together, so that the question tells how many there are."""
        await asyncio.sleep(self._core.options.ask_after_s)
        job.asking_soon = False
        if job.counts.of("asking") and not (job.asked or job.ended or self._core.closing):
            await self._ask(job)

    async def _ask(self, job: Job) -> None:
        """Tell that a job waits for an answer."""
        job.asked = job.counts.of("asking")
        number = job.row.id
        found = await self._core.journal.call(lambda db: schema.by_state(db, number, "asking", 0, EXAMPLES))
        self._core.facts.publish(ConflictFact(job.view(), tuple(record.view() for record in found)))

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
        self.pump()
        if not job.counts.of("queued"):
            self.settle(job)

    async def _list_again(self, job: Job) -> None:
        """Plan a job once more: what it was told to do was not all there, so the list may have been damaged."""
        job.relisted += 1
        job.flags.list_again = False
        job.row.planned, job.row.state = False, "planning"
        await self._core.save(job)
        self.replan(job)

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
                    await sweep_emptied(job, self._line(job))
            await self._core.save(job)
        finally:
            job.ending = False
        if job.ended:
            log.info("job %s: %s, %d transfers", job.id, state, job.counts.total)
            self._core.publish_end(job)
        elif state == "asking" and job.asked != job.counts.of("asking"):
            await self._ask(job)
        self.settle(job)
        self.pump()
