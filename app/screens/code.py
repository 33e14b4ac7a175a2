"""Ready code for a bucket, a folder or an object, copied by one key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from app.screens.dialog import Label
from app.screens.over import Over
from services.snippets import Snippet
from widgets.snippets_panel import SnippetsPanel
from widgets.symbols import Symbols


class CodeScreen(Over[None]):
    """Snippets in a tall dialog."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "Close", show=False)]

    def __init__(self, title: str, about: str, found: Sequence[Snippet], symbols: Symbols) -> None:
        """Show code; `about` is what it is for, safe to show."""
        super().__init__()
        self._title = title
        self._about = about
        self._found = found
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out title, snippets and keys."""
        with Vertical(classes="dialog dialog-tall"):
            yield Label(self._title, classes="dialog-title")
            yield Label(self._about, classes="dialog-url")
            yield SnippetsPanel(symbols=self._symbols)
            keys = "← → another tool · c copies · ↑ ↓ scroll · Esc closes"
            yield Label(self._symbols.say(keys), classes="dialog-note")

    def on_mount(self) -> None:
        """Show the snippets."""
        panel = self.query_one(SnippetsPanel)
        panel.show(self._found)
        panel.focus()

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)

    @on(SnippetsPanel.CopyWanted)
    def _copy_wanted(self, message: SnippetsPanel.CopyWanted) -> None:
        message.stop()
        self.app.copy_to_clipboard(message.snippet.text)
        self.app.notify(f"Copied the code for {message.snippet.title}", markup=False)
