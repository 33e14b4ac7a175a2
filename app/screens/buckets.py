"""Dialogs about buckets: create one, add one that exists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.screens.dialog import FormDialog, Label, Line, Result, shown
from app.screens.fields import PickField, Toggle
from services.access import Access
from services.errors import PailError
from services.locations import LOCATIONS
from services.model import BucketInfo, BucketSpec
from services.names import bucket_name_problem, is_gs_url, parse_gs_url

CLASSES: Final[tuple[tuple[str, str], ...]] = (
    ("Standard: often read", "STANDARD"),
    ("Nearline: about once a month", "NEARLINE"),
    ("Coldline: about once a quarter", "COLDLINE"),
    ("Archive: about once a year", "ARCHIVE"),
)
"""Storage classes for new objects (cloud.google.com/storage/docs/storage-classes)."""

PAUSE_S: Final = 0.4
"""Seconds without another key after which the service is asked about what was typed."""

OFFERED: Final = 200
"""Buckets that are listed at once; typing finds the others."""


class NameDialog(FormDialog[Result]):
    """A dialog with the name of a bucket, about which the service is asked once the typing pauses."""

    _pause: Timer | None = None

    @property
    def name_typed(self) -> str:
        """The bucket's name, also where a URL was typed."""
        text = self.query_one("#name", Line).value.strip()
        return parse_gs_url(text).bucket if is_gs_url(text) and text[5:6] not in ("", "/") else text

    def changed(self) -> None:
        """Ask about the name, but only once nothing more is typed."""
        if self._pause is not None:
            self._pause.stop()
        name = self.name_typed
        meant = self.is_meant(name)
        self.say(self.known(name) if meant else "")
        if meant and not self.known(name):
            self._pause = self.set_timer(PAUSE_S, lambda: self._ask(name))

    def _ask(self, name: str) -> None:
        if name == self.name_typed:
            self.say("asking")
            self.run_worker(self._learn(name), exclusive=True, group="ask")

    async def _learn(self, name: str) -> None:
        await self.learn(name)
        if self.is_attached and name == self.name_typed:
            self.say(self.known(name))
            self.check(quiet=not self.query_one("#name", Line).value)

    def is_meant(self, name: str) -> bool:
        """Tell whether what is typed can be a whole name."""
        return bool(name) and not bucket_name_problem(name)

    def known(self, name: str) -> str:
        """Return what the service has said of a name; empty where it was not asked."""
        raise NotImplementedError

    async def learn(self, name: str) -> None:
        """Ask the service about a name."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """Show below the line what is known of the name."""
        for label in self.query("#name-note").results(Label):
            label.update(text or " ")


class CreateBucketDialog(NameDialog[BucketInfo]):
    """Asks for name, location, class and safeguards; the name is checked while it is typed."""

    SUBMIT: ClassVar[str] = "Create bucket"

    def __init__(
        self,
        create: Callable[[BucketSpec], Awaitable[BucketInfo]],
        is_taken: Callable[[str], Awaitable[bool | None]],
        *,
        where: str,
        name: str = "",
        location: str = "",
    ) -> None:
        """Make a dialog that calls `create`; `where` says in which project or store (safe for a terminal).

        `is_taken` tells whether a name is in use, None where nobody says; `location` is proposed.
        """
        super().__init__("Create a new bucket")
        self._create = create
        self._is_taken = is_taken
        self._where = where
        self._proposed = name
        self._location = location or "US"
        self._taken: dict[str, bool | None] = {}

    def fields(self) -> ComposeResult:
        """Yield the fields."""
        yield Label(f"in {self._where}", classes="dialog-note")
        yield Label("Name", classes="dialog-label")
        yield Line(self._proposed, placeholder="3 to 63 of a-z, 0-9, - _ .   unique in the whole world", id="name")
        yield Label(" ", id="name-note", classes="dialog-note")
        places = [(location.words, location.code) for location in LOCATIONS]
        yield PickField("Location", places, self._location, typed="as you typed it", id="location")
        yield PickField("Class", CLASSES, "STANDARD", id="class")
        yield Label("Location and namespace stay as they are for ever.", classes="dialog-note")
        yield Toggle("Hierarchical namespace", "real folders, moved at once; no versions", on=True, id="hns")
        yield Toggle("Uniform access", "roles alone decide, no lists per object", on=True, id="uniform")
        yield Toggle("Prevent public access", "nobody can open it to everybody", on=True, id="prevent")

    def on_mount(self) -> None:
        """Ask about a proposed name as well."""
        super().on_mount()
        self.changed()

    def known(self, name: str) -> str:
        """Say whether a name is taken."""
        taken = self._taken.get(name)
        if taken is None:
            return ""
        return "! this name is taken" if taken else "this name is free"

    async def learn(self, name: str) -> None:
        """Ask whether a name is taken."""
        self._taken[name] = await self._is_taken(name)

    def problem(self) -> str:
        """Check the name, and what does not go together."""
        name = self.query_one("#name", Line).value
        problem = bucket_name_problem(name)
        if not problem and self._taken.get(name):
            return "choose another name: they are unique in the whole world"
        if not problem and self.query_one("#hns", Toggle).is_on and not self.query_one("#uniform", Toggle).is_on:
            return "a hierarchical namespace needs uniform access"
        return problem

    @on(Toggle.Changed)
    def _switched(self, event: Toggle.Changed) -> None:
        event.stop()
        self.check(quiet=not self.query_one("#name", Line).value)

    async def submit(self) -> BucketInfo:
        """Create the bucket; where the name is taken the dialog stays."""
        return await self._create(
            BucketSpec(
                name=self.query_one("#name", Line).value,
                location=self.query_one("#location", PickField).value.upper(),
                storage_class=self.query_one("#class", PickField).value,
                hierarchical_namespace=self.query_one("#hns", Toggle).is_on,
                uniform_access=self.query_one("#uniform", Toggle).is_on,
                public_access_prevention="enforced" if self.query_one("#prevent", Toggle).is_on else "inherited",
            )
        )


class AddBucketDialog(NameDialog[str]):
    """Adds a bucket that exists: by its name, or from those that these credentials can list."""

    SUBMIT: ClassVar[str] = "Add bucket"

    def __init__(
        self,
        load: Callable[[], Awaitable[tuple[tuple[str, ...], str]]],
        look: Callable[[str], Awaitable[Access]],
        add: Callable[[str], Awaitable[None]],
        name: str = "",
        *,
        hint: str = "",
    ) -> None:
        """Make a dialog that offers what `load` lists, with why there is nothing to list.

        `look` finds out what may be done with a bucket, `add` attaches it; `hint` says where its name is found.
        """
        super().__init__("Add an existing bucket")
        self._load = load
        self._look = look
        self._add = add
        self._proposed = name
        self._hint = hint
        self._choices: tuple[str, ...] = ()
        self._seen: dict[str, str] = {}

    def fields(self) -> ComposeResult:
        """Yield the line and the list."""
        yield Label(
            self._hint or "Its name or gs:// URL: typed, pasted or chosen; data stays as it is.",
            classes="dialog-text",
        )
        yield Line(self._proposed, placeholder="name", id="name")
        yield Label(" ", id="name-note", classes="dialog-note")
        yield Label("listing", id="add-note", classes="dialog-note")
        yield OptionList(id="choices", compact=True, classes="choices")

    def on_mount(self) -> None:
        """Offer all that can be listed, as soon as it is known."""
        super().on_mount()
        self._offer()
        self.changed()
        self.run_worker(self._list(), group="list")

    async def _list(self) -> None:
        self._choices, note = await self._load()
        if not self.is_attached:
            return
        label = self.query_one("#add-note", Label)
        label.update(note or "There is no other bucket in the list.")
        label.display = bool(note) or not self._choices
        self._offer()

    def changed(self) -> None:
        """Narrow the list down to what was typed, and look at it."""
        super().changed()
        self._offer()

    def _offer(self) -> None:
        text = self.query_one("#name", Line).value.strip().lower()
        fitting = [name for name in self._choices if text in name]
        choices = self.query_one("#choices", OptionList)
        choices.clear_options()
        choices.add_options([Option(Text(shown(name)), id=name) for name in fitting[:OFFERED]])
        choices.display = bool(fitting)
        if len(fitting) > OFFERED:
            label = self.query_one("#add-note", Label)
            label.update(f"{OFFERED} of {len(fitting):,}; type to find the others")
            label.display = True

    def is_meant(self, name: str) -> bool:
        """Tell whether what is typed is more than the beginning of a name in the list."""
        in_list = [choice for choice in self._choices if name in choice]
        return super().is_meant(name) and (not in_list or name in in_list)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Begin in the list with its first bucket."""
        if isinstance(event.widget, OptionList) and event.widget.highlighted is None:
            event.widget.highlighted = 0 if event.widget.option_count else None

    @on(OptionList.OptionSelected, "#choices")
    def _choice_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.query_one("#name", Line).value = event.option_id
            self.action_submit()

    def known(self, name: str) -> str:
        """Say what may be done with a bucket."""
        return self._seen.get(name, "")

    async def learn(self, name: str) -> None:
        """Find out what may be done with a bucket."""
        try:
            access = await self._look(name)
        except PailError as error:
            self._seen[name] = f"! {error.message}"
        else:
            known = "it is there" if access.ability == "unknown" else access.ability
            self._seen[name] = f"{known}: {access.reason}" if access.reason else known

    def problem(self) -> str:
        """Check the name."""
        return bucket_name_problem(self.name_typed) if self.name_typed else "type a name, or choose one"

    async def submit(self) -> str:
        """Attach the bucket; one that cannot be reached is said in the dialog."""
        name = self.name_typed
        await self._add(name)
        return name
