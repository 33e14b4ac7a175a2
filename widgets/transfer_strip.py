"""The strip: what is moving and what has failed, in one line, on every view; gone when there is nothing to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from textual.message import Message
from textual.reactive import var

from services.names import display_name
from services.transfer.messages import JobState, Snapshot
from widgets import formats
from widgets.span_line import Part, SpanLine, spread
from widgets.sync_rows import SyncSummary

_UNFINISHED: Final[frozenset[JobState]] = frozenset({"queued", "planning", "running", "paused", "asking"})
"""States of jobs that count for the bar."""

_BAR_FROM: Final = 48
"""Cells that the strip needs to have for a bar."""


@dataclass(frozen=True, slots=True)
class Moving:
    """What a snapshot comes to."""

    running: int = 0
    """Transfers that move, or jobs that are being planned."""
    waiting: int = 0
    """Jobs that are queued or paused."""
    asking: int = 0
    """Conflicts that wait for an answer."""
    failed: int = 0
    """Transfers that failed and were not dismissed."""
    done_bytes: int = 0
    """Bytes moved by unfinished jobs."""
    all_bytes: int = 0
    """Bytes of unfinished jobs."""
    rate: float = 0.0
    """Bytes a second."""
    limit: int = 0
    """Bytes a second that may move; 0 for no limit."""
    notice: str = ""
    """Why everything waits."""

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.running or self.waiting or self.asking or self.failed or self.notice)


def moving(snapshot: Snapshot) -> Moving:
    """Sum a snapshot up."""
    open_jobs = [job for job in snapshot.jobs if job.state in _UNFINISHED]
    planning = sum(job.state == "planning" for job in open_jobs)
    return Moving(
        running=snapshot.running or planning,
        waiting=sum(job.state in ("queued", "paused") for job in open_jobs),
        asking=sum(job.conflicts for job in open_jobs),
        failed=sum(max(job.failed, job.state == "failed") for job in snapshot.jobs),
        done_bytes=sum(job.bytes for job in open_jobs),
        all_bytes=sum(job.size for job in open_jobs),
        rate=snapshot.rate,
        limit=snapshot.bandwidth,
        notice=snapshot.notice,
    )


class TransferStrip(SpanLine[str]):
    """The line above the keys."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"transfer-strip--bar", "transfer-strip--failed", "transfer-strip--asking"}

    state: var[Moving] = var(Moving(), init=False)
    """What is shown."""
    sync: var[SyncSummary] = var(SyncSummary(), init=False)
    """What the pairs that are kept in step come to."""

    class SyncOpened(Message):
        """What is said of the pairs was clicked."""

    @dataclass
    class Opened(Message):
        """The strip was clicked: show the transfers."""

    def on_mount(self) -> None:
        """Say nothing at first."""
        self.display = not self.state.is_silent

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot; nothing is drawn where nothing changed."""
        self.state = moving(snapshot)

    def watch_state(self, state: Moving) -> None:
        """Appear, disappear, or draw the line anew."""
        self.display = not state.is_silent or self.sync.is_urgent
        self.refresh()

    def watch_sync(self) -> None:
        """Appear, disappear, or draw the line anew."""
        self.watch_state(self.state)

    def chosen(self, target: str) -> None:
        """Tell what was clicked."""
        self.post_message(self.SyncOpened() if target == "sync" else self.Opened())

    def parts(self, width: int) -> Sequence[Part[str]]:
        """Return what is moving, how far it is, how fast; what needs a person is never left out for that."""
        lead, extra, urgent = self._lead(), self._extra(width), self._urgent()
        while extra and _cells(lead, extra, urgent) >= width:
            extra.pop()
        said = [*lead, *(part for group in extra for part in group)]
        for part in urgent:
            said += [Part(f" {self.symbols.dot} ", "span-line--muted"), part] if said else [part]
        left = [Part(" "), *(part._replace(target="transfers") for part in said)]
        kinds = {"bad": "transfer-strip--failed", "asking": "transfer-strip--asking", "busy": "transfer-strip--bar"}
        kind = kinds.get(self.sync.tone, "span-line--muted")
        pairs = [Part(self.sync.text, kind, "sync")] if self.sync.text else []
        return spread(left, pairs, width) if said else [Part(" "), *pairs]

    def _lead(self) -> list[Part[str]]:
        if self.state.running:
            return [Part(f"{self.symbols.moving} {self.state.running:,} moving")]
        return [Part(f"{formats.count(self.state.waiting, 'job')} waiting")] if self.state.waiting else []

    def _extra(self, width: int) -> list[list[Part[str]]]:
        """Return what is good to know, the most useful first."""
        state, signs = self.state, self.symbols
        groups: list[list[Part[str]]] = []
        if state.all_bytes and (state.running or state.waiting):
            cells = 10 if width >= 100 else 8 if width >= _BAR_FROM else 0
            bar = formats.bar(state.done_bytes, state.all_bytes, cells, signs.bar_full, signs.bar_empty)
            percent = Part[str](f" {formats.percent(state.done_bytes, state.all_bytes)} %")
            groups.append([Part(f"  {bar}", "transfer-strip--bar"), percent] if cells else [percent])
        if state.running and state.rate >= 1:
            groups.append([Part(f"  {formats.rate(state.rate)}")])
            if state.all_bytes:
                left = (state.all_bytes - state.done_bytes) / state.rate
                groups.append([Part(f"  {formats.duration(left)} left")])
        if state.limit and (state.running or state.waiting):
            groups.append([Part(f"  limit {formats.rate(state.limit)}")])
        return groups

    def _urgent(self) -> list[Part[str]]:
        state = self.state
        parts: list[Part[str]] = []
        if state.failed:
            parts.append(Part(f"{state.failed:,} failed (w)", "transfer-strip--failed"))
        if state.asking:
            parts.append(Part(f"{state.asking:,} to decide (w)", "transfer-strip--asking"))
        if state.notice:
            parts.append(Part(display_name(state.notice), "transfer-strip--asking"))
        return parts


def _cells(lead: Sequence[Part[str]], extra: Sequence[Sequence[Part[str]]], urgent: Sequence[Part[str]]) -> int:
    """Return the cells that all of it takes, with a sign before each urgent part."""
    parts = [*lead, *(part for group in extra for part in group), *urgent]
    return 1 + sum(cell_len(part.text) for part in parts) + 3 * len(urgent)
