"""Rates and limits: how fast bytes move, how long it will take, and how fast they may move."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.transfer.timetable import Timetable, parse_timetable

SMOOTHING_S: Final = 3.0
"""Seconds over which a rate is averaged."""

SHORTEST_S: Final = 0.001
"""Seconds that anything waits for at least, so that time has passed for certain."""

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


@dataclass(slots=True, eq=False, repr=False)
class _Turn:
    """Somebody who waits until bytes may move."""

    start: float
    """Where it stands in the queue: the bytes that its flow had moved, among those of all flows."""
    count: int
    """How many bytes."""
    called: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is its turn."""
    gone: bool = False
    """It was cancelled."""


class Bandwidth:
    """A token bucket: bytes a second that may move, in turns between flows; one that is not limited costs nothing.

    Whoever waits is served by the bytes that its flow has had (start-time fair queueing), so a small transfer is not
    behind all the parts of a large one.  A timetable is looked up at every turn.
    """

    def __init__(
        self, rate: int = 0, clock: Clock = time.monotonic, now: Callable[[], datetime] = datetime.now
    ) -> None:
        self._clock = clock
        self._now = now
        self._times = Timetable(rates=(rate,))
        self._tokens = 0.0
        self._at = clock()
        self._changed = asyncio.Event()
        self._front: _Turn | None = None
        self._queue: list[tuple[float, int, _Turn]] = []
        self._number = itertools.count()
        self._served: dict[Hashable, float] = {}
        self._virtual = 0.0

    @property
    def rate(self) -> int:
        """Bytes a second that may move now; 0 for no limit."""
        times = self._times
        return times.rate_at(self._now()) if times.minutes else times.rates[0]

    @property
    def times(self) -> Timetable:
        """The limit as it was set."""
        return self._times

    def set_rate(self, rate: int) -> None:
        """Change the limit to one rate, for those that wait as well."""
        self.set_times(Timetable(str(rate) if rate else "off", (), (rate,)))

    def set_times(self, times: Timetable) -> None:
        """Change the limit, for those that wait as well."""
        self._refill()
        self._times = times
        self._tokens = min(self._tokens, float(self.rate))
        self._changed.set()
        self._changed = asyncio.Event()

    async def take(self, count: int, flow: Hashable = None) -> None:
        """Wait until `count` bytes of one flow may move.

        The debt of a large part is paid before the next one moves, so parts may be larger than a second's worth.
        """
        if not self.rate:
            return
        turn = _Turn(max(self._virtual, self._served.get(flow, 0.0)), count)
        self._served[flow] = turn.start + count
        if self._front is None:
            self._call(turn)
        else:
            heapq.heappush(self._queue, (turn.start, next(self._number), turn))
        try:
            await turn.called.wait()
            await self._wait_for_tokens()
            self._tokens -= count
        finally:
            turn.gone = True
            if self._front is turn:
                self._call_next()

    async def _wait_for_tokens(self) -> None:
        while rate := self.rate:
            self._refill()
            if self._tokens >= 0:
                return
            changed = self._changed
            try:
                await asyncio.wait_for(changed.wait(), min(1.0, max(SHORTEST_S, -self._tokens / rate)))
            except TimeoutError:
                continue

    def _call(self, turn: _Turn) -> None:
        self._front = turn
        self._virtual = turn.start
        turn.called.set()

    def _call_next(self) -> None:
        self._front = None
        while self._queue:
            turn = heapq.heappop(self._queue)[2]
            if not turn.gone:
                self._call(turn)
                return
        # Nobody waits: what each had before says nothing about those that come next.
        self._served.clear()
        self._virtual = 0.0

    def _refill(self) -> None:
        now, rate = self._clock(), float(self.rate)
        self._tokens = min(rate, self._tokens + (now - self._at) * rate)
        self._at = now


def limited(text: str, rate: int = 0) -> Bandwidth:
    """Return a limit as it was written, or of `rate` where nothing was; raises `ValueError`."""
    limit = Bandwidth(rate)
    if text:
        limit.set_times(parse_timetable(text))
    return limit


def part_size(wanted: int, rates: list[int], multiple: int) -> int:
    """Return the bytes of a part: about a second's worth under a limit, a multiple of `multiple`, at most `wanted`."""
    limits = [rate for rate in rates if rate]
    if limits:
        wanted = min(wanted, max(multiple, min(limits)))
    return max(multiple, wanted - wanted % multiple)
