"""The bucket selector that drops down from the header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from app.session import BucketChoice, Session
from widgets.bucket_list import BucketEntry, BucketList, ConnectionEntry
from widgets.symbols import Symbols

SWITCH: Final = "switch"
"""Key of the entry that leads to the other connections."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen."""

    kind: Literal["bucket", "create", "add", "connection"]
    """What to do."""
    name: str = ""
    """Name of a bucket, or what was typed."""


class BucketSelector(ModalScreen[Choice | None]):
    """A list of buckets that is narrowed down by typing; it appears at once and fills while buckets are listed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]

    def __init__(self, session: Session, current: str, symbols: Symbols) -> None:
        """Offer the buckets of `session`; `current` is the open one."""
        super().__init__()
        self._session = session
        self._current = current
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        yield BucketList(symbols=self._symbols, classes="dropdown")

    def on_mount(self) -> None:
        """Show what is known, then what is listed."""
        buckets = self.query_one(BucketList)
        buckets.focus()
        self._show(self._session.known_choices(), "listing…")
        self.run_worker(self._load(), exclusive=True)

    async def _load(self) -> None:
        choices = await self._session.choices()
        self._show(choices, self._session.notice or ("" if choices else "There is no bucket yet."))

    def _show(self, choices: list[BucketChoice], note: str) -> None:
        entries = [
            BucketEntry(choice.name, choice.alias, choice.ability, current=choice.name == self._current)
            for choice in choices
        ]
        connections = [
            ConnectionEntry("here", self._session.where, self._session.detail, current=True),
            ConnectionEntry(SWITCH, "Switch the connection…", "project, key, endpoint, local store"),
        ]
        self.query_one(BucketList).show(entries, connections, note=note)

    def action_leave(self) -> None:
        """Close the selector."""
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """Close on a click beside the list."""
        if event.widget is self:
            self.dismiss(None)

    @on(BucketList.BucketChosen)
    def _bucket_chosen(self, message: BucketList.BucketChosen) -> None:
        self.dismiss(Choice("bucket", message.name))

    @on(BucketList.CreateWanted)
    def _create_wanted(self, message: BucketList.CreateWanted) -> None:
        self.dismiss(Choice("create", message.name))

    @on(BucketList.AddWanted)
    def _add_wanted(self, message: BucketList.AddWanted) -> None:
        self.dismiss(Choice("add", message.name))

    @on(BucketList.ConnectionChosen)
    def _connection_chosen(self, message: BucketList.ConnectionChosen) -> None:
        self.dismiss(Choice("connection") if message.key == SWITCH else None)
