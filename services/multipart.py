"""Unfinished multipart uploads of a bucket: how many, and what they hold that nobody sees and that is billed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Final

from services.gcs.interface import DataPlane
from services.model import MultipartUpload
from services.usage import Amount

LANES: Final = 8
"""Uploads whose parts are asked for at once."""

SIZED_LIMIT: Final = 2_000
"""Uploads whose parts are asked for: each costs a request.  Beyond it uploads are counted without their bytes."""


@dataclass(slots=True)
class Unfinished:
    """What was begun and not finished."""

    uploads: int = 0
    """How many uploads."""
    oldest: float | None = None
    """When the oldest of them was begun, seconds since the epoch."""
    unsized: int = 0
    """Uploads beyond the limit, whose bytes are not counted."""
    classes: dict[str, Amount] = field(default_factory=dict)
    """Uploads and bytes of their parts by storage class (`STANDARD` where none was said)."""

    @property
    def size(self) -> int:
        """Bytes of all parts that were counted."""
        return sum(amount.size for amount in self.classes.values())


async def unfinished(data: DataPlane, bucket: str, prefix: str = "") -> AsyncGenerator[list[MultipartUpload]]:
    """Yield the unfinished uploads below a prefix, page by page; raises what the listing raises."""
    token = ""
    while True:
        page = await data.list_multipart_uploads(bucket, prefix=prefix, token=token)
        yield page.uploads
        token = page.next_token
        if not token:
            return


async def survey(data: DataPlane, bucket: str, prefix: str = "", *, before: float = math.inf) -> Unfinished:
    """Count the unfinished uploads below a prefix, begun before a moment (seconds since the epoch), and their bytes.

    Raises what `DataPlane.list_multipart_uploads` raises: `Forbidden` without `storage.multipartUploads.list`,
    `Rejected` and the like from servers without the XML API.
    """
    found = Unfinished()
    lanes = asyncio.Semaphore(LANES)

    async def size_of(upload: MultipartUpload) -> int:
        async with lanes:
            return await data.multipart_size(bucket, upload)

    async for uploads in unfinished(data, bucket, prefix):
        page = [upload for upload in uploads if is_before(upload, before)]
        sized = page[: max(0, SIZED_LIMIT - found.uploads)]
        sizes = await asyncio.gather(*map(size_of, sized))
        for upload, size in zip(page, [*sizes, *[0] * (len(page) - len(sized))], strict=True):
            found.uploads += 1
            found.classes.setdefault(upload.storage_class or "STANDARD", Amount()).add(1, size)
            if upload.started is not None:
                found.oldest = upload.started if found.oldest is None else min(found.oldest, upload.started)
        found.unsized += len(page) - len(sized)
    return found


def is_before(upload: MultipartUpload, moment: float) -> bool:
    """Tell whether an upload was begun before a moment; one whose start is not known only where any would do."""
    return moment == math.inf or (upload.started is not None and upload.started < moment)


async def abort_unfinished(data: DataPlane, bucket: str, prefix: str = "", *, before: float) -> int:
    """Abort the uploads below a prefix that were begun before a moment (seconds since the epoch); return how many.

    An upload that was finished or aborted meanwhile is left as it is.  Raises what the listing and the aborts raise;
    calling it again goes on with what is left.
    """
    lanes = asyncio.Semaphore(LANES)
    gone = 0

    async def abort(upload: MultipartUpload) -> None:
        async with lanes:
            await data.abort_multipart_upload(bucket, upload)

    async for uploads in unfinished(data, bucket, prefix):
        doomed = [upload for upload in uploads if is_before(upload, before)]
        answers = await asyncio.gather(*map(abort, doomed), return_exceptions=True)
        for answer in answers:
            if answer is not None:
                raise answer
        gone += len(doomed)
    return gone
