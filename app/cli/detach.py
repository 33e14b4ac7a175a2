"""`pail detach`: takes a bucket out of the workspace; nothing is asked of the service, and no data is touched."""

from __future__ import annotations

import asyncio

from app.cli.connect import find, load_workspace
from app.cli.context import Context
from app.cli.mb import bucket_of
from app.cli.records import bucket_record
from app.cli.runtime import run_async
from services.names import display_name


def run(context: Context) -> int:
    """Detach the bucket."""
    return run_async(_detach(context))


async def _detach(context: Context) -> int:
    bucket = bucket_of(context.args.url)
    connection = await find(context)
    workspace = await load_workspace(context, connection)
    was_attached = any(one.name == bucket for one in workspace.attached(connection))
    await asyncio.to_thread(workspace.detach, connection, bucket)
    if context.output.json:
        context.output.record("bucket", **bucket_record(bucket))
    shown, label = f"gs://{display_name(bucket)}", display_name(workspace.label)
    if was_attached:
        context.output.message(f"Detached {shown} from {label}; its data stays where it is")
    else:
        context.output.message(f"{shown} was not attached to {label}")
    return 0
