"""Lanes of small uploads: files read many at a time, no task for each, and what is not plain left to others."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services import checksum
from services.gcs.interface import ListQuery, Written
from services.localstore.faults import Fault
from services.transfer import ahead, lanes, reading
from services.transfer import journal as journals
from services.transfer.ahead import BATCH, PIECE, SMALL_FILE, Ahead, is_plain
from services.transfer.gather import Gather
from services.transfer.messages import Control, JobItem
from services.transfer.metadata import MTIME_KEY, NONCE_KEY
from services.transfer.reading import Content, read_many
from services.transfer.record import Record
from tests.services.transfer.conftest import BUCKET, FAST, Lab, OpenLab, eventually
from tests.services.transfer.doubles import changed

FEW = FAST._replace(begin=4, concurrency=4)
"""So few requests at a time that each lane has much to do."""


def filled(lab: Lab, folder: str, count: int) -> dict[str, bytes]:
    contents = {f"{folder}/{number % 3}/f{number:03}.txt": os.urandom(50 + number) for number in range(count)}
    for name, content in contents.items():
        lab.file(name, content)
    return contents


def tree(lab: Lab, folder: str) -> JobItem:
    return JobItem(str(lab.folder / folder), f"gs://{BUCKET}/{folder}/", tree=True)


async def found(lab: Lab, folder: str) -> dict[str, bytes]:
    names = await lab.names(f"{folder}/")
    return dict(zip(names, await asyncio.gather(*(lab.get(name) for name in names)), strict=True))


async def generations(lab: Lab, folder: str) -> int:
    return len(await lab.names(f"{folder}/", versions=True))


async def versioned(lab: Lab) -> None:
    info = await lab.storage.control.get_bucket(BUCKET)
    await lab.storage.control.patch_bucket(
        BUCKET, {"versioning": {"enabled": True}}, metageneration=info.metageneration
    )


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what lanes have sent."""
    names: list[str] = []
    real = lanes.send

    async def send(run: Any, content: Content) -> None:
        await real(run, content)
        names.append(run.record.target.removeprefix(f"gs://{BUCKET}/"))

    monkeypatch.setattr(lanes, "send", send)
    return names


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many files each turn of a thread has read."""
    sizes: list[int] = []

    def read(wanted: Any, limit: int) -> list[Content | None]:
        sizes.append(len(wanted))
        return read_many(wanted, limit)

    monkeypatch.setattr(ahead, "read_many", read)
    return sizes


async def test_many_files_take_few_tasks_and_turns(
    open_lab: OpenLab, launched: list[int], sent: list[str], turns: list[int]
) -> None:
    lab = await open_lab(options=FEW)
    contents = filled(lab, "d", 300)
    end = await lab.run("upload", tree(lab, "d"))
    assert (end.job.state, end.job.done, end.job.bytes) == ("done", 300, sum(map(len, contents.values())))
    assert await found(lab, "d") == contents
    assert sorted(sent) == sorted(contents)
    assert len(launched) < 60  # lanes, where there were 300 tasks
    assert sum(turns) == 300  # none is read twice
    assert len(turns) < 20


async def test_an_object_gets_the_time_the_type_and_the_mark_of_its_file(open_lab: OpenLab, sent: list[str]) -> None:
    lab = await open_lab(options=FEW, worker=True)
    filled(lab, "d", 5)
    os.utime(lab.folder / "d/0/f000.txt", (1.5e9, 1.5e9))
    end = await lab.run("upload", tree(lab, "d"))
    info = await lab.storage.data.stat(BUCKET, "d/0/f000.txt")
    assert "d/0/f000.txt" in sent
    assert (info.content_type, info.metadata[MTIME_KEY]) == ("text/plain", "1500000000")
    records = journals.read_from(
        lab.folder.parent / "state" / "journals" / "worker.db",
        lambda db: list(db.execute("SELECT target, state, written, crc32c, nonce, size FROM transfers")),
    )
    assert records is not None
    (noted,) = [one for one in records if one[0] == info.url]
    assert noted == (info.url, "done", info.generation, info.crc32c, info.metadata[NONCE_KEY], info.size)
    assert end.job.done == 5


async def test_what_is_in_the_way_is_left_to_the_policy(open_lab: OpenLab) -> None:
    lab = await open_lab(options=FEW)
    contents = filled(lab, "d", 60)
    theirs = sorted(contents)[::7]
    await asyncio.gather(*(lab.put(name, b"theirs") for name in theirs))
    end = await lab.run("upload", tree(lab, "d"), conflict="skip")
    assert (end.job.state, end.job.done, end.job.skipped) == ("done", 60, len(theirs))
    assert await found(lab, "d") == contents | dict.fromkeys(theirs, b"theirs")


async def test_what_is_in_the_way_is_replaced_at_the_generation_that_was_seen(open_lab: OpenLab) -> None:
    lab = await open_lab(options=FEW)
    contents = filled(lab, "d", 40)
    await asyncio.gather(*(lab.put(name, b"theirs") for name in contents))
    end = await lab.run("upload", tree(lab, "d"), conflict="replace")
    assert (end.job.state, end.job.done) == ("done", 40)
    assert await found(lab, "d") == contents
    assert all(item.replaced for item in lab.items())


@pytest.mark.parametrize("kind", ["status", "reset"])
async def test_h06_a_lost_answer_is_read_back_and_nothing_is_sent_twice(open_lab: OpenLab, kind: str) -> None:
    lab = await open_lab(options=FEW)
    await versioned(lab)
    contents = filled(lab, "d", 40)
    for number in range(6):
        lab.faults.add(Fault("objects.insert", kind, "after", skip=number * 4))  # type: ignore[arg-type]
    end = await lab.run("upload", tree(lab, "d"))
    assert (end.job.state, end.job.done) == ("done", 40)
    assert await found(lab, "d") == contents
    assert await generations(lab, "d") == 40


async def test_a_fault_counts_as_the_first_try(open_lab: OpenLab) -> None:
    lab = await open_lab(options=FEW)
    contents = filled(lab, "d", 8)
    lab.faults.add(Fault("objects.insert", "status"))
    end = await lab.run("upload", tree(lab, "d"))
    assert end.job.state == "done"
    assert lab.faults.calls["objects.insert"] == 8 + 1
    assert sorted(item.attempt for item in lab.items()) == [1] * 7 + [2]
    assert await found(lab, "d") == contents


async def test_what_arrives_with_another_checksum_is_removed_and_sent_again(open_lab: OpenLab) -> None:
    wrong: list[int] = []

    async def create(real: Any, *arguments: Any, **options: Any) -> Written:
        made: Written = await real(*arguments, **options)
        if len(wrong) == 3:
            return made
        wrong.append(made.generation)
        return made._replace(crc32c="AAAAAA==")

    lab = await open_lab(options=FEW._replace(open_storage=changed(create=create)))
    contents = filled(lab, "d", 20)
    end = await lab.run("upload", tree(lab, "d"))
    assert (end.job.state, end.job.done) == ("done", 20)
    assert await found(lab, "d") == contents
    assert len(wrong) == 3
    page = await lab.storage.data.list_page(BUCKET, ListQuery(prefix="d/"))
    assert not {row.generation for row in page.objects} & set(wrong)


async def test_a_file_that_is_gone_or_no_file_any_more_is_told_and_the_rest_goes_on(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await open_lab(options=FEW)
    contents = filled(lab, "d", 30)
    gone, fifo, grown = sorted(contents)[5:8]

    def read(wanted: Any, limit: int) -> list[Content | None]:
        if (lab.folder / gone).exists():
            (lab.folder / gone).unlink()
            (lab.folder / fifo).unlink()
            os.mkfifo(lab.folder / fifo)
            (lab.folder / grown).write_bytes(bytes(SMALL_FILE + 1))
        return read_many(wanted, limit)

    monkeypatch.setattr(ahead, "read_many", read)
    end = await lab.run("upload", tree(lab, "d"))
    assert (end.job.state, end.job.done, end.job.failed) == ("failed", 28, 2)
    del contents[gone], contents[fifo]
    assert await found(lab, "d") == contents | {grown: bytes(SMALL_FILE + 1)}


async def test_a_paused_job_stops_holds_no_file_and_goes_on_with_what_is_there_then(open_lab: OpenLab) -> None:
    lab = await open_lab(options=FEW._replace(begin=1, concurrency=1))
    contents = filled(lab, "d", 100)
    lab.faults.add(Fault("objects.insert", "latency", seconds=0.01, count=None))
    job = await lab.start("upload", tree(lab, "d"))
    await eventually(lambda: lab.items(job))
    await lab.engine.submit(Control("pause", job))
    snapshot = await lab.engine.snapshot()
    while snapshot.running:
        snapshot = await lab.engine.snapshot()
    assert snapshot.jobs[0].state == "paused"
    assert snapshot.jobs[0].done < 100
    last = max(contents)
    contents[last] = b"changed meanwhile"
    lab.file(last, contents[last])
    lab.faults.clear()
    await lab.engine.submit(Control("resume", job))
    assert (await lab.ended(job)).job.done == 100
    assert await found(lab, "d") == contents


async def test_a_cancelled_job_stops_while_files_are_read(open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, begun = threading.Event(), threading.Event()

    def read(wanted: Any, limit: int) -> list[Content | None]:
        begun.set()
        gate.wait(30)
        return read_many(wanted, limit)

    monkeypatch.setattr(ahead, "read_many", read)
    lab = await open_lab(options=FEW)
    filled(lab, "d", 30)
    job = await lab.start("upload", tree(lab, "d"))
    await eventually(begun.is_set)
    await lab.engine.submit(Control("cancel", job))
    gate.set()
    end = await lab.ended(job)
    assert (end.job.state, end.job.done) == ("cancelled", 0)
    assert await lab.names("d/") == []


async def test_another_job_need_not_wait_until_a_long_one_ends(open_lab: OpenLab) -> None:
    lab = await open_lab(options=FEW._replace(begin=1, concurrency=1))
    filled(lab, "long", 300)
    short = filled(lab, "short", 3)
    lab.faults.add(Fault("objects.insert", "latency", seconds=0.01, count=None))
    long_one = await lab.start("upload", tree(lab, "long"))
    await eventually(lambda: lab.items(long_one))
    end = await lab.run("upload", tree(lab, "short"))
    assert end.job.state == "done"
    assert await found(lab, "short") == short
    assert lab.end_of(long_one) is None
    lab.faults.clear()
    assert (await lab.ended(long_one)).job.done == 300


async def test_larger_files_between_small_ones_go_by_themselves(
    open_lab: OpenLab, sent: list[str], turns: list[int]
) -> None:
    lab = await open_lab(options=FEW)
    contents = {f"d/{number:02}": os.urandom(SMALL_FILE + 1 if number % 5 == 0 else 100) for number in range(60)}
    for name, content in contents.items():
        lab.file(name, content)
    end = await lab.run("upload", tree(lab, "d"))
    assert (end.job.state, end.job.done) == ("done", 60)
    assert await found(lab, "d") == contents
    assert all(len(contents[name]) == 100 for name in sent)
    assert sum(turns) <= 48


def read_one(path: Path, base: int = 0, limit: int = 1000) -> Content | None:
    (content,) = read_many([(str(path), base)], limit)
    return content


def test_files_are_read_whole_in_their_order(tmp_path: Path) -> None:
    contents = {tmp_path / f"{number % 3}" / f"f{number}": os.urandom(number * 50) for number in range(20)}
    for path, content in contents.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    wanted = [(str(path), len(str(tmp_path))) for path in contents]
    read = read_many(wanted, 1000)
    assert [one and one.data for one in read] == list(contents.values())
    assert [one and one.crc32c for one in read] == [checksum.of(content) for content in contents.values()]
    first = read[3]
    assert first is not None
    source, path = first.source(*wanted[3]), Path(wanted[3][0])
    assert (source.size, source.mtime, source.is_open) == (150, path.stat().st_mtime_ns / 1e9, False)


def test_what_is_not_plainly_a_small_file_is_left_to_be_looked_at(tmp_path: Path) -> None:
    base = len(str(tmp_path))
    (tmp_path / "f").write_bytes(b"x" * 1000)
    (tmp_path / "large").write_bytes(b"x" * 1001)
    (tmp_path / "link").symlink_to(tmp_path / "f")
    (tmp_path / "folder").mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path / "folder")
    (tmp_path / "folder" / "f").write_bytes(b"x")
    os.mkfifo(tmp_path / "fifo")
    names = ["f", "large", "link", "folder", "fifo", "none", "elsewhere/f", "none/f", "../f"]
    read = read_many([(str(tmp_path / name), base) for name in names], 1000)
    assert [one is not None for one in read] == [True] + [False] * 8
    assert read_one(tmp_path / "link") is not None  # one that was named may be a link


@pytest.mark.parametrize("how", ["written", "replaced", "removed", "grown"])
def test_a_file_that_changes_while_it_is_read_is_not_taken(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "f", tmp_path / "other"
    path.write_bytes(b"1" * 100)
    real = os.pread

    def pread(handle: int, size: int, offset: int) -> bytes:
        if how == "written":
            path.write_bytes(b"2" * 100)
        elif how == "replaced":
            other.write_bytes(b"2" * 100)
            other.replace(path)
        elif how == "removed":
            path.unlink()
        else:
            with path.open("ab") as file:
                file.write(b"more")
        return real(handle, size, offset)

    os.utime(path, (1e9, 1e9))
    monkeypatch.setattr(reading.os, "pread", pread)
    assert read_one(path, len(str(tmp_path))) is None


def test_h57_a_folder_swapped_for_another_while_its_files_are_read_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("in", "outside"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "f").write_bytes(folder.encode())
    real = os.pread

    def pread(handle: int, size: int, offset: int) -> bytes:
        (tmp_path / "in").rename(tmp_path / "was")
        (tmp_path / "in").symlink_to(tmp_path / "outside")
        return real(handle, size, offset)

    monkeypatch.setattr(reading.os, "pread", pread)
    assert read_one(tmp_path / "in" / "f", len(str(tmp_path))) is None


async def test_no_more_is_read_before_its_turn_than_may_be_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: list[int]
) -> None:
    monkeypatch.setattr(ahead, "MOST_BYTES", 1000)
    waiting: deque[Record] = deque()
    for number in range(400):
        path = tmp_path / f"{number:03}"
        path.write_bytes(b"x" * 100)
        waiting.append(Record(1, number, "upload", str(path), f"gs://b/{number}", len(str(tmp_path)), 100))
    with ThreadPoolExecutor(1) as threads:
        files = Ahead(waiting, Gather(threads, abreast=1))
        while waiting:
            record = waiting.popleft()
            files.expect(record)
            content = await files.take(record)
            assert content is not None
            assert len(content.data) == 100
            assert files.held <= 1000 + BATCH * 100
    assert sum(turns) == 400
    assert files.held == 0


async def test_on_a_slow_disk_several_threads_read_and_nobody_waits_for_the_slowest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def read(wanted: Any, limit: int) -> list[Content | None]:
        if wanted[0][0].endswith("/000"):
            gate.wait(30)
        return read_many(wanted, limit)

    monkeypatch.setattr(ahead, "read_many", read)
    records = []
    for number in range(PIECE + 1):
        path = tmp_path / f"{number:03}"
        path.write_bytes(b"x")
        records.append(Record(1, number, "upload", str(path), f"gs://b/{number}", len(str(tmp_path)), 1))
    with ThreadPoolExecutor(2) as threads:
        files = Ahead(deque(), Gather(threads, abreast=2))
        for record in records:
            files.expect(record)
        assert await files.take(records[-1]) is not None
        first = asyncio.create_task(files.take(records[0]))
        await asyncio.sleep(0)
        assert not first.done()
        gate.set()
        assert await first is not None


async def test_a_file_that_is_not_wanted_any_more_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def read(wanted: Any, limit: int) -> list[Content | None]:
        gate.wait(30)
        return read_many(wanted, limit)

    monkeypatch.setattr(ahead, "read_many", read)
    (tmp_path / "f").write_bytes(b"x")
    record = Record(1, 1, "upload", str(tmp_path / "f"), "gs://b/f", len(str(tmp_path)), 1)
    with ThreadPoolExecutor(1) as threads:
        files = Ahead(deque(), Gather(threads, abreast=1))
        files.expect(record)
        task = asyncio.create_task(files.take(record))
        await asyncio.sleep(0)
        task.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert files.held == 0


async def test_closed_threads_leave_a_file_to_be_looked_at(tmp_path: Path) -> None:
    threads = ThreadPoolExecutor(1)
    files = Ahead(deque(), Gather(threads, abreast=1))
    threads.shutdown()
    record = Record(1, 1, "upload", str(tmp_path / "f"), "gs://b/f")
    files.expect(record)
    assert await files.take(record) is None


@pytest.mark.parametrize(
    "changes",
    [{"attempt": 2}, {"session": "s"}, {"fingerprint": "f"}, {"decision": "skip"}, {"size": SMALL_FILE + 1},
     {"action": "move"}, {"action": "download"}],
)  # fmt: skip
def test_what_is_more_than_the_first_try_of_a_small_file_is_not_plain(changes: dict[str, Any]) -> None:
    plain = Record(1, 2, "upload", "/n", "gs://b/n")
    assert is_plain(plain)
    assert not is_plain(replace(plain, **changes))
