"""Small files for uploads, read many at once: each whole, and as it was at one moment."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from services import checksum
from services.transfer import local

Wanted = tuple[str, int]
"""A file's absolute path, and the length of that part of it which the person named (`Record.base`)."""


class Content(NamedTuple):
    """A small file that was read."""

    data: bytes
    """All of its bytes."""
    crc32c: str
    """Their checksum."""
    found: os.stat_result
    """What the file was, before and after it was read."""

    def source(self, path: str, base: int) -> local.SourceFile:
        """Return the file as one that was opened and is closed again."""
        found = self.found
        return local.SourceFile(path, base, -1, found.st_size, found.st_mtime_ns / 1e9, local.fingerprint(found))


_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def read_many(wanted: Sequence[Wanted], limit: int) -> list[Content | None]:
    """Read files of up to `limit` bytes, in their order; None for each that has to be looked at on its own.  Blocks.

    Such a one cannot be read, is no file, is larger, or changed meanwhile.  Files that lie in one folder and stand
    together share what it takes to open it; below its base no symbolic link is followed (`services.transfer.local`).
    """
    found: list[Content | None] = []
    for _, group in itertools.groupby(wanted, key=_folder_of):
        found += _read_folder(list(group), limit)
    return found


def _folder_of(wanted: Wanted) -> Wanted:
    path, base = wanted
    return path.rpartition("/")[0], base


def _read_folder(wanted: list[Wanted], limit: int) -> list[Content | None]:
    """Read files of one folder, which has to be the same one at the end: its path may lead elsewhere by then."""
    path, base = wanted[0]
    flags = _FLAGS | (os.O_NOFOLLOW if base else 0)
    try:
        with local.opened_place(path, base) as place:
            found = [_read(path.rpartition("/")[2], place.folder, flags, limit) for path, _ in wanted]
            with local.opened_place(path, base) as again:
                if os.path.samestat(os.fstat(place.folder), os.fstat(again.folder)):
                    return found
    except OSError:
        pass
    return [None] * len(wanted)


def _read(name: str, folder: int, flags: int, limit: int) -> Content | None:
    try:
        handle = os.open(name, flags, dir_fd=folder)
    except OSError:
        return None
    try:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode) or before.st_size > limit:
            return None
        # One byte more is asked for than there was: a file that has grown shows it.
        data = os.pread(handle, before.st_size + 1, 0)
        after = os.stat(name, dir_fd=folder, follow_symlinks=not flags & os.O_NOFOLLOW)
    except OSError:
        return None
    finally:
        os.close(handle)
    same = len(data) == before.st_size and _what(before) == _what(after)
    return Content(data, checksum.of(data), before) if same else None


_what: Final = attrgetter("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
"""What tells whether a file is still the same, as in `local.fingerprint`."""
