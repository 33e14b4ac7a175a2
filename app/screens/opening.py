"""What is painted first: the name, and what goes on; imports nothing but what every screen of Textual's needs."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Static


class OpeningScreen(Screen[None]):
    """Stands below all other screens, and is seen only until the first of them is ready."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,f10", "app.leave", "Quit", show=False)]

    def compose(self) -> ComposeResult:
        """Lay out two lines, where the screen of connections has them too; in ASCII, as any terminal can show them."""
        with Vertical(id="connect"):
            yield Static("Pail", classes="connect-brand", markup=False)
            yield Static("Looking for a way into Google Cloud Storage", id="connect-heading", markup=False)
