"""What was transferred in the last 30 days, with totals and rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from app.screens.dialog import Label
from app.screens.over import Over
from services.transfer.chronicle import PastJob, add_up
from widgets.history_list import HistoryList, totals_line
from widgets.symbols import Symbols


class HistoryScreen(Over[None]):
    """The jobs that have ended, in a tall dialog."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,H", "leave", "Close", show=False)]

    def __init__(self, jobs: Sequence[PastJob], now: float, symbols: Symbols) -> None:
        """Show jobs, newest first, as seen from `now` (seconds since the epoch)."""
        super().__init__()
        self._jobs = jobs
        self._now = now
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out title, totals, jobs and keys."""
        with Vertical(classes="dialog dialog-tall dialog-history"):
            yield Label("The last 30 days", classes="dialog-title")
            yield Label(totals_line(add_up(self._jobs), self._symbols), classes="dialog-url")
            yield HistoryList(symbols=self._symbols)
            yield Label(self._symbols.say("↑ ↓ scroll · Esc closes"), classes="dialog-note")

    def on_mount(self) -> None:
        """Show the jobs."""
        found = self.query_one(HistoryList)
        found.show(self._jobs, self._now)
        found.focus()

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)
