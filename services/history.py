"""Generations that are no longer live: listed with the live ones, and which of them an object is brought back from."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Literal, NamedTuple

from services.errors import Forbidden, ObjectNotFound, Rejected, UsageError
from services.gcs.interface import DataPlane, ListQuery
from services.lookup import pages
from services.model import ListPage, ObjectRow
from services.names import display_name

State = Literal["live", "noncurrent", "soft-deleted"]
"""What a generation is: visible, an older version, or deleted and still restorable.  All three are billed."""


class Version(NamedTuple):
    """One generation of an object."""

    row: ObjectRow
    """What the listing says of it."""
    state: State
    """What it is."""
    until: float | None = None
    """Until when a soft-deleted one can be restored, seconds since the epoch; None where that is not known."""


class HistoryPage(NamedTuple):
    """A part of a folder as it was: what is in it no more, and the folders that hold such."""

    versions: list[Version]
    """Noncurrent or soft-deleted generations, in byte order of their names, then from the oldest."""
    prefixes: list[str]
    """Prefixes with anything below them, also with live objects only."""


async def hidden(
    data: DataPlane, bucket: str, prefix: str, *, delimiter: str = "/", soft_delete_s: int = 0
) -> AsyncGenerator[HistoryPage]:
    """Yield what a folder held and holds no more: older versions first, then soft-deleted objects.

    An empty `delimiter` goes through everything below.  `soft_delete_s` (seconds, from the bucket's settings) tells
    until when the deleted ones can be restored; 0 where it is not known.
    """
    query = ListQuery(prefix, delimiter=delimiter, versions=True)
    async with aclosing(pages(data, bucket, query)) as listing:
        async for page in listing:
            older = [Version(row, "noncurrent") for row in page.objects if row.deleted is not None]
            yield HistoryPage(older, page.prefixes)
    async with aclosing(
        _soft_deleted(data, bucket, ListQuery(prefix, delimiter=delimiter, soft_deleted=True))
    ) as found:
        async for rows, prefixes in found:
            yield HistoryPage([_deleted(row, soft_delete_s) for row in rows], prefixes)


async def glance(
    data: DataPlane, bucket: str, prefix: str, start: str, *, delimiter: str = "/"
) -> tuple[ListPage, ListPage]:
    """Return a page of live and older generations, and one of soft-deleted ones, from a name on; raises `PailError`."""
    query = ListQuery(prefix, delimiter=delimiter, start_offset=start)
    kept = await data.list_page(bucket, query._replace(versions=True))
    try:
        return kept, await data.list_page(bucket, query._replace(soft_deleted=True))
    except (Rejected, Forbidden):  # as in `_soft_deleted`
        return kept, ListPage([], [], "")


async def _soft_deleted(
    data: DataPlane, bucket: str, query: ListQuery
) -> AsyncGenerator[tuple[list[ObjectRow], list[str]]]:
    """Yield soft-deleted rows; none where the bucket has no soft delete, or listing them is refused."""
    try:
        async with aclosing(pages(data, bucket, query)) as listing:
            async for page in listing:
                yield page.objects, page.prefixes
    except (Rejected, Forbidden):
        # The plain listing has worked, so this only says that there is nothing of this kind to be had.
        return


def _deleted(row: ObjectRow, soft_delete_s: int) -> Version:
    until = row.deleted + soft_delete_s if soft_delete_s and row.deleted is not None else None
    return Version(row, "soft-deleted", until)


def _order(version: Version) -> tuple[bool, int]:
    return (version.state != "live", -version.row.generation)


async def versions(data: DataPlane, bucket: str, name: str, *, soft_delete_s: int = 0) -> list[Version]:
    """Return every generation of one object that can still be reached: the live one, then the newest first."""
    async with aclosing(by_name(data, bucket, name, soft_delete_s=soft_delete_s)) as names:
        # Names are in byte order and the name itself is the least that begins with it: it comes first or not at all.
        async for found in names:
            return found if found[0].row.name == name else []
    return []


async def by_name(
    data: DataPlane, bucket: str, prefix: str, *, soft_delete_s: int = 0
) -> AsyncGenerator[list[Version]]:
    """Yield, for each name below a prefix in byte order, all its generations: the live one, then the newest first.

    Two listings are followed side by side, a page of each in memory.
    """
    kept = _Rows(_kept(data, bucket, prefix))
    gone = _Rows(_gone(data, bucket, prefix))
    try:
        while True:
            heads = [row.name.encode() for row in (await kept.peek(), await gone.peek()) if row is not None]
            if not heads:
                return
            name = min(heads)
            found = [Version(row, "live" if row.deleted is None else "noncurrent") for row in await kept.take(name)]
            found += [_deleted(row, soft_delete_s) for row in await gone.take(name)]
            yield sorted(found, key=_order)
    finally:
        await kept.close()
        await gone.close()


async def _kept(data: DataPlane, bucket: str, prefix: str) -> AsyncGenerator[list[ObjectRow]]:
    async with aclosing(pages(data, bucket, ListQuery(prefix, versions=True))) as listing:
        async for page in listing:
            yield page.objects


async def _gone(data: DataPlane, bucket: str, prefix: str) -> AsyncGenerator[list[ObjectRow]]:
    async with aclosing(_soft_deleted(data, bucket, ListQuery(prefix, soft_deleted=True))) as listing:
        async for rows, _ in listing:
            yield rows


class _Rows:
    """The rows of a paged listing, one after the other, with a look ahead."""

    def __init__(self, source: AsyncGenerator[list[ObjectRow]]) -> None:
        self._source = source
        self._rows = _flat(source)
        self._next: ObjectRow | None = None
        self._ended = False

    async def peek(self) -> ObjectRow | None:
        if self._next is None and not self._ended:
            self._next = await anext(self._rows, None)
            self._ended = self._next is None
        return self._next

    async def take(self, name: bytes) -> list[ObjectRow]:
        """Take all rows of one name off the front."""
        taken: list[ObjectRow] = []
        while (row := await self.peek()) is not None and row.name.encode() == name:
            taken.append(row)
            self._next = None
        return taken

    async def close(self) -> None:
        await self._rows.aclose()
        await self._source.aclose()


async def _flat(source: AsyncGenerator[list[ObjectRow]]) -> AsyncGenerator[ObjectRow]:
    async for rows in source:
        for row in rows:
            yield row


def restore_plan(found: Sequence[Version], name: str, generation: int | None = None) -> Version:
    """Return what of an object is brought back, of its `versions`: the generation that is named, or the newest.

    Raises `ObjectNotFound` where there is nothing to bring back, `UsageError` where it is live already or would
    replace a live object that nobody mentioned.
    """
    live = next((version.row for version in found if version.state == "live"), None)
    if generation is None:
        if live is not None:
            older = "choose one with --generation ('pail versions' lists them)."
            raise UsageError(
                f"'{display_name(name)}' is not deleted", remedy=f"To replace it by an older version, {older}"
            )
        chosen = found[0] if found else None
    else:
        chosen = next((version for version in found if version.row.generation == generation), None)
    if chosen is None:
        what = f"generation {generation} of '{display_name(name)}'" if generation else f"'{display_name(name)}'"
        raise ObjectNotFound(f"{what} is not there to be restored", remedy="'pail versions' lists what is left of it.")
    if chosen.state == "live":
        raise UsageError(f"generation {generation} is the live one", remedy="There is nothing to restore.")
    return chosen


async def deleted_below(data: DataPlane, bucket: str, prefix: str) -> AsyncGenerator[Version]:
    """Yield what each object that is deleted altogether is brought back from, in byte order of the names."""
    async with aclosing(by_name(data, bucket, prefix)) as names:
        async for found in names:
            if found[0].state != "live":
                yield restore_plan(found, found[0].row.name)
