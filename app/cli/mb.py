"""`pail mb`: creates a bucket."""

from __future__ import annotations

from typing import Final

from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.records import bucket_record
from app.cli.runtime import run_async
from services.errors import Forbidden, UsageError
from services.model import BucketSpec
from services.names import bucket_name_problem, display_name, parse_gs_url

REPLIT_CREATES: Final = (
    "Create it in Replit's Object Storage tool; if it stays invisible for minutes, restart the workspace."
)
"""What to do where a program cannot create buckets."""


def run(context: Context) -> int:
    """Create the bucket."""
    return run_async(_create(context))


def bucket_of(text: str) -> str:
    """Return the bucket of a URL that names nothing else; raises `UsageError`."""
    url = parse_gs_url(text)
    if not url.bucket or url.name:
        raise UsageError(f"'{display_name(text)}' does not name a bucket", remedy="Write it as gs://BUCKET.", url=text)
    return url.bucket


async def _create(context: Context) -> int:
    args = context.args
    bucket = bucket_of(args.url)
    if problem := bucket_name_problem(bucket):
        raise UsageError(
            f"cannot create gs://{display_name(bucket)}: {problem}", remedy="Choose another name.", url=args.url
        )
    spec = BucketSpec(
        name=bucket,
        location=args.location.upper(),
        storage_class=args.storage_class.upper(),
        hierarchical_namespace=args.hns,
    )
    async with open_connection(context) as (connection, storage):
        if connection.credentials.kind == "replit":
            raise Forbidden("in Replit a program cannot create buckets", remedy=REPLIT_CREATES, url=args.url)
        info = await storage.control.create_bucket(spec)
    if context.output.json:
        context.output.record("bucket", **bucket_record(info.name))
    context.output.message(f"Created gs://{info.name} ({info.location}, {info.storage_class})")
    return 0
