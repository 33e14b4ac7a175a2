"""The thread that writes to the terminal: the newest picture only, however slowly the terminal reads."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import IO, Final

from app.driver.screen import DiffScreen

PENDING_WRITES: Final = 30
"""Writes that may wait before whoever writes helps to digest them; Textual's own writer blocks there."""

STOP_LIMIT_S: Final = 2.0
"""Seconds that stopping waits for a terminal that does not read."""


class FrameWriter(threading.Thread):
    """Takes what Textual writes, any thread and signal handlers included, and writes what changes.

    Writing never waits for the terminal. While that is slow, pictures are merged into the one that it lacks, so that
    the memory is bounded by a screen and what is shown next is the newest.
    """

    def __init__(self, file: IO[str], width: int, height: int, *, erases: bool = True) -> None:
        super().__init__(daemon=True, name="pail-output")
        self._file = file
        self._screen = DiffScreen(width, height, erases=erases)
        self._lock = threading.Lock()  # guards the screen, and the order in which the pending writes reach it
        self._pending: deque[str | tuple[int, int]] = deque()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._stopping = False
        self._gone = False

    def write(self, text: str) -> None:
        """Hand over text; returns at once."""
        if self._gone:
            return
        self._pending.append(text)
        self._wake.put(None)
        # No waiting for the lock: a signal handler may have interrupted its holder on this very thread.
        if len(self._pending) > PENDING_WRITES and self._lock.acquire(blocking=False):
            try:
                self._digest()
            finally:
                self._lock.release()

    def resize(self, width: int, height: int) -> None:
        """Paint everything again, in this size, with the next picture."""
        self._pending.append((width, height))

    def stop(self) -> None:
        """Write what is left and end the thread; returns after `STOP_LIMIT_S` even if the terminal does not read."""
        self._stopping = True
        self._wake.put(None)
        if self.is_alive():
            self.join(STOP_LIMIT_S)

    def run(self) -> None:
        """Write until stopped or until the terminal is gone."""
        stopping = False
        while not stopping and not self._gone:
            self._wake.get()
            with suppress(Empty):
                while True:
                    self._wake.get_nowait()
            stopping = self._stopping  # looked at before the last writes are taken: none is left behind
            with self._lock:
                self._digest()
                text = self._screen.take()
            self._emit(text)

    def _digest(self) -> None:
        while self._pending:
            item = self._pending.popleft()
            if isinstance(item, str):
                self._screen.feed(item)
            else:
                self._screen.resize(*item)

    def _emit(self, text: str) -> None:
        if not text:
            return
        try:
            self._file.write(text)
            self._file.flush()
        except (OSError, ValueError):
            # The terminal is gone (hung up, or its file closed). The signal for that ends the program; nobody reads on.
            self._gone = True
            self._pending.clear()
