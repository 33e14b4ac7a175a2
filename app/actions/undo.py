"""Undoing: the engine takes back what a job has done, by its journal; here the last one is chosen and asked about."""

from __future__ import annotations

from typing import Final

from app.actions.jobs import title_of
from app.desk import Desk
from app.screens.dialog import ConfirmDialog
from services.transfer.messages import JobSpec, JobView, Submit
from services.transfer.takeback import REMOVES
from widgets import formats

ORIGIN: Final = "screen"
"""Who has to have asked for a job: what a command did is not undone by a key."""


class UndoActions:
    """Takes back what was done on a screen, the last job first; also what was done before this one was opened."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._opened = desk.surroundings.now()
        self._begun = ""
        self._was_possible = False

    @property
    def possible(self) -> bool:
        """Whether there is anything to undo."""
        return self._last is not None

    @property
    def _last(self) -> JobView | None:
        """What was done last over this connection and can be taken back."""
        desk = self._desk
        label = desk.session.connection.label if desk.is_connected else ""
        found = (
            job
            for job in desk.bridge.snapshot.jobs
            if job.undoable and job.origin == ORIGIN and job.connection == label and job.id != self._begun
        )
        return max(found, key=lambda job: (job.finished or 0.0, int(job.id)), default=None)

    def changed(self) -> bool:
        """Tell whether undoing has become possible or impossible since this was asked last."""
        before, self._was_possible = self._was_possible, self.possible
        return self._was_possible != before

    async def do_undo(self) -> None:
        """Undo what has ended last; ask where that deletes something, or where it was done long ago."""
        job, desk = self._last, self._desk
        if job is None:
            return
        if (job.action in REMOVES or job.created < self._opened) and not await desk.ask(self._question(job)):
            return
        self._begun = job.id
        spec = JobSpec("undo", desk.session.connection, (), conflict="ask", origin=ORIGIN, undoes=job.id)
        await desk.run(Submit(spec))
        desk.tell(f"Taking back: {title_of(job)}")
        desk.show_place()

    def _question(self, job: JobView) -> ConfirmDialog:
        now, zone = self._desk.surroundings.now(), self._desk.surroundings.zone
        when = formats.relative_time(job.finished or job.created, now, zone)
        done = formats.count(job.done - job.skipped, "object")
        size = f", {formats.size(job.size)}" if job.size else ""
        lines = [f"{title_of(job)}: {done}{size}, {when}."]
        if job.action in REMOVES:
            lines.append("What was made is deleted again, and what was replaced comes back. What changed since stays.")
        return ConfirmDialog("Undo the last job?", tuple(lines), go="Undo", danger=job.action in REMOVES)
