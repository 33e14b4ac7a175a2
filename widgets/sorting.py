"""Sorting and filtering of long lists in a thread without holding up the event loop."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

T = TypeVar("T")

CHUNK: Final = 16_384
"""Rows that one call into C may sort: it holds the interpreter's lock for about 10 ms."""


def gentle_sort(rows: Sequence[T], key: Callable[[T], Any], *, descending: bool = False) -> list[T]:
    """Return `rows` sorted by `key`, stably, like `sorted`, but without holding the interpreter's lock for long.

    `list.sort` of a million rows does not let another thread run until it is done, so moving it to a thread alone would
    not keep the screen alive.  Rows are dealt into buckets by sampled pivots in plain Python, which yields, and the
    buckets are sorted one by one.
    """
    if len(rows) <= CHUNK:
        return sorted(rows, key=key, reverse=descending)
    parts = len(rows) // CHUNK + 1
    sample = sorted(key(row) for row in rows[:: max(1, len(rows) // (parts * 16))])
    pivots = [sample[len(sample) * part // parts] for part in range(1, parts)]
    buckets: list[list[T]] = [[] for _ in range(parts)]
    for row in rows:
        buckets[bisect_right(pivots, key(row))].append(row)
    result: list[T] = []
    for bucket in reversed(buckets) if descending else buckets:
        bucket.sort(key=key, reverse=descending)
        result += bucket
    return result
