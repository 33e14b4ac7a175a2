"""Counting what lies below prefixes, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from services.gcs.interface import DataPlane, ListQuery


@dataclass(frozen=True, slots=True)
class Tally:
    """How much there is, so far."""

    objects: int = 0
    """Objects counted."""
    size: int = 0
    """Their bytes as stored."""
    complete: bool = False
    """Whether everything was counted."""


def outermost(names: Iterable[str]) -> list[str]:
    """Return the names that lie below no other prefix of `names`, in byte order, each once.

    A name that ends in `/` is a prefix (a folder); an empty one is the whole bucket.
    """
    kept: list[str] = []
    for name in sorted(set(names), key=str.encode):
        last = kept[-1] if kept else None
        if last is not None and (not last or (last.endswith("/") and name.startswith(last))):
            continue
        kept.append(name)
    return kept


async def count_below(data: DataPlane, bucket: str, prefixes: Sequence[str], base: Tally) -> AsyncIterator[Tally]:
    """Yield how much lies below `prefixes` on top of `base`, after each page; the last one is complete.

    Raises what `DataPlane.list_page` raises.
    """
    objects, size = base.objects, base.size
    for prefix in prefixes:
        token = ""
        while True:
            page = await data.list_page(bucket, ListQuery(prefix=prefix), token)
            objects += len(page.objects)
            size += sum(row.size for row in page.objects)
            token = page.next_token
            if not token:
                break
            yield Tally(objects, size)
    yield Tally(objects, size, complete=True)
