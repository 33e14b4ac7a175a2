"""The bucket selector that drops down from the header."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from app.screens.over import Over
from app.session import Session
from app.surroundings import Surroundings
from services.errors import PailError
from services.model import BucketInfo
from widgets import formats
from widgets.bucket_list import BucketEntry, BucketList, ConnectionEntry, DeletedEntry

SWITCH: Final = "switch"
"""Key of the entry that leads to the other connections."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen."""

    kind: Literal["bucket", "create", "add", "connection", "remove", "restore"]
    """What to do."""
    name: str = ""
    """Name of a bucket, or what was typed."""
    generation: int = 0
    """Which of the deleted buckets of that name."""
    deleted: float | None = None
    """When that one was deleted, seconds since the epoch; None where the service does not say."""


class BucketSelector(Over[Choice | None]):
    """A list of buckets that is narrowed down by typing; it appears at once and fills while buckets are listed.

    What may be done with each is found out meanwhile, and which deleted ones can be restored.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]

    def __init__(self, session: Session, current: str, around: Surroundings) -> None:
        """Offer the buckets of `session`; `current` is the open one."""
        super().__init__()
        self._session = session
        self._current = current
        self._around = around
        self._deleted: list[BucketInfo] = []
        self._note = "listing…"

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        yield BucketList(symbols=self._around.symbols, classes="dropdown")

    def on_mount(self) -> None:
        """Show what is known, then what is listed."""
        self.query_one(BucketList).focus()
        self._show()
        self.run_worker(self._load(), exclusive=True)

    async def _load(self) -> None:
        await asyncio.gather(self._list(), self._list_deleted(), self._learn())
        await self._learn()  # those that were only listed

    async def _list(self) -> None:
        choices = await self._session.choices()
        self._note = self._session.notice or ("" if choices else "There is no bucket yet.")
        self._show()

    async def _list_deleted(self) -> None:
        self._deleted = await self._session.deleted()
        self._show()

    async def _learn(self) -> None:
        await self._session.learn([choice.name for choice in self._session.known_choices()], self._show)

    def _show(self) -> None:
        if not self.is_attached:
            return  # it was closed meanwhile
        entries = [
            BucketEntry(
                choice.name,
                choice.alias,
                choice.ability,
                choice.reason,
                current=choice.name == self._current,
                recent=choice.recent,
                attached=choice.attached,
            )
            for choice in self._session.known_choices()
        ]
        connections = [
            ConnectionEntry("here", self._session.where, self._session.detail, current=True),
            ConnectionEntry(SWITCH, "Switch the connection…", "project, key, endpoint, local store"),
        ]
        now = self._around.now()
        deleted = [
            DeletedEntry(info.name, info.generation, _left(info, now))
            for info in self._deleted
            if info.hard_delete is None or info.hard_delete > now
        ]
        self.query_one(BucketList).show(entries, connections, deleted=deleted, note=self._note)

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

    @on(BucketList.RemoveWanted)
    def _remove_wanted(self, message: BucketList.RemoveWanted) -> None:
        self.dismiss(Choice("remove", message.name))

    @on(BucketList.RestoreWanted)
    def _restore_wanted(self, message: BucketList.RestoreWanted) -> None:
        name, generation = message.deleted.name, message.deleted.generation
        deleted = next((info.deleted for info in self._deleted if info.generation == generation), None)
        self.dismiss(Choice("restore", name, generation, deleted))

    @on(BucketList.Renamed)
    def _renamed(self, message: BucketList.Renamed) -> None:
        self.run_worker(self._rename(message.name, message.alias))

    async def _rename(self, bucket: str, alias: str) -> None:
        try:
            await self._session.rename(bucket, alias)
        except PailError as error:
            self.notify(f"{error.message}\n{error.remedy}".strip(), severity="error", markup=False)
        self._show()

    @on(BucketList.ConnectionChosen)
    def _connection_chosen(self, message: BucketList.ConnectionChosen) -> None:
        self.dismiss(Choice("connection") if message.key == SWITCH else None)


def _left(info: BucketInfo, now: float) -> str:
    """Return for how long a deleted bucket can be restored, in words."""
    if info.hard_delete is None:
        return "a while"
    hours = int(info.hard_delete - now) // 3_600
    return formats.count(hours // 24, "day") if hours >= 24 else f"{hours} h"
