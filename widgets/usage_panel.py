"""The Usage view: what a bucket holds and costs, folder by folder, by class, age and type, and what nobody sees."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import var

from services.names import display_name
from services.prices import monthly
from widgets import formats
from widgets.cells import Span, cut_middle, cut_start
from widgets.columns import Column, Placed
from widgets.object_cells import Clock
from widgets.object_rows import Entry, holder_of
from widgets.span_line import Part, SpanLine, spread
from widgets.symbols import ASCII, UNICODE, Symbols
from widgets.usage_rows import ASCII_SPARKS, SECTIONS, SPARKS, Section, UsageRow, UsageState, ages_line, build
from widgets.virtual_tree import Look, VirtualTree

_RECOUNT: Final = "recount"
_CANCEL: Final = "cancel"


class UsageHead(SpanLine[str]):
    """The first line: size, objects, cost, and how old the count is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"usage--total", "usage--key", "usage--problem"}

    state: UsageState = UsageState()

    @dataclass
    class Chosen(Message):
        """A word that can be clicked was."""

        what: str
        """Which."""

    def chosen(self, target: str) -> None:
        """Tell what was clicked."""
        self.post_message(self.Chosen(target))

    def parts(self, width: int) -> Sequence[Part[str]]:
        """Return what fits: the total first, then the cost, then where prices come from."""
        state, dot = self.state, f" {self.symbols.dot} "
        right = self._right()
        used = sum(len(part.text) for part in right) + 3
        if state.usage is None:
            words = f"{self.symbols.warning} {display_name(state.problem)}" if state.problem else "Nothing counted yet."
            return spread([Part(f" {words}", "usage--problem" if state.problem else "")], right, width)
        total = state.usage.amount()
        facts = [formats.size(total.size), formats.count(total.objects, "object")]
        if state.money is not None:
            estimate = monthly(state.money.table, state.money.place, state.usage)
            facts.append(f"about {state.money.words(estimate.monthly)} a month")
        while len(facts) > 1 and sum(map(len, facts)) + 3 * len(facts) + used > width:
            facts.pop()
        left: list[Part[str]] = [Part(f" {facts[0]}", "usage--total"), Part("".join(dot + fact for fact in facts[1:]))]
        if state.problem:
            left.append(Part(f"{dot}{self.symbols.warning} {display_name(state.problem)}", "usage--problem"))
        return spread(left, right, width)

    def _right(self) -> list[Part[str]]:
        state = self.state
        if state.counting:
            words = f"{self.symbols.moving} counting{self.symbols.ellipsis}  "
            return [
                Part(words, "span-line--muted"),
                Part("esc", "usage--key", _CANCEL),
                Part(" cancel", "span-line--muted", _CANCEL),
            ]
        if state.counted_s is None:
            words = "not complete  " if state.usage is not None else ""
        else:
            words = f"counted {formats.relative_time(0, state.counted_s)}  "
        verb = " recount" if state.usage is not None else " count"
        return [
            Part(words, "span-line--muted"),
            Part("R", "usage--key", _RECOUNT),
            Part(verb, "span-line--muted", _RECOUNT),
        ]


class UsageTabs(SpanLine[Section]):
    """The sections, and which one is shown."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"usage--current"}

    section: var[Section] = var("folders")
    """The one that is shown."""

    @dataclass
    class Chosen(Message):
        """A section was clicked."""

        section: Section
        """Which."""

    def watch_section(self) -> None:
        """Draw anew."""
        self.refresh()

    def chosen(self, target: Section) -> None:
        """Tell which section was clicked."""
        self.post_message(self.Chosen(target))

    def parts(self, width: int) -> Sequence[Part[Section]]:
        """Return the titles; where they do not all fit, those around the current one."""
        current = next(index for index, (key, _) in enumerate(SECTIONS) if key == self.section)
        shown = [(key, f"[{title}]" if key == self.section else f" {title} ") for key, title in SECTIONS]
        first, last = 0, len(shown)
        while last - first > 1 and sum(len(title) for _, title in shown[first:last]) > width:
            if current - first > last - 1 - current:
                first += 1
            else:
                last -= 1
        return [
            Part(title, "usage--current" if key == self.section else "span-line--muted", key)
            for key, title in shown[first:last]
        ]


class UsageList(VirtualTree):
    """The lines of a section, with a bar each."""

    HEAD = False
    LEFT_MARGIN: ClassVar[int] = 1
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("bar", "", 8, from_width=56, wide=22, wide_from=96),
        Column("label", ""),
        Column("size", "", 8, "right", from_width=24),
        Column("percent", "", 5, "right", from_width=34),
        Column("objects", "", 11, "right", from_width=48),
        Column("detail", "", 24, from_width=84, wide=40, wide_from=118),
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {"usage--bar", "usage--folder"}

    @dataclass
    class Chosen(Message):
        """A line was chosen."""

        row: UsageRow
        """Which."""

    rows: tuple[UsageRow, ...] = ()

    @property
    def cursor_row(self) -> UsageRow | None:
        """The line with the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def row_total(self) -> int:
        """Return how many lines there are."""
        return len(self.rows)

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return a line of words only: what it is about, and what there is to say."""
        line = self.rows[row]
        if line.size is not None or line.objects is not None:
            return None
        label = cut_middle(f" {line.label}", width, self.symbols.ellipsis)
        room = max(0, width - cell_len(label) - 2)
        return [(label, ""), ("  " * bool(room), ""), (self._muted(line.detail, room), "virtual-tree--muted")]

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return what stands in a cell."""
        line, key = self.rows[row], placed.column.key
        if key == "bar":
            cells = round((line.share or 0) * placed.width)
            filled = max(cells, 1 if line.size else 0) if line.share is not None else 0
            return [("#" * filled if self.symbols is ASCII else "▇" * filled, "usage--bar")]
        if key == "label":
            cut = cut_start if line.row is not None else cut_middle
            label = cut(self.symbols.say(line.label), placed.width, self.symbols.ellipsis)
            return [(label, "usage--folder" if line.folder is not None else "")]
        if key == "size":
            return [(formats.size(line.size), "")] if line.size is not None else []
        if key == "percent":
            return [(f"{line.share * 100:.0f} %", "virtual-tree--muted")] if line.share is not None else []
        if key == "objects":
            return [(f"{line.objects:,}", "virtual-tree--muted")] if line.objects is not None else []
        return [(self._muted(line.detail, placed.width), "virtual-tree--muted")]

    def _muted(self, text: str, width: int) -> str:
        return cut_middle(self.symbols.say(text), width, self.symbols.ellipsis)

    def action_choose(self) -> None:
        """Tell which line was chosen."""
        if (row := self.cursor_row) is not None:
            self.post_message(self.Chosen(row))


class UsageFoot(SpanLine[str]):
    """The last line: which folder is looked at, and how old what is there is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"usage--bar"}

    path: str = ""
    ages: str = ""
    remedy: str = ""

    def parts(self, width: int) -> Sequence[Part[str]]:
        """Return the line."""
        if self.remedy:
            return [Part(f" {self.remedy}", "span-line--muted")]
        right: list[Part[str]] = []
        if self.ages and width >= 50:
            arrow = f" (older {self.symbols.arrow} newer)"
            right = [Part("Age  ", "span-line--muted"), Part(self.ages, "usage--bar"), Part(arrow, "span-line--muted")]
        room = width - sum(len(part.text) for part in right) - 4
        return spread([Part(f" {cut_start(self.path, max(1, room), self.symbols.ellipsis)}")], right, width)


class UsagePanel(Vertical):
    """Head, sections, lines, and what the picture of the ages says."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "into", "Into", show=False, id="usage.into"),
        Binding("left,h,backspace", "out", "Out", show=False, id="usage.out"),
        Binding("right_square_bracket", "section(1)", "Next section", show=False, id="usage.next"),
        Binding("left_square_bracket", "section(-1)", "Previous section", show=False, id="usage.previous"),
        Binding("R", "recount", "Recount", show=False, id="refresh"),
        Binding("X,delete,f8", "delete", "Delete", show=False, id="delete"),
        Binding("escape", "cancel", "Cancel", show=False, id="usage.cancel"),
    ]

    class RecountWanted(Message):
        """Everything should be counted anew."""

    class CancelWanted(Message):
        """The counting should end; what was counted stays."""

    @dataclass
    class DeleteWanted(Message):
        """A folder or an object should be deleted."""

        entry: Entry
        """Which."""

    @dataclass
    class Opened(Message):
        """An object was chosen: show where it is."""

        entry: Entry
        """Which."""

    @dataclass
    class Drilled(Message):
        """Another folder is looked at."""

        prefix: str
        """Which, raw."""

    def __init__(
        self,
        *,
        symbols: Symbols = UNICODE,
        clock: Clock = time.time,
        zone: tzinfo | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make an empty panel."""
        super().__init__(id=id, classes=classes)
        self._symbols, self._clock, self._zone = symbols, clock, zone
        self._state = UsageState()
        self._prefix = ""
        self._head = UsageHead(symbols=symbols)
        self._tabs = UsageTabs(symbols=symbols)
        self._foot = UsageFoot(symbols=symbols)
        self.rows = UsageList(symbols=symbols)

    def compose(self) -> ComposeResult:
        """Lay out the view."""
        yield self._head
        yield self._tabs
        yield self.rows
        yield self._foot

    def on_mount(self) -> None:
        """Show what is known."""
        self._fill()

    def focus(self, scroll_visible: bool = True) -> UsagePanel:
        """Focus the lines."""
        self.rows.focus(scroll_visible)
        return self

    # Feeding

    def show(self, state: UsageState) -> None:
        """Show a count; the same one may be shown again as it grows.  A count of another prefix begins at its top."""
        old, new = self._state.usage, state.usage
        self._state = state
        same = old is not None and new is not None and (old.bucket, old.prefix) == (new.bucket, new.prefix)
        if new is not None and not (same and self._prefix in new.folders):
            self._prefix = new.prefix
        self._fill()

    @property
    def prefix(self) -> str:
        """The folder that is looked at."""
        return self._prefix

    @property
    def section(self) -> Section:
        """The section that is shown."""
        return self._tabs.section

    def show_section(self, section: Section) -> None:
        """Show another section."""
        self._tabs.section = section
        self._fill(keep=False)

    def _fill(self, *, keep: bool = True, cursor_on: str | None = None) -> None:
        """Write the lines anew; the cursor stays on its folder or object."""
        under = self.rows.cursor_row if keep else None
        lines = build(self._state, self.section, self._prefix, self._clock(), self._zone, self._symbols.dot)
        self.rows.rows = tuple(lines)
        self.rows.rows_changed()
        wanted = cursor_on if cursor_on is not None else under.folder if under is not None else None
        place = next((index for index, line in enumerate(lines) if wanted is not None and line.folder == wanted), None)
        if place is None and under is not None and under.row is not None:
            place = next((i for i, line in enumerate(lines) if line.row and line.row.name == under.row.name), None)
        self.rows.cursor = place if place is not None else min(self.rows.cursor, len(lines) - 1) if keep else 0
        self._head.state = self._state
        self._head.refresh()
        self._tell()

    def _tell(self) -> None:
        foot, state = self._foot, self._state
        foot.path = display_name(self._prefix) if self.section == "folders" else ""
        signs = ASCII_SPARKS if self._symbols is ASCII else SPARKS
        foot.ages = ages_line(state.usage, signs) if state.usage is not None else ""
        foot.remedy = display_name(state.remedy)
        foot.refresh()

    # Moving around

    def _go(self, prefix: str, cursor_on: str | None = None) -> None:
        self._prefix = prefix
        self._fill(keep=False, cursor_on=cursor_on)
        self.post_message(self.Drilled(prefix))

    def action_into(self) -> None:
        """Go into the folder with the cursor."""
        row = self.rows.cursor_row
        if row is not None and row.folder is not None:
            self._go(row.folder)

    def action_out(self) -> None:
        """Go out of the folder."""
        usage = self._state.usage
        if self.section != "folders" or usage is None or self._prefix == usage.prefix:
            return
        around = holder_of(self._prefix[:-1])
        self._go(around if len(around) > len(usage.prefix) else usage.prefix, cursor_on=self._prefix)

    def action_section(self, step: int) -> None:
        """Show the next section, or the one before."""
        keys = [key for key, _ in SECTIONS]
        self.show_section(keys[(keys.index(self.section) + step) % len(keys)])

    def action_recount(self) -> None:
        """Count anew."""
        if not self._state.counting:
            self.post_message(self.RecountWanted())

    def action_cancel(self) -> None:
        """End the counting."""
        if not self._state.counting:
            raise SkipAction
        self.post_message(self.CancelWanted())

    def action_delete(self) -> None:
        """Ask for the folder or object with the cursor to be deleted."""
        row = self.rows.cursor_row
        if row is not None and row.folder is not None:
            self.post_message(self.DeleteWanted(Entry("folder", row.folder)))
        elif row is not None and row.row is not None:
            self.post_message(self.DeleteWanted(Entry("object", row.row.name, row.row)))

    @on(UsageList.Chosen)
    def _row_chosen(self, event: UsageList.Chosen) -> None:
        event.stop()
        if event.row.up:
            self.action_out()
        elif event.row.folder is not None:
            self.action_into()
        elif event.row.row is not None:
            self.post_message(self.Opened(Entry("object", event.row.row.name, event.row.row)))

    @on(UsageTabs.Chosen)
    def _section_chosen(self, event: UsageTabs.Chosen) -> None:
        event.stop()
        self.show_section(event.section)

    @on(UsageHead.Chosen)
    def _head_chosen(self, event: UsageHead.Chosen) -> None:
        event.stop()
        self.post_message(self.RecountWanted() if event.what == _RECOUNT else self.CancelWanted())

    def on_click(self, event: events.Click) -> None:
        """Keep clicks beside the lines from doing anything elsewhere."""
        event.stop()
