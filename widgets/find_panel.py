"""Finding below a prefix: a search that is checked as it is typed, and finds that stream into a list like any other."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar

from textual import on
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
from widgets.find_list import FindList
from widgets.object_cells import Clock
from widgets.object_rows import Entry
from widgets.span_line import Part, SpanLine
from widgets.symbols import UNICODE, Symbols


class FindLine(Input):
    """The line in which a search is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("down", "leave", "To the finds", show=False, id="find.leave-line")]

    class Leaving(Message):
        """The finds should have the focus."""

    def action_leave(self) -> None:
        """Go to the finds."""
        self.post_message(self.Leaving())


class FindStatus(SpanLine[str]):
    """What is wrong with the search, or how far it is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"find--problem"}

    text: str = ""
    problem: str = ""

    def parts(self, width: int) -> Sequence[Part[str]]:
        """Return the line."""
        if self.problem:
            return [Part(f" {self.symbols.warning} {self.problem}", "find--problem")]
        return [Part(f" {self.symbols.say(self.text)}", "span-line--muted")]


@dataclass(frozen=True, slots=True)
class FindKeys:
    """How the keys are written that the line below the search tells."""

    cancel: str = "Esc"
    """Ends the search."""
    show: str = "Enter"
    """Shows a find in its folder."""


class FindPanel(Vertical):
    """The search, how far it is, and what it found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave_find", "Back", show=False, id="leave_find"),
        Binding("slash,ctrl+f", "edit_search", "Search", show=False, id="edit_search"),
        Binding("R", "search_again", "Search again", show=False, id="search_again"),
        Binding("enter", "show_find", "In its folder", show=False, id="show_find"),
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

    def __init__(
        self,
        prefix: str = "",
        *,
        symbols: Symbols = UNICODE,
        clock: Clock = time.time,
        zone: tzinfo | None = None,
        keys: FindKeys | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Search below `prefix`."""
        super().__init__(id=id, classes=classes)
        self._prefix = prefix
        self._symbols = symbols
        self._keys = keys or FindKeys()
        self._ticket = 0
        self._searching = False
        self._scanned = 0
        self._outcome = ""
        self._wanted = ""
        self.line = FindLine(placeholder=HELP, compact=True)
        self._status = FindStatus(symbols=symbols)
        self.finds = FindList(prefix, symbols=symbols, clock=clock, zone=zone)

    def compose(self) -> ComposeResult:
        """Lay out the panel."""
        yield self.line
        yield self._status
        yield self.finds

    def on_mount(self) -> None:
        """Say what may be typed."""
        self.line.cursor_blink = False
        self._tell()

    def focus(self, scroll_visible: bool = True) -> FindPanel:
        """Focus the search."""
        self.line.focus(scroll_visible)
        return self

    def begin(self, prefix: str) -> None:
        """Search below another prefix; what was found before goes."""
        self._prefix = self.finds.prefix = prefix
        self._scanned, self._wanted = 0, ""
        self._end("")
        self.finds.clear()
        self._tell()

    def stop(self) -> None:
        """Refuse what may still come of the search; what was found stays."""
        self._end("")
        self._tell()

    def forget(self, names: Collection[str]) -> None:
        """Take objects off the list that are no longer there."""
        self.finds.forget(names)
        self._tell()

    @property
    def searching(self) -> bool:
        """Whether finds are still to come."""
        return self._searching

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
        status, dot = self._status, f" {self._symbols.dot} "
        status.problem = problem or self._outcome
        found = f"{self.finds.row_total():,} found{dot}{formats.count(self._scanned, 'object')} looked at"
        if self._searching:
            status.text = f"searching… {found}{dot}{self._keys.cancel} cancels"
        elif self._wanted:
            status.text = f"{found}{dot}{self._keys.show} shows one in its folder" if self.finds.row_total() else found
        else:
            where = display_name(self._prefix) or "the whole bucket"
            status.text = f"in {where}{dot}parts of names, globs, sizes, ages; Enter searches"
        status.refresh()

    # What is done

    def action_search_again(self) -> None:
        """Begin the search that is typed, or say what is wrong with it."""
        query = self._query(complain=True)
        if query is not None:
            self._ticket += 1
            self._searching, self._scanned, self._outcome, self._wanted = True, 0, "", query.text
            self.finds.clear()
            self._tell()
            self.finds.focus()
            self.post_message(self.SearchWanted(query, self._ticket))

    def _query(self, *, complain: bool) -> FindQuery | None:
        text = self.line.value
        try:
            query = parse_find(text, self._prefix)
        except UsageError as error:
            self._tell(f"{error.message}. {error.remedy}" if complain or text.strip() else "")
            return None
        self._tell()
        return query

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        """Check what is typed; a search that is under way was for something else, and ends."""
        event.stop()
        self._outcome = ""
        if self._searching and event.value != self._wanted:
            self._end("")
            self.post_message(self.CancelWanted())
        self._query(complain=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_search_again()

    @on(FindLine.Leaving)
    def _line_left(self, event: FindLine.Leaving) -> None:
        event.stop()
        self.finds.focus()

    @on(FindList.Chosen)
    def _chosen(self, event: FindList.Chosen) -> None:
        event.stop()
        self.post_message(self.Opened(event.entry))

    def action_edit_search(self) -> None:
        """Go back to the search."""
        self.line.focus()

    def action_show_find(self) -> None:
        """Show the find with the cursor in its folder."""
        self.finds.action_choose()

    def action_leave_find(self) -> None:
        """End the search, else leave."""
        if self._searching:
            self.stop()
            self.post_message(self.CancelWanted())
        else:
            self.post_message(self.Left())
