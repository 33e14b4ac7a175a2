"""Dialogs that change one setting of a bucket, add a lifecycle rule, or remove one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.screens.dialog import FormDialog, Label, Line, button
from services.errors import UsageError
from services.lifecycle import RULE_FORMS, parse_rule, words

OPTIONAL: Final = "none"
"""What a text that removes a value is, where an empty line would be a slip."""


class ValueDialog(FormDialog[str]):
    """Asks for a new value of one thing: from a short list, or typed."""

    SUBMIT: ClassVar[str] = "Change"

    def __init__(
        self,
        heading: str,
        meaning: str,
        apply: Callable[[str], Awaitable[None]],
        *,
        now: str,
        value: str,
        example: str,
        check: Callable[[str], object],
        choices: tuple[str, ...] = (),
        caution: Callable[[str], str] = lambda _: "",
    ) -> None:
        """Ask for a value that `apply` sends; `now` is the present one in words, `value` the same as it is typed.

        `check` raises `UsageError` for what makes no sense, `caution` returns what to know before a value is sent;
        a `PailError` of `apply` is shown and the dialog stays.
        """
        super().__init__(heading)
        self._meaning = meaning
        self._apply = apply
        self._now = now
        self._value = value
        self._example = example
        self._check = check
        self._choices = choices
        self._caution = caution

    def fields(self) -> ComposeResult:
        """Yield what it means, what it is now, and the choices or the line."""
        yield Label(self._meaning, classes="dialog-text")
        yield Label(f"now: {self._now}", classes="dialog-note")
        yield Label(" ", classes="dialog-text")
        if self._choices:
            options = [
                Option(Text(f"{'✓' if choice == self._value else ' '} {choice}"), id=choice) for choice in self._choices
            ]
            yield OptionList(*options, id="choices", compact=True)
        else:
            yield Line(self._value, placeholder=self._example, id="value")
            yield Label(f"such as: {self._example}", classes="dialog-note")
            yield Label(f"{OPTIONAL} or off removes it", classes="dialog-note")
        yield Label("", id="caution", classes="dialog-warning")

    def on_mount(self) -> None:
        """Begin at the present value."""
        super().on_mount()
        for choices in self.query("#choices").results(OptionList):
            choices.highlighted = self._choices.index(self._value) if self._value in self._choices else 0
            choices.focus()

    @property
    def value(self) -> str:
        """What is chosen or typed."""
        if not self._choices:
            return self.query_one("#value", Line).value.strip() or OPTIONAL
        return self._choices[self.query_one("#choices", OptionList).highlighted or 0]

    def problem(self) -> str:
        """Try to make sense of the value, and say what to know before it is sent."""
        value = self.value
        words = self._caution(value) if value != self._value else ""
        label = self.query_one("#caution", Label)
        label.update(f"! {words}")
        label.display = bool(words)
        try:
            self._check(value)
        except UsageError as error:
            return f"{error.message}\n{error.remedy}".strip()
        return ""

    @on(OptionList.OptionHighlighted, "#choices")
    def _moved(self) -> None:
        self.check()

    @on(OptionList.OptionSelected, "#choices")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_submit()

    async def submit(self) -> str:
        """Send the value."""
        value = self.value
        await self._apply(value)
        return value


class RuleDialog(FormDialog[str]):
    """Adds a lifecycle rule: written in words, or begun from one of the common ones."""

    SUBMIT: ClassVar[str] = "Add rule"

    def __init__(self, apply: Callable[[str], Awaitable[None]], proposed: str = "") -> None:
        """Ask for a rule that `apply` sends, beginning with a proposed one in words."""
        super().__init__("Add a lifecycle rule")
        self._apply = apply
        self._proposed = proposed or RULE_FORMS[0].partition(" (")[0]

    def fields(self) -> ComposeResult:
        """Yield the line and the common rules."""
        yield Label(
            "Google carries it out within about a day, on all that fits, without asking.", classes="dialog-text"
        )
        yield Label(" ", classes="dialog-text")
        yield Line(self._proposed, placeholder=RULE_FORMS[0], id="value")
        yield Label("", id="meaning", classes="dialog-note")
        yield Label("or begin with one of these; a folder follows in parentheses", classes="dialog-label")
        yield OptionList(*(Option(Text(form), id=form) for form in RULE_FORMS), id="forms", compact=True)

    def buttons(self) -> ComposeResult:
        """Yield Cancel, and a button that is careful: rules delete."""
        yield button("Cancel", "leave")
        yield button(self.SUBMIT, "submit", danger=True)

    def on_mount(self) -> None:
        """Say what the rule means from the start."""
        super().on_mount()
        self.changed()

    def problem(self) -> str:
        """Try to make sense of the words."""
        try:
            parse_rule(self.query_one("#value", Line).value)
        except UsageError as error:
            return f"{error.message}"
        return ""

    def changed(self) -> None:
        """Say how the rule is understood."""
        meaning = self.query_one("#meaning", Label)
        try:
            meaning.update(f"understood as: {words(parse_rule(self.query_one('#value', Line).value))}")
        except UsageError:
            meaning.update(" ")

    @on(OptionList.OptionSelected, "#forms")
    def _form_chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        line = self.query_one("#value", Line)
        line.value = event.option.id or ""
        line.focus()

    async def submit(self) -> str:
        """Send the rule."""
        text = self.query_one("#value", Line).value
        await self._apply(text)
        return text
