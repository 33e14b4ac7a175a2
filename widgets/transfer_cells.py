"""What stands in the cells of the Transfers view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from services.transfer.messages import JobView
from widgets import formats
from widgets.cells import Span, fit_spans
from widgets.columns import Placed
from widgets.symbols import Symbols
from widgets.transfer_rows import (
    ItemRow,
    JobRow,
    NoteRow,
    PendingRow,
    RowVerb,
    TransferRow,
    share,
    state_word,
    verbs_for,
    what,
)

STATE_KINDS: Final = {
    "running": "transfers-panel--running",
    "verifying": "transfers-panel--running",
    "done": "transfers-panel--done",
    "failed": "transfers-panel--failed",
    "decide": "transfers-panel--asking",
}
"""Component classes of states that mean something at a glance."""

_BAR: Final = 7
"""Cells of a bar."""

_ACTIONS_FROM: Final = 34
"""Cells that the column needs to have for words that can be clicked."""

SPARK: Final = 6
"""Cells of the line of goodput."""


def cell(row: TransferRow, placed: Placed, symbols: Symbols, *, acting: bool) -> Sequence[Span]:
    """Return what stands in a cell; `acting` rows name what can be done with them."""
    if isinstance(row, PendingRow):
        return [(f"    {symbols.ellipsis}", "virtual-tree--muted")] if placed.column.key == "what" else ()
    if isinstance(row, NoteRow):
        return ()
    key = placed.column.key
    if key == "state":
        return _state(row, symbols)
    if key == "what":
        return _what(row, placed.width, symbols, acting=acting)
    if key == "done":
        return _done(row, symbols)
    if key == "pace":
        values = row.job.goodput if isinstance(row, JobRow) and row.job.state == "running" else ()
        return [(sparkline(values, placed.width, symbols.spark), "transfers-panel--bar")]
    return [(number(row, key), "virtual-tree--muted")]


def verb_at(row: TransferRow, columns: Sequence[Placed], x: int) -> RowVerb | None:
    """Return the word for what can be done with a row that stands at cell `x`, if one does."""
    place = next((placed for placed in columns if placed.column.key == "what"), None)
    if place is None or place.width < _ACTIONS_FROM:
        return None
    end = place.x + place.width
    for verb in reversed(verbs_for(row)):
        if end - len(verb) <= x < end:
            return verb
        end -= len(verb) + 1
    return None


def _state(row: JobRow | ItemRow, symbols: Symbols) -> list[Span]:
    sign = "  "
    if isinstance(row, JobRow) and row.opened is not None:
        sign = f"{symbols.opened if row.opened else symbols.closed} "
    word = state_word(row)
    return [(sign, "virtual-tree--muted"), (word, STATE_KINDS.get(word, "virtual-tree--muted"))]


def _what(row: JobRow | ItemRow, width: int, symbols: Symbols, *, acting: bool) -> list[Span]:
    lead = "  " if isinstance(row, ItemRow) else ""
    verbs = verbs_for(row) if acting and width >= _ACTIONS_FROM else ()
    words: list[Span] = []
    for verb in verbs:
        kind = "virtual-tree--danger" if verb in ("cancel", "dismiss") else "virtual-tree--action"
        words += [(" ", ""), (verb, kind)]
    room = width - sum(cell_len(text) for text, _ in words)
    inline = isinstance(row, ItemRow) and row.behind
    text = what(row, room - len(lead) - (1 if words else 0), symbols, inline=inline)
    return [*fit_spans([(lead + text, "")], room, ellipsis=symbols.ellipsis), *words]


def _done(row: JobRow | ItemRow, symbols: Symbols) -> list[Span]:
    done, total, complete = share(row)
    if not complete and (not total or (not done and state_word(row) in ("queued", "planning"))):
        return []
    bar = formats.bar(done, total, _BAR, symbols.bar_full, symbols.bar_empty, complete=complete)
    kind = "transfers-panel--done" if complete else "transfers-panel--bar"
    return [(bar, kind), (f" {formats.percent(done, total, complete=complete):>3}%", "")]


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
