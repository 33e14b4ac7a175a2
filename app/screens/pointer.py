"""The terminal's own cursor follows what has the focus: screen readers and magnifiers follow the cursor."""

from __future__ import annotations

from typing import Any

from textual.geometry import Offset
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, OptionList, TextArea

from widgets.virtual_tree import VirtualTree


def follow_focus(screen: Screen[Any]) -> None:
    """Keep the terminal's cursor on the focus of a screen, wherever a layout puts that; call it once it is mounted."""

    def laid_out(_: object) -> None:
        if screen.is_current and screen.focused is not None:
            put_cursor(screen.focused)

    screen.screen_layout_refresh_signal.subscribe(screen, laid_out, immediate=True)


def put_cursor(widget: Widget) -> None:
    """Put the terminal's cursor on what has the focus: where one types, on the row of a list, or at its beginning."""
    if not widget.is_attached or widget.app.screen is not widget.screen:
        return
    if isinstance(widget, VirtualTree):
        widget.place_terminal_cursor()
    elif isinstance(widget, Input | TextArea):
        widget.app.cursor_position = widget.cursor_screen_offset
    else:
        row = 0
        if isinstance(widget, OptionList) and widget.highlighted is not None:
            row = max(0, min(widget.highlighted - round(widget.scroll_y), widget.content_region.height - 1))
        widget.app.cursor_position = widget.content_region.offset + Offset(0, row)
