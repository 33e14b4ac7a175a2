"""The Usage view: what a bucket holds and costs, folder by folder, by class, age and type, and what nobody sees."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar, Literal

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from services.lifecycle import Rule
from services.names import display_name
from widgets.object_cells import Clock
from widgets.object_rows import Entry, holder_of
from widgets.symbols import ASCII, UNICODE, Symbols
from widgets.usage_lines import RECOUNT, UsageFoot, UsageHead, UsageKeys, UsageTabs
from widgets.usage_list import UsageList
from widgets.usage_rows import ASCII_SPARKS, SECTIONS, SPARKS, Section, UsageState, ages_line, build

UsageKind = Literal["", "folder", "object", "uploads", "rule", "link"]
"""What a line stands for that something can be done with."""


class UsagePanel(Vertical):
    """Head, sections, lines, and what the picture of the ages says."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "usage_into", "Into", show=False, id="usage_into"),
        Binding("left,h,backspace", "usage_out", "Out", show=False, id="usage_out"),
        Binding("right_square_bracket", "next_section", "Next section", show=False, id="next_section"),
        Binding("left_square_bracket", "previous_section", "Previous section", show=False, id="previous_section"),
        Binding("R", "recount", "Recount", show=False, id="recount"),
        Binding("X,delete,f8", "usage_delete", "Delete", show=False, id="usage_delete"),
        Binding("enter", "usage_choose", "Open", show=False, id="usage_choose"),
        Binding("escape", "cancel_count", "Cancel", show=False, id="cancel_count"),
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

    class AbortWanted(Message):
        """Unfinished uploads should be aborted."""

    @dataclass
    class RuleWanted(Message):
        """A lifecycle rule should be added."""

        rule: Rule
        """Which."""

    @dataclass
    class LinkChosen(Message):
        """An address was chosen: copy it."""

        link: str
        """Which."""

    @dataclass
    class Drilled(Message):
        """Another folder is looked at, or another section."""

        prefix: str
        """Which, raw."""

    def __init__(
        self,
        *,
        symbols: Symbols = UNICODE,
        clock: Clock = time.time,
        zone: tzinfo | None = None,
        keys: UsageKeys | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make an empty panel."""
        super().__init__(id=id, classes=classes)
        self._symbols, self._clock, self._zone = symbols, clock, zone
        self._state = UsageState()
        self._prefix = ""
        self._head = UsageHead(symbols=symbols)
        self._head.keys = keys or UsageKeys()
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
        """Show a count; the same one may be shown again as it grows.  A count of another prefix begins at its top.

        A new count of the same prefix stays in the folder that is looked at, or goes to one around it.
        """
        old, new = self._state.usage, state.usage
        self._state = state
        same = old is not None and new is not None and (old.bucket, old.prefix) == (new.bucket, new.prefix)
        before = self._prefix
        if new is not None and not same:
            self._prefix = new.prefix
        elif new is not None and new.complete:
            while self._prefix not in new.folders:
                self._prefix = around(self._prefix, new.prefix)
        self._fill()
        if self._prefix != before:
            self.post_message(self.Drilled(self._prefix))

    @property
    def prefix(self) -> str:
        """The folder that is looked at; that of the whole count in the sections that tell of all of it."""
        usage = self._state.usage
        return self._prefix if self.section == "folders" or usage is None else usage.prefix

    @property
    def cursor_kind(self) -> UsageKind:
        """What the cursor stands on."""
        row = self.rows.cursor_row
        if row is None:
            return ""
        if row.folder is not None or row.row is not None:
            return "folder" if row.row is None else "object"
        return "uploads" if row.uploads else "rule" if row.rule is not None else "link" if row.link else ""

    @property
    def section(self) -> Section:
        """The section that is shown."""
        return self._tabs.section

    def show_section(self, section: Section) -> None:
        """Show another section."""
        self._tabs.section = section
        self._fill(keep=False)
        self.post_message(self.Drilled(self.prefix))

    def _fill(self, *, keep: bool = True, cursor_on: str | None = None) -> None:
        """Write the lines anew; the cursor stays on its folder or object."""
        under = self.rows.cursor_row if keep else None
        lines = build(self._state, self.section, self._prefix, self._clock(), self._zone, self._symbols.dot)
        self.rows.show(self.section, lines)
        wanted = cursor_on if cursor_on is not None else under.folder if under is not None else None
        place = next((index for index, line in enumerate(lines) if wanted is not None and line.folder == wanted), None)
        if place is None and under is not None and under.row is not None:
            place = next((i for i, line in enumerate(lines) if line.row and line.row.name == under.row.name), None)
        if place is None:
            # Below the line that leads out lies what one came for.
            place = min(self.rows.cursor, len(lines) - 1) if keep else int(len(lines) > 1 and lines[0].up)
        self.rows.cursor = place
        self._head.state, self._head.now = self._state, self._clock()
        self._head.refresh()
        signs = ASCII_SPARKS if self._symbols is ASCII else SPARKS
        self._foot.ages = ages_line(self._state.usage, signs) if self._state.usage is not None else ""
        self._foot.remedy = display_name(self._state.remedy)
        notes = self._state.report.notes if self._state.report is not None else ()
        if self._state.changed and not self._state.counting:
            notes = (f"changes since are not in these numbers, {self._head.keys.recount} counts again", *notes)
        self._foot.notes = display_name("; ".join(notes))
        self._foot.refresh()

    # Moving around

    def go(self, prefix: str, cursor_on: str | None = None) -> None:
        """Show a folder, with the cursor on a folder in it; one that was not counted is not gone to."""
        usage = self._state.usage
        if usage is None or prefix not in usage.folders:
            return
        self._tabs.section = "folders"
        self._prefix = prefix
        self._fill(keep=False, cursor_on=cursor_on)
        self.post_message(self.Drilled(prefix))

    def action_usage_into(self) -> None:
        """Go into the folder with the cursor."""
        row = self.rows.cursor_row
        if row is not None and row.folder is not None:
            self.go(row.folder)

    def action_usage_out(self) -> None:
        """Go out of the folder."""
        usage = self._state.usage
        if self.section != "folders" or usage is None or self._prefix == usage.prefix:
            return
        self.go(around(self._prefix, usage.prefix), cursor_on=self._prefix)

    def action_usage_choose(self) -> None:
        """Act on the line with the cursor."""
        self.rows.action_choose()

    def action_next_section(self) -> None:
        """Show the next section."""
        self._step(1)

    def action_previous_section(self) -> None:
        """Show the section before."""
        self._step(-1)

    def _step(self, step: int) -> None:
        keys = [key for key, _ in SECTIONS]
        self.show_section(keys[(keys.index(self.section) + step) % len(keys)])

    def action_recount(self) -> None:
        """Count anew, or go on with a count that was cancelled."""
        if not self._state.counting:
            self.post_message(self.RecountWanted())

    def action_cancel_count(self) -> None:
        """End the counting."""
        if not self._state.counting:
            raise SkipAction
        self.post_message(self.CancelWanted())

    def action_usage_delete(self) -> None:
        """Ask for what is under the cursor to be deleted: a folder, an object, or unfinished uploads."""
        row = self.rows.cursor_row
        if row is None:
            return
        if row.folder is not None:
            self.post_message(self.DeleteWanted(Entry("folder", row.folder)))
        elif row.row is not None:
            self.post_message(self.DeleteWanted(Entry("object", row.row.name, row.row)))
        elif row.uploads:
            self.post_message(self.AbortWanted())

    @on(UsageList.Chosen)
    def _row_chosen(self, event: UsageList.Chosen) -> None:
        event.stop()
        row = event.row
        if row.up:
            self.action_usage_out()
        elif row.folder is not None:
            self.action_usage_into()
        elif row.row is not None:
            self.post_message(self.Opened(Entry("object", row.row.name, row.row)))
        elif row.uploads:
            self.post_message(self.AbortWanted())
        elif row.rule is not None:
            self.post_message(self.RuleWanted(row.rule))
        elif row.link:
            self.post_message(self.LinkChosen(row.link))

    @on(UsageTabs.Chosen)
    def _section_chosen(self, event: UsageTabs.Chosen) -> None:
        event.stop()
        self.show_section(event.section)

    @on(UsageHead.Chosen)
    def _head_chosen(self, event: UsageHead.Chosen) -> None:
        event.stop()
        self.post_message(self.RecountWanted() if event.what == RECOUNT else self.CancelWanted())

    def on_click(self, event: events.Click) -> None:
        """Keep clicks beside the lines from doing anything elsewhere."""
        event.stop()


def around(prefix: str, top: str) -> str:
    """Return the folder around a folder; at most `top`."""
    holder = holder_of(prefix[:-1])
    return holder if len(holder) > len(top) else top
