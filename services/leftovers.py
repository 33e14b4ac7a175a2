"""Parts of uploads that lie in a bucket: recognised by their name, and told apart from those that are still needed."""

from __future__ import annotations

from typing import Final, NamedTuple

from services.gcs.interface import DataPlane, ListQuery
from services.model import BucketInfo
from services.transfer.messages import ParallelUploads
from services.transfer.parts import PREFIX, advises_against, forbids

OLD_S: Final = 86_400.0
"""Seconds after which a part is taken for a leftover: an upload that is still under way writes new ones."""

MOST: Final = 5_000
"""Parts that are looked at; of more the rest is not counted."""


class Leftovers(NamedTuple):
    """Parts that nobody seems to need."""

    objects: int = 0
    """How many."""
    size: int = 0
    """Their bytes."""


async def find_leftovers(data: DataPlane, bucket: str, now: float) -> Leftovers:
    """Return the parts in a bucket that are older than a day; raises `PailError`."""
    objects = size = 0
    token, seen = "", 0
    while True:
        page = await data.list_page(bucket, ListQuery(prefix=PREFIX), token)
        for row in page.objects:
            seen += 1
            if now - row.updated > OLD_S:
                objects += 1
                size += row.size
        token = page.next_token
        if not token or seen >= MOST:
            return Leftovers(objects, size)


def remedy(bucket: str) -> str:
    """Return the command that is rid of the leftovers of a bucket (raw: show it through `display_name`)."""
    return f"pail rm -r gs://{bucket}/{PREFIX}"


def plan_words(mode: ParallelUploads, info: BucketInfo | None) -> str:
    """Return what parallel parts of very large files would cost in a bucket; empty where there are none.

    `info` is None where the settings may not be read; then only `always` makes parts.
    """
    if mode == "never" or (info is None and mode == "auto"):
        return ""
    if info is not None and (advises_against(info) if mode == "auto" else forbids(info)):
        return ""
    if info is None or not info.soft_delete_s:
        return "parts are removed at the end"
    days = max(1, round(info.soft_delete_s / 86_400))
    return f"soft delete keeps the removed parts, and bills as many bytes once more, for {days} days"
