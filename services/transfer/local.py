"""Local files, opened so that nobody can lead Pail elsewhere: component by component, never through a symbolic link.

The part of a path that a person named (`base` characters) is opened as it is, links included: that is what was asked
for.  Below it every component is opened relative to its folder with `O_NOFOLLOW`, so that a link, also one swapped in
while a transfer runs, ends the transfer instead of being followed (hazard 57).  All functions block: they belong on
disk threads.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from services.errors import Corrupt, DiskFull, LocalFileError, PailError, Unsafe
from services.names import display_name
from services.transfer.descent import NEW_FILE_MODE as NEW_FILE_MODE
from services.transfer.descent import PARTIAL_PREFIX as PARTIAL_PREFIX
from services.transfer.descent import lstat, open_folder
from services.transfer.landing import CORRUPT, Fault

_WAITABLE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""Faults of the disk as a whole: the job pauses instead of failing (hazard 46)."""


def local_error(error: OSError, path: str, doing: str) -> PailError:
    """Return the error of ours for one of the system, about `path`; `doing` is such as `read` or `write`."""
    shown = display_name(path)
    why = error.strerror or str(error)
    if error.errno in _WAITABLE and doing in ("write", "make the folder"):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "Make room on the disk." if full else "Make the disk writable again."
        return DiskFull(f"cannot {doing} {shown}: {why}", remedy=remedy, url=path)
    if error.errno in (errno.ELOOP, errno.EMLINK):
        return Unsafe(
            f"{shown} leads through a symbolic link, which is not followed",
            remedy="Replace the link by a folder, or name its target yourself.",
            url=path,
        )
    if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return LocalFileError(
            f"cannot {doing} {shown}: a file and a folder would have the same name",
            remedy="Rename one of them, or use another folder.",
            url=path,
        )
    remedies = {
        errno.EACCES: "Check the permissions of the file and its folders.",
        errno.EPERM: "Check the permissions of the file and its folders.",
        errno.ENOENT: "Check the path.",
        errno.ENAMETOOLONG: "Use a folder with a shorter path.",
        errno.EMFILE: "Raise the limit of open files (ulimit -n).",
    }
    return LocalFileError(
        f"cannot {doing} {shown}: {why}",
        remedy=remedies.get(error.errno or 0, "Check the file and the disk."),
        url=path,
    )


def landing_error(path: str, fault: Fault) -> PailError:
    """Return the error of ours for why a small file could not be put in place."""
    doing, number, why = fault
    if doing == CORRUPT:
        return Corrupt(f"{display_name(path)}: the bytes on the disk are not the ones that were written")
    return local_error(OSError(number, why), path, doing)


@contextlib.contextmanager
def explained(path: str, doing: str) -> Iterator[None]:
    """Turn errors of the system into ours, about `path`."""
    try:
        yield
    except OSError as error:
        raise local_error(error, path, doing) from error


class Place(NamedTuple):
    """The folder of a file, open, and the file's name in it."""

    folder: int
    """Descriptor of the folder."""
    name: str
    """Last component."""

    def lstat(self) -> os.stat_result | None:
        """Return what lies at the name, links not followed; None for nothing."""
        return lstat(self.folder, self.name)


@contextlib.contextmanager
def opened_place(path: str, base: int, *, make: bool = False) -> Iterator[Place]:
    """Open the folder of `path`, whose first `base` characters are trusted; `make` creates missing folders.

    Raises `OSError`: `ELOOP` or `ENOTDIR` where a component below the base is a symbolic link.
    """
    folder, name = open_folder(path, base, make=make)
    try:
        yield Place(folder, name)
    finally:
        os.close(folder)


def make_folder(path: str, base: int) -> None:
    """Make a folder and those above it below the base; raises `PailError`."""
    with explained(path, "make the folder"), opened_place(path.rstrip("/") + "/.", base, make=True):
        pass


def fingerprint(found: os.stat_result) -> str:
    """Return what tells whether a file is still the same: inode, size, mtime and ctime (hazards 10, 11)."""
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


@dataclass(slots=True, eq=False, repr=False)
class SourceFile:
    """A regular file that is read for an upload."""

    path: str
    """Absolute path."""
    base: int
    """Length of the part that was named."""
    handle: int
    """Descriptor."""
    size: int
    """Bytes when it was opened."""
    mtime: float
    """Modification time when it was opened."""
    mark: str
    """Its fingerprint when it was opened."""

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`, fewer where the file ends; raises `PailError`."""
        with explained(self.path, "read"):
            chunks = []
            while size > 0 and (chunk := os.pread(self.handle, size, offset)):
                chunks.append(chunk)
                offset += len(chunk)
                size -= len(chunk)
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def unchanged(self) -> bool:
        """Tell whether the open file, and what its path leads to, is what was opened."""
        if fingerprint(os.fstat(self.handle)) != self.mark:
            return False
        try:
            with opened_place(self.path, self.base) as place:
                found = os.stat(place.name, dir_fd=place.folder, follow_symlinks=self.base == 0)
        except OSError:
            return False
        return fingerprint(found) == self.mark

    @property
    def is_open(self) -> bool:
        """Whether it still has to be closed."""
        return self.handle >= 0

    def close(self) -> None:
        """Close it."""
        os.close(self.handle)
        self.handle = -1


def open_source(path: str, base: int) -> SourceFile:
    """Open a regular file for reading, without waiting on FIFOs or following links below the base (hazard 58).

    A file that was named itself (`base` 0) may be a link.  Raises `PailError`.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | (os.O_NOFOLLOW if base else 0)
    with explained(path, "read"), opened_place(path, base) as place:
        handle = os.open(place.name, flags, dir_fd=place.folder)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise LocalFileError(
            f"{display_name(path)} is {kind_of(found.st_mode)}, not a file",
            remedy="Only files can be uploaded; for a folder use -r.",
            url=path,
        )
    return SourceFile(path, base, handle, found.st_size, found.st_mtime_ns / 1e9, fingerprint(found))


def kind_of(mode: int) -> str:
    """Return in words what a mode says a path is."""
    kinds = (
        (stat.S_ISREG, "a file"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((words for test, words in kinds if test(mode)), "something else")


def look(path: str, base: int) -> os.stat_result | None:
    """Return what lies at `path`, a link itself rather than its target; None for nothing.  Raises `PailError`."""
    with explained(path, "look at"):
        try:
            with opened_place(path, base) as place:
                return place.lstat()
        except FileNotFoundError:
            return None


def refuse_special(path: str, found: os.stat_result) -> None:
    """Raise `LocalFileError` where a download would replace what is neither a file nor a link to one.

    To a person with the right to do so, /dev/null and /dev/stdout are names like others: replacing them breaks the
    machine.  A link into /proc stands for whatever this process has open.
    """
    mode, inside = found.st_mode, False
    if stat.S_ISLNK(mode):
        with contextlib.suppress(OSError):
            inside = str(Path(path).readlink()).startswith("/proc/")
            mode = Path(path).stat().st_mode
    if inside or not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):
        what = "stands for what this process has open" if inside else f"is {kind_of(mode)}, not a file"
        remedy = "Write it to standard output instead: '-' is its name."
        raise LocalFileError(f"{display_name(path)} {what}", remedy=remedy, url=path)


def remove_source(path: str, base: int, mark: str) -> bool:
    """Delete a file whose move has ended, if it still is what was moved; tells whether it is gone.

    Raises `PailError`.
    """
    with explained(path, "delete"):
        try:
            with opened_place(path, base) as place:
                found = place.lstat()
                if found is None:
                    return True
                if fingerprint(found) != mark:
                    return False
                os.unlink(place.name, dir_fd=place.folder)
                return True
        except FileNotFoundError:
            return True


def free_name(name: str, number: int) -> str:
    """Return the name under which the newcomer of a `keep-both` is kept: `a.txt` → `a (1).txt`, `dir/` → `dir (1)/`."""
    folder, slash, last = name.rstrip("/").rpartition("/")
    tail = "/" if name.endswith("/") else ""
    stem, dot, suffix = last.rpartition(".")
    if not stem or tail:
        stem, dot, suffix = last, "", ""
    return f"{folder}{slash}{stem} ({number}){dot}{suffix}{tail}"
