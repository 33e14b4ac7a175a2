from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from services.connection import Connection
from services.errors import Busy, Rejected
from services.file_lock import FileLock
from services.transfer import rows, schema
from services.transfer.journal import Journal, free_journals, has_unfinished, read_jobs
from services.transfer.messages import JobItem, JobSpec
from services.transfer.record import COLUMNS, Record, from_row, to_row

SPEC = JobSpec("upload", Connection(), (JobItem("/a\udcff", "gs://b/a"),), excludes=("*.o",))


def record(seq: int, **values: object) -> Record:
    return Record(1, seq, "upload", f"/src/{seq}\udcff", f"gs://b/{seq}", **values)  # type: ignore[arg-type]


async def add_job(journal: Journal) -> int:
    return await journal.call(lambda db: schema.insert_job(db, schema.JobRow(0, SPEC, created=time.time())))


async def test_what_was_awaited_is_there_after_the_process_is_killed(tmp_path: Path) -> None:
    code = """
import asyncio, os, sys
from pathlib import Path
from services.transfer.journal import Journal
from services.transfer.record import Record

async def main():
    journal = await Journal.open(Path(sys.argv[1]))
    for seq in range(1, 51):
        await journal.write(Record(1, seq, "upload", f"/src/{seq}"))
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""
    path = tmp_path / "j" / "one.db"
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code, str(path)], check=False)
    async with await Journal.open(path) as journal:
        found = await journal.call(lambda db: schema.next_queued(db, 1, 0, 100))
    assert [one.seq for one in found] == list(range(1, 51))


def test_a_record_survives_its_row_with_names_that_are_not_utf8() -> None:
    one = record(7, size=3, state="failed", session="s", mtime=1.5, reason="näin\udcfe", moved=2)
    assert from_row(to_row(one)) == one
    assert len(to_row(one)) == len(COLUMNS)


async def test_what_was_just_planned_comes_back_as_it_is_whatever_it_holds(tmp_path: Path) -> None:
    planned = [
        record(1, size=3, generation=7, crc32c="AAAAAA==", mtime=1.5, encoding="gzip", nonce="0" * 16, base=4),
        Record(1, 2, "delete", "gs://b/\u00e4", generation=5),
        record(3, decision="replace"),
        record(4, state="failed", reason="näin\udcfe", code="x", remedy="y"),
        record(5, state="done", skipped=1),
        record(6, encoding="n\u00e4in"),
    ]
    async with await Journal.open(tmp_path / "j" / "one.db") as journal:
        await journal.call(lambda db: schema.put_new(db, planned))
        found = await journal.call(lambda db: [schema.one(db, 1, seq) for seq in range(1, 7)])
    assert found == planned


async def test_what_has_nothing_to_do_with_what_was_noted_does_not_write_it(tmp_path: Path) -> None:
    async with await Journal.open(tmp_path / "j" / "one.db") as journal:
        journal.note(record(1))
        assert await journal.call(lambda db: schema.last_seq(db, 1), alone=True) == 0
        assert await journal.call(lambda db: schema.last_seq(db, 1)) == 1


async def test_states_are_added_up(tmp_path: Path) -> None:
    async with await Journal.open(tmp_path / "j" / "one.db") as journal:
        journal.note(record(1, size=10, state="done"))
        journal.note(record(2, size=5, state="done", skipped=1))
        journal.note(record(3, size=7, moved=4))
        found = await journal.call(lambda db: {tally.state: tally for tally in schema.tallies(db, 1)})
    assert (found["done"].items, found["done"].size, found["done"].skipped) == (2, 15, 1)
    assert (found["queued"].items, found["queued"].moved) == (1, 4)


@pytest.mark.parametrize("version", [sqlite3.sqlite_version_info, (3, 31, 1)])
@pytest.mark.parametrize("count", [1, rows.ROWS - 1, rows.ROWS, 3 * rows.ROWS + 5])
async def test_many_rows_are_written_and_ended_each_in_its_own_way(
    tmp_path: Path, count: int, version: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows.sqlite3, "sqlite_version_info", version)
    records = [record(seq, nonce=f"n{seq}", reason="why" if seq % 3 else "") for seq in range(1, count + 1)]
    other = replace(record(1, crc32c="theirs"), job=2)
    async with await Journal.open(tmp_path / "j" / "one.db") as journal:
        await journal.call(lambda db: schema.put_records(db, [*records, other]))
        for one in records[1:]:
            one.state, one.size, one.mtime = "done", one.seq * 10, one.seq / 2
            one.crc32c, one.seen, one.written = f"c{one.seq}", str(one.seq), one.seq * 100
            journal.note_end(one)
        await journal.sync()
        found = await journal.call(lambda db: [schema.one(db, 1, seq) for seq in range(1, count + 1)])
        untouched = await journal.call(lambda db: schema.one(db, 2, 1))
    assert found == records
    assert untouched == other


async def test_a_noted_record_is_written_as_it_was_when_it_was_flushed(tmp_path: Path) -> None:
    async with await Journal.open(tmp_path / "j" / "one.db") as journal:
        one = record(1)
        journal.note(one)
        one.size = 42
        await journal.sync()
        one.size = 0
        found = await journal.call(lambda db: schema.one(db, 1, 1))
    assert found is not None
    assert found.size == 42


async def test_a_call_that_fails_is_rolled_back_and_harms_no_other(tmp_path: Path) -> None:
    def breaks(db: sqlite3.Connection) -> None:
        schema.put_records(db, [record(2)])
        raise ValueError("no")

    async with await Journal.open(tmp_path / "j" / "one.db") as journal:
        calls = [
            journal.call(lambda db: schema.put_records(db, [record(1)])),
            journal.call(breaks),
            journal.call(lambda db: schema.put_records(db, [record(3)])),
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
        found = await journal.call(lambda db: schema.next_queued(db, 1, 0, 10))
    assert [type(result) for result in results] == [type(None), ValueError, type(None)]
    assert [one.seq for one in found] == [1, 3]


async def test_h33_a_journal_has_one_owner_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "j" / "one.db"
    async with await Journal.open(path):
        with pytest.raises(Busy):
            await Journal.open(path)
        assert free_journals(path.parent) == []
    (path.with_suffix(".lock")).write_text("left behind")
    async with await Journal.open(path):
        pass


async def test_h32_a_journal_that_is_damaged_is_put_aside_and_one_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j" / "one.db"
    path.parent.mkdir()
    path.write_bytes(b"this is not a database" * 100)
    async with await Journal.open(path) as journal:
        assert journal.moved_aside is not None
        assert journal.moved_aside.read_bytes().startswith(b"this is not")
        await journal.call(lambda db: db.execute("PRAGMA user_version = 99"))
    with pytest.raises(Rejected):
        await Journal.open(path)
    assert read_jobs(path) == []


async def test_job_numbers_are_never_used_again(tmp_path: Path) -> None:
    async with await Journal.open(tmp_path / "j" / "one.db") as journal:
        first = await add_job(journal)
        await journal.call(lambda db: schema.delete_job(db, first))
        assert await add_job(journal) == first + 1
        (row,) = await journal.call(schema.load_jobs)
    assert row.spec == SPEC


async def test_a_journal_is_adopted_once_even_if_it_could_not_be_removed(tmp_path: Path) -> None:
    folder = tmp_path / "j"
    async with await Journal.open(folder / "old.db") as old:
        number = await add_job(old)
        await old.write(*[record(seq) for seq in range(1, 4)])
    assert has_unfinished(folder, always="worker.db")
    async with await Journal.open(folder / "worker.db") as journal:
        await add_job(journal)
        taken = await journal.call(lambda db: import_old(db, folder))
        again = await journal.call(lambda db: import_old(db, folder))
        assert (number, taken, again) == (1, [2], [])
        assert len(await journal.call(lambda db: schema.next_queued(db, 2, 0, 10))) == 3


def import_old(db: sqlite3.Connection, folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "old.db")) as other:
        return schema.import_journal(db, other)


async def test_h59_the_files_of_a_journal_are_private(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        async with await Journal.open(tmp_path / "j" / "one.db") as journal:
            await add_job(journal)
            modes = {entry.name: entry.stat().st_mode & 0o777 for entry in (tmp_path / "j").iterdir()}
    finally:
        os.umask(previous)
    assert set(modes) == {"one.db", "one.db-wal", "one.db-shm", "one.lock"}
    assert set(modes.values()) == {0o600}


def test_a_lock_on_a_removed_file_locks_nobody_out(tmp_path: Path) -> None:
    one, two = FileLock(tmp_path / "l"), FileLock(tmp_path / "l")
    assert one.acquire()
    assert not two.acquire()
    one.release(remove=True)
    assert two.acquire()
    two.release()


async def test_ten_thousand_records_cost_few_commits(tmp_path: Path) -> None:
    async with await Journal.open(tmp_path / "j" / "one.db") as journal:
        commits = 0

        def count(statement: str) -> None:
            nonlocal commits
            commits += statement.startswith("COMMIT")

        await journal.call(lambda db: db.set_trace_callback(count))
        for seq in range(10_000):
            journal.note(record(seq, state="done"))
        await journal.sync()
        assert commits <= 15
        (tally,) = await journal.call(lambda db: schema.tallies(db, 1))
    assert tally.items == 10_000
