"""Lanes of small downloads: no task for each object, nobody else held up, and what is not plain left to others."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.localstore.faults import Fault
from services.transfer import journal as journals
from services.transfer import landing
from services.transfer.lanes import MOST_ASHORE, Lanes
from services.transfer.messages import Control, JobItem
from services.transfer.record import Record, has_plain_end, to_end
from tests.services.transfer.conftest import BUCKET, FAST, Lab, OpenLab, eventually

FEW = FAST._replace(begin=4, concurrency=4)
"""So few requests at a time that each lane has much to do."""


async def filled(lab: Lab, folder: str, count: int) -> dict[str, bytes]:
    contents = {f"{folder}/{number % 3}/f{number:03}": os.urandom(50 + number) for number in range(count)}
    await asyncio.gather(*(lab.put(name, content) for name, content in contents.items()))
    return contents


def tree(lab: Lab, folder: str) -> JobItem:
    return JobItem(f"gs://{BUCKET}/{folder}/", str(lab.folder / folder), tree=True)


def found(lab: Lab, folder: str) -> dict[str, bytes]:
    paths = (path for path in (lab.folder / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(lab.folder)): path.read_bytes() for path in paths}


async def test_many_objects_take_few_tasks(open_lab: OpenLab, launched: list[int]) -> None:
    lab = await open_lab(options=FEW)
    contents = await filled(lab, "d", 200)
    end = await lab.run("download", tree(lab, "d"))
    assert (end.job.state, end.job.done, end.job.bytes) == ("done", 200, sum(map(len, contents.values())))
    assert found(lab, "d") == contents
    batches = [size for size in launched if size > 1]
    assert sum(batches) <= 200
    assert len(launched) < 150  # lanes and batches, where there were 200 tasks


async def test_what_is_in_the_way_is_left_to_the_policy(open_lab: OpenLab) -> None:
    lab = await open_lab(options=FEW)
    contents = await filled(lab, "d", 60)
    mine = sorted(contents)[::7]
    for name in mine:
        lab.file(name, b"mine")
    end = await lab.run("download", tree(lab, "d"), conflict="skip")
    assert (end.job.state, end.job.done, end.job.skipped) == ("done", 60, len(mine))
    assert found(lab, "d") == contents | dict.fromkeys(mine, b"mine")


async def test_a_copy_is_kept_beside_what_is_in_the_way(open_lab: OpenLab) -> None:
    lab = await open_lab(options=FEW)
    contents = await filled(lab, "d", 9)
    name = max(contents)
    lab.file(name, b"mine")
    end = await lab.run("download", tree(lab, "d"), conflict="keep-both")
    assert (end.job.state, end.job.done) == ("done", 9)
    assert found(lab, "d") == contents | {name: b"mine", f"{name} (1)": contents[name]}


async def test_a_fault_counts_as_the_first_try(open_lab: OpenLab) -> None:
    lab = await open_lab(options=FEW)
    await lab.put("d/one", b"content")
    lab.faults.add(Fault("objects.get_media", "status", count=2))
    end = await lab.run("download", tree(lab, "d"))
    assert end.job.state == "done"
    assert lab.faults.calls["objects.get_media"] == 3  # the first try asks twice, as every one does
    assert [item.attempt for item in lab.items()] == [2]


async def test_another_job_need_not_wait_until_a_long_one_ends(open_lab: OpenLab) -> None:
    lab = await open_lab(options=FEW._replace(begin=1, concurrency=1))
    await filled(lab, "long", 300)
    short = await filled(lab, "short", 3)
    lab.faults.add(Fault("objects.get_media", "latency", seconds=0.01, count=None))
    long_one = await lab.start("download", tree(lab, "long"))
    await eventually(lambda: lab.items(long_one))
    end = await lab.run("download", tree(lab, "short"))
    assert end.job.state == "done"
    assert found(lab, "short") == short
    assert lab.end_of(long_one) is None
    assert (await lab.ended(long_one)).job.done == 300


async def test_a_paused_job_stops_and_goes_on(open_lab: OpenLab) -> None:
    lab = await open_lab(options=FEW._replace(begin=1, concurrency=1))
    contents = await filled(lab, "d", 200)
    lab.faults.add(Fault("objects.get_media", "latency", seconds=0.01, count=None))
    job = await lab.start("download", tree(lab, "d"))
    await eventually(lambda: lab.items(job))
    await lab.engine.submit(Control("pause", job))
    snapshot = await lab.engine.snapshot()
    while snapshot.running:  # what is on its way to the disk gets there
        snapshot = await lab.engine.snapshot()
    assert snapshot.jobs[0].state == "paused"
    assert snapshot.jobs[0].done < 200
    await lab.engine.submit(Control("resume", job))
    assert (await lab.ended(job)).job.done == 200
    assert found(lab, "d") == contents


async def test_a_slow_disk_holds_the_lanes_up(open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.transfer.lanes.MOST_ASHORE", 20)
    gate, real, most = threading.Event(), landing.land, 0
    seen: list[int] = []
    gather = Lanes._gather

    def slow(batch: list[landing.Landing], umask: int) -> None:
        gate.wait(30)
        real(batch, umask)

    def counted(self: Lanes, *arguments: Any) -> None:
        gather(self, *arguments)
        seen.append(self._ashore)

    monkeypatch.setattr(landing, "land", slow)
    monkeypatch.setattr(Lanes, "_gather", counted)
    lab = await open_lab(options=FEW)
    contents = await filled(lab, "d", 100)
    job = await lab.start("download", tree(lab, "d"))
    await eventually(lambda: len(seen) >= 20)
    most = len(seen)
    gate.set()
    assert (await lab.ended(job)).job.done == 100
    assert most <= max(seen) <= 20 + FEW.concurrency
    assert found(lab, "d") == contents
    assert FAST.buffered >= MOST_ASHORE * 64 * 1024


async def test_only_the_end_of_what_went_plainly_is_written(open_lab: OpenLab, tmp_path: Path) -> None:
    lab = await open_lab(options=FEW, worker=True)
    contents = await filled(lab, "d", 30)
    end = await lab.run("download", tree(lab, "d"))
    records = journals.read_from(
        tmp_path / "state" / "journals" / "worker.db",
        lambda db: list(db.execute("SELECT source, state, written, generation, nonce FROM transfers")),
    )
    assert records is not None
    assert {source.removeprefix(f"gs://{BUCKET}/") for source, *_ in records} == set(contents)
    assert all(
        state == "done" and written == generation > 0 and nonce for _, state, written, generation, nonce in records
    )
    assert end.job.done == 30


@pytest.mark.parametrize(
    "changes",
    [{"attempt": 2}, {"session": "s"}, {"fingerprint": "f"}, {"decision": "skip"}, {"skipped": 1}, {"moved": 1},
     {"action": "move"}],
)  # fmt: skip
def test_what_has_more_to_tell_than_its_end_is_written_whole(changes: dict[str, Any]) -> None:
    plain = Record(1, 2, "download", "gs://b/n", "/n", state="done", generation=7, written=7)
    assert has_plain_end(plain)
    assert to_end(plain) == ("done", 0, 7, "", None, "", "", 7, 1, 2)
    assert not has_plain_end(replace(plain, **changes))


async def test_closing_waits_for_what_was_fetched(open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, real, batches = threading.Event(), landing.land, 0
    waiting: list[int] = []
    gather = Lanes._gather

    def slow(batch: list[landing.Landing], umask: int) -> None:
        nonlocal batches
        gate.wait(30)
        batches += 1
        real(batch, umask)

    def counted(self: Lanes, *arguments: Any) -> None:
        gather(self, *arguments)
        waiting.append(self._ashore)

    monkeypatch.setattr(landing, "land", slow)
    monkeypatch.setattr(Lanes, "_gather", counted)
    lab = await open_lab(options=FEW)
    contents = await filled(lab, "d", 40)
    await lab.start("download", tree(lab, "d"))
    await eventually(lambda: len(waiting) == 40)  # all are fetched: a batch is on its way, the others follow it
    closing = asyncio.create_task(lab.engine.close())
    await asyncio.sleep(0)
    gate.set()
    await closing
    assert batches > 1
    assert found(lab, "d") == contents
