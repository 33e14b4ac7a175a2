"""A sync's plan, grouped by what would be done; every line, and every group, can be unticked.

It may have any number of lines: they are asked for where they come into sight, and forgotten again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from services.errors import PailError
from services.names import display_name
from services.sync.status import LineView, PlanGroup, PlanView, Ticks, TroubleView
from widgets import formats
from widgets.cells import Span, fit_spans, spans_width
from widgets.columns import Column, Placed
from widgets.symbols import UNICODE, Symbols
from widgets.sync_rows import plan_word, sign_of
from widgets.virtual_tree import Look, VirtualTree

ORDER: Final = ("conflict", "delete", "delete-local", "move", "download", "upload")
"""Groups in the order in which they matter."""

NEED_ACTION: Final = frozenset({"conflict", "delete", "delete-local"})
"""Groups that a person should have seen."""

DELETING: Final = ("delete", "delete-local")
"""Groups that remove something."""

CHUNK: Final = 200
"""Lines that are asked for at once."""

MOST_CHUNKS: Final = 60
"""Chunks that are kept."""

TICKED: Final = "[x]"
"""Stands before what is to be carried out."""

Fetch = Callable[[str, int, int], Awaitable[Sequence[LineView]]]
"""Returns some lines of a group: its word, the first of them, how many; raises `PailError`."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Lines, added up."""

    count: int = 0
    """Lines."""
    size: int = 0
    """Bytes of them."""
    files: int = 0
    """Those that are about a file."""

    def plus(self, other: Sum, sign: int = 1) -> Sum:
        """Return both together, or without the other."""
        return Sum(self.count + sign * other.count, self.size + sign * other.size, self.files + sign * other.files)


@dataclass(slots=True)
class _Group:
    """A group that is shown."""

    start: int
    """Row of its head."""
    group: PlanGroup
    """What it is."""


Place = tuple[_Group, int] | TroubleView | None
"""What a row is: a group and the number of a line in it (-1 for its head), a problem, or the head of the problems."""


class PlanList(VirtualTree):
    """The lines of a plan; what was ticked otherwise than it came is kept by key."""

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

    @dataclass
    class Lost(Message):
        """Lines could not be had: the plan is another one by now, or nobody answers."""

        error: PailError
        """Why."""

    def __init__(self, *, symbols: Symbols = UNICODE, id: str | None = None, classes: str | None = None) -> None:
        """Make an empty list."""
        self._plan = PlanView()
        self._fetch: Fetch | None = None
        self._groups: list[_Group] = []
        self._starts: list[int] = []
        self._rows = 0
        self._chunks: dict[tuple[str, int], Sequence[LineView]] = {}
        self._missing: set[tuple[str, int]] = set()
        self._loading = False
        self._whole: dict[str, bool] = {}
        self._single: dict[str, tuple[str, bool]] = {}
        self._out: dict[str, Sum] = {}
        self.filtered = False
        """Whether only what needs a person is shown."""
        super().__init__(symbols=symbols, id=id, classes=classes)

    def show(self, plan: PlanView, fetch: Fetch) -> None:
        """Show a plan with the ticks that it has; `fetch` returns lines of it."""
        self._plan, self._fetch = plan, fetch
        self._chunks.clear()
        self._whole.clear()
        self._single.clear()
        self._out = {one.action: Sum(one.out, one.out_size, one.out_files) for one in plan.groups}
        self._rebuild()

    @property
    def ticks(self) -> Ticks:
        """What a person has ticked and unticked."""
        return Ticks(self._plan.number, dict(self._whole), {key: ticked for key, (_, ticked) in self._single.items()})

    @property
    def left_out(self) -> Sum:
        """What is not to be carried out."""
        total = Sum()
        for out in self._out.values():
            total = total.plus(out)
        return total

    @property
    def deletes(self) -> int:
        """How many files are to be deleted."""
        found = [one for one in self._plan.groups if one.action in DELETING]
        return sum(one.files for one in found) - sum(self._out[one.action].files for one in found)

    @property
    def moved(self) -> int:
        """How many bytes are to move."""
        found = [one for one in self._plan.groups if one.action not in DELETING]
        return sum(one.size for one in found) - sum(self._out[one.action].size for one in found)

    def _rebuild(self) -> None:
        by_word = {one.action: one for one in self._plan.groups}
        self._groups, row = [], 0
        for word in ORDER:
            group = by_word.get(word)
            if group is not None and (not self.filtered or word in NEED_ACTION):
                self._groups.append(_Group(row, group))
                row += 1 + group.count
        self._starts = [one.start for one in self._groups]
        self._rows = row + (1 + len(self._plan.troubles) if self._plan.troubles else 0)
        self.rows_changed()
        self.post_message(self.Changed())

    # Rows and lines

    def _at(self, row: int) -> Place:
        """Return what a row is."""
        number = bisect_right(self._starts, row) - 1
        if number >= 0:
            found = self._groups[number]
            if row - found.start <= found.group.count:
                return found, row - found.start - 1
            row -= found.start + 1 + found.group.count
        return self._plan.troubles[row - 1] if row else None

    def line_at(self, row: int) -> LineView | None:
        """Return the line of a row; None where it is none, or has not come yet."""
        place = self._at(row) if 0 <= row < self._rows else None
        if not isinstance(place, tuple) or place[1] < 0:
            return None
        return self._line(place[0].group.action, place[1])

    def _line(self, action: str, number: int) -> LineView | None:
        chunk = action, number // CHUNK
        found = self._chunks.get(chunk)
        if found is not None:
            return found[number % CHUNK] if number % CHUNK < len(found) else None
        self._missing.add(chunk)
        if not self._loading and self._fetch is not None and self.is_mounted:
            self._loading = True
            self.run_worker(self._load(self._fetch), group="plan-lines", exit_on_error=False)
        return None

    async def _load(self, fetch: Fetch) -> None:
        """Get the lines that are in sight; those that have left it meanwhile are not asked for."""
        try:
            while wanted := self._missing & self._in_sight():
                action, number = min(wanted)
                self._chunks[action, number] = await fetch(action, number * CHUNK, CHUNK)
                while len(self._chunks) > MOST_CHUNKS:
                    del self._chunks[next(iter(self._chunks))]
                self._missing = self._missing - {(action, number)}
                first = next((one.start + 1 for one in self._groups if one.group.action == action), 0)
                self.repaint_rows(first + number * CHUNK, first + (number + 1) * CHUNK - 1)
        except PailError as error:
            self.post_message(self.Lost(error))
        finally:
            self._missing.clear()
            self._loading = False

    def _in_sight(self) -> set[tuple[str, int]]:
        top = round(self.scroll_y)
        places = [self._at(row) for row in range(top, min(self._rows, top + self.page_lines))]
        return {
            (place[0].group.action, place[1] // CHUNK) for place in places if isinstance(place, tuple) and place[1] >= 0
        }

    # Ticks

    def is_ticked(self, action: str, line: LineView) -> bool:
        """Tell whether a line is to be carried out."""
        single = self._single.get(line.key)
        return single[1] if single is not None else self._whole.get(action, line.ticked)

    def action_tick(self) -> None:
        """Tick or untick the line, or the whole group, and go down."""
        if self._toggle(self.cursor):
            self.move_cursor(self.cursor + 1)

    def action_choose(self) -> None:
        """Tick or untick the line."""
        self._toggle(self.cursor)

    def action_tick_all(self) -> None:
        """Tick everything, or nothing where everything is ticked."""
        ticked = bool(self.left_out.count)
        for group in self._plan.groups:
            self._set_group(group, ticked=ticked)
        self._changed()

    def action_filter(self) -> None:
        """Show only what needs a person, or everything."""
        self.filtered = not self.filtered
        self._rebuild()

    def _toggle(self, row: int) -> bool:
        place = self._at(row) if row < self._rows else None
        if not isinstance(place, tuple):
            return False
        found, number = place
        group = found.group
        if number < 0:
            self._set_group(group, ticked=bool(self._out[group.action].count))
        else:
            line = self._line(group.action, number)
            if line is None:
                return False
            self._set_line(group.action, line)
        self._changed()
        return True

    def _set_group(self, group: PlanGroup, *, ticked: bool) -> None:
        self._whole[group.action] = ticked
        self._single = {key: said for key, said in self._single.items() if said[0] != group.action}
        self._out[group.action] = Sum() if ticked else Sum(group.count, group.size, group.files)

    def _set_line(self, action: str, line: LineView) -> None:
        ticked = not self.is_ticked(action, line)
        if ticked == self._whole.get(action, line.ticked):
            self._single.pop(line.key, None)
        else:
            self._single[line.key] = action, ticked
        one = Sum(1, line.size, 0 if line.key.endswith("/") else 1)
        self._out[action] = self._out[action].plus(one, -1 if ticked else 1)

    def _changed(self) -> None:
        self.redraw()
        self.post_message(self.Changed())

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Tick or untick by a click on the tick, or a double click anywhere."""
        if (x < 7 and event.chain == 1) or (x >= 7 and event.chain == 2):
            self._toggle(row)

    # Painting

    def row_total(self) -> int:
        """Return how many rows there are."""
        return self._rows

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return the line of a group or of a problem."""
        place = self._at(row)
        if isinstance(place, TroubleView):
            remedy = f" {place.remedy}" if place.remedy else ""
            return [(f"     {self.symbols.warning} ", "plan--asking"), (f"{place.reason}.{remedy}", "")]
        if place is None:
            more = self._plan.troubles_total - len(self._plan.troubles)
            rest = f", the first {len(self._plan.troubles):,} of them here" if more > 0 else ""
            count = formats.count(max(self._plan.troubles_total, len(self._plan.troubles)), "problem")
            return [(f" {count}: left alone{rest}", "plan--group")]
        if place[1] >= 0:
            return None
        group = place[0].group
        kind = "plan--danger" if group.action in NEED_ACTION else "plan--group"
        out = self._out[group.action].count
        tick = "[ ]" if out == group.count else "[-]" if out else TICKED
        left: list[Span] = [(f" {tick} ", "plan--tick"), (f"{group.count:,} {plan_word(group.action)}", kind)]
        right: list[Span] = [(formats.size(group.size) if group.size else "", "virtual-tree--muted"), (" ", "")]
        return [*fit_spans(left, width - spans_width(right), ellipsis=self.symbols.ellipsis), *right]

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return a cell of a line."""
        place = self._at(row)
        if not isinstance(place, tuple):
            return ()
        action = place[0].group.action
        line = self._line(action, place[1])
        if line is None:
            return [("      " + self.symbols.say("…"), "virtual-tree--muted")] if placed.column.key == "what" else ()
        if placed.column.key == "why":
            return [(line.why, "virtual-tree--muted")]
        if placed.column.key == "size":
            return [(formats.size(line.size) if line.size else "", "virtual-tree--muted")]
        out = not self.is_ticked(action, line)
        tick = "[ ]" if out else TICKED
        name = display_name(line.key)
        if line.source:
            name = f"{display_name(line.source)} {self.symbols.arrow} {name}"
        kind = "plan--out" if out else ""
        danger = "plan--danger" if line.action in NEED_ACTION and not out else "virtual-tree--muted"
        return [(f"  {tick} ", "plan--tick"), (f"{sign_of(line.action, self.symbols)} ", danger), (name, kind)]
