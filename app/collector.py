"""Keeps the garbage collector away from rows: it would look at each of a million again and again while they come.

A full collection visits every object that it tracks (docs.python.org/3/library/gc.html), which for a million rows takes
some 400 ms in which nothing is painted.  Rows hold no cycles and are freed by reference counting alone, so they are
put where the collector does not look; what else lies there by then is looked at again once the rows are gone.
"""

from __future__ import annotations

import gc
from typing import Final

EVERY: Final = 20_000
"""Rows that come between two times at which all that lives is put aside."""


class RowKeeper:
    """Counts the rows of one place, and puts them aside as they come."""

    def __init__(self) -> None:
        self._fresh = 0
        self._aside = False

    def grew(self, rows: int) -> None:
        """Take note of rows that have come; every so often all that lives is put aside."""
        self._fresh += rows
        if self._fresh >= EVERY:
            self._fresh = 0
            self._aside = True
            gc.collect(1)  # what died young is not worth keeping; the old generation is left alone
            gc.freeze()

    def left(self) -> None:
        """Have everything looked at again: the rows are gone, or will be soon."""
        self._fresh = 0
        if self._aside:
            self._aside = False
            gc.unfreeze()
