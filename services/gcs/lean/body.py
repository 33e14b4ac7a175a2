"""The body of an object while the event loop receives it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from services.gcs.body import StoredBody
from services.gcs.failures import Subject
from services.gcs.lean.connection import Connection
from services.gcs.lean.faults import from_line
from services.gcs.lean.head import Head
from services.gcs.lean.pool import Pool
from services.gcs.lean.receiving import LineError


class LeanBody(StoredBody):
    """A body that waits in its connection: what is not fetched is soon not received any more."""

    def __init__(self, subject: Subject, head: Head, connection: Connection, pool: Pool) -> None:
        super().__init__(subject, head.status, head.headers)
        self._connection: Connection | None = connection
        self._pool = pool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes in order; raises `Transient` when the connection breaks or stalls before the end."""
        try:
            while self._connection is not None and (data := await self._connection.read()):
                self._received += len(data)
                yield data
        except LineError as fault:
            raise from_line(self._subject, fault) from fault
        self._check_end()

    async def fill(self, view: memoryview, came: Callable[[int], None]) -> int:
        """Receive into `view`; see `ReadStream.fill`."""
        try:
            count = 0 if self._connection is None else await self._connection.fill(view, came)
        except LineError as fault:
            raise from_line(self._subject, fault) from fault
        self._received += count
        if not count:
            self._check_end()
        return count

    async def close(self) -> None:
        """Let go of the connection: kept after the last byte, closed when some are missing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection)
