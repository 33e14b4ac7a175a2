"""What every screen over the main one answers to: jumping, and the keys that work in it."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.binding import Binding, BindingType

from app.screens.help import HelpScreen
from app.screens.jump import JumpScreen, Target, targets
from app.screens.keys import keys_of
from app.screens.low import Low
from widgets.key_line import HELP, KeyLine

Result = TypeVar("Result")


class Over(Low[Result], Generic[Result]):
    """A screen over the main one; the keys are those of the registry, so that a person's own work here as well."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("semicolon,ctrl+g", "jump", "Jump by a letter", show=False, id="jump"),
        Binding("question_mark,f1", "keys", "Keys", show=False, id="help"),
    ]

    def action_jump(self) -> None:
        """Show a letter on everything that can be gone to."""

        def go(target: Target | None) -> None:
            if target is not None:
                target.go()

        self.app.push_screen(JumpScreen(targets(self)), go)

    @on(KeyLine.HintChosen)
    def _hint_chosen(self, message: KeyLine.HintChosen) -> None:
        if message.command_id == HELP:
            self.action_keys()

    def action_keys(self) -> None:
        """Show the keys that work here."""
        self.app.push_screen(HelpScreen(keys_of(self), more=False))
