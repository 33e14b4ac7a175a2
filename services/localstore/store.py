"""One open store: its folder, its database, its files, and the threads that wait for the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from services.errors import PailError
from services.localstore.blobs import Blobs
from services.localstore.database import Database, StoreVersionError, Transaction
from services.localstore.sessions import Sessions, session_file

T = TypeVar("T")

IO_THREADS: Final = 16
"""Threads that write, read and flush files. A client holds one only while the disk works for it."""

PURGE_INTERVAL_S: Final = 600.0
"""Seconds between removals of what has expired."""

PURGE_BATCH: Final = 500
"""Rows that one transaction purges."""


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """What a test may want different."""

    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    session_lifetime_s: float = 7 * 86_400.0
    """Seconds that an unfinished resumable upload is kept."""
    rewrite_bytes_per_call: int = 256 << 20
    """Bytes after which a rewrite answers with a token, so that clients' loops are used."""
    soft_delete_s: int = 7 * 86_400
    """Soft-delete duration of a bucket that asks for none."""
    scan_limit: int = 10_000
    """Rows that one page of a list looks at, when a glob leaves most of them out."""


@dataclass(slots=True)
class Store:
    """Everything that an operation needs; built by `open_store`."""

    directory: Path
    """Its folder."""
    options: StoreOptions
    """Injectable settings."""
    blobs: Blobs
    """Bytes."""
    database: Database
    """Metadata."""
    threads: ThreadPoolExecutor
    """For work with files."""
    sessions: Sessions = field(default_factory=Sessions)
    """Resumable uploads that are being written."""
    operations: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """Renames of folders by bucket and name, as their ends are answered."""

    async def in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run something that waits for the disk, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *arguments)

    async def write(self, function: Callable[[Transaction], T]) -> T:
        """Run `function` in a transaction; returns once it is durable."""
        return await self.database.write(function)

    def close(self) -> None:
        """Finish what is under way and release the folder's files."""
        self.database.close()
        self.threads.shutdown(wait=True)

    def purge(self) -> int:
        """Remove generations, buckets and sessions whose time is over; return how many rows went."""
        total = 0
        while count := self.database.write_blocking(self._purge_some):
            total += count
        return total

    def _purge_some(self, transaction: Transaction) -> int:
        now = transaction.now
        expired = transaction.execute(
            "SELECT id, blob FROM objects WHERE expires <= ? LIMIT ?", (now, PURGE_BATCH)
        ).fetchall()
        for row, blob in expired:
            transaction.execute("DELETE FROM objects WHERE id = ?", (row,))
            transaction.drop_blob(blob)
        oldest = now - int(self.options.session_lifetime_s * 1_000_000)
        sessions = transaction.execute(
            "SELECT id FROM uploads WHERE created <= ? LIMIT ?", (oldest, PURGE_BATCH)
        ).fetchall()
        for (session,) in sessions:
            transaction.execute("DELETE FROM uploads WHERE id = ?", (session,))
            self.blobs.partial_path(session_file(session)).unlink(missing_ok=True)
        transaction.execute("DELETE FROM rewrites WHERE created <= ?", (oldest,))
        self._purge_orphans(transaction)
        if not expired:
            transaction.execute(
                "DELETE FROM buckets WHERE expires <= ? AND id NOT IN (SELECT bucket FROM objects)", (now,)
            )
        return len(expired) + len(sessions)

    def _purge_orphans(self, transaction: Transaction) -> None:
        """Remove multipart uploads of buckets that are gone for good."""
        orphans = transaction.execute(
            "SELECT id FROM multipart_uploads WHERE bucket NOT IN (SELECT id FROM buckets) LIMIT ?", (PURGE_BATCH,)
        ).fetchall()
        for (upload,) in orphans:
            for (blob,) in transaction.execute(
                "SELECT blob FROM multipart_parts WHERE upload = ?", (upload,)
            ).fetchall():
                transaction.drop_blob(blob)
            transaction.execute("DELETE FROM multipart_parts WHERE upload = ?", (upload,))
            transaction.execute("DELETE FROM multipart_uploads WHERE id = ?", (upload,))


def open_store(directory: Path, options: StoreOptions) -> Store:
    """Open the store of a folder that the caller has locked, and clean up after a crash.

    Raises `PailError` when another version of Pail wrote it.
    """
    blobs = Blobs(directory)
    try:
        database = Database(
            directory / "metadata.sqlite",
            clock=options.clock,
            on_dropped=blobs.remove,
            flush_directories=blobs.flush_directories,
        )
    except StoreVersionError as error:
        raise PailError(
            f"cannot open the store in {directory}: {error}",
            remedy="Use the version of Pail that wrote it, or another folder.",
            url=str(directory),
        ) from error
    threads = ThreadPoolExecutor(IO_THREADS, thread_name_prefix="store-io")
    store = Store(directory, options, blobs, database, threads)
    named = database.read_blocking(
        lambda connection: {
            row[0] for row in connection.execute("SELECT blob FROM objects UNION SELECT blob FROM multipart_parts")
        }
    )
    active = database.read_blocking(
        lambda connection: [row[0] for row in connection.execute("SELECT id FROM uploads WHERE state = 'active'")]
    )
    blobs.collect(named, {session_file(session) for session in active})
    store.purge()
    return store
