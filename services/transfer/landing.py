"""Small downloads, put in place many at once: written, flushed together, verified, renamed, and their folders flushed.

A small object is in memory, verified, before a file is made of it.  Whatever arrives while one batch is on its way to
the disk makes up the next, so a slow disk gets large batches and a fast one keeps nobody waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import stat
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from services import checksum
from services.errors import Corrupt, PailError
from services.names import display_name
from services.transfer import local
from services.transfer.durable import make_durable
from services.transfer.gather import Firm
from services.transfer.partial import PART_MODE, link_name, partial_name, set_mtime

MOST_FILES: Final = 128
"""Files of one batch: all are open until it is durable."""

MOST_BYTES: Final = 32 << 20
"""Bytes of one batch."""


@dataclass(slots=True, eq=False, repr=False)
class Landing:
    """One small file on its way to the disk."""

    path: str
    """Where it goes."""
    base: int
    """Length of the part of the path that the person named."""
    nonce: str
    """Names the unfinished file, with the generation."""
    generation: int
    """Generation of the object."""
    content: bytes
    """The bytes, verified."""
    crc32c: str
    """Their checksum."""
    mtime: float | None
    """Modification time to give it."""
    replace: bool
    """Whether a file that is there may be replaced."""
    looked: bool = True
    """Whether what is there was looked at; else nothing but a file is replaced."""
    placed: bool = False
    """Whether it has its name now; without an error it did not get it because another file has it."""
    error: PailError | None = None
    """Why it failed."""
    folder: int = -1
    """Descriptor of its folder, which the batch shares."""
    name: str = ""
    """Its name there."""
    handle: int = -1
    """Descriptor of the unfinished file."""
    part: str = ""
    """The unfinished file's name, once there is one."""

    @property
    def temporary(self) -> str:
        """Name of the unfinished file."""
        return partial_name(self.nonce, self.generation)


class Landings:
    """Gathers small files into batches, one of which is on its way at a time; belongs to one event loop."""

    def __init__(self, threads: Executor, umask: int) -> None:
        self._threads = threads
        self._umask = umask
        self._waiting: deque[tuple[list[Landing], Firm]] = deque()
        self._sender: asyncio.Task[None] | None = None

    def add(self, landing: Landing) -> Firm:
        """Have a file put in place; the future tells whether it got its name, or raises `PailError`.

        It cannot be cancelled: what is on its way to the disk is waited for.
        """
        return self.add_many([landing])

    def add_many(self, landings: list[Landing]) -> Firm:
        """Have files put in place together, at most `most_files()`; the future of several tells nothing.

        What became of each of several is noted in it.
        """
        future = Firm()
        self._waiting.append((landings, future))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        return future

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        most = most_files()
        while self._waiting:
            groups = [self._waiting.popleft()]
            batch = list(groups[0][0])
            size = sum(len(landing.content) for landing in batch)
            while self._waiting and len(batch) + len(self._waiting[0][0]) <= most and size < MOST_BYTES:
                groups.append(self._waiting.popleft())
                batch += groups[-1][0]
                size += sum(len(landing.content) for landing in groups[-1][0])
            fault: BaseException | None = None
            try:
                await loop.run_in_executor(self._threads, land, batch, self._umask)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - handed to whoever asked
                fault = error
            for landings, future in groups:
                if not future.done():
                    _tell(landings, future, fault)


def _tell(landings: list[Landing], future: Firm, fault: BaseException | None) -> None:
    """Tell whoever waits what became of files: of one by the future, of several in each of them."""
    for landing in landings:
        if fault is not None and landing.error is None and not landing.placed:
            future.fail(RuntimeError(f"the disk threads ended: {fault!r}"))
            return
    if len(landings) == 1 and landings[0].error is not None:
        future.fail(landings[0].error)
    else:
        future.set_result(landings[0].placed)


def most_files() -> int:
    """Return how many files a batch may have open, with the limit of this process in mind."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_FILES if soft == resource.RLIM_INFINITY else max(1, min(MOST_FILES, soft // 8))


@dataclass(slots=True, eq=False, repr=False)
class _Folders:
    """Folders of one batch, each opened once, component by component."""

    stack: contextlib.ExitStack
    opened: dict[tuple[str, int], int] = field(default_factory=dict)

    def enter(self, landing: Landing) -> None:
        """Open the folder of a file, or find it open."""
        folder, _, landing.name = landing.path.rpartition("/")
        key = folder, landing.base
        if key not in self.opened:
            place = self.stack.enter_context(local.opened_place(landing.path, landing.base, make=True))
            self.opened[key] = place.folder
        landing.folder = self.opened[key]


def land(batch: list[Landing], umask: int) -> None:
    """Put files in place, each wholly or not at all; what became of each is noted in it.  Blocks.

    An old file is intact until the new one takes its name in one step (hazard 4); nothing is told to be done before
    the bytes and the name are on the disk (hazard 5).
    """
    with contextlib.ExitStack() as stack:
        folders = _Folders(stack)
        try:
            mode = local.NEW_FILE_MODE & ~umask
            _each(batch, "write", lambda landing: _write(landing, folders, mode))
            for handle, error in make_durable(landing.handle for landing in _alive(batch)).items():
                for landing in batch:
                    if landing.handle == handle:
                        landing.error = local.local_error(error, landing.path, "write")
            _each(batch, "read", _verify)
            _each(batch, "write", _place)
            _flush_folders(batch)
        finally:
            for landing in batch:
                _leave(landing)


def _alive(batch: list[Landing]) -> Iterator[Landing]:
    return (landing for landing in batch if landing.error is None)


def _each(batch: list[Landing], doing: str, step: Callable[[Landing], None]) -> None:
    """Take a step with each file that has not failed; a failure concerns that file alone."""
    for landing in _alive(batch):
        try:
            step(landing)
        except PailError as error:
            landing.error = error
        except OSError as error:
            landing.error = local.local_error(error, landing.path, doing)


_PART_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def _write(landing: Landing, folders: _Folders, mode: int) -> None:
    folders.enter(landing)
    landing.part = part = landing.temporary
    try:
        landing.handle = os.open(part, _PART_FLAGS, PART_MODE, dir_fd=landing.folder)
    except FileExistsError:
        # What an earlier process left of it is not worth going on with, and what else it may be is not followed.
        os.unlink(part, dir_fd=landing.folder)
        landing.handle = os.open(part, _PART_FLAGS, PART_MODE, dir_fd=landing.folder)
    local.write_at(landing.handle, landing.content, 0)
    os.fchmod(landing.handle, mode)
    set_mtime(landing.handle, landing.mtime)


def _verify(landing: Landing) -> None:
    """Compare what the file holds now: one byte more is asked for, so that a longer one shows it."""
    found = os.pread(landing.handle, len(landing.content) + 1, 0)
    if len(found) != len(landing.content) or checksum.of(found) != landing.crc32c:
        raise Corrupt(f"{display_name(landing.path)}: the bytes on the disk are not the ones that were written")


def _place(landing: Landing) -> None:
    if landing.replace and (landing.looked or _replaceable(landing)):
        os.rename(landing.part, landing.name, src_dir_fd=landing.folder, dst_dir_fd=landing.folder)
        landing.placed = True
    elif not landing.replace:
        landing.placed = link_name(landing.folder, landing.part, landing.name)


def _replaceable(landing: Landing) -> bool:
    """Tell whether nothing but a file is in the way: what else there may be, somebody has to be told of."""
    try:
        return stat.S_ISREG(os.stat(landing.name, dir_fd=landing.folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return True


def _flush_folders(batch: list[Landing]) -> None:
    flushed: dict[int, OSError | None] = {}
    for landing in batch:
        if landing.placed:
            if landing.folder not in flushed:
                flushed[landing.folder] = _flushed(landing.folder)
            if (error := flushed[landing.folder]) is not None:
                landing.error = local.local_error(error, landing.path, "write")


def _flushed(folder: int) -> OSError | None:
    try:
        os.fsync(folder)
    except OSError as error:
        return error
    return None


def _leave(landing: Landing) -> None:
    """Close the file, and remove what did not get its name: it is small, and fetched again rather than gone on with."""
    if landing.handle >= 0:
        os.close(landing.handle)
        landing.handle = -1
        if not landing.placed:
            with contextlib.suppress(OSError):
                os.unlink(landing.part, dir_fd=landing.folder)
