"""What the transfers panel is made of: jobs, their transfers, and notes on what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A line below a job or transfer: why it failed or waits, what to do about it, or how many are not listed."""

    subject: str
    """Id of the job or transfer."""
    kind: Literal["reason", "remedy", "more"]
    """What it says."""
    text: str
    """That, raw."""
    depth: int = 0
    """0 below a job, 1 below a transfer."""


TransferRow = JobRow | ItemRow | NoteRow
"""What a line of the panel shows."""

RowVerb = Verb | Literal["decide"]
"""What a person can do with a row."""


def subject_of(row: TransferRow) -> str:
    """Return the id of what a row is about: it stays the same while states change."""
    if isinstance(row, JobRow):
        return row.job.id
    return row.transfer.id if isinstance(row, ItemRow) else row.subject


def job_of(row: TransferRow) -> str:
    """Return the id of the job that a row belongs to."""
    return row.transfer.job if isinstance(row, ItemRow) else subject_of(row).partition(".")[0]


def opens_by_itself(job: JobView) -> bool:
    """Tell whether a job's transfers are shown unless somebody closed it: while it runs or needs a person."""
    return job.items > 1 and job.state in ("running", "asking", "failed")


def build_rows(
    jobs: Iterable[JobView], transfers: Mapping[str, Sequence[TransferView]], opened: Mapping[str, bool]
) -> list[TransferRow]:
    """Return the lines for jobs, newest first, with the transfers that are known of each (by its id)."""
    rows: list[TransferRow] = []
    for job in sorted(jobs, key=_job_order):
        items = transfers.get(job.id, ())
        several = job.items > 1
        is_open = opened.get(job.id, opens_by_itself(job)) if several else None
        rows.append(JobRow(job, is_open))
        shown = items if is_open else ()
        reason, remedy = job.reason, job.remedy
        if not reason and not several and items:
            reason, remedy = items[0].reason, items[0].remedy
        if reason and not any(item.reason for item in shown):
            rows += _notes(job.id, reason, remedy, 0)
        for item in shown:
            rows.append(ItemRow(item))
            if item.reason:
                rows += _notes(item.id, item.reason, item.remedy, 1)
        if is_open and job.items > len(items):
            rows.append(NoteRow(job.id, "more", f"{job.items - len(items):,} more"))
    return rows


def _notes(subject: str, reason: str, remedy: str, depth: int) -> list[NoteRow]:
    notes = [NoteRow(subject, "reason", reason, depth)]
    return [*notes, NoteRow(subject, "remedy", remedy, depth)] if remedy else notes


def _job_order(job: JobView) -> tuple[bool, float, str]:
    """Unfinished and failed jobs first, and the newest of them at the top."""
    return (job.state in ("done", "cancelled"), -job.created, job.id)


def verbs_for(row: TransferRow) -> tuple[RowVerb, ...]:
    """Return what can be done with a row, the most useful first."""
    if isinstance(row, NoteRow):
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


def what(row: JobRow | ItemRow, room: int, symbols: Symbols) -> str:
    """Return what is done with what, safe to be shown, in at most `room` cells: ends of paths tell most."""
    if isinstance(row, ItemRow):
        transfer = row.transfer
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
