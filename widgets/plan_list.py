"""A sync's plan, grouped by what would be done; every line, and every group, can be unticked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from services.names import display_name
from services.sync.status import LineView, PlanView, TroubleView
from widgets import formats
from widgets.cells import Span, fit_spans, spans_width
from widgets.columns import Column, Placed
from widgets.symbols import UNICODE, Symbols
from widgets.sync_rows import plan_word, sign_of
from widgets.virtual_tree import Look, VirtualTree

ORDER: Final = ("conflict", "delete", "delete-local", "move", "download", "upload")
"""Groups in the order in which they matter."""

NEED_ACTION: Final = frozenset({"conflict", "delete", "delete-local"})
"""Groups that a person should look at; the problems need it too."""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The head of a group."""

    action: str
    """Stable word of what would be done; empty for what is left alone."""
    count: int
    """Lines in it."""
    size: int
    """Bytes of it."""


TICKED: Final = "[x]"
"""Stands before what is to be carried out."""

PlanRow = GroupRow | LineView | TroubleView
"""A row of the plan."""


class PlanList(VirtualTree):
    """The lines of a plan; ticks are kept by key."""

    HEAD = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"plan--group", "plan--tick", "plan--danger", "plan--asking", "plan--out"}
    LEFT_MARGIN: ClassVar[int] = 1
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("what", ""),
        Column("why", "", 22, from_width=56),
        Column("size", "", 9, "right", from_width=40),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick", show=False, id="toggle_mark"),
        Binding("a", "tick_all", "Tick all", show=False, id="mark_all"),
        Binding("f", "filter", "Filter", show=False, id="plan.filter"),
    ]

    class Changed(Message):
        """A tick or the filter has changed."""

    def __init__(self, *, symbols: Symbols = UNICODE, id: str | None = None, classes: str | None = None) -> None:
        """Make an empty list."""
        self._rows: list[PlanRow] = []
        self._plan = PlanView()
        self.unticked: set[str] = set()
        """Keys of lines that are left out."""
        self.filtered = False
        """Whether only what needs a person is shown."""
        super().__init__(symbols=symbols, id=id, classes=classes)

    def show(self, plan: PlanView) -> None:
        """Show a plan with the ticks that it has."""
        self._plan = plan
        self.unticked = {line.key for line in plan.lines if not line.ticked}
        self._rebuild()

    @property
    def ticked(self) -> list[LineView]:
        """The lines that are to be carried out."""
        return [line for line in self._plan.lines if line.key not in self.unticked]

    def _rebuild(self) -> None:
        rows: list[PlanRow] = []
        for action in ORDER:
            lines = [line for line in self._plan.lines if line.action == action]
            if lines and (not self.filtered or action in NEED_ACTION):
                rows += [GroupRow(action, len(lines), sum(line.size for line in lines)), *lines]
        if self._plan.troubles:
            rows += [GroupRow("", len(self._plan.troubles), 0), *self._plan.troubles]
        self._rows = rows
        self.rows_changed()
        self.post_message(self.Changed())

    # Actions

    def action_tick(self) -> None:
        """Tick or untick the line, or the whole group, and go down."""
        if self._toggle(self.cursor):
            self.move_cursor(self.cursor + 1)

    def action_choose(self) -> None:
        """Tick or untick the line."""
        self._toggle(self.cursor)

    def action_tick_all(self) -> None:
        """Tick everything, or nothing where everything is ticked."""
        everything = {line.key for line in self._plan.lines}
        self._set(everything, ticked=bool(self.unticked))

    def action_filter(self) -> None:
        """Show only what needs a person, or everything."""
        self.filtered = not self.filtered
        self._rebuild()

    def _toggle(self, row: int) -> bool:
        subject = self._rows[row] if row < len(self._rows) else None
        if isinstance(subject, LineView):
            self._set({subject.key}, ticked=subject.key in self.unticked)
        elif isinstance(subject, GroupRow) and subject.action:
            keys = {line.key for line in self._plan.lines if line.action == subject.action}
            self._set(keys, ticked=bool(keys & self.unticked))
        else:
            return False
        return True

    def _set(self, keys: set[str], *, ticked: bool) -> None:
        self.unticked = self.unticked - keys if ticked else self.unticked | keys
        self.redraw()
        self.post_message(self.Changed())

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Tick or untick by a click on the tick, or a double click anywhere."""
        if (x < 7 and event.chain == 1) or (x >= 7 and event.chain == 2):
            self._toggle(row)

    # Painting

    def row_total(self) -> int:
        """Return how many rows there are."""
        return len(self._rows)

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return the line of a group or of a problem."""
        subject = self._rows[row]
        if isinstance(subject, TroubleView):
            remedy = f" {subject.remedy}" if subject.remedy else ""
            return [(f"     {self.symbols.warning} ", "plan--asking"), (f"{subject.reason}.{remedy}", "")]
        if not isinstance(subject, GroupRow):
            return None
        if not subject.action:
            return [(f" {formats.count(subject.count, 'problem')}: left alone", "plan--group")]
        kind = "plan--danger" if subject.action in NEED_ACTION else "plan--group"
        keys = {line.key for line in self._plan.lines if line.action == subject.action}
        out = len(keys & self.unticked)
        tick = "[ ]" if out == len(keys) else "[-]" if out else TICKED
        left: list[Span] = [(f" {tick} ", "plan--tick"), (f"{subject.count:,} {plan_word(subject.action)}", kind)]
        right: list[Span] = [(formats.size(subject.size) if subject.size else "", "virtual-tree--muted"), (" ", "")]
        return [*fit_spans(left, width - spans_width(right)), *right]

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return a cell of a line."""
        line = self._rows[row]
        if not isinstance(line, LineView):
            return ()
        out = line.key in self.unticked
        if placed.column.key == "why":
            return [(line.why, "virtual-tree--muted")]
        if placed.column.key == "size":
            return [(formats.size(line.size) if line.size else "", "virtual-tree--muted")]
        tick = "[ ]" if out else TICKED
        name = display_name(line.key)
        if line.source:
            name = f"{display_name(line.source)} {self.symbols.arrow} {name}"
        kind = "plan--out" if out else ""
        danger = "plan--danger" if line.action in NEED_ACTION and not out else "virtual-tree--muted"
        return [(f"  {tick} ", "plan--tick"), (f"{sign_of(line.action, self.symbols)} ", danger), (name, kind)]
