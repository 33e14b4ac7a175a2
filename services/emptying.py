"""When a bucket was emptied before it was deleted: the service deletes only empty ones, so nothing else tells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

GAP_S: Final = 600.0
"""Seconds without a delete that part the emptying of a bucket from what was deleted before."""


def emptied_from(deleted: Iterable[float], end: float) -> float:
    """Return when the deletes began that led up to `end` without a long gap; `end` itself where there are none.

    All moments are seconds since the epoch.
    """
    since = end
    for moment in sorted((one for one in deleted if one <= end), reverse=True):
        if since - moment > GAP_S:
            break
        since = moment
    return since
