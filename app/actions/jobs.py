"""What can be done with transfers: pause, resume, cancel, retry, dismiss, and what their ends say."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from app.desk import Desk
from app.done_words import DONE
from app.screens.code import CodeScreen
from app.screens.dialog import PromptDialog, shown
from app.screens.history import HistoryScreen
from services.as_command import as_commands
from services.paths import state_dir
from services.transfer.chronicle import recall
from services.transfer.messages import Control, JobView, Place, Reorder, SetBandwidth, Verb
from services.transfer.timetable import parse_timetable
from widgets import formats

LONG_S: Final = 3.0
"""Seconds that a job has to last before its good end is announced: nobody needs to hear of what they just saw."""

NOT_SEEN: Final = ("restore", "undo")
"""Jobs whose end is always told: what came of them may not be on the screen."""

VERBS: Final = {**DONE, "delete-bucket": "Deleted the bucket", "undo": "Took back"}
"""What a job did, in the past tense."""


class JobActions:
    """Controls transfers and tells of their ends."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def do_clear_ended(self) -> None:
        """Take all that has ended off the list."""
        await self._desk.run(Control("dismiss"))

    async def do_as_command(self) -> None:
        """Show the command that does what was done last."""
        desk = self._desk
        spec = desk.last_job
        if spec is None:
            desk.tell("Nothing was transferred, moved or deleted yet.")
            return
        what = f"{len(spec.items):,} commands" if len(spec.items) > 1 else spec.action.replace("-", " ")
        await desk.ask(CodeScreen("The same as a command", what, as_commands(spec), desk.symbols))

    async def do_limit_bandwidth(self) -> None:
        """Ask for a limit, and have it kept to at once."""
        seen = self._desk.bridge.snapshot

        def check(text: str) -> str:
            try:
                parse_timetable(text)
            except ValueError as error:
                return f"write {error}"
            return ""

        async def apply(text: str) -> None:
            await self._desk.run(SetBandwidth(times=text))

        await self._desk.ask(
            PromptDialog(
                "Limit the bandwidth",
                value=seen.bandwidth_times or str(seen.bandwidth or "off"),
                placeholder="off",
                lines=(
                    "What everything together may move a second:",
                    "500K, 24M, off, or by the clock: 08:00,2M 18:00,off",
                ),
                check=check,
                note=limit_note,
                submit_label="Limit",
                apply=apply,
            )
        )

    async def do_plan(self) -> None:
        """Have the next job show its plan before it begins, or not."""
        desk = self._desk
        desk.plan_next = not desk.plan_next
        if desk.plan_next:
            desk.tell("The next upload, download, copy, move or delete shows its plan first: sizes, operations, cost.")
        else:
            desk.tell("The next job begins at once again.")

    async def do_history(self) -> None:
        """Show what was transferred in the last 30 days."""
        jobs = await asyncio.to_thread(recall, state_dir())
        await self._desk.ask(HistoryScreen(jobs, self._desk.surroundings.now(), self._desk.symbols))

    async def control(self, verb: Verb, target: str) -> None:
        """Have something done to a transfer or a job; raises `PailError`."""
        await self._desk.run(Control(verb, target))

    async def reorder(self, target: str, place: Place, other: str) -> None:
        """Have a job or a waiting transfer come earlier or later; raises `PailError`."""
        await self._desk.run(Reorder(target, place, other))

    def announce(self, job: JobView) -> None:
        """Say how a job ended, where a person would want to know; of a bucket's end its own actions tell."""
        if job.action == "delete-bucket":
            return
        lasted = (job.finished or 0.0) - job.created
        if job.state in ("done", "failed") and lasted >= self._desk.surroundings.reading.config.notify.after_s:
            words = "failed" if job.state == "failed" else f"took {formats.duration(lasted)}"
            self._desk.tell_terminal(f"{title_of(job)}: {words}")
        if job.state == "failed":
            why = f": {job.reason}" if job.reason else ""
            what = f"{formats.count(job.failed, 'item')} failed" if job.failed else "It failed"
            self._desk.tell(f"{title_of(job)}\n{what}{why}\nw shows it · R there tries again", bad=True)
        elif (
            job.state == "done"
            and job.finished is not None
            and (job.finished - job.created >= LONG_S or job.action in NOT_SEEN)
        ):
            size = f", {formats.size(job.size)}" if job.size else ""
            skipped = f", {job.skipped:,} skipped" if job.skipped else ""
            self._desk.tell(f"{title_of(job)}: {formats.count(job.done, 'item')}{size}{skipped}")


def limit_note(text: str) -> str:
    """Return what a limit means just now; a blank where it means nothing."""
    try:
        rate = parse_timetable(text).rate_at(datetime.now())
    except ValueError:
        return " "
    return f"now: {formats.rate(rate)}" if rate else "now: no limit"


def title_of(job: JobView) -> str:
    """Return what a job did, in one line."""
    return f"{VERBS[job.action]} {shown(job.source or job.target, 80)}"
