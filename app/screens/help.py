"""The help: the keys of what has the focus first, then every other command by section, from the registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from app.screens.keys import KeySection
from app.screens.low import Low
from widgets.symbols import UNICODE, Symbols

KEYS_WIDTH: Final = 18
"""Cells of the column of keys."""

KEYS_NARROW: Final = 9
"""The same in a narrow window; keys that need more go on in the next line."""

NARROW: Final = 60
"""Cells of the window below which it counts as narrow."""


class HelpScreen(Low[bool | None]):
    """Keys with what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "leave", "Close", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, sections: Sequence[KeySection], *, more: bool = True, symbols: Symbols = UNICODE) -> None:
        """Show sections; `more` says that the palette finds every command."""
        super().__init__()
        self._sections = tuple(sections)
        self._more = more
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out the sections."""
        with Vertical(classes="dialog dialog-tall"):
            yield Static(Text("Help: keys and commands"), classes="dialog-title")
            with VerticalScroll(id="help-scroll"):
                for section in self._sections:
                    yield Static(Text(section.title), classes="help-group")
                    yield Static(self._table(section), classes="help-lines")
            yield Static(Text(self._foot()), classes="dialog-note")

    def _foot(self) -> str:
        found = " · : finds any command" if self._more else ""
        return self._symbols.say(f"Esc closes{found}")

    def _table(self, section: KeySection) -> Table:
        """Return the lines of a section: a sentence that is too long goes on below itself, not below the keys."""
        wide = self.app.size.width >= NARROW
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=KEYS_WIDTH if wide else KEYS_NARROW)
        table.add_column(ratio=1)
        for keys, text in section.lines:
            table.add_row(Text(keys, "dim" if keys == "palette" else "bold"), Text(text))
        return table

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one("#help-scroll").focus()

    def action_scroll(self, lines: int) -> None:
        """Scroll by some lines."""
        self.query_one("#help-scroll").scroll_relative(y=lines, animate=False)

    def action_leave(self) -> None:
        """Close the help."""
        self.dismiss(None)
