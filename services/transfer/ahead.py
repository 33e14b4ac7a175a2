"""Files of small uploads that are read before their turn: a cache, of which nothing else depends."""

from __future__ import annotations

import asyncio
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
        coming = self._coming.get(record.seq)
        try:
            if coming is not None:
                await coming
        finally:
            content = self._read.pop(record.seq, None)
            if content is not None:
                self.held -= len(content.data)
        if self._soon is None and self._waiting and len(self._read) + len(self._coming) < BATCH:
            self._planned()
        return content

    def _planned(self) -> Firm:
        """Return what is done once the next batch is read."""
        if self._soon is None:
            loop = asyncio.get_running_loop()
            self._soon = Firm(loop=loop)
            loop.call_soon(self._begin)
        return self._soon

    def _begin(self) -> None:
        ended, self._soon = self._soon, None
        assert ended is not None
        batch, self._asked = self._asked, []
        for record in itertools.islice(self._waiting, 2 * BATCH):
            if len(batch) >= BATCH or self.held >= MOST_BYTES or not is_plain(record):
                break
            if record.seq not in self._read and record.seq not in self._coming:
                batch.append(record)
                self._coming[record.seq] = ended
        if not batch:
            ended.set_result(None)
            return
        wanted = [(record.source, record.base) for record in batch]
        self._threads.add(read_many, wanted, SMALL_FILE).add_done_callback(partial(self._came, batch, ended))

    def _came(self, batch: list[Record], ended: Firm, read: asyncio.Future[list[Content | None]]) -> None:
        failed = read.exception() is not None  # the threads were closed: who takes it alone is told of that
        for record, content in zip(batch, [None] * len(batch) if failed else read.result(), strict=True):
            del self._coming[record.seq]
            self._read[record.seq] = content
            if content is not None:
                self.held += len(content.data)
        ended.set_result(None)
