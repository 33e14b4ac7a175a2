"""Fields of dialogs besides lines: a choice from a list with a filter, and a switch with what it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from app.screens.dialog import Label, Line
from app.screens.over import Over

Choices = Sequence[tuple[str, str]]
"""Words for a person, and the value they stand for."""


class PickDialog(Over[str | None]):
    """A long list over a dialog, narrowed down by typing; answers the value that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "move(-8)", "Page up", show=False),
        Binding("pagedown", "move(8)", "Page down", show=False),
    ]

    def __init__(self, heading: str, choices: Choices, value: str, *, typed: str = "") -> None:
        """Offer `choices`, beginning at `value`; `typed` says what a text that is no choice is taken for, if it may."""
        super().__init__()
        self._heading = heading
        self._choices = tuple(choices)
        self._value = value
        self._typed = typed
        self._shown: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        """Lay out the filter and the list."""
        with Vertical(classes="dialog dialog-pick"):
            yield Label(self._heading, classes="dialog-title")
            yield Line("", placeholder="type to filter", id="pick-filter")
            yield OptionList(id="pick-list", compact=True)

    def on_mount(self) -> None:
        """Show all, beginning at the present value."""
        self._offer("")

    def _offer(self, needle: str) -> None:
        words = needle.casefold().split()
        self._shown = [one for one in self._choices if all(word in f"{one[0]} {one[1]}".casefold() for word in words)]
        if not self._shown and needle.strip() and self._typed:
            self._shown = [(f"{needle.strip()}: {self._typed}", needle.strip())]
        listing = self.query_one("#pick-list", OptionList)
        listing.clear_options()
        listing.add_options([Option(Text(text)) for text, _ in self._shown])
        at = next((index for index, (_, value) in enumerate(self._shown) if value == self._value and not needle), 0)
        listing.highlighted = at if self._shown else None

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._offer(event.value)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose(self.query_one("#pick-list", OptionList).highlighted)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(event.option_index)

    def _choose(self, index: int | None) -> None:
        if index is not None and index < len(self._shown):
            self.dismiss(self._shown[index][1])

    def action_move(self, rows: int) -> None:
        """Move in the list while the filter has the focus."""
        listing = self.query_one("#pick-list", OptionList)
        if self._shown:
            listing.highlighted = max(0, min((listing.highlighted or 0) + rows, len(self._shown) - 1))

    def action_leave(self) -> None:
        """Leave the value as it is."""
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """Close on a click beside the list."""
        if self.get_widget_at(*event.screen_offset)[0] is self:
            self.dismiss(None)


class PickField(Static, can_focus=True):
    """A line that shows what is chosen; Enter, space or a click opens the list."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "open", "Choose", show=False)]

    @dataclass
    class Picked(Message):
        """Another value was chosen."""

        value: str
        """The value."""

    def __init__(self, label: str, choices: Choices, value: str, *, typed: str = "", id: str) -> None:  # noqa: A002
        """Show `value` of `choices`; `typed` as in `PickDialog`."""
        super().__init__(id=id, classes="pick-field", markup=False)
        self._label = label
        self._choices = choices
        self._typed = typed
        self.value = value
        """What is chosen."""

    def render(self) -> Text:
        """Return label and value."""
        words = next((text for text, value in self._choices if value == self.value), self.value)
        return Text.assemble((f"{self._label:<11}", "dim"), f"{words}  ", ("enter", "dim"), no_wrap=True)

    def on_click(self, event: events.Click) -> None:
        """Open the list."""
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """Open the list."""

        def chosen(value: str | None) -> None:
            if value is not None and value != self.value:
                self.value = value
                self.refresh()
                self.post_message(self.Picked(value))

        self.app.push_screen(PickDialog(self._label, self._choices, self.value, typed=self._typed), chosen)


class Toggle(Static, can_focus=True):
    """A switch, with what it means beside it; Enter, space or a click changes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "switch", "Switch", show=False)]

    class Changed(Message):
        """It was switched."""

    def __init__(self, label: str, meaning: str, *, on: bool, id: str) -> None:  # noqa: A002
        """Make a switch that is on or off."""
        super().__init__(id=id, classes="toggle", markup=False)
        self._label = label
        self._meaning = meaning
        self.is_on = on
        """Whether it is on."""

    def render(self) -> Text:
        """Return the switch and its meaning."""
        sign = "[x]" if self.is_on else "[ ]"
        return Text.assemble(f"{sign} {self._label:<25}", (self._meaning, "dim"))

    def on_click(self, event: events.Click) -> None:
        """Switch."""
        event.stop()
        self.focus()
        self.action_switch()

    def action_switch(self) -> None:
        """Switch."""
        self.is_on = not self.is_on
        self.refresh()
        self.post_message(self.Changed())
