"""A lock on a file, which ends with the process that holds it, however that ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from services import paths


class FileLock:
    """An exclusive lock (flock) on a file, held until `release` or until the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = -1

    def acquire(self, *, wait: bool = False) -> bool:
        """Take the lock and tell whether that worked; the file is created 0600."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        while True:
            handle = os.open(self.path, flags, paths.PRIVATE_FILE_MODE)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                # Whoever held the lock may have removed the file: a lock on a file without a name locks nobody out.
                if os.path.samestat(os.fstat(handle), self.path.lstat()):
                    self._handle = handle
                    return True
            except FileNotFoundError:
                pass
            except BlockingIOError:
                os.close(handle)
                return False
            os.close(handle)

    @property
    def handle(self) -> int:
        """Descriptor that holds the lock: a child that has it holds the lock as well."""
        return self._handle

    def write(self, text: str) -> None:
        """Say in the file who holds the lock."""
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, text.encode(), 0)

    def release(self, *, remove: bool = False) -> None:
        """Give the lock up, and remove its file if wanted."""
        if self._handle >= 0:
            if remove:
                self.path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = -1
