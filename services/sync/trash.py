"""The trash of a pair: `.pail/trash/DATE/…` in its root, private, never synced, kept for thirty days."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from services.errors import Unsafe
from services.names import display_name
from services.paths import PRIVATE_FOLDER_MODE
from services.sync import exchange
from services.sync.ignore import OWN_FOLDER
from services.sync.limits import TRASH_MB
from services.sync.scan import signature_of
from services.transfer.local import explained, opened_place

TRASH: Final = f"{OWN_FOLDER}/trash"
"""The trash, below the root of the pair."""

KEPT_DAYS: Final = 30
"""Days for which a replaced or deleted file is kept."""

SPARED_S: Final = 3600.0
"""Seconds for which a file stays in the trash however large it is."""

_MOST_OF_A_NAME: Final = 10_000
"""Files of one name that one day can hold."""

_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Taken(NamedTuple):
    """A file in the trash."""

    path: str
    """Its path."""
    found: os.stat_result
    """What it is, looked at after it was moved."""


class Trash:
    """Where replaced and deleted files go.  All methods block and raise `OSError` unless they say otherwise."""

    def __init__(
        self, root: str, now: Callable[[], float] = time.time, *, most_bytes: int = TRASH_MB * 1_000_000
    ) -> None:
        self._root = root
        self._now = now
        self._most_bytes = most_bytes

    def prepare(self) -> int:
        """Make the trash, private, and return a descriptor of the pair's root.

        Raises `Unsafe` where a link or a file is in its place.
        """
        root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for path in (OWN_FOLDER, TRASH):
                with contextlib.suppress(FileExistsError):
                    os.mkdir(path, PRIVATE_FOLDER_MODE, dir_fd=root)
                try:
                    handle = os.open(path, _FLAGS, dir_fd=root)
                except NotADirectoryError:
                    raise Unsafe(
                        f"{display_name(f'{self._root}/{path}')} is no folder, so nothing can be kept in it",
                        remedy="Remove it: it is the place of Pail's own trash.",
                        url=f"{self._root}/{path}",
                    ) from None
                try:
                    if stat.S_IMODE(os.fstat(handle).st_mode) != PRIVATE_FOLDER_MODE:
                        os.fchmod(handle, PRIVATE_FOLDER_MODE)
                finally:
                    os.close(handle)
        except BaseException:
            os.close(root)
            raise
        return root

    def opened(self, *, make: bool = True) -> int:
        """Return a descriptor of the trash; raises `FileNotFoundError` where there is none, and none is to be made."""
        root = self.prepare() if make else os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return os.open(TRASH, _FLAGS, dir_fd=root)
        finally:
            os.close(root)

    def take(self, folder: int, name: str, relative: str) -> Taken:
        """Move a file into the trash, under its path below the root."""
        for path in self._places(relative):
            with (
                contextlib.suppress(FileExistsError, NotADirectoryError),
                opened_place(path, len(self._root), make=True) as place,
            ):
                try:
                    exchange.rename_away(folder, name, place.folder, place.name)
                except OSError as error:
                    if error.errno != errno.EXDEV:
                        raise
                    return Taken(path, _copy(folder, name, place.folder, place.name))
                return Taken(path, os.stat(place.name, dir_fd=place.folder, follow_symlinks=False))
        raise FileExistsError(errno.EEXIST, "the trash is full of files of this name", relative)

    def put_back(self, taken: Taken, folder: int, name: str) -> None:
        """Move a file back to where it was; raises `FileExistsError` where something else lies there."""
        with opened_place(taken.path, len(self._root)) as place:
            exchange.rename_new(place.folder, place.name, folder, name)

    def _places(self, relative: str) -> Iterator[str]:
        os.close(self.prepare())
        day = datetime.fromtimestamp(self._now(), UTC).date().isoformat()
        yield f"{self._root}/{TRASH}/{day}/{relative}"
        for number in range(1, _MOST_OF_A_NAME):
            yield f"{self._root}/{TRASH}/{day}.{number}/{relative}"

    def expire(self) -> int:
        """Delete what has been in the trash for too long, and what came first where it holds too much.

        What was trashed within the last hour stays whatever its size is: it may be just what a person looks for.
        Returns how many days went as a whole; raises `PailError`.
        """
        with explained(f"{self._root}/{TRASH}", "delete"):
            root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                trash = os.open(TRASH, _FLAGS, dir_fd=root)
            except FileNotFoundError:
                return 0
            finally:
                os.close(root)
            try:
                oldest = datetime.fromtimestamp(self._now(), UTC).date() - timedelta(days=KEPT_DAYS)
                gone = [name for name in os.listdir(trash) if (day := _day(name)) is not None and day < oldest]  # noqa: PTH208
                _remove(gone, trash)
                self._shrink(trash)
            finally:
                os.close(trash)
        return len(gone)

    def _shrink(self, trash: int) -> None:
        """Delete the files that were trashed first until the rest is no more than may be kept."""
        files: list[tuple[float, int, str]] = []
        for folder, _, names, handle in os.fwalk(".", dir_fd=trash):
            for name in names:
                found = os.stat(name, dir_fd=handle, follow_symlinks=False)
                # The move into the trash set the change time.
                files.append((found.st_ctime, found.st_size, f"{folder}/{name}"))
        over = sum(size for _, size, _ in files) - self._most_bytes
        for moved, size, path in sorted(files) if over > 0 else ():
            if over <= 0 or moved > self._now() - SPARED_S:
                break
            os.unlink(path, dir_fd=trash)
            over -= size


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name.partition(".")[0])
    except ValueError:
        return None


def _remove(names: list[str], folder: int) -> None:
    """Remove folders with all that is in them."""
    if names:
        import shutil  # 2 ms that most passes do not need

        for name in names:
            shutil.rmtree(name, dir_fd=folder)


def _duplicate(folder: int, name: str, target_folder: int, target: str) -> None:
    """Copy a file's bytes, durably, under a name that nothing has."""
    import shutil

    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with open(source, "rb") as reader:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target_folder)
        with open(handle, "wb") as writer:
            shutil.copyfileobj(reader, writer)
            writer.flush()
            os.fsync(handle)
            found = os.fstat(source)
            os.utime(handle, ns=(found.st_atime_ns, found.st_mtime_ns))


def _copy(folder: int, name: str, target_folder: int, target: str) -> os.stat_result:
    """Move a file to another disk, where it cannot be renamed to, and return what it was."""
    before = os.stat(name, dir_fd=folder, follow_symlinks=False)
    _duplicate(folder, name, target_folder, target)
    after = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if signature_of(before) != signature_of(after):
        os.unlink(target, dir_fd=target_folder)
        raise OSError(errno.EBUSY, "it changed while it was moved to the trash", name)
    os.unlink(name, dir_fd=folder)
    return before
