"""Ready code for a bucket, a folder or an object, copied by one key."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from app.screens.dialog import Label, shown
from services.names import GsUrl
from services.snippets import snippets
from widgets.snippets_panel import SnippetsPanel
from widgets.symbols import Symbols


class CodeScreen(ModalScreen[None]):
    """Snippets in a tall dialog."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "Close", show=False)]

    def __init__(self, url: GsUrl, symbols: Symbols) -> None:
        """Show code for `url`: a bucket, a prefix (ending in `/`) or an object."""
        super().__init__()
        self._url = url
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out title, snippets and keys."""
        with Vertical(classes="dialog dialog-tall"):
            yield Label("Use from code", classes="dialog-title")
            yield Label(shown(str(self._url)), classes="dialog-url")
            yield SnippetsPanel(symbols=self._symbols)
            keys = "← → another tool · c copies · ↑ ↓ scroll · Esc closes"
            yield Label(self._symbols.say(keys), classes="dialog-note")

    def on_mount(self) -> None:
        """Show the snippets."""
        panel = self.query_one(SnippetsPanel)
        panel.show(snippets(self._url.bucket, self._url.name))
        panel.focus()

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)

    @on(SnippetsPanel.CopyWanted)
    def _copy_wanted(self, message: SnippetsPanel.CopyWanted) -> None:
        message.stop()
        self.app.copy_to_clipboard(message.snippet.text)
        self.app.notify(f"Copied the code for {message.snippet.title}", markup=False)
