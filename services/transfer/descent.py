"""The way to a local file: folders opened component by component, and names given within them.

A process that does nothing but put files in place loads this (`services.transfer.file_server`): what it imports has to
cost nothing.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

PARTIAL_PREFIX: Final = ".pail-part-"
"""How the names of unfinished downloads begin; they lie in the folder of their target."""

NEW_FILE_MODE: Final = 0o666
"""Mode of a new file before the umask; what an object's metadata says is never applied (hazard 64)."""

NEW_FOLDER_MODE: Final = 0o777
"""Mode of a new folder before the umask."""

_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def open_folder(path: str, base: int, *, make: bool = False) -> tuple[int, str]:
    """Open the folder of `path`, whose first `base` characters are trusted, and return it with the last component.

    `make` creates missing folders.  Raises `OSError`: `ELOOP` or `ENOTDIR` where a component below the base is a
    symbolic link.
    """
    trusted, below = split_base(path, base)
    parts = below.split("/")
    if make:
        os.makedirs(trusted, exist_ok=True)  # noqa: PTH103 - pathlib costs more than all that is done here
    folder = os.open(trusted, _FOLDER_FLAGS)
    try:
        for part in parts[:-1]:
            inner = _enter(folder, part, make=make)
            os.close(folder)
            folder = inner
    except BaseException:
        os.close(folder)
        raise
    return folder, parts[-1]


def split_base(path: str, base: int) -> tuple[str, str]:
    """Split a path into the folder that was named and what lies below it."""
    trusted, below = (path[:base], path[base:]) if base else os.path.split(path)
    return trusted or "/", below.strip("/")


def _enter(folder: int, name: str, *, make: bool) -> int:
    if name in ("", ".", ".."):
        raise OSError(errno.ELOOP, "the path climbs", name)
    flags = _FOLDER_FLAGS | os.O_NOFOLLOW
    try:
        return os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    except NotADirectoryError:
        # With O_DIRECTORY a link may be told as ENOTDIR: tell it apart from a file, which is an ordinary collision.
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, "a symbolic link", name) from None
        raise
    try:  # noqa: SIM105 - contextlib costs more than all that is done here
        os.mkdir(name, NEW_FOLDER_MODE, dir_fd=folder)
    except FileExistsError:
        pass
    return os.open(name, flags, dir_fd=folder)


def write_at(handle: int, data: bytes | memoryview, offset: int) -> None:
    """Write all of `data` from `offset` on; raises `OSError`."""
    written = 0
    while written < len(data):
        written += os.pwrite(handle, memoryview(data)[written:] if written else data, offset + written)


def partial_name(nonce: str, generation: int) -> str:
    """Return the name of the unfinished download of one generation, the same after a restart."""
    return f"{PARTIAL_PREFIX}{nonce}-{generation:x}"


def set_mtime(handle: int, mtime: float | None) -> None:
    """Give a file its modification time, if there is one and the file system can hold it."""
    if mtime is None:
        return
    try:
        stamp = int(mtime * 1e9)
        os.utime(handle, ns=(stamp, stamp))
    except (OSError, OverflowError):
        pass  # a time that cannot be kept is not worth a failed download


def link_name(folder: int, name: str, target: str) -> bool:
    """Give the file `name` the name `target` instead, only where nothing has that; tells whether it got it."""
    try:
        os.link(name, target, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        # No hard links here (FAT, some network file systems): the check and the rename are two steps.
        if lstat(folder, target) is not None:
            return False
        os.rename(name, target, src_dir_fd=folder, dst_dir_fd=folder)
        return True
    os.unlink(name, dir_fd=folder)
    return True


def lstat(folder: int, name: str) -> os.stat_result | None:
    """Return what lies at a name, links not followed; None for nothing."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
