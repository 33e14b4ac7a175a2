"""Local trees, walked in batches on a disk thread, without following any link."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from services import names
from services.errors import PailError, UnmappableName
from services.transfer.local import PARTIAL_PREFIX, kind_of, local_error

if TYPE_CHECKING:
    import pathspec

BATCH: Final = 500
"""Entries that are handed over at once: transfers start while the scan goes on."""


class Found(NamedTuple):
    """One file of a tree, or something that cannot be uploaded, with the reason."""

    path: str
    """Absolute path."""
    relative: str
    """Path below the root, `/` between components."""
    size: int = 0
    """Bytes."""
    mtime: float = 0.0
    """Modification time, seconds since the epoch."""
    skipped: str = ""
    """Why it is left alone, in words: a link, a device, an unfinished download."""
    error: PailError | None = None
    """Why it cannot be read, or has no counterpart in a bucket."""


class Excludes:
    """Patterns in gitignore syntax, relative to the root of a tree."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._spec: pathspec.GitIgnoreSpec | None = None
        if patterns:
            import pathspec  # 10 ms, for what few jobs ask for

            self._spec = pathspec.GitIgnoreSpec.from_lines(patterns)

    def match(self, relative: str, *, folder: bool = False) -> bool:
        """Tell whether a path is left out."""
        if self._spec is None:
            return False
        return self._spec.match_file(relative.rstrip("/") + "/" if folder else relative)


def scan_tree(root: str, excludes: Excludes) -> Iterator[Found]:
    """Walk the tree below `root` in the order of names, each folder's files before its folders.

    Links are never followed, so loops end; FIFOs, sockets and devices are reported, not opened (hazard 58); a name that
    is not UTF-8 is reported (hazard 69).  Raises nothing: what cannot be read is reported in its place.
    """
    waiting = [("", root)]
    while waiting:
        prefix, folder = waiting.pop()
        folders = []
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Found(folder, prefix.rstrip("/"), error=local_error(error, folder, "read the folder"))
            continue
        for entry in listed:
            relative = prefix + entry.name
            try:
                is_folder = entry.is_dir(follow_symlinks=False)
                if excludes.match(relative, folder=is_folder):
                    continue
                if is_folder:
                    folders.append((relative + "/", entry.path))
                    continue
                yield _file(entry, relative)
            except FileNotFoundError:
                continue
            except OSError as error:
                yield Found(entry.path, relative, error=local_error(error, entry.path, "look at"))
        waiting.extend(reversed(folders))


def _file(entry: os.DirEntry[str], relative: str) -> Found:
    found = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        return Found(entry.path, relative, skipped=f"it is {kind_of(found.st_mode)}, which is not followed or opened")
    if entry.name.startswith(PARTIAL_PREFIX):
        return Found(entry.path, relative, found.st_size, skipped="it is an unfinished download")
    try:
        names.object_name(relative)
    except UnmappableName as error:
        return Found(entry.path, relative, found.st_size, error=error)
    return Found(entry.path, relative, found.st_size, found.st_mtime_ns / 1e9)


def take(found: Iterator[Found]) -> list[Found]:
    """Return the next batch of a scan; an empty one at its end."""
    return list(itertools.islice(found, BATCH))
