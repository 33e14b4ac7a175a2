"""The Transfers view: every job and its transfers, how far they are, why they failed, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from services.names import display_name
from services.transfer.messages import JobView, Place, Snapshot, SnapshotQuery, TransferView, Verb
from widgets.cells import Span
from widgets.columns import Column, Placed
from widgets.symbols import UNICODE, Symbols
from widgets.transfer_cells import SPARK, cell, verb_at
from widgets.transfer_list import ALL_SHOWN, Known, TransferList
from widgets.transfer_rows import (
    UNFINISHED,
    ItemRow,
    JobRow,
    NoteRow,
    PendingRow,
    RowVerb,
    TransferRow,
    is_movable,
    job_of,
    opens_by_itself,
    subject_of,
    verbs_for,
)
from widgets.virtual_tree import NO_ROW, Look, VirtualTree

_FIRST: Final = 100
"""Transfers of which all is shown: what runs, failed or asks first; others are asked for as they are looked at."""

_AROUND: Final = 60
"""Transfers that are asked for before and behind those on the screen, so that scrolling by a page finds them there."""

_NOTHING: Final = "Nothing is moving."
"""Stands where there is no job."""

_LEAD: Final = 14
"""Cells before a note, at the most: they bring it below the names."""


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
        Column("pace", "", SPARK, from_width=116, sortable=False),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "unfold", "Open", show=False, id="open_folder"),
        Binding("left,h", "fold", "Close", show=False, id="close_folder"),
        Binding("full_stop", "pause_or_resume", "Pause or resume", show=False, id="pause_or_resume"),
        Binding("X,delete,f8", "cancel_or_dismiss", "Cancel or dismiss", show=False, id="cancel_or_dismiss"),
        Binding("R", "retry", "Retry", show=False, id="retry"),
        Binding("T", "move_top", "First", show=False, id="move_top"),
        Binding("shift+up", "move_up", "Earlier", show=False, id="move_up"),
        Binding("shift+down", "move_down", "Later", show=False, id="move_down"),
    ]

    @dataclass
    class VerbWanted(Message):
        """Something should be done to a job or a transfer."""

        verb: Verb
        """What."""
        target: str
        """Id of the job or the transfer."""

    @dataclass
    class ReorderWanted(Message):
        """A job or a waiting transfer should come earlier or later."""

        target: str
        """Id of the job or the transfer."""
        place: Place
        """Where to."""
        other: str = ""
        """With `before`: id of what comes after it then."""

    @dataclass
    class Looked(Message):
        """Transfers came into view that have to be asked for (`query_wanted`)."""

    @dataclass
    class DecisionWanted(Message):
        """The conflicts of a job should be decided."""

        job: str
        """Id of the job."""

    def __init__(self, *, symbols: Symbols = UNICODE, id: str | None = None, classes: str | None = None) -> None:
        """Make an empty panel."""
        self._nothing: tuple[NoteRow, ...] = (NoteRow("", "nothing", _NOTHING),)
        self._rows = TransferList()
        self._shown: dict[int, TransferRow] = {}
        self._jobs: tuple[JobView, ...] = ()
        self._known: dict[str, Known] = {}
        self._opened: dict[str, bool] = {}
        self._wanted = SnapshotQuery(limit=_FIRST)
        self._pressed = NO_ROW
        self._dragging = False
        super().__init__(symbols=symbols, id=id, classes=classes)

    # Feeding

    @property
    def query_wanted(self) -> SnapshotQuery:
        """What the next snapshot should hold: the transfers on the screen of a long job, else the first ones.

        Those are of an open job that has ended where the cursor is on it, else of all unfinished jobs.
        """
        top = round(self.scroll_y)
        rest = self._rows.rest_in(top, top + self.page_lines)
        if rest is not None:
            # In steps, so that a line of scrolling asks for nothing new.
            return SnapshotQuery(rest.job, max(0, rest.index // _AROUND - 1) * _AROUND, 3 * _AROUND)
        row = self._cursor_row()
        job = next((job for job in self._jobs if row is not None and job.id == job_of(row)), None)
        ended = job is not None and job.state not in UNFINISHED and self._opened.get(job.id, opens_by_itself(job))
        return SnapshotQuery(job=job.id if job is not None and ended else "", limit=_FIRST)

    def update(self, snapshot: Snapshot, query: SnapshotQuery | None = None) -> None:
        """Show a snapshot, and what `query` asked for of its transfers."""
        asked, offset = (query.job, query.offset) if query else ("", 0)
        under = self._cursor_row()
        if query is not None and asked and (offset or query.limit != _FIRST):
            self._known.setdefault(asked, Known()).take(offset, snapshot.transfers)
        else:
            self._take_first(snapshot, asked)
        known = {job.id for job in snapshot.jobs}
        self._known = {job: items for job, items in self._known.items() if job in known}
        self._opened = {job: opened for job, opened in self._opened.items() if job in known}
        self._jobs = snapshot.jobs
        self._rebuild(under)

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Tell where other transfers are looked at than those that were asked for."""
        super().watch_scroll_y(old, new)
        wanted = self.query_wanted
        if wanted != self._wanted:
            self._wanted = wanted
            self.post_message(self.Looked())

    def _take_first(self, snapshot: Snapshot, asked: str) -> None:
        groups: dict[str, list[TransferView]] = {}
        for transfer in snapshot.transfers:
            groups.setdefault(transfer.job, []).append(transfer)
        for job in snapshot.jobs:
            if job.id in groups or job.id == asked or (not asked and job.state in UNFINISHED):
                self._known.setdefault(job.id, Known()).first = tuple(groups.get(job.id, ())[:_FIRST])

    def _rebuild(self, under: TransferRow | None) -> None:
        """Make the rows anew; the cursor stays on what was `under` it, and only lines that differ are drawn."""
        old = self._rows
        self._rows = TransferList(self._jobs, self._known, self._opened)
        same = len(old) == len(self._rows) and bool(old)
        if under is not None and not isinstance(under, PendingRow) and len(self._rows):
            place = self._rows.find(subject_of(under), self.cursor)
            if place not in (-1, self.cursor):
                self.set_reactive(VirtualTree.cursor, place)
                same = False
        if not same:
            self.set_reactive(VirtualTree.cursor, max(0, min(self.cursor, len(self._rows) - 1)))
            self._shown.clear()
            self.rows_changed()
            return
        top = round(self.scroll_y)
        for row in range(top, min(top + self.page_lines, len(old))):
            if self._shown.get(row) != self._rows[row]:
                self.repaint_row(row)
        self.forget_lines()

    def _place_of(self, subject: str) -> int:
        return self._rows.find(subject, self.cursor)

    def _cursor_row(self) -> TransferRow | None:
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def advise(self, *advice: str) -> None:
        """Say what can be done where there is nothing, a short line each."""
        self._nothing = tuple(NoteRow("", "nothing", text) for text in (_NOTHING, *advice))

    # Actions

    @property
    def cursor_verbs(self) -> tuple[RowVerb, ...]:
        """What can be done with the row of the cursor."""
        row = self._cursor_row()
        if row is None:
            return ()
        return (*verbs_for(row), "move") if is_movable(row) else verbs_for(row)

    def selectable(self, row: int) -> bool:
        """Tell whether a row is more than a note."""
        return row < len(self._rows) and not isinstance(self._rows[row], NoteRow)

    def action_choose(self) -> None:
        """Decide what is asked, else open or close the job."""
        row = self._cursor_row()
        if "decide" in self.cursor_verbs:
            self._do("decide", row)
        elif isinstance(row, JobRow) and row.opened is not None:
            self._set_open(row, opened=not self._is_whole(row))

    def action_unfold(self) -> None:
        """Show all transfers of the job."""
        row = self._cursor_row()
        if isinstance(row, JobRow) and row.opened is not None and not self._is_whole(row):
            self._set_open(row, opened=True)

    def _is_whole(self, row: JobRow) -> bool:
        """Tell whether all transfers of a job are listed, and not only those that run, failed or ask."""
        return bool(row.opened) and self._opened.get(row.job.id, row.job.items <= ALL_SHOWN)

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

    def action_move_top(self) -> None:
        """Put the job, or the waiting transfer, first."""
        self._reorder("top")

    def action_move_up(self) -> None:
        """Have it come earlier by one."""
        self._reorder("up")

    def action_move_down(self) -> None:
        """Have it come later by one."""
        self._reorder("down")

    def _reorder(self, place: Place) -> None:
        row = self._cursor_row()
        if row is not None and is_movable(row):
            self.post_message(self.ReorderWanted(subject_of(row), place))

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
        elif verb != "move":
            self.post_message(self.VerbWanted(verb, subject_of(row)))

    def _set_open(self, row: JobRow, *, opened: bool) -> None:
        under = self._cursor_row()
        self._opened[row.job.id] = opened
        self._rebuild(under)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take note of a row that may be dragged to another place in the queue."""
        row = self.row_at(event.y)
        movable = event.button == 1 and 0 <= row < len(self._rows) and is_movable(self._rows[row])
        self._pressed, self._dragging = row if movable else NO_ROW, False

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Lead a row that is dragged; that the pointer is over another one is shown also where it is not followed."""
        if self._pressed != NO_ROW and event.button == 1:
            row = self.row_at(event.y)
            if not self._dragging and row != self._pressed:
                self._dragging = True
                self.capture_mouse()
                self.cursor = self._pressed
            self.hover = row

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Put a row that was dragged before the one under the pointer."""
        pressed, self._pressed = self._pressed, NO_ROW
        if not self._dragging:
            return
        self.release_mouse()
        onto = self.row_at(event.y)
        if NO_ROW in (onto, pressed) or onto == pressed or max(onto, pressed) >= len(self._rows):
            return
        source, target = self._rows[pressed], self._rows[onto]
        alike = type(source) is type(target) and (isinstance(source, JobRow) or job_of(source) == job_of(target))
        if alike and is_movable(source) and is_movable(target):
            self.post_message(self.ReorderWanted(subject_of(source), "before", subject_of(target)))

    def on_click(self, event: events.Click) -> None:
        """Ignore the click that ends a drag."""
        if self._dragging:
            self._dragging = False
            event.stop()
            event.prevent_default()

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Do what the word says that was clicked; open or close a job by its sign or by a double click."""
        subject = self._rows[row]
        verb = verb_at(subject, self.placed, x)
        if verb is not None:
            if event.chain == 1:
                self._do(verb, subject)
        elif isinstance(subject, JobRow) and subject.opened is not None and event.chain == (1 if x < 3 else 2):
            self._set_open(subject, opened=not self._is_whole(subject))

    # Painting

    def row_total(self) -> int:
        """Return how many lines there are."""
        return len(self._rows) or len(self._nothing)

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return the line of a note."""
        note = self._rows[row] if len(self._rows) else self._nothing[row]
        self._shown[row] = note
        if not isinstance(note, NoteRow):
            return None
        lead = " " * (min(_LEAD, width // 6) + 2 * note.depth) if note.kind != "nothing" else "  "
        kind = "transfers-panel--failed" if note.kind == "reason" else "virtual-tree--muted"
        return [(f"{lead}{display_name(note.text)}", kind)]

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return what stands in a cell."""
        return cell(self._rows[row], placed, self.symbols, acting=look.cursor or look.hover)
