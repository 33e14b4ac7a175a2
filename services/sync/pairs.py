"""The pairs that are kept on this machine: which ones, whether the worker runs them, and what was approved.

One private file in the state folder.  A pair that a project's `pail.toml` names is in it only once it was approved,
bound to what the file said then and to where its folder led (hazard 67).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from services import paths
from services.errors import LocalFileError, UsageError
from services.file_lock import FileLock
from services.names import display_name
from services.sync.pair import Pair, place_of, refuse_overlap, sync_folder

LIST_FILE: Final = "pairs.json"
"""The file, in the folder of the pairs' memories."""

FORMAT: Final = 1
"""Version of the file."""

LIST_LIMIT: Final = 4 << 20
"""Bytes of the file that are read."""


class KeptPair(NamedTuple):
    """A pair of the list."""

    pair: Pair
    """The pair."""
    on: bool = True
    """Whether the worker keeps it in step; else it is paused, or run by hand."""
    ask: bool = False
    """Whether its plan is to be shown before anything moves."""
    project: str = ""
    """Folder of the project whose `pail.toml` names it; empty for the user's own."""
    digest: str = ""
    """Digest of what `pail.toml` said when it was approved."""

    @property
    def id(self) -> str:
        """The pair's id."""
        return self.pair.id


class PairList:
    """The list as it was read; every change is made to what lies on the disk by then.  All methods block."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of(cls, state_dir: Path) -> PairList:
        """Return the list of a state folder; nothing is read yet."""
        return cls(state_dir / "sync" / LIST_FILE)

    def stamp(self) -> tuple[int, int, int]:
        """Return what changes whenever the list was written."""
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def load(self) -> tuple[KeptPair, ...]:
        """Return the pairs; entries that no version of ours wrote are left out.

        Raises `Unsafe` for a file that others may write (hazard 66), `LocalFileError`.
        """
        return tuple(kept for entry in self._read() if (kept := _kept(entry)) is not None)

    def find(self, identifier: str) -> KeptPair | None:
        """Return a pair by its id."""
        return next((kept for kept in self.load() if kept.id == identifier), None)

    def add(self, kept: KeptPair) -> None:
        """Add a pair, or replace the one with these two places; raises `UsageError` where it overlaps (hazard 35)."""

        def change(pairs: list[KeptPair]) -> list[KeptPair]:
            check_overlaps(kept.pair, pairs)
            return [*(one for one in pairs if one.id != kept.id), kept]

        self._change(change)

    def change(self, identifier: str, **changes: Any) -> None:
        """Change fields of a pair; one that is not there (any more) is fine."""
        self._change(lambda pairs: [one._replace(**changes) if one.id == identifier else one for one in pairs])

    def remove(self, identifier: str) -> None:
        """Take a pair off the list; neither side's files are touched."""
        self._change(lambda pairs: [one for one in pairs if one.id != identifier])

    def _change(self, change: Callable[[list[KeptPair]], list[KeptPair]]) -> None:
        try:
            sync_folder(self._path.parent.parent)
            lock = FileLock(self._path.with_suffix(".lock"))
            lock.acquire(wait=True)  # held for one small write
            try:
                pairs = change(list(self.load()))
                entries = [_entry(kept) for kept in pairs]
                data = json.dumps({"format": FORMAT, "pairs": entries}, indent=1).encode()
                paths.write_private(self._path, data)
            finally:
                lock.release()
        except OSError as error:
            raise LocalFileError(
                f"cannot write {display_name(str(self._path))}: {error.strerror}",
                remedy="Check the permissions of the folder, or set XDG_STATE_HOME.",
                url=str(self._path),
            ) from error

    def _read(self) -> list[Any]:
        try:
            paths.check_owned(self._path)
            with open(self._path, "rb") as file:
                found = json.loads(file.read(LIST_LIMIT))
            version, entries = found["format"], found["pairs"]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise LocalFileError(
                f"the list of pairs {display_name(str(self._path))} is damaged",
                remedy="Move it away, and make the pairs anew: nothing that was synced is lost.",
                url=str(self._path),
            ) from error
        except OSError as error:
            raise LocalFileError(
                f"cannot read {display_name(str(self._path))}: {error.strerror}",
                remedy="Check its permissions, or set XDG_STATE_HOME.",
                url=str(self._path),
            ) from error
        if not isinstance(version, int) or version > FORMAT or not isinstance(entries, list):
            raise LocalFileError(
                f"{display_name(str(self._path))} was written by a newer Pail",
                remedy="Update this one.",
                url=str(self._path),
            )
        return entries


def check_overlaps(pair: Pair, others: list[KeptPair] | tuple[KeptPair, ...]) -> None:
    """Raise `UsageError` where a pair overlaps with one of the list, running or not (hazard 35)."""
    for other in others:
        if other.id != pair.id:
            refuse_overlap(pair, other.pair.root, place_of(other.pair), "which is another pair of your list")


def find_by_folder(pairs: tuple[KeptPair, ...], root: str) -> KeptPair:
    """Return the pair of a folder; raises `UsageError` where there is none, or more than one."""
    found = [kept for kept in pairs if kept.pair.root == root]
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"{display_name(root)} is in no pair" if not found else f"{display_name(root)} is in several pairs",
        remedy="'pail sync' lists the pairs; a new one is made with: pail sync DIR gs://BUCKET/PREFIX --watch",
        url=root,
    )


def _entry(kept: KeptPair) -> dict[str, Any]:
    rest = {"on": kept.on, "ask": kept.ask, "project": kept.project, "digest": kept.digest}
    return {"pair": kept.pair.to_json(), **rest}


def _kept(entry: Any) -> KeptPair | None:
    try:
        return KeptPair(
            Pair.from_json(entry["pair"]),
            on=bool(entry["on"]),
            ask=bool(entry["ask"]),
            project=str(entry["project"]),
            digest=str(entry["digest"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
