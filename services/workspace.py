"""The workspace: a project folder with its attached buckets, or the user's own list where there is no project.

Nothing here touches the network, and nothing that a project folder says is acted upon: a name in `pail.toml` is a line
in a list, never an address that is contacted.  Methods read and write small files: call them in a thread.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from services.connection import Connection
from services.errors import LocalFileError, Rejected, Unsafe, UsageError
from services.names import display_name
from services.paths import replace_file
from services.workspace_state import WorkspaceState

PROJECT_FILE: Final = "pail.toml"
"""File of a project folder that names its buckets and proposes sync pairs."""

REPLIT_FILE: Final = ".replit"
"""Replit's own file in a workspace."""

FILE_LIMIT: Final = 1 << 20
"""Bytes of such a file that are read."""

BUCKET_NAME_LIMIT: Final = 222
"""Characters of the longest bucket name."""


class AttachedBucket(NamedTuple):
    """A bucket of the workspace."""

    name: str
    """Its name in storage."""
    alias: str = ""
    """What its people call it; may be empty."""


def find_folder(start: Path, explicit: Path | None = None) -> Path | None:
    """Return the folder of the workspace: `explicit`, else the nearest one at or above `start` with a file of ours.

    Raises `UsageError` where the explicit one is no folder.
    """
    if explicit is not None:
        folder = Path(os.path.abspath(explicit.expanduser()))  # noqa: PTH100 - symlinks stay
        if not folder.is_dir():
            raise UsageError(
                f"--workspace {display_name(str(explicit))} is no folder", remedy="Name a folder that exists."
            )
        return folder
    here = Path(os.path.abspath(start))  # noqa: PTH100
    for folder in (here, *here.parents):
        if (folder / PROJECT_FILE).is_file() or (folder / REPLIT_FILE).is_file():
            return folder
    return None


def connection_key(connection: Connection) -> str:
    """Return what tells one place of buckets from another: Google's service is one, whoever asks."""
    if connection.is_local:
        return f"local:{connection.local_dir}"
    return connection.endpoint or "google"


class Workspace:
    """Attached buckets, and which one is current, for each connection."""

    def __init__(self, folder: Path | None, state: WorkspaceState) -> None:
        self.folder = folder
        """Project folder; None for the user's own list."""
        self.problems: list[str] = []
        """What could not be used of the files, one line each, for the screen and `pail doctor`."""
        self._state = state
        self._project: dict[str, list[AttachedBucket]] = {}
        self._defaults: list[AttachedBucket] = []

    @classmethod
    def load(cls, start: Path, explicit: Path | None = None, *, default_bucket: str = "") -> Self:
        """Find the workspace at or above `start` and read it; `default_bucket` is what Replit's sidecar named.

        Raises `UsageError` for an explicit folder that is none, `Unsafe` for files that others planted (hazard 66).
        """
        workspace = cls(find_folder(start, explicit), WorkspaceState.load())
        workspace._read(default_bucket)
        return workspace

    @property
    def label(self) -> str:
        """What to call it (raw: show it through `display_name`)."""
        return self.folder.name or str(self.folder) if self.folder else "your buckets"

    def attached(self, connection: Connection) -> tuple[AttachedBucket, ...]:
        """Return the buckets that are attached where `connection` leads, in the order of the files."""
        key = connection_key(connection)
        found = list(self._project.get(key, ()))
        if self.folder is None:
            found += [AttachedBucket(name, alias) for name, alias in self._state.own(key)]
        if key == "google":
            found += self._defaults
        hidden = self._state.hidden(self._key, key)
        unique: dict[str, AttachedBucket] = {}
        for bucket in found:
            if bucket.name not in hidden:
                unique.setdefault(bucket.name, bucket)
        return tuple(unique.values())

    def current(self, connection: Connection) -> str:
        """Return the bucket that was selected last, else the first attached one, else ""."""
        selected = self._state.current(self._key, connection_key(connection))
        attached = self.attached(connection)
        return selected or (attached[0].name if attached else "")

    def recent(self, connection: Connection) -> tuple[str, ...]:
        """Return buckets that were selected lately, the latest first, in whatever workspace."""
        return self._state.recent(connection_key(connection))

    def select(self, connection: Connection, name: str) -> None:
        """Make a bucket the current one; it need not be attached.  Raises `LocalFileError`, `Rejected`."""
        self._state.select(self._key, connection_key(connection), _checked(name))

    def attach(self, connection: Connection, name: str, alias: str = "") -> None:
        """Add a bucket to the workspace, or give one of it another alias.

        It goes into the project's `pail.toml`, whose other lines stay as they are; without a project into the user's
        own list.  Raises `LocalFileError`, `Rejected`.
        """
        key = connection_key(connection)
        bucket = AttachedBucket(_checked(name), alias)
        self._state.show(self._key, key, name)
        if self.folder is None:
            self._state.attach_own(key, name, alias)
        elif AttachedBucket(name) not in self._defaults or key != "google" or alias:
            self._edit(lambda text: attach_in_toml(text, self._where(connection), bucket))

    def detach(self, connection: Connection, name: str) -> None:
        """Take a bucket out of the workspace; never touches data.  One that is not attached is fine.

        A bucket that `.replit` or the environment names is hidden, since those are not ours to write.
        """
        key = connection_key(connection)
        if self.folder is None:
            self._state.detach_own(key, name)
        elif any(bucket.name == name for bucket in self._project.get(key, ())):
            self._edit(lambda text: detach_in_toml(text, self._where(connection), name))
        hide = key == "google" and any(bucket.name == name for bucket in self._defaults)
        self._state.forget(self._key, key, name, hide=hide)

    @property
    def _key(self) -> str:
        return str(self.folder) if self.folder is not None else ""

    def _read(self, default_bucket: str) -> None:
        defaults = [default_bucket, os.environ.get("DEFAULT_OBJECT_STORAGE_BUCKET_ID", "")]
        if self.folder is not None:
            self._read_project()
            replit = self._load(REPLIT_FILE).get("objectStorage")
            if isinstance(replit, Mapping):
                defaults.insert(0, replit.get("defaultBucketID", ""))
        names = (name for name in defaults if isinstance(name, str) and not _name_problem(name))
        self._defaults = [AttachedBucket(name) for name in dict.fromkeys(names)]

    def _read_project(self) -> None:
        self._project = {}
        entries = self._load(PROJECT_FILE).get("buckets", [])
        if not isinstance(entries, list):
            self.problems.append(f"{PROJECT_FILE}: 'buckets' is not a list of tables")
            return
        for entry, bucket in self._entries(entries):
            self._project.setdefault(self._entry_key(entry), []).append(bucket)

    def _load(self, name: str) -> Mapping[str, Any]:
        import tomllib  # many folders have no such file

        assert self.folder is not None
        path = self.folder / name
        try:
            check_project_file(path)
            return tomllib.loads(read_bounded(path).decode())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else f"it is no TOML ({error})"
            self.problems.append(f"{display_name(str(path))} cannot be used: {display_name(str(why))}")
            return {}

    def _entries(self, entries: list[Any]) -> Iterator[tuple[Mapping[str, Any], AttachedBucket]]:
        for entry in entries:
            name = entry.get("name") if isinstance(entry, Mapping) else None
            alias = entry.get("alias", "") if isinstance(entry, Mapping) else None
            if not isinstance(name, str) or not isinstance(alias, str) or _name_problem(name):
                self.problems.append(f"{PROJECT_FILE}: an entry of [[buckets]] names no bucket")
            else:
                yield entry, AttachedBucket(name, alias)

    def _entry_key(self, entry: Mapping[str, Any]) -> str:
        assert self.folder is not None
        local, endpoint = entry.get("local"), entry.get("endpoint")
        if isinstance(local, str):
            return f"local:{os.path.abspath(self.folder / local)}"  # noqa: PTH100
        return endpoint.rstrip("/") if isinstance(endpoint, str) and endpoint else "google"

    def _where(self, connection: Connection) -> dict[str, str]:
        """Return the fields of an entry that say where its bucket is; a store inside the project is relative to it."""
        if connection.endpoint:
            return {"endpoint": connection.endpoint}
        if not connection.is_local:
            return {}
        assert self.folder is not None
        local = Path(connection.local_dir)
        return {"local": str(local.relative_to(self.folder) if local.is_relative_to(self.folder) else local)}

    def _edit(self, change: Callable[[str], str]) -> None:
        assert self.folder is not None
        path = self.folder / PROJECT_FILE
        try:
            check_project_file(path)
            before = read_bounded(path).decode()
            mode = stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:
            before, mode = "", 0o644
        except (OSError, ValueError) as error:
            raise _unwritable(path, error) from error
        try:
            replace_file(path, change(before).encode(), mode)
        except (OSError, ValueError) as error:
            raise _unwritable(path, error) from error
        self._read_project()


def attach_in_toml(text: str, where: Mapping[str, str], bucket: AttachedBucket) -> str:
    """Return `pail.toml` with the bucket in it; everything else stays, to the last space.  Raises `ValueError`."""
    import tomlkit  # rarely needed: keeps start-up light
    from tomlkit.items import AoT

    document = tomlkit.parse(text)
    entry = next(_matching(document, where, bucket.name), None)
    if entry is None:
        tables = document.get("buckets")
        if tables is None:
            tables = document["buckets"] = tomlkit.aot()
        if not isinstance(tables, list):
            raise ValueError("'buckets' is not a list of tables")
        entry = tomlkit.table() if isinstance(tables, AoT) else tomlkit.inline_table()
        entry.update({"name": bucket.name, **where})
        if bucket.alias:
            entry["alias"] = bucket.alias
        tables.append(entry)
        return tomlkit.dumps(document)
    if bucket.alias:
        entry["alias"] = bucket.alias
    elif "alias" in entry:
        del entry["alias"]
    return tomlkit.dumps(document)


def detach_in_toml(text: str, where: Mapping[str, str], name: str) -> str:
    """Return `pail.toml` without the bucket; everything else stays.  Raises `ValueError`."""
    import tomlkit

    document = tomlkit.parse(text)
    for entry in list(_matching(document, where, name)):
        document["buckets"].remove(entry)
    if "buckets" in document and not document["buckets"]:
        del document["buckets"]
    return tomlkit.dumps(document)


def _matching(document: Any, where: Mapping[str, str], name: str) -> Iterator[Any]:
    entries = document.get("buckets")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("name") == name:
            place = {key: str(entry[key]).rstrip("/") for key in ("endpoint", "local") if entry.get(key)}
            if place == dict(where):
                yield entry


def read_bounded(path: Path) -> bytes:
    """Return the bytes of a project's file; raises `OSError`, `ValueError` where it is too large."""
    with open(path, "rb") as file:
        data = file.read(FILE_LIMIT + 1)
    if len(data) > FILE_LIMIT:
        raise ValueError("too large")
    return data


def check_project_file(path: Path) -> None:
    """Refuse a file that a stranger planted in a folder above ours, such as /tmp (hazard 66).

    A project's files may well be writable by a group; that is for the project to decide.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(path)
    if found.st_uid not in (os.getuid(), 0) or found.st_mode & stat.S_IWOTH:
        raise Unsafe(
            f"{display_name(str(path))} can be changed by other users",
            remedy=f"Check what it says, then: chown $USER '{path}' && chmod o-w '{path}'; or use --workspace.",
            url=str(path),
        )


def _unwritable(path: Path, error: Exception) -> LocalFileError:
    why = error.strerror if isinstance(error, OSError) else str(error)
    return LocalFileError(
        f"cannot write {display_name(str(path))}: {display_name(str(why))}",
        remedy="Correct the file or its permissions.",
        url=str(path),
    )


def _name_problem(name: str) -> bool:
    return not name or len(name) > BUCKET_NAME_LIMIT or "/" in name or not name.isprintable()


def _checked(name: str) -> str:
    if _name_problem(name):
        raise Rejected(f"'{display_name(name)[:80]}' is no bucket's name", remedy="Check the name.")
    return name
