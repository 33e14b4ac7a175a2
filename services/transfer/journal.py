"""The journal: jobs and transfers in SQLite, written by one thread, owned by one process.

Whatever has an effect outside is in the journal before it is done.  The writer commits in groups, so tens of thousands
of transfers cost few fsyncs: states that end a transfer are gathered for a moment (losing them costs a check after a
crash, never a wrong result), while intents, sessions and decisions are awaited.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Container
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

from services import paths
from services.errors import Busy, DiskFull, LocalFileError, PailError
from services.file_lock import FileLock
from services.transfer import schema
from services.transfer.record import Record, to_end, to_row
from services.transfer.rows import put_ends, put_rows

JOURNALS: Final = "journals"
"""Folder of the journals below the state folder."""

WORKER_JOURNAL: Final = "worker.db"
"""Name of the worker's journal."""

FLUSH_AFTER_S: Final = 0.1
"""Seconds for which ended transfers are gathered before they are committed."""

FLUSH_AT: Final = 4000
"""Ended transfers that are committed without waiting any longer."""

RETRY_FLUSH_S: Final = 1.0
"""Seconds after which what a full disk did not take is written again."""

SETTLED_S: Final = 10.0
"""Seconds that whoever takes over a journal waits for files that are being put in place."""

LOOK_S: Final = 0.005
"""Seconds between two looks whether they are."""

_FULL: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY})
"""Codes of SQLite that speak of the disk."""

KEEP_FINISHED: Final = 200
"""Finished jobs that are kept; older ones are forgotten."""

KEEP_FINISHED_S: Final = 30 * 86_400
"""Seconds for which finished jobs are kept."""

Result = TypeVar("Result")
_Call = tuple[Callable[[sqlite3.Connection], Any], "Future[Any]"]


def files_lock(path: Path) -> Path:
    """Return the file that a process for files of a journal has locked, as long as it lives.

    It may outlive whoever has the journal by what it has at hand.  Only who has the journal makes or removes the file.
    """
    return path.with_suffix(".files")


def settled(path: Path, limit_s: float = SETTLED_S) -> bool:
    """Return once no process for files is left of an earlier one, and remove its lock; False where one stays.

    Blocks.
    """
    lock, until = FileLock(path), time.monotonic() + limit_s
    while path.exists():
        if lock.acquire():
            lock.release(remove=True)
        elif time.monotonic() >= until:
            return False
        else:
            time.sleep(LOOK_S)
    return True


def open_database(path: Path) -> sqlite3.Connection:
    """Open a journal's database, 0600, durable at every commit; raises `Rejected`, `sqlite3.DatabaseError`."""
    # SQLite gives its -wal and -shm files the mode of the database file: so that has to be private from the start.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, paths.PRIVATE_FILE_MODE))
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        schema.create(db)
    except BaseException:
        db.close()
        raise
    return db


class Journal:
    """One journal file with its lock and its writer thread; the methods belong to one event loop."""

    def __init__(
        self, path: Path, lock: FileLock, db: sqlite3.Connection, moved: Path | None, *, empty: bool = False
    ) -> None:
        self.path = path
        self.empty = empty
        """Whether there was nothing in it when it was opened."""
        self.moved_aside = moved
        """Where a journal that could not be read was put."""
        self._lock = lock
        self._db = db
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="pail-journal", daemon=True)
        self._dirty: dict[tuple[int, int], Record] = {}
        self._ended: list[Record] = []
        self._timer: asyncio.TimerHandle | None = None
        self._failed: Exception | None = None
        self._unwritten: list[tuple[Any, ...]] = []
        self._untold: list[tuple[Any, ...]] = []
        self._thread.start()

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open or create the journal at `path`.

        Raises `Busy` where another process has it, `Rejected` where a newer version wrote it.  One that SQLite cannot
        read is moved aside, never trusted, and a new one is begun.
        """
        return await asyncio.to_thread(cls._open, path)

    @classmethod
    def _open(cls, path: Path) -> Self:
        paths.ensure_private_dir(path.parent)
        paths.check_owned(path)
        lock = FileLock(path.with_suffix(".lock"))
        if not lock.acquire():
            raise Busy("another process uses this journal", remedy="Wait until it has ended.", url=str(path))
        try:
            if not settled(files_lock(path)):
                raise Busy("files of this journal are being put in place", remedy="Try again soon.", url=str(path))
            moved, empty = None, not path.exists()
            try:
                db = open_database(path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                moved = path.with_suffix(f".broken-{os.getpid()}")
                path.replace(moved)
                for suffix in ("-wal", "-shm"):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
                db, empty = open_database(path), True
        except sqlite3.OperationalError as error:
            lock.release()
            raise LocalFileError(
                f"cannot open the journal {path}: {error}", remedy="Check the disk and the folder's permissions."
            ) from error
        except BaseException:
            lock.release()
            raise
        return cls(path, lock, db, moved, empty=empty)

    async def call(self, function: Callable[[sqlite3.Connection], Result], *, alone: bool = False) -> Result:
        """Run `function` on the writer thread, after all that was noted before, and return once it is durable.

        What was noted may wait where it has to do nothing with it (`alone`).  Raises what `function` raises (its
        changes are rolled back), `LocalFileError` where the disk refuses.
        """
        if not alone:
            self._flush()
        return await self._submit(function)

    def note(self, record: Record) -> None:
        """Have a transfer written soon, as it then stands."""
        self._dirty[record.key] = record
        if len(self._dirty) >= FLUSH_AT:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self._flush)

    def note_end(self, record: Record) -> None:
        """Have the end of a transfer written soon, of which the journal holds all but what `record.to_end` tells."""
        if record.key in self._dirty:
            self.note(record)
            return
        self._ended.append(record)
        if len(self._ended) >= FLUSH_AT:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self._flush)

    async def write(self, *records: Record) -> None:
        """Write transfers and return once they are durable."""
        for record in records:
            self._dirty[record.key] = record
        await self.sync()

    async def sync(self) -> None:
        """Return once everything that was noted is durable."""
        await self.call(lambda _: None)
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise failed

    async def close(self, *, remove: bool = False) -> None:
        """Write what was noted, stop the thread and give the lock up; `remove` deletes the file instead."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not remove:
            self._flush()
        self._calls.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._close, remove)

    def _close(self, remove: bool) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._db.close()
        if remove:
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self._lock.release(remove=remove)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._dirty or self._ended or self._unwritten or self._untold:
            # The records are copied now, on the loop that changes them, so that the thread never sees one half changed.
            rows = [*self._unwritten, *(to_row(record) for record in self._dirty.values())]
            ends = [*self._untold, *map(to_end, self._ended)]
            self._dirty.clear()
            self._ended.clear()
            self._unwritten, self._untold = [], []

            def put(db: sqlite3.Connection) -> None:
                put_ends(db, ends)
                put_rows(db, rows)

            self._submit(put).add_done_callback(lambda done: self._flushed(done, rows, ends))

    def _flushed(self, future: asyncio.Future[None], rows: list[tuple[Any, ...]], ends: list[tuple[Any, ...]]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None and isinstance(error, Exception):
            self._failed = error
            if isinstance(error, DiskFull):
                # Kept, before whatever came since: they are written once there is room.
                self._unwritten, self._untold = [*rows, *self._unwritten], [*ends, *self._untold]
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(RETRY_FLUSH_S, self._flush)
        elif isinstance(self._failed, DiskFull):
            self._failed = None  # it was among these rows

    def _submit(self, function: Callable[[sqlite3.Connection], Result]) -> asyncio.Future[Result]:
        future: Future[Result] = Future()
        self._calls.put((function, future))
        return asyncio.wrap_future(future)

    def _work(self) -> None:
        while (first := self._calls.get()) is not None:
            batch = [first]
            ended = False
            with contextlib.suppress(queue.Empty):
                while True:
                    call = self._calls.get_nowait()
                    if call is None:
                        ended = True
                        break
                    batch.append(call)
            self._commit(batch)
            if ended:
                return

    def _commit(self, batch: list[_Call]) -> None:
        """Run all calls in one transaction; where one fails, each in its own, so that it harms no other."""
        try:
            results = self._transact([function for function, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to whoever asked
            if len(batch) > 1:
                for call in batch:
                    self._commit([call])
            else:
                _finish(batch[0][1], None, _explained(error, self.path))
            return
        for (_, future), result in zip(batch, results, strict=True):
            _finish(future, result, None)

    def _transact(self, functions: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        self._db.execute("BEGIN")
        try:
            results = [function(self._db) for function in functions]
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise
        return results


def _finish(future: Future[Any], result: Any, error: Exception | None) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _explained(error: Exception, path: Path) -> Exception:
    if isinstance(error, sqlite3.Error):
        kind = DiskFull if getattr(error, "sqlite_errorcode", 0) & 0xFF in _FULL else LocalFileError
        return kind(
            f"cannot write the journal {path}: {error}",
            remedy="Make room on the disk of the state folder.",
            url=str(path),
        )
    return error


def free_journals(folder: Path, *, but: Container[Path] = ()) -> list[tuple[Path, FileLock]]:
    """Return the journals of a folder that nobody holds, each with its lock taken."""
    found = []
    for path in sorted(folder.glob("*.db")):
        lock = FileLock(path.with_suffix(".lock"))
        if path not in but and lock.acquire():
            if not settled(files_lock(path)):
                lock.release()
            elif path.exists():
                found.append((path, lock))
            else:
                lock.release(remove=True)
    return found


def remove_journal(path: Path, lock: FileLock) -> None:
    """Delete a journal whose jobs live on elsewhere, and its lock."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    lock.release(remove=True)


def read_jobs(path: Path) -> list[tuple[schema.JobRow, list[schema.Tally]]]:
    """Read the jobs of a journal that somebody else may be using, without changing it; none where it cannot be read."""
    return read_from(path, lambda db: [(row, schema.tallies(db, row.id)) for row in schema.load_jobs(db)]) or []


def read_from(path: Path, function: Callable[[sqlite3.Connection], Result]) -> Result | None:
    """Read from a journal that somebody else may be using; None where there is none or it cannot be read."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=1)) as db:
            if db.execute("PRAGMA user_version").fetchone()[0] != schema.SCHEMA_VERSION:
                return None
            return function(db)
    except (sqlite3.Error, PailError):
        return None


def stamp(path: Path) -> tuple[int, ...]:
    """Return what changes whenever a journal was written, so that one that rests need not be read again."""
    found = []
    for name in (path.name, path.name + "-wal"):
        with contextlib.suppress(OSError):
            seen = path.with_name(name).stat()
            if seen.st_size:  # a reader makes an empty -wal, which says nothing
                found += [seen.st_ino, seen.st_mtime_ns, seen.st_size]
    return tuple(found)


def has_unfinished(folder: Path, *, always: str) -> bool:
    """Tell whether a journal that nobody works on has a job that has not ended.

    Of the one named `always` it is known that nobody holds it.  What is locked is at work: it needs nobody else.
    """
    for path in sorted(folder.glob("*.db")):
        if read_from(path, schema.any_unfinished):
            if path.name == always:
                return True
            lock = FileLock(path.with_suffix(".lock"))
            if lock.acquire():
                lock.release()
                return True
    return False
