"""The rows of the bucket selector: what can be chosen, and how each is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from rich.cells import cell_len
from textual import events
from textual.geometry import Region
from textual.message import Message

from services.model import Ability
from services.names import display_name
from widgets.cells import Span, cut_end, cut_middle
from widgets.columns import Column, Placed
from widgets.drag import DropSite, DropTarget, Spot
from widgets.virtual_tree import NO_ROW, Look, VirtualTree

_CONNECTION_CELLS: Final = 24
"""Cells of a connection's label, so that what stands behind is aligned."""

_SIGNS: Final = 3
"""Cells of the signs at the end of a row: rename, a gap, remove."""


@dataclass(frozen=True, slots=True)
class BucketEntry:
    """A bucket that can be chosen."""

    name: str
    """Its name."""
    alias: str = ""
    """What the workspace calls it; empty for its name."""
    ability: Ability = "unknown"
    """What may be done with it."""
    reason: str = ""
    """Why not more may be done with it, in a few words."""
    current: bool = False
    """Whether it is the one on the screen."""
    attached: bool = False
    """Whether this workspace has it."""
    recent: bool = False
    """Whether it was open lately, and is not attached to this workspace."""


@dataclass(frozen=True, slots=True)
class DeletedEntry:
    """A bucket that was deleted and can be restored."""

    name: str
    """Its name."""
    generation: int
    """Version of the bucket, which restoring it needs: there may be several of one name."""
    left: str
    """For how long it can be restored, in words: `6 days`."""


@dataclass(frozen=True, slots=True)
class ConnectionEntry:
    """Another place to work in."""

    key: str
    """What `ConnectionChosen` names."""
    label: str
    """What it is called."""
    detail: str = ""
    """Where it leads."""
    current: bool = False
    """Whether it is in use."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the list."""

    kind: Literal["create", "add", "bucket", "deleted", "title", "connection", "note"]
    text: str
    bucket: BucketEntry | None = None
    deleted: DeletedEntry | None = None
    connection: ConnectionEntry | None = None


class BucketRows(VirtualTree, DropSite):
    """The rows below the filter."""

    HEAD = False
    LEFT_MARGIN: ClassVar[int] = 3
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("label", ""),
        Column("detail", "", 18, from_width=44, wide=24, wide_from=68),
        Column("badge", "", 10, "right", from_width=30),
        Column("signs", "", _SIGNS, from_width=44),
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "bucket-list--current",
        "bucket-list--refused",
        "bucket-list--action",
        "bucket-list--drop",
    }

    @dataclass
    class Chosen(Message):
        """A row was chosen."""

        index: int
        """Its number."""

    class Moved(Message):
        """The cursor rests on another row, or on what has taken its place."""

    class RenameWanted(Message):
        """The display name of the cursor's bucket should be edited."""

    class RemoveWanted(Message):
        """The cursor's bucket should be taken off the workspace's list."""

    lines: tuple[Line, ...] = ()
    _lit: str = ""

    def spot_at(self, x: int, y: int) -> Spot:
        """Return the bucket under a dragged row that takes it, or why it does not."""
        bucket = self.bucket_at(self.row_at(y))
        if bucket is None or bucket.current:
            return Spot()
        if bucket.ability in ("no access", "read only"):
            return Spot(refusal=bucket.ability)
        return Spot(DropTarget("", bucket.name))

    def light(self, target: DropTarget | None) -> None:
        """Show which bucket would take what is dragged."""
        lit = target.bucket if target is not None else ""
        if lit != self._lit:
            self._lit = lit
            self.redraw()

    def row_kind(self, row: int) -> str:
        """Return the colour of a row that would take what is dragged."""
        bucket = self.lines[row].bucket
        return "bucket-list--drop" if bucket is not None and bucket.name == self._lit else ""

    def bucket_at(self, row: int) -> BucketEntry | None:
        """Return the bucket of a row; None where it has none."""
        return self.lines[row].bucket if 0 <= row < len(self.lines) else None

    def label_region(self, name: str) -> Region | None:
        """Return where on the screen the label of a bucket stands, or None where it is not shown."""
        row = next((at for at, line in enumerate(self.lines) if line.bucket and line.bucket.name == name), NO_ROW)
        label = next((placed for placed in self.placed if placed.column.key == "label"), None)
        if row == NO_ROW or label is None or not self.is_visible_row(row):
            return None
        x, y = self.content_region.offset
        return Region(x + label.x, y + row - round(self.scroll_y) + self.head_lines, label.width, 1)

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw the two rows that changed, and tell of it."""
        super().watch_cursor(old, new)
        self.post_message(self.Moved())

    def row_total(self) -> int:
        """Return how many lines there are."""
        return len(self.lines)

    def selectable(self, row: int) -> bool:
        """Tell whether a line is more than a title or a note."""
        return self.lines[row].kind not in ("title", "note")

    def margin(self, row: int) -> Sequence[Span]:
        """Return the tick of the current bucket."""
        bucket = self.lines[row].bucket
        return [(f" {self.symbols.current}", "bucket-list--current")] if bucket and bucket.current else []

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        """Return a line that is no bucket."""
        line = self.lines[row]
        if line.kind in ("title", "note"):
            return [(f" {self.symbols.say(line.text)}", "virtual-tree--muted")]
        if line.kind in ("create", "add"):
            return [(f" {self.symbols.add} {line.text}", "bucket-list--action")]
        if line.connection is None:
            return None
        label = cut_middle(self.symbols.say(display_name(line.text)), max(8, width - 8), self.symbols.ellipsis)
        gap = " " * max(2, _CONNECTION_CELLS - cell_len(label))
        detail = gap + display_name(line.connection.detail)
        sign = self.symbols.current if line.connection.current else " "
        return [(f" {sign} ", "bucket-list--current"), (label, ""), (detail, "virtual-tree--muted")]

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return one cell of a bucket."""
        line, key = self.lines[row], placed.column.key
        if line.deleted is not None:
            texts = {"label": display_name(line.deleted.name), "detail": "restore", "badge": line.deleted.left}
            return [(cut_middle(texts.get(key, ""), placed.width, self.symbols.ellipsis), "virtual-tree--muted")]
        if line.bucket is None:
            return []
        if key == "signs":
            return self._signs(line.bucket) if look.cursor or look.hover else []
        return self._bucket_cell(line.bucket, key, placed.width)

    def _signs(self, bucket: BucketEntry) -> Sequence[Span]:
        rename = (f"{self.symbols.rename} ", "virtual-tree--action")
        return [rename, (self.symbols.delete, "virtual-tree--danger")] if bucket.attached else [rename]

    def _bucket_cell(self, bucket: BucketEntry, key: str, width: int) -> Sequence[Span]:
        ellipsis = self.symbols.ellipsis
        if key == "label":
            text = cut_middle(display_name(bucket.alias or bucket.name), width, ellipsis)
            return [(text, "bucket-list--current" if bucket.current else "")]
        if key == "detail":
            text = bucket.name if bucket.alias else ""
            return [(cut_middle(display_name(text), width, ellipsis), "virtual-tree--muted")]
        refused = bucket.ability == "no access"
        text = "" if bucket.ability == "unknown" else bucket.ability
        return [(cut_end(text, width, ellipsis), "bucket-list--refused" if refused else "virtual-tree--muted")]

    def action_choose(self) -> None:
        """Choose the line of the cursor."""
        if self.cursor < len(self.lines) and self.selectable(self.cursor):
            self.post_message(self.Chosen(self.cursor))

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Choose a line, or do what the clicked sign at its end says."""
        if event.chain != 1:
            return
        signs = self.placed[-1]
        bucket = self.bucket_at(row)
        if bucket is None or signs.column.key != "signs" or x < signs.x:
            self.action_choose()
        elif x < signs.x + _SIGNS - 1:
            self.post_message(self.RenameWanted())
        elif bucket.attached:
            self.post_message(self.RemoveWanted())
