"""The dialog for an object that somebody else changed while it was edited."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button

from app.screens.dialog import Dialog, Label, button


class ChangedDialog(Dialog[str]):
    """Asks what happens with one's own version: `beside` under another name, or `replace` theirs.

    Close, which has the focus, uploads nothing and loses nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "decide('beside')", "Keep both", show=False),
        Binding("r", "decide('replace')", "Replace", show=False),
    ]

    def __init__(self, name: str, path: str) -> None:
        """Ask about an object; both texts are safe to show."""
        super().__init__("Somebody changed it meanwhile")
        self._name = name
        self._path = path

    def body(self) -> ComposeResult:
        """Yield what happened and what can be done."""
        yield Label(f"{self._name} has a newer generation than the one that you edited.", classes="dialog-text")
        yield Label("k  Keep both: yours gets another name\nr  Replace theirs with yours", classes="dialog-text")
        yield Label(f"Close keeps yours on this machine: {self._path}", classes="dialog-note")

    def buttons(self) -> ComposeResult:
        """Yield what can be done, the safe one first."""
        yield button("Close", "leave")
        yield button("Keep both", "beside", main=True)
        yield button("Replace theirs", "replace", danger=True)

    @on(Button.Pressed, "#beside")
    @on(Button.Pressed, "#replace")
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_decide(event.button.id or "")

    def action_decide(self, decision: str) -> None:
        """Answer."""
        self.dismiss("replace" if decision == "replace" else "beside")
