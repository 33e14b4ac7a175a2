"""The base of boxes over a screen: in a low or narrow window they give up their margins before their content."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual import events, on
from textual.screen import ModalScreen
from textual.widgets import OptionList

from app.screens.pointer import put_cursor

Result = TypeVar("Result")


class Low(ModalScreen[Result], Generic[Result]):
    """A box that knows whether the window has few lines or columns."""

    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (60, "-broad")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-high")]  # noqa: RUF012

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Bring the terminal's cursor to what has the focus now, also where it was scrolled into view."""
        put_cursor(event.widget)
        self.call_after_refresh(put_cursor, event.widget)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_list.has_focus:
            put_cursor(event.option_list)
