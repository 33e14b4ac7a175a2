"""Copying and moving what is there already: by keys, by dragging, by another name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, Literal

from app.actions.objects import common_prefix
from app.desk import Desk
from app.screens.destination import DestinationDialog
from app.screens.dialog import shown
from services.gcs.interface import DataPlane, ListQuery
from services.names import GsUrl, base_name, check_object_name
from services.transfer.local import free_name
from services.transfer.messages import JobItem
from widgets.drag import DropTarget, describe, home_of
from widgets.object_rows import Entry
from widgets.object_tree import ObjectTree

LOOKS: Final = 16
"""Free names that are looked for side by side."""

PAST: Final = "What was deleted has to be restored before it can be copied or moved."
"""What is said of rows that are no live objects."""

Relocation = Literal["copy", "move"]
"""What becomes of the sources: they stay, or they go."""


@dataclass(frozen=True, slots=True)
class Held:
    """What was copied or cut and waits to be pasted."""

    action: Relocation
    """What pasting does."""
    bucket: str
    """Name of the bucket in which it lies."""
    entries: tuple[Entry, ...]
    """Objects and folders."""


class MovingActions:
    """Works on what is marked, or on the cursor's row, and on what was copied or cut before."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.held: Held | None = None
        """What was copied or cut; None where nothing was, and after a cut was pasted."""

    @property
    def _tree(self) -> ObjectTree:
        return self._desk.tree

    # Copy, cut, paste

    async def do_take_copy(self) -> None:
        """Remember what is to be copied."""
        self._hold("copy")

    async def do_take_cut(self) -> None:
        """Remember what is to be moved."""
        self._hold("move")

    def _hold(self, action: Relocation) -> None:
        entries = tuple(entry for entry in self._desk.rows.selection if not entry.is_past)
        if not entries:
            self._desk.tell(PAST)
            return
        self.held = Held(action, self._desk.place.bucket, entries)
        self._desk.rows.clear_marks()
        done = "Copied" if action == "copy" else "Cut"
        self._desk.tell(f"{done} {describe(entries)}. p pastes into the cursor's folder, in any bucket.")
        self._desk.show_place()

    async def do_paste(self) -> None:
        """Copy or move what was remembered into the folder of the cursor's row."""
        held = self.held
        if held is None:
            return
        if await self.relocate(held, self._desk.place.bucket, self._tree.target_prefix) and held.action == "move":
            self.held = None
            self._desk.show_place()

    def forget(self) -> None:
        """Let go of what was copied or cut: another connection does not know it."""
        self.held = None

    # By a chosen destination

    async def do_move_to(self) -> None:
        """Move to a folder that is chosen."""
        await self._to("move")

    async def do_copy_to(self) -> None:
        """Copy to a folder that is chosen."""
        await self._to("copy")

    async def _to(self, action: Relocation) -> None:
        desk, bucket = self._desk, self._desk.place.bucket
        entries = tuple(entry for entry in self._desk.rows.selection if not entry.is_past)
        if not entries:
            desk.tell(PAST)
            return
        held = Held(action, bucket, entries)
        session = desk.session
        dialog = DestinationDialog(
            f"{'Move' if action == 'move' else 'Copy'} {describe(entries)} to…",
            bucket,
            common_prefix([entry.name for entry in entries]),
            data=session.storage.data,
            buckets=sorted({bucket, *(choice.name for choice in session.known_choices())}),
            refuse=lambda to_bucket, prefix: refusal(held, to_bucket, prefix),
            symbols=desk.symbols,
        )
        target = await desk.ask(dialog)
        if target is not None and await self.relocate(held, target.bucket, target.prefix):
            self._desk.rows.clear_marks()

    # Drag and drop

    async def dropped(self, entries: Sequence[Entry], target: DropTarget) -> None:
        """Move what was dragged to where it was dropped."""
        here = self._desk.place.bucket
        if await self.relocate(Held("move", here, tuple(entries)), target.bucket or here, target.prefix):
            self._tree.clear_marks()

    # Other names

    async def do_rename(self) -> None:
        """Edit the name of the cursor's row in its place."""
        entry = self._tree.cursor_entry
        if entry is not None and entry.is_past:
            self._desk.tell("What was deleted has to be restored before it can get another name.")
        else:
            await self._tree.rename_entry()

    async def renamed(self, entry: Entry, name: str) -> None:
        """Give an object or a folder another name in its place: a folder's objects move one by one."""
        bucket = self._desk.place.bucket
        tail = "/" if entry.kind == "folder" else ""
        target = f"{home_of(entry)}{name}{tail}"
        check_object_name(target)
        await self._start("move", (_item(entry, bucket, bucket, target),))
        self._tree.clear_marks()

    # Both

    async def relocate(self, held: Held, bucket: str, prefix: str) -> bool:
        """Copy or move entries into a folder; False where nothing of it can be done, which is told.

        Raises `PailError` where the engine refuses.
        """
        desk, data = self._desk, self._desk.session.storage.data
        problem = refusal(held, bucket, prefix)
        if problem:
            desk.tell(problem, bad=True)
            return False
        here = bucket == held.bucket
        beside = [entry for entry in held.entries if here and home_of(entry) == prefix]
        away = [entry for entry in held.entries if not here or home_of(entry) != prefix]
        if beside and held.action == "copy":
            await self._start("copy", await _twins(data, beside, bucket), conflict="keep-both")
        if away:
            items = tuple(_item(entry, held.bucket, bucket, prefix + base_name(entry.name)) for entry in away)
            await self._start(held.action, items)
        return True

    async def _start(self, action: Relocation, items: tuple[JobItem, ...], *, conflict: str = "ask") -> None:
        await self._desk.start(action, items, conflict=conflict)


def refusal(held: Held, bucket: str, prefix: str) -> str:
    """Return why entries cannot go into a folder, in one line; empty where they can."""
    if bucket != held.bucket:
        return ""
    for entry in held.entries:
        if is_within(prefix, entry):
            return f"{shown(base_name(entry.name), 60)} cannot go into itself. Choose a folder outside of it."
    if held.action == "move" and all(home_of(entry) == prefix for entry in held.entries):
        return f"{describe(held.entries)}: there already. Choose another folder."
    return ""


def is_within(prefix: str, entry: Entry) -> bool:
    """Tell whether a folder is an entry itself or lies below it."""
    return entry.kind == "folder" and prefix.startswith(entry.name)


def _item(entry: Entry, source_bucket: str, bucket: str, name: str) -> JobItem:
    return JobItem(
        str(GsUrl(source_bucket, entry.name)),
        str(GsUrl(bucket, name)),
        tree=entry.kind == "folder",
        generation=entry.generation,
    )


async def _twins(data: DataPlane, entries: Sequence[Entry], bucket: str) -> tuple[JobItem, ...]:
    """Return the items of copies beside their sources, each under the first numbered name that is free."""
    slots = asyncio.Semaphore(LOOKS)

    async def twin(entry: Entry) -> JobItem:
        async with slots:
            return _item(entry, bucket, bucket, await _free_name(data, bucket, entry.name))

    return tuple(await asyncio.gather(*(twin(entry) for entry in entries)))


async def _free_name(data: DataPlane, bucket: str, name: str) -> str:
    """Return the first of `a (1).txt`, `a (2).txt`… that is no object or folder; the engine looks again."""
    first = free_name(name, 1)
    query = ListQuery(first[: first.rindex("1)")], delimiter="/")
    page = await data.list_page(bucket, query)
    taken = {row.name for row in page.objects} | set(page.prefixes)
    return next(free for number in count(1) if (free := free_name(name, number)) not in taken)
