"""A transfer while it runs: its record, its tools, and what only lives as long as it runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from services.errors import PailError, SourceChanged
from services.gcs.interface import DataPlane
from services.names import display_name, is_gs_url
from services.transfer.gather import Gather
from services.transfer.journal import Journal
from services.transfer.landings import Landings
from services.transfer.line import Line, Patience
from services.transfer.messages import ConflictPolicy, JobSpec, TransferView
from services.transfer.meter import Bandwidth, Meter, eta
from services.transfer.options import Options
from services.transfer.reading import Content
from services.transfer.record import EXISTS, Record

Result = TypeVar("Result")

Intent = Literal["", "pause", "cancel", "stop", "drop"]
"""Why a running transfer was stopped: by a person, or because the engine closes or the job pauses (`stop`)."""


GONE: Final = "gone"
"""`TransferView.code` of an object that was listed and is not there any more."""


def _nothing() -> None:
    return None


class Skipped(Exception):
    """The policy leaves this target alone, or there is nothing to do; `code` is the stable word of that."""

    def __init__(self, why: str, code: str = EXISTS) -> None:
        super().__init__(why)
        self.code = code


class Asking(Exception):
    """Somebody has to decide about an existing target, which was seen as `seen`."""

    def __init__(self, seen: str) -> None:
        super().__init__(seen)
        self.seen = seen


async def completed(future: asyncio.Future[Result]) -> Result:
    """Return what a future gets; when cancelled, wait for its end all the same.

    So nothing is closed or deleted while a thread still uses it.
    """
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await asyncio.wait([future])
        raise


@dataclass(slots=True, eq=False, repr=False)
class JobFlags:
    """What the transfers of one job learn from one another."""

    bandwidth: Bandwidth
    """The job's own limit."""
    answer: ConflictPolicy | None = None
    """What a person decided for all conflicts of the job."""
    look_first: bool = False
    """A target existed: look before the bytes move, instead of moving them to be refused."""
    list_again: bool = False
    """Something that was listed is not there: the list may have been damaged, and is fetched once more at the end."""
    recovered: bool = False
    """The job comes from an earlier process: what it did last may have been done without being noted."""
    no_folders: bool = False
    """There was no real folder in its sources when they were listed: none of them has to be cleared away."""


@dataclass(slots=True, eq=False, repr=False)
class Tools:
    """What all transfers of an engine share."""

    journal: Journal
    """The journal."""
    disk: Executor
    """Threads for local files."""
    readers: Executor
    """As many threads as cores, for what is read and hashed in bulk: more would only hold more memory."""
    brief: Gather
    """The same threads, for brief work: many pieces for one turn."""
    landings: Landings
    """Small downloads on their way to the disk."""
    options: Options
    """Times, sizes and numbers."""
    bandwidth: Bandwidth
    """The limit of everything together."""
    umask: int
    """Permission bits that new files do not get."""

    async def on_disk(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Run a blocking function on a disk thread; when cancelled, wait for its end all the same."""
        return await completed(asyncio.get_running_loop().run_in_executor(self.disk, function, *arguments))

    def later(self, function: Callable[[], object]) -> None:
        """Run a blocking clean-up on a disk thread, without waiting for it."""
        with contextlib.suppress(RuntimeError):
            self.disk.submit(function)


@dataclass(slots=True, eq=False, repr=False)
class Run:
    """One transfer that is being carried out."""

    record: Record
    """What the journal keeps."""
    spec: JobSpec
    """The job."""
    flags: JobFlags
    """What the job's transfers share."""
    tools: Tools
    """What all transfers share."""
    line: Line
    """The connection."""
    counted: int
    """Bytes that the job's counts hold for it."""
    moved: int = 0
    """Bytes moved so far; a plain number that is sampled."""
    verifying: bool = False
    """All bytes have moved and are being checked."""
    unsure: bool = False
    """An answer was lost: what was asked for may have been done."""
    progressed: bool = False
    """Bytes were confirmed since the last failure."""
    waiting: str = ""
    """Why it waits just now."""
    intent: Intent = ""
    """Why it is being stopped."""
    ashore: Callable[[], None] = _nothing
    """Called once nothing more is asked of the service: somebody else may, while this one waits for the disk."""
    fetched: bytes | None = None
    """All bytes of a small object, verified, where a lane has fetched them and they did not get their name."""
    taken: Content | None = None
    """The file, where a lane has read it."""
    fault: PailError | None = None
    """What a lane met when it fetched or sent the object: that was the first try."""
    _patience: Patience | None = None
    _meter: Meter | None = None

    @property
    def policy(self) -> ConflictPolicy:
        """What to do where the target exists: decided for this one, for the job, or asked for at the beginning."""
        decided = self.record.decision
        if decided in ("replace", "keep-both", "skip"):
            return decided  # type: ignore[return-value]  # narrowed by the line above
        return self.flags.answer or self.spec.conflict

    @property
    def listed(self) -> bool:
        """Whether its source comes from the listing of a prefix, instead of having been named."""
        return any(item.tree and self.record.source.startswith(item.source) for item in self.spec.items)

    @property
    def doubtful(self) -> bool:
        """Whether what is found at the target may be this transfer's own work."""
        return self.unsure or self.flags.recovered or self.record.attempt > 1

    @property
    def kept(self) -> int:
        """Bytes that a later try need not move again; of an upload in one request none are."""
        at_once = not is_gs_url(self.record.source) and self.record.size <= self.tools.options.small_limit
        return 0 if at_once else self.moved

    @property
    def most_corrupt(self) -> int:
        """Times that wrong bytes are fetched or sent again."""
        options = self.tools.options
        return options.max_corrupt_small if self.record.size <= options.small_limit else options.max_corrupt

    @property
    def meter(self) -> Meter:
        """Its rate: most transfers have ended before anybody asks."""
        if self._meter is None:
            self._meter = Meter()
        return self._meter

    @property
    def limited(self) -> bool:
        """Whether bytes may only move so fast."""
        return bool(self.tools.bandwidth.rate or self.flags.bandwidth.rate)

    async def data(self) -> DataPlane:
        """Return the data plane."""
        return self.line.opened or await self.line.data()

    async def disk(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Run a blocking function on a disk thread."""
        return await self.tools.on_disk(function, *arguments)

    async def in_bulk(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Read and hash much of a file on a thread for that; when cancelled, wait for its end all the same."""
        return await completed(self.ahead(function, *arguments))

    def ahead(self, function: Callable[..., Result], *arguments: Any) -> asyncio.Future[Result]:
        """Have a thread read and hash much of a file from now on.

        A task would begin with it only at its turn, and sending may leave none for as long as reading takes.
        """
        return asyncio.get_running_loop().run_in_executor(self.tools.readers, function, *arguments)

    async def brief(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Run a blocking function that is over at once (a look, a small file) on a disk thread, along with others."""
        result: Result = await self.tools.brief.add(function, *arguments)
        return result

    async def save(self) -> None:
        """Return once the record is durable as it stands."""
        await self.tools.journal.write(self.record)

    async def throttle(self, count: int) -> None:
        """Wait until `count` bytes may move."""
        await self.tools.bandwidth.take(count, self.record.key)
        await self.flags.bandwidth.take(count, self.record.key)

    def patience(self) -> Patience:
        """Return the count of tries, one for the whole transfer: loops inside one another don't multiply them."""
        if self._patience is None:
            self._patience = Patience(self.line, self.tools.options)
        return self._patience

    def sent(self, count: int) -> None:
        """Count bytes that were handed to the network."""
        self.moved = min(self.record.size, self.moved + count)

    def confirmed(self, count: int) -> None:
        """Note how many bytes are safe on the other side."""
        if count > 0:
            self.progressed = True
        self.moved = count
        self.line.worked()

    def failed_once(self, error: PailError) -> bool:
        """Count a try that failed, and tell whether it had made progress."""
        progressed, self.progressed = self.progressed, False
        self.record.attempt += 1
        self.waiting = error.message
        return progressed

    def view(self) -> TransferView:
        """Return what is shown of it."""
        rate = self.meter.sample(self.moved)
        shown = self.record.view("verifying" if self.verifying else "running", self.moved)
        return shown._replace(rate=rate, eta_s=eta(self.record.size - self.moved, rate), reason=self.waiting)


def source_changed(run: Run) -> SourceChanged:
    """Return the error for a file that is not what it was when it was opened."""
    return SourceChanged(f"{display_name(run.record.source)} changed while it was uploaded", url=run.record.source)
