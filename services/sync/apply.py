"""Carries out a plan: everything pinned to what was seen, what creates first and side by side, deletes last."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from services.errors import DiskFull, NotAuthenticated, NotFound, PailError, PreconditionFailed, Transient
from services.sync.disk import Changed
from services.sync.entries import DELETES, Action, BaseEntry, Plan, Remote, Signature
from services.sync.move import Mover
from services.sync.state import NONCE_START, Intent

CONCURRENCY: Final = 16
"""Actions that are carried out side by side."""

ItemState = Literal["done", "failed", "later"]
"""`later`: what was planned on has changed meanwhile, so it is planned again; nothing was done."""


class Item(NamedTuple):
    """One action and what became of it."""

    action: Action
    """The action."""
    state: ItemState
    """What became of it."""
    error: PailError | None = None
    """Why it failed."""
    entry: BaseEntry | None = None
    """What both sides agree on now."""
    kept: str = ""
    """Key under which a local version was kept."""
    signature: Signature | None = None
    """Signature of the file that a download brought."""


@dataclass(slots=True)
class Outcome:
    """What became of a plan."""

    items: list[Item] = field(default_factory=list)
    """Every action that changes something outside of our own notes."""
    stopped: PailError | None = None
    """Why the rest was not tried: the network, the disk or the credentials are gone."""

    @property
    def again(self) -> bool:
        """Whether another pass has something to do."""
        return any(item.state == "later" or item.kept for item in self.items)

    @property
    def failed(self) -> list[Item]:
        """What failed."""
        return [item for item in self.items if item.state == "failed"]


class Applier:
    """Carries out one plan."""

    def __init__(
        self,
        mover: Mover,
        remote: Remote,
        *,
        on_item: Callable[[Item], None] = lambda _: None,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._mover = mover
        self._remote = remote
        self._on_item = on_item
        self._concurrency = concurrency
        self._outcome = Outcome()
        self._nonces: dict[str, str] = {}

    async def run(self, plan: Plan, resumed: Mapping[str, str] | None = None) -> Outcome:
        """Carry it out and return what became of it; only a cancellation and a broken memory end it early.

        `resumed` are the nonces of unfinished downloads, by key.
        """
        self._nonces = dict(resumed or {})
        notes = self._mover.notes
        try:
            for action in plan.actions:
                if action.kind in ("adopt", "forget"):
                    await notes.agreed(action.key, _adopted(action))
            await notes.begin(*self._intents(plan))
            deletes = [a for a in plan.work if a.kind in DELETES]
            folders = [a for a in deletes if a.is_folder]
            await self._side_by_side([a for a in plan.work if a.kind not in DELETES])
            # What takes a delete's place is complete and noted before anything is deleted.
            await notes.flush()
            await self._side_by_side([a for a in deletes if not a.is_folder])
            for action in folders:
                await self._carry_out(action)
        finally:
            await asyncio.shield(notes.flush())
        return self._outcome

    def _intents(self, plan: Plan) -> Iterable[Intent]:
        for action in plan.work:
            nonce = self._nonces.setdefault(action.key, NONCE_START + secrets.token_hex(8))
            remote = action.remote
            if action.kind == "upload":
                yield Intent(action.key, "upload", nonce)
            elif action.kind in ("download", "conflict") and not action.is_folder and remote is not None:
                yield Intent(action.key, "download", nonce, remote.crc32c, remote.size, remote.generation)
            elif action.kind == "delete-local" and not action.is_folder:
                yield Intent(action.key, "remove", nonce)
            elif action.kind == "move-remote" and remote is not None:
                yield Intent(action.key, "move", nonce, remote.crc32c, remote.size)

    async def _side_by_side(self, actions: Sequence[Action]) -> None:
        waiting = iter(actions)

        async def work() -> None:
            for action in waiting:
                if self._outcome.stopped is not None:
                    return
                await self._carry_out(action)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._concurrency, len(actions))):
                group.create_task(work())

    async def _carry_out(self, action: Action) -> None:
        if self._outcome.stopped is not None:
            return
        try:
            item = await self._do(action)
        except (Changed, PreconditionFailed):
            item = Item(action, "later")
        except PailError as error:
            gone = isinstance(error, NotFound) and action.kind in ("download", "conflict", "move-remote")
            item = Item(action, "later") if gone else Item(action, "failed", error)
            if isinstance(error, Transient | DiskFull | NotAuthenticated):
                # It would meet everything else as well: pause with the cause instead of failing one by one.
                self._outcome.stopped = error
        self._outcome.items.append(item)
        self._on_item(item)

    async def _do(self, action: Action) -> Item:
        nonce = self._nonces[action.key]
        notes, mover = self._mover.notes, self._mover
        entry: BaseEntry | None = None
        kept, signature = "", None
        if action.is_folder:
            entry = await self._folder(action, nonce)
        elif action.kind == "upload":
            entry = await mover.upload(action, nonce)
        elif action.kind in ("download", "conflict"):
            arrived = await mover.download(action, nonce)
            entry, kept, signature = arrived.entry, arrived.kept, arrived.signature
        elif action.kind == "move-remote":
            entry = await mover.move(action)
            await notes.agreed(action.source, None)
        elif action.kind == "delete-remote":
            await self._delete_remote(action)
        else:
            await self._delete_local(action, nonce)
        await notes.agreed(action.key, entry)
        return Item(action, "done", entry=entry, kept=kept, signature=signature)

    async def _folder(self, action: Action, nonce: str) -> BaseEntry | None:
        mover = self._mover
        if action.kind == "upload":
            return await mover.make_placeholder(action.key, nonce)
        if action.kind == "download" and action.remote is not None:
            await mover.on_disk(mover.disk.make_folder, action.key)
            return BaseEntry(None, 0, action.remote.crc32c, action.remote.generation)
        if action.kind == "delete-remote":
            await self._delete_remote(action)
        elif await mover.prefix.stat(action.key) is not None:
            raise Changed(action.key)
        else:
            await mover.on_disk(mover.disk.remove_folder, action.key)
        return None

    async def _delete_remote(self, action: Action) -> None:
        if action.remote is None or await self._mover.on_disk(self._mover.disk.exists, action.key):
            raise Changed(action.key)
        await self._mover.delete_object(action.key, action.remote.generation)

    async def _delete_local(self, action: Action, nonce: str) -> None:
        """Move a file to the trash, once the service itself says that its object is gone (hazard 24)."""
        mover, local = self._mover, action.local
        if local is None or local.signature is None or await mover.prefix.stat(action.key) is not None:
            raise Changed(action.key)
        await mover.on_disk(mover.disk.remove, action.key, local, nonce)
        # Folders that were only there for their files go with the last of them.
        parent = action.key.rpartition("/")[0]
        while parent and f"{parent}/" not in self._remote:
            if not await mover.on_disk(mover.disk.remove_folder, f"{parent}/"):
                break
            parent = parent.rpartition("/")[0]


def _adopted(action: Action) -> BaseEntry | None:
    if action.kind == "forget" or action.remote is None or action.local is None:
        return None
    return BaseEntry(action.local.lasting, action.remote.size, action.remote.crc32c, action.remote.generation)
