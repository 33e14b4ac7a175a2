"""Small downloads gathered into batches, and who puts them in place: a disk thread, or a process for files.

Whatever arrives while one batch is on its way to the disk makes up the next, so a slow disk gets large batches and a
fast one keeps nobody waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final

from services.transfer import landing
from services.transfer.file_process import FileProcess
from services.transfer.gather import Firm
from services.transfer.landing import Landing, most_files

MOST_BYTES: Final = 32 << 20
"""Bytes of one batch."""

REST_S: Final = 5.0
"""Seconds without a file after which the process for files ends."""


class Landings:
    """Gathers small files into batches, one of which is on its way at a time; belongs to one event loop."""

    def __init__(self, threads: Executor, umask: int, aside: FileProcess | None = None) -> None:
        """Have `threads` put files in place, and `aside` while many are known to come."""
        self._threads = threads
        self._umask = umask
        self._aside = aside
        self._waiting: deque[tuple[list[Landing], Firm]] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, ahead: int) -> None:
        """Note how many small files are known to come: for many of them a process is started."""
        if self._aside is not None and self._aside.pays(ahead):
            self._have(self._aside.start)

    def _have(self, done: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the threads were closed
            self._threads.submit(done)

    def add(self, one: Landing) -> Firm:
        """Have a file put in place; the future tells whether it got its name, or raises `PailError`.

        It cannot be cancelled: what is on its way to the disk is waited for.
        """
        return self.add_many([one])

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
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            groups = [self._waiting.popleft()]
            batch = list(groups[0][0])
            size = sum(len(one.content) for one in batch)
            while self._waiting and len(batch) + len(self._waiting[0][0]) <= most and size < MOST_BYTES:
                groups.append(self._waiting.popleft())
                batch += groups[-1][0]
                size += sum(len(one.content) for one in groups[-1][0])
            fault: BaseException | None = None
            try:
                await loop.run_in_executor(self._threads, self._land, batch, size)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - handed to whoever asked
                fault = error
            for landings, future in groups:
                if not future.done():
                    _tell(landings, future, fault)
        if self._aside is not None and self._aside.pid:
            self._timer = loop.call_later(REST_S, self._have, self._aside.rest)

    def _land(self, batch: list[Landing], size: int) -> None:
        """Put files in place, by whoever does it best just now; runs on a thread."""
        if self._aside is None or not self._aside.land(batch, size):
            landing.land(batch, self._umask)


def _tell(landings: list[Landing], future: Firm, fault: BaseException | None) -> None:
    """Tell whoever waits what became of files: of one by the future, of several in each of them."""
    for one in landings:
        if fault is not None and one.fault is None and not one.placed:
            future.fail(RuntimeError(f"the disk threads ended: {fault!r}"))
            return
    error = landings[0].error
    if len(landings) == 1 and error is not None:
        future.fail(error)
    else:
        future.set_result(landings[0].placed)
