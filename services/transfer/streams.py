"""How many parts of one file go up at a time: more while that moves more, measured in whole chunks.

A chunk takes a stream a good part of a second, so what is counted is chunks, not time: after each change as many are
left out as were under way, and as many again are measured.  All of it is arithmetic over a clock that is handed in.
"""

from __future__ import annotations

import math
import time
from typing import Final

from services.transfer.meter import Clock

FIRST_STREAMS: Final = 2
"""Parts that are sent at a time, to begin with."""

FASTER: Final = 1.3
"""Times the goodput of one stream that two have to reach."""

CHUNKS: Final = 3
"""Chunks of each stream that are measured."""

PAYS: Final = 0.2
"""Share of the additional streams by which goodput has to grow."""

NEARLY_ALL: Final = 0.5
"""Share of the additional streams at which they are the only limit: then all there may be are tried at once."""


class Streams:
    """The number of streams of one upload."""

    def __init__(self, most: int, one_stream: float = 0.0, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._most = most
        self._one_stream = one_stream
        self._before = 1
        self._was = one_stream
        self._settled = False
        self.wanted = min(FIRST_STREAMS, most)
        """How many there should be."""
        self.faster: bool | None = None
        """Whether the first ones carry clearly more than one stream did; None while that is not known."""
        self._measure(skip=0)

    def _measure(self, skip: int) -> None:
        self._skip = skip
        self._chunks = self._bytes = 0
        self._since: float | None = None

    def began(self) -> None:
        """Note that a chunk is about to leave."""
        if self._since is None and not self._skip:
            self._since = self._clock()

    def ended(self, count: int) -> None:
        """Take in a chunk that has arrived."""
        if self._settled or not count:
            return
        if self._skip:
            self._skip -= 1
            if not self._skip:
                self._since = self._clock()
            return
        self._chunks += 1
        self._bytes += count
        if self._chunks < CHUNKS * self.wanted or self._since is None:
            return
        self._judge(self._bytes / max(1e-6, self._clock() - self._since))

    def _judge(self, goodput: float) -> None:
        if self.faster is None:
            self.faster = goodput >= FASTER * self._one_stream
        more = self.wanted / self._before - 1
        gain = (goodput / self._was - 1) / more if self._was and more else 1.0
        if gain < PAYS:
            # It was one step too far: there are as many as it takes to carry what was carried.
            enough = math.ceil(goodput * self._before / self._was)
            self.wanted, self._settled = min(self.wanted, max(self._before, enough)), True
        elif self.wanted >= self._most:
            self._settled = True
        else:
            self._before, self._was = self.wanted, goodput
            self.wanted = self._most if gain >= NEARLY_ALL else min(self._most, 2 * self.wanted)
            self._measure(skip=self._before)

    def broke_off(self) -> None:
        """Begin more carefully after a fault."""
        self.wanted = max(1, self.wanted // 2)
        self._settled = self.faster is not None
        self._measure(skip=0)
