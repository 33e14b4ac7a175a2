"""Finding below a prefix: a search that is checked as it is typed, and finds that stream into a list like any other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from services.errors import UsageError
from services.find import HELP, FindQuery, parse_find
from services.model import ObjectRow
from services.names import display_name
from widgets import formats
from widgets.cells import Span, cut_start
from widgets.columns import Column, Placed
from widgets.marks import Marks, Totals
from widgets.object_cells import Clock
from widgets.object_rows import Entry
from widgets.span_line import Part, SpanLine, spread
from widgets.symbols import UNICODE, Symbols
from widgets.virtual_tree import NO_ROW, Look, VirtualTree


class FindList(VirtualTree):
    """What was found, in the order in which it came, until it is sorted by a click on a head."""

    LEFT_MARGIN: ClassVar[int] = 2
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("name", "Name"),
        Column("size", "Size", 8, "right", from_width=28),
        Column("modified", "Modified", 12, from_width=52),
        Column("type", "Type", 14, from_width=84, wide=28, wide_from=110),
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {"object-tree--mark", "object-tree--marked"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_mark", "Mark", show=False, id="toggle_mark"),
        Binding("v", "range", "Range", show=False, id="range"),
        Binding("a", "mark_all", "Mark all", show=False, id="mark_all"),
    ]

    @dataclass
    class Chosen(Message):
        """A row was chosen."""

        row: ObjectRow
        """The object."""

    @dataclass
    class MarksChanged(Message):
        """Other rows are marked than before."""

        totals: Totals
        """What is marked now."""

    def __init__(self, prefix: str, *, symbols: Symbols, clock: Clock, zone: tzinfo | None) -> None:
        """Make an empty list of finds below `prefix`, which is left out of what is shown."""
        self.prefix = prefix
        self._clock, self._zone = clock, zone
        self._rows: list[ObjectRow] = []
        self._sorted: tuple[str, bool] | None = None
        self.marks = Marks()
        super().__init__(symbols=symbols)

    def add(self, rows: Sequence[ObjectRow]) -> None:
        """Add finds; the cursor stays on its row."""
        at = len(self._rows)
        self._rows.extend(rows)
        if self._sorted is not None:
            self._sort(*self._sorted)
        else:
            self.rows_spliced(at, 0, len(rows))

    def clear(self) -> None:
        """Forget all finds and marks."""
        self._rows, self._sorted = [], None
        self.marks.clear()
        self.range_start = NO_ROW
        self.rows_changed()

    @property
    def selection(self) -> list[Entry]:
        """What a command works on: what is marked, else the row of the cursor."""
        if self.marks:
            return self.marks.entries()
        entry = self.entry_at(self.cursor)
        return [entry] if entry else []

    def entry_at(self, row: int) -> Entry | None:
        """Return the object of a row."""
        if not 0 <= row < len(self._rows):
            return None
        return Entry("object", self._rows[row].name, self._rows[row])

    def on_virtual_tree_head_clicked(self, message: VirtualTree.HeadClicked) -> None:
        """Sort by a column; a second click turns it round."""
        message.stop()
        descending = message.key in ("size", "modified")
        if self._sorted is not None and self._sorted[0] == message.key:
            descending = not self._sorted[1]
        self._sort(message.key, descending)

    def _sort(self, key: str, descending: bool) -> None:
        under = self.entry_at(self.cursor)
        self._sorted = (key, descending)
        fields = {"name": "name", "size": "size", "modified": "updated", "type": "content_type"}
        self._rows.sort(key=lambda row: (getattr(row, fields[key]), row.name), reverse=descending)
        self.rows_changed()
        if under is not None and under.row is not None:
            self.cursor = self._rows.index(under.row)

    def action_toggle_mark(self) -> None:
        """Mark the row and go down; within a range, mark the range."""
        entry = self.entry_at(self.cursor)
        if self.range_start != NO_ROW:
            self.action_range()
        elif entry is not None:
            self.marks.toggle(entry)
            self._marked()
        self.action_cursor_by(1)

    def action_range(self) -> None:
        """Begin a range at the cursor, or mark the one that was begun."""
        if self.range_start == NO_ROW:
            self.range_start = self.cursor
            return
        self.marks.add(entry for row in self.selected_range() if (entry := self.entry_at(row)))
        self.range_start = NO_ROW
        self._marked()

    def action_mark_all(self) -> None:
        """Mark everything that was found."""
        self.marks.add_rows(self._rows)
        self._marked()

    def unmark(self) -> bool:
        """Give up the range, else unmark everything; tell whether there was anything."""
        if self.range_start != NO_ROW:
            self.range_start = NO_ROW
        elif self.marks:
            self.marks.clear()
            self._marked()
        else:
            return False
        return True

    def _marked(self) -> None:
        self.redraw()
        self.post_message(self.MarksChanged(self.marks.totals))

    def row_total(self) -> int:
        """Return how many finds there are."""
        return len(self._rows)

    def head_sign(self, key: str) -> str:
        """Return how a column is sorted."""
        if self._sorted is None or self._sorted[0] != key:
            return ""
        return self.symbols.descending if self._sorted[1] else self.symbols.ascending

    def margin(self, row: int) -> Sequence[Span]:
        """Return the mark."""
        entry = self.entry_at(row)
        return [(f" {self.symbols.mark}", "object-tree--mark")] if entry and self.marks.holds(entry) else []

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return what stands in a cell: paths keep their ends."""
        found, key = self._rows[row], placed.column.key
        if key == "name":
            entry = self.entry_at(row)
            name = display_name(found.name[len(self.prefix) :])
            kind = "object-tree--marked" if entry and self.marks.holds(entry) else ""
            return [(cut_start(name, placed.width, self.symbols.ellipsis), kind)]
        if key == "size":
            return [(formats.size(found.size), "")]
        if key == "modified":
            return [(formats.relative_time(found.updated, self._clock(), self._zone), "virtual-tree--muted")]
        return [(display_name(found.content_type), "virtual-tree--muted")]

    def action_choose(self) -> None:
        """Tell which row was chosen."""
        if self._rows:
            self.post_message(self.Chosen(self._rows[self.cursor]))


class FindStatus(SpanLine[str]):
    """What is wrong with the search, or how far it is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"find--problem", "find--marked"}

    text: str = ""
    problem: str = ""
    marked: str = ""

    def parts(self, width: int) -> Sequence[Part[str]]:
        """Return the line."""
        if self.problem:
            return [Part(f" {self.symbols.warning} {self.problem}", "find--problem")]
        right: list[Part[str]] = [Part(self.marked, "find--marked")] if self.marked else []
        return spread([Part(f" {self.symbols.say(self.text)}", "span-line--muted")], right, width)


class FindPanel(Vertical):
    """The search, how far it is, and what it found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False, id="find.cancel"),
        Binding("o", "open_folder", "Its folder", show=False, id="find.open-folder"),
        Binding("d", "download", "Download", show=False, id="download"),
        Binding("X,delete,f8", "delete", "Delete", show=False, id="delete"),
        Binding("slash,ctrl+f", "edit", "Search", show=False, id="find.edit"),
        Binding("R", "search", "Search again", show=False, id="refresh"),
    ]

    @dataclass
    class SearchWanted(Message):
        """A search should begin: an older one ends, and its pages are refused."""

        query: FindQuery
        """What to look for."""
        ticket: int
        """Number of this search."""

    class CancelWanted(Message):
        """The search should end; what was found stays."""

    class Left(Message):
        """Esc was pressed and there was nothing to give up but the panel."""

    @dataclass
    class Opened(Message):
        """A find was chosen: show it in its folder."""

        entry: Entry
        """The object."""

    @dataclass
    class DownloadWanted(Message):
        """Finds should be downloaded."""

        entries: list[Entry]
        """Which."""

    @dataclass
    class DeleteWanted(Message):
        """Finds should be deleted."""

        entries: list[Entry]
        """Which."""

    def __init__(
        self,
        prefix: str = "",
        *,
        symbols: Symbols = UNICODE,
        clock: Clock = time.time,
        zone: tzinfo | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Search below `prefix`."""
        super().__init__(id=id, classes=classes)
        self._prefix = prefix
        self._symbols = symbols
        self._ticket = 0
        self._searching = False
        self._scanned = 0
        self._outcome = ""
        self.finds = FindList(prefix, symbols=symbols, clock=clock, zone=zone)

    def compose(self) -> ComposeResult:
        """Lay out the panel."""
        yield Input(placeholder=HELP, compact=True)
        yield FindStatus(symbols=self._symbols)
        yield self.finds

    def on_mount(self) -> None:
        """Say what may be typed."""
        self.query_one(Input).cursor_blink = False
        self._tell()

    def focus(self, scroll_visible: bool = True) -> FindPanel:
        """Focus the search."""
        self.query_one(Input).focus(scroll_visible)
        return self

    def begin(self, prefix: str) -> None:
        """Search below another prefix; what was found before goes."""
        self._prefix = self.finds.prefix = prefix
        self._end("")
        self.finds.clear()
        self._tell()

    @property
    def selection(self) -> list[Entry]:
        """What a command works on."""
        return self.finds.selection

    # Feeding

    def add(self, rows: Sequence[ObjectRow], scanned: int, *, ticket: int) -> bool:
        """Take finds, and how many objects were looked at; returns False where the search is no longer wanted."""
        if ticket != self._ticket or not self._searching:
            return False
        self._scanned = scanned
        if rows:
            self.finds.add(rows)
        self._tell()
        return True

    def finish(self, *, ticket: int, problem: str = "") -> None:
        """Take note that a search is over; `problem` says why before its end."""
        if ticket == self._ticket and self._searching:
            self._end(display_name(problem))
            self._tell()

    def _end(self, outcome: str) -> None:
        self._searching = False
        self._outcome = outcome

    def _tell(self, problem: str = "") -> None:
        status, dot = self.query_one(FindStatus), f" {self._symbols.dot} "
        status.problem = problem or self._outcome
        found = f"{self.finds.row_total():,} found{dot}{formats.count(self._scanned, 'object')} looked at"
        if self._searching:
            status.text = f"searching… {found}{dot}esc cancels"
        elif self._scanned:
            status.text = f"{found}{dot}enter shows it in its folder"
        else:
            where = display_name(self._prefix) or "the whole bucket"
            status.text = f"in {where}{dot}a part of the name, or {HELP}"
        totals = self.finds.marks.totals
        status.marked = f"{totals.objects:,} marked{dot}{formats.size(totals.bytes)}" if totals.objects else ""
        status.refresh()

    # What is done

    def action_search(self) -> None:
        """Begin the search that is typed, or say what is wrong with it."""
        query = self._query(complain=True)
        if query is not None:
            self._ticket += 1
            self._searching, self._scanned, self._outcome = True, 0, ""
            self.finds.clear()
            self._tell()
            self.finds.focus()
            self.post_message(self.SearchWanted(query, self._ticket))

    def _query(self, *, complain: bool) -> FindQuery | None:
        text = self.query_one(Input).value
        try:
            query = parse_find(text, self._prefix)
        except UsageError as error:
            self._tell(f"{error.message}. {error.remedy}" if complain or text.strip() else "")
            return None
        self._tell()
        return query

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._outcome = ""
        self._query(complain=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_search()

    @on(FindList.MarksChanged)
    def _marks_changed(self, event: FindList.MarksChanged) -> None:
        event.stop()
        self._tell()

    @on(FindList.Chosen)
    def _chosen(self, event: FindList.Chosen) -> None:
        event.stop()
        self.post_message(self.Opened(Entry("object", event.row.name, event.row)))

    def action_edit(self) -> None:
        """Go back to the search."""
        self.query_one(Input).focus()

    def action_open_folder(self) -> None:
        """Show the find with the cursor in its folder."""
        self.finds.action_choose()

    def action_download(self) -> None:
        """Ask for the selected finds to be downloaded."""
        if entries := self.selection:
            self.post_message(self.DownloadWanted(entries))

    def action_delete(self) -> None:
        """Ask for the selected finds to be deleted."""
        if not self.selection:
            raise SkipAction
        self.post_message(self.DeleteWanted(self.selection))

    def action_cancel(self) -> None:
        """End the search, else unmark, else leave."""
        if self._searching:
            self._end("")
            self._tell()
            self.post_message(self.CancelWanted())
        elif not self.finds.unmark():
            self.post_message(self.Left())
