"""Deleted objects and older generations: shown among the others, restored, deleted for good."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

from app.actions.details import look
from app.desk import Desk
from app.screens.compare import CompareScreen
from app.screens.delete import DeleteDialog, Doomed
from app.screens.dialog import ConfirmDialog, shown
from services.compare import compare
from services.history import deleted_below, versions
from services.model import ObjectRow
from services.names import GsUrl
from services.tally import Tally
from services.transfer.messages import JobItem
from widgets import formats
from widgets.object_rows import Entry

COUNTED: Final = 1_000
"""Deleted objects below folders that are counted before the question; there may be more."""


class PastActions:
    """Works on rows that are no live objects, and on what was deleted below folders."""

    def __init__(self, desk: Desk, shown_anew: Callable[[], None]) -> None:
        """Work on `desk`; `shown_anew` is called where other rows are wanted than before."""
        self._desk = desk
        self._shown_anew = shown_anew

    @property
    def shown(self) -> bool:
        """Whether the tree shows them."""
        browser = self._desk.browser
        return browser is not None and browser.with_past

    async def do_toggle_past(self) -> None:
        """Show deleted objects and older generations, or hide them."""
        desk, browser = self._desk, self._desk.browser
        if browser is None:
            return
        browser.with_past = not browser.with_past
        desk.tree.clear_marks()
        desk.tree.refresh_folder()
        if browser.with_past:
            desk.tell("Deleted objects and older generations are shown. ^r restores them, V hides them again.")
        self._shown_anew()

    async def do_restore(self) -> None:
        """Bring back what is chosen; below a folder, all that was deleted there.  What is live now is asked about."""
        desk, bucket = self._desk, self._desk.place.bucket
        entries = desk.tree.selection
        items = [_restored(bucket, entry) for entry in entries if entry.kind == "folder" or entry.is_past]
        if not items:
            desk.tell("Nothing of what is chosen is deleted or an older generation.")
            return
        folders = [entry.name for entry in entries if entry.kind == "folder"]
        if folders:
            found = len(items) - len(folders) + await self._count_below(bucket, folders)
            if not found:
                desk.tell("Nothing was deleted there.")
                return
            counted = f"{formats.count(found, 'object')}{' or more' if found >= COUNTED else ''}"
            where = f"gs://{bucket}/{shown(folders[0])}"
            if not await desk.ask(ConfirmDialog(f"Restore {counted}?", (where,), go="Restore")):
                return
        await desk.start("restore", tuple(items), conflict="ask")
        desk.tree.clear_marks()

    async def do_compare(self) -> None:
        """Compare two marked objects or generations, or the cursor's generation with the one that is live now."""
        desk = self._desk
        rows = [entry.row for entry in desk.tree.selection if entry.row is not None]
        if len(rows) == 1:
            rows += await self._counterpart(rows[0])
        if len(rows) != 2:
            desk.tell("Mark two objects or generations, or stand on one that has others of its name (V shows them).")
            return
        before, after = sorted(rows, key=lambda row: (row.deleted is None, row.generation))
        infos = await asyncio.gather(look(desk, before), look(desk, after))
        browser, zone = desk.browser, desk.surroundings.zone
        kept = frozenset(browser.soft_deleted) if browser is not None else frozenset()
        found = await compare(desk.session.storage.data, *infos, unreadable=kept, zone=zone)
        titles = [f"{shown(row.name, 60)}, generation {row.generation}, {self._state(row)}" for row in (before, after)]
        await desk.ask(CompareScreen(titles[0], titles[1], found, desk.symbols))

    async def _counterpart(self, row: ObjectRow) -> list[ObjectRow]:
        """Return the live object of a name, or for that one its newest older generation, if there is any."""
        found = await versions(self._desk.session.storage.data, self._desk.place.bucket, row.name)
        browser = self._desk.browser
        if browser is not None:
            gone = (each.row for each in found if each.state == "soft-deleted")
            browser.soft_deleted.update((each.name, each.generation) for each in gone)
        return [each.row for each in found if each.row.generation != row.generation][:1]

    def _state(self, row: ObjectRow) -> str:
        browser = self._desk.browser
        if row.deleted is None:
            return "live"
        deleted = browser is not None and (row.name, row.generation) in browser.soft_deleted
        return "deleted" if deleted else "an older version"

    async def _count_below(self, bucket: str, folders: list[str]) -> int:
        """Count what was deleted below folders, up to a limit."""
        found = 0
        for prefix in folders:
            async with aclosing(deleted_below(self._desk.session.storage.data, bucket, prefix)) as plans:
                async for _ in plans:
                    found += 1
                    if found == COUNTED:
                        return found
        return found

    async def delete(self, entries: list[Entry]) -> None:
        """Delete older generations for good, after the question; what soft delete keeps cannot be deleted."""
        desk, place, browser = self._desk, self._desk.place, self._desk.browser
        if not all(entry.is_past for entry in entries):
            desk.tell("Live objects and older generations are marked: delete one kind at a time.", bad=True)
            return
        kept = browser.soft_deleted if browser is not None else set()
        doomed = [entry for entry in entries if (entry.name, entry.generation) not in kept]
        if not doomed:
            desk.tell("These are deleted already: soft delete keeps them until their time is over.")
            return
        dialog = DeleteDialog(
            Doomed(
                place.bucket,
                "",
                tuple(entry.name for entry in doomed),
                Tally(len(doomed), sum(entry.size or 0 for entry in doomed)),
                past=True,
            ),
            place.settings,
            desk.session.storage.data,
            desk.surroundings,
        )
        if await desk.ask(dialog):
            items = (
                JobItem(str(GsUrl(place.bucket, entry.name)), generation=entry.generation, exact=True)
                for entry in doomed
            )
            await desk.start("delete", tuple(items))
            desk.tree.clear_marks()


def _restored(bucket: str, entry: Entry) -> JobItem:
    url = str(GsUrl(bucket, entry.name))
    return JobItem(url, url, tree=entry.kind == "folder", generation=entry.generation)
