"""Dialogs that say where something goes: pasted paths into a folder of the bucket, objects into a local folder."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.suggester import Suggester

from app.screens.dialog import FormDialog, Label, Line, button, shown
from services.errors import LocalFileError, PailError
from services.names import check_object_name
from services.pasted import Pasted
from widgets import formats

PATHS_SHOWN: Final = 6
"""Paths that a dialog lists before it only counts the rest."""


@dataclass(frozen=True, slots=True)
class UploadChoice:
    """What to upload, and where to."""

    paths: tuple[str, ...]
    """Absolute local paths of files and folders."""
    prefix: str
    """The folder of the bucket: empty, or ending in `/`."""


def as_prefix(text: str) -> str:
    """Return what was typed as a prefix: without leading spaces, ending in `/`, empty for the top of the bucket."""
    text = text.strip()
    return text if not text or text.endswith("/") else f"{text}/"


def prefix_problem(text: str) -> str:
    """Return why objects cannot be put into a folder as it was typed, or an empty string."""
    prefix = as_prefix(text)
    try:
        check_object_name(f"{prefix}x")
    except PailError as error:
        return error.message
    return ""


class PastedDialog(FormDialog[UploadChoice]):
    """Offers to upload the paths that were pasted, or dragged onto the terminal."""

    SUBMIT: ClassVar[str] = "Upload"

    def __init__(self, pasted: Pasted, bucket: str, prefix: str) -> None:
        """Offer `pasted` for a folder of `bucket`."""
        found = len(pasted.present)
        super().__init__(f"Upload {formats.count(found, 'pasted path')}?" if found else "These paths are not here")
        self._pasted = pasted
        self._bucket = bucket
        self._prefix = prefix

    def fields(self) -> ComposeResult:
        """Yield the paths and the folder."""
        yield from _listed(self._pasted.present, "dialog-text")
        if self._pasted.absent:
            yield Label("! Not on this machine; are they on the one your terminal runs on?", classes="dialog-warning")
            yield from _listed(self._pasted.absent, "dialog-note")
        if self._pasted.present:
            yield Label(f"into this folder of gs://{shown(self._bucket)}:", classes="dialog-label")
            yield Line(self._prefix, placeholder="the top of the bucket", id="prefix")

    def buttons(self) -> ComposeResult:
        """Yield what makes sense."""
        yield button("Cancel" if self._pasted.present else "Close", "leave")
        if self._pasted.present:
            yield button("Upload", "submit", main=True)

    def problem(self) -> str:
        """Check the folder."""
        return prefix_problem(self.query_one("#prefix", Line).value) if self._pasted.present else ""

    async def submit(self) -> UploadChoice:
        """Answer with the paths that exist."""
        return UploadChoice(self._pasted.present, as_prefix(self.query_one("#prefix", Line).value))


def _listed(paths: tuple[str, ...], classes: str) -> ComposeResult:
    for path in paths[:PATHS_SHOWN]:
        yield Label(f"  {shown(path)}", classes=classes)
    if len(paths) > PATHS_SHOWN:
        yield Label(f"  and {len(paths) - PATHS_SHOWN:,} more", classes="dialog-note")


class FolderSuggester(Suggester):
    """Completes the path of a local folder while it is typed (→ takes it)."""

    def __init__(self) -> None:
        """Make one that asks the disk each time: folders come and go."""
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first folder that begins with what was typed."""
        return await asyncio.to_thread(suggest_folder, value)


def suggest_folder(typed: str) -> str | None:
    """Return `typed` completed to the first folder that fits, in the form in which it was typed; None without one."""
    head, slash, start = typed.rpartition("/")
    if not slash:
        return None
    try:
        with os.scandir(Path(head + slash).expanduser()) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.name.startswith(start) and entry.is_dir() and (start or not entry.name.startswith("."))
            )
    except (OSError, ValueError, RuntimeError):
        return None
    fitting = [name for name in names if name != start and shown(name) == name]
    return f"{head}{slash}{fitting[0]}/" if fitting else None


class DownloadDialog(FormDialog[str]):
    """Asks for the local folder to download to."""

    SUBMIT: ClassVar[str] = "Download"

    def __init__(self, what: str, folder: str) -> None:
        """Ask for `what` (safe for a terminal), proposing `folder`."""
        super().__init__(f"Download {what}")
        self._folder = folder

    def fields(self) -> ComposeResult:
        """Yield the line."""
        yield Label("to this folder (it is made if it is not there):", classes="dialog-label")
        line = Line(self._folder, placeholder="~/Downloads", id="folder")
        line.suggester = FolderSuggester()
        yield line
        yield Label("→ takes a completion · files that exist are asked about", classes="dialog-note")

    def problem(self) -> str:
        """Check that something was typed."""
        return "" if self.query_one("#folder", Line).value.strip() else "type a folder"

    async def submit(self) -> str:
        """Answer with the absolute path; what cannot be a folder is said in the dialog."""
        return await asyncio.to_thread(usable_folder, self.query_one("#folder", Line).value.strip())


def usable_folder(typed: str) -> str:
    """Return the absolute path of a local folder as it was typed; raises `LocalFileError` where it cannot be one."""
    try:
        path = Path(os.path.abspath(Path(typed).expanduser()))  # noqa: PTH100 - links are kept as they were typed
        nearest = next(folder for folder in (path, *path.parents) if folder.exists())
        if not nearest.is_dir():
            raise LocalFileError(f"{shown(str(nearest))} is not a folder", remedy="Choose another one.", url=str(path))
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise LocalFileError(
                f"{shown(str(nearest))} may not be written to", remedy="Choose another one.", url=str(path)
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise LocalFileError(
            f"{shown(typed)} cannot be used: {error}", remedy="Choose another folder.", url=typed
        ) from error
    return str(path)
