"""`pail restore`: brings back what was deleted, or an older generation, as a job of the engine."""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from app.cli.connect import parse_with_bucket
from app.cli.context import Context
from app.cli.jobs import RESUME_HINT, open_workplace, run_job
from app.cli.output import report
from app.cli.records import bucket_record
from app.cli.runtime import run_async
from app.cli.several import check_generation, exit_code
from services.errors import BucketNotFound, ExitCode, NotFound, ObjectNotFound, UsageError
from services.gcs.interface import Storage
from services.globs import compile_glob, has_glob, literal_head
from services.history import deleted_below, restore_plan, versions
from services.model import BucketInfo
from services.names import GsUrl, display_name
from services.transfer.messages import ConflictPolicy, JobItem, JobSpec

_LIST: Final = "'pail versions' lists what is left."


def run(context: Context) -> int:
    """Restore what the URLs name."""
    check_generation(context, context.args.urls)
    return run_async(_restore(context), hint=RESUME_HINT)


async def _restore(context: Context) -> int:
    args = context.args
    items: list[JobItem] = []
    missing: list[ExitCode] = []
    async with open_workplace(context) as place:
        chooser = _Chooser(context, place.storage)
        for text in args.urls:
            try:
                items += await chooser.choose(text)
            except NotFound as error:
                if len(args.urls) == 1:
                    raise
                report(error, json_records=context.output.json, verbose=context.output.verbose)
                missing.append(error.exit_code)
        if not items:
            return exit_code(missing, total=len(args.urls))
        # Only a generation that was asked for takes the place of a live object.
        conflict: ConflictPolicy = "replace" if args.generation is not None else "skip"
        spec = JobSpec(
            "restore", place.connection, tuple(items), conflict=conflict, dry_run=args.dry_run, origin="pail restore"
        )
        code = await run_job(context, spec, place)
    return ExitCode.SOME_FAILED if missing else code


class _Chooser:
    """Finds what a URL means; deleted buckets are restored at once."""

    def __init__(self, context: Context, storage: Storage) -> None:
        self._output = context.output
        self._args = context.args
        self._storage = storage

    async def choose(self, text: str) -> list[JobItem]:
        """Return the object, what is deleted below a prefix, or the matches of a glob; restore a deleted bucket.

        Raises `NotFound` where there is nothing to restore, `UsageError`.
        """
        url, args = parse_with_bucket(text), self._args
        data = self._storage.data
        if not url.name and not args.recursive:
            await self._restore_bucket(url.bucket)
            return []
        found = [] if url.is_prefix else await versions(data, url.bucket, url.name)
        if args.generation is not None or (found and not args.recursive):
            return [_item(url.bucket, url.name, restore_plan(found, url.name, args.generation).row.generation)]
        if args.recursive:
            below = GsUrl(url.bucket, url.name if url.is_prefix else f"{url.name}/")
            own = [_item(url.bucket, url.name, found[0].row.generation)] if found and found[0].state != "live" else []
            if not await self._any_below(below):
                if not own:
                    raise BucketNotFound(f"nothing below {display_name(text)} is deleted", remedy=_LIST, url=text)
                return own
            return [*own, JobItem(str(below), str(below), tree=True)]
        if has_glob(url.name) and not args.literal:
            matches = await self._matching(url)
            if not matches:
                raise ObjectNotFound(f"nothing that matches {display_name(text)} is deleted", remedy=_LIST, url=text)
            return matches
        if url.is_prefix:
            raise UsageError(f"{display_name(text)} is a folder", remedy="Add -r to restore all below it.", url=text)
        restore_plan([], url.name)  # raises: nothing of it is left
        return []

    async def _any_below(self, below: GsUrl) -> bool:
        async with aclosing(deleted_below(self._storage.data, below.bucket, below.name)) as plans:
            return await anext(plans, None) is not None

    async def _matching(self, url: GsUrl) -> list[JobItem]:
        fits = compile_glob(url.name)
        async with aclosing(deleted_below(self._storage.data, url.bucket, literal_head(url.name))) as plans:
            return [
                _item(url.bucket, plan.row.name, plan.row.generation) async for plan in plans if fits(plan.row.name)
            ]

    async def _restore_bucket(self, bucket: str) -> None:
        """Bring back the bucket that was deleted last under this name."""
        control, shown = self._storage.control, f"gs://{display_name(bucket)}"
        found = [info for info in (await self._deleted(bucket)) if info.name == bucket]
        if not found:
            raise BucketNotFound(
                f"no deleted bucket {shown} can be restored",
                remedy="'pail buckets --deleted' lists them. For what was deleted in a bucket: pail restore -r",
                url=f"gs://{bucket}",
            )
        newest = max(found, key=lambda info: info.generation)
        if not self._args.dry_run:
            await control.restore_bucket(bucket, newest.generation)
        if self._output.json:
            self._output.record("bucket", **bucket_record(bucket), restored=not self._args.dry_run)
        self._output.message(f"{'Would restore' if self._args.dry_run else 'Restored'} {shown}")

    async def _deleted(self, bucket: str) -> list[BucketInfo]:
        found: list[BucketInfo] = []
        token = ""
        while True:
            page = await self._storage.control.list_buckets(token=token, prefix=bucket, soft_deleted=True)
            found += page.buckets
            token = page.next_token
            if not token:
                return found


def _item(bucket: str, name: str, generation: int) -> JobItem:
    url = str(GsUrl(bucket, name))
    return JobItem(url, url, generation=generation)
