"""`pail select`: makes a bucket the current one of the workspace."""

from __future__ import annotations

import asyncio

from app.cli.connect import load_workspace, open_connection
from app.cli.context import Context
from app.cli.mb import bucket_of
from app.cli.records import bucket_record
from app.cli.runtime import run_async
from services.access import probe_opening
from services.model import Ability
from services.names import display_name


def run(context: Context) -> int:
    """Select the bucket."""
    return run_async(_select(context))


async def _select(context: Context) -> int:
    bucket = bucket_of(context.args.url)
    ability: Ability = "unknown"
    async with open_connection(context) as (connection, storage):
        workspace = await load_workspace(context, connection)
        known = next((one for one in workspace.attached(connection) if one.name == bucket), None)
        if known is None:  # an attached one was asked before, and may be selected without a network
            ability = (await probe_opening(storage, bucket)).ability
        await asyncio.to_thread(workspace.select, connection, bucket)
    if context.output.json:
        alias = known.alias if known else ""
        fields = bucket_record(bucket, alias=alias, current=True, attached=known is not None, access=ability)
        context.output.record("bucket", **fields)
    context.output.message(f"Selected gs://{display_name(bucket)} in {display_name(workspace.label)}")
    return 0
