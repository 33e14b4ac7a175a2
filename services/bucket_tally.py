"""What a bucket holds before it is deleted: objects, older generations, and what soft delete still keeps."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from services.errors import Forbidden, Rejected
from services.gcs.interface import DataPlane, ListQuery
from services.lookup import pages


@dataclass(frozen=True, slots=True)
class BucketTally:
    """What was counted so far."""

    objects: int = 0
    """Live objects."""
    versions: int = 0
    """Older generations that versioning keeps."""
    size: int = 0
    """Bytes of both."""
    deleted: int = 0
    """Soft-deleted generations: they go with the bucket, or come back with it."""
    deleted_size: int = 0
    """Bytes of those."""
    complete: bool = False
    """Whether all of it was listed."""

    @property
    def generations(self) -> int:
        """How many have to be deleted before the bucket can be."""
        return self.objects + self.versions


async def count_bucket(data: DataPlane, bucket: str) -> AsyncGenerator[BucketTally]:
    """Yield what a bucket holds, page by page; the last one is `complete`.  Raises `PailError`.

    Soft-deleted objects that may not be listed, or that the bucket does not keep, count as none.
    """
    found = BucketTally()
    async with aclosing(pages(data, bucket, ListQuery(versions=True))) as listing:
        async for page in listing:
            older = sum(row.deleted is not None for row in page.objects)
            found = replace(
                found,
                objects=found.objects + len(page.objects) - older,
                versions=found.versions + older,
                size=found.size + sum(row.size for row in page.objects),
            )
            yield found
    try:
        async with aclosing(pages(data, bucket, ListQuery(soft_deleted=True))) as listing:
            async for page in listing:
                found = replace(
                    found,
                    deleted=found.deleted + len(page.objects),
                    deleted_size=found.deleted_size + sum(row.size for row in page.objects),
                )
                yield found
    except (Forbidden, Rejected):
        pass  # a bucket without soft delete refuses the question
    yield replace(found, complete=True)
