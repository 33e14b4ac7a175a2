"""A tree of listings: folders whose pages stream in, sorted and filtered, with a cursor that stays on its entry."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from textual.message import Message
from textual.reactive import var

from services.model import ListPage, ObjectRow
from widgets import in_view
from widgets.arranging import arrange
from widgets.object_cells import Clock, ObjectCells
from widgets.object_model import SETTLE_AT_ONCE, ObjectModel, Splice
from widgets.object_rows import Entry, Folder, Hint, Load, Order, Row, entry_of, holder_of
from widgets.sorted_list import SortedList
from widgets.symbols import UNICODE, Symbols
from widgets.virtual_tree import NO_ROW, VirtualTree

_CLOCK_S: Final = 60.0
"""Seconds after which relative times are written anew."""


class ListingTree(SortedList):
    """What is listed below one prefix.

    It asks for listings with `Wanted` and is fed by `add_page` and `fail`; it never waits for anything.
    """

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
        self._cells = ObjectCells(symbols, clock, zone)
        self._under: Row | None = None
        self._told: Entry | None = None
        self._touched = False
        self._focus_on: Entry | None = None
        self._expected: Entry | None = None
        self._arranging = False
        super().__init__(symbols=symbols, id=id, classes=classes)

    def advise(self, advice: str) -> None:
        """Say what can be done where there is nothing: `u upload · n folder`."""
        self._cells.advice = advice

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
        self._expected = None
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
            self.folder_replaced(folder)
        self._go_to_focus(final=final)
        if folder.unsettled and (final or folder.unsettled * 2 > len(folder.shown)):
            self._rearrange()
        return True

    def can_update(self, prefix: str) -> bool:
        """Tell whether a folder is listed to its end, so that single changes can be put into it."""
        folder = self._model.folder(prefix)
        return folder is not None and folder.load is Load.READY and folder.incoming is None

    def update_folder(
        self, prefix: str, rows: Iterable[ObjectRow], gone: Mapping[str, int], prefixes: Iterable[str] = ()
    ) -> bool:
        """Put changed objects and new child folders into a folder, and take out what is gone, without listing it.

        Returns False where the folder has to be listed instead.
        """
        folder = self._model.folder(prefix)
        if folder is None or not self.can_update(prefix):
            return False
        self._apply([self._model.update(folder, rows, gone, prefixes)])
        self.folder_replaced(folder)
        if folder.unsettled:
            self._rearrange()
        return True

    def has_rows(self, prefix: str) -> bool:
        """Tell whether anything is listed in a folder."""
        folder = self._model.folder(prefix)
        return folder is not None and bool(folder.objects or folder.folders)

    def folder_replaced(self, folder: Folder) -> None:
        """React to a complete listing that has taken the place of an older one."""

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
        self._go_to_expected()

    def _follow(self, splice: Splice) -> None:
        shift = splice.added - splice.removed
        end = splice.at + splice.removed
        if self.range_start >= end:
            self.set_reactive(VirtualTree.range_start, self.range_start + shift)
        elif self.range_start >= splice.at and shift:
            self.set_reactive(VirtualTree.range_start, NO_ROW)
        if self.cursor < splice.at or not self._touched:
            return
        if isinstance(self._under, Hint) and splice.at == self.cursor and not splice.removed:
            return  # rows have come where "loading" stood: the cursor takes the first of them
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

    def expect(self, entry: Entry) -> None:
        """Have the cursor go to an entry as soon as that is shown, unless somebody moves it before."""
        self._expected = entry

    def _go_to_expected(self) -> None:
        expected = self._expected
        if expected is None:
            return
        place = self._model.index_of_entry(expected)
        if place >= 0:
            self._expected = None
            self.cursor = place
            self._touched = True
            self._cursor_settled()
            self.arrived(expected)

    def arrived(self, entry: Entry) -> None:
        """React to the cursor standing where it was expected to go."""

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

    # Looking

    @property
    def cursor_entry(self) -> Entry | None:
        """The object or folder with the cursor; None on a line that is none."""
        return self._model.entry_at(self.cursor)

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

    # Comparing with the bucket

    def folders_in_view(self) -> list[str]:
        """Return the open folders, listed to their ends, of which a row can be seen."""
        return in_view.folders(self._model, self._rows_in_view())

    def window_start(self, prefix: str) -> str:
        """Return the first name of a folder that can be seen, where names are in order; else an empty text."""
        return in_view.first_name(self._model, self._rows_in_view(), prefix)

    def differs(self, prefix: str, page: ListPage, start: str = "", *, past: bool = False) -> bool:
        """Tell whether a page of live objects, listed from `start` on, is another one than what is shown of a folder.

        `past`: folders are shown that hold nothing live; the page has none of them.
        """
        return in_view.differs(self._model, prefix, page, start, past=past)

    def past_differs(self, prefix: str, page: ListPage, start: str, ours: Callable[[ObjectRow], bool]) -> bool:
        """Tell whether a page of generations that are gone is another one than those shown of which `ours` is true."""
        return in_view.past_differs(self._model, prefix, page, start, ours)

    def _rows_in_view(self) -> list[Row]:
        first = int(self.scroll_y)
        return self._model.rows[first : first + self.page_lines + 1]

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw the rows that changed, and tell."""
        super().watch_cursor(old, new)
        self._touched = True
        self._expected = None
        self._cursor_settled()

    def row_total(self) -> int:
        """Return how many rows are on display."""
        return len(self._model.rows)

    def head_sign(self, key: str) -> str:
        """Return how the tree is sorted by a column, or that it is being sorted."""
        return self.symbols.ellipsis if self._arranging and key == self.order.key else super().head_sign(key)
