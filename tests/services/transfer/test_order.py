"""The order of the queue: jobs and transfers come earlier or later, and stay so across a restart."""

from __future__ import annotations

import pytest

from services.errors import NotFound, UsageError
from services.localstore.faults import Fault
from services.transfer.messages import Control, JobItem, Place, Reorder, SnapshotQuery
from services.transfer.order import rearranged
from tests.services.transfer.conftest import BUCKET, FAST, Lab, OpenLab, eventually

ONE_BY_ONE = FAST._replace(begin=1, concurrency=1)
"""So that the order in which things end is the order of the queue."""


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


async def held(lab: Lab, folder: str, count: int) -> str:
    """Return the id of a paused job of `count` files of which none was sent."""
    for number in range(1, count + 1):
        lab.file(f"{folder}/{number:02}", b"x")
    lab.faults.add(Fault("objects.insert", "stall", "before", count=None))  # also when it is tried again
    job = await lab.start("upload", JobItem(str(lab.folder / folder), at(f"{folder}/"), tree=True))

    async def planned() -> bool:
        return any(view.id == job and view.planned for view in (await lab.engine.snapshot()).jobs)

    await eventually(planned)
    await lab.engine.submit(Control("pause", job))
    lab.faults.clear()
    return job


async def waiting(lab: Lab, job: str) -> list[str]:
    return [view.id for view in (await lab.engine.snapshot(SnapshotQuery(job=job, limit=100))).transfers]


async def move(lab: Lab, target: str, place: Place, other: str = "") -> int:
    return (await lab.engine.submit(Reorder(target, place, other))).affected


async def test_a_transfer_moves_to_the_top_up_down_and_before_another(open_lab: OpenLab) -> None:
    lab = await open_lab(options=ONE_BY_ONE, worker=True)
    job = await held(lab, "t", 8)
    assert await waiting(lab, job) == [f"{job}.{number}" for number in range(1, 9)]
    assert await move(lab, f"{job}.6", "top") == 1
    assert await move(lab, f"{job}.6", "top") == 0
    assert await move(lab, f"{job}.3", "up") == 1
    assert await move(lab, f"{job}.4", "down") == 1
    assert await move(lab, f"{job}.8", "before", f"{job}.1") == 1
    expected = [f"{job}.{number}" for number in (6, 8, 1, 3, 2, 5, 4, 7)]
    assert await waiting(lab, job) == expected
    await lab.engine.close()
    again = await open_lab(options=ONE_BY_ONE, worker=True, server=lab.server)
    assert await waiting(again, job) == expected
    await again.engine.submit(Control("resume", job))
    assert (await again.ended(job)).job.state == "done"
    assert [item.id for item in again.items(job)] == expected


async def test_a_window_of_the_queue_goes_on_behind_what_was_moved(open_lab: OpenLab) -> None:
    lab = await open_lab(options=ONE_BY_ONE)
    job = await held(lab, "t", 12)
    await move(lab, f"{job}.10", "top")
    await move(lab, f"{job}.11", "top")
    seen = []
    for offset in range(0, 12, 5):
        window = await lab.engine.snapshot(SnapshotQuery(job=job, offset=offset, limit=5))
        seen += [int(view.id.partition(".")[2]) for view in window.transfers]
    assert seen == [11, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12]


async def test_a_job_that_was_moved_up_is_done_before_the_others(open_lab: OpenLab) -> None:
    lab = await open_lab(options=ONE_BY_ONE, worker=True)
    first, second, third = [await held(lab, folder, 6) for folder in "abc"]
    assert await move(lab, first, "top") == 1
    assert [(view.id, view.rank) for view in (await lab.engine.snapshot()).jobs] == [
        (first, 1),
        (second, 0),
        (third, 0),
    ]
    await lab.engine.close()
    again = await open_lab(options=ONE_BY_ONE, worker=True, server=lab.server)
    assert {view.id: view.rank for view in (await again.engine.snapshot()).jobs} == {first: 1, second: 0, third: 0}
    await again.engine.submit(Control("resume"))
    for job in (first, second, third):
        assert (await again.ended(job)).job.state == "done"
    order = [item.job for item in again.items()]
    # One transfer of another job may have begun before the command reached the first.
    assert order.index(first) <= 1
    assert len(order) - 1 - order[::-1].index(first) <= 7
    # Those that nobody moved take turns.
    rest = [job for job in order if job != first]
    assert rest[:4].count(second) == 2


async def test_jobs_move_by_one_place_and_before_one_another(open_lab: OpenLab) -> None:
    lab = await open_lab(options=ONE_BY_ONE)
    first, second, third = [await held(lab, folder, 2) for folder in "abc"]

    async def shown() -> list[str]:
        jobs = (await lab.engine.snapshot()).jobs
        return [view.id for view in sorted(jobs, key=lambda view: (-view.rank, -view.created))]

    assert await shown() == [third, second, first]
    assert await move(lab, second, "up") == 1
    assert await shown() == [second, third, first]
    assert await move(lab, second, "down") == 1
    assert await shown() == [third, second, first]
    assert await move(lab, first, "before", second) == 1
    assert await shown() == [third, first, second]
    assert await move(lab, third, "up") == 0


async def test_what_does_not_wait_cannot_be_moved(open_lab: OpenLab) -> None:
    lab = await open_lab(options=ONE_BY_ONE)
    job = await held(lab, "t", 3)
    other = await held(lab, "u", 3)
    with pytest.raises(UsageError, match="within its job"):
        await move(lab, f"{job}.1", "before", f"{other}.1")
    with pytest.raises(NotFound):
        await move(lab, "99", "top")
    await lab.engine.submit(Control("resume", job))
    await lab.ended(job)
    with pytest.raises(UsageError, match="has ended"):
        await move(lab, f"{job}.1", "top")


def test_rearranged_moves_one_thing() -> None:
    queue = ["a", "b", "c", "d"]
    assert rearranged(queue, "c", "top", None) == ["c", "a", "b", "d"]
    assert rearranged(queue, "c", "up", None) == ["a", "c", "b", "d"]
    assert rearranged(queue, "a", "up", None) == queue
    assert rearranged(queue, "d", "down", None) == queue
    assert rearranged(queue, "a", "before", "d") == ["b", "c", "a", "d"]
    assert rearranged(queue, "d", "before", "b") == ["a", "d", "b", "c"]
