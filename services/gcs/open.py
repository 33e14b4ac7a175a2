"""Opening a connection: the only door to this package for everybody else."""

from __future__ import annotations

from functools import partial
from types import TracebackType
from typing import Self

from services.connection import Connection
from services.gcs.auth import Authority, GoogleCredentials, make_authority
from services.gcs.control import GoogleControl
from services.gcs.data import GoogleData
from services.gcs.exchange import Limits
from services.gcs.interface import ControlPlane, DataPlane, Storage
from services.gcs.pool import ThreadPool
from services.gcs.signing import GoogleSigner, NoSigner, ReplitSigner, Signer
from services.gcs.wire import Wire


class GoogleStorage:
    """Both halves over one connection (`Storage`)."""

    def __init__(self, wire: Wire, signer: Signer) -> None:
        self._wire = wire
        self._control = GoogleControl(wire, signer)
        self._data = GoogleData(wire)
        self._closed = False

    @property
    def control(self) -> ControlPlane:
        """Buckets."""
        return self._control

    @property
    def data(self) -> DataPlane:
        """Objects."""
        return self._data

    async def close(self) -> None:
        """Give up what is under way; close connections and threads.  A second time does nothing."""
        if not self._closed:
            self._closed = True
            await self._wire.close()

    async def __aenter__(self) -> Self:
        """Enter; returns itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()


async def open_storage(connection: Connection, *, limits: Limits | None = None) -> Storage:
    """Open a connection: load what it needs, find its address, get credentials; nothing is asked of a bucket yet.

    All of it runs in a thread, so that the event loop goes on.  Raises `NotAuthenticated`, `Unsafe` (credentials over
    http), `UsageError` (a certificate file that is missing), `Transient`, and for the embedded store what starting it
    raises.
    """
    pool = ThreadPool("pail-open", 1)
    try:
        return await pool.run(partial(_open, connection, limits or Limits()))
    finally:
        pool.close()


def _open(connection: Connection, limits: Limits) -> GoogleStorage:
    authority = make_authority(connection)
    wire = Wire.open(authority, limits, direct=connection.is_local)
    return GoogleStorage(wire, _signer(connection, authority))


def _signer(connection: Connection, authority: Authority) -> Signer:
    if connection.credentials.kind == "replit":
        return ReplitSigner()
    if isinstance(authority, GoogleCredentials):
        return GoogleSigner(authority, authority.project)
    return NoSigner()
