"""The last count of each prefix, kept on this machine so that the usage view has something to show at once.

A cache: whatever cannot be read, or does not look right, is as if it were not there.  Files are private and few.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services import paths
from services.connection import Connection
from services.errors import PailError
from services.lifecycle import Rule
from services.model import ObjectRow
from services.usage import AGE_LABELS, Amount, Folder, Usage

FORMAT: Final = 1
"""Version of the files; others are ignored."""

FILES_LIMIT: Final = 50
"""Counts that are kept; the ones that were written longest ago go first."""

FOLDERS_KEPT: Final = 20_000
"""Folders in a file, the largest ones; the rest are others of their parents.  About 3 MiB."""

SIZE_LIMIT: Final = 32 * 1024 * 1024
"""Bytes of a file that is read."""


@dataclass(frozen=True, slots=True)
class CachedUsage:
    """A count that was kept."""

    usage: Usage
    """The result."""
    age_s: float
    """Seconds since it was counted."""


def cache_folder() -> Path:
    """Return the folder of the kept counts (not created)."""
    return paths.cache_dir() / "usage"


def _file(connection: Connection, bucket: str, prefix: str) -> Path:
    identity = json.dumps([connection.to_json(), bucket, prefix], sort_keys=True)
    return cache_folder() / f"{hashlib.sha256(identity.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.json"


def save(connection: Connection, usage: Usage) -> None:
    """Keep a complete count; one that cannot be kept (a full disk) is dropped.  Blocks on the disk.

    Raises `Unsafe` where somebody else planted the folder.
    """
    if not usage.complete:
        return
    data = json.dumps(_to_json(usage), separators=(",", ":")).encode()
    paths.ensure_private_dir(paths.cache_dir())
    folder = paths.ensure_private_dir(cache_folder())
    try:
        paths.write_private(_file(connection, usage.bucket, usage.prefix), data)
        for old in sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)[FILES_LIMIT:]:
            old.unlink(missing_ok=True)
    except OSError:
        # Nothing depends on the cache: the next count simply starts from nothing.
        return


def load(connection: Connection, bucket: str, prefix: str, now: float) -> CachedUsage | None:
    """Return the last count of a prefix, or None.  Blocks on the disk."""
    file = _file(connection, bucket, prefix)
    try:
        paths.check_owned(file)
        if file.stat().st_size > SIZE_LIMIT:
            return None
        usage = _from_json(json.loads(file.read_bytes()), bucket, prefix)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, PailError):
        return None
    return CachedUsage(usage, max(0.0, now - usage.now))


def forget(connection: Connection, bucket: str, prefix: str = "") -> None:
    """Drop the kept count of a prefix, as after a change that makes it wrong.  Blocks on the disk."""
    _file(connection, bucket, prefix).unlink(missing_ok=True)


def _to_json(usage: Usage) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "bucket": usage.bucket,
        "prefix": usage.prefix,
        "now": usage.now,
        "unseen": sorted(usage.unseen),
        "classes": {state: _table(table) for state, table in usage.classes.items()},
        "ages": [[amount.objects, amount.size] for amount in usage.ages],
        "types": _table(usage.types),
        "rules": [dict(rule.resource) for rule in usage.rules],
        "touched": [_table(table) for table in usage.touched],
        "largest": [list(row) for row in usage.largest],
        "oldest": [list(row) for row in usage.oldest],
        "folders": _folders(usage),
    }


def _table(table: Mapping[str, Amount]) -> dict[str, list[int]]:
    return {key: [amount.objects, amount.size] for key, amount in table.items()}


def _folders(usage: Usage) -> list[list[Any]]:
    """Return the largest folders, parents before children: a parent is never smaller than its children."""
    ranked = sorted(
        usage.folders.items(), key=lambda entry: (-entry[1].below.size, -entry[1].below.objects, len(entry[0]))
    )
    rows: list[list[Any]] = []
    for prefix, folder in ranked[:FOLDERS_KEPT]:
        rows.append([prefix, folder.below.objects, folder.below.size, folder.own.objects, folder.own.size])
    return rows


def _amounts(table: Mapping[str, list[int]]) -> dict[str, Amount]:
    return {str(key): Amount(int(objects), int(size)) for key, (objects, size) in table.items()}


def _from_json(data: Mapping[str, Any], bucket: str, prefix: str) -> Usage:
    """Rebuild a count; raises `ValueError`, `KeyError`, `TypeError` or `AttributeError` for anything else."""
    if data["format"] != FORMAT or (data["bucket"], data["prefix"]) != (bucket, prefix):
        raise ValueError("another format, or another prefix")
    usage = Usage(bucket, prefix, float(data["now"]), tuple(Rule(dict(rule)) for rule in data["rules"]))
    usage.complete = True
    for state in usage.classes:
        usage.classes[state] = _amounts(data["classes"][state])
        if state in data["unseen"]:
            usage.unseen.add(state)
    usage.ages = [Amount(int(objects), int(size)) for objects, size in data["ages"]]
    usage.types = _amounts(data["types"])
    usage.touched = [_amounts(table) for table in data["touched"]]
    if len(usage.ages) != len(AGE_LABELS) or len(usage.touched) != len(usage.rules):
        raise ValueError("another number of groups")
    usage.restore_top([ObjectRow(*row) for row in data["largest"]], [ObjectRow(*row) for row in data["oldest"]])
    usage.folders = _tree(data["folders"], prefix)
    return usage


def _tree(rows: list[list[Any]], root: str) -> dict[str, Folder]:
    folders: dict[str, Folder] = {root: Folder()}
    for prefix, objects, size, own_objects, own_size in rows:
        folder = folders.setdefault(prefix, Folder())
        folder.below = Amount(int(objects), int(size))
        folder.own = Amount(int(own_objects), int(own_size))
        if prefix != root:
            parent = prefix[: prefix.rindex("/", 0, -1) + 1] if "/" in prefix[:-1] else ""
            folders[parent if len(parent) > len(root) else root].children.append(prefix)
    return folders
