"""Dialogs with the picker of local files: what to upload and where to, and the folder to download to."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from app.screens.dialog import Label, Line, shown
from app.screens.pasted import UploadChoice, as_prefix, prefix_problem
from widgets.file_picker import FilePicker
from widgets.symbols import Symbols


class UploadDialog(ModalScreen[UploadChoice | None]):
    """Local files and folders, and the folder of the bucket that they go to, shown and editable."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]

    def __init__(self, bucket: str, prefix: str, start: str, symbols: Symbols, *, folders: bool) -> None:
        """Propose the folder `prefix` of `bucket`; the picker begins in the local folder `start`."""
        super().__init__()
        self._bucket = bucket
        self._prefix = prefix
        self._start = start
        self._symbols = symbols
        self._folders = folders

    def compose(self) -> ComposeResult:
        """Lay out target and picker."""
        with Vertical(classes="dialog dialog-tall"):
            what = "a folder: space selects it" if self._folders else "files and folders"
            yield Label(f"Upload {what}", classes="dialog-title")
            yield Label(f"to this folder of gs://{shown(self._bucket)}  (tab)", classes="dialog-label")
            yield Line(self._prefix, placeholder="the top of the bucket", id="prefix")
            yield Label("", id="problem", classes="dialog-problem")
            yield FilePicker(self._start, symbols=self._symbols)

    @on(Input.Changed, "#prefix")
    def _prefix_typed(self, event: Input.Changed) -> None:
        event.stop()
        self._check()

    @on(Input.Submitted, "#prefix")
    def _prefix_entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    def _check(self) -> bool:
        problem = prefix_problem(self.query_one("#prefix", Line).value)
        label = self.query_one("#problem", Label)
        label.update(f"! {problem}")
        label.display = bool(problem)
        return not problem

    @on(FilePicker.Chosen)
    def _paths_chosen(self, message: FilePicker.Chosen) -> None:
        if self._check():
            self.dismiss(UploadChoice(message.paths, as_prefix(self.query_one("#prefix", Line).value)))

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)


class DownloadDialog(ModalScreen[str | None]):
    """The local folder to download to."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]

    def __init__(self, what: str, folder: str, symbols: Symbols) -> None:
        """Ask for `what` (safe for a terminal), beginning in `folder`."""
        super().__init__()
        self._what = what
        self._folder = folder
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out the picker."""
        with Vertical(classes="dialog dialog-tall"):
            yield Label(f"Download {self._what} to…", classes="dialog-title")
            yield Label("You are asked about files that exist already.", classes="dialog-note")
            yield FilePicker(self._folder, mode="folder", symbols=self._symbols)

    @on(FilePicker.Chosen)
    def _folder_chosen(self, message: FilePicker.Chosen) -> None:
        self.dismiss(message.paths[0])

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)
