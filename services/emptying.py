"""Deletes everything in a bucket, all generations included, so that the bucket itself can be deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from services.errors import Forbidden, NotFound
from services.gcs.interface import ANY, ListQuery, Storage
from services.lookup import pages
from services.model import ObjectRow

BATCH: Final = 100
"""Deletes in one request (the limit of Google's batch requests)."""

IN_FLIGHT: Final = 8
"""Requests side by side."""

FAILURES_KEPT: Final = 100
"""Failures that are remembered by name; all are counted."""


@dataclass(slots=True)
class Emptied:
    """What emptying a bucket has done so far."""

    objects: int = 0
    """Generations that were deleted."""
    bytes: int = 0
    """Their bytes."""
    failed: int = 0
    """Generations that could not be deleted."""
    failures: list[tuple[ObjectRow, Exception]] = field(default_factory=list)
    """The first of those."""


async def count_all(storage: Storage, bucket: str) -> tuple[int, int]:
    """Return how many generations a bucket holds, and their bytes."""
    count = size = 0
    async with aclosing(pages(storage.data, bucket, ListQuery(versions=True))) as listing:
        async for page in listing:
            count += len(page.objects)
            size += sum(row.size for row in page.objects)
    return count, size


async def delete_all(storage: Storage, bucket: str, progress: Callable[[Emptied], None]) -> Emptied:
    """Delete every generation that a listing of `bucket` shows, and list again until it shows none.

    What somebody adds meanwhile goes too; a round that deletes nothing ends it, with its failures in the result.
    `progress` is called after each page.  Can be interrupted and repeated at any time.
    """
    keeps_versions = await _keeps_versions(storage, bucket)
    result = Emptied()
    while True:
        before = result.objects
        result.failed = 0
        result.failures.clear()
        seen = 0
        async with aclosing(pages(storage.data, bucket, ListQuery(versions=True))) as listing:
            async for page in listing:
                seen += len(page.objects)
                await _delete_page(storage, bucket, page.objects, result, keeps_versions=keeps_versions)
                progress(result)
        if not seen or result.objects == before:
            return result


async def _keeps_versions(storage: Storage, bucket: str) -> bool:
    """Tell whether a plain delete would only make the generation noncurrent; assumed where it may not be read."""
    try:
        return (await storage.control.get_bucket(bucket)).versioning
    except Forbidden:
        return True


async def _delete_page(
    storage: Storage, bucket: str, rows: Sequence[ObjectRow], result: Emptied, *, keeps_versions: bool
) -> None:
    limit = asyncio.Semaphore(IN_FLIGHT)

    async def one(row: ObjectRow) -> None:
        async with limit:
            try:
                await storage.data.delete(bucket, row.name, generation=row.generation, precondition=ANY)
            except NotFound:
                _deleted(result, row)
            except Exception as error:  # noqa: BLE001 - each object stands for itself; all are reported
                _failed(result, row, error)
            else:
                _deleted(result, row)

    async def many(chunk: Sequence[ObjectRow]) -> None:
        answers: Sequence[Exception | None]
        try:
            async with limit:
                answers = await storage.data.delete_many(bucket, [(row.name, row.generation) for row in chunk])
        except Exception as failure:  # noqa: BLE001 - a batch that did not get through is a batch of failures
            answers = [failure] * len(chunk)
        for row, error in zip(chunk, answers, strict=True):
            if error is None or isinstance(error, NotFound):
                _deleted(result, row)
            else:
                _failed(result, row, error)

    singly = [row for row in rows if keeps_versions or row.deleted is not None]
    together = [] if keeps_versions else [row for row in rows if row.deleted is None]
    async with asyncio.TaskGroup() as group:
        for row in singly:
            group.create_task(one(row))
        for start in range(0, len(together), BATCH):
            group.create_task(many(together[start : start + BATCH]))


def _deleted(result: Emptied, row: ObjectRow) -> None:
    result.objects += 1
    result.bytes += row.size


def _failed(result: Emptied, row: ObjectRow, error: Exception) -> None:
    result.failed += 1
    if len(result.failures) < FAILURES_KEPT:
        result.failures.append((row, error))
