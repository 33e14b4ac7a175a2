"""A second process that lists folders while this one scans a large tree: Python itself uses one core only."""

from __future__ import annotations

import contextlib
import select
import sys
from collections import deque
from pathlib import Path
from typing import Any, Final

from services.sync import lister

FROM: Final = 25_000
"""Files found from which on the rest is shared: below that it costs more CPU than it saves time."""

MOST_FOLDERS: Final = 32
"""Folders that are asked for at once."""

MOST_BYTES: Final = 16_384
"""Bytes of their paths: two such questions fit into a pipe, so that neither side ever waits for the other to read."""

Waiting = tuple[str, str]
"""A folder that waits: its key and its path below the root."""

Row = tuple[str, int, tuple[int, int, int, int]]
"""An entry of a folder: its name, its mode and its signature."""

Listed = tuple[int, list[Row]]
"""What a folder holds (`services.sync.lister.list_folder`)."""


class Aside:
    """The process, and what it was asked for; whatever it fails at is left to be done here."""

    def __init__(self, top: int) -> None:
        """Start it for folders below the descriptor `top`; raises `OSError`."""
        import subprocess  # only for large trees

        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(lister.__file__)), str(top)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(top,),
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._ask, self._hear = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._hear, select.POLLIN | select.POLLHUP)
        self._asked: deque[list[Waiting]] = deque()

    @property
    def busy(self) -> bool:
        """Whether an answer is to come."""
        return bool(self._asked)

    def share(self, waiting: list[Waiting]) -> None:
        """Take a part of the folders that wait, unless there is enough to do; raises `OSError`."""
        while len(self._asked) < 2 and len(waiting) > 1:
            # The first of them lie highest in the tree, so that most is below them.
            taken: list[Waiting] = []
            size = 0
            for one in waiting[: max(1, min(MOST_FOLDERS, len(waiting) // 3))]:
                size += len(one[1]) * 4
                if size > MOST_BYTES and taken:
                    break
                taken.append(one)
            del waiting[: len(taken)]
            self._asked.append(taken)
            lister.send(self._ask, [path for _, path in taken])

    def answers(self, *, wait: bool) -> list[tuple[Waiting, Listed]]:
        """Return what has come, or comes; raises `OSError`, `EOFError`, `ValueError`."""
        if not self._asked or not (wait or self._poll.poll(0)):
            return []
        found: Any = lister.receive(self._hear)
        return list(zip(self._asked.popleft(), found, strict=True))

    def close(self) -> list[Waiting]:
        """End it and return the folders of which nothing was heard."""
        with self._process, contextlib.suppress(OSError):
            self._process.kill()
        return [one for batch in self._asked for one in batch]
