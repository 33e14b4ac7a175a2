"""Metadata in SQLite: one writer that commits queued transactions together, and readers beside it.

Every change is a function that runs inside the writer's transaction, so that a comparison and the set that
depends on it are one step. Functions that arrive while a commit is under way share the next one, and with it
its single flush to disk; each has its own savepoint, so one that fails takes nothing of the others with it.
A caller hears of success only after the commit.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from services.localstore.schema import MULTIPART_SCHEMA, SCHEMA, SCHEMA_VERSION

T = TypeVar("T")

BATCH_LIMIT: Final = 256
"""Transactions that share one commit at most; bounds how long the first of them waits."""

READERS: Final = 4
"""Threads that read; each keeps its own connection."""

BUSY_TIMEOUT_S: Final = 30.0
"""Seconds that SQLite waits for a lock before it reports one; only a foreign program could hold it."""


class Transaction:
    """What a write function gets: a connection, a clock that never goes back, and the blobs to drop."""

    def __init__(self, connection: sqlite3.Connection, now: int, last_generation: int) -> None:
        self.connection = connection
        self.now = now
        """Microseconds since the epoch, the same for the whole function."""
        self.last_generation = last_generation
        """The highest generation that was ever given out."""
        self.dropped: list[int] = []
        """Blobs that no row refers to once this is committed; they are unlinked afterwards."""

    def next_generation(self) -> int:
        """Return a generation above every earlier one: the time in microseconds, or one more than the last."""
        self.last_generation = max(self.now, self.last_generation + 1)
        return self.last_generation

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self.connection.execute(sql, parameters)

    def one(self, sql: str, parameters: tuple[Any, ...] = ()) -> Any:
        """Return the first row of a query, or None."""
        return self.connection.execute(sql, parameters).fetchone()

    def drop_blob(self, blob: int | None) -> None:
        """Have a blob unlinked once this transaction is committed."""
        if blob is not None:
            self.dropped.append(blob)


class _Job:
    """One queued write function with the future that its caller waits for."""

    __slots__ = ("function", "future", "outcome")

    def __init__(self, function: Callable[[Transaction], Any]) -> None:
        self.function = function
        self.future: Future[Any] = Future()
        self.outcome: tuple[bool, Any] = (False, None)


class Database:
    """The metadata of one store; safe to use from any thread."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        on_dropped: Callable[[Iterable[int]], None] = lambda _blobs: None,
        flush_directories: Callable[[], None] = lambda: None,
    ) -> None:
        """Open or create the file at `path`.

        `on_dropped` is called on the writer's thread with blobs that no row refers to any more, and
        `flush_directories` right before every commit, to make renamed files durable before rows name them.
        """
        self._path = path
        self._clock = clock
        self._on_dropped = on_dropped
        self._flush_directories = flush_directories
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._connections_lock = threading.Lock()
        # SQLite gives its other files the mode of this one, whatever the umask is (hazard 59).
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = self._connect()
        _prepare(connection)
        row = connection.execute("SELECT value FROM meta WHERE key = 'last_generation'").fetchone()
        self._last_generation = int(row[0]) if row else 0
        self._writer_connection = connection
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._run_writer, name="store-write", daemon=True)
        self._writer.start()

    def now(self) -> int:
        """Return the time in microseconds since the epoch by the store's clock."""
        return int(self._clock() * 1_000_000)

    async def write(self, function: Callable[[Transaction], T]) -> T:
        """Run `function` in a transaction and return its result once that is on disk."""
        return await asyncio.wrap_future(self._submit(function))

    def write_blocking(self, function: Callable[[Transaction], T]) -> T:
        """Do what `write` does from a thread that may wait."""
        result: T = self._submit(function).result()
        return result

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` on a reader's thread, in one consistent view of what is committed."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, function)

    def read_blocking(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Do what `read` does on the calling thread."""
        return self._read(function)

    def close(self) -> None:
        """Finish what is queued and close every connection."""
        self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown(wait=True)
        with self._connections_lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        with self._connections_lock:
            self._connections.append(connection)
        return connection

    def _read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        try:
            return function(connection)
        finally:
            connection.execute("COMMIT")

    def _submit(self, function: Callable[[Transaction], T]) -> Future[T]:
        job = _Job(function)
        self._jobs.put(job)
        return job.future

    def _run_writer(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch, more = self._gather(job)
            if batch:
                self._commit(batch)
            if not more:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """Take what is queued already, without what its caller has given up; never wait for more."""
        batch = [first]
        more = True
        while len(batch) < BATCH_LIMIT:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                more = False
                break
            batch.append(job)
        return [job for job in batch if job.future.set_running_or_notify_cancel()], more

    def _commit(self, batch: list[_Job]) -> None:
        dropped: list[int] = []
        try:
            last_generation = self._run_batch(batch, dropped)
        except BaseException as error:  # noqa: BLE001 - handed to every caller
            # A commit that failed (full disk, I/O error) has changed nothing: every caller is told.
            if self._writer_connection.in_transaction:
                self._writer_connection.execute("ROLLBACK")
            for job in batch:
                job.future.set_exception(error)
            return
        self._last_generation = last_generation
        for job in batch:
            succeeded, value = job.outcome
            if succeeded:
                job.future.set_result(value)
            else:
                job.future.set_exception(value)
        if dropped:
            self._on_dropped(dropped)

    def _run_batch(self, batch: list[_Job], dropped: list[int]) -> int:
        connection = self._writer_connection
        last_generation = self._last_generation
        self._flush_directories()
        connection.execute("BEGIN IMMEDIATE")
        for job in batch:
            transaction = Transaction(connection, self.now(), last_generation)
            connection.execute("SAVEPOINT job")
            try:
                job.outcome = (True, job.function(transaction))
            except Exception as error:  # noqa: BLE001 - handed to the caller
                job.outcome = (False, error)
                connection.execute("ROLLBACK TO job")
            else:
                last_generation = transaction.last_generation
                dropped += transaction.dropped
            connection.execute("RELEASE job")
        if last_generation != self._last_generation:
            connection.execute(
                "INSERT INTO meta (key, value) VALUES ('last_generation', ?) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (last_generation,),
            )
        connection.execute("COMMIT")
        return last_generation


def _prepare(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version not in {0, 1, SCHEMA_VERSION}:
        raise StoreVersionError(version)
    if version < SCHEMA_VERSION:
        missing = MULTIPART_SCHEMA if version else SCHEMA + MULTIPART_SCHEMA
        connection.executescript(f"BEGIN; {missing} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")


class StoreVersionError(Exception):
    """The folder was written by another version of the store, whose tables this one does not know."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the store's tables have version {version}, this program knows {SCHEMA_VERSION}")
