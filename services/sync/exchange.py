"""Renames that replace nothing, and renames that swap: what makes replacing a file a compare-and-swap (hazard 29).

Linux has `renameat2` (kernel 3.15), macOS `renameatx_np` (10.12).  Where the file system knows neither, `Unsupported`
is raised, and the caller goes a way with a moment in which a change of somebody else's could slip in.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import secrets
import sys
from collections.abc import Callable
from typing import Any, Final

from services.sync.state import NONCE_START
from services.transfer.local import PARTIAL_PREFIX

_LINUX: Final = ("renameat2", 1, 2)
_MACOS: Final = ("renameatx_np", 4, 2)
"""The function, its flag for "replace nothing" and its flag for "swap" (linux/fs.h, sys/stdio.h)."""

_UNKNOWN: Final = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})


class Unsupported(Exception):
    """The system or the file system has no such rename."""


@functools.cache
def _function() -> tuple[Callable[..., int], int, int] | None:
    import ctypes  # 1 ms that only a pass which changes files is worth

    name, no_replace, swap = _MACOS if sys.platform == "darwin" else _LINUX
    function: Any = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    function.restype = ctypes.c_int
    return function, no_replace, swap


def _call(flag: int, source_folder: int, source: str, target_folder: int, target: str) -> None:
    found = _function()
    if found is None:
        raise Unsupported
    import ctypes

    if found[0](source_folder, os.fsencode(source), target_folder, os.fsencode(target), found[flag]):
        code = ctypes.get_errno()
        if code in _UNKNOWN:
            raise Unsupported
        raise OSError(code, os.strerror(code), target)


def swap(source_folder: int, source: str, target_folder: int, target: str) -> None:
    """Exchange two files in one step; raises `Unsupported`, `OSError`."""
    _call(2, source_folder, source, target_folder, target)


def rename_new(source_folder: int, source: str, target_folder: int, target: str) -> None:
    """Rename where nothing has the new name; raises `FileExistsError` where something has, `OSError`.

    Without the system's help a hard link does the same in two steps, and what takes the old name in between stays;
    without hard links, a look and a rename do it.
    """
    try:
        _call(1, source_folder, source, target_folder, target)
    except Unsupported:
        _link_new(source_folder, source, target_folder, target)


def rename_away(source_folder: int, source: str, target_folder: int, target: str) -> None:
    """Rename whatever has the old name to a new one in a folder that only we write to; raises as `rename_new`."""
    try:
        _call(1, source_folder, source, target_folder, target)
    except Unsupported:
        _rename_free(source_folder, source, target_folder, target)


def _link_new(source_folder: int, source: str, target_folder: int, target: str) -> None:
    try:
        os.link(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _UNKNOWN | {errno.EPERM, errno.EMLINK}:
            raise
        _rename_free(source_folder, source, target_folder, target)
        return
    # Whoever saves under the old name just now must not lose it by our unlinking.
    aside = f"{PARTIAL_PREFIX}{NONCE_START}{secrets.token_hex(8)}-0"
    os.rename(source, aside, src_dir_fd=source_folder, dst_dir_fd=source_folder)
    if _inode(source_folder, aside) != _inode(target_folder, target):
        with contextlib.suppress(FileExistsError):
            os.link(aside, source, src_dir_fd=source_folder, dst_dir_fd=source_folder, follow_symlinks=False)
    os.unlink(aside, dir_fd=source_folder)


def _rename_free(source_folder: int, source: str, target_folder: int, target: str) -> None:
    if _inode(target_folder, target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    os.rename(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)


def _inode(folder: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino
    except FileNotFoundError:
        return 0
