"""The folders of a bucket as a tree, without its objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from services.model import ListPage
from widgets.cells import Span
from widgets.columns import Column, Placed
from widgets.listing_tree import ListingTree
from widgets.object_rows import Entry, Folder, Hint, Load
from widgets.virtual_tree import Look


class FolderTree(ListingTree):
    """The folders of a bucket, without its objects; they open in place."""

    HEAD = False
    LEFT_MARGIN: ClassVar[int] = 1
    COLUMNS: ClassVar[Sequence[Column]] = (Column("name", ""),)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "object-tree--folder",
        "object-tree--mark",
        "object-tree--marked",
        "object-tree--problem",
        "object-tree--past",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "open_folder", "Open", show=False, id="open_folder"),
        Binding("left,h", "close_folder", "Close", show=False, id="close_folder"),
    ]

    @dataclass
    class Chosen(Message):
        """The folder with the cursor was chosen."""

        prefix: str
        """Its prefix, raw."""

    class LeftUpwards(Message):
        """The cursor was moved up from the first row."""

    _reveal: str = ""

    def action_cursor_by(self, rows: int) -> None:
        """Move the cursor; up from the first row leads out of the tree."""
        if rows < 0 and self.cursor == 0:
            self.post_message(self.LeftUpwards())
        else:
            super().action_cursor_by(rows)

    def begin(self, reveal: str) -> None:
        """Show the top of a bucket, and open folders down to `reveal` as they are listed."""
        self._reveal = reveal
        self.show("")

    def add_page(self, prefix: str, page: ListPage, *, final: bool, ticket: int | None = None) -> bool:
        """Take the folders of a page."""
        taken = super().add_page(prefix, ListPage([], page.prefixes, page.next_token), final=final, ticket=ticket)
        if taken and final:
            self._reveal_below(prefix)
        return taken

    def _reveal_below(self, prefix: str) -> None:
        if not self._reveal.startswith(prefix) or self._reveal == prefix:
            return
        child = self._reveal[: self._reveal.index("/", len(prefix)) + 1]
        place = self._model.index_of_entry(Entry("folder", child))
        if place < 0:
            return
        self.cursor = place
        if child != self._reveal:
            self._toggle(opened=True)

    def action_open_folder(self) -> None:
        """Open the folder with the cursor, or go to its first row."""
        folder = self._folder()
        if folder is not None and folder.opened:
            self.move_cursor(self.cursor + (1 if folder.below else 0))
        else:
            self._toggle(opened=True)

    def action_close_folder(self) -> None:
        """Close the folder with the cursor, or go to the one around it."""
        folder = self._folder()
        if folder is not None and folder.opened:
            self._toggle(opened=False)
        elif folder is not None and folder.parent is not None:
            place = self._model.index_of(folder.parent)
            if place >= 0:
                self.cursor = place

    def _toggle(self, *, opened: bool) -> None:
        folder = self._folder()
        if folder is None or folder.opened is opened:
            return
        splice = self._model.open(folder) if opened else self._model.close(folder)
        self._apply([splice] if splice else [])
        self.repaint_row(self.cursor)
        if opened and folder.load in (Load.NEW, Load.FAILED):
            self._want(folder)

    def _folder(self) -> Folder | None:
        rows = self._model.rows
        row = rows[self.cursor] if self.cursor < len(rows) else None
        return row if isinstance(row, Folder) else None

    def action_choose(self) -> None:
        """Choose the folder with the cursor; on a broken listing, try again."""
        rows = self._model.rows
        row = rows[self.cursor] if self.cursor < len(rows) else None
        if isinstance(row, Folder):
            self.post_message(self.Chosen(row.prefix))
        elif isinstance(row, Hint) and row.folder.load is Load.FAILED:
            self._want(row.folder)

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Open or close by the sign; choose by a double click."""
        folder = self._folder()
        if folder is None:
            return
        on_sign = self._cells.sign_at(folder, self._model.depth(folder), self.placed[0], x) == "twist"
        if on_sign and event.chain == 1:
            self._toggle(opened=not folder.opened)
        elif event.chain == 2 and not on_sign:
            self.action_choose()

    def folders_known(self) -> list[str]:
        """Return the prefixes that were listed so far."""
        return [child.prefix for folder in self._model.known_folders() for child in folder.folders]

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return the line of a hint."""
        subject = self._model.rows[row]
        if not isinstance(subject, Hint):
            return None
        if subject.folder.load is Load.READY and not self._model.needle:
            lead = " " * (2 * self._model.depth(subject) + 3)
            return [(f"{lead}no folders in here", "virtual-tree--muted")]
        return self._cells.hint(subject, self._model, width)

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return the name of a folder."""
        subject = self._model.rows[row]
        if not isinstance(subject, Folder):
            return ()
        return self._cells.cell(subject, placed, depth=self._model.depth(subject), acting=False, marked=False)
