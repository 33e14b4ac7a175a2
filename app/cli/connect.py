"""From the options of a command line to a connection, its storage and the workspace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.context import Context, connection_options
from services.connection import Connection
from services.credentials import default_bucket, find_connection
from services.errors import UsageError
from services.gcs.interface import Storage
from services.gcs.open import open_storage
from services.names import GsUrl, display_name, parse_gs_url

if TYPE_CHECKING:
    from services.workspace import Workspace


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


async def load_workspace(context: Context, connection: Connection) -> Workspace:
    """Return the workspace that `--workspace` names, or the nearest one; says what of it cannot be used.

    In Replit its default bucket belongs to it.
    """
    from services.workspace import Workspace  # few commands ask for it

    named = context.args.workspace
    explicit = Path(named) if named is not None else None
    default = await default_bucket(connection)
    workspace = await asyncio.to_thread(lambda: Workspace.load(Path.cwd(), explicit, default_bucket=default))
    for problem in workspace.problems:
        context.output.message(problem)
    return workspace


async def named_or_current(context: Context, connection: Connection) -> GsUrl:
    """Return the URL that a command was given, or that of the current bucket; raises `UsageError` without either."""
    text = context.args.url
    if text is None:
        bucket = (await load_workspace(context, connection)).current(connection)
        if not bucket:
            raise UsageError(
                "no bucket is named, and none is selected",
                remedy="Name one as gs://BUCKET, or select one: pail select gs://BUCKET",
            )
        return GsUrl(bucket, "")
    return parse_with_bucket(text)


def parse_with_bucket(text: str) -> GsUrl:
    """Parse a URL that names a bucket at least; raises `UsageError`."""
    url = parse_gs_url(text)
    if not url.bucket:
        raise UsageError("'gs://' names no bucket", remedy="Write it as gs://BUCKET or gs://BUCKET/NAME.", url=text)
    return url
