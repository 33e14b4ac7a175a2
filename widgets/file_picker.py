"""A picker of local files and folders to upload, or of a folder to download to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import ClassVar, Literal

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import var
from textual.suggester import Suggester
from textual.widgets import Input

from services.names import display_name
from widgets import formats
from widgets.file_list import FileList
from widgets.file_listing import FileRow, Listing, absolute, complete, make_folder, read_folder
from widgets.key_line import HELP, KeyHint, KeyLine
from widgets.span_line import Part, SpanLine, spread
from widgets.symbols import UNICODE, Symbols

PickerMode = Literal["upload", "folder"]
"""Files and folders to upload, or one folder to download to."""


class PickerStatus(SpanLine[str]):
    """What is selected, what is filtered, what went wrong."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"picker-status--selected", "picker-status--problem"}

    selected: var[str] = var("")
    """What is selected, in words."""
    note: var[str] = var("")
    """The filter, in words."""
    problem: var[str] = var("")
    """What went wrong, safe to be shown; it takes the place of all else."""

    def watch_selected(self) -> None:
        """Draw anew."""
        self.refresh()

    def watch_note(self) -> None:
        """Draw anew."""
        self.refresh()

    def watch_problem(self) -> None:
        """Draw anew."""
        self.refresh()

    def parts(self, width: int) -> list[Part[str]]:
        """Return the line."""
        if self.problem:
            return [Part(f"{self.symbols.warning} {self.problem}", "picker-status--problem")]
        right: list[Part[str]] = [Part(self.selected, "picker-status--selected")] if self.selected else []
        return spread([Part(self.note, "span-line--muted")], right, width)


class FilePicker(Vertical):
    """Path, entries, what is selected, keys.  Letters typed in the list filter it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "toggle_hidden", "Hidden files", show=False, id="picker.hidden"),
        Binding("ctrl+l", "edit_path", "Path", show=False, id="picker.path"),
        Binding("ctrl+n", "new_folder", "New folder", show=False, id="picker.new-folder"),
        Binding("escape", "clear", "Clear", show=False, id="picker.clear"),
    ]

    hidden: var[bool] = var(default=False, init=False)
    """Whether names that begin with a dot are shown."""

    @dataclass
    class Chosen(Message):
        """Files and folders were chosen; in folder mode exactly one folder."""

        paths: tuple[str, ...]
        """Absolute paths as `os.fsdecode` gives them."""

    def __init__(
        self,
        start: str,
        *,
        mode: PickerMode = "upload",
        symbols: Symbols = UNICODE,
        clock: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Begin in the folder `start`."""
        super().__init__(id=id, classes=classes)
        self._mode = mode
        self._symbols = symbols
        self._listing = Listing(absolute(start, str(Path.cwd())))
        self._needle = ""
        self._reading = 0
        self._selected: dict[str, FileRow] = {}
        self._list = FileList(
            extras=("use", "new") if mode == "folder" else (), symbols=symbols, clock=clock, zone=zone
        )

    def compose(self) -> ComposeResult:
        """Lay out the picker."""
        yield Input(compact=True, id="picker-path", suggester=_Folders(self))
        yield self._list
        yield Input(compact=True, id="picker-new", placeholder="name of the new folder")
        yield PickerStatus(symbols=self._symbols)
        yield KeyLine(symbols=self._symbols)

    def on_mount(self) -> None:
        """Read the first folder."""
        for field in self.query(Input):
            field.cursor_blink = False
        self.query_one("#picker-new", Input).display = False
        self._tell()
        self.go_to(self.path)
        self._list.focus()

    @property
    def path(self) -> str:
        """The folder that is shown."""
        return self._listing.path

    @property
    def selected(self) -> tuple[str, ...]:
        """Absolute paths that are selected, in the order in which they were."""
        return tuple(self._selected)

    def go_to(self, path: str, cursor_on: str = "") -> None:
        """Show a folder as soon as it has been read; where it cannot be, say why and stay."""
        self._reading += 1
        self.run_worker(self._read(path, cursor_on, self._reading), group="read", exclusive=True)

    async def _read(self, path: str, cursor_on: str, ticket: int) -> None:
        listing = await asyncio.to_thread(read_folder, path)
        if ticket != self._reading:
            return
        status = self.query_one(PickerStatus)
        status.problem = listing.problem
        if listing.problem and self._listing.rows:
            return
        self._listing = listing
        self._needle = ""
        self._fill(cursor_on)
        self.query_one("#picker-path", Input).value = display_name(listing.path)

    def _fill(self, cursor_on: str = "") -> None:
        self._list.show(self._listing, needle=self._needle, hidden=self.hidden, cursor_on=cursor_on)
        self.query_one(PickerStatus).note = f"filter: {display_name(self._needle)}" if self._needle else ""

    def _tell(self) -> None:
        """Show what is selected, and which keys apply."""
        rows = self._selected.values()
        files = [row for row in rows if row.kind == "file"]
        words = (
            [formats.count(len(files), "file") + f", {formats.size(sum(row.size for row in files))}"] if files else []
        )
        if len(files) < len(self._selected):
            words.append(formats.count(len(self._selected) - len(files), "folder"))
        dot = f" {self._symbols.dot} "
        self.query_one(PickerStatus).selected = f"{dot.join(words)} selected" if words else ""
        self.query_one(KeyLine).hints = self._hints()
        self._list.selected = set(self._selected)
        self._list.redraw()

    def _hints(self) -> tuple[KeyHint, ...]:
        arrows = KeyHint("→ ←" if self._symbols is UNICODE else "right left", "open, up", "files.open")
        always = (arrows, KeyHint("^l", "path", "picker.path"), KeyHint("^t", "hidden", "picker.hidden"))
        if self._mode == "folder":
            return (
                KeyHint("enter", "choose", "files.choose"),
                *always,
                KeyHint("^n", "new folder", "picker.new-folder"),
            )
        upload = f"upload {len(self._selected)}" if self._selected else "upload or open"
        return (KeyHint("space", "select", "files.select"), KeyHint("enter", upload, "files.choose"), *always)

    # What is done in the list

    @on(FileList.Entered)
    def _entered(self, event: FileList.Entered) -> None:
        event.stop()
        self.go_to(event.path, event.came_from)

    @on(FileList.Toggled)
    def _toggled(self, event: FileList.Toggled) -> None:
        event.stop()
        if self._selected.pop(event.path, None) is None:
            self._selected[event.path] = event.row
        self._tell()

    @on(FileList.Confirmed)
    def _confirmed(self, event: FileList.Confirmed) -> None:
        event.stop()
        row = event.row
        if row == "use":
            self.post_message(self.Chosen((self.path,)))
        elif row == "new":
            self.action_new_folder()
        elif self._selected:
            self.post_message(self.Chosen(self.selected))
        elif isinstance(row, FileRow) and row.kind == "folder":
            self.go_to(self._list.path_of(row))
        elif isinstance(row, FileRow) and self._list.reason(row):
            self.query_one(PickerStatus).problem = f"{display_name(row.name)}: {self._list.reason(row)}"
        elif isinstance(row, FileRow):
            self.post_message(self.Chosen((self._list.path_of(row),)))

    @on(KeyLine.HintChosen)
    def _hint_chosen(self, event: KeyLine.HintChosen) -> None:
        if event.command_id == HELP:
            return  # the dialog around it knows all keys
        event.stop()
        actions = {
            "files.select": self._list.action_select,
            "files.choose": self._list.action_choose,
            "files.open": self._list.action_enter_folder,
            "picker.path": self.action_edit_path,
            "picker.hidden": self.action_toggle_hidden,
            "picker.new-folder": self.action_new_folder,
        }
        actions[event.command_id]()

    def on_key(self, event: events.Key) -> None:
        """Filter by what is typed in the list; complete the path with tab."""
        if event.key == "tab" and self._complete_path():
            pass
        elif not self._list.has_focus:
            return
        elif event.key == "backspace":
            if self._needle:
                self._filter(self._needle[:-1])
            else:
                self._list.action_leave_folder()
        elif event.is_printable and event.character and event.character != " ":
            self._filter(self._needle + event.character.casefold())
        else:
            return
        event.stop()
        event.prevent_default()

    def _complete_path(self) -> bool:
        field = self.query_one("#picker-path", Input)
        before = field.value
        if field.has_focus and field.cursor_position == len(before):
            field.action_cursor_right()
        return field.value != before

    def _filter(self, needle: str) -> None:
        row = self._list.cursor_row()
        self._needle = needle
        self.query_one(PickerStatus).problem = ""
        self._fill(row.name if isinstance(row, FileRow) else "")

    # Actions

    def watch_hidden(self) -> None:
        """Show or hide dot files."""
        self._fill()

    def action_toggle_hidden(self) -> None:
        """Show or hide dot files."""
        self.hidden = not self.hidden

    def action_edit_path(self) -> None:
        """Type a path."""
        self.query_one("#picker-path", Input).focus()

    def action_new_folder(self) -> None:
        """Ask for the name of a new folder."""
        if self._mode == "folder":
            field = self.query_one("#picker-new", Input)
            field.display = True
            field.focus()

    def action_clear(self) -> None:
        """Leave the field, else clear the filter, else let the dialog close."""
        new = self.query_one("#picker-new", Input)
        if not self._list.has_focus:
            new.display = False
            self._list.focus()
        elif self._needle:
            self._filter("")
        else:
            raise SkipAction

    @on(Input.Submitted, "#picker-path")
    def _path_typed(self, event: Input.Submitted) -> None:
        event.stop()
        shown = display_name(self.path)
        path = self.path if event.value in (shown, shown + "/") else absolute(event.value.strip(), self.path)
        self._list.focus()
        self.run_worker(self._open_typed(path), group="typed", exclusive=True)

    async def _open_typed(self, path: str) -> None:
        if await asyncio.to_thread(Path(path).is_dir):
            self.go_to(path)
        elif await asyncio.to_thread(Path(path).exists):
            self.go_to(str(Path(path).parent), Path(path).name)
        else:
            self.query_one(PickerStatus).problem = f"there is no '{display_name(path)}'"

    @on(Input.Submitted, "#picker-new")
    def _name_typed(self, event: Input.Submitted) -> None:
        event.stop()
        self.run_worker(self._make_folder(event.value.strip()), group="make", exclusive=True)

    async def _make_folder(self, name: str) -> None:
        path, problem = await asyncio.to_thread(make_folder, self.path, name)
        self.query_one(PickerStatus).problem = problem
        if path:
            field = self.query_one("#picker-new", Input)
            field.value = ""
            field.display = False
            self._list.focus()
            self.go_to(path)


class _Folders(Suggester):
    """Completes the path that is typed."""

    def __init__(self, picker: FilePicker) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._picker = picker

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first folder that begins like what was typed."""
        return await asyncio.to_thread(complete, value, self._picker.path) or None
