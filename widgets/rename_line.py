"""A name that is edited in its place: a line over the cell of a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.widgets.input import Selection

from services.errors import PailError
from services.names import check_object_name, display_name


def stem_end(name: str) -> int:
    """Return where the extension of a name begins: what stands before it is what people change."""
    dot = name.rfind(".")
    return dot if dot > 0 else len(name)


def name_problem(name: str) -> str:
    """Return why a text cannot be the last segment of a name, in one line; empty for one that can."""
    if not name.strip():
        return "A name is missing."
    if "/" in name:
        return "A name has no slash; m moves to another folder."
    try:
        check_object_name(name)
    except PailError as error:
        return error.message
    return ""


class RenameLine(Vertical):
    """Edits a name over the row it belongs to: Enter takes it, Esc and leaving the line give it up."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Leave the name", show=False)]

    class Answered(Message):
        """Enter or Esc has been seen to: the line is left, or stays and says what is wrong; sent by what it is over."""

    def __init__(
        self,
        name: str,
        *,
        over: Widget,
        region: Callable[[], Region | None],
        problem: Callable[[str], str],
        taken: Callable[[str], None],
    ) -> None:
        """Edit `name` (raw) where `region` says, on the screen, that its row is: None ends it.

        `problem` says what is wrong with a name, in one line; `taken` is told another one.
        """
        super().__init__()
        self._name_before = display_name(name)  # raw, it could steer the terminal
        self._over = over
        self._region = region
        self._problem = problem
        self._taken = taken
        self._done = False

    def compose(self) -> ComposeResult:
        """Lay out the line and what may be wrong with it."""
        yield Input(self._name_before, compact=True, select_on_focus=False)
        yield Static(markup=False)

    def on_mount(self) -> None:
        """Take the focus, with all but the extension selected; stay with the row."""
        field = self.query_one(Input)
        field.cursor_blink = False
        field.focus(scroll_visible=False)
        field.selection = Selection(0, stem_end(self._name_before))
        self.watch(self._over, "scroll_y", self._place)
        self.watch(self._over, "virtual_size", self._place)

    def on_descendant_blur(self) -> None:
        """Give up once the focus goes elsewhere."""
        self._end(focus=False)

    def _place(self) -> None:
        region = self._region()
        if region is None:
            self._end()
            return
        width = min(max(region.width, 16), max(1, self.screen.size.width - region.x))
        self.styles.offset = region.offset
        self.styles.width = width

    @on(Input.Changed)
    def _check(self, event: Input.Changed) -> None:
        event.stop()
        self._say(self._wrong(event.value))

    def _wrong(self, name: str) -> str:
        return "" if name == self._name_before else self._problem(name)

    def _say(self, wrong: str) -> None:
        self.set_class(bool(wrong), "-wrong")
        self.query_one(Static).update(Text(display_name(wrong)))

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        event.stop()
        wrong = self._wrong(event.value)
        if wrong:
            self._say(wrong)
        else:
            self._end()
        self._over.post_message(self.Answered())
        if not wrong and event.value != self._name_before:
            self._taken(event.value)

    def action_give_up(self) -> None:
        """Leave the name as it is."""
        self._end()
        self._over.post_message(self.Answered())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Keep the wheel from what lies below."""
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Keep the wheel from what lies below."""
        event.stop()

    def _end(self, *, focus: bool = True) -> None:
        if not self._done:
            self._done = True
            if focus:
                self._over.focus(scroll_visible=False)
            self.remove()
