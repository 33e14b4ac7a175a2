"""Runs a job in an engine of this process, and says what becomes of each item."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.live import INTERVAL_S, LiveLine
from app.cli.output import Output, one_line, report, write_error
from app.cli.records import item_record
from app.cli.several import error_for, exit_code
from app.done_words import DONE
from services.connection import Connection
from services.errors import DiskFull, ExitCode, PailError, SomeFailed
from services.gcs.interface import Storage
from services.names import display_name
from services.paths import state_dir
from services.transfer.engine import Engine
from services.transfer.foresee import Foresight
from services.transfer.inprocess import open_engine
from services.transfer.messages import (
    ConflictFact,
    EngineClient,
    Fact,
    ItemFact,
    JobFact,
    JobSpec,
    JobView,
    NoticeFact,
    Snapshot,
    SnapshotQuery,
    Submit,
    TransferView,
)
from widgets import formats

RESUME_HINT: Final = (
    "What was under way is kept: 'pail transfers' goes on with it, 'pail transfers cancel all' gives it up."
)
"""What to do after ctrl+c."""

PAUSED_HINT: Final = "'pail transfers resume all' goes on with it, 'pail transfers cancel all' gives it up."
"""What to do about a job that was left paused."""

VERBS: Final = {
    **DONE,
    "delete-bucket": "Deleted",
    "move-folder": "Moved",
    "delete-folder": "Deleted",
    "skip": "Skipped",
}
"""What is said of an item that is done."""

SAMPLE_JOB: Final = 0
"""Transfers that a sample for the line of progress needs: none, the job's own figures do."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a command works with that runs a job: it belongs to `open_workplace`."""

    connection: Connection
    """Where storage is and who asks."""
    storage: Storage
    """The storage, which the engine uses as well."""
    engine: asyncio.Task[Engine]
    """Opens the engine."""


@asynccontextmanager
async def open_workplace(context: Context) -> AsyncIterator[Workplace]:
    """Find the connection and open its storage, and an engine beside that; close both at the end.

    Raises what `open_connection` raises.
    """
    async with open_connection(context) as (connection, storage):
        # Its journal waits for the disk; meanwhile the service is asked for what the command line means.
        opening = asyncio.create_task(open_engine(state_dir()))
        try:
            yield Workplace(connection, storage, opening)
        finally:
            # Whoever waits for it is told why it cannot be opened; where nobody does, the command has failed before.
            with contextlib.suppress(PailError, OSError):
                await opening
            if opening.exception() is None:
                await opening.result().close()


async def run_job(context: Context, spec: JobSpec, place: Workplace, *, parts: str = "") -> int:
    """Run a job to its end and return the exit code; the only item's failure is raised.

    `parts` is what parallel parts would cost, for a dry run.  Cancelled, it stops the transfers so that they can be
    resumed.
    """
    replit = spec.connection.credentials.kind == "replit"
    follower = Follower(context.output, dry_run=spec.dry_run, replit=replit, parts=parts)
    return follower.finish(await follow_job(spec, follower, place))


async def follow_job(spec: JobSpec, follower: Follower, place: Workplace) -> JobView:
    """Run a job to its end, telling `follower` of it, and return how it ended."""
    engine = await asyncio.shield(place.engine)
    engine.lend(place.connection, place.storage)
    return await follow_with(engine, spec, follower)


async def follow_with(engine: EngineClient, spec: JobSpec, follower: Follower) -> JobView:
    """Have an engine do a job, telling `follower` of it, and return how it ended."""
    facts = engine.facts(items="failed" if follower.terse else True)
    job = (await engine.submit(Submit(spec))).id
    sampler = asyncio.create_task(_sample(engine, job, follower)) if follower.live.enabled else None
    try:
        return await _follow(facts, job, follower)
    finally:
        if sampler is not None:
            sampler.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sampler
        follower.live.clear()


async def _follow(facts: AsyncIterator[Fact], job: str, follower: Follower) -> JobView:
    async for fact in facts:
        match fact:
            case ItemFact(transfer=transfer) if transfer.job == job:
                follower.item(transfer)
            case NoticeFact(job=waiting, code=DiskFull.reason) if waiting == job:
                # The job is paused until a person makes room; a command has nobody to wait for.
                raise DiskFull(fact.message, remedy=f"{fact.remedy.partition(';')[0]}: {PAUSED_HINT}")
            case NoticeFact():
                follower.notice(fact)
            case JobFact(job=view) if view.id == job:
                return view
            case ConflictFact() | ItemFact() | JobFact():
                # A command decides conflicts beforehand; what else the engine does is not this command's.
                continue
    raise PailError("the engine stopped before the job ended", remedy=RESUME_HINT)


async def _sample(engine: EngineClient, job: str, follower: Follower) -> None:
    """Draw the line of progress until cancelled."""
    query = SnapshotQuery(job=job, limit=SAMPLE_JOB)
    while True:
        await asyncio.sleep(INTERVAL_S)
        follower.progress(await engine.snapshot(query), job)


class Follower:
    """Prints items as they end, and counts them."""

    def __init__(self, output: Output, *, dry_run: bool, replit: bool = False, parts: str = "") -> None:
        """Print to `output`; of a dry run the cost as well, at the prices of Replit or of Google."""
        self._parts = parts
        self.live = LiveLine(output)
        """The line of progress."""
        self._output = output
        self._dry_run = dry_run
        self._replit = replit
        self._foresight = Foresight()
        self.terse = output.quiet and not output.json and not dry_run
        """Whether only failures are told: then nothing need be made of the other items."""
        self._actions: Counter[str] = Counter()
        self._states: Counter[str] = Counter()
        self._bytes = 0
        self._failures: list[PailError] = []
        self._held = ""
        self._started = time.monotonic()

    def item(self, transfer: TransferView) -> None:
        """Take in one item that has ended, or is planned."""
        state = "planned" if transfer.state == "queued" else transfer.state
        self._actions[transfer.action] += 1
        self._states[state] += 1
        if self._dry_run:
            self._foresight.add(transfer)
        if state == "done" and transfer.action != "skip":
            self._bytes += transfer.size
        if state == "failed":
            self._failures.append(error_for(transfer.code, transfer.reason, transfer.remedy, transfer.source))
        if self._output.json:
            self._output.record("item", **item_record(transfer, state))
            self._output.flush()  # whoever follows the job reads it now, not with the next thousand
        if not self._output.json and (state == "failed" or not self._output.quiet):
            self._say(_sentence(transfer, state), hold=state == "failed" and sum(self._states.values()) == 1)

    def _say(self, sentence: str, *, hold: bool) -> None:
        """Print a sentence; a first failure is held, as an only item's failure is told by the error alone."""
        self._release()
        if hold:
            self._held = sentence
        else:
            write_error(sentence + "\n")

    def _release(self) -> None:
        """Print what was held."""
        self.live.clear()
        if self._held:
            write_error(self._held + "\n")
            self._held = ""

    def notice(self, fact: NoticeFact) -> None:
        """Say something that is not about one item."""
        self.live.clear()
        self._output.message(". ".join(part for part in (fact.message.removesuffix("."), fact.remedy) if part))

    def progress(self, snapshot: Snapshot, job: str) -> None:
        """Draw how the job stands."""
        for view in snapshot.jobs:
            if view.id == job:
                self.live.show(snapshot.notice or _progress(view))

    def finish(self, job: JobView) -> int:
        """Print the summary and return the exit code.

        Raises the failure of the job itself, or of its only item.
        """
        seconds = time.monotonic() - self._started
        total = job.items if self.terse else sum(self._states.values())
        if total != 1:
            self._release()
        if self._output.json:
            counts = {action: self._actions[action] for action in VERBS}
            states = {state: self._states[state] for state in ("done", "failed", "planned", "cancelled")}
            cost = self._cost_record() if self._dry_run else {}
            self._output.record("summary", **counts, **states, bytes=self._bytes, seconds=round(seconds, 3), **cost)
            self._output.flush()
        elif total != 1 and not self.terse:
            self._output.message(_summary(self._actions, self._states, self._bytes, seconds))
        if self._dry_run and not self._output.json and self._states["planned"]:
            self._output.message(self._cost_sentence())
            if self._parts and self._foresight.large:
                what = formats.count(self._foresight.large, "very large file")
                size = formats.size(self._foresight.large_bytes)
                self._output.message(f"{what}, {size}, may go up in parallel parts: {self._parts}")
        if job.state == "failed" and not self._failures:
            raise error_for(job.code, job.reason, job.remedy, job.source)
        if job.state == "cancelled":
            raise PailError("the job was cancelled", remedy="Run it again.")
        if not self._failures:
            return ExitCode.OK
        code = exit_code([error.exit_code for error in self._failures], total=total)
        if total == 1:
            raise self._failures[0]
        remedy = self._failures[0].remedy or "What is done stays done; run it again for the rest."
        failed = SomeFailed(f"{len(self._failures)} of {formats.count(total, 'item')} failed", remedy=remedy)
        report(failed, json_records=self._output.json, code=code)
        return code

    def _cost_record(self) -> dict[str, object]:
        from app.cli import foresight  # the prices: only a dry run needs them

        return foresight.record(self._foresight, foresight.price_table(replit=self._replit))

    def _cost_sentence(self) -> str:
        from app.cli import foresight  # the prices: only a dry run needs them

        return foresight.sentence(self._foresight, foresight.price_table(replit=self._replit))


def _sentence(transfer: TransferView, state: str) -> str:
    source, target = display_name(transfer.source), display_name(transfer.target)
    way = f"{source} -> {target}" if target and target != source else source
    reason = one_line(transfer.reason)
    if state == "planned":
        # Of what is deleted by its name the size is not asked for.
        size = f", {formats.size(transfer.size)}" if transfer.size or transfer.action == "upload" else ""
        return f"Would {transfer.action} {way}{size}"
    if state == "done":
        return f"{VERBS[transfer.action]} {way}" + (f": {reason}" if transfer.action == "skip" and reason else "")
    return f"{state.capitalize()} {way}: {reason}"


def _progress(job: JobView) -> str:
    """Return a line such as `12/200 files  34.5 MiB of 300 MiB  24.0 MiB/s  0:11 left  [###-------]`."""
    total = f"{job.items:,}" if job.planned else f"{job.items:,}+"
    parts = [f"{job.done + job.failed:,}/{total}", f"{formats.size(job.bytes)} of {formats.size(job.size)}"]
    if job.rate:
        parts.append(f"{formats.size(job.rate)}/s")
    if job.eta_s is not None and job.planned:
        parts.append(f"{formats.duration(job.eta_s)} left")
    moved, of = (job.bytes, job.size) if job.size else (job.done, job.items)
    complete = job.state == "done"
    bar = formats.bar(moved, of, 20, "#", "-", complete=complete)
    parts.append(f"[{bar}] {formats.percent(moved, of, complete=complete):3}%")
    if job.failed:
        parts.append(f"{job.failed:,} failed")
    return "  ".join(parts)


def _summary(actions: Counter[str], states: Counter[str], size: int, seconds: float) -> str:
    """Return a line such as `200 done, 3 skipped, 1 failed; 34.5 MiB in 8 s`."""
    skipped = actions["skip"]
    counts = {
        "done": states["done"] - skipped,
        "planned": states["planned"],
        "skipped": skipped,
        "failed": states["failed"],
        "cancelled": states["cancelled"],
    }
    named = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing to do"
    return f"{named}; {formats.size(size)} in {formats.duration(seconds)}" if size else named
