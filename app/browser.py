"""Listings for the tree, off the event loop's way: pages are streamed, and what nobody waits for is stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Final, Protocol

from app.collector import RowKeeper
from services.errors import PailError
from services.gcs.interface import DataPlane, ListQuery
from services.history import glance, hidden
from services.lookup import pages
from services.model import ListPage, ObjectRow
from services.names import parent_prefix

PARALLEL: Final = 4
"""Listings that run at a time."""

RELIST_S: Final = 0.7
"""Seconds between two listings of a folder that objects are being written to, at the least."""

RELIST_SHARE: Final = 4.0
"""A folder is listed anew at most for the fourth part of the time: a long listing waits longer for its next turn."""


class Feed(Protocol):
    """Who shows the listings: the object tree."""

    def add_page(self, prefix: str, page: ListPage, *, final: bool, ticket: int | None = None) -> bool:
        """Take a page; False where nobody waits for it any more."""

    def fail(self, prefix: str, problem: str, remedy: str = "", *, ticket: int | None = None) -> None:
        """Take that a listing broke."""


class Browser:
    """Lists the folders of one bucket for one tree."""

    def __init__(
        self,
        data: DataPlane,
        bucket: str,
        feed: Feed,
        *,
        hierarchical: bool = False,
        failed: Callable[[str, PailError], None] = lambda _prefix, _error: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a browser; `failed` is told of every listing that broke, besides the tree."""
        self.bucket = bucket
        self.hierarchical = hierarchical
        self.with_past = False
        """Whether deleted objects and older generations are listed among the live ones."""
        self.soft_deleted: set[tuple[str, int]] = set()
        """Those of them that soft delete keeps, by name and generation: nobody can delete them any further."""
        self._data = data
        self._feed = feed
        self._failed = failed
        self._clock = clock
        self._slots = asyncio.Semaphore(PARALLEL)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._took: dict[str, float] = {}
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._rows = RowKeeper()

    def list(self, prefix: str, ticket: int) -> None:
        """Begin to list a folder; an older listing of it is given up."""
        self._cancel(prefix)
        task = asyncio.create_task(self._list(prefix, ticket), name="listing")
        self._running[prefix] = task
        task.add_done_callback(lambda done: self._ended(prefix, done))

    def leave(self) -> None:
        """Give up all listings: another place is shown."""
        for prefix in list(self._running):
            self._cancel(prefix)
        for timer in self._due.values():
            timer.cancel()
        self._due.clear()
        self._rows.left()

    async def close(self) -> None:
        """Give up all listings and wait until they have ended."""
        tasks = list(self._running.values())
        self.leave()
        await asyncio.gather(*tasks, return_exceptions=True)

    def touch(self, prefix: str, again: Callable[[str], None]) -> None:
        """Have `again(prefix)` called soon, since objects in a folder have changed; never too often."""
        if prefix in self._due:
            return
        wait = max(RELIST_S, self._took.get(prefix, 0.0) * RELIST_SHARE)
        self._due[prefix] = asyncio.get_running_loop().call_later(wait, self._again, prefix, again)

    def _again(self, prefix: str, again: Callable[[str], None]) -> None:
        self._due.pop(prefix, None)
        if prefix in self._running:
            # A listing under way may be past the change already: one more, after it.
            self.touch(prefix, again)
        else:
            again(prefix)

    async def _list(self, prefix: str, ticket: int) -> None:
        query = self._query(prefix)
        started = self._clock()
        async with self._slots:
            token = ""
            try:
                while not self.with_past:
                    page = await self._data.list_page(self.bucket, query, token)
                    token = page.next_token
                    self._rows.grew(len(page.objects))
                    if not self._feed.add_page(prefix, page, final=not token, ticket=ticket) or not token:
                        break
                if self.with_past:
                    self._feed.add_page(prefix, await self._list_past(query), final=True, ticket=ticket)
            except PailError as error:
                self._feed.fail(prefix, error.message, error.remedy, ticket=ticket)
                self._failed(prefix, error)
        self._took[prefix] = self._clock() - started

    async def _list_past(self, query: ListQuery) -> ListPage:
        """Return a folder with what is in it no more: of each name the oldest generation first, the live one last."""
        rows: list[ObjectRow] = []
        prefixes: set[str] = set()
        async with aclosing(pages(self._data, self.bucket, query)) as live:
            async for page in live:
                rows += page.objects
                prefixes.update(page.prefixes)
        async with aclosing(hidden(self._data, self.bucket, query.prefix)) as gone:
            async for part in gone:
                rows += [version.row for version in part.versions]
                prefixes.update(part.prefixes)
                self.soft_deleted.update(
                    (version.row.name, version.row.generation)
                    for version in part.versions
                    if version.state == "soft-deleted"
                )
        await asyncio.to_thread(rows.sort, key=_age)
        return ListPage(rows, sorted(prefixes, key=str.encode), "")

    async def peek(self, prefix: str, start: str) -> ListPage:
        """Return one page of a folder from a name on, for nobody but the caller; raises `PailError`."""
        async with self._slots:
            return await self._data.list_page(self.bucket, self._query(prefix, start))

    async def peek_past(self, prefix: str, start: str) -> tuple[ListPage, ListPage]:
        """Return one page of a folder's older generations and one of what soft delete keeps; raises `PailError`."""
        async with self._slots:
            return await glance(self._data, self.bucket, prefix, start)

    def is_soft_deleted(self, row: ObjectRow) -> bool:
        """Tell whether a row is one that soft delete keeps, as far as it was listed."""
        return (row.name, row.generation) in self.soft_deleted

    def _query(self, prefix: str, start: str = "") -> ListQuery:
        return ListQuery(
            prefix=prefix,
            delimiter="/",
            start_offset=start,
            include_folders_as_prefixes=self.hierarchical,
        )

    def _cancel(self, prefix: str) -> None:
        task = self._running.pop(prefix, None)
        if task is not None:
            task.cancel()

    def _ended(self, prefix: str, task: asyncio.Task[None]) -> None:
        if self._running.get(prefix) is task:
            del self._running[prefix]
        if not task.cancelled():
            task.result()


def _age(row: ObjectRow) -> tuple[bytes, bool, int]:
    return row.name.encode(), row.deleted is None, row.generation


def holders(name: str) -> set[str]:
    """Return the prefixes in whose listings a change of `name` can be seen: `a/b/c` → `a/b/`, `a/` and the top.

    The first or last object below a prefix makes the prefix itself appear or vanish, all the way up.
    """
    found = {""}
    folder = name if name.endswith("/") else parent_prefix(name)
    while folder:
        found.add(folder)
        folder = parent_prefix(folder)
    return found
