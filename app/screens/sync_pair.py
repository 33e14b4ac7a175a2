"""The form that makes a pair: the two places, which way changes go, what is left out, where it is kept."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from app.screens.dialog import FormDialog, Label, Line, button
from app.screens.over import Over
from services.errors import UsageError
from services.names import display_name, parse_gs_url
from services.sync.entries import Mode
from services.sync.status import PairDraft
from widgets.choices import Choices, Switch
from widgets.file_picker import FilePicker
from widgets.symbols import Symbols

MODES: Final[tuple[tuple[Mode, str], ...]] = (
    ("two-way", "changes and deletes go both ways"),
    ("push", "the folder is the original, the bucket follows"),
    ("pull", "the bucket is the original, the folder follows"),
)
"""The modes in the order in which they are offered, each explained."""


class FolderDialog(Over[str | None]):
    """The local folder of a pair."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]

    def __init__(self, start: str, symbols: Symbols) -> None:
        """Begin in `start`."""
        super().__init__()
        self._start = start
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out the picker."""
        with Vertical(classes="dialog dialog-tall"):
            yield Label("Folder to keep in step", classes="dialog-title")
            yield FilePicker(self._start, mode="folder", symbols=self._symbols)

    @on(FilePicker.Chosen)
    def _folder_chosen(self, message: FilePicker.Chosen) -> None:
        self.dismiss(message.paths[0])

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)


class PairDialog(FormDialog[PairDraft]):
    """Makes a draft of a pair; nothing moves before its plan was seen."""

    SUBMIT = "Show the plan"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(
        self,
        url: str,
        apply: Callable[[PairDraft], Awaitable[None]],
        pick_url: Callable[[str], Awaitable[str | None]],
        *,
        project: str,
        symbols: Symbols,
    ) -> None:
        """Propose a URL; `apply` makes the pair, `pick_url` lets a folder of a bucket be chosen.

        `project` is what the project is called whose file can keep it; empty where there is none.
        """
        super().__init__("Keep a folder and a part of a bucket in step", classes="pair-dialog")
        self._url = url
        self._apply = apply
        self._pick_url = pick_url
        self._project = project
        self._symbols = symbols

    def fields(self) -> ComposeResult:
        """Yield the fields."""
        with Horizontal(classes="form-row"):
            yield Label("Folder", classes="form-label")
            yield Line("", placeholder="~/notes", id="pair-folder")
            yield button(self._symbols.say("Choose…"), "pick-folder")
        with Horizontal(classes="form-row"):
            yield Label("Bucket", classes="form-label")
            yield Line(self._url, placeholder="gs://bucket/folder", id="pair-url")
            yield button(self._symbols.say("Choose…"), "pick-url")
        yield Choices(MODES, id="pair-mode")
        yield Switch("also delete there what is not in the folder", id="pair-delete")
        with Horizontal(classes="form-row"):
            yield Label("Leave out", classes="form-label")
            yield Line("", placeholder="*.tmp  build/  (besides .pailignore and editors' files)", id="pair-ignore")
        if self._project:
            yield Switch(f"keep it in pail.toml of {display_name(self._project)}", id="pair-project")

    def on_mount(self) -> None:
        """Begin at the folder."""
        super().on_mount()
        self._show_delete()
        self.query_one("#pair-folder", Line).focus()

    @on(Choices.Changed)
    def _mode_chosen(self, message: Choices.Changed) -> None:
        message.stop()
        self._show_delete()

    def _show_delete(self) -> None:
        mode = self.query_one("#pair-mode", Choices).value
        switch = self.query_one("#pair-delete", Switch)
        switch.disabled = mode == "two-way"
        switch.label = (
            "deletes go both ways too"
            if mode == "two-way"
            else "also delete in the bucket what is not in the folder"
            if mode == "push"
            else "also delete in the folder what is not in the bucket"
        )

    @on(Button.Pressed, "#pick-folder")
    def _folder_wanted(self, event: Button.Pressed) -> None:
        event.stop()
        self.run_worker(self._pick_folder(), group="pick")

    async def _pick_folder(self) -> None:
        line = self.query_one("#pair-folder", Line)
        start = line.value.strip() or await asyncio.to_thread(os.getcwd)
        chosen = await self.app.push_screen_wait(FolderDialog(start, self._symbols))
        if chosen is not None:
            line.value = chosen

    @on(Button.Pressed, "#pick-url")
    def _url_wanted(self, event: Button.Pressed) -> None:
        event.stop()
        self.run_worker(self._choose_url(), group="pick")

    async def _choose_url(self) -> None:
        line = self.query_one("#pair-url", Line)
        chosen = await self._pick_url(line.value)
        if chosen is not None:
            line.value = chosen

    def check(self, *, quiet: bool = False) -> bool:
        """Show what is wrong; that nothing was filled in yet is no mistake."""
        return super().check(quiet=quiet or not self.query_one("#pair-folder", Line).value)

    def problem(self) -> str:
        """Return what is missing."""
        if not self.query_one("#pair-folder", Line).value.strip():
            return "name the local folder"
        try:
            bucket = parse_gs_url(self.query_one("#pair-url", Line).value.strip()).bucket
        except UsageError as error:
            return error.message
        return "" if bucket else "name the bucket: gs://bucket/folder"

    async def submit(self) -> PairDraft:
        """Make the pair and return the draft."""
        mode = MODES[self.query_one("#pair-mode", Choices).chosen][0]
        in_project = bool(self._project) and self.query_one("#pair-project", Switch).on
        draft = PairDraft(
            self.query_one("#pair-folder", Line).value.strip(),
            self.query_one("#pair-url", Line).value.strip(),
            mode,
            delete=mode != "two-way" and self.query_one("#pair-delete", Switch).on,
            ignore=tuple(self.query_one("#pair-ignore", Line).value.split()),
            in_project=in_project,
        )
        await self._apply(draft)
        return draft
