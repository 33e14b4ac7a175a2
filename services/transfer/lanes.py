"""Small transfers by the thousand, in lanes: each carries out one after the other and makes no task for any of them.

What is fetched is gathered and put in place many at a time; what is sent is read many at a time, before its turn.  A
lane takes only what is plain: an object or a file of which nothing is known but what was listed.  Whatever does not go
as planned is left to `services.transfer.download` and `services.transfer.upload`, with what the lane has met, fetched
or read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from services.errors import PailError
from services.transfer.ahead import Ahead, is_plain
from services.transfer.core import Core
from services.transfer.download import AT_ONCE, landing, small_content
from services.transfer.gather import Gather
from services.transfer.job import Job, wants_more
from services.transfer.landing import Landing, most_files
from services.transfer.line import Line
from services.transfer.outcomes import Outcomes
from services.transfer.record import Record
from services.transfer.run import Run
from services.transfer.turn import Turn
from services.transfer.upload import send

MOST_ASHORE: Final = 512
"""Objects that are fetched and not in place yet, beyond which nothing more is fetched: 32 MiB at the most."""


SLOW_S: Final = 0.05
"""Seconds after which another thread helps to read files: with the disk at hand two of them only take turns."""


class Keeper(Protocol):
    """What the scheduler does for lanes."""

    def begin(self, job: Job, record: Record, line: Line) -> Run:
        """Have a transfer run, which the lane carries out."""

    def launch(
        self, job: Job, work: Coroutine[Any, Any, None], runs: list[Run], given_back: Callable[[], None]
    ) -> None:
        """Carry out what is to be done with `runs`, a list that may change meanwhile; `given_back` is called after."""

    def turn(self, line: Line, runs: list[Run]) -> Turn:
        """Take a place of the line."""

    def pump_soon(self) -> None:
        """Start what can be started."""

    def wants_large(self, job: Job, line: Line) -> bool:
        """Tell whether a large transfer waits that may have a turn."""


class Lanes:
    """The lanes of all jobs of an engine, and what they have fetched; belongs to one event loop."""

    def __init__(self, core: Core, keeper: Keeper, outcomes: Outcomes) -> None:
        self._core = core
        self._keeper = keeper
        self._outcomes = outcomes
        self._fetched: list[tuple[Job, Run, Landing]] = []
        self._files = Gather(core.tools.disk, abreast=core.options.disk_threads, report_s=SLOW_S)
        self._ashore = 0
        self._sending = False
        self.shared = False
        """Whether several jobs wait for turns: then a lane ends after each object."""

    def takes(self, job: Job, record: Record) -> bool:
        """Tell whether a lane may begin with a transfer; for one file that comes alone there is none."""
        return self._may_carry(job, record) and (record.action != "upload" or len(job.small) > 1)

    def _may_carry(self, job: Job, record: Record) -> bool:
        return self._may_send(job) if is_plain(record) else self._may_fetch(job, record)

    def _may_send(self, job: Job) -> bool:
        flags = job.flags
        return not (flags.look_first or self._core.tools.bandwidth.rate or flags.bandwidth.rate)

    def _may_fetch(self, job: Job, record: Record) -> bool:
        if record.action != "download" or record.size > AT_ONCE or record.attempt > 1 or not record.generation:
            return False
        if record.decision or record.session or record.fingerprint or not record.crc32c:
            return False
        if len(record.target) <= record.base or record.target.endswith("/"):
            return False
        flags, tools = job.flags, self._core.tools
        return not (
            flags.look_first
            or flags.recovered
            or job.row.spec.decompress
            or tools.bandwidth.rate
            or flags.bandwidth.rate
            or record.size > tools.options.whole
        )

    def start(self, job: Job, line: Line) -> bool:
        """Begin a lane with what comes next of a job, unless too much waits for the disk."""
        if self._is_full(job.small[0]):
            return False
        runs = [self._begin(job, job.small.popleft(), line)]
        line.under_way += 1
        held = True

        def leave() -> None:
            nonlocal held
            line.under_way -= held
            held = False

        self._keeper.launch(job, self._lane(job, line, runs, leave), runs, leave)
        return True

    def _is_full(self, record: Record) -> bool:
        """Tell whether too much waits for the disk to fetch more."""
        return record.action == "download" and self._ashore >= MOST_ASHORE

    def _begin(self, job: Job, record: Record, line: Line) -> Run:
        if record.action == "upload":
            if job.ahead is None:
                job.ahead = Ahead(job.small, self._files)
            job.ahead.expect(record)
        return self._keeper.begin(job, record, line)

    async def _lane(self, job: Job, line: Line, runs: list[Run], leave: Callable[[], None]) -> None:
        """Carry out what is in `runs`, then whatever comes next, while nobody else wants the place."""
        while runs:
            run = runs[0]
            try:
                carry = self._send_file if run.record.action == "upload" else self._fetch
                carried = await carry(job, run)
            except PailError as fault:
                run.fault, run.verifying, carried = fault, False, False
            except asyncio.CancelledError:
                self._outcomes.stopped(job, run)
                return
            if not carried:
                leave()
                turn = self._keeper.turn(line, runs)
                try:
                    await self._outcomes.carry_out(job, run)
                finally:
                    turn.end()
                return
            record = self._next(job, line)
            runs[:] = [self._begin(job, record, line)] if record is not None else []
        if not self._may_send(job):
            job.ahead = None

    async def _send_file(self, job: Job, run: Run) -> bool:
        """Upload a file; False where it has to be looked at on its own."""
        content = await job.ahead.take(run.record) if job.ahead is not None else None
        if content is None:
            return False
        begun = time.monotonic()
        await send(run, content)
        run.line.pace.ended(len(content.data), time.monotonic() - begun)
        self._outcomes.done(job, run)
        return True

    async def _fetch(self, job: Job, run: Run) -> bool:
        """Download an object, to be put in place along with others."""
        begun = time.monotonic()
        content = await small_content(run)
        run.line.pace.ended(len(content), time.monotonic() - begun)
        self._gather(job, run, content)
        return True

    def _next(self, job: Job, line: Line) -> Record | None:
        """Return what the lane fetches next; None where it ends."""
        small, keeper = job.small, self._keeper
        if not small or self.shared or not job.runs or self._core.closing or self._is_full(small[0]):
            return None
        if line.under_way - line.large > max(1, line.pace.slots - line.large):
            return None  # the line takes fewer than it did
        if keeper.wants_large(job, line) or not self._may_carry(job, small[0]):
            return None
        record = small.popleft()
        if wants_more(job) or line.has_room():
            keeper.pump_soon()
        elif small:
            line.pace.full()
        return record

    def _gather(self, job: Job, run: Run, content: bytes) -> None:
        self._ashore += 1
        self._fetched.append((job, run, landing(run.record, content, replace=run.policy == "replace", looked=False)))
        if not self._sending:
            # What else arrives in this turn of the loop goes along.
            self._sending = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        """Have what was fetched for one job put in place; whatever arrives meanwhile makes up the next batch."""
        job, most = self._fetched[0][0], most_files()
        self._core.tools.landings.expect(job.counts.of("queued"))
        batch: list[tuple[Job, Run, Landing]] = []
        rest: list[tuple[Job, Run, Landing]] = []
        for one in self._fetched:
            (batch if one[0] is job and len(batch) < most else rest).append(one)
        self._fetched = rest

        def landed() -> None:
            self._ashore -= len(batch)
            if self._fetched:
                self._send()
            else:
                self._sending = False

        runs = [run for _, run, _ in batch]
        self._keeper.launch(job, self._land(job, runs, [landing for _, _, landing in batch]), runs, landed)

    async def _land(self, job: Job, runs: list[Run], landings: list[Landing]) -> None:
        fault: BaseException | None = None
        try:
            await self._core.tools.landings.add_many(landings)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - each file tells what became of it
            fault = error
        for run, one in zip(tuple(runs), landings, strict=True):
            if not await self._take_down(job, run, one, fault):
                # Somebody has to decide about the file that has its name: it goes on by itself.
                runs.remove(run)
                job.flags.look_first, run.fetched = True, bytes(one.content)
                turn = self._keeper.turn(run.line, [run])
                self._keeper.launch(job, self._outcomes.carry_out(job, run), [run], turn.end)

    async def _take_down(self, job: Job, run: Run, one: Landing, fault: BaseException | None) -> bool:
        """Take down what became of a file; False where another one has its name."""
        outcomes = self._outcomes
        if one.placed and one.error is None:
            run.record.written, run.moved = run.record.generation, run.record.size
            outcomes.done(job, run)
        elif one.error is not None:
            await outcomes.ended(job, run, one.error)
        elif run.intent:
            outcomes.stopped(job, run)
        elif isinstance(fault, Exception):
            await outcomes.ended(job, run, fault)
        else:
            return False
        return True
