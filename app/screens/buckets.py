"""Dialogs about buckets: create one, add one that exists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widgets import OptionList, Select
from textual.widgets.option_list import Option

from app.screens.dialog import FormDialog, Label, Line, shown
from services.model import BucketInfo, BucketSpec
from services.names import bucket_name_problem, is_gs_url, parse_gs_url

LOCATIONS: Final[tuple[tuple[str, str], ...]] = (
    ("US · multi-region, United States", "US"),
    ("EU · multi-region, European Union", "EU"),
    ("ASIA · multi-region, Asia", "ASIA"),
    ("us-central1 · Iowa", "US-CENTRAL1"),
    ("us-east1 · South Carolina", "US-EAST1"),
    ("us-west1 · Oregon", "US-WEST1"),
    ("europe-west1 · Belgium", "EUROPE-WEST1"),
    ("europe-west3 · Frankfurt", "EUROPE-WEST3"),
    ("europe-north1 · Finland", "EUROPE-NORTH1"),
    ("asia-east1 · Taiwan", "ASIA-EAST1"),
    ("asia-northeast1 · Tokyo", "ASIA-NORTHEAST1"),
    ("australia-southeast1 · Sydney", "AUSTRALIA-SOUTHEAST1"),
    ("southamerica-east1 · São Paulo", "SOUTHAMERICA-EAST1"),
)
"""Locations that are offered (cloud.google.com/storage/docs/locations); `pail mb --location` takes every one."""

CLASSES: Final[tuple[tuple[str, str], ...]] = (
    ("Standard · often read", "STANDARD"),
    ("Nearline · about once a month", "NEARLINE"),
    ("Coldline · about once a quarter", "COLDLINE"),
    ("Archive · about once a year", "ARCHIVE"),
)
"""Storage classes for new objects (cloud.google.com/storage/docs/storage-classes)."""


class CreateBucketDialog(FormDialog[BucketInfo]):
    """Asks for name, location and class; the name is checked while it is typed."""

    SUBMIT: ClassVar[str] = "Create bucket"

    def __init__(self, create: Callable[[BucketSpec], Awaitable[BucketInfo]], *, where: str, name: str = "") -> None:
        """Make a dialog that calls `create`; `where` says in which project or store (safe for a terminal)."""
        super().__init__("Create a new bucket")
        self._create = create
        self._where = where
        self._proposed = name

    def fields(self) -> ComposeResult:
        """Yield the fields."""
        yield Label(f"in {self._where}", classes="dialog-note")
        yield Label("Name", classes="dialog-label")
        yield Line(self._proposed, placeholder="3 to 63 of a-z, 0-9, - _ .   unique in the whole world", id="name")
        yield Label("Location, for ever", classes="dialog-label")
        yield Select(LOCATIONS, value="US", allow_blank=False, id="location", compact=True)
        yield Label("Class of new objects", classes="dialog-label")
        yield Select(CLASSES, value="STANDARD", allow_blank=False, id="class", compact=True)

    def problem(self) -> str:
        """Check the name."""
        return bucket_name_problem(self.query_one("#name", Line).value)

    async def submit(self) -> BucketInfo:
        """Create the bucket; where the name is taken the dialog stays."""
        location = self.query_one("#location", Select).value
        storage_class = self.query_one("#class", Select).value
        return await self._create(
            BucketSpec(
                name=self.query_one("#name", Line).value,
                location=str(location),
                storage_class=str(storage_class),
            )
        )


class AddBucketDialog(FormDialog[str]):
    """Adds a bucket that exists: by its name, or from those that these credentials can list."""

    SUBMIT: ClassVar[str] = "Add bucket"

    def __init__(
        self, choices: tuple[str, ...], note: str, add: Callable[[str], Awaitable[None]], name: str = ""
    ) -> None:
        """Offer `choices`; `note` says why there are none; `add` looks at the bucket and attaches it."""
        super().__init__("Add an existing bucket")
        self._choices = choices
        self._note = note
        self._add = add
        self._proposed = name

    @property
    def name_typed(self) -> str:
        """The bucket's name, also where a URL was typed."""
        text = self.query_one("#name", Line).value.strip()
        return parse_gs_url(text).bucket if is_gs_url(text) and text[5:6] not in ("", "/") else text

    def fields(self) -> ComposeResult:
        """Yield the line and the list."""
        yield Label("Its name or gs:// URL; data is never touched.", classes="dialog-text")
        yield Line(self._proposed, placeholder="name", id="name")
        yield Label(self._note, id="add-note", classes="dialog-note")
        yield OptionList(id="choices", compact=True)

    def on_mount(self) -> None:
        """Show all that can be listed."""
        super().on_mount()
        self._offer()

    def changed(self) -> None:
        """Narrow the list down to what was typed."""
        self._offer()

    def _offer(self) -> None:
        text = self.query_one("#name", Line).value.strip().lower()
        choices = self.query_one("#choices", OptionList)
        choices.clear_options()
        choices.add_options([Option(Text(shown(name)), id=name) for name in self._choices if text in name])
        choices.display = bool(self._choices)

    @on(OptionList.OptionSelected, "#choices")
    def _choice_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.query_one("#name", Line).value = event.option_id
            self.action_submit()

    def problem(self) -> str:
        """Check the name."""
        return bucket_name_problem(self.name_typed) if self.name_typed else "type a name, or choose one"

    async def submit(self) -> str:
        """Attach the bucket; one that cannot be reached is said in the dialog."""
        name = self.name_typed
        await self._add(name)
        return name
