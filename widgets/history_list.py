"""Jobs that have ended, as a table: when, what, how much, how long, how fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.cells import cell_len

from services.names import display_name
from services.transfer.chronicle import PastJob, Totals
from widgets import formats
from widgets.cells import Span, cut_end, cut_middle, cut_start
from widgets.columns import Column, Placed
from widgets.symbols import UNICODE, Symbols
from widgets.virtual_tree import Look, VirtualTree

_NOTHING: Final = "Nothing was transferred in the last 30 days."
"""Stands where there is no job."""

_KINDS: Final = {"done": "history-list--done", "failed": "history-list--failed"}
"""Component classes of how a job ended."""


def totals_line(totals: Totals, symbols: Symbols) -> str:
    """Return what the jobs come to, in a line."""
    parts = [formats.count(totals.jobs, "job"), formats.count(totals.items, "item")]
    if totals.bytes:
        parts += [formats.size(totals.bytes), formats.rate(totals.rate)]
    if totals.failed:
        parts.append(f"{totals.failed:,} failed")
    return f" {symbols.dot} ".join(parts)


class HistoryList(VirtualTree):
    """The jobs of the last 30 days, newest first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"history-list--done", "history-list--failed"}
    LEFT_MARGIN: ClassVar[int] = 1
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("when", "When", 12, sortable=False),
        Column("what", "What", sortable=False),
        Column("state", "State", 9, from_width=60, sortable=False),
        Column("items", "Items", 9, "right", from_width=84, sortable=False),
        Column("size", "Size", 8, "right", sortable=False),
        Column("took", "Took", 9, "right", from_width=84, sortable=False),
        Column("rate", "Rate", 10, "right", from_width=50, sortable=False),
    )

    def __init__(self, *, symbols: Symbols = UNICODE, id: str | None = None, classes: str | None = None) -> None:
        """Make an empty list."""
        self._jobs: Sequence[PastJob] = ()
        self._now = 0.0
        super().__init__(symbols=symbols, id=id, classes=classes)

    def show(self, jobs: Sequence[PastJob], now: float) -> None:
        """Show jobs, with times as seen from `now` (seconds since the epoch)."""
        self._jobs, self._now = jobs, now
        self.rows_changed()

    def row_total(self) -> int:
        """Return how many lines there are."""
        return len(self._jobs) or 1

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return the line that stands where there is no job."""
        return None if self._jobs else [(f" {_NOTHING}", "virtual-tree--muted")]

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return what stands in a cell."""
        job, key = self._jobs[row], placed.column.key
        if key == "when":
            return [(formats.relative_time(job.finished, self._now), "virtual-tree--muted")]
        if key == "what":
            return [(self._what(job, placed.width), "")]
        if key == "state":
            return [(job.state, _KINDS.get(job.state, "virtual-tree--muted"))]
        return [(_number(job, key), "virtual-tree--muted")]

    def _what(self, job: PastJob, room: int) -> str:
        ellipsis = self.symbols.ellipsis
        source, target = display_name(job.source), display_name(job.target)
        arrow = f" {self.symbols.arrow} " if target else ""
        if cell_len(text := f"{job.action} {source}{arrow}{target}") <= room:
            return text
        name = display_name(job.source.rstrip("/").rpartition("/")[2] or job.source) if target else source
        head = f"{job.action} {cut_middle(name, max(8, room // 2), ellipsis)}{arrow}"
        return cut_end(head + cut_start(target, max(0, room - cell_len(head)), ellipsis), room, ellipsis)


def _number(job: PastJob, key: str) -> str:
    if key == "items":
        return f"{job.done:,}"
    if key == "size":
        return formats.size(job.bytes) if job.bytes else ""
    if key == "took":
        return formats.duration(job.seconds)
    return formats.rate(job.rate) if job.rate >= 1 else ""
