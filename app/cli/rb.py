"""`pail rb`: deletes a bucket, with `--all` together with everything in it."""

from __future__ import annotations

from contextlib import aclosing

from app.cli.confirm import can_ask, confirm_by_name
from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.jobs import RESUME_HINT, Follower, Workplace, follow_job, open_workplace
from app.cli.mb import bucket_of
from app.cli.output import one_line, write_error
from app.cli.records import bucket_record
from app.cli.runtime import run_async
from app.cli.several import error_for
from services.bucket_tally import BucketTally, count_bucket
from services.errors import Conflict, PailError, SomeFailed
from services.gcs.interface import Storage
from services.names import display_name
from services.transfer.messages import JobItem, JobSpec, JobView, TransferView
from widgets import formats


def run(context: Context) -> int:
    """Delete the bucket."""
    return run_async(_remove(context), hint=RESUME_HINT if context.args.all else "")


async def _remove(context: Context) -> int:
    args, output = context.args, context.output
    bucket = bucket_of(args.url)
    shown = f"gs://{display_name(bucket)}"
    if args.all:
        async with open_workplace(context) as place:
            await _ask(context, place.storage, bucket)
            await _delete_with_all(context, place, bucket)
    else:
        async with open_connection(context) as (_, storage):
            await _delete_empty(context, storage, bucket)
    if output.json:
        output.record("bucket", **bucket_record(bucket), deleted=True)
    output.message(f"Deleted {shown}")
    return 0


async def _delete_empty(context: Context, storage: Storage, bucket: str) -> None:
    try:
        await storage.control.delete_bucket(bucket)
    except Conflict as error:
        raise Conflict(
            f"cannot delete gs://{display_name(bucket)}: it is not empty",
            remedy="Empty it first, or use 'pail rb --all' to delete it with everything in it.",
            url=context.args.url,
        ) from error


async def _ask(context: Context, storage: Storage, bucket: str) -> None:
    """Have the deletion confirmed by the bucket's name, and say what goes where a person can read it."""
    shown = f"gs://{display_name(bucket)}"
    what = f"Delete {shown} with everything in it?"
    if can_ask() and not context.args.yes:
        found = BucketTally()
        async with aclosing(count_bucket(storage.data, bucket)) as counts:
            async for tally in counts:
                found = tally
        amount = f"{formats.count(found.generations, 'object')} ({formats.size(found.size)})"
        what = f"Delete {shown} with {amount}, older generations included?"
    await confirm_by_name(context, what, bucket, url=context.args.url)


class _Emptying(Follower):
    """Names only what stays: nobody reads a line for each of all that goes."""

    def __init__(self, context: Context) -> None:
        """Follow the deletion of a bucket."""
        super().__init__(context.output, dry_run=False)
        self._url = context.args.url
        self._deleted = 0
        self._size = 0
        self._kept: list[TransferView] = []
        self._refused: TransferView | None = None

    def item(self, transfer: TransferView) -> None:
        """Take in a generation that has gone or stays, or the end of the bucket itself."""
        if transfer.action == "delete-bucket":
            self._refused = transfer if transfer.state == "failed" else None
        elif transfer.state == "done":
            self._deleted += 1
            self._size += transfer.size
        elif transfer.state == "failed":
            self._kept.append(transfer)
            self.live.clear()
            url = display_name(transfer.source)
            write_error(f"Failed {url}#{transfer.generation}: {one_line(transfer.reason)}\n")

    def finish(self, job: JobView) -> int:
        """Say what was deleted; raises why something stays."""
        if self._kept:
            raise SomeFailed(
                f"cannot empty {display_name(self._url)}: "
                f"{formats.count(len(self._kept), 'object')} could not be deleted",
                remedy=self._kept[0].remedy,
                url=self._url,
            )
        if self._refused is not None:
            raise error_for(self._refused.code, self._refused.reason, self._refused.remedy, self._url)
        if job.state == "failed":
            raise error_for(job.code, job.reason, job.remedy, self._url)
        if job.state == "cancelled":
            raise PailError("the deletion was cancelled", remedy="Run it again; what is deleted stays deleted.")
        if self._deleted:
            self._output.message(f"Deleted {formats.count(self._deleted, 'object')}, {formats.size(self._size)}")
        return 0


async def _delete_with_all(context: Context, place: Workplace, bucket: str) -> None:
    """Delete a bucket with what is in it through the engine; raises `PailError` where something stays."""
    following = _Emptying(context)
    spec = JobSpec("delete-bucket", place.connection, (JobItem(f"gs://{bucket}/", tree=True),), origin="pail rb")
    following.finish(await follow_job(spec, following, place))
