"""What a bucket holds and costs: the count runs here, and what it comes to goes to the usage view."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable
from typing import Final

from app.actions.places import PlaceActions
from app.desk import Desk
from app.screens.dialog import ConfirmDialog, shown
from services.errors import PailError
from services.multipart import Unfinished, abort_unfinished, survey
from services.names import is_gs_url, parse_gs_url
from services.operations import WorkerOperations
from services.transfer.messages import Snapshot, TransferView
from services.usage_report import Survey, UsageReport
from services.words import DAY_S
from widgets import formats
from widgets.object_rows import Entry, holder_of
from widgets.usage_panel import UsagePanel
from widgets.usage_rows import UsageState

QUICK: Final = 20_000
"""Objects of a bucket that is counted anew by itself once something in it has changed: some tens of requests."""

REST: Final = 20.0
"""Showing a growing count that took long (many folders side by side) is followed by a rest that many times as long."""

UNDER_WAY_S: Final = DAY_S
"""Unfinished uploads younger than that may still be under way; they are only aborted where there are no older ones."""


class UsageActions:
    """Counts one bucket at a time for the usage view."""

    def __init__(self, desk: Desk, places: PlaceActions, panel: UsagePanel) -> None:
        self._desk = desk
        self._places = places
        self._panel = panel
        self._survey: Survey | None = None
        self._task: asyncio.Task[None] | None = None
        self._state = UsageState()
        self._changed = False
        self._behind: UsageReport | None = None
        self._worker = WorkerOperations()

    @property
    def counting(self) -> bool:
        """Whether a count is under way."""
        return self._task is not None

    def do_view_usage(self) -> None:
        """Show the usage."""
        self._desk.show_view("usage")

    def shown(self) -> None:
        """Take note that the view is shown: what is known of the bucket is shown, else it is counted."""
        if self._survey is None and self._desk.place.bucket:
            self._survey = self._new_survey()
            self._begin(recall=True)
        else:
            self._show()

    def recount(self) -> None:
        """Count anew, or go on with a count that did not come to its end."""
        if self._task is not None or not self._desk.place.bucket:
            return
        if self._survey is None or self._survey.report().usage.complete:
            self._survey = self._new_survey()
        self._begin(recall=False)

    def _recount_quietly(self) -> None:
        """Count anew behind what is shown, which is replaced once the new count is complete."""
        if self._task is None and self._survey is not None:
            self._behind = self._survey.report()
            self._survey = self._new_survey()
            self._begin(recall=False)

    def cancel(self) -> None:
        """End the count; what was counted stays, and can be gone on with."""
        if self._task is not None:
            self._task.cancel()

    def leave(self) -> None:
        """Forget the count: another bucket or connection is opened."""
        self.cancel()
        self._task = self._survey = self._behind = None
        self._changed = False
        self._state = UsageState()
        self._panel.show(self._state)

    def _new_survey(self) -> Survey:
        desk = self._desk
        connection = desk.session.connection
        table = desk.surroundings.reading.config.price_table(replit=connection.credentials.kind == "replit")
        around = desk.surroundings
        return Survey(connection, desk.session.storage, desk.place.bucket, table=table, now=around.now)

    def _begin(self, *, recall: bool) -> None:
        assert self._survey is not None
        self._state, self._changed = UsageState(), False
        self._task = asyncio.create_task(self._run(self._survey, recall=recall), name="usage")
        self._show()

    async def _run(self, found: Survey, *, recall: bool) -> None:
        sampler = asyncio.create_task(self._sample())
        problem = remedy = ""
        try:
            await found.look()
            if not (recall and await found.recall()):
                await found.count()
            self._show()
            await found.uploads()
        except PailError as error:
            problem, remedy = error.message, error.remedy
        finally:
            sampler.cancel()
            if found is self._survey:
                self._task = self._behind = None
                self._state = UsageState(problem=problem, remedy=remedy)
                self._show()

    async def _sample(self) -> None:
        took = 0.0
        while True:
            await asyncio.sleep(max(self._desk.surroundings.line.sample_s, took * REST))
            began = time.perf_counter()
            self._show()
            took = time.perf_counter() - began

    def _show(self) -> None:
        desk, found, old = self._desk, self._survey, self._state
        report = found.report() if found is not None and found.begun else None
        if self._behind is not None and not (report is not None and report.usage.complete):
            report = self._behind
        own = desk.session.storage.operations.counts() if desk.is_connected else None
        self._state = UsageState(
            report,
            self._task is not None,
            self._changed,
            self._worker.with_own(own) if own is not None else None,
            old.problem,
            old.remedy,
        )
        self._panel.show(self._state)
        desk.show_keys()

    # What happens elsewhere

    def sampled(self, snapshot: Snapshot, *, visible: bool) -> None:
        """Take note of what the worker has asked of the service."""
        self._worker.note(dict(snapshot.operations))
        if visible and self._task is None and self._panel.section == "session":
            self._show()

    def touched(self, transfers: Iterable[TransferView]) -> None:
        """Take note of objects that were written or removed since the count."""
        bucket = self._desk.place.bucket
        urls = [url for transfer in transfers for url in (transfer.source, transfer.target) if is_gs_url(url)]
        if self._survey is not None and any(parse_gs_url(url).bucket == bucket for url in urls):
            self._changed = True

    def ended(self, *, visible: bool) -> None:
        """Take note of the end of a job: a bucket that is counted quickly is counted again, others are marked."""
        if not visible or not self._changed or self._survey is None:
            return
        if self._survey.report().usage.amount().objects <= QUICK:
            self._recount_quietly()
        else:
            self._show()

    # What can be done

    def open(self, entry: Entry) -> None:
        """Show an object in its folder, with the cursor on it."""
        self._desk.show_view("objects")
        self._places.go(holder_of(entry.name), focus_on=entry)

    async def do_usage_page(self) -> None:
        """Copy the address of the page that shows what is really billed."""
        table = self._new_survey().report().table
        self._desk.copy(table.usage_page, "the address")

    async def do_abort_uploads(self) -> None:
        """Abort unfinished uploads, after a question that says what goes."""
        desk = self._desk
        bucket, data = desk.place.bucket, desk.session.storage.data
        now = desk.surroundings.now()
        before: float = now - UNDER_WAY_S
        doomed = await survey(data, bucket, before=before)
        young = not doomed.uploads
        if young:
            before = math.inf
            doomed = await survey(data, bucket)
        if not doomed.uploads:
            desk.tell(f"There is no unfinished upload in {shown(bucket)}.")
            return
        dialog = ConfirmDialog(
            f"Abort {formats.count(doomed.uploads, 'unfinished upload')}?",
            (f"gs://{shown(bucket)}", *_abort_lines(doomed, young=young)),
            go="Abort",
            danger=True,
        )
        if not await desk.ask(dialog):
            return
        key = f"abort {bucket}"
        desk.only_here[key] = f"{formats.count(doomed.uploads, 'unfinished upload')} being aborted"
        try:
            gone = await abort_unfinished(data, bucket, before=before)
        finally:
            del desk.only_here[key]
        desk.tell(f"Aborted {formats.count(gone, 'upload')}, {formats.size(doomed.size)}.")
        if self._survey is not None and desk.place.bucket == bucket:
            await self._survey.uploads()
            self._show()


def _abort_lines(doomed: Unfinished, *, young: bool) -> list[str]:
    """Return what goes, in words."""
    since = f", the oldest of {formats.date(doomed.oldest)}" if doomed.oldest is not None else ""
    more = f"; {doomed.unsized:,} more not measured" if doomed.unsized else ""
    lines = [f"{formats.size(doomed.size)}{since}{more}", "Their parts are deleted for good."]
    if young:
        lines.append("! All were begun within a day: whoever still sends one has to begin again.")
    else:
        lines.append("Those begun within the last day stay: they may be under way.")
    return lines
