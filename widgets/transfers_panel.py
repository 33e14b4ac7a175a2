"""The Transfers view: every job and its transfers, how far they are, why they failed, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from services.names import display_name
from services.transfer.messages import JobView, Snapshot, SnapshotQuery, TransferView, Verb
from widgets import formats
from widgets.cells import Span, fit_spans
from widgets.columns import Column, Placed
from widgets.symbols import UNICODE, Symbols
from widgets.transfer_rows import (
    UNFINISHED,
    ItemRow,
    JobRow,
    NoteRow,
    RowVerb,
    TransferRow,
    build_rows,
    job_of,
    opens_by_itself,
    share,
    state_word,
    subject_of,
    verbs_for,
    what,
)
from widgets.virtual_tree import NO_ROW, Look, VirtualTree

_FIRST_LIMIT: Final = 100
"""Transfers that are asked for at first."""

_LAST_LIMIT: Final = 12_800
"""Transfers that are asked for at the most, when somebody scrolls that far."""

_BAR: Final = 7
"""Cells of a bar."""

_ACTIONS_FROM: Final = 34
"""Cells that the column needs to have for words that can be clicked."""


_NOTHING: Final = NoteRow("", "more", "Nothing is moving. Uploads and downloads of the Objects view appear here.")
"""Stands where there is no job."""


class TransfersPanel(VirtualTree):
    """A list of jobs that open in place; sampled, so `update` draws only the lines that changed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "transfers-panel--bar",
        "transfers-panel--done",
        "transfers-panel--failed",
        "transfers-panel--asking",
        "transfers-panel--running",
    }
    LEFT_MARGIN: ClassVar[int] = 1
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("state", "  State", 11, sortable=False),
        Column("what", "What", sortable=False),
        Column("files", "Files", 16, "right", from_width=132, sortable=False),
        Column("done", "Done", 12, from_width=56, sortable=False),
        Column("size", "Size", 8, "right", from_width=72, sortable=False),
        Column("left", "Left", 12, "right", from_width=84, sortable=False),
        Column("rate", "Rate", 10, "right", from_width=100, sortable=False),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "unfold", "Open", show=False, id="open_folder"),
        Binding("left,h", "fold", "Close", show=False, id="close_folder"),
        Binding("full_stop", "pause_or_resume", "Pause or resume", show=False, id="pause_or_resume"),
        Binding("X,delete,f8", "cancel_or_dismiss", "Cancel or dismiss", show=False, id="cancel_or_dismiss"),
        Binding("R", "retry", "Retry", show=False, id="retry"),
    ]

    @dataclass
    class VerbWanted(Message):
        """Something should be done to a job or a transfer."""

        verb: Verb
        """What."""
        target: str
        """Id of the job or the transfer."""

    @dataclass
    class DecisionWanted(Message):
        """The conflicts of a job should be decided."""

        job: str
        """Id of the job."""

    def __init__(self, *, symbols: Symbols = UNICODE, id: str | None = None, classes: str | None = None) -> None:
        """Make an empty panel."""
        self._rows: list[TransferRow] = [_NOTHING]
        self._jobs: tuple[JobView, ...] = ()
        self._transfers: dict[str, tuple[TransferView, ...]] = {}
        self._opened: dict[str, bool] = {}
        self._limit = _FIRST_LIMIT
        super().__init__(symbols=symbols, id=id, classes=classes)

    # Feeding

    @property
    def query_wanted(self) -> SnapshotQuery:
        """What the next snapshot should hold: the transfers of an open job that has ended, else of all unfinished."""
        row = self._cursor_row()
        job = next((job for job in self._jobs if row is not None and job.id == job_of(row)), None)
        ended = job is not None and job.state not in UNFINISHED and self._opened.get(job.id, opens_by_itself(job))
        return SnapshotQuery(job=job.id if job is not None and ended else "", limit=self._limit)

    def update(self, snapshot: Snapshot, query: SnapshotQuery | None = None) -> None:
        """Show a snapshot, and what `query` asked for of its transfers."""
        groups: dict[str, list[TransferView]] = {}
        for transfer in snapshot.transfers:
            groups.setdefault(transfer.job, []).append(transfer)
        asked = query.job if query else ""
        for job in snapshot.jobs:
            if job.id in groups or job.id == asked or (not asked and job.state in UNFINISHED):
                self._transfers[job.id] = tuple(groups.get(job.id, ()))
        known = {job.id for job in snapshot.jobs}
        self._transfers = {job: items for job, items in self._transfers.items() if job in known}
        self._opened = {job: opened for job, opened in self._opened.items() if job in known}
        self._jobs = snapshot.jobs
        self._rebuild()
        if self._more_in_sight():
            self._limit = min(self._limit * 2, _LAST_LIMIT)

    def _more_in_sight(self) -> bool:
        top = round(self.scroll_y)
        seen = self._rows[top : top + 2 * self.page_lines]
        return self._limit < _LAST_LIMIT and any(
            isinstance(row, NoteRow) and row.subject and row.kind == "more" for row in seen
        )

    def _rebuild(self) -> None:
        """Make the rows anew; the cursor stays on what it was on, and only lines that differ are drawn."""
        old, under = self._rows, self._cursor_row()
        self._rows = build_rows(self._jobs, self._transfers, self._opened) or [_NOTHING]
        same = len(old) == len(self._rows)
        if under is not None and not (same and subject_of(self._rows[self.cursor]) == subject_of(under)):
            place = self._place_of(subject_of(under))
            self.set_reactive(VirtualTree.cursor, max(0, min(self.cursor if place < 0 else place, len(self._rows) - 1)))
            same = False
        if not same:
            self.rows_changed()
            return
        top = round(self.scroll_y)
        for row in range(top, min(top + self.page_lines, len(old))):
            if old[row] != self._rows[row]:
                self.repaint_row(row)
        self.forget_lines()

    def _place_of(self, subject: str) -> int:
        found = (
            index for index, row in enumerate(self._rows) if not isinstance(row, NoteRow) and subject_of(row) == subject
        )
        return next(found, NO_ROW)

    def _cursor_row(self) -> TransferRow | None:
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    # Actions

    @property
    def cursor_verbs(self) -> tuple[RowVerb, ...]:
        """What can be done with the row of the cursor."""
        row = self._cursor_row()
        return verbs_for(row) if row is not None else ()

    def selectable(self, row: int) -> bool:
        """Tell whether a row is more than a note."""
        return not isinstance(self._rows[row], NoteRow)

    def action_choose(self) -> None:
        """Decide what is asked, else open or close the job."""
        row = self._cursor_row()
        if "decide" in self.cursor_verbs:
            self._do("decide", row)
        elif isinstance(row, JobRow) and row.opened is not None:
            self._set_open(row, opened=not row.opened)

    def action_unfold(self) -> None:
        """Show the transfers of the job."""
        row = self._cursor_row()
        if isinstance(row, JobRow) and row.opened is False:
            self._set_open(row, opened=True)

    def action_fold(self) -> None:
        """Hide the transfers of the job, or go from a transfer to its job."""
        row = self._cursor_row()
        if isinstance(row, JobRow) and row.opened:
            self._set_open(row, opened=False)
        elif isinstance(row, ItemRow):
            self.cursor = max(0, self._place_of(row.transfer.job))

    def action_pause_or_resume(self) -> None:
        """Pause what runs, or let go on what is paused."""
        self._do_one_of("pause", "resume")

    def action_cancel_or_dismiss(self) -> None:
        """Cancel what can still go on, or dismiss what has ended."""
        self._do_one_of("cancel", "dismiss")

    def action_retry(self) -> None:
        """Try again what has failed."""
        self._do_one_of("retry")

    def _do_one_of(self, *verbs: RowVerb) -> None:
        for verb in self.cursor_verbs:
            if verb in verbs:
                self._do(verb, self._cursor_row())
                return

    def _do(self, verb: RowVerb, row: TransferRow | None) -> None:
        if row is None:
            return
        if verb == "decide":
            self.post_message(self.DecisionWanted(job_of(row)))
        else:
            self.post_message(self.VerbWanted(verb, subject_of(row)))

    def _set_open(self, row: JobRow, *, opened: bool) -> None:
        self._opened[row.job.id] = opened
        self._limit = _FIRST_LIMIT
        self._rebuild()

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Do what the word says that was clicked; open or close a job by its sign or by a double click."""
        subject = self._rows[row]
        verb = self._verb_at(subject, x)
        if verb is not None:
            if event.chain == 1:
                self._do(verb, subject)
        elif isinstance(subject, JobRow) and subject.opened is not None and event.chain == (1 if x < 3 else 2):
            self._set_open(subject, opened=not subject.opened)

    def _verb_at(self, row: TransferRow, x: int) -> RowVerb | None:
        place = next((placed for placed in self.placed if placed.column.key == "what"), None)
        if place is None or place.width < _ACTIONS_FROM:
            return None
        end = place.x + place.width
        for verb in reversed(verbs_for(row)):
            if end - len(verb) <= x < end:
                return verb
            end -= len(verb) + 1
        return None

    # Painting

    def row_total(self) -> int:
        """Return how many lines there are."""
        return len(self._rows)

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return the line of a note."""
        note = self._rows[row]
        if not isinstance(note, NoteRow):
            return None
        lead = " " * (14 + 2 * note.depth)
        kind = "transfers-panel--failed" if note.kind == "reason" else "virtual-tree--muted"
        return [(f"{lead}{display_name(note.text)}", kind)]

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return what stands in a cell."""
        subject = self._rows[row]
        if isinstance(subject, NoteRow):
            return ()
        key = placed.column.key
        if key == "state":
            return self._state(subject)
        if key == "what":
            return self._what(subject, placed.width, acting=look.cursor or look.hover)
        if key == "done":
            return self._done(subject)
        return [(_number(subject, key), "virtual-tree--muted")]

    def _state(self, row: JobRow | ItemRow) -> list[Span]:
        sign = "  "
        if isinstance(row, JobRow) and row.opened is not None:
            sign = f"{self.symbols.opened if row.opened else self.symbols.closed} "
        word = state_word(row)
        return [(sign, "virtual-tree--muted"), (word, _STATE_KINDS.get(word, "virtual-tree--muted"))]

    def _what(self, row: JobRow | ItemRow, width: int, *, acting: bool) -> list[Span]:
        lead = "  " if isinstance(row, ItemRow) else ""
        verbs = verbs_for(row) if acting and width >= _ACTIONS_FROM else ()
        words: list[Span] = []
        for verb in verbs:
            kind = "virtual-tree--danger" if verb in ("cancel", "dismiss") else "virtual-tree--action"
            words += [(" ", ""), (verb, kind)]
        room = width - sum(cell_len(text) for text, _ in words)
        text = what(row, room - len(lead) - (1 if words else 0), self.symbols)
        return [*fit_spans([(lead + text, "")], room), *words]

    def _done(self, row: JobRow | ItemRow) -> list[Span]:
        done, total, complete = share(row)
        if not complete and (not total or (not done and state_word(row) in ("queued", "planning"))):
            return []
        signs = self.symbols
        bar = formats.bar(done, total, _BAR, signs.bar_full, signs.bar_empty, complete=complete)
        kind = "transfers-panel--done" if complete else "transfers-panel--bar"
        return [(bar, kind), (f" {formats.percent(done, total, complete=complete):>3}%", "")]


_STATE_KINDS: Final = {
    "running": "transfers-panel--running",
    "verifying": "transfers-panel--running",
    "done": "transfers-panel--done",
    "failed": "transfers-panel--failed",
    "decide": "transfers-panel--asking",
}
"""Component classes of states that mean something at a glance."""


def _number(row: JobRow | ItemRow, key: str) -> str:
    subject = row.job if isinstance(row, JobRow) else row.transfer
    if key == "files":
        return _files(row.job) if isinstance(row, JobRow) else ""
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
