"""What the transfers panel is made of: jobs, their transfers, and notes on what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from rich.cells import cell_len

from services.names import display_name
from services.transfer.messages import JobState, JobView, TransferState, TransferView, Verb
from widgets.cells import cut_end, cut_middle, cut_start
from widgets.symbols import Symbols

UNFINISHED: Final[frozenset[JobState | TransferState]] = frozenset(
    {"queued", "planning", "running", "paused", "asking", "verifying"}
)
"""States from which work can still go on."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """The line of a job."""

    job: JobView
    """The job."""
    opened: bool | None
    """Whether its transfers are shown; None where there are none to show."""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """The line of one object moving."""

    transfer: TransferView
    """The transfer."""
    behind: bool = False
    """It is one of many behind the first ones: it has no lines below it, so its reason stands in its own."""


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A line below a job or transfer: why it failed or waits, what to do about it, or how many are not listed."""

    subject: str
    """Id of the job or transfer."""
    kind: Literal["reason", "remedy", "more", "nothing"]
    """What it says."""
    text: str
    """That, raw."""
    depth: int = 0
    """0 below a job, 1 below a transfer."""


@dataclass(frozen=True, slots=True)
class PendingRow:
    """The line of a transfer that has not been asked for yet."""

    job: str
    """Id of its job."""
    index: int
    """Which one of the job's."""


TransferRow = JobRow | ItemRow | NoteRow | PendingRow
"""What a line of the panel shows."""

RowVerb = Verb | Literal["decide", "move"]
"""What a person can do with a row; `move`: to another place in the queue."""


def subject_of(row: TransferRow) -> str:
    """Return the id of what a row is about: it stays the same while states change."""
    if isinstance(row, JobRow):
        return row.job.id
    if isinstance(row, PendingRow):
        return f"{row.job}.?{row.index}"
    return row.transfer.id if isinstance(row, ItemRow) else row.subject


def job_of(row: TransferRow) -> str:
    """Return the id of the job that a row belongs to."""
    return row.transfer.job if isinstance(row, ItemRow) else subject_of(row).partition(".")[0]


def opens_by_itself(job: JobView) -> bool:
    """Tell whether a job's transfers are shown unless somebody closed it: while it runs or needs a person."""
    return job.items > 1 and job.state in ("running", "asking", "failed")


def job_order(job: JobView) -> tuple[bool, int, float, str]:
    """Unfinished and failed jobs first; of them those that were moved up, then the newest."""
    over = job.state not in UNFINISHED
    return (job.state in ("done", "cancelled"), 0 if over else -job.rank, -job.created, job.id)


def is_movable(row: TransferRow) -> bool:
    """Tell whether a row has a place in the queue: a job that goes on, or a transfer that waits for its turn."""
    if isinstance(row, JobRow):
        return row.job.state in UNFINISHED
    if not isinstance(row, ItemRow):
        return False
    return row.transfer.state in ("queued", "paused") and not _is_open_conflict(row.transfer)


def verbs_for(row: TransferRow) -> tuple[RowVerb, ...]:
    """Return what can be done with a row, the most useful first."""
    if isinstance(row, NoteRow | PendingRow):
        return ()
    subject = row.job if isinstance(row, JobRow) else row.transfer
    if subject.state == "asking" or (isinstance(subject, TransferView) and _is_open_conflict(subject)):
        return ("decide", "cancel")
    if subject.state == "paused":
        return ("resume", "cancel")
    if subject.state in UNFINISHED:
        return ("pause", "cancel")
    if subject.state == "failed" or (subject.state == "cancelled" and isinstance(subject, TransferView)):
        return ("retry", "dismiss") if isinstance(subject, JobView) else ("retry",)
    return ("dismiss",) if isinstance(subject, JobView) else ()


def _is_open_conflict(transfer: TransferView) -> bool:
    return transfer.code == "exists" and transfer.state in UNFINISHED


def state_word(row: JobRow | ItemRow) -> str:
    """Return the state as a person says it."""
    if isinstance(row, ItemRow):
        return "decide" if _is_open_conflict(row.transfer) else row.transfer.state
    if row.job.state == "asking":
        return "decide"
    return "planning" if row.job.state == "running" and not row.job.planned and not row.job.items else row.job.state


def what(row: JobRow | ItemRow, room: int, symbols: Symbols, *, inline: bool = False) -> str:
    """Return what is done with what, safe to be shown, in at most `room` cells: ends of paths tell most.

    With `inline` the reason follows, for rows that have no lines below them.
    """
    if isinstance(row, ItemRow):
        transfer = row.transfer
        if inline and transfer.reason:
            name = what(row, max(8, room // 2), symbols)
            return cut_end(f"{name} {symbols.none} {display_name(transfer.reason)}", room, symbols.ellipsis)
        at_source = transfer.action in ("upload", "delete", "delete-bucket", "skip")
        return cut_middle(
            _last(transfer.source if at_source else transfer.target or transfer.source), room, symbols.ellipsis
        )
    job = row.job
    source, target = display_name(job.source), display_name(job.target)
    arrow = f" {symbols.arrow} " if target else ""
    action = job.action.replace("-", " ")
    text = f"{action} {source}{arrow}{target}"
    if cell_len(text) <= room:
        return text
    head = f"{action} {cut_middle(_last(job.source), max(8, room // 3), symbols.ellipsis)}{arrow}"
    return cut_end(head + cut_start(target, max(0, room - cell_len(head)), symbols.ellipsis), room, symbols.ellipsis)


def _last(path: str) -> str:
    """Return the last segment of a path or URL, safe to be shown."""
    return display_name(path.rstrip("/").rpartition("/")[2] or path)


def share(row: JobRow | ItemRow) -> tuple[int, int, bool]:
    """Return how much is done of how much, and whether it is complete (verified)."""
    subject = row.job if isinstance(row, JobRow) else row.transfer
    complete = subject.state == "done"
    if isinstance(subject, JobView) and not subject.size:
        return subject.done, subject.items, complete
    return subject.bytes, subject.size, complete
