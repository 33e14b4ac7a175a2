"""Making many new files durable at once: one flush of the file system instead of one for each file."""

from __future__ import annotations

import functools
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

SYNCFS_FROM: Final = 3
"""Files on one file system from which `syncfs` is worth it: it also writes what is not ours."""

SYNCFS_KERNEL: Final = (5, 8)
"""Linux that tells a failed write-back to `syncfs` (man 2 syncfs); before, only `fsync` does."""


def make_durable(handles: Iterable[int]) -> dict[int, OSError]:
    """Return once the files that are open as `handles` are on their disks, and those that are not with the error."""
    systems: dict[int, list[int]] = {}
    for handle in handles:
        systems.setdefault(os.fstat(handle).st_dev, []).append(handle)
    failed: dict[int, OSError] = {}
    for files in systems.values():
        flush = syncfs() if len(files) >= SYNCFS_FROM else None
        if flush is not None:
            try:
                flush(files[0])
            except OSError:
                # Which of the files it is about, each one's own fsync tells.
                pass
            else:
                continue
        for handle in files:
            try:
                os.fsync(handle)
            except OSError as error:
                failed[handle] = error
    return failed


@functools.cache
def syncfs() -> Callable[[int], None] | None:
    """Return the system's `syncfs`, raising `OSError`, where it exists and reports errors; None elsewhere."""
    if sys.platform != "linux" or _kernel() < SYNCFS_KERNEL:
        return None
    import ctypes  # 1 ms that only many files are worth

    try:
        function = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return None
    function.argtypes, function.restype = [ctypes.c_int], ctypes.c_int

    def call(handle: int) -> None:
        if function(handle) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    return call


def _kernel() -> tuple[int, int]:
    numbers = os.uname().release.split("-")[0].split(".")
    try:
        return int(numbers[0]), int(numbers[1])
    except (ValueError, IndexError):
        return 0, 0
