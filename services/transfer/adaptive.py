"""How many requests are under way on one connection: more while that moves more, fewer when the service asks.

The number doubles as long as each doubling pays, and is tried upwards again now and then: lines change.  What pays is
goodput, in bytes a second, where a request counts as some bytes as well: thousands of small objects are slow because
of the requests, not of their bytes.  A refusal (429, 503) takes away a third, and every success gives a little back.
All of it is arithmetic over a clock that is handed in.
"""

from __future__ import annotations

import time
from typing import Final

from services.transfer.meter import Clock

REQUEST_COST: Final = 256 * 1024
"""Bytes that a request counts as: about what a stream moves in the time that a request takes."""

EPOCH_S: Final = 0.1
"""Seconds that one number is tried for at least; it also has to be used up once."""

PAYS: Final = 0.2
"""Share of the additional requests by which goodput has to grow: 20 % where they were doubled."""

HOLD: Final = 10
"""Epochs before a larger number is tried again."""

HOLD_MOST: Final = 160
"""Epochs between tries that don't pay, at the most; doubled from `HOLD` each time."""

OWN_LIMIT: Final = 0.6
"""Share of a processor from which on it is this process that is the limit: more requests would only wait here."""

SLOWER: Final = 2.0
"""Times its usual latency at which a number is too large, where goodput did not grow."""

CUT: Final = 0.7
"""What a refusal leaves."""

CUT_PAUSE_S: Final = 0.05
"""Seconds for which further refusals say nothing new at least: those were under way when the first one came."""

CAREFUL: Final = 1.05
"""Times the number that is tried next where the service is known to refuse soon."""

GIVE_BACK: Final = 0.1
"""What a success gives back after a cut."""


class Pace:
    """The number of requests that may be under way on one connection."""

    def __init__(self, begin: int, most: int, clock: Clock = time.monotonic, busy: Clock = time.thread_time) -> None:
        """Begin with so many; `busy` tells for how long the thread that asks has had a processor."""
        self._clock = clock
        self._busy = busy
        self._begin = min(begin, most)
        self._most = most
        self._slots = float(self._begin)
        self._full = False
        self._refused_at = float("-inf")
        self._wall = float("inf")  # where the service refused last
        self._aim = 0.0  # where the number was when it was cut
        self._tried: tuple[float, float] | None = None  # the number before this try, and its goodput
        self._usual_s = 0.0
        self._goodput = 0.0
        self._hold = 0
        self._patience = HOLD
        self._settling = 0  # how many have to end before a larger number is judged
        self._new_epoch()

    @property
    def slots(self) -> int:
        """How many may be under way."""
        return int(self._slots)

    def full(self) -> None:
        """Note that one more would have been started if there were room: only then an epoch says something."""
        if not (self._full or self._count):
            self._new_epoch()  # what passed before there was so much to do says nothing
        self._full = True

    def ended(self, moved: int, seconds: float, requests: int = 1) -> None:
        """Take in that something was done well: its bytes, how long it took, how many requests it stands for."""
        if self._aim:
            self._slots = min(self._slots + GIVE_BACK, self._aim)
            if self._slots >= self._aim:
                self._aim = 0.0
        if self._settling:
            self._settling -= 1
            self._new_epoch()
            return
        self._work += moved + requests * REQUEST_COST
        self._taken_s += seconds
        self._count += 1
        passed = self._clock() - self._since
        if passed >= EPOCH_S and self._count >= self.slots:
            if self._full and not self._aim:
                own = (self._busy() - self._busy_since) / passed
                self._judge(self._work / passed, self._taken_s / self._count, own)
            self._new_epoch()

    def refused(self) -> None:
        """Take away a third: the service asks for less."""
        now = self._clock()
        if now - self._refused_at < max(CUT_PAUSE_S, 1.5 * self._usual_s):
            return
        self._refused_at = now
        self._wall = self._slots
        # The next time it is not to come as far again by itself.
        self._aim = max(1.0, self._slots * (1 + CUT) / 2)
        self._slots = max(1.0, self._slots * CUT)
        self._tried = None
        self._settling = 0
        self._hold = self._patience = HOLD
        self._new_epoch()

    def _new_epoch(self) -> None:
        self._since, self._busy_since = self._clock(), self._busy()
        self._work = self._count = 0
        self._taken_s = 0.0
        self._full = False

    def _judge(self, goodput: float, latency_s: float, own: float) -> None:
        """Decide what to do with the number after it was tried for an epoch, with this share of a processor."""
        if self._tried is not None:
            before, was = self._tried
            self._tried = None
            if goodput < was * (1 + PAYS * (self._slots / before - 1)):
                self._slots = before
                self._hold, self._patience = self._patience, min(HOLD_MOST, 2 * self._patience)
                return
            self._patience = HOLD
        elif self._hold > 0:
            self._hold -= 1
            if self._usual_s and latency_s > SLOWER * self._usual_s and goodput <= self._goodput:
                self._slots = max(float(min(4, self._begin)), self._slots * 0.8)
                self._usual_s = latency_s
            return
        self._usual_s, self._goodput = latency_s, goodput
        if self._slots < self._most and own < OWN_LIMIT:
            self._tried = self._slots, goodput
            self._slots = min(float(self._most), self._next())
            # Those under way began with fewer beside them, and the first of the others wait for their connections.
            self._settling = self.slots

    def _next(self) -> float:
        """Return the number to try next: twice as many, but carefully near to where the service refused."""
        if self._slots > self._wall:
            self._wall = float("inf")  # it allows more than it did
        wanted = 2 * self._slots
        if wanted < self._wall:
            return wanted
        return max(self._slots * CAREFUL, self._slots + 1, min(wanted, self._wall * (1 + CUT) / 2))
