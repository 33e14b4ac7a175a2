"""The list of the picker: one local folder, drawn line by line."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import ClassVar, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from services.names import display_name
from widgets import formats
from widgets.cells import Span, cut_end, cut_middle
from widgets.columns import Column, Placed
from widgets.file_listing import FileRow, Listing
from widgets.symbols import UNICODE, Symbols
from widgets.virtual_tree import Look, VirtualTree

Extra = Literal["use", "new"]
"""Rows above the entries where a folder is to be chosen: this very one, or a new one."""

_EXTRA_TEXT: dict[Extra, str] = {"use": "Use this folder", "new": "New folder…"}


class FileList(VirtualTree, inherit_bindings=False):
    """Entries of a folder; letters are left to the filter, so only other keys move."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"file-list--folder", "file-list--selected", "file-list--extra"}
    LEFT_MARGIN: ClassVar[int] = 2
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("name", "Name", sortable=False),
        Column("size", "Size", 10, "right", from_width=30, sortable=False),
        Column("modified", "Modified", 12, from_width=56, sortable=False),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor_by(-1)", "Up", show=False, id="files.up"),
        Binding("down", "cursor_by(1)", "Down", show=False, id="files.down"),
        Binding("pageup", "page(-1.0)", "Page up", show=False, id="files.page-up"),
        Binding("pagedown", "page(1.0)", "Page down", show=False, id="files.page-down"),
        Binding("home", "cursor_to(0)", "First", show=False, id="files.first"),
        Binding("end", "cursor_to(-1)", "Last", show=False, id="files.last"),
        Binding("enter", "choose", "Choose", show=False, id="files.choose"),
        Binding("space", "select", "Select", show=False, id="files.select"),
        Binding("right", "enter_folder", "Open", show=False, id="files.open"),
        Binding("left", "leave_folder", "Up a folder", show=False, id="files.up-folder"),
    ]

    @dataclass
    class Entered(Message):
        """A folder should be shown."""

        path: str
        """Its absolute path."""
        came_from: str = ""
        """Name of the entry that the cursor should be on; empty for the first."""

    @dataclass
    class Toggled(Message):
        """An entry should be selected, or no longer."""

        path: str
        """Its absolute path."""
        row: FileRow
        """The entry."""

    @dataclass
    class Confirmed(Message):
        """The row of the cursor was chosen."""

        row: FileRow | Extra
        """The entry, or the row above the entries."""

    def __init__(
        self,
        *,
        extras: tuple[Extra, ...] = (),
        symbols: Symbols = UNICODE,
        clock: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make an empty list; `extras` stand above the entries, and then only folders can be chosen."""
        self._extras = extras
        self._clock = clock
        self._zone = zone
        self._listing = Listing("")
        self._rows: list[FileRow | Extra] = []
        self._note = ""
        self.selected: set[str] = set()
        """Absolute paths that are selected; shared with the picker, which calls `redraw`."""
        super().__init__(symbols=symbols, id=id, classes=classes)

    @property
    def path(self) -> str:
        """The folder that is shown."""
        return self._listing.path

    def show(self, listing: Listing, *, needle: str, hidden: bool, cursor_on: str = "") -> None:
        """Show a folder: what contains `needle` (folded), and dot files only where `hidden`."""
        self._listing = listing
        found: list[FileRow | Extra] = [
            row
            for row in listing.rows
            if (hidden or not row.name.startswith(".")) and (not needle or needle in row.name.casefold())
        ]
        self._note = ""
        if not found:
            self._note = listing.problem or ("Nothing here matches." if needle else "This folder is empty.")
        self._rows = [*self._extras, *found]
        self.rows_changed()
        places = (i for i, row in enumerate(self._rows) if isinstance(row, FileRow) and row.name == cursor_on)
        first = len(self._extras) if needle and found else 0
        self.move_cursor(next(places, first))

    def path_of(self, row: FileRow) -> str:
        """Return the absolute path of an entry."""
        return str(Path(self.path, row.name))

    def reason(self, row: FileRow) -> str:
        """Return why an entry cannot be chosen, or an empty string."""
        return "not a folder" if self._extras and row.kind == "file" else row.reason

    def cursor_row(self) -> FileRow | Extra | None:
        """Return the row of the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def action_choose(self) -> None:
        """Choose the row of the cursor."""
        row = self.cursor_row()
        if row is not None:
            self.post_message(self.Confirmed(row))

    def action_select(self) -> None:
        """Select the row of the cursor, or no longer, and go down."""
        row = self.cursor_row()
        if isinstance(row, FileRow) and not self._extras and not row.reason:
            self.post_message(self.Toggled(self.path_of(row), row))
        self.action_cursor_by(1)

    def action_enter_folder(self) -> None:
        """Show the folder of the cursor."""
        row = self.cursor_row()
        if isinstance(row, FileRow) and row.kind == "folder":
            self.post_message(self.Entered(self.path_of(row)))

    def action_leave_folder(self) -> None:
        """Show the folder around."""
        here = Path(self.path)
        if here.parent != here:
            self.post_message(self.Entered(str(here.parent), here.name))

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Choose by a double click (a single one for the rows above), select by a click on the margin or with ctrl."""
        subject = self._rows[row]
        if event.chain == (2 if isinstance(subject, FileRow) else 1):
            self.action_choose()
        elif not isinstance(subject, FileRow):
            return
        elif event.chain == 1 and (event.ctrl or x < self.LEFT_MARGIN) and not self._extras and not subject.reason:
            self.post_message(self.Toggled(self.path_of(subject), subject))

    # Painting

    def row_total(self) -> int:
        """Return how many lines there are; a note takes one."""
        return len(self._rows) + (1 if self._note else 0)

    def selectable(self, row: int) -> bool:
        """Tell whether a line is a row."""
        return row < len(self._rows)

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return a note, or a row above the entries."""
        if row >= len(self._rows):
            return [(f"  {self._note}", "virtual-tree--muted")]
        subject = self._rows[row]
        if isinstance(subject, FileRow):
            return None
        sign = self.symbols.add if subject == "new" else self.symbols.chosen
        return [(f"{sign} {self.symbols.say(_EXTRA_TEXT[subject])}", "file-list--extra")]

    def margin(self, row: int) -> Sequence[Span]:
        """Return the sign of a selected entry."""
        subject = self._rows[row]
        chosen = isinstance(subject, FileRow) and self.path_of(subject) in self.selected
        return [(self.symbols.mark, "file-list--selected")] if chosen else []

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return what stands in a cell."""
        subject = self._rows[row]
        if not isinstance(subject, FileRow):
            return ()
        key, width = placed.column.key, placed.width
        if key == "name":
            return self._name_cell(subject, width)
        if key == "size":
            return [
                (formats.size(subject.size) if subject.kind == "file" else self.symbols.none, "virtual-tree--muted")
            ]
        when = formats.relative_time(subject.modified, self._clock(), self._zone) if subject.modified else ""
        return [(when, "virtual-tree--muted")]

    def _name_cell(self, row: FileRow, width: int) -> list[Span]:
        ellipsis = self.symbols.ellipsis
        name = display_name(row.name) + ("/" if row.kind == "folder" else "")
        if self.reason(row):
            why = f"  {row.reason}" if row.reason else ""
            text = cut_middle(name, max(8, width - len(why)), ellipsis)
            return [(cut_end(text + why, width, ellipsis), "virtual-tree--muted")]
        chosen = self.path_of(row) in self.selected
        kind = "file-list--selected" if chosen else "file-list--folder" if row.kind == "folder" else ""
        return [(cut_middle(name, width, ellipsis), kind)]
