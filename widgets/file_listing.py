"""What lies in a local folder, for the picker: read in a thread, sorted, with the reason for what cannot be taken."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from services.names import display_name

FileKind = Literal["folder", "file", "link", "special"]
"""What an entry is; a symbolic link is one whatever it leads to, because it is never followed."""


class FileRow(NamedTuple):
    """One entry of a folder: slim, because a folder may hold a hundred thousand of them."""

    name: str
    """Its name as `os.fsdecode` gives it (bytes that are not UTF-8 become surrogates)."""
    kind: FileKind
    """What it is."""
    size: int
    """Bytes of a file; 0 for all else."""
    modified: float
    """Seconds since the epoch; 0 where that could not be read."""
    reason: str
    """Why it cannot be uploaded; empty for what can."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A folder that was read."""

    path: str
    """Its absolute path."""
    rows: tuple[FileRow, ...] = ()
    """Folders first, then by name without regard to case."""
    problem: str = ""
    """Why it could not be read, in a person's words; empty where it could."""


def read_folder(path: str) -> Listing:
    """Read a folder; never raises, never follows a link that lies in it, never opens a file.  Blocks: use a thread."""
    try:
        with os.scandir(path) as entries:
            rows = [_row(entry) for entry in entries]
    except OSError as error:
        return Listing(path, problem=f"'{display_name(path)}' cannot be read: {(error.strerror or 'error').lower()}")
    rows.sort(key=lambda row: (row.kind != "folder", row.name.casefold(), row.name))
    return Listing(path, tuple(rows))


def _row(entry: os.DirEntry[str]) -> FileRow:
    name = entry.name
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError as error:
        return FileRow(name, "special", 0, 0.0, (error.strerror or "cannot be read").lower())
    mode, modified = found.st_mode, found.st_mtime
    reason = "" if _is_utf8(name) else "its name is not UTF-8"
    if stat.S_ISLNK(mode):
        return FileRow(name, "link", 0, modified, "symbolic link: not followed")
    if stat.S_ISDIR(mode):
        return FileRow(name, "folder", 0, modified, reason)
    if stat.S_ISREG(mode):
        return FileRow(name, "file", found.st_size, modified, reason)
    return FileRow(name, "special", 0, modified, _special(mode))


def _special(mode: int) -> str:
    for test, word in (
        (stat.S_ISFIFO, "named pipe"),
        (stat.S_ISSOCK, "socket"),
        (stat.S_ISCHR, "device"),
        (stat.S_ISBLK, "device"),
    ):
        if test(mode):
            return word
    return "not a file"


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def absolute(text: str, base: str) -> str:
    """Return what a person typed as an absolute path: `~` is home, anything relative starts at `base`."""
    return os.path.normpath(Path(base, Path(text).expanduser() if text.startswith("~") else text))


def make_folder(parent: str, name: str) -> tuple[str, str]:
    """Make a folder and return its path and an empty string, or an empty string and why not.  Blocks: use a thread."""
    if not name or name in (".", "..") or "/" in name or "\0" in name:
        return "", "a folder's name is not empty and has no '/' in it"
    path = str(Path(parent, name))
    try:
        Path(path).mkdir()
    except OSError as error:
        return "", f"'{display_name(name)}' cannot be made: {(error.strerror or 'error').lower()}"
    return path, ""


def complete(text: str, base: str) -> str:
    """Return `text` with its last segment completed to a folder, ending in `/`; an empty string where none begins so.

    Only names that look on the screen as they are are offered.  Blocks: use a thread.
    """
    head, slash, start = text.rpartition("/")
    listing = read_folder(absolute(head + slash or ".", base))
    for row in listing.rows:
        fits = row.name.startswith(start) and (start.startswith(".") or not row.name.startswith("."))
        if fits and start and row.kind == "folder" and display_name(row.name) == row.name:
            return f"{head}{slash}{row.name}/"
    return ""
