"""What Pail remembers of workspaces on this machine: the user's own buckets, the current ones, the recent ones."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Self

from services import paths
from services.errors import LocalFileError
from services.names import display_name

STATE_FILE: Final = "workspaces.json"
"""The file, in the state folder."""

FORMAT: Final = 1
"""Version of the file."""

STATE_LIMIT: Final = 4 << 20
"""Bytes of the file that are read."""

RECENT_LIMIT: Final = 20
"""Recent buckets that are kept for a connection."""

WORKSPACE_LIMIT: Final = 500
"""Workspaces that are remembered; the one that was used longest ago goes first."""

_Pairs = dict[str, Any]


class WorkspaceState:
    """The remembered state: read once, changed under a lock on what lies on disk by then."""

    def __init__(self, path: Path, data: _Pairs) -> None:
        self._path = path
        self._data = data

    @classmethod
    def load(cls) -> Self:
        """Read the state; none, or one that is damaged, is empty.  Raises `Unsafe` for a planted one (hazard 66)."""
        path = paths.state_dir() / STATE_FILE
        return cls(path, _read(path))

    def own(self, connection: str) -> list[tuple[str, str]]:
        """Return name and alias of the user's own buckets for a connection."""
        return [(one["name"], one.get("alias", "")) for one in self._data["own"].get(connection, ())]

    def hidden(self, workspace: str, connection: str) -> frozenset[str]:
        """Return buckets that files of others name and the user has detached."""
        return frozenset(self._data["hidden"].get(workspace, {}).get(connection, ()))

    def current(self, workspace: str, connection: str) -> str:
        """Return the selected bucket, "" for none."""
        return str(self._data["current"].get(workspace, {}).get(connection, ""))

    def recent(self, connection: str) -> tuple[str, ...]:
        """Return the recent buckets of a connection, the latest first."""
        return tuple(self._data["recent"].get(connection, ()))

    def select(self, workspace: str, connection: str, name: str) -> None:
        """Remember the current bucket."""

        def change(data: _Pairs) -> None:
            chosen = data["current"].pop(workspace, {})
            data["current"][workspace] = chosen | {connection: name}  # the latest is the last
            while len(data["current"]) > WORKSPACE_LIMIT:
                del data["current"][next(iter(data["current"]))]
            others = [one for one in data["recent"].get(connection, ()) if one != name]
            data["recent"][connection] = [name, *others][:RECENT_LIMIT]

        self._change(change)

    def attach_own(self, connection: str, name: str, alias: str) -> None:
        """Add a bucket to the user's own list, or change its alias."""

        def change(data: _Pairs) -> None:
            entries = data["own"].setdefault(connection, [])
            known = next((one for one in entries if one["name"] == name), None)
            if known is None:
                entries.append(known := {"name": name})
            known["alias"] = alias

        self._change(change)

    def detach_own(self, connection: str, name: str) -> None:
        """Take a bucket out of the user's own list."""

        def change(data: _Pairs) -> None:
            data["own"][connection] = [one for one in data["own"].get(connection, ()) if one["name"] != name]

        self._change(change)

    def show(self, workspace: str, connection: str, name: str) -> None:
        """No longer hide a bucket."""
        if name not in self.hidden(workspace, connection):
            return

        def change(data: _Pairs) -> None:
            names = data["hidden"].get(workspace, {}).get(connection, [])
            if name in names:
                names.remove(name)

        self._change(change)

    def forget(self, workspace: str, connection: str, name: str, *, hide: bool) -> None:
        """Forget that a bucket was current or recent, and hide it where others go on naming it."""

        def change(data: _Pairs) -> None:
            if data["current"].get(workspace, {}).get(connection) == name:
                del data["current"][workspace][connection]
            data["recent"][connection] = [one for one in data["recent"].get(connection, ()) if one != name]
            if hide:
                names = data["hidden"].setdefault(workspace, {}).setdefault(connection, [])
                if name not in names:
                    names.append(name)

        self._change(change)

    def _change(self, change: Callable[[_Pairs], None]) -> None:
        try:
            paths.ensure_private_dir(self._path.parent)
            with _locked(self._path.with_suffix(".lock")):
                data = _read(self._path)
                if data["format"] > FORMAT:
                    raise LocalFileError(
                        f"{display_name(str(self._path))} was written by a newer Pail",
                        remedy="Update this one, or move the file away.",
                        url=str(self._path),
                    )
                change(data)
                paths.write_private(self._path, json.dumps(data, indent=1).encode())
        except OSError as error:
            raise LocalFileError(
                f"cannot write {display_name(str(self._path))}: {error.strerror}",
                remedy="Check the permissions of the folder, or set XDG_STATE_HOME.",
                url=str(self._path),
            ) from error
        self._data = data


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, paths.PRIVATE_FILE_MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # held for one small write
        yield
    finally:
        os.close(handle)


def _read(path: Path) -> _Pairs:
    """Return the state that lies on disk, in its full shape whatever is missing or wrong there."""
    try:
        paths.check_owned(path)
        with open(path, "rb") as file:
            found = json.loads(file.read(STATE_LIMIT))
    except (FileNotFoundError, ValueError):
        found = {}
    except OSError as error:
        raise LocalFileError(
            f"cannot read {display_name(str(path))}: {error.strerror}",
            remedy="Check its permissions, or set XDG_STATE_HOME.",
            url=str(path),
        ) from error
    return _shaped(found if isinstance(found, dict) else {})


def _shaped(found: _Pairs) -> _Pairs:
    version = found.get("format", FORMAT)
    return {
        "format": version if isinstance(version, int) else FORMAT,
        "own": {
            key: [one for one in _list(entries) if isinstance(one, dict) and isinstance(one.get("name"), str)]
            for key, entries in _dict(found.get("own")).items()
        },
        "current": {
            workspace: {key: name for key, name in _dict(chosen).items() if isinstance(name, str)}
            for workspace, chosen in _dict(found.get("current")).items()
        },
        "recent": {key: _names(names) for key, names in _dict(found.get("recent")).items()},
        "hidden": {
            workspace: {key: _names(names) for key, names in _dict(places).items()}
            for workspace, places in _dict(found.get("hidden")).items()
        },
    }


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _names(value: Any) -> list[str]:
    return [one for one in _list(value) if isinstance(one, str)]
