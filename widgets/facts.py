"""Facts about one thing, aligned: label, value (which can be selected), and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from services.names import display_name
from widgets.symbols import ASCII, UNICODE, Symbols


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: a fact, or an action."""

    label: str
    """What it is about."""
    value: str = ""
    """Raw value; shown by `display_name`, a line for each line of it."""
    copy: str = ""
    """Raw text that `c` copies; empty where there is nothing to copy."""
    action: str = ""
    """Key of what `enter` does; empty for nothing."""
    danger: bool = False
    """Whether the action destroys something."""
    gap: bool = False
    """Whether an empty line stands above it."""
    hint: str = ""
    """What stands at its end, such as `e change`; empty for what copying or acting says by itself.

    A fact with a hint of its own stays a fact: its label keeps its column, and a click on the hint acts.
    """
    safe: bool = False
    """Whether `value` has passed `display_name` already."""


class FactRow(Horizontal, can_focus=True):
    """A fact that can be focused, copied, and acted on."""

    def __init__(self, fact: Fact) -> None:
        """Show a fact."""
        super().__init__()
        self.fact = fact

    def compose(self) -> ComposeResult:
        """Lay out label, value and hint."""
        yield Static(Text(self.fact.label), classes="fact--label", markup=False)
        yield Static(_shown(self.fact), classes="fact--value", markup=False)
        yield FactHint(Text(_hint(self.fact)), classes="fact--hint", markup=False)

    def on_mount(self) -> None:
        """Look as the fact wants."""
        self._look()

    def change(self, fact: Fact) -> None:
        """Show another fact; only what differs is drawn."""
        old, self.fact = self.fact, fact
        label, value, hint = self.query(Static)
        if fact.label != old.label:
            label.update(Text(fact.label))
        if (fact.value, fact.safe) != (old.value, old.safe):
            value.update(_shown(fact))
        if _hint(fact) != _hint(old):
            hint.update(Text(_hint(fact)))
        self._look()

    def _look(self) -> None:
        self.set_class(self.fact.gap, "-gap")
        self.set_class(bool(self.fact.action) and not self.fact.hint, "-action")
        self.set_class(self.fact.danger, "-danger")

    def on_click(self, event: events.Click) -> None:
        """Act on a click; one on the value only where it is doubled, so that it can be selected.

        Where there is nothing to do but to copy, a double click copies.
        """
        on_value = event.widget is self.query_one(".fact--value", Static)
        if self.fact.action and (event.chain == 2 or not on_value):
            event.stop()
            self.post_message(Facts.ActionWanted(self.fact.action))
        elif event.chain == 2 and self.fact.copy and not self.fact.action:
            event.stop()
            self.post_message(Facts.CopyWanted(self.fact.copy))


class FactHint(Static):
    """The end of a row: what a key does there, and a click too."""

    ALLOW_SELECT = False

    def on_click(self, event: events.Click) -> None:
        """Copy where there is something to copy; anything else is the row's."""
        row = self.parent
        if isinstance(row, FactRow) and row.fact.copy and not row.fact.hint:
            event.stop()
            self.post_message(Facts.CopyWanted(row.fact.copy))


def _hint(fact: Fact) -> str:
    if fact.hint:
        return fact.hint
    if fact.copy:
        return "c copy"
    return "enter" if fact.action else ""


def _shown(fact: Fact) -> Text:
    lines = fact.value.split("\n")
    return Text("\n".join(lines if fact.safe else map(display_name, lines)), overflow="fold")


class Facts(VerticalScroll, can_focus=False):
    """A column of facts with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="cursor_up"),
        Binding("down,j", "move(1)", "Down", show=False, id="cursor_down"),
        Binding("home,g", "move(-1000)", "First", show=False, id="cursor_home"),
        Binding("end,G", "move(1000)", "Last", show=False, id="cursor_end"),
        Binding("c", "copy", "Copy", show=False, id="copy"),
        Binding("enter", "choose", "Act", show=False, id="choose"),
    ]

    @dataclass
    class CopyWanted(Message):
        """A value should go to the clipboard."""

        text: str
        """The value, raw."""

    @dataclass
    class ActionWanted(Message):
        """What a row does was asked for."""

        key: str
        """Key of the action."""

    def __init__(self, *, symbols: Symbols = UNICODE, id: str | None = None, classes: str | None = None) -> None:
        """Make an empty column; labels are written with the typography of `symbols`."""
        super().__init__(id=id, classes=classes)
        self.symbols = symbols
        self.set_class(symbols is ASCII, "-ascii")
        self._facts: tuple[Fact, ...] = ()
        self._focus_soon = False

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What is shown."""
        return self._facts

    def compose(self) -> ComposeResult:
        """Show the facts."""
        for fact in self._facts:
            yield FactRow(fact)

    def show(self, facts: Iterable[Fact], *, hold_s: float = 0.0) -> None:
        """Show other facts, drawing only what differs; the focus stays where it is as long as there is a row.

        With `hold_s` they are drawn after so many seconds, or together with what is shown meanwhile.
        """
        new = tuple(replace(fact, label=self.symbols.say(fact.label)) for fact in facts)
        if new != self._facts:
            self._facts = new
            if self.is_mounted and hold_s:
                self.set_timer(hold_s, self._renew)
            elif self.is_mounted:
                self.call_next(self._renew)

    async def _renew(self) -> None:
        facts, rows = self._facts, list(self.query(FactRow))
        focused = self._focused_index()
        with self.app.batch_update():
            for row, fact in zip(rows, facts, strict=False):
                if row.fact != fact:
                    row.change(fact)
            surplus = rows[len(facts) :]
            if surplus:
                await self.remove_children(surplus)
            if len(facts) > len(rows):
                await self.mount_all(FactRow(fact) for fact in facts[len(rows) :])
        if focused >= len(facts) > 0:
            rows[len(facts) - 1].focus()
        elif self._focus_soon and facts:
            self.focus()

    def _focused_index(self) -> int:
        rows = list(self.query(FactRow))
        return next((index for index, row in enumerate(rows) if row.has_focus), -1)

    @property
    def first_row(self) -> FactRow | None:
        """The first row, where there is one already."""
        return next(iter(self.query(FactRow)), None)

    def focus(self, scroll_visible: bool = True) -> Facts:
        """Focus the first row, as soon as there is one."""
        first: Widget | None = self.first_row
        self._focus_soon = first is None
        if first is not None:
            first.focus(scroll_visible)
        return self

    def action_move(self, rows: int) -> None:
        """Move the focus by some rows."""
        all_rows = list(self.query(FactRow))
        if all_rows:
            all_rows[max(0, min(self._focused_index() + rows, len(all_rows) - 1))].focus()

    def action_copy(self) -> None:
        """Copy the value of the focused row."""
        fact = self._focused_fact()
        if fact is not None and (fact.copy or fact.value):
            self.post_message(self.CopyWanted(fact.copy or fact.value))

    def action_choose(self) -> None:
        """Do what the focused row does."""
        fact = self._focused_fact()
        if fact is not None and fact.action:
            self.post_message(self.ActionWanted(fact.action))

    def _focused_fact(self) -> Fact | None:
        index = self._focused_index()
        return self._facts[index] if 0 <= index < len(self._facts) else None
