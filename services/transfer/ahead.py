"""Files of small uploads that are read before their turn: a cache, of which nothing else depends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from functools import partial
from typing import Final

from services.transfer.gather import Firm, Gather
from services.transfer.reading import Content, read_many
from services.transfer.record import Record

SMALL_FILE: Final = 64 * 1024
"""Bytes of a file up to which it is read before its turn."""

BATCH: Final = 128
"""Files that are read in one turn of a thread, besides those that are waited for."""

PIECE: Final = 32
"""Files that one thread reads without a pause: where that takes its time, others help with the rest of the batch."""

MOST_BYTES: Final = 8 << 20
"""Bytes that are held for those that wait, beyond which no more are read."""


def is_plain(record: Record) -> bool:
    """Tell whether a transfer is the first try of an upload of a small file, of which nothing else is known."""
    return (
        record.action == "upload"
        and record.size <= SMALL_FILE
        and record.attempt == 1
        and not (record.decision or record.session or record.fingerprint)
    )


class Ahead:
    """Reads the files of those small uploads of a job that come next; belongs to one event loop."""

    def __init__(self, waiting: deque[Record], threads: Gather) -> None:
        """Read ahead what is `waiting`, in its order."""
        self._waiting = waiting
        self._threads = threads
        self._read: dict[int, Content | None] = {}
        self._coming: dict[int, Firm] = {}
        self._asked: list[Record] = []
        self.held = 0
        """Bytes of files that wait here."""
        self._soon: Firm | None = None

    def expect(self, record: Record) -> None:
        """Have a file read soon, along with others that are asked for in this turn of the event loop."""
        if record.seq not in self._read and record.seq not in self._coming:
            self._asked.append(record)
            self._coming[record.seq] = self._planned()

    async def take(self, record: Record) -> Content | None:
        """Return a file that was expected; None where it has to be looked at on its own."""
        try:
            while (coming := self._coming.get(record.seq)) is not None:
                with contextlib.suppress(Exception):  # the threads were closed, say: who takes it alone is told why
                    await coming
                if self._coming.get(record.seq) is coming:
                    await asyncio.sleep(0)  # it ended in this turn of the loop, and is taken in before the next one
        finally:
            self._coming.pop(record.seq, None)
            content = self._read.pop(record.seq, None)
            if content is not None:
                self.held -= len(content.data)
        if self._soon is None and self._waiting and len(self._read) + len(self._coming) < BATCH:
            self._planned()
        return content

    def _planned(self) -> Firm:
        """Return what is done once the next batch is begun."""
        if self._soon is None:
            loop = asyncio.get_running_loop()
            self._soon = Firm(loop=loop)
            loop.call_soon(self._begin)
        return self._soon

    def _begin(self) -> None:
        begun, self._soon = self._soon, None
        assert begun is not None
        batch, self._asked = [record for record in self._asked if record.seq in self._coming], []
        for record in itertools.islice(self._waiting, 2 * BATCH):
            if len(batch) >= BATCH or self.held >= MOST_BYTES or not is_plain(record):
                break
            if record.seq not in self._read and record.seq not in self._coming:
                batch.append(record)
        for start in range(0, len(batch), PIECE):
            self._begin_piece(batch[start : start + PIECE])
        begun.set_result(None)

    def _begin_piece(self, piece: list[Record]) -> None:
        coming = self._threads.add(read_many, [(record.source, record.base) for record in piece], SMALL_FILE)
        self._coming.update((record.seq, coming) for record in piece)
        coming.add_done_callback(partial(self._came, piece))

    def _came(self, piece: list[Record], read: asyncio.Future[list[Content | None]]) -> None:
        failed = read.exception() is not None
        for record, content in zip(piece, [None] * len(piece) if failed else read.result(), strict=True):
            if self._coming.pop(record.seq, None) is not None:  # it is still wanted
                self._read[record.seq] = content
                if content is not None:
                    self.held += len(content.data)
