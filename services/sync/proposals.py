"""Pairs that a project's `pail.toml` names: proposals, until a person approves them once on this machine (hazard 67).

    [[sync]]
    folder = "assets"                 # inside the project
    url = "gs://filevault-1/assets"
    mode = "two-way"                  # or "push", "pull"
    delete = false                    # push and pull: delete what the other side does not have
    ignore = ["*.tmp"]

What was approved is bound to the project, to where the folder leads, and to every word of the entry.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.connection import Connection
from services.errors import LocalFileError, PailError, UsageError
from services.names import GsUrl, display_name, parse_gs_url
from services.paths import replace_file
from services.sync.entries import MODES
from services.sync.pair import Pair, make_pair
from services.sync.pairs import KeptPair
from services.workspace import PROJECT_FILE, check_project_file, read_bounded

TABLE: Final = "sync"
"""Name of the tables in `pail.toml`."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pair that a project names."""

    pair: Pair
    """The pair, over the connection in use."""
    project: str
    """Folder of the project."""
    digest: str
    """Digest of what the file says and where the folder leads."""

    def approved(self, *, on: bool = True, ask: bool = True) -> KeptPair:
        """Return it as an entry of the list of pairs."""
        return KeptPair(self.pair, on=on, ask=ask, project=self.project, digest=self.digest)


def proposals(project: Path, connection: Connection) -> tuple[list[Proposal], list[str]]:
    """Return the pairs that a project names for the place where `connection` leads, and what cannot be used.

    Blocks.  Raises `Unsafe` for a file that strangers may write.
    """
    found: list[Proposal] = []
    problems: list[str] = []
    for number, entry in enumerate(_entries(project, problems), 1):
        try:
            proposal = _proposal(project, entry, connection)
        except PailError as error:
            problems.append(f"{PROJECT_FILE}: [[{TABLE}]] {number}: {error.message}")
            continue
        if proposal is not None:
            found.append(proposal)
    return found, problems


def is_still_named(kept: KeptPair) -> bool:
    """Tell whether a project still says of an approved pair what was approved; blocks."""
    if not kept.project:
        return True
    try:
        found, _ = proposals(Path(kept.project), kept.pair.connection)
    except PailError:
        return False
    return any(proposal.digest == kept.digest for proposal in found)


def propose(project: Path, pair: Pair) -> Proposal:
    """Write a pair into a project's `pail.toml`, whose other lines stay as they are, and return it.

    Blocks.  Raises `UsageError` where the folder lies outside of the project, `LocalFileError`.
    """
    entry = _to_entry(project, pair)
    path = project / PROJECT_FILE
    try:
        before, mode = "", 0o644
        if path.exists():
            check_project_file(path)
            before, mode = read_bounded(path).decode(), stat.S_IMODE(path.stat().st_mode)
        replace_file(path, _with_entry(before, entry).encode(), mode)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise LocalFileError(
            f"cannot write {display_name(str(path))}: {display_name(str(why))}",
            remedy="Correct the file or its permissions.",
            url=str(path),
        ) from error
    return Proposal(pair, str(project), _digest(project, pair.root, entry))


def withdraw(kept: KeptPair) -> None:
    """Take an approved pair out of its project's `pail.toml`; blocks.  Raises `LocalFileError`."""
    import tomlkit  # rarely needed: keeps start-up light

    project = Path(kept.project)
    path = project / PROJECT_FILE
    try:
        check_project_file(path)
        text = read_bounded(path).decode()
        document = tomlkit.parse(text)
        tables = document.get(TABLE)
        if isinstance(tables, list):
            for entry in list(tables):
                if _digest(project, kept.pair.root, dict(entry.unwrap())) == kept.digest:
                    tables.remove(entry)
            if not tables:
                del document[TABLE]
        replace_file(path, tomlkit.dumps(document).encode(), stat.S_IMODE(path.stat().st_mode))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise LocalFileError(
            f"cannot take the pair out of {display_name(str(path))}: {error}",
            remedy="Take it out by hand.",
            url=str(path),
        ) from error


def _entries(project: Path, problems: list[str]) -> list[Any]:
    path = project / PROJECT_FILE
    try:
        check_project_file(path)
        found = tomllib.loads(read_bounded(path).decode()).get(TABLE, [])
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        return []  # the workspace says what is wrong with the file as a whole
    if not isinstance(found, list):
        problems.append(f"{PROJECT_FILE}: '{TABLE}' is not a list of tables")
        return []
    return found


def _proposal(project: Path, entry: Any, connection: Connection) -> Proposal | None:
    """Return what an entry proposes, None where it is of another place; raises `PailError`."""
    if not isinstance(entry, Mapping):
        raise UsageError("it is no table")
    folder, url, mode = entry.get("folder"), entry.get("url"), entry.get("mode", "two-way")
    ignore, delete = entry.get("ignore", []), entry.get("delete", False)
    if not isinstance(folder, str) or not isinstance(url, str) or not folder:
        raise UsageError("'folder' and 'url' are needed")
    if mode not in MODES or not isinstance(delete, bool):
        raise UsageError("'mode' is push, pull or two-way, and 'delete' is true or false")
    if not isinstance(ignore, list) or not all(isinstance(one, str) for one in ignore):
        raise UsageError("'ignore' is a list of patterns")
    if _place(project, entry) != (connection.endpoint, connection.local_dir):
        return None
    root = _inside(project, folder)
    pair = make_pair(Path(root), _url(url), connection)
    pair = pair._replace(mode=mode, delete=delete and mode != "two-way", excludes=tuple(ignore))
    return Proposal(pair, str(project), _digest(project, pair.root, dict(entry)))


def _url(text: str) -> GsUrl:
    return parse_gs_url(text)


def _place(project: Path, entry: Mapping[str, Any]) -> tuple[str, str]:
    endpoint, local = entry.get("endpoint", ""), entry.get("local", "")
    place = os.path.abspath(project / local) if isinstance(local, str) and local else ""  # noqa: PTH100
    return (endpoint.rstrip("/") if isinstance(endpoint, str) else "", place)


def _inside(project: Path, folder: str) -> str:
    """Return where a folder of a project leads; raises `UsageError` for one outside of it, also by a link."""
    top = os.path.realpath(project)
    root = os.path.realpath(project / folder)
    if not root.startswith(f"{top}/"):
        raise UsageError(
            f"{display_name(folder)} does not lie inside the project",
            remedy="A project can only propose its own folders; make such a pair with 'pail sync'.",
        )
    return root


def _to_entry(project: Path, pair: Pair) -> dict[str, Any]:
    top = os.path.realpath(project)
    _inside(project, os.path.relpath(pair.root, top))
    entry: dict[str, Any] = {"folder": os.path.relpath(pair.root, top), "url": pair.url, "mode": pair.mode}
    if pair.delete:
        entry["delete"] = True
    if pair.excludes:
        entry["ignore"] = list(pair.excludes)
    if pair.connection.endpoint:
        entry["endpoint"] = pair.connection.endpoint
    if pair.connection.local_dir:
        local = Path(pair.connection.local_dir)
        entry["local"] = str(local.relative_to(top) if local.is_relative_to(top) else local)
    return entry


def _digest(project: Path, root: str, entry: Mapping[str, Any]) -> str:
    content = json.dumps([os.path.realpath(project), root, entry], sort_keys=True, default=str)
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()


def _with_entry(text: str, entry: Mapping[str, Any]) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    tables = document.get(TABLE)
    if tables is None:
        tables = document[TABLE] = tomlkit.aot()
    if not isinstance(tables, list):
        raise ValueError(f"'{TABLE}' is not a list of tables")
    same = {key: entry[key] for key in ("folder", "url")}
    for old in list(tables):
        if {key: old.get(key) for key in same} == same:
            tables.remove(old)
    table = tomlkit.table()
    table.update(entry)
    tables.append(table)
    return tomlkit.dumps(document)
