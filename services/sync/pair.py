"""Sync pairs: what belongs together, who runs it, and which pairs cannot live side by side."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from services import paths
from services.connection import Connection
from services.errors import Busy, UsageError
from services.file_lock import FileLock
from services.names import GsUrl, display_name
from services.sync.entries import MODES, Mode
from services.sync.gate import MaxDelete
from services.sync.status import RUN_KINDS, Owner, RunKind

FOLDER: Final = "sync"
"""Folder of the pairs' memories below the state folder."""


class Pair(NamedTuple):
    """A local folder and a prefix that are to be in step."""

    root: str
    """Absolute path of the folder, links resolved."""
    bucket: str
    """Name of the bucket."""
    prefix: str
    """Empty, or ending in `/`."""
    connection: Connection
    """Where the bucket is."""
    mode: Mode = "two-way"
    """Which way changes go."""
    delete: bool = False
    """Whether `push` and `pull` delete what the other side does not have."""
    max_delete: MaxDelete | None = None
    """How many deletes a person allowed for."""
    excludes: tuple[str, ...] = ()
    """Further patterns of what is left out."""

    @property
    def id(self) -> str:
        """A short name for it, the same in every process: that of its lock, its memory and its socket."""
        return hashlib.sha256(self.identity.encode("utf-8", "surrogateescape")).hexdigest()[:24]

    @property
    def url(self) -> str:
        """The prefix as a URL, raw."""
        return str(GsUrl(self.bucket, self.prefix))

    @property
    def identity(self) -> str:
        """What makes it this pair and no other: the two places, whichever way changes go."""
        credentials = self.connection.credentials._replace(detail="", quota_project="", path="", kind="default")
        place = self.connection._replace(credentials=credentials, project="").to_json()
        return json.dumps([self.root, self.bucket, self.prefix, place], sort_keys=True)

    def to_json(self) -> dict[str, Any]:
        """Return a form for the list of pairs; no secret is in it."""
        return {
            "root": self.root,
            "bucket": self.bucket,
            "prefix": self.prefix,
            "connection": self.connection.to_json(),
            "mode": self.mode,
            "delete": self.delete,
            "max_delete": str(self.max_delete) if self.max_delete else "",
            "excludes": list(self.excludes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Pair:
        """Rebuild a pair from `to_json`; raises `KeyError`, `TypeError`, `ValueError` for anything else."""
        if data["mode"] not in MODES or not str(data["root"]).startswith("/"):
            raise ValueError("no pair")
        return cls(
            str(data["root"]),
            str(data["bucket"]),
            str(data["prefix"]),
            Connection.from_json(data["connection"]),
            data["mode"],
            delete=bool(data["delete"]),
            max_delete=MaxDelete.parse(data["max_delete"]) if data["max_delete"] else None,
            excludes=tuple(str(one) for one in data["excludes"]),
        )


def make_pair(root: Path, url: GsUrl, connection: Connection) -> Pair:
    """Return the pair of a folder and a URL; raises `UsageError` where they cannot be one."""
    resolved = Path(os.path.realpath(root))
    if not url.bucket:
        raise UsageError("a bucket is needed: gs://BUCKET[/PREFIX]", remedy="See 'pail sync --help'.")
    if resolved == Path("/") or resolved == Path(os.path.realpath(Path.home())):
        raise UsageError(
            f"{display_name(str(resolved))} as a whole cannot be synced",
            remedy="Name a folder in it: what is in a home belongs to this machine only.",
        )
    prefix = f"{url.name}/" if url.name and not url.name.endswith("/") else url.name
    return Pair(str(resolved), url.bucket, prefix, connection)


class Claim:
    """The right to run a pair, held until `release` or until the process ends, however it ends (hazard 33)."""

    def __init__(self, lock: FileLock, database: Path) -> None:
        self._lock = lock
        self.database = database
        """File of the pair's memory."""
        self.socket = paths.socket_path(database.parent, f"{database.stem}.sock")
        """Where others reach whoever runs it."""

    def release(self) -> None:
        """Give it up."""
        self._lock.release(remove=True)


def sync_folder(state_dir: Path) -> Path:
    """Return the folder of the pairs' memories, made where it is missing; raises `Unsafe`, `LocalFileError`."""
    return paths.ensure_private_dir(paths.ensure_private_dir(state_dir) / FOLDER)


def claim(pair: Pair, state_dir: Path, kind: RunKind = "once") -> Claim:
    """Take the right to run a pair.

    Raises `Busy` where another process runs it, `UsageError` where a pair that is running overlaps with it (hazard 35).
    """
    folder = sync_folder(state_dir)
    # Looking at the others and taking a place among them is one step: two that overlap cannot both come first.
    door = FileLock(folder / "door.lock")
    door.acquire(wait=True)
    try:
        lock = FileLock(folder / f"{pair.id}.lock")
        if not lock.acquire():
            raise _busy(pair, lock.path)
        try:
            _check_overlaps(pair, folder, lock.path)
            owner = {"pid": os.getpid(), "host": socket.gethostname(), "kind": kind}
            lock.write(json.dumps({**owner, "root": pair.root, "place": place_of(pair)}))
        except BaseException:
            lock.release()
            raise
    finally:
        door.release()
    return Claim(lock, folder / f"{pair.id}.db")


def _busy(pair: Pair, path: Path) -> Busy:
    return busy(pair, read_owner(path))


def busy(pair: Pair, owner: Owner) -> Busy:
    """Return the error that says who runs a pair, and how it can be had."""
    remedy = {
        "worker": "Have it leave the pair alone: pail sync DIR --pause",
        "watch": "Stop that process first.",
        "once": "Wait for it.",
    }[owner.kind]
    return Busy(
        f"{display_name(pair.root)} is being synced with {display_name(pair.url)} by {owner.words}",
        remedy=remedy,
        url=pair.root,
    )


def read_owner(path: Path) -> Owner:
    """Return who a lock says that holds it; an empty one where it cannot be read."""
    try:
        found = json.loads(path.read_text("utf-8", "surrogateescape"))
        kind: RunKind = found["kind"] if found["kind"] in RUN_KINDS else "once"
        return Owner(int(found["pid"]), str(found["host"]), kind, str(found["root"]), str(found["place"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Owner()


def place_of(pair: Pair) -> str:
    """Return the prefix with the place of its bucket, so that beginnings can be compared."""
    where = pair.connection.endpoint or pair.connection.local_dir
    return f"{where}\0{pair.bucket}/{pair.prefix}"


def _check_overlaps(pair: Pair, folder: Path, own: Path) -> None:
    for path in folder.glob("*.lock"):
        if path == own or path.stem in ("door", "pairs"):
            continue
        probe = FileLock(path)
        if probe.acquire():
            probe.release(remove=True)
            continue
        other = read_owner(path)
        refuse_overlap(pair, other.root, other.place, f"which {other.words} keeps in step")


def refuse_overlap(pair: Pair, root: str, place: str, who: str) -> None:
    """Raise `UsageError` where one of two pairs lies in the other, on either side (hazard 35)."""
    if root and overlap(f"{pair.root}/", f"{root}/"):
        one, other = pair.root, root
    elif place and overlap(place_of(pair), place):
        one, other = pair.url, f"gs://{place.partition(chr(0))[2]}"
    else:
        return
    raise UsageError(
        f"{display_name(one)} overlaps with {display_name(other)}, {who}",
        remedy="Sync one of them only: see 'pail sync', and 'pail sync DIR --remove'.",
        url=one,
    )


def overlap(one: str, other: str) -> bool:
    """Tell whether one of two places lies in the other; both end in `/`."""
    return one.startswith(other) or other.startswith(one)
