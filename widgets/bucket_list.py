"""The body of the bucket selector: find a bucket, create or add one, change the connection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import add
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from services.names import display_name
from widgets.bucket_rows import BucketEntry, BucketRows, ConnectionEntry, DeletedEntry, Line
from widgets.rename_line import RenameLine
from widgets.symbols import UNICODE, Symbols

__all__ = ["BucketEntry", "BucketList", "ConnectionEntry", "DeletedEntry"]

ALIAS_LIMIT: Final = 80
"""Characters of a display name."""


class BucketList(Vertical):
    """A filter, below it what can be chosen, and what is known of the row of the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "rename", "Display name", show=False, priority=True, id="buckets.rename"),
        Binding("f8", "remove", "Remove from the workspace", show=False, priority=True, id="buckets.remove"),
    ]

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
    class Renamed(Message):
        """A bucket was given another display name."""

        name: str
        """Its name."""
        alias: str
        """What it shall be called; empty for its own name."""

    @dataclass
    class RemoveWanted(Message):
        """A bucket should be taken off the workspace's list."""

        name: str
        """Its name."""

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
        yield BucketRows(symbols=self._symbols)
        yield Static("", id="bucket-about", markup=False)
        yield Static("", id="bucket-keys", markup=False)

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
        choices = self.query_one(BucketRows)
        chosen = choices.lines[choices.cursor] if choices.cursor < len(choices.lines) else None
        choices.lines = lines = tuple(self._matching(self.typed.casefold()))
        choices.rows_changed()
        wanted = next((index for index, line in enumerate(lines) if _same(line, chosen)), None)
        if wanted is None or fresh or self.typed:
            wanted = next((at for at, line in enumerate(lines) if _is_meant(line, typed=bool(self.typed))), 0)
        choices.move_cursor(wanted)
        self._tell()

    def _matching(self, needle: str) -> Iterable[Line]:
        yield Line("create", f"Create new bucket {display_name(self.typed)}".rstrip())
        yield Line("add", "Add an existing bucket")
        fitting = [bucket for bucket in self._buckets if needle in f"{bucket.alias}\n{bucket.name}".casefold()]
        own = [bucket for bucket in fitting if bucket.attached]
        recent = [bucket for bucket in fitting if bucket.recent and not bucket.attached]
        others = [bucket for bucket in fitting if not (bucket.recent or bucket.attached)]
        deleted = [
            Line("deleted", f"{each.name}#{each.generation}", deleted=each)
            for each in self._deleted
            if needle in each.name.casefold()
        ]
        title = "Others that can be listed" if own or recent else ""
        for heading, lines in (
            ("", [Line("bucket", bucket.name, bucket=bucket) for bucket in own]),
            ("Recent", [Line("bucket", bucket.name, bucket=bucket) for bucket in recent]),
            (title, [Line("bucket", bucket.name, bucket=bucket) for bucket in others]),
            ("Deleted, restorable", deleted),
        ):
            if lines and heading:
                yield Line("title", heading)
            yield from lines
        if self._note:
            yield Line("note", display_name(self._note))
        connections = [line for line in self._connections if needle in f"{line.label}\n{line.detail}".casefold()]
        if connections:
            yield Line("title", "")
            yield Line("title", "Connection")
        for connection in connections:
            yield Line("connection", connection.label, connection=connection)

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(BucketRows).action_choose()

    @on(BucketRows.Chosen)
    def _choose(self, event: BucketRows.Chosen) -> None:
        event.stop()
        line = self.query_one(BucketRows).lines[event.index]
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
        choices, field = self.query_one(BucketRows), self.query_one(Input)
        moves = {"up": -1, "down": 1, "pageup": -choices.page_lines, "pagedown": choices.page_lines}
        if field.has_focus and event.key in moves:
            event.stop()
            event.prevent_default()
            choices.action_cursor_by(moves[event.key])

    def on_resize(self) -> None:
        """Say the keys as the width allows."""
        self.call_after_refresh(self._tell)

    @on(BucketRows.Moved)
    def _moved(self, event: BucketRows.Moved) -> None:
        event.stop()
        self._tell()

    def _tell(self) -> None:
        """Say of the cursor's row what does not fit into it, and which keys do something with it."""
        rows = self.query_one(BucketRows)
        line = rows.lines[rows.cursor] if rows.cursor < len(rows.lines) else None
        about, keys = _about(line) if line is not None else ("", ("",))
        self.query_one("#bucket-about", Static).update(Text(self._symbols.say(about)))
        hints = self.query_one("#bucket-keys", Static)
        width = hints.content_size.width
        said = [self._symbols.say(text) for text in keys]
        hints.update(Text(next((text for text in said if cell_len(text) <= width), said[-1])))

    def action_rename(self) -> None:
        """Edit the display name of the cursor's bucket in its place."""
        rows = self.query_one(BucketRows)
        bucket = rows.bucket_at(rows.cursor)
        if bucket is None:
            return
        rows.show_row(rows.cursor)
        line = RenameLine(
            bucket.alias or bucket.name,
            over=rows,
            region=lambda: rows.label_region(bucket.name),
            problem=_alias_problem,
            taken=lambda alias: self._named(bucket, alias),
        )
        self.screen.mount(line)

    def _named(self, bucket: BucketEntry, alias: str) -> None:
        alias = alias.strip()
        self.post_message(self.Renamed(bucket.name, "" if alias == bucket.name else alias))

    def action_remove(self) -> None:
        """Ask for the cursor's bucket to be taken off the workspace's list."""
        rows = self.query_one(BucketRows)
        bucket = rows.bucket_at(rows.cursor)
        if bucket is not None and bucket.attached:
            self.post_message(self.RemoveWanted(bucket.name))

    @on(BucketRows.RenameWanted)
    def _rename_wanted(self, event: BucketRows.RenameWanted) -> None:
        event.stop()
        self.action_rename()

    @on(BucketRows.RemoveWanted)
    def _remove_wanted(self, event: BucketRows.RemoveWanted) -> None:
        event.stop()
        self.action_remove()


def _about(line: Line) -> tuple[str, tuple[str, ...]]:
    """Return what is known of a row, safe to be shown, and its keys: in full, and as short as they can be."""
    bucket = line.bucket
    if bucket is not None:
        access = "" if bucket.ability == "unknown" else f" · {bucket.ability}"
        why = f": {display_name(bucket.reason)}" if bucket.reason and access else ""
        if bucket.reason and not access:
            why = f" · {display_name(bucket.reason)}"
        keys = ("enter opens · F2 display name", "enter opens · F2 name")
        about = f"gs://{display_name(bucket.name)}{access}{why}"
        removes = (" · F8 remove from the workspace", " · F8 remove") if bucket.attached else ("", "")
        return about, tuple(map(add, keys, removes))
    if line.deleted is not None:
        name = display_name(line.deleted.name)
        return f"gs://{name} was deleted; it can be restored for {line.deleted.left}", ("enter restores it",)
    texts = {
        "create": "A new bucket, in a place of your choice",
        "add": "One that exists, by its name or from a list; data is never touched",
        "connection": "Other credentials, another project, another place",
    }
    return texts.get(line.kind, ""), ("type to filter · enter chooses · esc closes", "enter chooses · esc closes")


def _alias_problem(alias: str) -> str:
    """Return why a text cannot be a display name, in one line; empty where it can, as an empty one means none."""
    if len(alias) > ALIAS_LIMIT:
        return f"A display name has at most {ALIAS_LIMIT} characters."
    return "" if display_name(alias) == alias else "It holds characters that cannot be shown."


def _is_meant(line: Line, *, typed: bool) -> bool:
    """Tell whether the cursor goes to a line by itself: to what was typed, else to the current bucket."""
    if typed:
        return line.kind in ("bucket", "deleted", "connection")
    return line.bucket is not None and line.bucket.current


def _same(line: Line, other: Line | None) -> bool:
    return other is not None and (line.kind, line.text) == (other.kind, other.text)
