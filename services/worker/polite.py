"""The worker yields: to the screen and to whatever else a person does, in time on the processor and on the disk."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from typing import Final

_IOPRIO_SET: Final = {
    "x86_64": 251,
    "aarch64": 30,
    "riscv64": 30,
    "armv7l": 314,
    "i686": 289,
    "ppc64le": 273,
    "s390x": 282,
}
"""Number of the system call ioprio_set(2), for which the C library has no function, by machine."""

_THIS_PROCESS: Final = (1, 0)
"""IOPRIO_WHO_PROCESS and itself (linux/ioprio.h)."""

_LAST_OF_ALL: Final = 2 << 13 | 7
"""Class "best effort", the lowest level of it: unlike "idle" it is never starved (linux/ioprio.h)."""


def yield_to_others(nice: int) -> None:
    """Lower the priority of this process and of the threads that it will start; with 0 nothing is changed.

    On Linux the disk's queue is told as well, where its scheduler listens.  What the system refuses is left: it is a
    courtesy, not a condition.
    """
    if nice <= 0:
        return
    os.nice(nice)
    number = _IOPRIO_SET.get(platform.machine())
    if sys.platform == "linux" and number is not None:
        ctypes.CDLL(None, use_errno=True).syscall(number, *_THIS_PROCESS, _LAST_OF_ALL)
