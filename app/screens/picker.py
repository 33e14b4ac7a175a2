"""Dialogs with the picker of local files: what to upload and where to, and the folder to download to."""

from __future__ import annotations

import asyncio
import os
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from app.screens.dialog import Label, Line, shown
from app.screens.over import Over
from app.screens.pasted import PastedDialog, UploadChoice, as_prefix, prefix_problem
from app.screens.quiet import QUIET
from services.pasted import find_paths
from widgets.file_picker import FilePicker
from widgets.symbols import Symbols


class UploadDialog(Over[UploadChoice | None]):
    """Local files and folders, and the folder of the bucket that they go to, shown and editable."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]

    def __init__(self, bucket: str, prefix: str, start: str, symbols: Symbols, *, folders: bool) -> None:
        """Propose the folder `prefix` of `bucket`; the picker begins in the local folder `start`."""
        super().__init__(classes=QUIET)
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

    async def on_paste(self, event: events.Paste) -> None:
        """Offer to upload pasted paths, such as those of files that were dragged here, into the folder above."""
        event.stop()
        found = await asyncio.to_thread(find_paths, event.text)
        if found and self._check():
            dialog = PastedDialog(found, self._bucket, as_prefix(self.query_one("#prefix", Line).value))
            self.app.push_screen(dialog, self._pasted)

    def _pasted(self, choice: UploadChoice | None) -> None:
        if choice is not None:
            self.dismiss(choice)

    @on(FilePicker.Chosen)
    def _paths_chosen(self, message: FilePicker.Chosen) -> None:
        if self._check():
            self.dismiss(UploadChoice(message.paths, as_prefix(self.query_one("#prefix", Line).value)))

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)


class DownloadDialog(Over[str | None]):
    """The local folder to download to."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]

    def __init__(self, what: str, folder: str, symbols: Symbols) -> None:
        """Ask for `what` (safe for a terminal), beginning in `folder`."""
        super().__init__(classes=QUIET)
        self._what = what
        self._folder = folder
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out the picker."""
        with Vertical(classes="dialog dialog-tall"):
            yield Label(f"Download {self._what} to…", classes="dialog-title")
            yield Label("You are asked about files that exist already.", classes="dialog-note")
            yield FilePicker(self._folder, mode="folder", symbols=self._symbols)

    async def on_paste(self, event: events.Paste) -> None:
        """Go to a folder whose path is pasted, or to that of a file."""
        event.stop()
        folder = await asyncio.to_thread(_pasted_folder, event.text)
        if folder:
            self.query_one(FilePicker).go_to(folder)

    @on(FilePicker.Chosen)
    def _folder_chosen(self, message: FilePicker.Chosen) -> None:
        self.dismiss(message.paths[0])

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)


def _pasted_folder(text: str) -> str:
    """Return the folder that a pasted text means, or an empty text; looks at the disk."""
    found = find_paths(text)
    if not found.present:
        return ""
    path = found.present[0]
    return path if os.path.isdir(path) else os.path.dirname(path)  # noqa: PTH112, PTH120 - names need not be UTF-8
