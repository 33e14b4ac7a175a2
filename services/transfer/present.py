"""What a folder that is uploaded again has in the bucket already: a list tells it of many files, no request of each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Final

from services.errors import PailError
from services.gcs.interface import DataPlane, ListQuery
from services.model import ObjectRow
from services.names import GsUrl, ascending, parse_gs_url
from services.transfer.partial import local_checksum
from services.transfer.record import EXISTS, Record

UNCHANGED: Final = "unchanged"
"""`TransferView.code` of a file that the bucket holds as it is."""

WHY_UNCHANGED: Final = "it is there already, unchanged"
"""What is said of such a file."""

PAGE: Final = 1000
"""Rows of a page."""

MOST_PAGES: Final = 4
"""Pages that are asked for on behalf of one batch of files: what a much larger prefix holds between their names is left
to the uploads themselves, which are refused where something is there."""

HASHED_AHEAD: Final = 64 << 20
"""Bytes of a file up to which it is compared before anything moves; a larger one compares when its upload begins."""

GROUP: Final = 16 << 20
"""Bytes of files that one turn of a disk thread reads, a larger file aside."""

AHEAD: Final = 4
"""Batches that are compared side by side."""

OnDisk = Callable[..., Awaitable[Any]]
"""Runs a blocking function with its arguments on a disk thread."""


class Present:
    """What lies below the target of one tree that is uploaded.

    A list that cannot be had, for which there may be no permission, says nothing: all is uploaded then, and refused
    where something is there.
    """

    def __init__(self, data: DataPlane, target: GsUrl, on_disk: OnDisk, *, skip_all: bool) -> None:
        """Look below the prefix `target`; `skip_all` leaves alone whatever is there, changed or not."""
        self._data = data
        self._target = target
        self._disk = on_disk
        self._skip_all = skip_all
        self._first: dict[str, ObjectRow] = {}
        self._reach = ""
        self._whole = False

    async def sift(self, batches: AsyncIterator[list[Record]]) -> AsyncIterator[list[Record]]:
        """Yield batches in their order, with those files ended as skipped that need not be uploaded.

        The list is asked for while the first batch is gathered; after it several are compared side by side.
        """
        looking = asyncio.create_task(self._look())
        waiting: deque[asyncio.Task[list[Record]]] = deque()
        try:
            async for batch in batches:
                await looking
                if self._whole and not self._first:
                    yield batch
                    continue
                waiting.append(asyncio.create_task(self._sifted(batch)))
                if len(waiting) > AHEAD:
                    yield await waiting.popleft()
            while waiting:
                yield await waiting.popleft()
        finally:
            for task in (looking, *waiting):
                task.cancel()
            await asyncio.gather(looking, *waiting, return_exceptions=True)

    async def _look(self) -> None:
        """Ask for the first page: mostly it is empty, or tells it all."""
        page, more = await self._page(ListQuery(prefix=self._target.name, page_size=PAGE))
        self._first = {row.name: row for row in page}
        self._reach = page[-1].name if page else ""
        self._whole = not more

    async def _sifted(self, batch: list[Record]) -> list[Record]:
        """End those of a batch as skipped of which the bucket has the same bytes and time."""
        names = {parse_gs_url(one.target).name: one for one in batch if one.state == "queued"}
        rows = await self._rows(list(names))
        if self._skip_all:
            for name, row in rows.items():
                _skip(names[name], row, "it exists already", EXISTS)
            return batch
        alike = [(names[name], row) for name, row in rows.items() if _alike(names[name], row)]
        groups: list[list[tuple[Record, ObjectRow]]] = []
        room = 0
        for record, row in alike:
            if not groups or record.size > room:
                groups.append([])
                room = GROUP
            groups[-1].append((record, row))
            room -= record.size
        await asyncio.gather(*(self._compare(group) for group in groups))
        return batch

    async def _compare(self, group: list[tuple[Record, ObjectRow]]) -> None:
        sums = await self._disk(_checksums, [record for record, _ in group])
        for (record, row), found in zip(group, sums, strict=True):
            if found == row.crc32c:
                _skip(record, row, WHY_UNCHANGED, UNCHANGED)

    async def _rows(self, names: list[str]) -> dict[str, ObjectRow]:
        """Return what is known of objects by name; one that is missing here may exist all the same."""
        first = self._first
        found = {name: first[name] for name in names if name in first}
        # The names of UTF-8 text are in the same order as its bytes, which is the order of lists.
        rest = sorted(name for name in names if name > self._reach) if not self._whole else []
        for _ in range(MOST_PAGES):
            if not rest:
                break
            end = rest[-1] + "!"  # just behind it: the end is not part of the range
            query = ListQuery(prefix=self._target.name, page_size=PAGE, start_offset=rest[0], end_offset=end)
            page, more = await self._page(query)
            rows = {row.name: row for row in page}
            found |= {name: rows[name] for name in rest if name in rows}
            if not more or not page:
                break
            rest = [name for name in rest if name > page[-1].name]
        return found

    async def _page(self, query: ListQuery) -> tuple[list[ObjectRow], bool]:
        """Return the rows of a page, and whether there are more."""
        try:
            page = await self._data.list_page(self._target.bucket, query)
        except PailError:
            self._whole = True  # it is not asked again
            return [], False
        listed = [row.name for row in page.objects]
        if not ascending(listed):
            # Not in the order of names: a wrong bit may have given an object the name of one that is not there.
            self._whole = True
            return [], False
        return page.objects, bool(page.next_token)


def _alike(record: Record, row: ObjectRow) -> bool:
    """Tell whether it is worth to read a file: the cheap facts agree."""
    return (
        row.size == record.size
        and record.size <= HASHED_AHEAD
        and bool(row.crc32c)
        and same_time(record.mtime, row.mtime)
    )


def same_time(mtime: float | None, kept: float | None) -> bool:
    """Tell whether a file's time is the one that an object keeps, in whole seconds."""
    return mtime is not None and kept is not None and int(mtime) == int(kept)


def _skip(record: Record, row: ObjectRow, why: str, code: str) -> None:
    record.state, record.skipped, record.reason, record.code = "done", 1, why, code
    record.generation, record.crc32c = row.generation, row.crc32c


def _checksums(records: Iterable[Record]) -> list[str]:
    """Return the CRC32C of files; empty for one that is not what it was, or cannot be read.  Blocks."""
    return [local_checksum(record.source, record.base, record.size) for record in records]
