"""The small dialog that chooses a theme, shown at once as the cursor moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.screens.dialog import Dialog, Label
from app.themes import Look
from services.names import display_name

NAME_WIDTH: Final = 18
"""Cells of the column of names."""


class ThemeDialog(Dialog[str]):
    """Answers the name of the theme that was chosen; esc brings the old one back."""

    def __init__(self, looks: Sequence[Look], current: str, tick: str) -> None:
        """Offer themes, beginning with the current one, which `tick` marks."""
        super().__init__("Theme")
        self._looks = list(looks)
        self._current = current
        self._tick = tick

    def body(self) -> ComposeResult:
        """Yield the themes."""
        yield OptionList(*(Option(self._line(look), id=look.name) for look in self._looks), id="looks", compact=True)
        yield Label("enter takes it, esc keeps the old one", classes="dialog-note")

    def on_mount(self) -> None:
        """Begin at the current theme."""
        listed = self.query_one("#looks", OptionList)
        names = [look.name for look in self._looks]
        listed.highlighted = names.index(self._current) if self._current in names else 0
        listed.focus()

    @on(OptionList.OptionHighlighted, "#looks")
    def _shown(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.app.theme = str(event.option_id)

    @on(OptionList.OptionSelected, "#looks")
    def _taken(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_id)

    def action_leave(self) -> None:
        """Bring the old theme back and close."""
        self.app.theme = self._current
        super().action_leave()

    def _line(self, look: Look) -> Table:
        line = Table.grid(expand=True)
        line.add_column(width=2)
        line.add_column(width=NAME_WIDTH)
        line.add_column(ratio=1, no_wrap=True)
        line.add_row(
            Text(self._tick if look.name == self._current else ""),
            Text(display_name(look.name)),
            Text(look.says, "dim"),
        )
        return line
