"""An unfinished download in slices: one file that is written at several places at once, and knows what it has.

Behind the place of the object's last byte the file carries a table: how many bytes of each slice are written.  A number
is written after the bytes it speaks of, so a process that is killed loses at the most what was not yet counted.  The
table is trusted only to that end: what it claims is read from the disk and hashed again before a download goes on, so a
machine that lost power finds out by the checksum of the whole.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services import checksum
from services.checksum import Crc32c
from services.transfer import local
from services.transfer.descent import write_at
from services.transfer.partial import HASH_CHUNK, Partial, open_part

MIB: Final = 1 << 20
"""Bytes of a MiB."""

SLICE: Final = 32 * MIB
"""Bytes of a slice of any but the largest objects."""

MOST: Final = 4096
"""Slices of one object; of larger objects the slices are larger."""

_HEADER: Final = struct.Struct(">8sQ")
_MAGIC: Final = b"pail-sl1"
_COUNT: Final = struct.Struct(">Q")


def slice_size(size: int) -> int:
    """Return the bytes of each slice but the last, the same after a restart: it follows from the object's size."""
    return max(SLICE, -(-size // MOST // MIB) * MIB)


@dataclass(slots=True, eq=False, repr=False)
class Slice:
    """A range of the object, written from its beginning on."""

    index: int
    """Which one."""
    start: int
    """Its first byte."""
    end: int
    """The byte behind its last."""
    done: int
    """Bytes of it that are written."""
    crc: Crc32c
    """Checksum of those."""

    @property
    def offset(self) -> int:
        """Where it goes on."""
        return self.start + self.done

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self.offset >= self.end


class SlicedPartial:
    """An open unfinished download in slices.  Methods block and raise `PailError`; each slice may have a thread."""

    def __init__(self, part: Partial, size: int) -> None:
        self.part = part
        """The file."""
        self._size = size
        each = slice_size(size)
        self.slices = [
            Slice(index, start, min(start + each, size), 0, Crc32c())
            for index, start in enumerate(range(0, size, each))
        ]
        """All of them, in order."""
        self._header = _HEADER.pack(_MAGIC, each)

    @property
    def done(self) -> int:
        """Bytes that are written."""
        return sum(one.done for one in self.slices)

    def resume(self) -> None:
        """Take up what an earlier process left, or begin anew."""
        with local.explained(self.part.path, "write"):
            counts = self._counts()
            if counts is None:
                os.ftruncate(self.part.handle, 0)
                os.ftruncate(self.part.handle, self._size + len(self._header) + len(self.slices) * _COUNT.size)
                os.pwrite(self.part.handle, self._header, self._size)
                return
            for one, count in zip(self.slices, counts, strict=True):
                self._take_up(one, count)

    def _counts(self) -> list[int] | None:
        """Return the table of an earlier process; None where there is none that fits."""
        length = len(self._header) + len(self.slices) * _COUNT.size
        there = os.fstat(self.part.handle).st_size
        if there == self._size:
            # It was joined, and the process ended before it got its name.
            return [one.end - one.start for one in self.slices]
        if there != self._size + length:
            return None
        table = os.pread(self.part.handle, length, self._size)
        if len(table) != length or not table.startswith(self._header):
            return None
        counts = [count for (count,) in _COUNT.iter_unpack(table[len(self._header) :])]
        fits = all(count <= one.end - one.start for one, count in zip(self.slices, counts, strict=True))
        return counts if fits else None

    def _take_up(self, one: Slice, count: int) -> None:
        while one.done < count:
            chunk = os.pread(self.part.handle, min(HASH_CHUNK, count - one.done), one.offset)
            if not chunk:
                return
            one.crc.update(chunk)
            one.done += len(chunk)

    def write(self, one: Slice, chunks: Sequence[bytes | memoryview]) -> None:
        """Append to a slice, and count it."""
        with local.explained(self.part.path, "write"):
            for chunk in chunks:
                write_at(self.part.handle, chunk, one.offset)
                one.crc.update(chunk)
                one.done += len(chunk)
            place = self._size + len(self._header) + one.index * _COUNT.size
            os.pwrite(self.part.handle, _COUNT.pack(one.done), place)

    def joined(self) -> Partial:
        """Return the file as one, without its table, once all slices are whole; its checksum is that of them joined."""
        with local.explained(self.part.path, "write"):
            os.ftruncate(self.part.handle, self._size)
        value, length = 0, 0
        for one in self.slices:
            value = checksum.combine(value, one.crc.value, one.done)
            length += one.done
        self.part.offset, self.part.crc = length, Crc32c(value)
        return self.part


def open_sliced(path: str, base: int, nonce: str, generation: int, size: int) -> SlicedPartial:
    """Open the unfinished download of one generation, or begin one; raises `PailError`."""
    sliced = SlicedPartial(open_part(path, base, f"{nonce}s", generation), size)
    try:
        sliced.resume()
    except BaseException:
        sliced.part.close()
        raise
    return sliced
