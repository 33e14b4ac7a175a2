"""Dialogs before something is destroyed: objects, or a whole bucket."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button

from app.screens.dialog import Dialog, FormDialog, Label, Line, button, shown
from app.surroundings import Surroundings
from services.bucket_tally import BucketTally, count_bucket
from services.errors import PailError
from services.gcs.interface import DataPlane
from services.model import BucketInfo
from services.names import base_name
from services.tally import Tally, count_below
from services.undelete import UndoTerms, undo_terms
from services.words import day
from widgets import formats

NAMES_SHOWN: Final = 4
"""Names that a dialog lists before it only counts the rest."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """What is to be deleted."""

    bucket: str
    """Name of the bucket."""
    prefix: str
    """The prefix all of it lies in; empty for the top of the bucket."""
    names: tuple[str, ...]
    """Objects and prefixes (ending in `/`), none below another."""
    counted: Tally
    """The objects among them."""
    past: bool = False
    """Whether these are generations that are no longer live."""

    @property
    def prefixes(self) -> list[str]:
        """Those that are folders and have to be counted."""
        return [name for name in self.names if name.endswith("/") and not self.past]

    def heading_of_past(self, terms: UndoTerms) -> str:
        """Return the question where generations that are no longer live go, for good unless `terms` say otherwise."""
        return f"Delete {formats.count(len(self.names), 'older generation')}{' for good' if terms.final else ''}?"

    @property
    def heading(self) -> str:
        """The question."""
        if len(self.names) == 1:
            kind = "folder" if self.prefixes else "object"
            return f"Delete the {kind} {shown(base_name(self.names[0]), 60)}?"
        folders = len(self.prefixes)
        objects = len(self.names) - folders
        parts = [formats.count(objects, "object")] if objects else []
        parts += [formats.count(folders, "folder")] if folders else []
        return f"Delete {' and '.join(parts)}?"


class DeleteDialog(Dialog[bool]):
    """Names the count, the bytes, the URL and until when it can be undone; Cancel has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("n", "leave", "No", show=False)]

    def __init__(self, doomed: Doomed, settings: BucketInfo | None, data: DataPlane, around: Surroundings) -> None:
        """Ask about `doomed`; folders are counted through `data` while the question stands."""
        many = len(doomed.names) > 1 or bool(doomed.prefixes)
        self._terms = undo_terms(settings, around.now(), many=many, versions=doomed.past, zone=around.zone)
        super().__init__(doomed.heading_of_past(self._terms) if doomed.past else doomed.heading)
        self._doomed = doomed
        self._data = data

    def body(self) -> ComposeResult:
        """Yield what is deleted and whether it comes back."""
        doomed = self._doomed
        if len(doomed.names) == 1:
            yield Label(f"gs://{doomed.bucket}/{shown(doomed.names[0])}", classes="dialog-url")
        else:
            yield Label(f"gs://{doomed.bucket}/{shown(doomed.prefix)}", classes="dialog-url")
            for name in doomed.names[:NAMES_SHOWN]:
                yield Label(f"  {shown(name.removeprefix(doomed.prefix), 60)}", classes="dialog-text")
            if len(doomed.names) > NAMES_SHOWN:
                yield Label(f"  and {len(doomed.names) - NAMES_SHOWN:,} more", classes="dialog-note")
        yield Label(_amount(doomed.counted, counting=bool(doomed.prefixes)), id="amount", classes="dialog-text")
        terms = self._terms
        yield Label(
            f"! {terms.sentence}" if terms.final else terms.sentence,
            id="undo",
            classes="dialog-warning" if terms.final else "dialog-text",
        )

    def buttons(self) -> ComposeResult:
        """Yield Cancel first."""
        yield button("Cancel", "leave")
        yield button("Delete", "delete", danger=True)

    def on_mount(self) -> None:
        """Begin to count what lies below the folders."""
        if self._doomed.prefixes:
            self.run_worker(self._count(), exclusive=True)

    async def _count(self) -> None:
        amount = self.query_one("#amount", Label)
        doomed = self._doomed
        try:
            async for tally in count_below(self._data, doomed.bucket, doomed.prefixes, doomed.counted):
                amount.update(_amount(tally, counting=not tally.complete))
        except PailError as error:
            amount.update(f"! could not be counted: {error.message}")

    @on(Button.Pressed, "#delete")
    def _delete_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(True)  # noqa: FBT003 - the answer itself


def _amount(tally: Tally, *, counting: bool) -> str:
    text = f"{formats.count(tally.objects, 'object')}, {formats.size(tally.size)}"
    return f"{text} so far, counting…" if counting else text


class DeleteBucketDialog(FormDialog[bool]):
    """A bucket is deleted by typing its name; the dialog counts what goes with it."""

    SUBMIT: ClassVar[str] = "Delete bucket"
    DANGER: ClassVar[bool] = True

    def __init__(self, bucket: str, settings: BucketInfo | None, data: DataPlane, around: Surroundings) -> None:
        """Ask about a bucket; `settings` is None where they cannot be read, and then the worst is said."""
        super().__init__(f"Delete the bucket {shown(bucket)}?")
        self._bucket = bucket
        self._settings = settings
        self._data = data
        self._around = around

    def fields(self) -> ComposeResult:
        """Yield what goes, and the line for the name."""
        yield Label(f"gs://{shown(self._bucket)}", classes="dialog-url")
        yield Label("counting what is in it…", id="amount", classes="dialog-text")
        yield Label(self._undo(), id="undo", classes="dialog-warning")
        yield Label("Type the bucket's name to delete it with everything in it:", classes="dialog-text")
        yield Line(placeholder=shown(self._bucket), id="name")

    def _undo(self) -> str:
        """Say until when the bucket can be brought back, with what was in it when it was deleted."""
        kept_s = self._settings.soft_delete_s if self._settings is not None else 0
        if not kept_s:
            return "! This cannot be undone, and the name can be taken by somebody else."
        until = day(self._around.now() + kept_s, self._around.zone)
        return f"! It can be restored until {until} (soft delete); after that it is gone for good."

    def problem(self) -> str:
        """Compare what was typed with the name."""
        return "" if self.query_one("#name", Line).value == self._bucket else "that is not its name"

    def on_mount(self) -> None:
        """Begin to count."""
        super().on_mount()
        self.run_worker(self._count(), exclusive=True, group="count")

    async def _count(self) -> None:
        amount = self.query_one("#amount", Label)
        try:
            async with aclosing(count_bucket(self._data, self._bucket)) as counts:
                async for tally in counts:
                    amount.update(_amount_of_bucket(tally))
        except PailError as error:
            amount.update(f"! could not be counted: {error.message}")

    async def submit(self) -> bool:
        """Answer that it shall be deleted."""
        return True


def _amount_of_bucket(tally: BucketTally) -> str:
    if tally.complete and not (tally.generations or tally.deleted):
        return "It is empty."
    older = f" and {formats.count(tally.versions, 'older version')}" if tally.versions else ""
    text = f"{formats.count(tally.objects, 'object')}{older}, {formats.size(tally.size)}"
    if not tally.complete:
        text = f"{text} so far, counting…"
    if tally.deleted:
        text += (
            f"\nand {formats.count(tally.deleted, 'object')} that soft delete keeps, {formats.size(tally.deleted_size)}"
        )
    return text
