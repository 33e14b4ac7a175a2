"""`pail rb`: deletes a bucket, with `--all` together with everything in it."""

from __future__ import annotations

from app.cli.confirm import can_ask, confirm_by_name
from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.live import LiveLine
from app.cli.mb import bucket_of
from app.cli.output import one_line, write_error
from app.cli.records import bucket_record
from app.cli.runtime import run_async
from services.emptying import Emptied, count_all, delete_all
from services.errors import Conflict, PailError, SomeFailed
from services.gcs.interface import Storage
from services.names import display_name
from widgets import formats


def run(context: Context) -> int:
    """Delete the bucket."""
    return run_async(_remove(context), hint="What was deleted stays deleted; repeat the command to go on.")


async def _remove(context: Context) -> int:
    args, output = context.args, context.output
    bucket = bucket_of(args.url)
    shown = f"gs://{display_name(bucket)}"
    async with open_connection(context) as (_, storage):
        if args.all:
            await _ask(context, storage, bucket)
            await _empty(context, storage, bucket)
        try:
            await storage.control.delete_bucket(bucket)
        except Conflict as error:
            raise Conflict(
                f"cannot delete {shown}: it is not empty",
                remedy="Empty it first, or use 'pail rb --all' to delete it with everything in it.",
                url=args.url,
            ) from error
    if output.json:
        output.record("bucket", **bucket_record(bucket), deleted=True)
    output.message(f"Deleted {shown}")
    return 0


async def _ask(context: Context, storage: Storage, bucket: str) -> None:
    """Have the deletion confirmed by the bucket's name, and say what goes where a person can read it."""
    shown = f"gs://{display_name(bucket)}"
    what = f"Delete {shown} with everything in it?"
    if can_ask() and not context.args.yes:
        count, size = await count_all(storage, bucket)
        what = (
            f"Delete {shown} with {formats.count(count, 'object')} ({formats.size(size)}), older generations included?"
        )
    await confirm_by_name(context, what, bucket, url=context.args.url)


async def _empty(context: Context, storage: Storage, bucket: str) -> None:
    """Delete what is in the bucket; raises `SomeFailed` where something stays."""
    live = LiveLine(context.output)

    def progress(emptied: Emptied) -> None:
        live.show(f"deleted {formats.count(emptied.objects, 'object')}, {formats.size(emptied.bytes)}")

    try:
        emptied = await delete_all(storage, bucket, progress)
    finally:
        live.clear()
    for row, error in emptied.failures:
        reason = error.message if isinstance(error, PailError) else str(error)
        write_error(f"Failed gs://{bucket}/{display_name(row.name)}#{row.generation}: {one_line(reason)}\n")
    if emptied.failed:
        first = emptied.failures[0][1]
        raise SomeFailed(
            f"cannot empty gs://{display_name(bucket)}: {formats.count(emptied.failed, 'object')} could not be deleted",
            remedy=first.remedy if isinstance(first, PailError) else "",
            url=context.args.url,
        )
    if emptied.objects:
        context.output.message(f"Deleted {formats.count(emptied.objects, 'object')}, {formats.size(emptied.bytes)}")
