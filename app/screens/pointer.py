"""The terminal's own cursor follows what has the focus: screen readers and magnifiers follow the cursor."""

from __future__ import annotations

from textual.geometry import Offset
from textual.widget import Widget
from textual.widgets import Input, OptionList, TextArea

from widgets.virtual_tree import VirtualTree

OWN: tuple[type[Widget], ...] = (Input, TextArea, VirtualTree)
"""What puts the cursor somewhere by itself: where one types, or on the row of a list."""


def put_cursor(widget: Widget) -> None:
    """Put the terminal's cursor on a widget that has got the focus; on the row of a plain list."""
    if isinstance(widget, OWN) or not widget.is_attached:
        return
    row = 0
    if isinstance(widget, OptionList) and widget.highlighted is not None:
        row = max(0, min(widget.highlighted - round(widget.scroll_y), widget.content_region.height - 1))
    widget.app.cursor_position = widget.content_region.offset + Offset(0, row)
