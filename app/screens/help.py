"""The help: every command by section, with its keys, from the registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from app.commands import GROUPS, Command, shown_key

KEYS_WIDTH: Final = 18
"""Cells of the column of keys."""


class HelpScreen(ModalScreen[bool | None]):
    """All keys with what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "leave", "Close", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, entries: Iterable[Command]) -> None:
        """Show commands with the keys in force."""
        super().__init__()
        self._entries = tuple(entries)

    def compose(self) -> ComposeResult:
        """Lay out the sections."""
        with Vertical(classes="dialog dialog-tall"):
            yield Static(Text("Help: keys and commands"), classes="dialog-title")
            with VerticalScroll(id="help-scroll"):
                for group in GROUPS:
                    yield Static(Text(group), classes="help-group")
                    for entry in self._entries:
                        if entry.group == group:
                            yield Static(_line(entry), classes="help-line")
            yield Static(Text("Esc closes · : finds any command by its name"), classes="dialog-note")

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one("#help-scroll").focus()

    def action_scroll(self, lines: int) -> None:
        """Scroll by some lines."""
        self.query_one("#help-scroll").scroll_relative(y=lines, animate=False)

    def action_leave(self) -> None:
        """Close the help."""
        self.dismiss(None)


def _line(entry: Command) -> Text:
    keys = "  ".join(shown_key(key) for key in entry.keys) or "palette"
    return Text.assemble((f"{keys:<{KEYS_WIDTH}} ", "bold" if entry.keys else "dim"), entry.help)
