"""`pail attach`: adds a bucket to the workspace, once it is known to be there."""

from __future__ import annotations

import asyncio

from app.cli.connect import load_workspace, open_connection
from app.cli.context import Context
from app.cli.mb import bucket_of
from app.cli.records import bucket_record
from app.cli.runtime import run_async
from services.access import Access, probe_opening
from services.names import display_name


def run(context: Context) -> int:
    """Attach the bucket."""
    return run_async(_attach(context))


async def _attach(context: Context) -> int:
    args = context.args
    bucket = bucket_of(args.url)
    async with open_connection(context) as (connection, storage):
        workspace = await load_workspace(context, connection)
        found = await probe_opening(storage, bucket)
        await asyncio.to_thread(workspace.attach, connection, bucket, args.alias)
        current = workspace.current(connection) == bucket
    if context.output.json:
        fields = bucket_record(bucket, alias=args.alias, current=current, attached=True, access=found.ability)
        context.output.record("bucket", **fields)
    shown = f"gs://{display_name(bucket)}"
    context.output.message(f"Attached {shown} to {display_name(workspace.label)}: {describe(found)}")
    return 0


def describe(access: Access) -> str:
    """Return in words what may be done with a bucket, and why not more."""
    return f"{access.ability} ({access.reason})" if access.reason else access.ability
