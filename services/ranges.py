"""Listing a large prefix as ranges of names side by side, since one listing is a chain of round trips."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from typing import Final

from services.gcs.interface import DataPlane, ListQuery
from services.model import ListPage

LANES: Final = 8
"""Ranges that are listed at the same time: enough to hide the round trips, far below the service's limits."""

RANGES_PER_LANE: Final = 4
"""Ranges for each lane: folders differ in size, and an idle lane takes the next one."""

SPLIT_DEPTH: Final = 4
"""Levels with a single folder that are gone through to find names to split at."""


async def split(data: DataPlane, bucket: str, query: ListQuery) -> list[ListQuery]:
    """Return queries that together list what `query` lists, each name once, in order of their names.

    They are cut at the folders of the first level below the prefix that has several; where there is none, `query` is
    the only one.
    """
    cuts: list[str] = []
    prefix = query.prefix
    for _ in range(SPLIT_DEPTH):
        page = await data.list_page(bucket, query._replace(prefix=prefix, delimiter="/"))
        cuts = page.prefixes
        if len(cuts) != 1 or page.next_token:
            break
        prefix = cuts[0]
    step = max(1, -(-len(cuts) // (LANES * RANGES_PER_LANE)))
    bounds = ["", *cuts[step::step], ""] if len(cuts) > 1 else ["", ""]
    return [query._replace(start_offset=start, end_offset=end) for start, end in itertools.pairwise(bounds)]


async def pages(data: DataPlane, bucket: str, query: ListQuery) -> AsyncGenerator[ListPage]:
    """Yield the pages of a listing as they arrive, from several ranges at once: in order only within a range.

    Raises what `DataPlane.list_page` raises; leaving the iteration early (`aclose`) cancels what is under way.
    """
    waiting = await split(data, bucket, query)
    waiting.reverse()
    # Bounded, so that a consumer that is slow (or has gone to lunch) stops the listing instead of filling memory.
    arrived: asyncio.Queue[ListPage | None] = asyncio.Queue(LANES)

    async def lane() -> None:
        while waiting:
            part, token = waiting.pop(), ""
            while True:
                page = await data.list_page(bucket, part, token)
                await arrived.put(page)
                token = page.next_token
                if not token:
                    break

    async def all_lanes() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(LANES, len(waiting))):
                    group.create_task(lane())
        except* Exception as group:  # noqa: BLE001 - handed to the consumer, who raises it
            failures.append(group.exceptions[0])
        await arrived.put(None)

    failures: list[Exception] = []
    running = asyncio.create_task(all_lanes())
    try:
        while (page := await arrived.get()) is not None:
            yield page
        if failures:
            raise failures[0]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
