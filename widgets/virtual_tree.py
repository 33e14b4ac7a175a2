"""A list of any length with a cursor, hover, a range and a mouse.

What a row *is* (and what is marked) is the subclass's business, by name; row numbers live only as long as the rows
stand still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.message import Message

from widgets.line_table import NO_ROW, LineTable, Look

__all__ = ["NO_ROW", "Look", "VirtualTree"]


class VirtualTree(LineTable):
    """The base of all long lists: what moves over their rows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor_by(-1)", "Up", show=False, id="cursor_up"),
        Binding("down,j", "cursor_by(1)", "Down", show=False, id="cursor_down"),
        Binding("pageup", "page(-1.0)", "Page up", show=False, id="page_up"),
        Binding("pagedown", "page(1.0)", "Page down", show=False, id="page_down"),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="half_up"),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="half_down"),
        Binding("home,g", "cursor_to(0)", "First", show=False, id="cursor_home"),
        Binding("end,G", "cursor_to(-1)", "Last", show=False, id="cursor_end"),
        Binding("enter", "choose", "Open", show=False, id="choose"),
    ]

    @dataclass
    class HeadClicked(Message):
        """The head of a sortable column was clicked."""

        key: str
        """Key of the column."""

    # What a subclass says

    def selectable(self, row: int) -> bool:
        """Tell whether the cursor may rest on a row."""
        return True

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """React to a click on a row at cell `x`; the cursor is there already."""
        if event.chain == 2:
            self.action_choose()

    def action_choose(self) -> None:
        """Act on the row of the cursor."""

    # Cursor

    def validate_cursor(self, row: int) -> int:
        """Keep the cursor within the rows."""
        return max(0, min(row, self.row_total() - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw the two rows that changed, and bring the cursor into view."""
        if self.range_start == NO_ROW:
            self.repaint_row(old)
            self.repaint_row(new)
        else:
            self.repaint_rows(old, new)
        self.show_row(new)
        self.place_terminal_cursor()

    def watch_hover(self, old: int, new: int) -> None:
        """Draw the two rows that changed."""
        for row in (old, new):
            if row != NO_ROW:
                self.repaint_row(row)

    def watch_range_start(self, old: int, new: int) -> None:
        """Draw the range anew."""
        for row in (old, new):
            if row != NO_ROW:
                self.repaint_rows(row, self.cursor)

    def show_row(self, row: int) -> None:
        """Scroll by as little as brings a row into view."""
        top = round(self.scroll_y)
        if row < top:
            self.scroll_to(y=row, animate=False, force=True)
        elif row >= top + self.page_lines:
            self.scroll_to(y=row - self.page_lines + 1, animate=False, force=True)

    def scroll_at_edge(self, y: int) -> bool:
        """Scroll by a line where line `y` of the screen is that of the first or the last row; tell whether it was."""
        line = y - self.region.y
        step = -1 if line <= self.head_lines else 1 if line >= self.size.height - 1 else 0
        if step:
            self.scroll_relative(y=step, animate=False, force=True)
        return bool(step)

    def place_terminal_cursor(self) -> None:
        """Put the terminal's own cursor on the row, where screen readers follow it."""
        if self.has_focus:
            y = self.cursor - round(self.scroll_y) + self.head_lines
            self.app.cursor_position = self.content_region.offset + Offset(self.LEFT_MARGIN, max(0, y))

    def move_cursor(self, row: int, direction: int = 1) -> None:
        """Put the cursor on `row`, or on the next one in `direction` (else the other way) where it may rest."""
        total = self.row_total()
        if not total:
            return
        row = max(0, min(row, total - 1))
        ahead = range(row, total) if direction > 0 else range(row, -1, -1)
        behind = range(row, -1, -1) if direction > 0 else range(row, total)
        for candidates in (ahead, behind):
            for candidate in candidates:
                if self.selectable(candidate):
                    self.cursor = candidate
                    return

    def action_cursor_by(self, rows: int) -> None:
        """Move the cursor by some rows."""
        self.move_cursor(self.cursor + rows, rows)

    def action_cursor_to(self, row: int) -> None:
        """Move the cursor to a row; -1 is the last one."""
        self.move_cursor(row if row >= 0 else self.row_total() - 1, 1 if row >= 0 else -1)

    def action_page(self, pages: float) -> None:
        """Move the cursor and the view by some pages."""
        rows = int(self.page_lines * pages)
        self.scroll_to(y=round(self.scroll_y) + rows, animate=False, force=True)
        self.move_cursor(self.cursor + rows, rows)

    # Mouse and size

    def on_focus(self) -> None:
        """Show where the cursor is to whoever follows the terminal's."""
        self.place_terminal_cursor()

    def on_resize(self) -> None:
        """Lay the columns out for the new width."""
        self._lay_out()
        self.show_row(self.cursor)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the mouse."""
        if self.follow_mouse:
            self.hover = self.row_at(event.y)

    def on_leave(self) -> None:
        """Forget the mouse."""
        self.hover = NO_ROW

    def on_mouse_scroll_down(self) -> None:
        """Forget the row that has moved away below the mouse."""
        self.hover = NO_ROW

    def on_mouse_scroll_up(self) -> None:
        """Forget the row that has moved away below the mouse."""
        self.hover = NO_ROW

    def on_click(self, event: events.Click) -> None:
        """Move the cursor, or sort."""
        event.stop()
        if self.HEAD and event.y == 0:
            column = self.column_at(event.x)
            if column is not None and column.column.sortable:
                self.post_message(self.HeadClicked(column.column.key))
            return
        row = self.row_at(event.y)
        if row != NO_ROW and self.selectable(row):
            self.click_row(row, event)

    def click_row(self, row: int, event: events.Click) -> None:
        """Move the cursor to a clicked row and hand the click on."""
        self.cursor = row
        self.clicked(row, event.x, event)
