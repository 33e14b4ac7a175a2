"""Rates and limits: how fast bytes move, how long it will take, and how fast they may move."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

SMOOTHING_S: Final = 3.0
"""Seconds over which a rate is averaged."""

Clock = Callable[[], float]
"""Returns seconds on a scale that never goes back."""


class Meter:
    """A moving average of bytes a second, fed by looking at a growing count now and then."""

    __slots__ = ("_at", "_bytes", "_clock", "rate")

    rate: float
    """Bytes a second."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._at: float | None = None
        self._bytes = 0
        self.rate = 0.0

    def sample(self, count: int) -> float:
        """Take in the count of this moment and return the rate."""
        now = self._clock()
        if self._at is None:
            self._at, self._bytes = now, count
            return self.rate
        passed = now - self._at
        if passed < 0.05:
            return self.rate
        current = max(0, count - self._bytes) / passed
        weight = min(1.0, passed / SMOOTHING_S) if self.rate else 1.0
        self.rate += (current - self.rate) * weight
        if self.rate < 1:
            self.rate = 0.0
        self._at, self._bytes = now, count
        return self.rate


def eta(left: int, rate: float) -> float | None:
    """Return the seconds that `left` bytes take, or None where that cannot be said."""
    return left / rate if rate > 0 and left >= 0 else None


class Bandwidth:
    """A token bucket: bytes a second that may move; one that is not limited costs nothing."""

    def __init__(self, rate: int = 0, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._rate = rate
        self._tokens = 0.0
        self._at = clock()
        self._changed = asyncio.Event()

    @property
    def rate(self) -> int:
        """Bytes a second; 0 for no limit."""
        return self._rate

    def set_rate(self, rate: int) -> None:
        """Change the limit, for those that wait as well."""
        self._refill()
        self._rate = rate
        self._tokens = min(self._tokens, float(rate))
        self._changed.set()
        self._changed = asyncio.Event()

    async def take(self, count: int) -> None:
        """Wait until `count` bytes may move.

        The debt of a large part is paid before the next one moves, so parts may be larger than a second's worth.
        """
        while self._rate:
            self._refill()
            if self._tokens >= 0:
                self._tokens -= count
                return
            changed = self._changed
            try:
                await asyncio.wait_for(changed.wait(), min(1.0, -self._tokens / self._rate))
            except TimeoutError:
                continue

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(float(self._rate), self._tokens + (now - self._at) * self._rate)
        self._at = now


def part_size(wanted: int, rates: list[int], multiple: int) -> int:
    """Return the bytes of a part: about a second's worth under a limit, a multiple of `multiple`, at most `wanted`."""
    limits = [rate for rate in rates if rate]
    if limits:
        wanted = min(wanted, max(multiple, min(limits)))
    return max(multiple, wanted - wanted % multiple)
