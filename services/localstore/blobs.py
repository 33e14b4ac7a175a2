"""The bytes of the store: one file for every generation.

A blob is written under a temporary name, flushed, renamed into place, and its folder is flushed before the row that
names it is committed (`flush_directories`, called by the database's writer). A file that no row names is therefore
only ever one of an unfinished or discarded change, and `collect` removes those at the start.
Numbers of blobs grow, 4,096 share a folder, so that the flushes of a batch touch one folder or two.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import google_crc32c

BLOBS_PER_FOLDER_BITS: Final = 12
"""4,096 blobs share a folder."""

COPY_CHUNK_BYTES: Final = 1 << 20
"""Bytes that are read at once when files are joined or read again."""


class Hasher:
    """CRC32C and MD5 of a stream."""

    __slots__ = ("_crc32c", "_md5", "size")

    def __init__(self) -> None:
        self._crc32c: int = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size = 0
        """Bytes seen."""

    def update(self, data: bytes) -> None:
        """Go on with `data`."""
        self._crc32c = google_crc32c.extend(self._crc32c, data)
        self._md5.update(data)
        self.size += len(data)

    @property
    def crc32c(self) -> str:
        """CRC32C as Google writes it: base64 of four big-endian bytes."""
        return base64.b64encode(self._crc32c.to_bytes(4, "big")).decode()

    @property
    def md5(self) -> str:
        """MD5 in base64."""
        return base64.b64encode(self._md5.digest()).decode()


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that lie in place, durable but for their folder's entry, and that no row names yet."""

    blob: int | None
    """Number of the file; None for an empty object, which has none."""
    size: int
    """Bytes."""
    crc32c: str
    """Base64, big-endian."""
    md5: str | None
    """Base64; None for composite objects."""


class Blobs:
    """The files of one store; every method may be called from any thread and may wait for the disk."""

    def __init__(self, directory: Path) -> None:
        self._root = directory / "blobs"
        self._partial = directory / "partial"
        for folder in (self._root, self._partial):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._lock = threading.Lock()
        self._dirty: set[Path] = set()
        self._folders: set[Path] = {path for path in self._root.iterdir() if path.is_dir()}
        self._numbers = itertools.count(self._highest() + 1)

    def path(self, blob: int) -> Path:
        """Return where a blob lies."""
        return self._root / f"{blob >> BLOBS_PER_FOLDER_BITS:08x}" / f"{blob:016x}"

    def partial_path(self, name: str) -> Path:
        """Return where the bytes of an unfinished upload lie."""
        return self._partial / name

    def new_partial(self) -> Path:
        """Return a path for a body that is being received."""
        return self._partial / f"body-{next(self._numbers):016x}"

    def adopt(self, partial: Path, hasher: Hasher, *, descriptor: int | None = None) -> Content:
        """Flush a finished partial file and rename it into place.

        An open `descriptor` of it is used for the flush, and stays the caller's to close.
        """
        if hasher.size == 0:
            partial.unlink(missing_ok=True)
            return Content(None, 0, hasher.crc32c, hasher.md5)
        _flush(partial, descriptor)
        blob = next(self._numbers)
        target = self._place(blob)
        partial.rename(target)
        self._mark(target.parent)
        return Content(blob, hasher.size, hasher.crc32c, hasher.md5)

    def adopt_link(self, partial: Path, hasher: Hasher) -> Content:
        """Put a flushed partial file in place and leave it where it is as well.

        Until a row names the new place, the old one is what a crash leaves to go on with.
        """
        blob = next(self._numbers)
        target = self._place(blob)
        os.link(partial, target)
        self._mark(target.parent)
        return Content(blob, hasher.size, hasher.crc32c, hasher.md5)

    def link(self, blob: int | None) -> int | None:
        """Give the same bytes a second file of their own, without copying them."""
        if blob is None:
            return None
        number = next(self._numbers)
        target = self._place(number)
        os.link(self.path(blob), target)
        self._mark(target.parent)
        return number

    def join(self, blobs: Iterable[int | None]) -> Content:
        """Write the blobs one after the other into a new one."""
        hasher = Hasher()
        partial = self.new_partial()
        try:
            with partial.open("xb") as target:
                for blob in blobs:
                    if blob is not None:
                        self._append(blob, target.fileno(), hasher)
            content = self.adopt(partial, hasher)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return Content(content.blob, content.size, content.crc32c, None)

    def remove(self, blobs: Iterable[int | None]) -> None:
        """Unlink blobs that no row names; one that is gone already is no error."""
        for blob in blobs:
            if blob is not None:
                self.path(blob).unlink(missing_ok=True)

    def flush_directories(self) -> None:
        """Make the renames since the last call durable; called right before rows that name them are committed."""
        with self._lock:
            dirty, self._dirty = self._dirty, set()
        for folder in dirty:
            _flush_folder(folder)

    def collect(self, named: set[int], partials: set[str]) -> int:
        """Remove files that no row names and partial files of no session; return how many."""
        removed = 0
        for folder in self._root.iterdir():
            for entry in os.scandir(folder):
                if int(entry.name, 16) not in named:
                    Path(entry.path).unlink()
                    removed += 1
        for entry in os.scandir(self._partial):
            if entry.name not in partials:
                Path(entry.path).unlink()
                removed += 1
        return removed

    def _append(self, blob: int, target: int, hasher: Hasher) -> None:
        with self.path(blob).open("rb") as source:
            while data := source.read(COPY_CHUNK_BYTES):
                hasher.update(data)
                write_all(target, data)

    def _place(self, blob: int) -> Path:
        target = self.path(blob)
        if target.parent not in self._folders:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            _flush_folder(self._root)
            self._folders.add(target.parent)
        return target

    def _mark(self, folder: Path) -> None:
        with self._lock:
            self._dirty.add(folder)

    def _highest(self) -> int:
        """Return the highest number in use; a later one is then never taken twice."""
        for folder in sorted(self._folders, reverse=True):
            numbers = [int(entry.name, 16) for entry in os.scandir(folder)]
            if numbers:
                return max(numbers)
        return 0


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; the system may take fewer at once."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _flush(path: Path, descriptor: int | None) -> None:
    if descriptor is not None:
        os.fsync(descriptor)
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some file systems refuse to flush a folder; they keep its entries in order by themselves.
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
