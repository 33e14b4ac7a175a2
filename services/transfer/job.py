"""A job while an engine has it: counts, what is next, what runs."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from services.names import GsUrl, is_gs_url, parse_gs_url
from services.transfer.ahead import Ahead
from services.transfer.line import Line
from services.transfer.messages import GOODPUT_KEPT, GOODPUT_S, JobItem, JobState, JobView
from services.transfer.meter import Meter, eta, limited
from services.transfer.record import Record, RecordState
from services.transfer.run import JobFlags, Run
from services.transfer.schema import JobRow, Tally
from services.transfer.takeback import UNDOABLE

WINDOW: Final = 2048
"""Transfers that are taken from the journal at once."""

LOW_WATER: Final = 512
"""Waiting transfers below which more are taken from the journal."""

MOST_WAITING: Final = 4096
"""Waiting transfers that are held at the most, while small ones are looked for behind many large ones."""


@dataclass(slots=True, eq=False, repr=False)
class Counts:
    """The transfers of a job by state, added up."""

    items: dict[RecordState, int] = field(default_factory=dict)
    """How many are in each state."""
    size: int = 0
    """Bytes of all that are to move."""
    done_size: int = 0
    """Bytes of those that are done."""
    parked: int = 0
    """Bytes that had moved of those that were stopped."""
    skipped: int = 0
    """How many were left alone."""

    def of(self, *states: RecordState) -> int:
        """Return how many are in these states."""
        return sum(self.items.get(state, 0) for state in states)

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.items.values())

    def done(self, record: Record) -> None:
        """Count a transfer that was queued, and of which nothing had moved before it ran, as done."""
        self.items["queued"] -= 1
        self.items["done"] = self.items.get("done", 0) + 1
        self.done_size += record.size

    def add(self, record: Record, sign: int = 1) -> None:
        """Count a transfer in, or out again."""
        self.items[record.state] = self.items.get(record.state, 0) + sign
        if record.skipped:
            self.skipped += sign
            return
        self.size += sign * record.size
        if record.state == "done":
            self.done_size += sign * record.size
        else:
            self.parked += sign * record.moved

    def merge(self, other: Counts) -> None:
        """Add the counts of another."""
        for state, items in other.items.items():
            self.items[state] = self.items.get(state, 0) + items
        self.size += other.size
        self.done_size += other.done_size
        self.parked += other.parked
        self.skipped += other.skipped

    @classmethod
    def of_tallies(cls, tallies: Iterable[Tally]) -> Counts:
        """Rebuild the counts from the journal."""
        counts = cls()
        for tally in tallies:
            counts.items[tally.state] = tally.items
            counts.skipped += int(tally.skipped)
            moving = int(tally.size - tally.skipped_size)
            counts.size += moving
            if tally.state == "done":
                counts.done_size += moving
            else:
                counts.parked += int(tally.moved)
        return counts


class Job:
    """One job: its row in the journal, and what only lives as long as the engine."""

    def __init__(self, row: JobRow, counts: Counts, small_limit: int) -> None:
        self.row = row
        self.counts = counts
        self.flags = JobFlags(limited(row.spec.bandwidth_times, row.spec.bandwidth), row.answer)
        self.active: dict[int, Run] = {}
        """What runs, by number."""
        self.small: deque[Record] = deque()
        """Small transfers that wait here for their turn."""
        self.large: deque[Record] = deque()
        """Large ones, which have turns of their own."""
        self.ahead: Ahead | None = None
        """Files of some of the small ones, read before their turn."""
        self.line: Line | None = None
        """Its connection, once something was started."""
        self.cursor = 0
        """Number up to which transfers were taken from the journal."""
        self.feeding = False
        """More is being taken from the journal."""
        self.last_seq = 0
        """Highest number that was given."""
        self.planner: asyncio.Task[None] | None = None
        """The task that plans."""
        self.changed = 0
        """Grows when waiting transfers are put back: what is being fetched meanwhile is fetched again."""
        self.late: set[int] = set()
        """Transfers that ended while more were being fetched: the journal's answer may still call them queued."""
        self.ending = False
        """Its end is being written down."""
        self.halted = 0
        """Times that it stopped for its disk since a person let it go on."""
        self.rank = 0
        """Jobs with a higher one go first."""
        self.relisted = 0
        """Times that its sources were listed again."""
        self.asking_soon = False
        """Conflicts are gathered for a question."""
        self.asked = 0
        """Conflicts that were told about."""
        self.emptied = -1
        """Highest number when its bucket was last found not to be empty; -1 before that."""
        self.undone = False
        """Another job takes it back, or has done so."""
        self._small_limit = small_limit
        self._recounts: list[Counts] = []
        self._meter = Meter()
        self._goodput: deque[int] = deque(maxlen=GOODPUT_KEPT)
        self._noted = 0.0, 0

    @property
    def id(self) -> str:
        """Its number, for a person."""
        return str(self.row.id)

    @property
    def runs(self) -> bool:
        """Whether its transfers may start."""
        return self.row.state in ("planning", "running", "asking")

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.row.finished is not None

    @property
    def undoable(self) -> bool:
        """Whether something of it can be taken back, and nobody does so yet."""
        spec = self.row.spec
        took = spec.action == "move" and not is_gs_url(spec.items[0].source)
        worked = self.counts.of("done") - self.counts.skipped
        return self.ended and spec.action in UNDOABLE and not (self.undone or took) and worked > 0

    @property
    def uploads(self) -> bool:
        """Whether it sends local files, which may leave parts in a bucket."""
        spec = self.row.spec
        return spec.action in ("upload", "move") and not is_gs_url(spec.items[0].source)

    @property
    def waiting(self) -> int:
        """How many transfers wait here."""
        return len(self.small) + len(self.large)

    def is_large(self, record: Record) -> bool:
        """Whether a transfer takes one of the turns of large ones."""
        return record.action in ("upload", "download", "move", "copy") and (
            record.size > self._small_limit and not (is_gs_url(record.source) and is_gs_url(record.target))
        )

    @property
    def exhausted(self) -> bool:
        """Whether everything that is in the journal was taken."""
        return self.cursor >= self.last_seq

    def count(self, record: Record, sign: int = 1) -> None:
        """Count a transfer in, or out again."""
        self.counts.add(record, sign)
        for changes in self._recounts:
            changes.add(record, sign)

    async def recount(self, read: Callable[[], Awaitable[list[Tally]]]) -> None:
        """Take the counts from the journal, and what changes while it is being read on top of them."""
        changes = Counts()
        self._recounts.append(changes)
        try:
            fresh = Counts.of_tallies(await read())
        finally:
            self._recounts.remove(changes)
        fresh.merge(changes)
        self.counts = fresh

    def begin(self, record: Record) -> None:
        """Count a transfer that starts: what it moves is counted while it runs."""
        if record.moved:
            self.count(record, -1)
            record.moved = 0
            self.count(record)

    def take_in(self, records: list[Record], *, ahead: bool = False) -> None:
        """Have transfers from the journal wait for their turn; `ahead` are those that come before all others."""
        for record in records:
            if not ahead:
                self.cursor = max(self.cursor, record.seq)
            if record.seq not in self.active and record.seq not in self.late:
                (self.large if self.is_large(record) else self.small).append(record)

    def put_back(self) -> None:
        """Forget what waits here: it is taken from the journal again, from the beginning."""
        self.small.clear()
        self.large.clear()
        self.ahead = None
        self.cursor = 0
        self.changed += 1

    def change(self, record: Record, state: RecordState, *, moved: int = 0, skipped: bool = False) -> None:
        """Move a transfer to another state, and the counts with it."""
        run = self.active.get(record.seq)
        if run is not None:
            # The file or object may have turned out to have another size than was planned.
            self.counts.size += record.size - run.counted
            run.counted = record.size
        if state == "done" and record.state == "queued" and not (record.moved or record.skipped or skipped):
            self.counts.done(record)
            for changes in self._recounts:
                changes.add(record, -1)
            record.state = "done"
            for changes in self._recounts:
                changes.add(record)
            return
        self.count(record, -1)
        record.state, record.moved, record.skipped = state, moved, int(skipped)
        self.count(record)

    @property
    def moved(self) -> int:
        """Bytes moved so far."""
        return self.counts.done_size + self.counts.parked + sum(run.moved for run in self.active.values())

    def sample(self) -> None:
        """Take the bytes of this moment into the rate."""
        self._meter.sample(self.moved)
        self._note_goodput(time.monotonic())
        for run in self.active.values():
            run.meter.sample(run.moved)

    def _note_goodput(self, now: float) -> None:
        since, before = self._noted
        if now - since >= GOODPUT_S:
            if since:
                self._goodput.append(max(0, round((self.moved - before) / (now - since))))
            self._noted = now, self.moved

    @property
    def rate(self) -> float:
        """Bytes a second."""
        return self._meter.rate if self.active else 0.0

    def view(self, reason: str = "") -> JobView:
        """Return what is shown of it; `reason` is why everything waits, if it does."""
        row, counts = self.row, self.counts
        moved = min(self.moved, counts.size)
        left = counts.size - moved
        source, target = summary(row.spec.items)
        return JobView(
            id=self.id,
            action=row.spec.action,
            source=source,
            target=target,
            state=row.state,
            items=counts.total,
            done=counts.of("done"),
            failed=counts.of("failed"),
            skipped=counts.skipped,
            conflicts=counts.of("asking"),
            bytes=moved,
            size=counts.size,
            planned=row.planned,
            rate=self.rate,
            eta_s=eta(left, self.rate) if row.planned and not self.ended else None,
            created=row.created,
            finished=row.finished,
            reason=row.reason or (reason if not self.ended else ""),
            code=row.code,
            remedy=row.remedy,
            origin=row.spec.origin,
            connection=row.spec.connection.label,
            rank=self.rank,
            goodput=tuple(self._goodput),
            undoable=self.undoable,
            undoes=row.spec.undoes,
        )

    def state_now(self) -> JobState:
        """Return the state that follows from what its transfers are doing."""
        counts = self.counts
        if counts.of("queued"):
            return "running"
        if not self.row.planned and not self.row.code:
            return "planning"
        if counts.of("asking"):
            return "asking"
        if counts.of("paused"):
            return "paused"
        return "failed" if counts.of("failed") or self.row.code else "done"


def wants_more(job: Job) -> bool:
    """Tell whether more of a job's transfers should be taken from the journal."""
    starved = not job.small and job.waiting < MOST_WAITING
    return (job.waiting < LOW_WATER or starved) and not job.exhausted and not job.feeding


def summary(items: tuple[JobItem, ...]) -> tuple[str, str]:
    """Return in short what a job works on and where it goes: the only item, or the common folders."""
    if len(items) == 1:
        source, target = items[0].source, items[0].target
        return source or target, target if source and source != target else ""
    return _common([item.source or item.target for item in items]), _common([item.target for item in items])


def _common(paths: list[str]) -> str:
    first, last = min(paths), max(paths)
    size = next((at for at, (one, two) in enumerate(zip(first, last, strict=False)) if one != two), len(first))
    return first[: first.rfind("/", 0, size) + 1] if size < len(last) else first


def bucket_of(record: Record) -> str:
    """Return the bucket that a transfer talks to."""
    url: GsUrl = parse_gs_url(record.source if is_gs_url(record.source) else record.target)
    return url.bucket
