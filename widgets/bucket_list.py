"""The body of the bucket selector: find a bucket, create or add one, change the connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from services.model import Ability
from services.names import display_name
from widgets.cells import Span, cut_end, cut_middle
from widgets.columns import Column, Placed
from widgets.drag import DropSite, DropTarget, Spot
from widgets.symbols import UNICODE, Symbols
from widgets.virtual_tree import NO_ROW, Look, VirtualTree

_CONNECTION_CELLS: Final = 24
"""Cells of a connection's label, so that what stands behind is aligned."""


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
    """Why it cannot be used, in a word or two."""
    current: bool = False
    """Whether it is the one on the screen."""
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
class _Line:
    """A row of the list."""

    kind: Literal["create", "add", "bucket", "deleted", "title", "connection", "note"]
    text: str
    bucket: BucketEntry | None = None
    deleted: DeletedEntry | None = None
    connection: ConnectionEntry | None = None


class _Choices(VirtualTree, DropSite):
    """The rows below the filter."""

    HEAD = False
    LEFT_MARGIN: ClassVar[int] = 3
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("label", ""),
        Column("detail", "", 18, from_width=44),
        Column("badge", "", 10, "right", from_width=30),
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

    lines: tuple[_Line, ...] = ()
    _lit: str = ""

    def spot_at(self, x: int, y: int) -> Spot:
        row = self.row_at(y)
        bucket = self.lines[row].bucket if row != NO_ROW else None
        takes = bucket is not None and bucket.ability not in ("no access", "read only") and not bucket.current
        return Spot(DropTarget("", bucket.name) if bucket is not None and takes else None)

    def light(self, target: DropTarget | None) -> None:
        lit = target.bucket if target is not None else ""
        if lit != self._lit:
            self._lit = lit
            self.redraw()

    def row_kind(self, row: int) -> str:
        bucket = self.lines[row].bucket
        return "bucket-list--drop" if bucket is not None and bucket.name == self._lit else ""

    def row_total(self) -> int:
        return len(self.lines)

    def selectable(self, row: int) -> bool:
        return self.lines[row].kind not in ("title", "note")

    def margin(self, row: int) -> Sequence[Span]:
        bucket = self.lines[row].bucket
        return [(f" {self.symbols.current}", "bucket-list--current")] if bucket and bucket.current else []

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span] | None:
        line = self.lines[row]
        if line.kind in ("title", "note"):
            return [(f" {self.symbols.say(line.text)}", "virtual-tree--muted")]
        if line.kind in ("create", "add"):
            return [(f" {self.symbols.add} {line.text}", "bucket-list--action")]
        if line.connection is None:
            return None
        label = cut_middle(display_name(line.text), max(8, width - 8), self.symbols.ellipsis)
        gap = " " * max(2, _CONNECTION_CELLS - cell_len(label))
        detail = gap + display_name(line.connection.detail)
        sign = self.symbols.current if line.connection.current else " "
        return [(f" {sign} ", "bucket-list--current"), (label, ""), (detail, "virtual-tree--muted")]

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        line, key = self.lines[row], placed.column.key
        if line.deleted is not None:
            texts = {"label": display_name(line.deleted.name), "detail": "restore", "badge": line.deleted.left}
            return [(cut_middle(texts[key], placed.width, self.symbols.ellipsis), "virtual-tree--muted")]
        return self._bucket_cell(line.bucket, key, placed.width) if line.bucket else []

    def _bucket_cell(self, bucket: BucketEntry, key: str, width: int) -> Sequence[Span]:
        ellipsis = self.symbols.ellipsis
        if key == "label":
            text = cut_middle(display_name(bucket.alias or bucket.name), width, ellipsis)
            return [(text, "bucket-list--current" if bucket.current else "")]
        if key == "detail":
            text = bucket.reason or (bucket.name if bucket.alias else "")
            return [(cut_middle(display_name(text), width, ellipsis), "virtual-tree--muted")]
        refused = bucket.ability == "no access"
        text = "" if bucket.ability == "unknown" else bucket.ability
        return [(cut_end(text, width, ellipsis), "bucket-list--refused" if refused else "virtual-tree--muted")]

    def action_choose(self) -> None:
        if self.cursor < len(self.lines) and self.selectable(self.cursor):
            self.post_message(self.Chosen(self.cursor))

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        if event.chain == 1:
            self.action_choose()


class BucketList(Vertical):
    """A filter, and below it what can be chosen."""

    @dataclass
    class BucketChosen(Message):
        """A bucket was chosen."""

        name: str
        """Its name."""

    @dataclass
    class CreateWanted(Message):
        """A new bucket should be created."""

        name: str
        """What was typed, as a first proposal; may be empty."""

    @dataclass
    class AddWanted(Message):
        """An existing bucket should be added."""

        name: str
        """What was typed, as a first proposal; may be empty."""

    @dataclass
    class RestoreWanted(Message):
        """A deleted bucket should be restored."""

        deleted: DeletedEntry
        """Which."""

    @dataclass
    class ConnectionChosen(Message):
        """Another connection was chosen."""

        key: str
        """Key of its `ConnectionEntry`."""

    def __init__(self, *, symbols: Symbols = UNICODE, id: str | None = None, classes: str | None = None) -> None:
        """Make an empty list."""
        super().__init__(id=id, classes=classes)
        self._symbols = symbols
        self._buckets: tuple[BucketEntry, ...] = ()
        self._connections: tuple[ConnectionEntry, ...] = ()
        self._deleted: tuple[DeletedEntry, ...] = ()
        self._note = ""

    def compose(self) -> ComposeResult:
        """Lay out filter and list."""
        yield Input(placeholder=self._symbols.say("filter…"), compact=True)
        yield _Choices(symbols=self._symbols)

    def on_mount(self) -> None:
        """Begin at the current bucket."""
        self.query_one(Input).cursor_blink = False
        self._fill()

    def show(
        self,
        buckets: Iterable[BucketEntry],
        connections: Iterable[ConnectionEntry] = (),
        *,
        deleted: Iterable[DeletedEntry] = (),
        note: str = "",
    ) -> None:
        """Show buckets and connections; `note` says how it stands with them (loading, why a list was refused)."""
        self._deleted = tuple(deleted)
        first = not self._buckets
        self._buckets, self._connections, self._note = tuple(buckets), tuple(connections), note
        if self.is_mounted:
            self._fill(fresh=first)

    @property
    def typed(self) -> str:
        """What stands in the filter."""
        return self.query_one(Input).value.strip()

    def focus(self, scroll_visible: bool = True) -> BucketList:
        """Focus the filter."""
        self.query_one(Input).focus(scroll_visible)
        return self

    def _fill(self, *, fresh: bool = False) -> None:
        choices = self.query_one(_Choices)
        chosen = choices.lines[choices.cursor] if choices.cursor < len(choices.lines) else None
        choices.lines = lines = tuple(self._matching(self.typed.casefold()))
        choices.rows_changed()
        wanted = next((index for index, line in enumerate(lines) if _same(line, chosen)), None)
        if wanted is None or fresh or self.typed:
            wanted = next((i for i, line in enumerate(lines) if line.bucket and (self.typed or line.bucket.current)), 0)
        choices.move_cursor(wanted)

    def _matching(self, needle: str) -> Iterable[_Line]:
        yield _Line("create", "Create new bucket")
        yield _Line("add", "Add an existing bucket")
        fitting = [bucket for bucket in self._buckets if needle in f"{bucket.alias}\n{bucket.name}".casefold()]
        yield from (_Line("bucket", bucket.name, bucket=bucket) for bucket in fitting if not bucket.recent)
        recent = [_Line("bucket", bucket.name, bucket=bucket) for bucket in fitting if bucket.recent]
        deleted = [
            _Line("deleted", f"{each.name}#{each.generation}", deleted=each)
            for each in self._deleted
            if needle in each.name.casefold()
        ]
        for title, lines in (("Recent", recent), ("Deleted, restorable", deleted)):
            if lines:
                yield _Line("title", title)
                yield from lines
        if self._note:
            yield _Line("note", display_name(self._note))
        connections = [line for line in self._connections if needle in f"{line.label}\n{line.detail}".casefold()]
        if connections:
            yield _Line("title", "")
            yield _Line("title", "Connection")
        for connection in connections:
            yield _Line("connection", connection.label, connection=connection)

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(_Choices).action_choose()

    @on(_Choices.Chosen)
    def _choose(self, event: _Choices.Chosen) -> None:
        event.stop()
        line = self.query_one(_Choices).lines[event.index]
        if line.kind == "create":
            self.post_message(self.CreateWanted(self.typed))
        elif line.kind == "add":
            self.post_message(self.AddWanted(self.typed))
        elif line.bucket is not None:
            self.post_message(self.BucketChosen(line.bucket.name))
        elif line.deleted is not None:
            self.post_message(self.RestoreWanted(line.deleted))
        elif line.connection is not None:
            self.post_message(self.ConnectionChosen(line.connection.key))

    def on_key(self, event: events.Key) -> None:
        """Move in the list while the filter has the focus."""
        choices, field = self.query_one(_Choices), self.query_one(Input)
        moves = {"up": -1, "down": 1, "pageup": -choices.page_lines, "pagedown": choices.page_lines}
        if field.has_focus and event.key in moves:
            event.stop()
            event.prevent_default()
            choices.action_cursor_by(moves[event.key])


def _same(line: _Line, other: _Line | None) -> bool:
    return other is not None and (line.kind, line.text) == (other.kind, other.text)
