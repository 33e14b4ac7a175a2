"""From the options of a command line to a connection and its storage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.cli.context import Context
from services.connection import Connection
from services.errors import NotAuthenticated
from services.gcs.interface import Storage
from services.gcs.open import open_storage
from services.paths import data_dir


def find(context: Context) -> Connection:
    """Return where storage is and who asks; raises `NotAuthenticated` where nothing says so."""
    args = context.args
    if args.local is not None:
        return Connection(local_dir=str(Path(args.local).absolute() if args.local else data_dir()))
    if args.endpoint:
        return Connection(endpoint=args.endpoint, project=args.project or "emulator")
    raise NotAuthenticated("no storage was named")


@asynccontextmanager
async def open_connection(context: Context) -> AsyncIterator[tuple[Connection, Storage]]:
    """Find the connection, open its storage, and close it at the end.

    Raises `NotAuthenticated` where there are no credentials, and whatever the first request meets.
    """
    connection = find(context)
    context.output.detail(f"connection: {connection.label}")
    async with await open_storage(connection) as storage:
        yield connection, storage
