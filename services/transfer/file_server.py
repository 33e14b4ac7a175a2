"""What a process for files does: it is asked on a socket, and answers once what it was asked for is done.

It knows files and nothing else: no network, no journal, no errors of ours.  Messages are plain data as `marshal` writes
it, preceded by the length; both sides are the same interpreter and this very file.  It ends when nobody asks any more,
at the latest after what it has at hand.
"""

from __future__ import annotations

import marshal
import os
import sys

from services.transfer.landing import Landing, land

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

LENGTHS: Final = 16
"""Bytes of the two lengths before each message: of the plain data, and of the bytes that go with it."""

READY: Final = "ready"
"""What is said first, once everything is loaded."""


def pack(message: Any, content: int = 0) -> bytes:
    """Return a message as it is sent, which so many bytes follow."""
    body = marshal.dumps(message)
    return len(body).to_bytes(LENGTHS // 2, "big") + content.to_bytes(LENGTHS // 2, "big") + body


class Ear:
    """Receives messages, into memory that is kept: to be given pages anew costs more than all the copies."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._memory = memoryview(bytearray(1 << 16))

    def receive(self) -> tuple[Any, memoryview]:
        """Return the next message and the bytes that go with it, which are there until the next one is received.

        Raises `EOFError` where there is none, and where it breaks off.
        """
        lengths = bytes(self._read(LENGTHS))
        size, content = (int.from_bytes(lengths[at : at + LENGTHS // 2], "big") for at in (0, LENGTHS // 2))
        view = self._read(size + content)
        # What comes here was written by this very file, in a process of ours.
        return marshal.loads(view[:size]), view[size:]  # noqa: S302

    def _read(self, size: int) -> memoryview:
        if size > len(self._memory):
            self._memory = memoryview(bytearray(size))
        done = 0
        while done < size:
            count = os.readv(self._handle, [self._memory[done:size]])
            if not count:
                raise EOFError
            done += count
        return self._memory[:size]


def asked_of(one: Landing) -> tuple[Any, ...]:
    """Return a file as plain data, without its bytes."""
    return one.path, one.base, one.nonce, one.generation, len(one.content), one.mtime, one.replace, one.looked


def put_in_place(files: list[tuple[Any, ...]], content: memoryview, umask: int) -> list[tuple[Any, ...]]:
    """Put small files in place, and return of each whether it got its name, and why it failed."""
    batch, start = [], 0
    for path, base, nonce, generation, size, *rest in files:
        batch.append(Landing(path, base, nonce, generation, content[start : start + size], *rest))
        start += size
    land(batch, umask)
    return [(one.placed, one.fault) for one in batch]


ACTS: Final[dict[str, Callable[[Any, memoryview, int], Any]]] = {"land": put_in_place}
"""What can be asked for: each is called with plain data, the bytes that go with it and the umask."""


def main() -> None:
    """Answer until nobody asks any more."""
    handle, umask = int(sys.argv[2]), int(sys.argv[3])
    ear = Ear(handle)
    answer: Any = READY
    try:
        while True:
            left = memoryview(pack(answer))
            while left:
                left = left[os.write(handle, left) :]
            (act, asked), content = ear.receive()
            answer = ACTS[act](asked, content, umask)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)  # nothing is left to be done, and whoever waits for this end waits for the lock
