"""Lists folders for a process that scans a large tree: run as a script, it loads nothing but itself.

It is asked on standard input for folders below a descriptor that it inherits, and answers on standard output with what
each of them holds, as `marshal` writes it, preceded by the length.  What any of it means is left to who asks.
"""

from __future__ import annotations

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""How folders are opened: never through a link."""

LENGTH_BYTES = 8
"""Bytes of the length before each message."""


def list_folder(top: int, path: str) -> tuple[int, list[tuple[str, int, tuple[int, int, int, int]]]]:
    """Return the number of an error, or 0, and for each entry its name, its mode and its signature."""
    found = []
    try:
        # With its slash a link would be followed all the same.
        handle = os.open(path.rstrip("/"), FLAGS, dir_fd=top)
        try:
            with os.scandir(handle) as entries:
                for entry in entries:
                    try:
                        got = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    signature = (got.st_ino, got.st_size, got.st_mtime_ns, got.st_ctime_ns)
                    found.append((entry.name, got.st_mode, signature))
        finally:
            os.close(handle)
    except OSError as error:
        return error.errno or 5, []
    return 0, found


def read_all(handle: int, size: int) -> bytes:
    """Return so many bytes; raises `EOFError` where they end before."""
    parts = []
    while size:
        part = os.read(handle, min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def receive(handle: int) -> Any:
    """Return the next message; raises `EOFError` where there is none."""
    # What comes here was written by this very file, in a process of ours.
    return marshal.loads(read_all(handle, int.from_bytes(read_all(handle, LENGTH_BYTES), "big")))  # noqa: S302


def send(handle: int, message: Any) -> None:
    """Write a message."""
    body = marshal.dumps(message)
    left = memoryview(len(body).to_bytes(LENGTH_BYTES, "big") + body)
    while left:
        left = left[os.write(handle, left) :]


def main(top: int) -> None:
    """Answer until nobody asks any more."""
    while True:
        try:
            paths = receive(0)
        except EOFError:
            return
        assert isinstance(paths, list)
        send(1, [list_folder(top, path) for path in paths])


if __name__ == "__main__":
    main(int(sys.argv[1]))
