"""The base of boxes over a screen: in a low or narrow window they give up their margins before their content."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual import events, on
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import OptionList

from app.screens.pointer import follow_focus, put_cursor

Result = TypeVar("Result")


class Low(ModalScreen[Result], Generic[Result]):
    """A box that knows whether the window has few lines or columns."""

    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (60, "-broad")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-high")]  # noqa: RUF012

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """Focus a widget, and have it in view at once, after it is laid out.

        Textual would glide to where it stood in a layout that may be half done.
        """
        super().set_focus(widget, scroll_visible=False, from_app_focus=from_app_focus)
        if widget is not None and scroll_visible:
            self.call_after_refresh(self._show_focus)

    def on_mount(self) -> None:
        """Have the terminal's cursor follow the focus."""
        follow_focus(self)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Bring the terminal's cursor to what has the focus now, also where it was scrolled into view."""
        put_cursor(event.widget)

    def on_resize(self) -> None:
        """Keep what has the focus in view, where a smaller terminal would leave it below the edge."""
        self.call_after_refresh(self._show_focus)

    def _show_focus(self) -> None:
        if self.focused is not None:
            self.focused.scroll_visible(animate=False, immediate=True)
            put_cursor(self.focused)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_list.has_focus:
            put_cursor(event.option_list)
