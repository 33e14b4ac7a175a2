"""Small downloads, put in place many at once: written, flushed together, verified, renamed, and their folders flushed.

A small object is in memory, verified, before a file is made of it.  This runs on a disk thread, and in a process that
does nothing else (`services.transfer.file_server`): what it imports has to cost nothing.
"""

from __future__ import annotations

import errno
import os
import resource
import stat

from services.transfer.descent import (
    NEW_FILE_MODE,
    link_name,
    lstat,
    open_folder,
    partial_name,
    set_mtime,
    write_at,
)
from services.transfer.durable import make_durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from services.errors import PailError

MOST_FILES: Final = 128
"""Files of one batch: all are open until it is durable."""

CORRUPT: Final = "corrupt"
"""What was being done to a file when its bytes turned out to be others than those that were written."""

Fault = tuple[str, int, str]
"""Why a file failed, as plain data: what was being done, and the number and the words of the system's error."""


class Landing:
    """One small file on its way to the disk."""

    __slots__ = (
        "again",
        "base",
        "content",
        "fault",
        "folder",
        "generation",
        "handle",
        "looked",
        "mtime",
        "name",
        "nonce",
        "part",
        "path",
        "placed",
        "replace",
    )

    def __init__(
        self,
        path: str,
        base: int,
        nonce: str,
        generation: int,
        content: bytes | memoryview,
        mtime: float | None,
        replace: bool,
        looked: bool = True,
    ) -> None:
        self.path = path
        """Where it goes."""
        self.base = base
        """Length of the part of the path that the person named."""
        self.nonce = nonce
        """Names the unfinished file, with the generation."""
        self.generation = generation
        """Generation of the object."""
        self.content = content
        """The bytes, verified."""
        self.mtime = mtime
        """Modification time to give it."""
        self.replace = replace
        """Whether a file that is there may be replaced."""
        self.looked = looked
        """Whether what is there was looked at; else nothing but a file is replaced."""
        self.again = False
        """Whether somebody else has begun to put it in place, and may have done so."""
        self.placed = False
        """Whether it has its name now; without an error it did not get it because another file has it."""
        self.fault: Fault | None = None
        """Why it failed, as plain data."""
        self.folder = -1
        """Descriptor of its folder, which the batch shares."""
        self.name = ""
        """Its name there."""
        self.handle = -1
        """Descriptor of the unfinished file."""
        self.part = ""
        """The unfinished file's name, once there is one."""

    @property
    def temporary(self) -> str:
        """Name of the unfinished file."""
        return partial_name(self.nonce, self.generation)

    @property
    def error(self) -> PailError | None:
        """Why it failed."""
        if self.fault is None:
            return None
        from services.transfer.local import landing_error  # heavy, for a process that only puts files in place

        return landing_error(self.path, self.fault)


def most_files() -> int:
    """Return how many files a batch may have open, with the limit of this process in mind."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_FILES if soft == resource.RLIM_INFINITY else max(1, min(MOST_FILES, soft // 8))


class _Folders:
    """Folders of one batch, each opened once, component by component."""

    def __init__(self) -> None:
        self.opened: dict[tuple[str, int], int] = {}

    def enter(self, landing: Landing) -> int:
        """Open the folder of a file, or find it open."""
        path, _, landing.name = landing.path.rpartition("/")
        key = path, landing.base
        folder = self.opened.get(key, -1)
        if folder < 0:
            folder, landing.name = open_folder(landing.path, landing.base, make=True)
            self.opened[key] = folder
        landing.folder = folder
        return folder

    def close(self) -> None:
        """Close them."""
        for folder in self.opened.values():
            os.close(folder)


def land(batch: list[Landing], umask: int) -> None:
    """Put files in place, each wholly or not at all; what became of each is noted in it.  Blocks.

    An old file is intact until the new one takes its name in one step (hazard 4); nothing is told to be done before
    the bytes and the name are on the disk (hazard 5).
    """
    folders = _Folders()
    try:
        mode = NEW_FILE_MODE & ~umask
        _each(batch, "write", lambda landing: _write(landing, folders, mode))
        for handle, error in make_durable(landing.handle for landing in _alive(batch)).items():
            for landing in batch:
                if landing.handle == handle:
                    landing.fault = _fault(error, "write")
        _each(batch, "read", _verify)
        _each(batch, "write", _place)
        _flush_folders(batch)
    finally:
        for landing in batch:
            _leave(landing)
        folders.close()


def _alive(batch: list[Landing]) -> Iterator[Landing]:
    return (landing for landing in batch if landing.fault is None)


def _each(batch: list[Landing], doing: str, step: Callable[[Landing], None]) -> None:
    """Take a step with each file that has not failed; a failure concerns that file alone."""
    for landing in batch:
        if landing.fault is None:
            try:
                step(landing)
            except OSError as error:
                landing.fault = _fault(error, doing)


def _fault(error: OSError, doing: str) -> Fault:
    return doing, error.errno or 0, error.strerror or str(error)


_PART_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def _write(landing: Landing, folders: _Folders, mode: int) -> None:
    folder = folders.enter(landing)
    landing.part = part = partial_name(landing.nonce, landing.generation)
    # It has its mode from the start: unlike those of a larger file, its bytes were verified before.
    try:
        landing.handle = handle = os.open(part, _PART_FLAGS, mode, dir_fd=folder)
    except FileExistsError:
        # What an earlier process left of it is not worth going on with, and what else it may be is not followed.
        os.unlink(part, dir_fd=folder)
        landing.handle = handle = os.open(part, _PART_FLAGS, mode, dir_fd=folder)
    content = landing.content
    if (written := os.pwrite(handle, content, 0)) < len(content):
        write_at(handle, memoryview(content)[written:], written)
    set_mtime(handle, landing.mtime)


def _verify(landing: Landing) -> None:
    """Compare what the file holds now: one byte more is asked for, so that a longer one shows it."""
    if not _holds(landing.handle, landing.content):
        landing.fault = CORRUPT, 0, ""


def _holds(handle: int, content: bytes | memoryview) -> bool:
    return os.pread(handle, len(content) + 1, 0) == bytes(content)


def _place(landing: Landing) -> None:
    if landing.replace and (landing.looked or _replaceable(landing)):
        os.rename(landing.part, landing.name, src_dir_fd=landing.folder, dst_dir_fd=landing.folder)
        landing.placed = True
    elif not landing.replace:
        landing.placed = link_name(landing.folder, landing.part, landing.name)
        if landing.again and not landing.placed and _is_there(landing):
            os.unlink(landing.part, dir_fd=landing.folder)
            landing.placed = True


def _replaceable(landing: Landing) -> bool:
    """Tell whether nothing but a file is in the way: what else there may be, somebody has to be told of."""
    there = lstat(landing.folder, landing.name)
    return there is None or stat.S_ISREG(there.st_mode)


def _is_there(landing: Landing) -> bool:
    """Tell whether the file in the way is the one that was to be put in place; it is flushed then."""
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(landing.name, flags, dir_fd=landing.folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.EACCES, errno.EMLINK):
            return False
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return False
        same = _holds(handle, landing.content)
        if same:
            os.fsync(handle)
        return same
    finally:
        os.close(handle)


def _flush_folders(batch: list[Landing]) -> None:
    flushed: dict[int, Fault | None] = {}
    for landing in batch:
        if landing.placed:
            if landing.folder not in flushed:
                flushed[landing.folder] = _flushed(landing.folder)
            landing.fault = flushed[landing.folder]


def _flushed(folder: int) -> Fault | None:
    try:
        os.fsync(folder)
    except OSError as error:
        return _fault(error, "write")
    return None


def _leave(landing: Landing) -> None:
    """Close the file, and remove what did not get its name: it is small, and fetched again rather than gone on with."""
    if landing.handle >= 0:
        os.close(landing.handle)
        landing.handle = -1
        if not landing.placed:
            try:  # noqa: SIM105 - contextlib costs more than all that is done here
                os.unlink(landing.part, dir_fd=landing.folder)
            except OSError:
                pass
