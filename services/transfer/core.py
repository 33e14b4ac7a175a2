"""What the parts of an engine share: its jobs, connections, listeners and tools."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine
from copy import copy
from typing import Any, Final, TypeVar

from services.connection import Connection
from services.errors import DiskFull, NotAuthenticated, PailError
from services.names import display_name
from services.transfer import schema
from services.transfer.chronicle import remember
from services.transfer.facts import FactBoard
from services.transfer.job import Job
from services.transfer.journal import Journal
from services.transfer.line import Line
from services.transfer.messages import JobFact, JobView, NoticeFact
from services.transfer.options import Options
from services.transfer.run import Tools

Result = TypeVar("Result")

log: Final = logging.getLogger("pail.engine")
"""The engine's log: names through `display_name`, no secrets."""


class Core:
    """The state of one engine; all of it belongs to one event loop."""

    def __init__(self, options: Options, tools: Tools, *, keeps: bool = True) -> None:
        self.options = options
        self.keeps = keeps
        """Whether the journal stays when its jobs have ended."""
        self.tools = tools
        self.facts = FactBoard()
        self.jobs: dict[int, Job] = {}
        """Jobs by number, oldest first."""
        self.stuck = ""
        """Why the journal cannot be written, if it cannot."""
        self.closing = False
        """Nothing is started any more."""
        self._lines: dict[Connection, Line] = {}
        self._background: set[asyncio.Task[Any]] = set()

    @property
    def journal(self) -> Journal:
        """The journal."""
        return self.tools.journal

    def line(self, connection: Connection) -> Line:
        """Return the line of a connection."""
        if connection not in self._lines:
            self._lines[connection] = Line(connection, self.options, self._announce)
        return self._lines[connection]

    def line_of(self, job: Job) -> Line:
        """Return the line of a job's connection."""
        if job.line is None:
            job.line = self.line(job.row.spec.connection)
        return job.line

    def _announce(self, label: str, cause: PailError | None) -> None:
        label = display_name(label)
        if cause is None:
            log.info("%s works again", label)
            self.facts.publish(NoticeFact(f"{label} works again; going on", code="back"))
            return
        log.warning("everything on %s waits: %s", label, cause.message)
        self.facts.publish(NoticeFact(_why(cause), remedy=cause.remedy, code=cause.reason))

    @property
    def notice(self) -> str:
        """Why everything waits, if it does."""
        if self.stuck:
            return f"everything waits: {self.stuck}"
        for job in self.jobs.values():
            cause = self._lines[job.row.spec.connection].cause if job.row.spec.connection in self._lines else None
            if cause is not None and not job.ended:
                return _why(cause)
        return ""

    def cause_of(self, job: Job) -> str:
        """Return why a job's connection waits, if it does."""
        line = self._lines.get(job.row.spec.connection)
        return _why(line.cause) if line is not None and line.cause is not None else ""

    @property
    def operations(self) -> tuple[tuple[str, int], ...]:
        """Requests on all connections since the engine began, by method."""
        counts: Counter[str] = Counter()
        for line in self._lines.values():
            counts.update(line.operations)
        return tuple(sorted(counts.items()))

    async def save(self, job: Job) -> None:
        """Return once a job is durable as it stands."""
        row = copy(job.row)
        # A job in the journal may be behind its transfers; it has ended before them only where nobody looks at them:
        # where the journal goes with it, and nothing can be left of them in a bucket.
        alone = not job.ended or not (self.keeps or job.uploads)
        await self.patiently(lambda db: schema.update_job(db, row), alone=alone)

    async def patiently(self, function: Callable[[sqlite3.Connection], Result], *, alone: bool = False) -> Result:
        """Have the journal do something; while its disk is full, wait for room, as long as for a lost network."""
        waited, patience = 0.0, self.options.patience_s
        while True:
            try:
                result = await self.journal.call(function, alone=alone)
            except DiskFull as error:
                if self.closing or (patience is not None and waited >= patience):
                    raise
                if not self.stuck:
                    log.warning("%s", error.message)
                    self.facts.publish(NoticeFact(error.message, remedy=error.remedy, code=error.reason))
                self.stuck = error.message
                await asyncio.sleep(self.options.disk_probe_s)
                waited += self.options.disk_probe_s
            else:
                self.stuck = ""
                return result

    async def recount(self, job: Job) -> None:
        """Take the counts of a job from the journal, after many transfers were changed there at once."""
        number = job.row.id
        await job.recount(lambda: self.journal.call(lambda db: schema.tallies(db, number)))

    def publish_end(self, job: Job) -> None:
        """Tell that a job has ended, and note it for the history."""
        view = job.view()
        self.facts.publish(JobFact(view))
        self.background(self._remember(view))

    async def _remember(self, view: JobView) -> None:
        try:
            await self.tools.on_disk(remember, self.journal.path.parent.parent, view)
        except (OSError, sqlite3.Error, PailError) as error:
            log.warning("job %s could not be noted in the history: %s", view.id, error)

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside everything else; what fails in it is logged."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("internal error", exc_info=error)

    async def close(self, grace_s: float) -> None:
        """End what runs in the background and close the connections."""
        waiting = set(self._background)
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=grace_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=grace_s)
        for line in self._lines.values():
            try:
                async with asyncio.timeout(grace_s):
                    await line.close()
            except TimeoutError:
                log.warning("a connection did not close in time")


def _why(cause: PailError) -> str:
    if isinstance(cause, NotAuthenticated):
        return f"the credentials are refused, everything waits: {cause.message}"
    return f"no connection, everything waits: {cause.message}"
