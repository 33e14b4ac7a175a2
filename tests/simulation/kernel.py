"""A file system that exists in memory only, as the calls of a kernel see it, with its clock and its rough edges.

Every call of a process is a point at which somebody else may edit, or at which the process ends.  What a person does
goes past those points: it is what happens there.
"""

from __future__ import annotations

import contextvars
import errno
import io
import os
import random
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self


class Crash(BaseException):
    """The process has ended: nothing it still tries has any effect."""


@dataclass(slots=True)
class Clock:
    """The time of the world."""

    now_ns: int = 1_800_000_000_123_456_789

    def advance(self, nanoseconds: int) -> None:
        self.now_ns += nanoseconds


@dataclass(eq=False, slots=True)
class Inode:
    number: int
    is_folder: bool
    mode: int
    data: bytes = b""
    entries: dict[str, Inode] = field(default_factory=dict)
    mtime_ns: int = 0
    ctime_ns: int = 0
    links: int = 1
    opened: int = 0
    flushed: tuple[bytes, int, int] | None = None
    """Its bytes and times as they are on the disk, where a process has written more since."""
    written: bytes = b""
    """Its bytes as a process has left them since."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a `stat` says."""

    st_mode: int
    st_ino: int
    st_size: int
    st_mtime_ns: int
    st_ctime_ns: int
    st_nlink: int
    st_uid: int
    st_dev: int = 1

    @property
    def st_atime_ns(self) -> int:
        return self.st_mtime_ns


class Kernel:
    """One machine's disk."""

    def __init__(self, clock: Clock, root: str, *, grain_ns: int, skew_ns: int, renames: bool, reuses: bool) -> None:
        self.clock = clock
        self.grain_ns = grain_ns
        """Nanoseconds by which its times go on."""
        self.skew_ns = skew_ns
        """Nanoseconds by which its clock is ahead."""
        self.renames = renames
        """Whether it can swap two files and rename without replacing."""
        self._reuses = reuses
        self._free: list[int] = []
        self._last = 100
        self.path = root
        self.root = self.make(is_folder=True)
        self.full = False
        """Whether its disk is full."""
        self._journal: list[tuple[tuple[Inode, ...], Callable[[], None]]] = []
        self._dirty: list[Inode] = []

    def now_ns(self) -> int:
        return self.clock.now_ns + self.skew_ns

    def stamp(self) -> int:
        now = self.now_ns()
        return now - now % self.grain_ns

    def make(self, *, is_folder: bool, mode: int = 0o755) -> Inode:
        if self._free and self._reuses:
            number = self._free.pop()
        else:
            self._last += 1
            number = self._last
        stamp = self.stamp()
        return Inode(number, is_folder, mode, mtime_ns=stamp, ctime_ns=stamp)

    def drop(self, node: Inode) -> None:
        """Take a name, or a descriptor, from an inode that may have been its last."""
        if node.links == 0 and node.opened == 0:
            self._free.append(node.number)

    def find(self, path: str, start: Inode | None = None) -> Inode | None:
        node: Inode | None = start
        if start is None:
            if path != self.path and not path.startswith(f"{self.path}/"):
                raise FileNotFoundError(errno.ENOENT, "outside of the simulation", path)
            node, path = self.root, path[len(self.path) :]
        for part in path.strip("/").split("/"):
            if node is None or part == "":
                continue
            if not node.is_folder:
                raise NotADirectoryError(errno.ENOTDIR, "not a folder", path)
            if part != ".":
                node = node.entries.get(part)
        return node

    def place(self, path: str, start: Inode | None = None) -> tuple[Inode, str]:
        """Return the folder of a path and the last name in it."""
        parent, _, name = path.rstrip("/").rpartition("/")
        folder = self.find(parent, start) if parent or start is None else start
        if folder is None:
            raise FileNotFoundError(errno.ENOENT, "no such folder", path)
        if not folder.is_folder:
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", path)
        return folder, name

    def touch(self, node: Inode) -> None:
        node.mtime_ns = node.ctime_ns = self.stamp()

    def link(self, node: Inode, folder: Inode, name: str) -> None:
        self._check_alive(folder)
        folder.entries[name] = node
        self.touch(folder)

    def _check_alive(self, folder: Inode) -> None:
        """Nothing can be put into a folder that was removed, though somebody has it open."""
        if folder.links == 0:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    def unlink(self, folder: Inode, name: str) -> None:
        node = folder.entries.pop(name)
        node.links -= 1
        node.ctime_ns = self.stamp()
        self.touch(folder)
        self.drop(node)

    def rename(self, folder: Inode, name: str, target: Inode, new: str) -> None:
        self._check_alive(target)
        node = folder.entries[name]
        there = target.entries.get(new)
        if there is node:
            return
        if there is not None:
            if there.is_folder:
                raise IsADirectoryError(errno.EISDIR, "a folder is there", new)
            self.unlink(target, new)
        del folder.entries[name]
        target.entries[new] = node
        node.ctime_ns = self.stamp()
        self.touch(folder)
        self.touch(target)

    def write(self, node: Inode, data: bytes, offset: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        old = node.data[:offset].ljust(offset, b"\0")
        node.data = old + data + node.data[offset + len(data) :]
        self.touch(node)

    # What a loss of power takes.

    def changed(self, touched: tuple[Inode, ...], undo: Callable[[], None]) -> None:
        """Note a change of names that is not on the disk yet, in the order of the file system's journal."""
        times = [(node, node.mtime_ns, node.ctime_ns) for node in touched]

        def undo_all() -> None:
            undo()
            for node, mtime_ns, ctime_ns in times:
                node.mtime_ns, node.ctime_ns = mtime_ns, ctime_ns
                if node.links and node.number in self._free:
                    self._free.remove(node.number)

        self._journal.append((touched, undo_all))

    def writing(self, node: Inode) -> None:
        """Note that a process writes to a file: what it writes is not on the disk yet."""
        if node.flushed is None:
            node.flushed = node.data, node.mtime_ns, node.ctime_ns
            self._dirty.append(node)

    @property
    def is_behind(self) -> bool:
        """Whether something is not on the disk yet."""
        return bool(self._journal) or any(node.flushed is not None for node in self._dirty)

    def flush(self, node: Inode) -> None:
        """Have on the disk what an inode holds, and all changes of names up to the last one that it is part of."""
        node.flushed = None
        last = max((at for at, (touched, _) in enumerate(self._journal) if node in touched), default=-1)
        del self._journal[: last + 1]

    def commit(self) -> None:
        """Have all changes of names on the disk: somebody has saved something since."""
        self._journal.clear()

    def lose_power(self, chance: random.Random) -> str:
        """Forget what was not flushed, or some of it: names by the order of the journal, bytes file by file."""
        kept = chance.randrange(len(self._journal) + 1)
        lost = self._journal[kept:]
        for _, undo in reversed(lost):
            undo()
        self._journal.clear()
        torn = 0
        for node in self._dirty:
            if node.flushed is None or node.data is not node.written:
                # Whoever wrote to it after the process did has flushed it.
                node.flushed = None
                continue
            (old, mtime_ns, ctime_ns), node.flushed = node.flushed, None
            kind = chance.choice(("all", "nothing", "zeros", "half"))
            torn += kind != "all"
            if kind == "nothing":
                node.data, node.mtime_ns, node.ctime_ns = old, mtime_ns, ctime_ns
            elif kind != "all":
                # The inode is there with its size and its times, its bytes are not.
                half = len(node.data) // 2 if kind == "half" else 0
                node.data = node.data[:half] + b"\0" * (len(node.data) - half)
        self._dirty.clear()
        return f"{len(lost)} changes of names lost, {torn} files torn"

    def status(self, node: Inode) -> Any:
        kind = stat.S_IFDIR if node.is_folder else stat.S_IFREG
        size = 4096 if node.is_folder else len(node.data)
        return Found(kind | node.mode, node.number, size, node.mtime_ns, node.ctime_ns, node.links, os.getuid())

    def walk(self, node: Inode | None = None, path: str = "") -> Iterator[tuple[str, Inode]]:
        """Yield every file and folder below the root with its path."""
        for name, inner in list((node or self.root).entries.items()):
            yield f"{path}{name}", inner
            if inner.is_folder:
                yield from self.walk(inner, f"{path}{name}/")


@dataclass(slots=True)
class Handle:
    node: Inode
    flags: int


class Process:
    """A process on a machine: its descriptors, and whether it lives."""

    def __init__(self, kernel: Kernel, step: Callable[[Process, bool], None]) -> None:
        self.kernel = kernel
        self.dead = False
        self.files: dict[int, Handle] = {}
        self._step = step
        self._last = 2

    def step(self, *, inside: bool = True) -> None:
        """Come to a point at which the process may end; `inside` of a piece of work on the disk, or between two."""
        if self.dead:
            raise Crash
        self._step(self, inside)
        if self.dead:
            raise Crash

    def opened(self, node: Inode, flags: int) -> int:
        self._last += 1
        node.opened += 1
        self.files[self._last] = Handle(node, flags)
        return self._last

    def node(self, handle: int) -> Inode:
        found = self.files.get(handle)
        if found is None:
            raise OSError(errno.EBADF, "not open", str(handle))
        return found.node

    def end(self) -> None:
        """End it: its descriptors are closed by the kernel."""
        self.dead = True
        for handle in self.files.values():
            handle.node.opened -= 1
            self.kernel.drop(handle.node)
        self.files.clear()


_RUNNING: Final[contextvars.ContextVar[Process]] = contextvars.ContextVar("process")
"""The process whose code is running."""


def run_as(process: Process) -> None:
    """Have the rest of this task be code of a process."""
    _RUNNING.set(process)


def running() -> Process:
    return _RUNNING.get()


def _enter() -> tuple[Process, Kernel]:
    process = _RUNNING.get()
    process.step()
    return process, process.kernel


class Entry:
    """What `scandir` yields."""

    def __init__(self, name: str, node: Inode, kernel: Kernel, folder: Inode) -> None:
        self.name = name
        self._kernel = kernel
        self._node = node
        self._folder = folder

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self._node.is_folder

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return not self._node.is_folder

    def is_symlink(self) -> bool:
        return False

    def inode(self) -> int:
        return self._node.number

    def stat(self, *, follow_symlinks: bool = True) -> Any:
        running().step()
        found = self._folder.entries.get(self.name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "gone", self.name)
        return self._kernel.status(found)


class Scan:
    """What `scandir` returns."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def close(self) -> None:
        return None


class System:
    """The part of `os` that the engine uses, over the kernel of the process that is running."""

    path = os.path
    fsencode = staticmethod(os.fsencode)
    fsdecode = staticmethod(os.fsdecode)
    strerror = staticmethod(os.strerror)
    getuid = staticmethod(os.getuid)
    stat_result = os.stat_result
    DirEntry = Entry

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("O_"):
            raise AttributeError(f"the simulated system has no {name}")
        return getattr(os, name)

    @staticmethod
    def open(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        process, kernel = _enter()
        start = process.node(dir_fd) if dir_fd is not None else None
        node = kernel.find(path, start)
        if node is None and flags & os.O_CREAT:
            if kernel.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            folder, name = kernel.place(path, start)
            node = kernel.make(is_folder=False, mode=mode)
            kernel.changed((folder, node), _unlinked(node, folder, name))
            kernel.link(node, folder, name)
        elif node is not None and flags & os.O_EXCL:
            raise FileExistsError(errno.EEXIST, "is there", path)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        if flags & os.O_DIRECTORY and not node.is_folder:
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", path)
        if flags & os.O_TRUNC:
            kernel.writing(node)
            kernel.write(node, b"", 0)
            node.data = node.written = b""
        return process.opened(node, flags)

    @staticmethod
    def close(handle: int) -> None:
        process = _RUNNING.get()
        if process.dead:
            return
        node = process.node(handle)
        del process.files[handle]
        node.opened -= 1
        process.kernel.drop(node)

    @staticmethod
    def dup(handle: int) -> int:
        process, _ = _enter()
        return process.opened(process.node(handle), process.files[handle].flags)

    @staticmethod
    def scandir(handle: int) -> Scan:
        process, kernel = _enter()
        folder = process.node(handle)
        return Scan([Entry(name, node, kernel, folder) for name, node in folder.entries.items()])

    @staticmethod
    def listdir(handle: int) -> list[str]:
        process, _ = _enter()
        return list(process.node(handle).entries)

    @staticmethod
    def stat(path: str | int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> Any:
        process, kernel = _enter()
        if isinstance(path, int):
            return kernel.status(process.node(path))
        node = kernel.find(path, process.node(dir_fd) if dir_fd is not None else None)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return kernel.status(node)

    @staticmethod
    def lstat(path: str, *, dir_fd: int | None = None) -> Any:
        return System.stat(path, dir_fd=dir_fd)

    @staticmethod
    def fstat(handle: int) -> Any:
        process, kernel = _enter()
        return kernel.status(process.node(handle))

    @staticmethod
    def fchmod(handle: int, mode: int) -> None:
        process, kernel = _enter()
        node = process.node(handle)
        node.mode = mode
        node.ctime_ns = kernel.stamp()

    @staticmethod
    def utime(handle: int, *, ns: tuple[int, int]) -> None:
        process, kernel = _enter()
        node = process.node(handle)
        node.mtime_ns = ns[1] - ns[1] % min(kernel.grain_ns, 1_000_000_000)
        node.ctime_ns = kernel.stamp()

    @staticmethod
    def fsync(handle: int) -> None:
        process, kernel = _enter()
        kernel.flush(process.node(handle))

    @staticmethod
    def mkdir(path: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        process, kernel = _enter()
        if kernel.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        folder, name = kernel.place(path, process.node(dir_fd) if dir_fd is not None else None)
        if name in folder.entries:
            raise FileExistsError(errno.EEXIST, "is there", path)
        node = kernel.make(is_folder=True, mode=mode)
        kernel.changed((folder, node), _unlinked(node, folder, name))
        kernel.link(node, folder, name)

    @staticmethod
    def makedirs(path: str, mode: int = 0o777, exist_ok: bool = False) -> None:
        """Find the folder there: a root is not made within the simulation."""
        _, kernel = _enter()
        if not exist_ok or kernel.find(path) is None:
            raise FileNotFoundError(errno.ENOENT, "outside of the simulation", path)

    @staticmethod
    def rmdir(path: str, *, dir_fd: int | None = None) -> None:
        process, kernel = _enter()
        folder, name = kernel.place(path, process.node(dir_fd) if dir_fd is not None else None)
        node = folder.entries.get(name)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        if not node.is_folder:
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", path)
        if node.entries:
            raise OSError(errno.ENOTEMPTY, "Directory not empty", path)
        kernel.changed((folder, node), _linked(node, folder, name))
        kernel.unlink(folder, name)

    @staticmethod
    def unlink(path: str, *, dir_fd: int | None = None) -> None:
        process, kernel = _enter()
        folder, name = kernel.place(path, process.node(dir_fd) if dir_fd is not None else None)
        if name not in folder.entries:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        node = folder.entries[name]
        kernel.changed((folder, node), _linked(node, folder, name))
        kernel.unlink(folder, name)

    @staticmethod
    def rename(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        process, kernel = _enter()
        folder, into = process.node(src_dir_fd), process.node(dst_dir_fd)
        if source not in folder.entries:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", source)
        _rename(kernel, folder, source, into, target)

    @staticmethod
    def link(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int, follow_symlinks: bool = True) -> None:
        process, kernel = _enter()
        folder, into = process.node(src_dir_fd), process.node(dst_dir_fd)
        node = folder.entries.get(source)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", source)
        if node.is_folder:
            raise PermissionError(errno.EPERM, "a folder", source)
        if target in into.entries:
            raise FileExistsError(errno.EEXIST, "is there", target)
        kernel.changed((into, node), _unlinked(node, into, target))
        node.links += 1
        node.ctime_ns = kernel.stamp()
        kernel.link(node, into, target)

    @staticmethod
    def pread(handle: int, size: int, offset: int) -> bytes:
        process, _ = _enter()
        return process.node(handle).data[offset : offset + size]

    @staticmethod
    def pwrite(handle: int, data: bytes | memoryview, offset: int) -> int:
        process, kernel = _enter()
        node = process.node(handle)
        kernel.writing(node)
        kernel.write(node, bytes(data), offset)
        node.written = node.data
        return len(data)

    @staticmethod
    def ftruncate(handle: int, size: int) -> None:
        process, kernel = _enter()
        node = process.node(handle)
        kernel.writing(node)
        node.data = node.written = node.data[:size].ljust(size, b"\0")
        kernel.touch(node)


def _unlinked(node: Inode, folder: Inode, name: str) -> Callable[[], None]:
    """Return what takes a new name away again."""

    def undo() -> None:
        if folder.entries.get(name) is node:
            del folder.entries[name]
            node.links -= 1

    return undo


def _linked(node: Inode, folder: Inode, name: str) -> Callable[[], None]:
    """Return what brings a name back."""

    def undo() -> None:
        folder.entries[name] = node
        node.links += 1

    return undo


def _rename(kernel: Kernel, folder: Inode, name: str, into: Inode, new: str) -> None:
    """Rename as `Kernel.rename` does, so that a loss of power can take it back."""
    node, there = folder.entries[name], into.entries.get(new)

    def undo() -> None:
        folder.entries[name] = node
        if there is None:
            del into.entries[new]
        else:
            into.entries[new] = there
            there.links += 1

    if there is not node:
        kernel.changed((folder, into, node, *((there,) if there else ())), undo)
    kernel.rename(folder, name, into, new)


SYSTEM: Final = System()


def rename_call(flag: int, source_folder: int, source: str, target_folder: int, target: str) -> None:
    """Stand in for `renameat2`: flag 1 replaces nothing, flag 2 swaps."""
    from services.sync.exchange import Unsupported

    process, kernel = _enter()
    if not kernel.renames:
        raise Unsupported
    folder, into = process.node(source_folder), process.node(target_folder)
    node, there = folder.entries.get(source), into.entries.get(target)
    if node is None or (flag == 2 and there is None):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", target)
    if flag == 1:
        if there is not None:
            raise FileExistsError(errno.EEXIST, "is there", target)
        _rename(kernel, folder, source, into, target)
        return
    assert there is not None

    def swap_back() -> None:
        folder.entries[source], into.entries[target] = node, there

    kernel.changed((folder, into, node, there), swap_back)
    folder.entries[source], into.entries[target] = there, node
    node.ctime_ns = there.ctime_ns = kernel.stamp()
    kernel.touch(folder)
    kernel.touch(into)


def open_handle(handle: int, mode: str) -> io.BytesIO:
    """Stand in for `open` on a descriptor that is read."""
    process, _ = _enter()
    assert mode == "rb"
    data = process.node(handle).data
    System.close(handle)
    return io.BytesIO(data)


class SimPath:
    """The little of `pathlib.Path` that the engine's disk asks of its root."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.name = path.rpartition("/")[2]

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        _, kernel = _enter()
        if kernel.find(self._path) is None:
            raise FileNotFoundError(errno.ENOENT, "outside of the simulation", self._path)

    def stat(self) -> Any:
        return System.stat(self._path)


class Times:
    """The part of `time` that the engine's disk uses, by the clock of the machine that is running."""

    @staticmethod
    def time_ns() -> int:
        return _RUNNING.get().kernel.now_ns()

    @staticmethod
    def time() -> float:
        return _RUNNING.get().kernel.now_ns() / 1e9
