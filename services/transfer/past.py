"""Generations that are no longer live, looked at one by one."""

from __future__ import annotations

from typing import Final

from services.errors import ObjectNotFound, Rejected
from services.model import ObjectInfo
from services.names import GsUrl, display_name
from services.transfer.run import Run, Skipped

_GONE: Final = "timeDeleted"
"""Field of a generation that is no longer live."""


async def find_past(run: Run, url: GsUrl) -> tuple[ObjectInfo, bool]:
    """Return the generation that a restoration means, and whether it is soft-deleted; else it is an older version.

    Raises `ObjectNotFound` where it is kept no longer, `Skipped` where it is live, other `PailError`s.
    """
    data, generation = await run.data(), run.record.generation
    try:
        return await data.stat(url.bucket, url.name, generation=generation, soft_deleted=True), True
    except (ObjectNotFound, Rejected):  # a bucket without soft delete refuses to look
        try:
            info = await data.stat(url.bucket, url.name, generation=generation)
        except ObjectNotFound as error:
            raise ObjectNotFound(
                f"generation {generation} of {display_name(str(url))} is kept no longer",
                remedy="'pail versions' lists what is left of it.",
                url=str(url),
            ) from error
    if _GONE not in info.resource:
        raise Skipped("it is live already")
    return info, False
