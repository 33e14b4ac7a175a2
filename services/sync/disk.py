"""The local side of a pair: reading, replacing and removing files, each only if it is what was planned on.

Nothing that a person made is ever overwritten or unlinked: what is replaced or deleted goes to the trash, and what
turns out to have changed meanwhile is put back or kept beside (hazard 29).  All methods block.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from services import names
from services.checksum import Crc32c
from services.errors import LocalFileError
from services.names import display_name
from services.sync import exchange
from services.sync.entries import LocalEntry, LocalTree, Signature
from services.sync.ignore import OWN_FOLDER, Rules
from services.sync.limits import TRASH_MB
from services.sync.scan import scan, signature_of
from services.sync.trash import Trash
from services.transfer import local
from services.transfer.descent import partial_name
from services.transfer.local import Place, SourceFile, explained, opened_place
from services.transfer.partial import HASH_CHUNK, Partial, open_partial

FRESH_NS: Final = 50_000_000
"""Nanoseconds within which a second change may leave the times of a file as they are (one tick of the kernel)."""

SECOND_NS: Final = 1_000_000_000
"""Nanoseconds of a second."""

COARSE_FRESH_NS: Final = 2_100_000_000
"""The same for file systems that keep whole seconds."""


class Changed(Exception):
    """What lies there is not what was planned on: plan again."""


class Read(NamedTuple):
    """The content of a file at rest."""

    signature: Signature
    """What it was while it was read."""
    crc32c: str
    """CRC32C of all of it."""
    fresh: bool
    """Whether it had changed so shortly before that a further change need not show in the signature."""


class Placed(NamedTuple):
    """A download that has taken its name."""

    signature: Signature
    """Signature of the new file."""
    settled: bool
    """Whether it can be relied on later: one that is too fresh can change once more without showing it."""
    kept: str = ""
    """Key of the conflict copy, where the old file turned out to have changed."""


class Disk:
    """The folder of a pair."""

    def __init__(
        self,
        root: str,
        *,
        prefix: str = "",
        umask: int = 0o022,
        now: Callable[[], float] = time.time,
        trash_bytes: int = TRASH_MB * 1_000_000,
    ) -> None:
        self.root = root
        """Absolute path, links resolved."""
        self.trash = Trash(root, now, most_bytes=trash_bytes)
        """Where replaced and deleted files go."""
        self._prefix = prefix
        self._umask = umask

    def path(self, key: str) -> str:
        """Return the path of a key; raises `UnmappableName`."""
        return f"{self.root}/{names.local_path(key.rstrip('/'))}"

    def scan(self, rules: Rules, *, alone: bool = False) -> LocalTree:
        """Return what is there; `alone` without the help of another process."""
        return scan(self.root, rules, prefix=self._prefix, alone=alone)

    def look(self, key: str) -> Signature | None:
        """Return the signature of a file; None where none is."""
        found = local.look(self.path(key), len(self.root))
        return signature_of(found) if found is not None and stat.S_ISREG(found.st_mode) else None

    def exists(self, key: str) -> bool:
        """Tell whether anything lies at a key."""
        return local.look(self.path(key), len(self.root)) is not None

    def open(self, key: str) -> SourceFile:
        """Open a file for reading."""
        return local.open_source(self.path(key), len(self.root))

    def read(self, key: str) -> Read:
        """Read a file and return what it was; raises `Changed` where it is being changed, `PailError`."""
        source = self.open(key)
        try:
            signature = signature_of(os.fstat(source.handle))
            fresh = settled(signature) is None
            crc, offset = Crc32c(), 0
            while chunk := source.read(offset, HASH_CHUNK):
                crc.update(chunk)
                offset += len(chunk)
            if offset != signature.size or not source.unchanged():
                raise Changed(key)
            return Read(signature, crc.base64(), fresh)
        finally:
            source.close()

    def partial(self, key: str, nonce: str, generation: int, size: int) -> Partial:
        """Open the unfinished download of a generation."""
        return open_partial(self.path(key), len(self.root), nonce, generation, size)

    def partial_inode(self, key: str, nonce: str, generation: int) -> int:
        """Return the inode of an unfinished download; 0 where there is none (any more)."""
        path = self.path(key)
        with explained(path, "look at"):
            try:
                with opened_place(path, len(self.root)) as place:
                    found = Place(place.folder, partial_name(nonce, generation)).lstat()
            except (FileNotFoundError, NotADirectoryError):
                return 0
        return found.st_ino if found is not None else 0

    def secure(self, key: str, partial: Partial, *, mtime: float | None) -> None:
        """Have a verified download on the disk under its unfinished name, with the mode and the time it is to have.

        Only then may anybody rely on it: that it is missing means later that it has taken its name.
        """
        with explained(self.path(key), "write"):
            found = Place(partial.folder, partial.target).lstat()
            mode = stat.S_IMODE(found.st_mode) & 0o777 if found is not None else local.NEW_FILE_MODE & ~self._umask
            os.fchmod(partial.handle, mode)
            if mtime is not None:
                with contextlib.suppress(OSError, OverflowError):
                    os.utime(partial.handle, ns=(int(mtime * 1e9), int(mtime * 1e9)))
            os.fsync(partial.handle)
            os.fsync(partial.folder)

    def flush(self, key: str) -> None:
        """Have on the disk what is seen at a key: whoever made it so may have ended before.  Raises `PailError`."""
        path = self.path(key)
        gone = contextlib.suppress(FileNotFoundError, NotADirectoryError)
        with explained(path, "write"), gone, opened_place(path, len(self.root)) as place:
            os.fsync(place.folder)

    def place(self, key: str, partial: Partial, expected: LocalEntry | None, *, copy: str) -> Placed:
        """Put a secured download in place of exactly the file that was planned on (None: of nothing).

        Raises `Changed` where something else lies there; the download stays unfinished then.  Where the change came
        in the very moment of the swap, what was swapped out is kept as `copy` (a key).
        """
        with explained(self.path(key), "write"):
            return self._place(key, partial, expected, copy)

    def _place(self, key: str, partial: Partial, expected: LocalEntry | None, copy: str) -> Placed:
        place = Place(partial.folder, partial.target)
        found = place.lstat()
        if (signature_of(found) if found is not None else None) != (expected.signature if expected else None):
            raise Changed(key)
        # Taken before anybody can reach the file: however long this takes, an edit in its first tick need not show.
        now = time.time_ns()
        before = signature_of(os.fstat(partial.handle))
        kept = ""
        if expected is None:
            try:
                exchange.rename_new(partial.folder, partial.name, partial.folder, partial.target)
            except FileExistsError:
                raise Changed(key) from None
        else:
            kept = self._replace(key, partial, expected, copy)
        os.fsync(partial.folder)
        after = signature_of(os.fstat(partial.handle))
        # The rename itself changes the ctime; anything else was somebody's edit, which has to be found.
        hidden = is_fresh(after.mtime_ns, now) or (not after.ctime_ns % SECOND_NS and is_fresh(after.ctime_ns, now))
        return Placed(after, not hidden and after[:3] == before[:3], kept)

    def _replace(self, key: str, partial: Partial, expected: LocalEntry, copy: str) -> str:
        """Swap the download in and the old file out; return the key it is kept under where it had changed."""
        try:
            exchange.swap(partial.folder, partial.name, partial.folder, partial.target)
        except FileNotFoundError:
            raise Changed(key) from None
        except exchange.Unsupported:
            # For a moment nothing has the name; but nothing that anybody saves in it is ever written over.
            self._take(partial.folder, partial.target, key, expected)
            try:
                exchange.rename_new(partial.folder, partial.name, partial.folder, partial.target)
            except FileExistsError:
                raise Changed(key) from None
            return ""
        swapped = os.stat(partial.name, dir_fd=partial.folder, follow_symlinks=False)
        if _is_planned(swapped, partial.folder, partial.name, expected):
            self.trash.take(partial.folder, partial.name, names.local_path(key))
            return ""
        return self._keep(partial.folder, partial.name, copy)

    def _keep(self, folder: int, name: str, copy: str) -> str:
        """Give a file the name of a conflict copy in its folder, the next free one where it is taken."""
        prefix, slash, last = copy.rpartition("/")
        for number in range(1000):
            wanted = last if not number else local.free_name(last, number)
            with contextlib.suppress(FileExistsError):
                exchange.rename_new(folder, name, folder, names.local_path(wanted))
                return f"{prefix}{slash}{wanted}"
        raise FileExistsError(errno.EEXIST, "every name of a conflict copy is taken", copy)

    def rename_copy(self, key: str, expected: LocalEntry, copy: str) -> str:
        """Give exactly the file that was planned on the name of a conflict copy, and return its key.

        Raises `Changed`, `PailError`.
        """
        path = self.path(key)
        with explained(path, "rename"), _present(key), opened_place(path, len(self.root)) as place:
            _check(place, expected, key)
            return self._keep(place.folder, place.name, copy)

    def remove(self, key: str, expected: LocalEntry, nonce: str = "") -> None:
        """Move exactly the file that was planned on to the trash; raises `Changed`, `PailError`.

        With a `nonce` it is on the way under that name until it was looked at, and `restore` brings it back.
        """
        path = self.path(key)
        with explained(path, "delete"), _present(key), opened_place(path, len(self.root)) as place:
            _check(place, expected, key)
            if nonce:
                self._take_aside(place, key, expected, nonce)
            else:
                self._take(place.folder, place.name, key, expected)
            os.fsync(place.folder)

    def _take_aside(self, place: Place, key: str, expected: LocalEntry, nonce: str) -> None:
        """Move a file to the trash in two steps, with a look in between; raises `Changed`, `OSError`."""
        trash = self.trash.opened()
        try:
            try:
                exchange.rename_away(place.folder, place.name, trash, nonce)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._take(place.folder, place.name, key, expected)
                return
            found = os.stat(nonce, dir_fd=trash, follow_symlinks=False)
            if _is_planned(found, trash, nonce, expected):
                self.trash.take(trash, nonce, names.local_path(key))
                return
            self._bring_back(trash, nonce, place, key)
            raise Changed(key)
        finally:
            os.close(trash)

    def _bring_back(self, trash: int, nonce: str, place: Place, key: str) -> None:
        """Give a file its name again; where that was taken meanwhile it stays in the trash."""
        try:
            exchange.rename_new(trash, nonce, place.folder, place.name)
        except FileExistsError:
            self.trash.take(trash, nonce, names.local_path(key))
        os.fsync(place.folder)

    def restore(self, key: str, nonce: str) -> None:
        """Bring a file back that was on its way to the trash when the process ended; raises `PailError`."""
        path = self.path(key)
        with explained(path, "write"):
            try:
                trash = self.trash.opened(make=False)
            except FileNotFoundError:
                return
            try:
                if Place(trash, nonce).lstat() is not None:
                    with opened_place(path, len(self.root), make=True) as place:
                        self._bring_back(trash, nonce, place, key)
            finally:
                os.close(trash)

    def _take(self, folder: int, name: str, key: str, expected: LocalEntry) -> None:
        """Move exactly the file that was planned on to the trash; raises `Changed`, `OSError`."""
        taken = self.trash.take(folder, name, names.local_path(key))
        with opened_place(taken.path, len(self.root)) as kept:
            if _is_planned(taken.found, kept.folder, kept.name, expected):
                return
        # Edited between the look and the rename: it goes back, unless its place was taken again.
        with contextlib.suppress(FileExistsError):
            self.trash.put_back(taken, folder, name)
            os.fsync(folder)
        raise Changed(key)

    def make_folder(self, key: str) -> None:
        """Make a folder and those above it, durably: one that is missing later was removed by somebody."""
        path = self.path(key)
        local.make_folder(path, len(self.root))
        with explained(path, "make the folder"), _present(key), opened_place(path, len(self.root)) as place:
            os.fsync(place.folder)

    def remove_folder(self, key: str) -> bool:
        """Remove a folder where it is empty, and tell whether it is gone."""
        path = self.path(key)
        with explained(path, "delete"):
            try:
                with opened_place(path, len(self.root)) as place:
                    os.rmdir(place.name, dir_fd=place.folder)
                    os.fsync(place.folder)
            except FileNotFoundError:
                return True
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    return False
                raise
        return True

    def discard(self, key: str, nonce: str) -> None:
        """Delete what an unfinished download left; never a file that was swapped out: that goes to the trash.

        Raises `PailError`.
        """
        path = self.path(key)
        start = f"{local.PARTIAL_PREFIX}{nonce}"
        with explained(path, "delete"):
            try:
                with opened_place(path, len(self.root)) as place:
                    for name in os.listdir(place.folder):  # noqa: PTH208 - by descriptor
                        if name.startswith(start):
                            self.trash.take(place.folder, name, names.local_path(key))
            except (FileNotFoundError, NotADirectoryError):
                return

    def collect(self, path: str) -> None:
        """Move an unfinished download that nobody knows of to the trash; `path` lies below the root.

        It may be a file that was swapped out just before a crash.  Raises `PailError`.
        """
        full = f"{self.root}/{path}"
        gone = contextlib.suppress(FileNotFoundError, NotADirectoryError)
        with explained(full, "delete"), gone, opened_place(full, len(self.root)) as place:
            self.trash.take(place.folder, place.name, path)

    def folds_names(self) -> bool:
        """Tell whether this disk takes names for the same that differ in case only."""
        for name in (f"{self.root}/{OWN_FOLDER}", self.root):
            path = Path(name)
            try:
                return path.name != path.name.swapcase() and path.samefile(path.with_name(path.name.swapcase()))
            except OSError:
                if path.exists():
                    return False
        return False

    def make_root(self) -> None:
        """Make the root where nothing is there yet."""
        with explained(self.root, "make the folder"):
            Path(self.root).mkdir(parents=True, exist_ok=True)

    def check(self) -> None:
        """Raise `LocalFileError` where the root is no folder (any more)."""
        with explained(self.root, "read the folder"):
            found = Path(self.root).stat()
        if not stat.S_ISDIR(found.st_mode):
            raise LocalFileError(f"{display_name(self.root)} is not a folder", remedy="Name a folder.", url=self.root)


def is_fresh(changed_ns: int, now_ns: int) -> bool:
    """Tell whether a file with this time may change once more without its times showing it."""
    window = FRESH_NS if changed_ns % SECOND_NS else COARSE_FRESH_NS
    return 0 <= now_ns - changed_ns < window


def settled(signature: Signature) -> Signature | None:
    """Return a signature to be relied on later; None for a file that changed just now."""
    now = time.time_ns()
    return None if is_fresh(signature.mtime_ns, now) or is_fresh(signature.ctime_ns, now) else signature


@contextlib.contextmanager
def _present(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise Changed(key) from None


def _check(place: Place, expected: LocalEntry, key: str) -> None:
    found = place.lstat()
    if found is None or not stat.S_ISREG(found.st_mode) or signature_of(found) != expected.signature:
        raise Changed(key)


def _is_planned(found: os.stat_result, folder: int, name: str, expected: LocalEntry) -> bool:
    """Tell whether a file that was just renamed, which alone changes its ctime, is what was planned on."""
    if expected.signature is None or not stat.S_ISREG(found.st_mode):
        return False
    if signature_of(found)[:3] == expected.signature[:3] and not expected.fresh:
        return True
    if not expected.crc32c or found.st_size != expected.signature.size:
        return False
    # It was touched, or its times would not show a change that came right after it was read: only its bytes tell.
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        crc, offset = Crc32c(), 0
        while chunk := os.pread(handle, HASH_CHUNK, offset):
            crc.update(chunk)
            offset += len(chunk)
    finally:
        os.close(handle)
    return crc.base64() == expected.crc32c
