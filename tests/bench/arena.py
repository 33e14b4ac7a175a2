"""Memory that bodies are received into: huge pages, so that the server is not busy with being given memory."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
from typing import Final

import google_crc32c

_PRIVATE: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS

CHUNK: Final = 64 << 20
"""Bytes that are asked of the system at once."""


class Room:
    """A place for one body."""

    def __init__(self, memory: mmap.mmap, start: int, size: int) -> None:
        self._memory, self._start, self._size = memory, start, size
        self.view = memoryview(memory)[start : start + size]
        """All of it."""
        self.free = self.view
        """What has not come yet."""

    def take(self, count: int) -> None:
        """Note that bytes have come."""
        self.free = self.free[count:]

    def crc(self, before: int) -> int:
        """Return the CRC32C of what came `before` and of these bytes."""
        # The C function takes memory that can be written to from nothing but ctypes.
        found: int = google_crc32c.extend(before, (ctypes.c_char * self._size).from_buffer(self._memory, self._start))
        return found


class Arena:
    """Places for bodies, in memory that is touched before it is needed: on a virtual machine that is what costs."""

    def __init__(self, size: int = 0) -> None:
        self._chunks: list[mmap.mmap] = []
        self._chunk = self._used = 0
        while len(self._chunks) * CHUNK < size:
            memory = self._add(CHUNK)
            for at in range(0, CHUNK, mmap.PAGESIZE):
                memory[at] = 1

    def _add(self, size: int) -> mmap.mmap:
        memory = mmap.mmap(-1, size, _PRIVATE)
        with contextlib.suppress(OSError, AttributeError):
            memory.madvise(mmap.MADV_HUGEPAGE)
        self._chunks.append(memory)
        return memory

    def room(self, size: int) -> Room:
        """Return a place for so many bytes."""
        while self._chunk < len(self._chunks) and self._used + size > len(self._chunks[self._chunk]):
            self._chunk, self._used = self._chunk + 1, 0
        memory = self._chunks[self._chunk] if self._chunk < len(self._chunks) else self._add(max(CHUNK, size))
        start, self._used = self._used, self._used + size
        return Room(memory, start, size)

    def rewind(self) -> None:
        """Give all places anew: nobody needs what is there."""
        self._chunk = self._used = 0
