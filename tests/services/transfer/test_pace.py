"""How many requests are under way: a line is simulated, by a clock that only the test moves."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from services.transfer.adaptive import Pace


@dataclass
class Road:
    """A line on which a request takes `latency_s`, and the whole carries at most `most` requests a second."""

    latency_s: float
    most: float
    refuse_above: int = 0
    connect_s: float = 0.0
    connected: int = 0
    now: float = 0.0
    free_at: float = 0.0
    refusals: int = 0

    def drive(self, pace: Pace, requests: int) -> float:
        """Carry so many requests as fast as the pace allows; returns the seconds that it took."""
        begun, under_way, started = self.now, [], 0
        while started < requests or under_way:
            while started < requests and len(under_way) < pace.slots:
                started += 1
                self.free_at = max(self.free_at, self.now) + 1 / self.most
                refused = bool(self.refuse_above) and len(under_way) >= self.refuse_above
                self._connect(len(under_way))
                heapq.heappush(under_way, (max(self.now, self.free_at) + self.latency_s, self.now, refused))
            if started < requests:
                pace.full()
            ended, since, refused = heapq.heappop(under_way)
            self.now = ended
            if refused:
                self.refusals += 1
                pace.refused()
            else:
                pace.ended(4096, ended - since)
        return self.now - begun

    def _connect(self, under_way: int) -> None:
        """Make a connection for one more, where there is none yet: one after the other."""
        if under_way >= self.connected:
            self.connected += 1
            self.free_at = max(self.free_at, self.now) + self.connect_s


def paced(road: Road, begin: int = 16, most: int = 256) -> Pace:
    return Pace(begin, most, clock=lambda: road.now)


def test_a_far_line_gets_many_requests_soon() -> None:
    road = Road(latency_s=0.03, most=100_000)
    pace = paced(road)
    taken = road.drive(pace, 5000)
    assert pace.slots == 256
    assert taken < 2 * 5000 / 256 * 0.03 + 1


def test_what_new_connections_take_is_not_held_against_a_larger_number() -> None:
    road = Road(latency_s=0.03, most=100_000, connect_s=0.001)
    pace = paced(road, begin=32)
    taken = road.drive(pace, 5000)
    assert pace.slots == 256
    assert taken < 2 * 5000 / 256 * 0.03 + 1


def test_where_the_machine_is_the_limit_more_requests_are_not_kept() -> None:
    road = Road(latency_s=0.001, most=3000)
    pace = paced(road)
    road.drive(pace, 30_000)
    assert pace.slots <= 32


def test_it_stops_growing_where_the_line_is_full() -> None:
    road = Road(latency_s=0.03, most=1500)  # 45 under way fill it
    pace = paced(road)
    road.drive(pace, 20_000)
    assert 32 <= pace.slots <= 128


def test_refusals_bring_it_down_and_success_up_again() -> None:
    road = Road(latency_s=0.03, most=100_000, refuse_above=60)
    pace = paced(road)
    road.drive(pace, 20_000)
    assert pace.slots <= 128
    assert road.refusals < 2000
    pace = paced(road)
    for _ in range(40):
        road.now += 1
        pace.refused()
    assert pace.slots == 1
    road.refuse_above = 0
    road.drive(pace, 3000)
    assert pace.slots >= 16


def test_refusals_of_one_moment_count_once() -> None:
    road = Road(latency_s=0.03, most=1000)
    pace = paced(road)
    for _ in range(100):
        pace.refused()
    assert pace.slots == 11


def test_what_is_not_used_is_not_made_larger() -> None:
    road = Road(latency_s=0.03, most=1000)
    pace = paced(road)
    for _ in range(1000):
        road.now += 0.03
        pace.ended(4096, 0.03)
    assert pace.slots == 16


def test_a_pace_keeps_to_the_most_that_is_allowed() -> None:
    road = Road(latency_s=0.03, most=100_000)
    pace = paced(road, most=2)
    assert pace.slots == 2
    road.drive(pace, 1000)
    assert pace.slots == 2


def test_a_line_that_becomes_wider_is_used_again() -> None:
    road = Road(latency_s=0.03, most=600)
    pace = paced(road)
    road.drive(pace, 3000)
    narrow = pace.slots
    road.most = 100_000
    road.drive(pace, 60_000)
    assert pace.slots > narrow
