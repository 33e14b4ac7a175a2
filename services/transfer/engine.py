"""The engine: takes commands, moves data, tells what became of it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

from services.connection import Connection
from services.errors import UsageError
from services.gcs.interface import Storage
from services.names import display_name, is_gs_url, parse_gs_url
from services.transfer import schema, window
from services.transfer.control import Controls
from services.transfer.core import Core, log
from services.transfer.facts import Subscription
from services.transfer.file_process import FileProcess
from services.transfer.gather import Gather
from services.transfer.job import Counts, Job
from services.transfer.journal import KEEP_FINISHED, KEEP_FINISHED_S, Journal, files_lock
from services.transfer.landings import Landings
from services.transfer.messages import (
    DEFAULT_TIMES,
    Answer,
    Command,
    Control,
    Items,
    JobItem,
    JobSpec,
    NoticeFact,
    Reorder,
    Reply,
    SetBandwidth,
    Snapshot,
    SnapshotQuery,
    Submit,
)
from services.transfer.meter import Bandwidth
from services.transfer.options import Options
from services.transfer.order import Order
from services.transfer.plan import check_no_loop
from services.transfer.planning import Planning
from services.transfer.run import Tools
from services.transfer.scheduler import Scheduler
from services.transfer.takeback import turned_round
from services.transfer.timetable import Timetable, parse_timetable

SAMPLE_S: Final = 0.5
"""Seconds between two samples of the rates, while anything runs."""

GRACE_S: Final = 1.5
"""Seconds that transfers get to stop when the engine closes, and background work and connections each as well."""

BANDWIDTH_KEY: Final = "bandwidth"
"""Setting in the journal: the limit of everything together."""


class Engine:
    """An engine in this process, with one journal: an `EngineClient`."""

    _keeps = True
    """Whether the journal stays when its jobs have ended."""

    def __init__(self, journal: Journal, options: Options) -> None:
        self._options = options
        self._disk = ThreadPoolExecutor(options.disk_threads, thread_name_prefix="pail-disk")
        self._readers = ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="pail-read")
        umask = current_umask()
        self._files = FileProcess(files_lock(journal.path), umask)
        brief, landings = Gather(self._disk, abreast=options.disk_threads), Landings(self._disk, umask, self._files)
        tools = Tools(journal, self._disk, self._readers, brief, landings, options, Bandwidth(), umask)
        self._core = Core(options, tools, keeps=self._keeps)
        self._scheduler = Scheduler(self._core)
        self._planning = Planning(self._core, self._scheduler)
        self._controls = Controls(self._core, self._scheduler, self._planning)
        self._order = Order(self._core, self._controls, self._scheduler)
        self._sampler: asyncio.Task[None] | None = None
        self._closed = False
        self.refused: set[Path] = set()
        """Journals that could not be adopted: another version's."""

    @classmethod
    async def open(cls, path: Path, options: Options | None = None) -> Self:
        """Open the journal at `path` and go on with what is unfinished in it.

        Raises `Busy` where another process has the journal, other `PailError` where it cannot be used.
        """
        engine = cls(await Journal.open(path), options or Options())
        try:
            await engine._recover()
        except BaseException:
            await engine.shut(remove=False)
            raise
        return engine

    @property
    def journal(self) -> Journal:
        """The journal."""
        return self._core.journal

    @property
    def unfinished(self) -> int:
        """How many jobs have not ended."""
        return sum(not job.ended for job in self._core.jobs.values())

    @property
    def open_transfers(self) -> int:
        """How many transfers of those jobs have not ended."""
        jobs = self._core.jobs.values()
        return sum(job.counts.of("queued", "asking", "paused") for job in jobs if not job.ended)

    @property
    def busy(self) -> bool:
        """Whether there is anything to do that needs nobody."""
        jobs = self._core.jobs.values()
        return (
            self._scheduler.busy
            or self._scheduler.halts.waiting
            or any(job.row.state in ("planning", "running") for job in jobs)
        )

    @property
    def bandwidth(self) -> Bandwidth:
        """The limit of all that moves here; it belongs to the event loop of this engine."""
        return self._core.tools.bandwidth

    def lend(self, connection: Connection, storage: Storage) -> None:
        """Have jobs on a connection use storage that is open already; it is closed with the engine."""
        self._core.line(connection).lend(storage)

    async def _recover(self) -> None:
        oldest = time.time() - KEEP_FINISHED_S
        rows: list[schema.JobRow] = []
        times = ""
        if not self.journal.empty:
            rows = await self.journal.call(lambda db: _prune(db, oldest))
            times = await self.journal.call(lambda db: schema.get_setting(db, BANDWIDTH_KEY))
            await self._order.load()
        self._core.tools.bandwidth.set_times(parse_timetable(times or self._options.bandwidth))
        if self.journal.moved_aside is not None:
            message = f"the journal could not be read and was put aside as {self.journal.moved_aside}"
            log.error("%s", message)
            self._core.facts.publish(NoticeFact(message, code="journal-broken"))
        for row in rows:
            await self.take_on(row)
        if rows:
            self.remove_parts()

    async def take_on(self, row: schema.JobRow) -> None:
        """Go on with a job that is in the journal."""
        number = row.id
        tallies, last = await self.journal.call(lambda db: (schema.tallies(db, number), schema.last_seq(db, number)))
        job = Job(row, Counts.of_tallies(tallies), self._options.small_limit)
        job.last_seq = last
        job.rank = self._order.rank_of(number)
        job.flags.recovered = True
        self._core.jobs[number] = job
        if row.spec.undoes:
            self._note_undone(row.spec)
        if job.ended:
            return
        if row.state == "cancelled":
            await self._controls.finish_cancel(job)
            return
        if row.state != "paused":
            row.state = "running" if job.counts.of("queued") else "planning"
        self._scheduler.halts.watch(job)
        if not row.planned and not row.code:
            self._planning.start(job, again=True)
        self._watch()
        self._scheduler.pump()
        self._scheduler.settle(job)

    def remove_parts(self) -> None:
        """Have removed, beside everything else, what ended uploads have left in buckets."""
        self._core.background(self._controls.remove_parts())

    async def submit(self, command: Command) -> Reply:
        """Take a command; it is journalled when this returns.  Raises `PailError` where it is refused."""
        if self._closed:
            raise UsageError("the engine is closed", remedy="Start again.")
        if isinstance(command, Submit):
            return Reply(id=await self._take(command.spec))
        if isinstance(command, Control):
            return Reply(affected=await self._controls.control(command))
        if isinstance(command, Reorder):
            return Reply(affected=await self._order.reorder(command))
        if isinstance(command, Answer):
            return Reply(affected=await self._controls.answer(command))
        return await self._set_bandwidth(command)

    async def _set_bandwidth(self, command: SetBandwidth) -> Reply:
        kept = command.times or str(max(0, command.rate))
        if kept == DEFAULT_TIMES:
            kept = ""
        self._core.tools.bandwidth.set_times(checked_times(kept or self._options.bandwidth))
        await self.journal.call(lambda db: schema.set_setting(db, BANDWIDTH_KEY, kept))
        return Reply(affected=1)

    async def _take(self, spec: JobSpec) -> str:
        if spec.action == "undo":
            spec = self._undo_of(spec)
        check_spec(spec)
        self._watch()
        if spec.dry_run:
            return self._planning.rehearse(spec)
        number = await self._begin(spec)
        self._note_undone(spec)
        return number

    def _undo_of(self, spec: JobSpec) -> JobSpec:
        """Return the job that takes back another one: where that ran, and on what; raises `UsageError`."""
        undone = self._core.jobs.get(int(spec.undoes)) if spec.undoes.isdecimal() else None
        if undone is None or not undone.undoable:
            raise UsageError(
                "that job cannot be undone",
                remedy="It has not ended, was undone already, moved nothing in a bucket, or was taken off the list.",
            )
        done = undone.row.spec
        return spec._replace(connection=done.connection, items=turned_round(done.items), excludes=())

    def _note_undone(self, spec: JobSpec) -> None:
        undone = self._core.jobs.get(int(spec.undoes)) if spec.undoes.isdecimal() else None
        if undone is not None:
            undone.undone = True

    async def _begin(self, spec: JobSpec) -> str:
        row = schema.JobRow(0, spec, created=time.time())
        row.id = await self.journal.call(lambda db: schema.insert_job(db, row))
        job = Job(row, Counts(), self._options.small_limit)
        self._core.jobs[row.id] = job
        log.info("job %s: %s, %d items from %s", job.id, spec.action, len(spec.items), spec.origin or "somebody")
        self._planning.start(job)
        return job.id

    async def snapshot(self, query: SnapshotQuery | None = None) -> Snapshot:
        """Return the state of this moment."""
        query = query or SnapshotQuery()
        jobs = list(self._core.jobs.values())
        meant = window.chosen(jobs, query)
        live = window.running(meant)
        limit = max(0, min(query.limit, window.MOST_ROWS))
        shown = live[query.offset : query.offset + limit]
        if len(shown) < limit and meant:
            wanted = window.Window(meant, max(0, query.offset - len(live)), limit - len(shown))
            shown += await self.journal.call(wanted.read)
        allowed = self._core.tools.bandwidth
        return Snapshot(
            jobs=tuple(job.view(self._core.cause_of(job)) for job in jobs),
            transfers=tuple(shown[:limit]),
            total=window.total(meant),
            running=self._scheduler.running,
            rate=sum(job.rate for job in jobs),
            bandwidth=allowed.rate,
            bandwidth_times=allowed.times.text if allowed.times.changes else "",
            notice=self._core.notice,
            operations=self._core.operations,
        )

    def facts(self, *, items: Items = False) -> Subscription:
        """Yield facts from the call on, until the engine is closed; those about single items only if wanted."""
        return self._core.facts.subscribe(items=items)

    async def drain(self, limit_s: float) -> None:
        """Start nothing more, and let what runs end for a while."""
        self._core.closing = True
        for job in self._core.jobs.values():
            if job.planner is not None:
                job.planner.cancel()
        await self._scheduler.idle(limit_s)

    async def close(self) -> None:
        """Stop everything so that it can be resumed, and leave the journal; one without unfinished jobs is kept."""
        await self.shut(remove=False)

    async def shut(self, *, remove: bool) -> None:
        """Close; `remove` deletes a journal in which nothing is unfinished."""
        if self._closed:
            return
        self._closed = self._core.closing = True
        for job in self._core.jobs.values():
            if job.planner is not None:
                job.planner.cancel()
        if self._sampler is not None:
            self._sampler.cancel()
        await self._scheduler.stop_all(GRACE_S)
        await self._core.close(GRACE_S)
        self._core.facts.close()
        await self._end_files()
        await self.journal.close(remove=remove and not self.unfinished and not await self._has_parts())
        for threads in (self._disk, self._readers):
            threads.shutdown(wait=False, cancel_futures=True)

    async def _end_files(self) -> None:
        """Have the process for files end; one that does not is left to whoever takes over the journal."""
        if self._files.asked:
            ended = asyncio.get_running_loop().run_in_executor(self._disk, self._files.close)
            await asyncio.wait([ended], timeout=GRACE_S)

    async def _has_parts(self) -> bool:
        """Tell whether uploads may have left parts in a bucket."""
        if not any(job.uploads for job in self._core.jobs.values()):
            return False
        return bool(await self.journal.call(lambda db: schema.with_parts(db, 1)))

    def _watch(self) -> None:
        if self._sampler is None or self._sampler.done():
            self._sampler = asyncio.create_task(self._sample())

    async def _sample(self) -> None:
        while self.unfinished and not self._closed:
            for job in self._core.jobs.values():
                if job.active:
                    job.sample()
            await asyncio.sleep(SAMPLE_S)


def _prune(db: sqlite3.Connection, oldest: float) -> list[schema.JobRow]:
    """Forget finished jobs beyond what is kept, and return the others."""
    rows = schema.load_jobs(db)
    finished = [row for row in rows if row.finished is not None]
    gone = {row.id for row in finished[: max(0, len(finished) - KEEP_FINISHED)]}
    gone |= {row.id for row in finished if (row.finished or 0) < oldest}
    for number in gone:
        schema.delete_job(db, number)
    return [row for row in rows if row.id not in gone]


def current_umask() -> int:
    """Return the umask of this process; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def checked_times(text: str) -> Timetable:
    """Return a limit as somebody wrote it; raises `UsageError`."""
    try:
        return parse_timetable(text)
    except ValueError as error:
        shown = display_name(text[:40])
        raise UsageError(f"'{shown}' is not a limit of the bandwidth", remedy=f"Write {error}.") from error


def check_spec(spec: JobSpec) -> None:
    """Raise `UsageError` where a job makes no sense as it was written."""
    if spec.bandwidth_times:
        checked_times(spec.bandwidth_times)
    if not spec.items:
        raise UsageError("there is nothing to do", remedy="Name at least one source.")
    for item in spec.items:
        _check_item(spec, item)
    if spec.action == "delete-bucket" and (len(spec.items) != 1 or parse_gs_url(spec.items[0].source).name):
        raise UsageError("a job deletes one bucket", remedy="Name it as gs://BUCKET/, each in a job of its own.")


def _check_item(spec: JobSpec, item: JobItem) -> None:
    if spec.action == "undo":
        return  # what it works on has been checked when it was done
    remote = is_gs_url(item.source), is_gs_url(item.target)
    wanted = {
        "upload": ((False, True),),
        "download": ((True, False),),
        "copy": ((True, True),),
        "move": ((True, True), (False, True), (True, False)),
        "delete": ((True, False),),
        "make-folder": ((False, True),),
        "delete-bucket": ((True, False),),
        "restore": ((True, True),),
    }[spec.action]
    if (
        remote not in wanted
        or (spec.action == "make-folder" and item.source)
        or (spec.action in ("delete", "delete-bucket") and item.target)
    ):
        raise UsageError(
            f"cannot {spec.action} {display_name(item.source)} to {display_name(item.target)}",
            remedy="Storage is written as gs://BUCKET/NAME, anything else is a local path.",
        )
    for path in (item.source, item.target):
        if is_gs_url(path):
            if not parse_gs_url(path).bucket:
                raise UsageError(f"{display_name(path)} names no bucket", remedy="Write it as gs://BUCKET/NAME.")
        elif path and not path.startswith("/"):
            raise UsageError(f"{display_name(path)} is not an absolute path", remedy="Give the whole path.")
    if spec.action == "restore":
        if item.source != item.target:
            raise UsageError("what is restored gets the name that it had", remedy="Restore it, then move it.")
    elif not item.tree and item.source == item.target:
        raise UsageError(f"{display_name(item.source)} cannot go onto itself", remedy="Choose another target.")
    if item.tree and spec.action in ("copy", "move"):
        check_no_loop(item)
