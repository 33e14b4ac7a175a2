"""The objects of a bucket as a tree: folders open in place, long listings stream in, marks are kept by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message

from services.names import base_name
from widgets.cells import Span
from widgets.columns import Column, Placed
from widgets.drag import DragStart, DropSite, DropTarget, Spot, home_of
from widgets.marked_tree import MarkedTree
from widgets.object_cells import Sign
from widgets.object_model import Splice
from widgets.object_rows import Entry, Folder, Hint, Load
from widgets.rename_line import RenameLine, name_problem
from widgets.row_list import object_columns
from widgets.virtual_tree import NO_ROW, Look


class ObjectTree(MarkedTree, DropSite):
    """The tree-table of objects and folders below one prefix, with marks, keys and a mouse."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "object-tree--folder",
        "object-tree--mark",
        "object-tree--marked",
        "object-tree--problem",
        "object-tree--drop",
        "object-tree--past",
    }
    LEFT_MARGIN: ClassVar[int] = 1
    COLUMNS: ClassVar[Sequence[Column]] = object_columns("  Name")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "open_folder", "Open", show=False, id="open_folder"),
        Binding("left,h", "close_folder", "Close", show=False, id="close_folder"),
        Binding("shift+left", "parent", "Parent", show=False, id="parent"),
    ]

    @dataclass
    class Opened(Message):
        """A row was chosen: enter the folder, or show the object."""

        kind: Literal["object", "folder"]
        """What it is."""
        name: str
        """Full name or prefix, raw."""

    @dataclass
    class Dropped(Message):
        """Rows were dragged somewhere: move them."""

        entries: tuple[Entry, ...]
        """What has to move; what lies in the target already is not among them."""
        target: DropTarget
        """Where to."""

    @dataclass
    class Renamed(Message):
        """Another name was given to an entry, in its place."""

        entry: Entry
        """The object or folder."""
        new_name: str
        """The new last segment, raw, without a slash at its end."""

    @cached_property
    def drag(self) -> DragStart:
        """What turns a press into a drag."""
        return DragStart(self, self._dragged, self._dropped)

    def _dropped(self, entries: tuple[Entry, ...], target: DropTarget) -> None:
        self.post_message(self.Dropped(entries, target))

    _lit: str | None = None
    """Prefix of the folder that a drop would go to."""

    _opens: str = ""
    """Prefix of a folder that is to be opened once the cursor has arrived there."""

    # Actions

    def action_choose(self) -> None:
        """Enter the folder, or show the object; on a broken listing, try again."""
        rows = self._model.rows
        row = rows[self.cursor] if self.cursor < len(rows) else None
        if isinstance(row, Hint):
            if row.folder.load is Load.FAILED:
                self._want(row.folder)
            return
        entry = self.cursor_entry
        if entry is not None:
            self.post_message(self.Opened(entry.kind, entry.name))

    def action_open_folder(self) -> None:
        """Open the folder with the cursor in place; go to its first row where it is open."""
        row = self._cursor_folder()
        if row is None:
            return
        if row.opened:
            self.move_cursor(self.cursor + (1 if row.below else 0))
        else:
            self.toggle_folder(row.prefix)

    def action_close_folder(self) -> None:
        """Close the folder with the cursor, or go to the row of the folder around."""
        row = self._cursor_folder()
        if row is not None and row.opened:
            self.toggle_folder(row.prefix)
        else:
            self.action_parent()

    def action_parent(self) -> None:
        """Go to the row of the folder around the cursor's row."""
        rows = self._model.rows
        if self.cursor < len(rows):
            place = self._model.index_of(self._model.holder(rows[self.cursor]))
            if place >= 0:
                self.cursor = place

    def toggle_folder(self, prefix: str) -> None:
        """Open a folder of the tree in place, or close it."""
        folder = self._model.folder(prefix) or self._model.child_folder(prefix)
        if folder is None:
            return
        self._touched = True
        splice = self._model.close(folder) if folder.opened else self._model.open(folder)
        place = self._model.index_of(folder)
        self._apply([Splice(place, 1, 1)] if place >= 0 else [])
        self._apply([splice] if splice else [])
        if folder.opened and folder.load in (Load.NEW, Load.FAILED):
            self._want(folder)

    def _cursor_folder(self) -> Folder | None:
        rows = self._model.rows
        row = rows[self.cursor] if self.cursor < len(rows) else None
        return row if isinstance(row, Folder) else None

    # Renaming in place

    async def rename_entry(self, problem: Callable[[str], str] = name_problem) -> None:
        """Edit the name of the row with the cursor in its place; `problem` says what is wrong with a new one.

        Returns once the line for it is there.
        """
        entry = self.cursor_entry
        if entry is None or entry.is_past:
            return
        self.show_row(self.cursor)
        before = base_name(entry.name).removesuffix("/")
        line = RenameLine(
            before,
            over=self,
            region=lambda: self._name_region(entry),
            problem=lambda name: problem(name) or self._clash(entry, name),
            taken=lambda name: self._renamed(entry, name),
        )
        await self.screen.mount(line)

    def _renamed(self, entry: Entry, name: str) -> None:
        """Tell of the new name; the cursor will follow, and a folder that is open will be open there."""
        folder = self._model.folder(entry.name) if entry.kind == "folder" else None
        full = f"{home_of(entry)}{name}{'/' if entry.kind == 'folder' else ''}"
        self._opens = full if folder is not None and folder.opened else ""
        self.expect(Entry(entry.kind, full))
        self.post_message(self.Renamed(entry, name))

    def arrived(self, entry: Entry) -> None:
        """Open the folder that was open under its former name."""
        folder = self._model.child_folder(entry.name) if entry.name == self._opens else None
        self._opens = ""
        if folder is not None and not folder.opened:
            self.toggle_folder(folder.prefix)

    def _clash(self, entry: Entry, name: str) -> str:
        """Return what is there under a new name already, as far as it was listed."""
        full = home_of(entry) + name
        if self._model.current(Entry("object", full)) is not None:
            return "There is an object of that name."
        return "There is a folder of that name." if self._model.child_folder(f"{full}/") is not None else ""

    def _name_region(self, entry: Entry) -> Region | None:
        """Return where on the screen the name of an entry stands; None where it is not to be seen."""
        place = self._model.index_of_entry(entry)
        if place < 0 or not self.is_visible_row(place) or not self.placed:
            return None
        row, name = self._model.rows[place], self.placed[0]
        indent = self._cells.name_indent(self._model.depth(row), name.width)
        y = self.region.y + place - round(self.scroll_y) + self.head_lines
        return Region(self.region.x + name.x + indent, y, name.width - indent, 1)

    # Mouse

    def _dragged(self, row: int) -> tuple[Entry, ...]:
        """Return what a row drags along: all that is marked if it is, else itself."""
        entry = self._model.entry_at(row)
        if entry is None or entry.is_past:
            return ()
        return tuple(self.marked) if self.mark_state(row) != "none" else (entry,)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take note of what may become a drag."""
        self.drag.down(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag; the base follows the mouse."""
        self.drag.move(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End what may have become a drag."""
        self.drag.up(event)

    def on_click(self, event: events.Click) -> None:
        """Ignore the click that ends a drag."""
        if self.drag.swallows_click():
            event.stop()
            event.prevent_default()

    def spot_at(self, x: int, y: int) -> Spot:
        """Return the folder at a cell: that of the row, or the open one in which the row stands."""
        row = self.row_at(y)
        subject = self._model.rows[row] if row != NO_ROW else None
        if isinstance(subject, Folder):
            return Spot(DropTarget(subject.prefix), "" if subject.opened else subject.prefix)
        holder = self._model.root if subject is None else self._model.holder(subject)
        return Spot(None if y < self.head_lines else DropTarget(holder.prefix))

    def light(self, target: DropTarget | None) -> None:
        """Light up the row of the folder that a drop would go to."""
        prefix = target.prefix if target is not None else None
        if prefix != self._lit:
            for lit in (self._lit, prefix):
                place = self._model.index_of_entry(Entry("folder", lit)) if lit is not None else NO_ROW
                if place >= 0:
                    self.repaint_row(place)
            self._lit = prefix

    def spring(self, key: str) -> None:
        """Open a folder that is hovered with something to drop."""
        folder = self._model.child_folder(key)
        if folder is not None and not folder.opened:
            self.toggle_folder(key)

    def row_kind(self, row: int) -> str:
        """Return how a whole row is coloured: lit where a drop would go to."""
        subject = self._model.rows[row]
        return "object-tree--drop" if isinstance(subject, Folder) and subject.prefix == self._lit else ""

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Act on the sign that was clicked; a double click chooses the row."""
        if event.chain > 1:  # the first click of a double one has acted on a sign already
            if event.chain == 2 and self._sign_at(row, x) == "none":
                self.action_choose()
            return
        entry = self.cursor_entry
        if entry is None:
            return
        match self._sign_at(row, x):
            case "twist":
                self.toggle_folder(entry.name)
            case "download":
                self.post_message(self.DownloadWanted(entry))
            case "delete":
                self.post_message(self.DeleteWanted(entry))
            case "none":
                pass

    def _sign_at(self, row: int, x: int) -> Sign:
        subject = self._model.rows[row]
        return self._cells.sign_at(subject, self._model.depth(subject), self.placed[0], x)

    # Painting

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return the line of a hint."""
        subject = self._model.rows[row]
        return self._cells.hint(subject, self._model, width) if isinstance(subject, Hint) else None

    def margin(self, row: int) -> Sequence[Span]:
        """Return the mark."""
        return self._cells.mark(self.mark_state(row))

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return what stands in a cell."""
        subject = self._model.rows[row]
        if isinstance(subject, Hint):
            return ()
        return self._cells.cell(
            subject,
            placed,
            depth=self._model.depth(subject),
            acting=look.cursor or look.hover,
            marked=self.mark_state(row) != "none",
        )
