"""Small downloads by the thousand, in lanes: each fetches one object after the other and makes no task for any of them.

What is fetched is gathered and put in place many at a time.  A lane takes only what is plain: an object of which
nothing is known but what was listed.  Whatever does not go as planned is left to `services.transfer.download`, with
what the lane has met or fetched.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from services.errors import PailError
from services.transfer.core import Core
from services.transfer.download import AT_ONCE, landing, small_content
from services.transfer.job import Job, wants_more
from services.transfer.landing import Landing, most_files
from services.transfer.line import Line
from services.transfer.outcomes import Outcomes
from services.transfer.record import Record
from services.transfer.run import Run
from services.transfer.turn import Turn

MOST_ASHORE: Final = 512
"""Objects that are fetched and not in place yet, beyond which nothing more is fetched: 32 MiB at the most."""


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
        self._ashore = 0
        self._sending = False
        self.shared = False
        """Whether several jobs wait for turns: then a lane ends after each object."""

    def takes(self, job: Job, record: Record) -> bool:
        """Tell whether a transfer is a download that a lane may begin."""
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
        if self._ashore >= MOST_ASHORE:
            return False
        runs = [self._keeper.begin(job, job.small.popleft(), line)]
        line.under_way += 1
        held = True

        def leave() -> None:
            nonlocal held
            line.under_way -= held
            held = False

        self._keeper.launch(job, self._lane(job, line, runs, leave), runs, leave)
        return True

    async def _lane(self, job: Job, line: Line, runs: list[Run], leave: Callable[[], None]) -> None:
        """Fetch what is in `runs`, then whatever comes next, while nobody else wants the place."""
        pace, now = line.pace, time.monotonic
        while runs:
            run, begun = runs[0], now()
            try:
                content = await small_content(run)
            except PailError as fault:
                run.fault, run.verifying = fault, False
                leave()
                turn = self._keeper.turn(line, runs)
                try:
                    await self._outcomes.carry_out(job, run)
                finally:
                    turn.end()
                return
            except asyncio.CancelledError:
                self._outcomes.stopped(job, run)
                return
            pace.ended(len(content), now() - begun)
            self._gather(job, run, content)
            record = self._next(job, line)
            runs[:] = [self._keeper.begin(job, record, line)] if record is not None else []

    def _next(self, job: Job, line: Line) -> Record | None:
        """Return what the lane fetches next; None where it ends."""
        small, keeper = job.small, self._keeper
        if not small or self.shared or not job.runs or self._core.closing or self._ashore >= MOST_ASHORE:
            return None
        if line.under_way - line.large > max(1, line.pace.slots - line.large):
            return None  # the line takes fewer than it did
        if keeper.wants_large(job, line) or not self.takes(job, small[0]):
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
                job.flags.look_first, run.fetched = True, one.content
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
