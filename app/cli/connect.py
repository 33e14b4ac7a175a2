"""From the options of a command line to a connection, its storage and the workspace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.cli.context import Context
from services.connection import Connection
from services.credentials import ConnectionOptions, find_connection
from services.gcs.interface import Storage
from services.gcs.open import open_storage
from services.names import display_name
from services.workspace import Workspace


def connection_options(context: Context) -> ConnectionOptions:
    """Return the options that say where storage is and who asks."""
    args = context.args
    return ConnectionOptions(
        local=args.local,
        endpoint=args.endpoint or "",
        project=args.project or "",
        credentials=args.credentials or "",
        anonymous=args.anonymous,
        quota_project=args.quota_project or "",
        workspace=args.workspace,
    )


async def find(context: Context) -> Connection:
    """Return where storage is and who asks; raises `NotAuthenticated` where nothing says so."""
    connection = await find_connection(connection_options(context))
    context.output.detail(f"Connection: {display_name(connection.label)}")
    return connection


@asynccontextmanager
async def open_connection(context: Context) -> AsyncIterator[tuple[Connection, Storage]]:
    """Find the connection, open its storage, and close it at the end.

    Raises `NotAuthenticated` where there are no credentials, and whatever the first request meets.
    """
    connection = await find(context)
    async with await open_storage(connection) as storage:
        yield connection, storage


async def load_workspace(context: Context) -> Workspace:
    """Return the workspace that `--workspace` names, or the nearest one; says what of it cannot be used."""
    named = context.args.workspace
    workspace = await asyncio.to_thread(Workspace.load, Path.cwd(), Path(named) if named is not None else None)
    for problem in workspace.problems:
        context.output.message(problem)
    return workspace
