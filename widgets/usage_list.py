"""The lines of a section of the Usage view: folders, classes, ages, objects, with a bar each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from rich.cells import cell_len
from textual.message import Message

from widgets import formats
from widgets.cells import Span, cut_end, cut_middle, cut_start
from widgets.columns import Column, Placed, place
from widgets.symbols import ASCII
from widgets.usage_rows import Section, UsageRow
from widgets.virtual_tree import Look, VirtualTree

_LABELS: Final[dict[Section, str]] = {
    "folders": "Folder",
    "class": "Class",
    "age": "Age",
    "type": "Type",
    "largest": "Object",
    "oldest": "Object",
    "hidden": "Not in any list",
    "savings": "Rule",
    "session": "Requests",
}
"""Heads of the first column."""


def _columns(section: Section) -> Sequence[Column]:
    """Return the columns of a section: bars only where there are some, room for words where there are some."""
    label = Column("label", _LABELS[section], sortable=False)
    size = Column("size", "Size", 8, "right", from_width=24, sortable=False)
    share = Column("percent", "Share", 5, "right", from_width=34, sortable=False)
    objects = Column("objects", "Objects", 9, "right", from_width=48, sortable=False)
    if section in ("savings", "session"):
        words = Column("detail", "", 29, from_width=72, wide=62, wide_from=112, sortable=False)
        if section == "session":
            return (label, replace(objects, title="Number"), words)
        return (label, size, replace(objects, from_width=130), words)
    if section in ("largest", "oldest"):
        updated = Column("detail", "Updated", 12, from_width=56, sortable=False)
        bar = Column("bar", "", 8, from_width=84, wide=22, wide_from=96, sortable=False)
        return (bar, label, size, share, updated)
    if section in ("class", "hidden"):
        bar = Column("bar", "", 8, from_width=96, wide=22, wide_from=118, sortable=False)
        detail = Column("detail", "", 30, from_width=72, wide=42, wide_from=110, sortable=False)
        return (bar, label, size, share, objects, detail)
    return (Column("bar", "", 14, from_width=56, wide=44, wide_from=96, sortable=False), label, size, share, objects)


class UsageList(VirtualTree):
    """The lines of a section, with a bar each."""

    LEFT_MARGIN: ClassVar[int] = 1
    COLUMNS: ClassVar[Sequence[Column]] = _columns("folders")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"usage--bar", "usage--folder"}

    @dataclass
    class Chosen(Message):
        """A line was chosen."""

        row: UsageRow
        """Which."""

    class CursorMoved(Message):
        """The cursor stands on another line."""

    rows: tuple[UsageRow, ...] = ()

    _shown: Section = "folders"

    def show(self, section: Section, rows: Sequence[UsageRow]) -> None:
        """Show the lines of a section."""
        self._shown, self.rows = section, tuple(rows)
        self._lay_out()

    def _lay_out(self) -> None:
        self._placed = place(_columns(self._shown), self.size.width, left=self.LEFT_MARGIN)
        self.rows_changed()

    @property
    def cursor_row(self) -> UsageRow | None:
        """The line with the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def row_total(self) -> int:
        """Return how many lines there are."""
        return len(self.rows)

    def watch_cursor(self, old: int, new: int) -> None:
        """Tell that the cursor stands elsewhere."""
        super().watch_cursor(old, new)
        self.post_message(self.CursorMoved())

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return a line of words only: what it is about, and what there is to say."""
        line = self.rows[row]
        if line.size is not None or line.objects is not None:
            return None
        label = cut_middle(f" {line.label}", width, self.symbols.ellipsis)
        room = max(0, width - cell_len(label) - 2)
        return [(label, ""), ("  " * bool(room), ""), (self._muted(line.detail, room), "virtual-tree--muted")]

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return what stands in a cell."""
        line, key = self.rows[row], placed.column.key
        if key == "bar":
            full, least = ("#", ".") if self.symbols is ASCII else ("▇", "▏")
            cells = round((line.share or 0) * placed.width)
            return [(full * cells or (least if line.size else ""), "usage--bar")]
        if key == "label":
            cut = cut_start if line.row is not None else cut_middle
            label = cut(self.symbols.say(line.label), placed.width, self.symbols.ellipsis)
            return [(label, "usage--folder" if line.folder is not None else "")]
        if key == "size":
            return [(formats.size(line.size), "")] if line.size is not None else []
        if key == "percent":
            return [(f"{line.share * 100:.0f} %", "virtual-tree--muted")] if line.share is not None else []
        if key == "objects":
            return [(f"{line.objects:,}", "virtual-tree--muted")] if line.objects is not None else []
        return [(self._muted(line.detail, placed.width), "virtual-tree--muted")]

    def _muted(self, text: str, width: int) -> str:
        return cut_end(self.symbols.say(text), width, self.symbols.ellipsis)

    def action_choose(self) -> None:
        """Tell which line was chosen."""
        if (row := self.cursor_row) is not None:
            self.post_message(self.Chosen(row))
