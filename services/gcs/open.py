"""Opening a connection: the only door to this package for everybody else."""

from __future__ import annotations

from functools import partial
from types import TracebackType
from typing import Literal, Self

from services.connection import Connection
from services.gcs.auth import Authority, make_authority
from services.gcs.control import GoogleControl, Signer
from services.gcs.data import GoogleData
from services.gcs.exchange import Exchange, Limits
from services.gcs.interface import ControlPlane, DataPlane, Storage
from services.gcs.lean.route import check_certificates
from services.gcs.lean.wire import LeanWire
from services.gcs.pool import ThreadPool
from services.operations import OperationCounter


class GoogleStorage:
    """Both halves over one connection (`Storage`)."""

    def __init__(self, wire: Exchange, signer: Signer) -> None:
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

    @property
    def operations(self) -> OperationCounter:
        """What was asked of the service so far, by what it is billed as."""
        return self._wire.operations

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


Road = Literal["lean", "library"]
"""What carries requests: connections on the event loop, or requests in threads (the reference in tests)."""


async def open_storage(connection: Connection, *, limits: Limits | None = None, road: Road = "lean") -> Storage:
    """Open a connection: load what it needs, find its address, get credentials; nothing is asked of a bucket yet.

    All of it runs in a thread, so that the event loop goes on.  Raises `NotAuthenticated`, `Unsafe` (credentials over
    http), `UsageError` (a certificate file that is missing), `Transient`, and for the embedded store what starting it
    raises.
    """
    pool = ThreadPool("pail-open", 1)
    try:
        return await pool.run(partial(_open, connection, limits or Limits(), road))
    finally:
        pool.close()


def _open(connection: Connection, limits: Limits, road: Road) -> GoogleStorage:
    authority = make_authority(connection)
    authority.stamp()
    return GoogleStorage(_wire(connection, authority, limits, road), LateSigner(connection, authority))


def _wire(connection: Connection, authority: Authority, limits: Limits, road: Road) -> Exchange:
    if road == "lean":
        check_certificates()
        return LeanWire(authority, limits, direct=connection.is_local)
    from services.gcs.wire import Wire

    return Wire.open(authority, limits, direct=connection.is_local)


class LateSigner:
    """Loads what signs, and the library that it needs, when a link is first asked for."""

    def __init__(self, connection: Connection, authority: Authority) -> None:
        self._connection = connection
        self._authority = authority

    def sign(self, bucket: str, name: str, method: str, expires_s: int) -> str:
        """Return a signed URL: a secret.  Blocks."""
        from services.gcs.signing import make_signer

        return make_signer(self._connection, self._authority).sign(bucket, name, method, expires_s)
