"""The tables of a journal, and the statements on them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.errors import Rejected
from services.transfer import codec
from services.transfer.messages import ConflictPolicy, JobSpec, JobState
from services.transfer.record import (
    COLUMNS,
    Record,
    RecordState,
    decode_text,
    encode_text,
    from_row,
    is_new,
    to_new,
    to_row,
)
from services.transfer.rows import put_planned, put_rows

SCHEMA_VERSION: Final = 1
"""Version of the tables, kept in `user_version`; a newer one is refused."""

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    spec TEXT NOT NULL, state TEXT NOT NULL, planned INTEGER NOT NULL, answer TEXT NOT NULL,
    created REAL NOT NULL, finished REAL, reason TEXT NOT NULL, code TEXT NOT NULL, remedy TEXT NOT NULL
);
CREATE TABLE transfers (
    job INTEGER NOT NULL, seq INTEGER NOT NULL, action TEXT NOT NULL, source NOT NULL, target NOT NULL,
    base INTEGER NOT NULL, size INTEGER NOT NULL, state TEXT NOT NULL, generation INTEGER NOT NULL,
    crc32c TEXT NOT NULL, mtime REAL, encoding TEXT NOT NULL, nonce TEXT NOT NULL, decision TEXT NOT NULL,
    seen TEXT NOT NULL, session TEXT NOT NULL, fingerprint TEXT NOT NULL, attempt INTEGER NOT NULL,
    reason TEXT NOT NULL, code TEXT NOT NULL, remedy TEXT NOT NULL, written INTEGER NOT NULL,
    skipped INTEGER NOT NULL, moved INTEGER NOT NULL, PRIMARY KEY (job, seq)
) WITHOUT ROWID;
CREATE INDEX transfers_by_state ON transfers (job, state, seq);
CREATE TABLE adopted (journal TEXT PRIMARY KEY) WITHOUT ROWID;
"""

_AHEAD: Final = """
CREATE TABLE IF NOT EXISTS ahead (
    job INTEGER NOT NULL, seq INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (job, seq)
) WITHOUT ROWID
"""
"""Transfers that a person moved, and those before them: they come first, in this order, then the others by number.
An older journal gets the table when it is opened to be written."""

TAKEN_AT_ONCE: Final = 1000
"""Transfers that are taken over from another journal at once."""

_SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM transfers"  # noqa: S608


@dataclass(slots=True, eq=False, repr=False)
class JobRow:
    """A job as the journal keeps it."""

    id: int
    """Number; 0 before it was inserted."""
    spec: JobSpec
    """What was asked."""
    state: JobState = "planning"
    """Where it stands; what runs is `running` here also while nobody runs it."""
    planned: bool = False
    """Whether every transfer is in the journal."""
    answer: ConflictPolicy | None = None
    """What a person decided for all conflicts of the job."""
    created: float = 0.0
    """Seconds since the epoch."""
    finished: float | None = None
    """Seconds since the epoch."""
    reason: str = ""
    """Why it failed or waits."""
    code: str = ""
    """The stable word of that."""
    remedy: str = ""
    """What to do about it."""


class Tally(NamedTuple):
    """The transfers of a job in one state, added up."""

    state: RecordState
    """The state."""
    items: int
    """How many."""
    size: int
    """Their bytes in all."""
    skipped: int
    """How many of them a policy left alone."""
    skipped_size: int
    """The bytes of those."""
    moved: int
    """Bytes that had moved of those that are not done."""


def create(db: sqlite3.Connection) -> None:
    """Make the tables, or check that they are of this version; raises `Rejected` for a newer one."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        # In one transaction, whose end is the only one that waits for the disk: a journal has all of it, or nothing.
        db.executescript(f"BEGIN; {_SCHEMA} {_AHEAD}; PRAGMA user_version = {SCHEMA_VERSION};")
        db.execute("INSERT INTO meta VALUES ('id', ?)", (os.urandom(16).hex(),))
        db.execute("COMMIT")
    elif version != SCHEMA_VERSION:
        raise Rejected(
            f"the journal was written by another version of pail (format {version})",
            remedy="Update pail, or let the version that wrote it finish its transfers.",
        )
    else:
        db.execute(_AHEAD)


def journal_id(db: sqlite3.Connection) -> str:
    """Return the identity of a journal."""
    return str(db.execute("SELECT value FROM meta WHERE key = 'id'").fetchone()[0])


def get_setting(db: sqlite3.Connection, key: str) -> str:
    """Return a setting of the engine; an empty text where it was never set."""
    found = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(found[0]) if found else ""


def set_setting(db: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a setting of the engine."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def insert_job(db: sqlite3.Connection, row: JobRow) -> int:
    """Insert a job and return its number; numbers grow and are never used again."""
    cursor = db.execute(
        "INSERT INTO jobs (spec, state, planned, answer, created, finished, reason, code, remedy)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _job_values(row),
    )
    return int(cursor.lastrowid or 0)


def update_job(db: sqlite3.Connection, row: JobRow) -> None:
    """Write a job as it stands."""
    db.execute(
        "UPDATE jobs SET spec = ?, state = ?, planned = ?, answer = ?, created = ?, finished = ?, reason = ?,"
        " code = ?, remedy = ? WHERE id = ?",
        (*_job_values(row), row.id),
    )


def _job_values(row: JobRow) -> tuple[object, ...]:
    reason = encode_text(row.reason)
    return (
        codec.dumps(row.spec),
        row.state,
        int(row.planned),
        row.answer or "",
        row.created,
        row.finished,
        reason if isinstance(reason, str) else ascii(row.reason),
        row.code,
        row.remedy,
    )


def load_jobs(db: sqlite3.Connection) -> list[JobRow]:
    """Return all jobs, oldest first."""
    rows = db.execute(
        "SELECT id, spec, state, planned, answer, created, finished, reason, code, remedy FROM jobs ORDER BY id"
    )
    return [
        JobRow(number, codec.loads(spec), state, bool(planned), answer or None, *rest)
        for number, spec, state, planned, answer, *rest in rows
    ]


def any_unfinished(db: sqlite3.Connection) -> bool:
    """Tell whether a job has not ended."""
    return db.execute("SELECT 1 FROM jobs WHERE finished IS NULL LIMIT 1").fetchone() is not None


def delete_job(db: sqlite3.Connection, job: int) -> None:
    """Forget a job and its transfers."""
    db.execute("DELETE FROM transfers WHERE job = ?", (job,))
    db.execute("DELETE FROM ahead WHERE job = ?", (job,))
    db.execute("DELETE FROM jobs WHERE id = ?", (job,))


def delete_record(db: sqlite3.Connection, job: int, seq: int) -> None:
    """Forget one transfer."""
    db.execute("DELETE FROM transfers WHERE job = ? AND seq = ?", (job, seq))


def put_new(db: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Write transfers that the journal does not hold yet."""
    put_planned(db, [to_new(record) for record in records if is_new(record)])
    put_records(db, (record for record in records if not is_new(record)))


def put_records(db: sqlite3.Connection, records: Iterable[Record]) -> None:
    """Write transfers as they stand."""
    put_rows(db, [to_row(record) for record in records])


def next_queued(db: sqlite3.Connection, job: int, after: int, limit: int) -> list[Record]:
    """Return queued transfers of a job with a number above `after`, without those that were moved."""
    return _records(
        db,
        f"{_SELECT} WHERE job = ? AND state = 'queued' AND seq > ?"  # noqa: S608
        " AND seq NOT IN (SELECT seq FROM ahead WHERE job = ?) ORDER BY seq LIMIT ?",
        (job, after, job, limit),
    )


def moved_ahead(db: sqlite3.Connection, job: int) -> list[Record]:
    """Return the queued transfers of a job that come before all others, in their order."""
    return _records(
        db,
        f"{_SELECT} JOIN ahead USING (job, seq) WHERE job = ? AND state = 'queued' ORDER BY place",
        (job,),
    )


def queued(db: sqlite3.Connection, job: int, offset: int, limit: int) -> list[Record]:
    """Return a window of a job's queued transfers, in the order in which they come."""
    first = moved_ahead(db, job)
    head = first[offset : offset + limit]
    if len(head) == limit:
        return head
    rest = _records(
        db,
        f"{_SELECT} WHERE job = ? AND state = 'queued' AND seq NOT IN (SELECT seq FROM ahead WHERE job = ?)"  # noqa: S608
        " ORDER BY seq LIMIT ? OFFSET ?",
        (job, job, limit - len(head), max(0, offset - len(first))),
    )
    return head + rest


def queue_order(db: sqlite3.Connection, job: int) -> list[int]:
    """Return the numbers of a job's queued transfers, in the order in which they come."""
    rows = db.execute(
        "SELECT seq FROM transfers LEFT JOIN ahead USING (job, seq) WHERE job = ? AND state = 'queued'"
        " ORDER BY place IS NULL, place, seq",
        (job,),
    )
    return [seq for (seq,) in rows]


def put_ahead(db: sqlite3.Connection, job: int, order: Sequence[int]) -> None:
    """Have these transfers of a job come before all others, in this order."""
    db.execute("DELETE FROM ahead WHERE job = ?", (job,))
    db.executemany("INSERT INTO ahead VALUES (?, ?, ?)", ((job, seq, place) for place, seq in enumerate(order)))


def count_ahead(db: sqlite3.Connection, job: int) -> int:
    """Return how many transfers of a job were moved, or stand before such."""
    return int(db.execute("SELECT count(*) FROM ahead WHERE job = ?", (job,)).fetchone()[0])


def by_state(db: sqlite3.Connection, job: int, state: str, offset: int, limit: int) -> list[Record]:
    """Return a window of a job's transfers in one state, by number; of queued ones in the order in which they come."""
    if state == "queued":
        return queued(db, job, offset, limit)
    return _records(
        db, f"{_SELECT} WHERE job = ? AND state = ? ORDER BY seq LIMIT ? OFFSET ?", (job, state, limit, offset)
    )


def one(db: sqlite3.Connection, job: int, seq: int) -> Record | None:
    """Return one transfer."""
    found = _records(db, f"{_SELECT} WHERE job = ? AND seq = ?", (job, seq))
    return found[0] if found else None


def with_leftovers(db: sqlite3.Connection, job: int, limit: int) -> list[Record]:
    """Return cancelled or failed transfers that may still hold a session or a partial file."""
    return _records(
        db,
        f"{_SELECT} WHERE job = ? AND state IN ('failed', 'cancelled') AND (session <> '' OR action IN"
        " ('download', 'move')) ORDER BY seq LIMIT ?",
        (job, limit),
    )


def with_parts(db: sqlite3.Connection, limit: int) -> list[Record]:
    """Return ended transfers of any job that may have left parts in a bucket (`services.transfer.parts`)."""
    return _records(
        db,
        f"{_SELECT} WHERE session LIKE 'parts:%' AND state IN ('failed', 'cancelled', 'done') LIMIT ?",
        (limit,),
    )


def change_state(db: sqlite3.Connection, job: int, old: Sequence[str], new: str) -> int:
    """Move all transfers of a job from some states to another, and return how many."""
    marks = ", ".join("?" * len(old))
    cursor = db.execute(
        f"UPDATE transfers SET state = ?, reason = '', code = '', remedy = '' WHERE job = ? AND state IN ({marks})",  # noqa: S608
        (new, job, *old),
    )
    return cursor.rowcount


def retry(db: sqlite3.Connection, job: int, old: Sequence[str], seq: int | None = None) -> int:
    """Queue the transfers of a job that ended badly (or one of them) again, and return how many.

    A copy or move whose source changed looks at the source anew.  What never had a target (a name that cannot be
    mapped) stays as it is: nothing about it can be different.
    """
    marks = ", ".join("?" * len(old))
    where = f"job = ? AND state IN ({marks}) AND (target <> '' OR action IN ('delete', 'delete-bucket'))"
    values: list[object] = [job, *old]
    if seq is not None:
        where += " AND seq = ?"
        values.append(seq)
    db.execute(
        f"UPDATE transfers SET generation = 0, fingerprint = '' WHERE {where} AND action IN ('copy', 'move')"  # noqa: S608
        " AND code IN ('object-not-found', 'precondition-failed') AND source LIKE 'gs://%'",
        values,
    )
    return db.execute(
        "UPDATE transfers SET state = 'queued', reason = '', code = '', remedy = '', attempt = attempt + 1"  # noqa: S608
        f" WHERE {where}",
        values,
    ).rowcount


def done_transfers(db: sqlite3.Connection, job: int, after: int, limit: int) -> list[Record]:
    """Return transfers of a job that are done, with a number above `after`, in order."""
    return _records(
        db, f"{_SELECT} WHERE job = ? AND state = 'done' AND seq > ? ORDER BY seq LIMIT ?", (job, after, limit)
    )


def decide(db: sqlite3.Connection, job: int, policy: ConflictPolicy) -> int:
    """Queue all transfers of a job that ask, with this decision, and return how many."""
    cursor = db.execute(
        "UPDATE transfers SET state = 'queued', decision = ?, reason = '', code = '', remedy = ''"
        " WHERE job = ? AND state = 'asking'",
        (policy, job),
    )
    return cursor.rowcount


def tallies(db: sqlite3.Connection, job: int) -> list[Tally]:
    """Add up the transfers of a job by state."""
    return [
        Tally(*row)
        for row in db.execute(
            "SELECT state, count(*), total(size), total(skipped), total(size * skipped), total(moved) FROM transfers"
            " WHERE job = ? GROUP BY state",
            (job,),
        )
    ]


def last_seq(db: sqlite3.Connection, job: int) -> int:
    """Return the highest number of a job's transfers; 0 if there is none."""
    return int(db.execute("SELECT coalesce(max(seq), 0) FROM transfers WHERE job = ?", (job,)).fetchone()[0])


def planned_sources(db: sqlite3.Connection, job: int) -> set[str]:
    """Return the sources that a job has in the journal, for a plan that is made again after a crash."""
    rows = db.execute("SELECT source FROM transfers WHERE job = ?", (job,))
    return {decode_text(source) if isinstance(source, bytes) else source for (source,) in rows}


def planned_generations(db: sqlite3.Connection, job: int) -> set[tuple[str, int]]:
    """Return sources and their generations that a job has in the journal: of one object there can be several."""
    rows = db.execute("SELECT source, generation FROM transfers WHERE job = ?", (job,))
    return {(decode_text(source) if isinstance(source, bytes) else source, generation) for source, generation in rows}


def import_journal(db: sqlite3.Connection, other: sqlite3.Connection) -> list[int]:
    """Take over the unfinished jobs of another journal under new numbers, once, and return these.

    An ended one comes along where it has left parts in a bucket.
    """
    identity = journal_id(other)
    if db.execute("SELECT 1 FROM adopted WHERE journal = ?", (identity,)).fetchone():
        return []
    taken = []
    owing = {record.job for record in with_parts(other, -1)}
    for row in load_jobs(other):
        if row.finished is not None and row.id not in owing:
            continue
        old = row.id
        row.spec = row.spec._replace(undoes="")  # that number means another job here
        number = insert_job(db, row)
        taken.append(number)
        values = other.execute(f"{_SELECT} WHERE job = ? ORDER BY seq", (old,))
        while some := values.fetchmany(TAKEN_AT_ONCE):
            put_rows(db, [(number, *value[1:]) for value in some])
        places = other.execute("SELECT seq FROM ahead WHERE job = ? ORDER BY place", (old,))
        put_ahead(db, number, [seq for (seq,) in places])
    db.execute("INSERT INTO adopted VALUES (?)", (identity,))
    return taken


def _records(db: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> list[Record]:
    return [from_row(row) for row in db.execute(sql, values)]
