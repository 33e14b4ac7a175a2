"""What stands in the cells of the Transfers view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.transfer.messages import JobView
from widgets import formats
from widgets.transfer_rows import ItemRow, JobRow

STATE_KINDS: Final = {
    "running": "transfers-panel--running",
    "verifying": "transfers-panel--running",
    "done": "transfers-panel--done",
    "failed": "transfers-panel--failed",
    "decide": "transfers-panel--asking",
}
"""Component classes of states that mean something at a glance."""


def number(row: JobRow | ItemRow, key: str) -> str:
    """Return a number of a job or transfer: `files`, `size`, `left` or `rate`; empty where it says nothing."""
    subject = row.job if isinstance(row, JobRow) else row.transfer
    if key == "files":
        return _files(row.job) if isinstance(row, JobRow) else _attempt(row)
    if key == "size":
        return formats.size(subject.size) if subject.size or subject.state == "done" else ""
    if key == "rate":
        if isinstance(subject, JobView) and subject.finished is not None and subject.finished > subject.created:
            return formats.rate(subject.bytes / (subject.finished - subject.created)) if subject.bytes else ""
        return formats.rate(subject.rate) if subject.state == "running" and subject.rate >= 1 else ""
    if isinstance(subject, JobView) and subject.finished is not None and subject.state == "done":
        return f"in {formats.duration(subject.finished - subject.created)}"
    running = subject.state == "running" and subject.eta_s is not None
    return formats.duration(subject.eta_s or 0.0) if running else ""


def _files(job: JobView) -> str:
    if job.items < 2:
        return ""
    return f"{job.items:,}" if job.done == job.items else f"{job.done:,} of {job.items:,}{'' if job.planned else '+'}"


def _attempt(row: ItemRow) -> str:
    return f"try {row.transfer.attempt}" if row.transfer.attempt > 1 else ""


def sparkline(values: Sequence[int], cells: int, levels: str) -> str:
    """Return the last values as signs of different height, the highest for the largest; empty without values."""
    shown = values[-cells:]
    most = max(shown, default=0)
    if most <= 0:
        return ""
    return "".join(levels[min(len(levels) - 1, value * len(levels) // most)] for value in shown)
