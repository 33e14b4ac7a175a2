"""How the memory of chunks is had again."""

from __future__ import annotations

import functools
from typing import Final

KEPT: Final = 8 * 1024 * 1024
"""Bytes of a block above which memory is given back to the system."""


@functools.cache
def keep_memory() -> None:
    """Have the memory of chunks used again instead of given back and zeroed anew for each (a third of the CPU).

    glibc keeps as much as the largest block that was ever freed (mallopt(3), M_MMAP_THRESHOLD); elsewhere it does
    nothing.  The block is never touched, so it costs no memory.
    """
    bytes(KEPT)
