"""An unfinished download: a private file beside its target that takes its place once it is verified."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.checksum import Crc32c
from services.errors import Corrupt
from services.names import display_name
from services.transfer import local
from services.transfer.descent import link_name, partial_name, set_mtime, write_at

PART_MODE: Final = 0o600
"""Mode of an unfinished download: nobody else reads bytes that are not verified."""

HASH_CHUNK: Final = 1 << 20
"""Bytes that are read at once to compute a checksum."""


@dataclass(slots=True, eq=False, repr=False)
class Partial:
    """An open unfinished download.  All methods block and raise `PailError`."""

    path: str
    """Path of the target."""
    folder: int
    """Descriptor of the target's folder: what is renamed stays in the folder that was checked."""
    target: str
    """Name of the target in it."""
    name: str
    """Name of the unfinished file in it."""
    handle: int
    """Descriptor of the unfinished file."""
    offset: int
    """Bytes that are written."""
    crc: Crc32c
    """Checksum of them."""

    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        """Append bytes."""
        with local.explained(self.path, "write"):
            for chunk in chunks:
                write_at(self.handle, chunk, self.offset)
                self.crc.update(chunk)
                self.offset += len(chunk)

    def restart(self) -> None:
        """Begin at the first byte again."""
        with local.explained(self.path, "write"):
            os.ftruncate(self.handle, 0)
        self.offset = 0
        self.crc = Crc32c()

    def verify(self, size: int, crc32c: str) -> None:
        """Raise `Corrupt` unless the file has this size and this checksum (an empty one is not compared)."""
        shown = display_name(self.path)
        with local.explained(self.path, "read"):
            there = os.fstat(self.handle).st_size
        if there != size or self.offset != size:
            raise Corrupt(f"{shown}: {there} bytes arrived, the object has {size}")
        if crc32c and self.crc.base64() != crc32c:
            raise Corrupt(f"{shown}: the bytes that arrived have another checksum than the object")

    def finish(self, *, mtime: float | None, umask: int, replace: bool) -> bool:
        """Make it durable and put it in place; tells whether it was, which `replace=False` leaves to chance.

        The old file is intact until the new one takes its name in one step (hazard 4).
        """
        with local.explained(self.path, "write"):
            os.fchmod(self.handle, local.NEW_FILE_MODE & ~umask)
            set_mtime(self.handle, mtime)
            os.fsync(self.handle)
            if replace:
                os.rename(self.name, self.target, src_dir_fd=self.folder, dst_dir_fd=self.folder)
            elif not link_name(self.folder, self.name, self.target):
                return False
            os.fsync(self.folder)
        return True

    def close(self) -> None:
        """Close it; the file stays, to go on with."""
        os.close(self.handle)
        os.close(self.folder)

    def discard(self) -> None:
        """Delete the unfinished file and close."""
        with contextlib.suppress(OSError):
            os.unlink(self.name, dir_fd=self.folder)
        self.close()


def open_part(path: str, base: int, nonce: str, generation: int) -> Partial:
    """Open the unfinished file of a generation, or make an empty one; nothing of it is read.  Raises `PailError`."""
    name = partial_name(nonce, generation)
    with local.explained(path, "write"), local.opened_place(path, base, make=True) as place:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(name, flags, PART_MODE, dir_fd=place.folder)
        folder = os.dup(place.folder)
    partial = Partial(path, folder, place.name, name, handle, 0, Crc32c())
    try:
        with local.explained(path, "read"):
            found = os.fstat(handle)
            if found.st_uid != os.getuid() or found.st_nlink != 1:
                raise OSError(errno.EPERM, "the unfinished file belongs to somebody else", name)
    except BaseException:
        partial.close()
        raise
    return partial


def open_partial(path: str, base: int, nonce: str, generation: int, size: int) -> Partial:
    """Open the unfinished download of a generation of `size` bytes, with what an earlier run left of it.

    What is already there is read back, so that the checksum covers what lies on the disk.  Raises `PailError`.
    """
    partial = open_part(path, base, nonce, generation)
    try:
        with local.explained(path, "read"):
            if os.fstat(partial.handle).st_size > size:
                partial.restart()
            while chunk := os.pread(partial.handle, HASH_CHUNK, partial.offset):
                partial.crc.update(chunk)
                partial.offset += len(chunk)
    except BaseException:
        partial.close()
        raise
    return partial


def remove_partial(path: str, base: int, nonce: str) -> None:
    """Delete what unfinished downloads of one transfer left, of whatever generation."""
    prefix = f"{local.PARTIAL_PREFIX}{nonce}"
    with contextlib.suppress(OSError), local.opened_place(path, base) as place:
        for name in os.listdir(place.folder):  # noqa: PTH208 - by descriptor
            if name.startswith(prefix):
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=place.folder)


def _always() -> bool:
    return True


def local_checksum(path: str, base: int, size: int, wanted: Callable[[], bool] = _always) -> str:
    """Return the CRC32C of a regular file of exactly `size` bytes; an empty text for anything else.

    It gives up, with an empty text, once it is not `wanted` any more, which is asked about each MiB.
    """
    try:
        source = local.open_source(path, base)
    except Exception:  # noqa: BLE001 - it only decides whether two files are known to be equal
        return ""
    try:
        if source.size != size:
            return ""
        crc, offset = Crc32c(), 0
        while wanted() and (chunk := source.read(offset, HASH_CHUNK)):
            crc.update(chunk)
            offset += len(chunk)
        return crc.base64() if offset == size else ""
    finally:
        source.close()
