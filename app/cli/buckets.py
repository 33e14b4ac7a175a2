"""`pail buckets`: the buckets that are attached or can be listed."""

from __future__ import annotations

from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.records import bucket_record
from app.cli.runtime import run_async


def run(context: Context) -> int:
    """List the buckets."""
    return run_async(print_buckets(context))


async def print_buckets(context: Context) -> int:
    """Print attached buckets first, then the others that can be listed."""
    output = context.output
    async with open_connection(context) as (_, storage):
        token = ""
        while True:
            page = await storage.control.list_buckets(token=token)
            for bucket in page.buckets:
                if output.json:
                    output.record("bucket", **bucket_record(bucket.name))
                else:
                    output.line(f"gs://{output.name(bucket.name)}")
            token = page.next_token
            if not token:
                return 0
