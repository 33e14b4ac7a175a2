"""Where to move or copy to: a folder of a bucket, chosen in a tree, typed with completion, or made anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from services.errors import PailError
from services.model import ListPage
from services.names import check_object_name, display_name, is_gs_url, parse_gs_url
from widgets.cells import Span
from widgets.columns import Column, Placed
from widgets.folder_tree import FolderTree
from widgets.key_line import HELP, KeyHint, KeyLine
from widgets.object_rows import holder_of
from widgets.symbols import UNICODE, Symbols
from widgets.virtual_tree import Look, VirtualTree


class BucketRows(VirtualTree):
    """The buckets that can be switched to."""

    HEAD = False
    LEFT_MARGIN: ClassVar[int] = 3
    COLUMNS: ClassVar[Sequence[Column]] = (Column("name", ""),)

    @dataclass
    class Chosen(Message):
        """A bucket was chosen."""

        name: str
        """Its name."""

    names: tuple[str, ...] = ()

    def row_total(self) -> int:
        """Return how many there are."""
        return len(self.names)

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return the name."""
        return [(display_name(self.names[row]), "")]

    def action_choose(self) -> None:
        """Tell which was chosen."""
        if self.names:
            self.post_message(self.Chosen(self.names[self.cursor]))

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Choose by one click."""
        if event.chain == 1:
            self.action_choose()


class DestinationPicker(Vertical):
    """Bucket, path, folders, keys.  It is fed as the object tree is: `Wanted`, then `add_page` or `fail`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+b", "buckets", "Other bucket", show=False, id="destination.buckets"),
        Binding("ctrl+n", "new_folder", "New folder", show=False, id="destination.new-folder"),
        Binding("slash", "filter", "Filter", show=False, id="destination.filter"),
    ]

    @dataclass
    class Chosen(Message):
        """A folder was chosen; it need not exist yet."""

        bucket: str
        """Name of its bucket."""
        prefix: str
        """Its prefix, raw; empty for the top of the bucket."""

    @dataclass
    class Wanted(Message):
        """A folder's listing is needed: feed its pages to `add_page`, with the same ticket."""

        bucket: str
        """Name of the bucket."""
        prefix: str
        """What to list, with the delimiter `/`."""
        ticket: int
        """Number of this listing; pages of an older one are refused."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        buckets: Sequence[str] = (),
        refuse: Callable[[str, str], str] = lambda _bucket, _prefix: "",
        symbols: Symbols = UNICODE,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Begin at a folder of a bucket; `buckets` can be switched to.

        `refuse` says why a bucket and a prefix cannot be chosen, in one line (a folder does not go into itself).
        """
        super().__init__(id=id, classes=classes)
        self.bucket = bucket
        self._raw = prefix
        self._buckets = tuple(buckets)
        self._refuse = refuse
        self._symbols = symbols
        self.folders = FolderTree(symbols=symbols)

    def compose(self) -> ComposeResult:
        """Lay out the picker."""
        yield Static(id="destination-bucket", markup=False)
        yield Input(compact=True, id="destination-path", placeholder="top of the bucket", suggester=_Known(self))
        yield Static(id="destination-problem", markup=False)
        yield Input(compact=True, id="destination-new", placeholder="name of the new folder")
        yield Input(compact=True, id="destination-filter", placeholder="a part of the name")
        yield self.folders
        yield BucketRows(symbols=self._symbols)
        hints = [KeyHint("enter", "choose", "destination.choose")]
        arrows = "→ ←" if self._symbols is UNICODE else "right left"
        hints += [KeyHint(arrows, "open, close", "folders.open"), KeyHint("/", "filter", "destination.filter")]
        hints.append(KeyHint("^n", "new folder", "destination.new-folder"))
        if len(self._buckets) > 1:
            hints.append(KeyHint("^b", "other bucket", "destination.buckets"))
        keys = KeyLine(symbols=self._symbols)
        keys.hints = tuple(hints)
        yield keys

    def on_mount(self) -> None:
        """Begin."""
        for field in self.query(Input):
            field.cursor_blink = False
        for name in ("#destination-new", "#destination-filter", "#destination-problem"):
            self.query_one(name).display = False
        self.query_one(BucketRows).display = False
        self._show_path(self._raw)
        self._path.focus()
        # The tree has to run before what it asks for can be heard.
        self.call_after_refresh(self._open, self.bucket, self._raw)

    @property
    def _path(self) -> Input:
        return self.query_one("#destination-path", Input)

    def _open(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.query_one("#destination-bucket", Static).update(f"gs://{display_name(bucket)}/")
        self._show_path(prefix)
        self.folders.begin(prefix)

    def _show_path(self, prefix: str) -> None:
        self._raw = prefix
        self._path.value = display_name(prefix)  # raw, it could steer the terminal
        self._path.cursor_position = len(self._path.value)

    # Feeding

    def add_page(self, prefix: str, page: ListPage, *, final: bool, ticket: int | None = None) -> bool:
        """Take a page of a listing of `bucket`; returns False where nobody waits for it any more."""
        return self.folders.add_page(prefix, page, final=final, ticket=ticket)

    def fail(self, prefix: str, problem: str, remedy: str = "", *, ticket: int | None = None) -> None:
        """Show that a listing broke."""
        self.folders.fail(prefix, problem, remedy, ticket=ticket)

    # Choosing

    @property
    def prefix(self) -> str:
        """The prefix that would be chosen now, raw; always empty or with a slash at its end."""
        typed = self._path.value
        if typed == display_name(self._raw):
            return self._raw
        return typed if not typed or typed.endswith("/") else f"{typed}/"

    def choose(self) -> None:
        """Choose what the path says, or say why it cannot be."""
        try:
            if is_gs_url(self._path.value):
                url = parse_gs_url(self._path.value)
                prefix = url.name if not url.name or url.name.endswith("/") else f"{url.name}/"
                bucket = url.bucket
            else:
                bucket, prefix = self.bucket, self.prefix
            if prefix:
                check_object_name(prefix)
        except PailError as error:
            self._say(error.message)
            return
        problem = self._refuse(bucket, prefix)
        self._say(problem)
        if not problem:
            self.post_message(self.Chosen(bucket, prefix))

    def _say(self, problem: str) -> None:
        label = self.query_one("#destination-problem", Static)
        label.update(f"{self._symbols.warning} {display_name(problem)}")
        label.display = bool(problem)

    @on(FolderTree.Chosen)
    def _folder_chosen(self, event: FolderTree.Chosen) -> None:
        event.stop()
        self._show_path(event.prefix)
        self.choose()

    @on(FolderTree.Wanted)
    def _listing_wanted(self, event: FolderTree.Wanted) -> None:
        event.stop()
        self.post_message(self.Wanted(self.bucket, event.prefix, event.ticket))

    @on(FolderTree.LeftUpwards)
    def _to_the_top(self, event: FolderTree.LeftUpwards) -> None:
        event.stop()
        self._show_path("")
        self._path.focus()

    @on(FolderTree.CursorMoved)
    def _cursor_moved(self, event: FolderTree.CursorMoved) -> None:
        event.stop()
        if event.entry is not None and self.folders.has_focus:
            self._show_path(event.entry.name)

    @on(Input.Submitted, "#destination-path")
    def _path_entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.choose()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input.id == "destination-filter":
            self.folders.filter_text = event.value
        self._say("")

    # New folder, filter, other buckets

    def _ask(self, name: str) -> None:
        field = self.query_one(name, Input)
        field.value = ""
        field.display = True
        field.focus()

    def action_new_folder(self) -> None:
        """Ask for the name of a folder below the one that is shown; it comes to be with what goes there."""
        self._ask("#destination-new")

    @on(Input.Submitted, "#destination-new")
    def _new_named(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip("/")
        event.input.display = False
        if name:
            self._show_path(f"{self.prefix}{name}/")
        self._path.focus()

    def action_filter(self) -> None:
        """Show only folders with a part of a name."""
        self._ask("#destination-filter")

    @on(Input.Submitted, "#destination-filter")
    def _filtered(self, event: Input.Submitted) -> None:
        event.stop()
        self.folders.focus()

    def action_buckets(self) -> None:
        """Show the buckets instead of the folders, or the folders again."""
        rows = self.query_one(BucketRows)
        if not self._buckets and not rows.display:
            return
        rows.names = self._buckets
        rows.rows_changed()
        rows.cursor = self._buckets.index(self.bucket) if self.bucket in self._buckets else 0
        rows.display = not rows.display
        self.folders.display = not rows.display
        (rows if rows.display else self._path).focus()

    @on(BucketRows.Chosen)
    def _bucket_chosen(self, event: BucketRows.Chosen) -> None:
        event.stop()
        self.action_buckets()
        if event.name != self.bucket:
            self._open(event.name, "")

    @on(KeyLine.HintChosen)
    async def _hint_chosen(self, event: KeyLine.HintChosen) -> None:
        if event.command_id == HELP:
            return  # the dialog around it knows all keys
        event.stop()
        if event.command_id == "destination.choose":
            self.choose()
        elif event.command_id.startswith("destination."):
            await self.run_action(event.command_id.removeprefix("destination.").replace("-", "_"))

    def on_key(self, event: events.Key) -> None:
        """Go between path and folders by arrows; Esc closes what was asked first, then the filter."""
        new, field = self.query_one("#destination-new", Input), self.query_one("#destination-filter", Input)
        if event.key == "down" and (self._path.has_focus or field.has_focus):
            self.folders.focus()
            entry = self.folders.cursor_entry
            if entry is not None:
                self._show_path(entry.name)
        elif event.key == "escape" and new.display:
            new.display = False
            self._path.focus()
        elif event.key == "escape" and field.display:
            field.value = ""
            field.display = False
            self.folders.focus()
        elif event.key == "escape" and self.query_one(BucketRows).display:
            self.action_buckets()
        else:
            return
        event.stop()
        event.prevent_default()


class _Known(Suggester):
    """Completes a path from the folders that were listed."""

    def __init__(self, picker: DestinationPicker) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._picker = picker

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first folder that begins with what was typed."""
        if not value:
            return None
        known = self._picker.folders.folders_known()
        fits = (shown for shown in map(display_name, sorted(known)) if shown.startswith(value) and shown != value)
        return next((shown for shown in fits if holder_of(shown[:-1]) == holder_of(value)), None)
