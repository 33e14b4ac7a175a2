"""The objects of a bucket as a tree: folders open in place, long listings stream in, marks are kept by name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from fnmatch import fnmatchcase
from typing import ClassVar, Final, Literal

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import var

from services.model import ListPage, ObjectRow
from services.names import base_name
from widgets.cells import Span
from widgets.columns import Column, Placed
from widgets.marks import Marks, Totals
from widgets.object_cells import Clock, MarkState, ObjectCells
from widgets.object_model import SETTLE_AT_ONCE, ObjectModel, Splice, arrange
from widgets.object_rows import Entry, Folder, Hint, Load, Order, Row, SortKey, entry_of, holder_of
from widgets.symbols import UNICODE, Symbols
from widgets.virtual_tree import NO_ROW, Look, VirtualTree

_CLOCK_S: Final = 60.0
"""Seconds after which relative times are written anew."""


class ObjectTree(VirtualTree):
    """The tree-table of objects and folders below one prefix.

    It asks for listings with `Wanted` and is fed by `add_page` and `fail`; it never waits for anything.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "object-tree--folder",
        "object-tree--mark",
        "object-tree--marked",
        "object-tree--problem",
    }
    LEFT_MARGIN: ClassVar[int] = 1
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("name", "  Name"),
        Column("size", "Size", 8, "right", from_width=28),
        Column("modified", "Modified", 12, from_width=52),
        Column("type", "Type", 14, from_width=84, wide=28, wide_from=110),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "open_folder", "Open", show=False, id="tree.open"),
        Binding("left,h", "close_folder", "Close", show=False, id="tree.close"),
        Binding("shift+left", "parent", "Parent", show=False, id="tree.parent"),
        Binding("space", "toggle_mark", "Mark", show=False, id="tree.mark"),
        Binding("v", "range", "Range", show=False, id="tree.range"),
        Binding("a", "mark_all", "Mark all", show=False, id="tree.mark-all"),
        Binding("escape", "unmark", "Unmark", show=False, id="tree.unmark"),
    ]

    filter_text: var[str] = var("", init=False)
    """Only entries whose last segment contains this are shown, whatever the case."""

    @dataclass
    class Wanted(Message):
        """A folder's listing is needed: feed its pages to `add_page`, with the same ticket."""

        prefix: str
        """What to list, with the delimiter `/`."""
        ticket: int
        """Number of this listing; pages of an older one are refused."""

    @dataclass
    class Opened(Message):
        """A row was chosen: enter the folder, or show the object."""

        kind: Literal["object", "folder"]
        """What it is."""
        name: str
        """Full name or prefix, raw."""

    @dataclass
    class DownloadWanted(Message):
        """The download sign of a row was clicked."""

        entry: Entry
        """The row."""

    @dataclass
    class DeleteWanted(Message):
        """The delete sign of a row was clicked."""

        entry: Entry
        """The row."""

    @dataclass
    class MarksChanged(Message):
        """Other rows are marked than before."""

        totals: Totals
        """What is marked now."""

    @dataclass
    class CursorMoved(Message):
        """The cursor is on another entry; posted for every step."""

        entry: Entry | None
        """The entry; None on a line that is none."""

    @dataclass
    class SortChanged(Message):
        """The tree is sorted in another way."""

        order: Order
        """How."""

    def __init__(
        self,
        *,
        symbols: Symbols = UNICODE,
        clock: Clock = time.time,
        zone: tzinfo | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a tree without content; `show` gives it a prefix.  `clock` and `zone` make relative times repeatable."""
        self._model = ObjectModel()
        self._marks = Marks()
        self._cells = ObjectCells(symbols, clock, zone)
        self._under: Row | None = None
        self._told: Entry | None = None
        self._touched = False
        self._focus_on: Entry | None = None
        self._arranging = False
        super().__init__(symbols=symbols, id=id, classes=classes)

    def on_mount(self) -> None:
        """Keep relative times true."""
        self.set_interval(_CLOCK_S, self.redraw)

    # Feeding

    @property
    def prefix(self) -> str:
        """The prefix whose content is the top level."""
        return self._model.root.prefix

    def show(self, prefix: str, *, focus_on: Entry | None = None) -> None:
        """Begin at a prefix with nothing known; the cursor goes to `focus_on` as soon as that has been listed.

        Marks are kept: they are by name.  Call `clear_marks` when another bucket is shown.
        """
        self._model.reset(prefix)
        self.range_start = NO_ROW
        self._focus_on = focus_on
        self._under = None
        self.set_reactive(VirtualTree.cursor, 0)
        self.set_reactive(VirtualTree.hover, NO_ROW)
        self.scroll_to(y=0, animate=False, force=True)
        self._touched = False
        self.rows_changed()
        self._want(self._model.root)

    def refresh_folder(self, prefix: str | None = None) -> None:
        """Ask for a folder's listing anew (None: of every open one); what is shown stays until it is complete."""
        folders = self._model.known_folders() if prefix is None else [self._model.folder(prefix)]
        for folder in list(folders):
            if folder is None:
                continue
            if prefix is not None or folder.opened:
                self._want(folder)
            else:
                folder.load = Load.NEW

    def add_page(self, prefix: str, page: ListPage, *, final: bool, ticket: int | None = None) -> bool:
        """Take a page of a listing; returns False where nobody waits for it any more, so that it can be stopped."""
        folder = self._waiting(prefix, ticket)
        if folder is None:
            return False
        replaced = folder.incoming is not None and final
        self._apply(self._model.add_page(folder, page, final=final))
        if replaced:
            self._follow_marks(folder)
        self._go_to_focus(final=final)
        if folder.unsettled and (final or folder.unsettled * 2 > len(folder.shown)):
            self._rearrange()
        return True

    def fail(self, prefix: str, problem: str, remedy: str = "", *, ticket: int | None = None) -> None:
        """Show in a folder that its listing broke; what had come stays."""
        folder = self._waiting(prefix, ticket)
        if folder is not None:
            self._apply(self._model.fail(folder, problem, remedy))

    def _waiting(self, prefix: str, ticket: int | None) -> Folder | None:
        folder = self._model.folder(prefix)
        if folder is None or folder.load is not Load.LOADING:
            return None
        return folder if ticket is None or ticket == folder.ticket else None

    def _want(self, folder: Folder) -> None:
        ticket, splices = self._model.begin(folder)
        self._apply(splices)
        self.post_message(self.Wanted(folder.prefix, ticket))

    def _apply(self, splices: Iterable[Splice]) -> None:
        """Follow changes of the flat list: the cursor stays on its entry, and that stays where it is on the screen."""
        for splice in splices:
            self._follow(splice)
            self.rows_spliced(splice.at, splice.removed, splice.added)
        self._cursor_settled()

    def _follow(self, splice: Splice) -> None:
        shift = splice.added - splice.removed
        end = splice.at + splice.removed
        if self.range_start >= end:
            self.set_reactive(VirtualTree.range_start, self.range_start + shift)
        elif self.range_start >= splice.at and shift:
            self.set_reactive(VirtualTree.range_start, NO_ROW)
        if self.cursor < splice.at or not self._touched:
            return
        old = self.cursor
        new = old + shift if old >= end else self._place_of_cursor(old)
        visible = self.is_visible_row(old)
        self.set_reactive(VirtualTree.cursor, max(0, min(new, len(self._model.rows) - 1)))
        if visible and self.cursor != old:
            self.keep_on_screen(self.cursor - old)

    def _place_of_cursor(self, old: int) -> int:
        """Return where the row is now that the cursor was on; its folder's where it is gone."""
        row = self._under
        if row is None:
            return old
        entry = entry_of(row)
        place = self._model.index_of_entry(entry) if entry else self._model.index_of(row)
        if place >= 0:
            return place
        if isinstance(row, Hint):
            return old
        inside = self._model.folder(holder_of(entry.name.rstrip("/"))) if entry else None
        hidden = inside is not None and not inside.opened
        return self._model.index_of(inside) if inside is not None and hidden else old

    def _cursor_settled(self) -> None:
        """Remember which row has the cursor, and tell it where that is another entry than before."""
        rows = self._model.rows
        self._under = rows[self.cursor] if self.cursor < len(rows) else None
        entry = self.cursor_entry
        if entry != self._told:
            self._told = entry
            self.post_message(self.CursorMoved(entry))

    def _go_to_focus(self, *, final: bool) -> None:
        if self._focus_on is None:
            return
        place = NO_ROW if self._touched else self._model.index_of_entry(self._focus_on)
        if place >= 0:
            self.cursor = place
        if place >= 0 or self._touched or final:
            self._focus_on = None

    # Order

    @property
    def order(self) -> Order:
        """How the tree is sorted."""
        return self._model.order

    def sort_by(self, order: Order) -> None:
        """Sort the tree, folders first; long lists are sorted in a thread and change when that is done."""
        if order != self._model.order:
            self._model.order = order
            self._rearrange()
            self.post_message(self.SortChanged(order))

    def watch_filter_text(self, text: str) -> None:
        """Show only what matches."""
        self._model.needle = text.casefold()
        self._rearrange()

    def _rearrange(self) -> None:
        jobs = [
            (folder, folder.folders[:], folder.objects, len(folder.objects)) for folder in self._model.known_folders()
        ]
        if sum(len(folders) + taken for _, folders, _, taken in jobs) <= SETTLE_AT_ONCE:
            self._apply([self._model.arrange_all()])
            self._arranging = False
            return
        self._arranging = True
        self.redraw()
        self.run_worker(self._arrange(jobs), group="arrange", exclusive=True)

    async def _arrange(self, jobs: list[tuple[Folder, list[Folder], list[ObjectRow], int]]) -> None:
        order, needle = self._model.order, self._model.needle
        done = await asyncio.to_thread(arrange, jobs, order, needle)
        if (order, needle) != (self._model.order, self._model.needle):
            return
        self._arranging = False
        self._apply([self._model.settle(done)])
        if any(folder.unsettled and folder.load is Load.READY for folder in self._model.known_folders()):
            self.call_next(self._rearrange)

    def on_virtual_tree_head_clicked(self, message: VirtualTree.HeadClicked) -> None:
        """Sort by a column whose head was clicked."""
        message.stop()
        for key in _SORT_KEYS:
            if key == message.key:
                self.sort_by(self.order.clicked(key))

    # What is selected

    @property
    def cursor_entry(self) -> Entry | None:
        """The object or folder with the cursor; None on a line that is none."""
        return self._model.entry_at(self.cursor)

    @property
    def marked(self) -> list[Entry]:
        """What is marked, folders first, in byte order; nothing of it lies below another."""
        return self._marks.entries()

    @property
    def marked_totals(self) -> Totals:
        """What the marks come to."""
        return self._marks.totals

    @property
    def selection(self) -> list[Entry]:
        """What a command works on: what is marked, else the row of the cursor."""
        entry = self.cursor_entry
        return self.marked or ([entry] if entry else [])

    @property
    def target_prefix(self) -> str:
        """The prefix that an upload goes into: that of the open folder with the cursor, or the one around its row."""
        rows = self._model.rows
        if self.cursor >= len(rows):
            return self.prefix
        row = rows[self.cursor]
        return row.prefix if isinstance(row, Folder) and row.opened else self._model.holder(row).prefix

    @property
    def object_total(self) -> int:
        """Objects that were listed so far, in all folders that were opened."""
        return sum(len(folder.objects) for folder in self._model.known_folders())

    def is_loading(self, prefix: str | None = None) -> bool:
        """Tell whether a folder's listing is under way (None: any)."""
        folders = self._model.known_folders() if prefix is None else [self._model.folder(prefix)]
        return any(folder is not None and folder.load is Load.LOADING for folder in folders)

    def is_listed(self, prefix: str) -> bool:
        """Tell whether a folder's listing was asked for: whether it has to be told of changes."""
        folder = self._model.folder(prefix)
        return folder is not None and folder.load is not Load.NEW

    def set_marks(self, entries: Iterable[Entry], *, marked: bool = True) -> None:
        """Mark entries, or unmark them."""
        if marked:
            self._marks.add(entries)
        else:
            self._marks.remove(entries)
        self._marks_changed()

    def clear_marks(self) -> None:
        """Unmark everything."""
        self.range_start = NO_ROW
        if self._marks:
            self._marks.clear()
            self._marks_changed()

    def mark_matching(self, pattern: str, *, marked: bool = True) -> int:
        """Mark (or unmark) the entries beside the cursor whose last segment matches a glob; returns how many do."""
        found = [entry for entry in self._beside() if fnmatchcase(base_name(entry.name).rstrip("/"), pattern)]
        self.set_marks(found, marked=marked)
        return len(found)

    def invert_marks(self) -> None:
        """Mark what is not marked among the entries beside the cursor, and unmark the others."""
        beside = list(self._beside())
        marked = [entry for entry in beside if self._marks.holds(entry)]
        self._marks.add([entry for entry in beside if not self._marks.holds(entry)])
        self._marks.remove(marked)
        self._marks_changed()

    def _beside(self) -> Iterable[Entry]:
        """Yield the entries in the folder of the cursor's row, as far as they are shown."""
        rows = self._model.rows
        siblings = self._model.siblings(rows[self.cursor]) if self.cursor < len(rows) else []
        return (entry for row in siblings if (entry := entry_of(row)))

    def _follow_marks(self, folder: Folder) -> None:
        """Let marks go whose objects a complete listing no longer has, and take over new generations."""
        prefix = folder.prefix

        def current(entry: Entry) -> ObjectRow | bool:
            if entry.name == prefix or not entry.name.startswith(prefix):
                return True
            if entry.kind == "object" and holder_of(entry.name) == prefix:
                return self._model.object_named(entry.name) or False
            child = entry.name[: entry.name.index("/", len(prefix)) + 1]
            return self._model.has_folder(child)

        before = self._marks.totals
        self._marks.reconcile(current)
        if self._marks.totals != before:
            self._marks_changed()

    def _marks_changed(self) -> None:
        self.redraw()
        self.post_message(self.MarksChanged(self._marks.totals))

    # Actions

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw the rows that changed, and tell."""
        super().watch_cursor(old, new)
        self._touched = True
        self._cursor_settled()

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

    def action_toggle_mark(self) -> None:
        """Mark the row and go down; within a range, mark the range."""
        entry = self.cursor_entry
        if self.range_start != NO_ROW:
            self.action_range()
        elif entry is not None and not self._marks.covers(entry):
            self._marks.toggle(entry)
            if entry.kind == "object":
                self.repaint_row(self.cursor)
                self.post_message(self.MarksChanged(self._marks.totals))
            else:
                self._marks_changed()
        self.action_cursor_by(1)

    def action_range(self) -> None:
        """Begin a range at the cursor, or mark the one that was begun."""
        if self.range_start == NO_ROW:
            self.range_start = self.cursor
            return
        self._mark_rows(self.selected_range())
        self.range_start = NO_ROW

    def _mark_rows(self, rows: range) -> None:
        self.set_marks([entry for row in rows if (entry := self._model.entry_at(row))])

    def action_mark_all(self) -> None:
        """Mark everything in the folder of the cursor's row."""
        rows = self._model.rows
        if self.cursor >= len(rows):
            return
        holder = self._model.holder(rows[self.cursor])
        inside = Entry("object", f"{holder.prefix}x")
        if not self._marks.covers(inside):
            self._marks.add_rows(row for row in holder.shown if isinstance(row, ObjectRow))
            self.set_marks(entry for row in holder.shown if isinstance(row, Folder) and (entry := entry_of(row)))

    def action_unmark(self) -> None:
        """Give up the range, else unmark everything."""
        if self.range_start != NO_ROW:
            self.range_start = NO_ROW
        elif self._marks:
            self.clear_marks()
        else:
            raise SkipAction

    def _cursor_folder(self) -> Folder | None:
        rows = self._model.rows
        row = rows[self.cursor] if self.cursor < len(rows) else None
        return row if isinstance(row, Folder) else None

    # Mouse

    def click_row(self, row: int, event: events.Click) -> None:
        """Extend a range with shift, mark with ctrl, else move the cursor and act."""
        if event.shift:
            start = self.cursor if self.range_start == NO_ROW else self.range_start
            self.range_start = NO_ROW
            self.cursor = row
            self._mark_rows(range(min(start, row), max(start, row) + 1))
        elif event.ctrl:
            self.cursor = row
            entry = self.cursor_entry
            if entry is not None and not self._marks.covers(entry):
                self._marks.toggle(entry)
                self._marks_changed()
        else:
            super().click_row(row, event)

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Act on the sign that was clicked; a double click chooses the row."""
        name = self.placed[0]
        entry = self.cursor_entry
        sign = self._cells.sign_at(self._model.rows[row], self._model.depth(self._model.rows[row]), name, x)
        if sign == "twist" and entry is not None:
            self.toggle_folder(entry.name)
        elif sign == "download" and entry is not None:
            self.post_message(self.DownloadWanted(entry))
        elif sign == "delete" and entry is not None:
            self.post_message(self.DeleteWanted(entry))
        elif event.chain == 2:
            self.action_choose()

    # Painting

    def row_total(self) -> int:
        """Return how many rows are on display."""
        return len(self._model.rows)

    def head_sign(self, key: str) -> str:
        """Return how the tree is sorted by a column."""
        if key != self.order.key:
            return ""
        if self._arranging:
            return self.symbols.ellipsis
        return self.symbols.descending if self.order.descending else self.symbols.ascending

    def mark_state(self, row: int) -> MarkState:
        """Tell whether a row is marked itself, by a folder around it, or not."""
        entry = self._model.entry_at(row)
        if entry is None or not self._marks:
            return "none"
        if self._marks.holds(entry):
            return "marked"
        return "implied" if self._marks.covers(entry) else "none"

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


_SORT_KEYS: Final[tuple[SortKey, ...]] = ("name", "size", "modified", "type")
"""Columns by which the tree can be sorted."""
