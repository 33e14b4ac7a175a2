"""Whether somebody is there: while nobody is, nothing is looked up."""

from __future__ import annotations

import time
from collections.abc import Callable


class Presence:
    """When a person was last seen to do something."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the start for the first sign of life."""
        self._clock = clock
        self._last = clock()

    def seen(self) -> None:
        """Take note of a key or a mouse event."""
        self._last = self._clock()

    @property
    def idle_s(self) -> float:
        """Seconds since then."""
        return self._clock() - self._last
