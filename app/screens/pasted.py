"""The dialog for paths that were pasted, or dragged onto the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import ComposeResult

from app.screens.dialog import FormDialog, Label, Line, button, shown
from services.errors import PailError
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
