"""What was transferred in the last 30 days, by whichever process: kept when the jobs themselves are dismissed.

Many processes write here (the worker, every sub-command), a row for each job that ended, so it is a database of its own
and no journal: losing its last rows in a power cut loses nothing but their mention.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from services import paths
from services.transfer.messages import JobView
from services.transfer.record import decode_text, encode_text

CHRONICLE: Final = "history.db"
"""Name of the file in the state folder."""

KEPT_S: Final = 30 * 86_400
"""Seconds for which a job is remembered."""

MOST_ROWS: Final = 20_000
"""Jobs that are remembered at the most."""

_COLUMNS: Final = (
    "action, source, target, state, items, done, failed, skipped, bytes, created, finished, origin, connection, reason"
)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    key TEXT PRIMARY KEY, action TEXT NOT NULL, source NOT NULL, target NOT NULL, state TEXT NOT NULL,
    items INTEGER NOT NULL, done INTEGER NOT NULL, failed INTEGER NOT NULL, skipped INTEGER NOT NULL,
    bytes INTEGER NOT NULL, created REAL NOT NULL, finished REAL NOT NULL, origin TEXT NOT NULL,
    connection TEXT NOT NULL, reason NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jobs_by_end ON jobs (finished);
"""


class PastJob(NamedTuple):
    """A job that has ended; names are raw."""

    action: str
    """What it did."""
    source: str
    """What it worked on, in short."""
    target: str
    """Where it went to; empty for a delete."""
    state: str
    """`done`, `failed` or `cancelled`."""
    items: int
    """Transfers in all."""
    done: int
    """Those that ended well, skipped ones included."""
    failed: int
    """Those that failed."""
    skipped: int
    """Those that were skipped."""
    bytes: int
    """Bytes that it moved, or deleted."""
    created: float
    """When it was given, seconds since the epoch."""
    finished: float
    """When it ended, seconds since the epoch."""
    origin: str
    """Who asked."""
    connection: str
    """Where it ran."""
    reason: str
    """Why it failed, if it did as a whole."""

    @property
    def seconds(self) -> float:
        """How long it took, waiting included."""
        return max(0.0, self.finished - self.created)

    @property
    def rate(self) -> float:
        """Bytes a second over all of that; 0 where nothing was moved."""
        return self.bytes / self.seconds if self.seconds > 0 and self.action not in DELETING else 0.0


DELETING: Final = frozenset({"delete", "delete-bucket", "make-folder", "restore", "undo"})
"""Actions that move no bytes."""


class Totals(NamedTuple):
    """Jobs added up."""

    jobs: int = 0
    """How many."""
    items: int = 0
    """Their transfers that ended well."""
    failed: int = 0
    """Their transfers that failed."""
    bytes: int = 0
    """Bytes that moved."""
    seconds: float = 0.0
    """Seconds for which jobs ran that moved bytes, one after the other."""

    @property
    def rate(self) -> float:
        """Bytes a second while something moved."""
        return self.bytes / self.seconds if self.seconds > 0 else 0.0


def add_up(jobs: Iterable[PastJob]) -> Totals:
    """Return the totals of some jobs."""
    count, items, failed, size, seconds = 0, 0, 0, 0, 0.0
    for job in jobs:
        count += 1
        items += job.done
        failed += job.failed
        if job.action not in DELETING and job.bytes:
            size += job.bytes
            seconds += job.seconds
    return Totals(count, items, failed, size, seconds)


def remember(state_dir: Path, view: JobView) -> None:
    """Note how a job ended, in place of what was noted of an earlier end of it; blocks.

    Raises `OSError` and `sqlite3.Error` where the disk refuses.
    """
    values = (
        f"{view.created:.6f} {view.action} {view.origin}",
        view.action,
        encode_text(view.source),
        encode_text(view.target),
        view.state,
        view.items,
        view.done,
        view.failed,
        view.skipped,
        view.bytes,
        view.created,
        view.finished or time.time(),
        view.origin,
        view.connection,
        encode_text(view.reason),
    )
    with _opened(state_dir / CHRONICLE) as db, db:
        db.execute(f"INSERT OR REPLACE INTO jobs VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608
        db.execute("DELETE FROM jobs WHERE finished < ?", (time.time() - KEPT_S,))
        db.execute(
            "DELETE FROM jobs WHERE key IN (SELECT key FROM jobs ORDER BY finished DESC LIMIT -1 OFFSET ?)",
            (MOST_ROWS,),
        )


def recall(state_dir: Path, limit: int = MOST_ROWS) -> list[PastJob]:
    """Return the jobs of the last 30 days, the newest first; none where nothing was noted or can be read.  Blocks."""
    path = state_dir / CHRONICLE
    if not path.exists():
        return []
    try:
        with _opened(path) as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE finished >= ? ORDER BY finished DESC LIMIT ?",  # noqa: S608
                (time.time() - KEPT_S, limit),
            ).fetchall()
    except (sqlite3.Error, OSError):
        return []
    return [_past_job(row) for row in rows]


def _past_job(row: tuple[Any, ...]) -> PastJob:
    values: list[Any] = [decode_text(value) if isinstance(value, bytes) else value for value in row]
    return PastJob(*values)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    paths.ensure_private_dir(path.parent)
    paths.check_owned(path)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, paths.PRIVATE_FILE_MODE))
    with contextlib.closing(sqlite3.connect(path, timeout=5)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(_SCHEMA)
        yield db
