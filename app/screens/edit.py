"""Edits what Google keeps about objects, in a tall dialog."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from app.screens.dialog import Label, button, shown
from app.screens.over import Over
from services.errors import PailError
from services.model import ObjectInfo
from services.names import base_name
from widgets.object_editor import ObjectEditor
from widgets.symbols import Symbols

Apply = Callable[[Sequence[ObjectInfo], Mapping[str, str]], Awaitable[int]]
"""Sends edits of objects as they were seen, and returns how many it changed; raises `PailError`."""


class EditScreen(Over[int | None]):
    """A form for one object or for many; what fails is said in it, and nothing that was typed is lost."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]

    def __init__(self, infos: Sequence[ObjectInfo], apply: Apply, symbols: Symbols) -> None:
        """Edit objects; `apply` sends what was changed."""
        super().__init__()
        self._infos = infos
        self._apply = apply
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out title, fields and keys."""
        what = shown(base_name(self._infos[0].name), 60) if len(self._infos) == 1 else f"{len(self._infos):,} objects"
        with Vertical(classes="dialog dialog-tall"):
            yield Label(f"Edit {what}", classes="dialog-title")
            yield ObjectEditor(self._infos, symbols=self._symbols)
            yield Label("", id="problem", classes="dialog-problem")
            yield Label(self._symbols.say("enter or ctrl+o applies · Esc closes"), classes="dialog-note")
            with Horizontal(classes="dialog-buttons"):
                yield button("Cancel", "leave")
                yield button("Apply", "apply", main=True)

    def on_mount(self) -> None:
        """Begin with the first field."""
        self.query_one(ObjectEditor).focus()

    def action_leave(self) -> None:
        """Close without a change."""
        self.dismiss(None)

    @on(Button.Pressed, "#leave")
    def _leave_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_leave()

    @on(Button.Pressed, "#apply")
    def _apply_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.query_one(ObjectEditor).apply()

    @on(ObjectEditor.Applied)
    def _applied(self, message: ObjectEditor.Applied) -> None:
        message.stop()
        self.run_worker(self._send(message), exclusive=True)

    async def _send(self, message: ObjectEditor.Applied) -> None:
        try:
            changed = await self._apply(message.infos, message.edits)
        except PailError as error:
            label = self.query_one("#problem", Label)
            label.update(f"! {error.message}\n{error.remedy}".strip())
            label.display = True
        else:
            self.dismiss(changed)
