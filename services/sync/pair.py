"""Sync pairs: what belongs together, who runs it, and which pairs cannot live side by side."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from services import paths
from services.connection import Connection
from services.errors import Busy, UsageError
from services.names import GsUrl, display_name
from services.sync.entries import Mode
from services.sync.gate import MaxDelete
from services.transfer.journal import FileLock

FOLDER: Final = "sync"
"""Folder of the pairs' memories below the state folder."""


@dataclass(frozen=True, slots=True)
class Pair:
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
    def url(self) -> str:
        """The prefix as a URL, raw."""
        return str(GsUrl(self.bucket, self.prefix))

    @property
    def identity(self) -> str:
        """What makes it this pair and no other: the two places, whichever way changes go."""
        credentials = replace(self.connection.credentials, detail="", quota_project="", path="", kind="default")
        place = replace(self.connection, credentials=credentials, project="").to_json()
        return json.dumps([self.root, self.bucket, self.prefix, place], sort_keys=True)


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

    def release(self) -> None:
        """Give it up."""
        self._lock.release(remove=True)


def claim(pair: Pair, state_dir: Path) -> Claim:
    """Take the right to run a pair.

    Raises `Busy` where another process runs it, `UsageError` where a pair that is running overlaps with it (hazard 35).
    """
    folder = paths.ensure_private_dir(paths.ensure_private_dir(state_dir) / FOLDER)
    digest = hashlib.sha256(pair.identity.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    # Looking at the others and taking a place among them is one step: two that overlap cannot both come first.
    door = FileLock(folder / "door.lock")
    door.acquire(wait=True)
    try:
        lock = FileLock(folder / f"{digest}.lock")
        if not lock.acquire():
            raise _busy(pair, lock.path)
        try:
            _check_overlaps(pair, folder, lock.path)
            lock.write(json.dumps({"pid": os.getpid(), "root": pair.root, "place": _place(pair)}))
        except BaseException:
            lock.release()
            raise
    finally:
        door.release()
    return Claim(lock, folder / f"{digest}.db")


def _busy(pair: Pair, path: Path) -> Busy:
    return Busy(
        f"{display_name(pair.root)} is being synced with {display_name(pair.url)} by process {_owner(path).get('pid')}",
        remedy="Wait for it, or stop it.",
        url=pair.root,
    )


def _owner(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text("utf-8", "surrogateescape"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _place(pair: Pair) -> str:
    """Return the prefix with the place of its bucket, so that beginnings can be compared."""
    where = pair.connection.endpoint or pair.connection.local_dir
    return f"{where}\0{pair.bucket}/{pair.prefix}"


def _check_overlaps(pair: Pair, folder: Path, own: Path) -> None:
    for path in folder.glob("*.lock"):
        if path == own or path.name == "door.lock":
            continue
        probe = FileLock(path)
        if probe.acquire():
            probe.release(remove=True)
            continue
        other = _owner(path)
        root, place = str(other.get("root", "")), str(other.get("place", ""))
        if root and overlap(f"{pair.root}/", f"{root}/"):
            raise _overlaps(pair.root, root, other)
        if place and overlap(_place(pair), place):
            raise _overlaps(pair.url, place.partition("\0")[2], other)


def overlap(one: str, other: str) -> bool:
    """Tell whether one of two places lies in the other; both end in `/`."""
    return one.startswith(other) or other.startswith(one)


def _overlaps(one: str, other: str, owner: dict[str, str]) -> UsageError:
    return UsageError(
        f"{display_name(one)} overlaps with {display_name(other)}, which process {owner.get('pid')} keeps in step",
        remedy="Sync one of them only, or leave the inner one out with .pailignore.",
    )
