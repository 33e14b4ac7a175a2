"""Limits: by the clock, changed while running, and fair between transfers."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import UsageError
from services.transfer.messages import DEFAULT_TIMES, JobItem, SetBandwidth, SnapshotQuery
from services.transfer.meter import Bandwidth, limited
from services.transfer.timetable import parse_rate, parse_timetable
from tests.services.transfer.conftest import BUCKET, FAST, KIB, Lab, OpenLab, eventually, some_bytes

MONDAY = datetime(2026, 11, 23)
"""Midnight."""


@pytest.mark.parametrize(
    ("text", "rate"),
    [("24M", 24 << 20), ("500k", 500 << 10), ("1G", 1 << 30), ("1.5M", 3 << 19), ("100", 100), ("2MiB/s", 2 << 20)],
)
def test_rates_are_binary(text: str, rate: int) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    ("hours", "rate"),
    [(0, 0), (7.9, 0), (8, 2 << 20), (12, 2 << 20), (17.9, 2 << 20), (18, 0), (24 * 6 + 9, 2 << 20), (24 * 6 + 23, 0)],
)
def test_a_timetable_holds_every_day_and_over_midnight(hours: float, rate: int) -> None:
    times = parse_timetable("08:00,2M 18:00,off")
    assert times.rate_at(MONDAY + timedelta(hours=hours)) == rate


@pytest.mark.parametrize(("day", "rate"), [(0, 1 << 20), (3, 1 << 20), (4, 0), (6, 0)])
def test_days_of_the_week_can_be_named(day: int, rate: int) -> None:
    times = parse_timetable("Mon-08:00,1M; Friday-08:00,off")
    assert times.rate_at(MONDAY + timedelta(days=day, hours=9)) == rate
    assert times.rate_at(MONDAY) == 0  # what Friday said holds until Monday morning


@given(st.lists(st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 10**9)), min_size=1, max_size=9))
def test_what_is_kept_of_a_timetable_means_the_same(entries: list[tuple[int, int, int]]) -> None:
    times = parse_timetable(" ".join(f"{hour}:{minute:02},{rate}" for hour, minute, rate in entries))
    assert parse_timetable(times.text) == times
    hour, minute, rate = entries[-1]
    assert times.rate_at(MONDAY.replace(hour=hour, minute=minute)) == rate


class Clock:
    """Both clocks of a limit."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def today(self) -> datetime:
        return MONDAY + timedelta(seconds=self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that passes only while a limit waits."""
    clock = Clock()

    async def sleep(waiting: object, seconds: float) -> None:
        waiting.close()
        clock.now += seconds
        await asyncio.sleep(0)
        raise TimeoutError

    monkeypatch.setattr("services.transfer.meter.asyncio.wait_for", sleep)
    return clock


async def test_a_limit_follows_its_timetable(clock: Clock) -> None:
    clock.now = 8 * 3600 - 10.0
    limit = Bandwidth(0, clock, clock.today)
    limit.set_times(parse_timetable("00:00,1000 08:00,off"))
    for _ in range(100):
        await limit.take(500)
    # Ten seconds at 1,000 bytes, and then all at once.
    assert 8 * 3600 <= clock.now < 8 * 3600 + 1


async def test_a_small_transfer_is_not_behind_all_the_parts_of_a_large_one(clock: Clock) -> None:
    limit = Bandwidth(1000, clock)
    order: list[str] = []

    async def move(flow: str, count: int) -> None:
        await limit.take(count, flow)
        order.append(flow)

    async with asyncio.TaskGroup() as group:
        for _ in range(12):
            group.create_task(move("large", 1000))
        await asyncio.sleep(0)
        for number in range(3):
            group.create_task(move(f"small-{number}", 100))
    assert max(order.index(f"small-{number}") for number in range(3)) <= 6


async def test_whoever_gives_up_waiting_holds_nobody_up(clock: Clock) -> None:
    limit = Bandwidth(1000, clock)
    await limit.take(1000)
    tasks = [asyncio.create_task(limit.take(100, number)) for number in range(4)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.gather(tasks[1], tasks[3])
    assert tasks[0].cancelled() or tasks[2].cancelled()


async def test_a_limit_of_no_words_is_that_of_the_number() -> None:
    assert limited("", 5).rate == 5
    assert limited("2K", 5).rate == 2048


async def test_a_limit_that_is_lifted_lets_go_at_once_what_runs(lab: Lab) -> None:
    await lab.engine.submit(SetBandwidth(times="1K"))
    job = await lab.start("upload", JobItem(str(lab.file("a", some_bytes(900 * KIB))), f"gs://{BUCKET}/a"))
    await eventually(lambda: lab.faults.calls["uploads.put"])
    assert (await lab.engine.snapshot()).bandwidth == 1024
    await lab.engine.submit(SetBandwidth(times="off"))
    assert (await lab.ended(job)).job.state == "done"


async def test_a_timetable_is_kept_over_a_restart_until_the_default_is_wanted(
    open_lab: OpenLab, tmp_path: Path
) -> None:
    options = FAST._replace(bandwidth="7M")
    state = tmp_path / "shared"
    first = await open_lab(options=options, state=state, worker=True)
    assert (await first.engine.snapshot()).bandwidth == 7 << 20
    await first.engine.submit(SetBandwidth(times="00:00,3M 12:00,3M"))
    await first.engine.close()
    second = await open_lab(options=options, state=state, worker=True, server=first.server)
    seen = await second.engine.snapshot(SnapshotQuery())
    assert (seen.bandwidth, seen.bandwidth_times) == (3 << 20, "00:00,3M 12:00,3M")
    await second.engine.submit(SetBandwidth(times=DEFAULT_TIMES))
    assert (await second.engine.snapshot()).bandwidth == 7 << 20


@pytest.mark.parametrize("times", ["soon", "08:00", "1M 2M"])
async def test_what_is_no_limit_is_refused(lab: Lab, times: str) -> None:
    with pytest.raises(UsageError) as caught:
        await lab.engine.submit(SetBandwidth(times=times))
    assert "24M" in caught.value.remedy
    with pytest.raises(UsageError):
        await lab.start("upload", JobItem("/x", f"gs://{BUCKET}/x"), bandwidth_times=times)
