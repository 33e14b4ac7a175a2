"""A few choices as lines: one of them, or a switch; keys, mouse, and signs that ASCII has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class Choices(Widget, can_focus=True):
    """One of a few: `(*) push   …`; the arrows choose, and so does a click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "choose(-1)", "Up", show=False),
        Binding("down,j,space", "choose(1)", "Down", show=False),
    ]

    chosen: reactive[int] = reactive(0)
    """Number of the choice."""

    @dataclass
    class Changed(Message):
        """Another one was chosen."""

        choices: Choices
        """The widget."""

    def __init__(self, labels: Sequence[tuple[str, str]], *, chosen: int = 0, id: str | None = None) -> None:
        """Offer labels, each with a sentence about it."""
        super().__init__(id=id)
        self._labels = labels
        self.set_reactive(Choices.chosen, chosen)
        self.styles.height = len(labels)

    @property
    def value(self) -> str:
        """The label that is chosen."""
        return self._labels[self.chosen][0]

    def render(self) -> RenderResult:
        """Draw the lines."""
        width = max(len(label) for label, _ in self._labels)
        text = Text(no_wrap=True, overflow="ellipsis")
        for number, (label, about) in enumerate(self._labels):
            on = number == self.chosen
            look = "bold reverse" if on and self.has_focus else "bold" if on else ""
            text.append(f"({'*' if on else ' '}) {label:{width}}", look)
            text.append(f"  {about}" + ("\n" if number + 1 < len(self._labels) else ""))
        return text

    def watch_chosen(self) -> None:
        """Tell that another one was chosen."""
        self.post_message(self.Changed(self))

    def on_focus(self) -> None:
        """Draw the choice as what the keys move."""
        self.refresh()

    def on_blur(self) -> None:
        """Draw the choice as it is at rest."""
        self.refresh()

    def action_choose(self, step: int) -> None:
        """Choose the next one, or the one before."""
        self.chosen = max(0, min(self.chosen + step, len(self._labels) - 1))

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        event.stop()
        self.chosen = max(0, min(event.y, len(self._labels) - 1))


class Switch(Widget, can_focus=True):
    """A sentence that holds or not: `[x] …`; space, enter and a click switch it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter", "switch", "Switch", show=False)]

    on: reactive[bool] = reactive(default=False)
    """Whether it holds."""
    label: reactive[str] = reactive("")
    """The sentence."""

    @dataclass
    class Changed(Message):
        """It was switched."""

        switch: Switch
        """The widget."""

    def __init__(self, label: str, *, on: bool = False, id: str | None = None) -> None:
        """Make a switch with a sentence of our own."""
        super().__init__(id=id)
        self.set_reactive(Switch.label, label)
        self.set_reactive(Switch.on, on)
        self.styles.height = 1

    def render(self) -> RenderResult:
        """Draw the line."""
        text = Text(no_wrap=True, overflow="ellipsis")
        box = f"[{'x' if self.on else ' '}]" if not self.disabled else "   "
        text.append(box, "bold reverse" if self.has_focus else "bold")
        text.append(f" {self.label}")
        return text

    def watch_on(self) -> None:
        """Tell that it was switched."""
        self.post_message(self.Changed(self))

    def on_focus(self) -> None:
        """Draw it as what the keys switch."""
        self.refresh()

    def on_blur(self) -> None:
        """Draw it as it is at rest."""
        self.refresh()

    def action_switch(self) -> None:
        """Switch it."""
        self.on = not self.on

    def on_click(self, event: events.Click) -> None:
        """Switch it."""
        event.stop()
        self.action_switch()
