"""Counting a bucket: ranges of names listed side by side, to be watched, cancelled and gone on with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.errors import Forbidden, Rejected
from services.gcs.interface import DataPlane, ListQuery
from services.lifecycle import Rule
from services.model import ObjectRow
from services.ranges import LANES, split
from services.usage import Usage

HELD_LIMIT: Final = 5_000
"""Generations of one name that are held back so that they are counted together."""


@dataclass(slots=True)
class _Range:
    """A part of the names, and how far it was listed."""

    query: ListQuery
    token: str = ""
    done: bool = False
    held: list[ObjectRow] = field(default_factory=list)
    """Generations of the last name so far: the next page may have more of them."""


class Count:
    """A count of a prefix.  `usage` may be read at any time; `run` goes on where a cancelled one stopped.

    Older versions and deleted objects are counted along with the live ones unless that is not asked for; where the
    service refuses to list them they stay `unseen` instead of failing the count.
    """

    def __init__(
        self,
        data: DataPlane,
        bucket: str,
        prefix: str = "",
        *,
        now: float,
        rules: Sequence[Rule] = (),
        versions: bool = True,
        soft_deleted: bool = True,
        on_page: Callable[[Usage], None] | None = None,
    ) -> None:
        self._data = data
        self._on_page = on_page
        self._versions = versions
        self._soft_deleted = soft_deleted
        self._ranges: dict[bool, list[_Range]] = {}
        self.usage = Usage(bucket, prefix, now, tuple(rules))
        if not versions:
            self.usage.unseen.add("noncurrent")
        if not soft_deleted:
            self.usage.unseen.add("soft-deleted")

    async def run(self) -> Usage:
        """Count to the end and return the result; raises what a listing raises, and can be run again then.

        Cancelling it leaves `usage` consistent: a page is either counted and passed, or neither.
        """
        await self._run_pass(soft_deleted=False)
        if self._soft_deleted:
            try:
                await self._run_pass(soft_deleted=True)
            except (Forbidden, Rejected):
                # Buckets without soft delete refuse the question itself; that is no reason to lose the rest.
                self.usage.unseen.add("soft-deleted")
                self._soft_deleted = False
        self.usage.complete = True
        return self.usage

    async def _run_pass(self, *, soft_deleted: bool) -> None:
        if soft_deleted not in self._ranges:
            query = ListQuery(
                self.usage.prefix, versions=self._versions and not soft_deleted, soft_deleted=soft_deleted
            )
            self._ranges[soft_deleted] = [_Range(part) for part in await split(self._data, self.usage.bucket, query)]
        waiting = [part for part in self._ranges[soft_deleted] if not part.done]
        waiting.reverse()

        async def lane() -> None:
            while waiting:
                await self._list_range(waiting.pop(), soft_deleted=soft_deleted)

        tasks = [asyncio.create_task(lane()) for _ in range(min(LANES, len(waiting)))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _list_range(self, part: _Range, *, soft_deleted: bool) -> None:
        while not part.done:
            page = await self._data.list_page(self.usage.bucket, part.query, part.token)
            # From here to the end of the turn nothing waits: a cancellation cannot count a page twice or lose one.
            rows = part.held + page.objects
            part.held = []
            if page.next_token and rows and not soft_deleted and self._versions:
                cut = len(rows)
                while cut and rows[cut - 1].name == rows[-1].name and len(rows) - cut < HELD_LIMIT:
                    cut -= 1
                rows, part.held = rows[:cut], rows[cut:]
            self.usage.add(rows, soft_deleted=soft_deleted)
            part.token, part.done = page.next_token, not page.next_token
            if self._on_page is not None:
                self._on_page(self.usage)


async def count(
    data: DataPlane,
    bucket: str,
    prefix: str = "",
    *,
    now: float,
    versions: bool = True,
    on_page: Callable[[Usage], None] | None = None,
) -> Usage:
    """Count a prefix once, with older versions and deleted objects unless `versions` is off; see `Count`."""
    return await Count(data, bucket, prefix, now=now, versions=versions, soft_deleted=versions, on_page=on_page).run()
