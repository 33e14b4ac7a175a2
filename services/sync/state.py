"""What a pair remembers between passes: the base, and what was begun, in SQLite.

The base is written only after what it says was verified; what is begun is written before it is done.  A file that
cannot be trusted is put aside, and the pair starts as at its first sync: equal files are matched by CRC32C and nothing
is deleted (hazards 31 and 32).
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self

from services import paths
from services.errors import LocalFileError, Rejected
from services.sync.entries import BaseEntry, Signature

SCHEMA_VERSION: Final = 1
"""Version of the tables, kept in `user_version`."""

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE base (
    key TEXT PRIMARY KEY, inode INTEGER, size INTEGER NOT NULL, mtime_ns INTEGER, ctime_ns INTEGER,
    crc32c TEXT NOT NULL, generation INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE intents (
    key TEXT NOT NULL, kind TEXT NOT NULL, nonce TEXT NOT NULL, crc32c TEXT NOT NULL, size INTEGER NOT NULL,
    generation INTEGER NOT NULL, inode INTEGER NOT NULL, PRIMARY KEY (key, nonce)
) WITHOUT ROWID;
"""

_new: Final = tuple.__new__
"""Makes a named tuple from a plain one, in half the time."""

NONCE_START: Final = "sync-"
"""How the marks of sync begin: an unfinished download that nothing is known of any more is told by it."""

IntentKind = Literal["upload", "download", "place", "move", "remove"]
"""What was begun; `place` is a download whose bytes are verified and that takes its name next, `remove` a file that is
on its way to the trash."""


class Intent(NamedTuple):
    """Something that was begun with a key, and may have been done without having been noted."""

    key: str
    """The key."""
    kind: IntentKind
    """What."""
    nonce: str
    """Mark of the upload, and part of the name of the unfinished download."""
    crc32c: str = ""
    """CRC32C of what goes there; empty where it is not known before."""
    size: int = 0
    """Bytes of it."""
    generation: int = 0
    """Generation that is downloaded."""
    inode: int = 0
    """Inode of the unfinished download."""


SESSION_S: Final = 7 * 86_400
"""Seconds after which a session has expired (cloud.google.com/storage/docs/resumable-uploads)."""

_SESSION: Final = "session:"
"""How the names of notes on sessions begin."""


class Session(NamedTuple):
    """The session of an upload that has not ended."""

    session: str
    """What the service knows it by: a secret."""
    nonce: str
    """Mark of the object that comes of it."""
    mark: str
    """The file as it was (`services.transfer.local.fingerprint`)."""
    seen: int
    """Generation that the object is written over; 0 for none."""


class State:
    """The memory of one pair; every method blocks and may be called from any thread."""

    def __init__(self, path: Path, db: sqlite3.Connection, rebuilt: str) -> None:
        self.path = path
        """The file."""
        self.rebuilt = rebuilt
        """Why the memory was begun anew; empty where it was not."""
        self._db = db
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, identity: str) -> Self:
        """Open or create the memory of the pair `identity`.

        Raises `Rejected` where a newer version wrote it, `LocalFileError` where it cannot be written.
        """
        try:
            rebuilt = ""
            try:
                db = _open(path, identity)
            except (sqlite3.DatabaseError, _Distrusted) as error:
                rebuilt = f"the memory of this pair cannot be trusted ({error}); it starts as at its first sync"
                _put_aside(path)
                db = _open(path, identity)
            return cls(path, db, rebuilt)
        except (OSError, sqlite3.Error) as error:
            raise LocalFileError(
                f"cannot keep what was synced in {path}: {error}",
                remedy="Check the disk and the permissions of the state folder.",
                url=str(path),
            ) from error

    def is_new(self) -> bool:
        """Tell whether nothing was ever agreed on."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM base LIMIT 1").fetchone() is None

    def load(self) -> dict[str, BaseEntry]:
        """Return the base."""
        with self._lock:
            rows = self._db.execute("SELECT key, inode, size, mtime_ns, ctime_ns, crc32c, generation FROM base")
            return {
                key: _new(
                    BaseEntry,
                    (
                        None if inode is None else _new(Signature, (inode, size, mtime_ns, ctime_ns)),
                        size,
                        crc32c,
                        generation,
                    ),
                )
                for key, inode, size, mtime_ns, ctime_ns, crc32c, generation in rows
            }

    def intents(self) -> list[Intent]:
        """Return what was begun and is not known to have ended."""
        with self._lock:
            rows = self._db.execute("SELECT key, kind, nonce, crc32c, size, generation, inode FROM intents")
            return [Intent(*row) for row in rows]

    def begin(self, intents: Iterable[Intent]) -> None:
        """Return once what is about to be begun is durable."""
        rows = [(i.key, i.kind, i.nonce, i.crc32c, i.size, i.generation, i.inode) for i in intents]
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def save(self, changes: Iterable[tuple[str, BaseEntry | None]], ended: Iterable[str] = ()) -> None:
        """Write what was agreed on (None: nothing any more), and what has ended, in one step."""
        put, gone = [], []
        for key, entry in changes:
            if entry is None:
                gone.append((key,))
            else:
                inode, _, mtime_ns, ctime_ns = entry.signature or (None, 0, None, None)
                put.append((key, inode, entry.size, mtime_ns, ctime_ns, entry.crc32c, entry.generation))
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO base VALUES (?, ?, ?, ?, ?, ?, ?)", put)
            self._db.executemany("DELETE FROM base WHERE key = ?", gone)
            self._db.executemany("DELETE FROM intents WHERE key = ?", [(key,) for key in ended])

    def withdraw(self, intents: Iterable[tuple[str, str]]) -> None:
        """Forget what was begun, given as keys and nonces: it is known what became of it."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM intents WHERE key = ? AND nonce = ?", list(intents))

    def session(self, key: str) -> Session | None:
        """Return the session of a key's upload, where one was begun that may still stand."""
        found = self._note(_SESSION + key)
        if not found or time.time() - float(found.pop("at", "0")) > SESSION_S:
            return None
        return Session(found["session"], found["nonce"], found["mark"], int(found["seen"]))

    def keep_session(self, key: str, session: Session) -> None:
        """Keep a session, in place of the one before, durable when this returns."""
        plain = {"session": session.session, "nonce": session.nonce, "mark": session.mark, "seen": str(session.seen)}
        self._write(_SESSION + key, {**plain, "at": str(int(time.time()))})

    def drop_session(self, key: str) -> None:
        """Forget the session of a key."""
        with self._lock, self._db:
            self._db.execute("DELETE FROM meta WHERE key = ?", (_SESSION + key,))

    def declined(self) -> dict[str, str]:
        """Return what a person has unticked: fingerprints of actions, by key."""
        return self._note("declined")

    def decline(self, fingerprints: Mapping[str, str]) -> None:
        """Keep what a person has unticked, in place of what was kept before."""
        self._write("declined", fingerprints)

    def settled_conflicts(self) -> dict[str, str]:
        """Return the conflict copies that a person wants to keep, by key."""
        return self._note("settled")

    def settle_conflicts(self, copies: Mapping[str, str]) -> None:
        """Keep which conflict copies are no conflict any more."""
        self._write("settled", copies)

    def _note(self, name: str) -> dict[str, str]:
        with self._lock:
            row = self._db.execute("SELECT value FROM meta WHERE key = ?", (name,)).fetchone()
        return dict(json.loads(row[0])) if row is not None else {}

    def _write(self, name: str, value: Mapping[str, str]) -> None:
        with self._lock, self._db:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value)))

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._db.close()


class _Distrusted(Exception):
    """The file is no memory of this pair."""


def _open(path: Path, identity: str) -> sqlite3.Connection:
    # SQLite gives its -wal and -shm files the mode of the database file: so that has to be private from the start.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, paths.PRIVATE_FILE_MODE))
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        _flush_each_commit(db)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise Rejected(
                f"this pair was last synced by a newer version of pail (format {version})", remedy="Update pail."
            )
        if version == 0:
            if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise _Distrusted("it is not of this program")
            db.executescript(_SCHEMA)
            db.execute("INSERT INTO meta VALUES ('identity', ?)", (identity,))
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif version != SCHEMA_VERSION:
            raise _Distrusted(f"format {version}")
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _Distrusted("it is damaged")
        row = db.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
        if row is None or row[0] != identity:
            raise _Distrusted("it is of another pair")
    except BaseException:
        db.close()
        raise
    return db


def _flush_each_commit(db: sqlite3.Connection) -> None:
    """Have what is written be on the disk when the call returns, so that no loss of power takes it back."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")


def _put_aside(path: Path) -> None:
    """Move a file that is not trusted out of the way, to be looked at, and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.replace(path.with_name(f"{path.name}.bad-{int(time.time())}{suffix}"))
