"""What all dialogs share: an opaque box, a title, a row of buttons, Esc, and a place for what is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches
from textual.widgets import Button, Input, Static

from app.screens.over import Over
from services.errors import PailError
from services.names import display_name

Result = TypeVar("Result")


class Line(Input):
    """A line to type in; its cursor does not blink, so that an idle screen sends nothing."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002
        """Make a line that holds `value`."""
        super().__init__(value, placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False


class Label(Static):
    """Text that is never markup; it can be selected and copied."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        """Show `text` as it is."""
        super().__init__(text, markup=False, id=id, classes=classes)


class Dialog(Over[Result | None], Generic[Result]):
    """A box over the screen; Esc leaves it and answers None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", show=False),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
    ]

    def __init__(self, heading: str, *, classes: str | None = None) -> None:
        """Make a dialog with a title of our own words (names in it have passed `display_name`)."""
        super().__init__(classes=classes)
        self._heading = heading

    def compose(self) -> ComposeResult:
        """Lay out title, body and buttons."""
        with Vertical(classes="dialog"):
            yield Label(self._heading, id="heading", classes="dialog-title")
            yield from self.body()
            with Horizontal(classes="dialog-buttons"):
                yield from self.buttons()

    def body(self) -> ComposeResult:
        """Yield what stands between the title and the buttons."""
        yield from ()

    def buttons(self) -> ComposeResult:
        """Yield the buttons, the safe one first."""
        yield button("Close", "leave")

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)

    @on(Button.Pressed, "#leave")
    def _leave_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_leave()


def button(label: str, identifier: str, *, danger: bool = False, main: bool = False) -> Button:
    """Return a button of one line."""
    classes = "dialog-danger" if danger else "dialog-main" if main else ""
    return Button(label, id=identifier, compact=True, classes=classes)


class FormDialog(Dialog[Result]):
    """A dialog with fields: Enter submits it, and what is wrong is said in it, so that nothing typed is lost."""

    SUBMIT: ClassVar[str] = "OK"
    """Label of the button that submits."""
    DANGER: ClassVar[bool] = False
    """Whether submitting destroys something."""

    def fields(self) -> ComposeResult:
        """Yield the fields; the first one that can have the focus gets it."""
        yield from ()

    def body(self) -> ComposeResult:
        """Yield the fields and the place for what is wrong."""
        yield from self.fields()
        yield Label("", id="problem", classes="dialog-problem")

    def buttons(self) -> ComposeResult:
        """Yield Cancel and the button that submits."""
        yield button("Cancel", "leave")
        yield button(self.SUBMIT, "submit", danger=self.DANGER, main=not self.DANGER)

    def problem(self) -> str:
        """Return why the fields cannot be submitted as they are, or an empty string."""
        return ""

    async def submit(self) -> Result:
        """Do what the dialog is for and return its answer; a `PailError` is shown and the dialog stays."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Say from the start what is missing, but not as an error."""
        self.check(quiet=True)

    def check(self, *, quiet: bool = False) -> bool:
        """Show what is wrong with the fields and tell whether nothing is."""
        problem = self.problem()
        try:
            self.query_one("#submit", Button).disabled = bool(problem)
        except NoMatches:
            return not problem
        self.complain("" if quiet else problem)
        return not problem

    def complain(self, text: str) -> None:
        """Show a problem, or that there is none."""
        label = self.query_one("#problem", Label)
        label.update(f"! {text}" if text else "")
        label.display = bool(text)

    @on(Input.Changed)
    def _line_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.changed()
        self.check(quiet=not event.value)

    def changed(self) -> None:
        """React to what was typed, before it is checked."""

    @on(Input.Submitted)
    def _line_entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_submit()

    @on(Button.Pressed, "#submit")
    def _submit_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_submit()

    def action_submit(self) -> None:
        """Submit the fields if they can be."""
        if self.check():
            self.query_one("#submit", Button).disabled = True
            self.run_worker(self._submit(), exclusive=True, group="submit")

    async def _submit(self) -> None:
        try:
            answer = await self.submit()
        except PailError as error:
            self.complain(f"{error.message}\n{error.remedy}".strip())
            self.query_one("#submit", Button).disabled = False
            return
        self.dismiss(answer)


class PromptDialog(FormDialog[str]):
    """Asks for one line of text."""

    def __init__(
        self,
        heading: str,
        *,
        value: str = "",
        placeholder: str = "",
        lines: tuple[str, ...] = (),
        check: Callable[[str], str] = lambda _: "",
        note: Callable[[str], str] | None = None,
        submit_label: str = "OK",
        apply: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """Make a prompt.

        `check` returns what is wrong with a text, `note` what is shown below the line for it (such as the URL that
        comes of it), and `apply` does something with the text before the dialog closes; its `PailError` is shown.
        """
        super().__init__(heading)
        self._value = value
        self._placeholder = placeholder
        self._lines = lines
        self._check = check
        self._note = note
        self._label = submit_label
        self._apply = apply

    @property
    def value(self) -> str:
        """The text as it stands."""
        return self.query_one("#value", Line).value

    def fields(self) -> ComposeResult:
        """Yield the words above, the line, and the note."""
        for line in self._lines:
            yield Label(line, classes="dialog-text")
        yield Line(self._value, placeholder=self._placeholder, id="value")
        if self._note is not None:
            yield Label(self._note(self._value), id="note", classes="dialog-note")

    def buttons(self) -> ComposeResult:
        """Yield Cancel and the button that submits."""
        yield button("Cancel", "leave")
        yield button(self._label, "submit", main=True)

    def problem(self) -> str:
        """Return what is wrong with the text."""
        return self._check(self.value)

    def changed(self) -> None:
        """Keep the note true."""
        if self._note is not None:
            self.query_one("#note", Label).update(self._note(self.value))

    async def submit(self) -> str:
        """Return the text, applied."""
        value = self.value
        if self._apply is not None:
            await self._apply(value)
        return value


class ConfirmDialog(Dialog[bool]):
    """Asks whether to go on; Cancel has the focus, so Enter never does it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("n", "leave", "No", show=False)]

    def __init__(self, heading: str, lines: tuple[str, ...], *, go: str, danger: bool = False) -> None:
        """Make a question; `go` is the label of what happens otherwise."""
        super().__init__(heading)
        self._lines = lines
        self._go = go
        self._danger = danger

    def body(self) -> ComposeResult:
        """Yield the explanation."""
        for line in self._lines:
            yield Label(line, classes="dialog-text")

    def buttons(self) -> ComposeResult:
        """Yield Cancel, and the way on."""
        yield button("Cancel", "leave")
        yield button(self._go, "go", danger=self._danger, main=not self._danger)

    @on(Button.Pressed, "#go")
    def _go_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(True)  # noqa: FBT003 - the answer itself


def shown(name: str, limit: int = 200) -> str:
    """Return a name for a dialog: safe, and bounded where it is absurdly long."""
    text = display_name(name)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
