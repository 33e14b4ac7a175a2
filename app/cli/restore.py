"""`pail restore`: brings back what was deleted, or an older generation, under the precondition of what was seen."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from app.cli.connect import open_connection, parse_with_bucket
from app.cli.context import Context
from app.cli.output import Output, OutputClosed, OutputFailed, one_line, report, write_error
from app.cli.records import bucket_record
from app.cli.runtime import run_async
from app.cli.several import exit_code
from app.cli.stat import check_generation
from services.errors import BucketNotFound, ExitCode, NotFound, ObjectNotFound, PailError, SomeFailed, UsageError
from services.gcs.interface import DataPlane, Storage
from services.globs import compile_glob, has_glob, literal_head
from services.history import Restore, Version, deleted_below, restore, restore_plan, versions
from services.model import BucketInfo
from services.names import GsUrl, display_name
from widgets import formats

LANES: Final = 16
"""Objects that are restored at once."""


def run(context: Context) -> int:
    """Restore what the URLs name."""
    check_generation(context, context.args.urls)
    return run_async(_restore(context), hint="What was restored stays; repeat the command to go on.")


async def _restore(context: Context) -> int:
    urls = context.args.urls
    missing: list[ExitCode] = []
    async with open_connection(context) as (_, storage):
        run_ = _Run(context, storage)
        for text in urls:
            try:
                await run_.restore_url(text)
            except NotFound as error:
                if len(urls) == 1:
                    raise
                report(error, json_records=context.output.json, verbose=context.output.verbose)
                missing.append(error.exit_code)
    return run_.finish(missing)


class _Run:
    """Restores one URL after the other, many objects at once, and counts them."""

    def __init__(self, context: Context, storage: Storage) -> None:
        self._output: Output = context.output
        self._args = context.args
        self._storage = storage
        self._states: Counter[str] = Counter()
        self._bytes = 0
        self._failures: list[PailError] = []

    async def restore_url(self, text: str) -> None:
        """Restore the object, what is deleted below a prefix, the matches of a glob, or a deleted bucket.

        Raises `NotFound` where there is nothing to restore, `UsageError`.
        """
        url, args = parse_with_bucket(text), self._args
        data = self._storage.data
        if not url.name and not args.recursive:
            await self._restore_bucket(url.bucket)
            return
        found = [] if url.is_prefix else await versions(data, url.bucket, url.name)
        if args.generation is not None or (found and not args.recursive):
            await self._one(url.bucket, restore_plan(found, url.name, args.generation))
        elif args.recursive:
            if not await self._many(url.bucket, _below(data, url, found)):
                raise BucketNotFound(f"nothing below {display_name(text)} is deleted", remedy=_LIST, url=text)
        elif has_glob(url.name) and not args.literal:
            if not await self._many(url.bucket, _matching(data, url)):
                raise ObjectNotFound(f"nothing that matches {display_name(text)} is deleted", remedy=_LIST, url=text)
        elif url.is_prefix:
            raise UsageError(f"{display_name(text)} is a folder", remedy="Add -r to restore all below it.", url=text)
        else:
            restore_plan([], url.name)  # raises: nothing of it is left

    async def _many(self, bucket: str, plans: AsyncGenerator[Restore]) -> bool:
        """Restore as the plans come, a bounded number at once; tell whether there was any.

        What was begun is ended, so that it is known what became of it, also where the listing fails.
        """
        lanes = asyncio.Semaphore(LANES)
        running: set[asyncio.Task[None]] = set()
        closed: list[OutputClosed | OutputFailed] = []
        any_found = False

        async def one(plan: Restore) -> None:
            try:
                await self._one(bucket, plan)
            except (OutputClosed, OutputFailed) as error:
                closed.append(error)
            finally:
                lanes.release()

        try:
            async with aclosing(plans):
                async for plan in plans:
                    any_found = True
                    await lanes.acquire()
                    if closed:
                        break
                    task = asyncio.create_task(one(plan))
                    running.add(task)
                    task.add_done_callback(running.discard)
        finally:
            await asyncio.gather(*running)
        if closed:
            raise closed[0]
        return any_found

    async def _one(self, bucket: str, plan: Restore) -> None:
        row = plan.row
        url = f"gs://{bucket}/{row.name}"
        fields = {"action": "restore", "source": url, "target": url, "size": row.size}
        state, reason, generation, crc32c = "planned", "", row.generation, row.crc32c
        if not self._args.dry_run:
            try:
                made = await restore(self._storage.data, bucket, plan)
                state, generation, crc32c = "done", made.generation, made.crc32c
                self._bytes += row.size
            except PailError as error:
                state, reason = "failed", error.message
                self._failures.append(error)
        self._states[state] += 1
        if self._output.json:
            fields |= {"generation": str(generation), "crc32c": crc32c, "state": state, "reason": reason}
            self._output.record("item", **fields)
            self._output.flush()
        elif state == "failed":
            write_error(f"Failed {display_name(url)}: {one_line(reason)}\n")
        else:
            verb = "Would restore" if state == "planned" else "Restored"
            self._output.message(f"{verb} {display_name(url)} (generation {row.generation})")

    def finish(self, missing: list[ExitCode]) -> int:
        """Print the summary and return the exit code; raises the failure of the only item."""
        total = sum(self._states.values())
        if self._output.json and (total or missing):
            states = {state: self._states[state] for state in ("done", "failed", "planned", "cancelled")}
            self._output.record("summary", restore=total, **states, bytes=self._bytes)
            self._output.flush()
        elif total > 1:
            named = ", ".join(f"{number:,} {state}" for state, number in self._states.items())
            self._output.message(f"{named}; {formats.size(self._bytes)}")
        if not self._failures:
            return exit_code(missing, total=total + len(missing))
        if total == 1:
            raise self._failures[0]
        code = exit_code([*missing, *(error.exit_code for error in self._failures)], total=total + len(missing))
        failed = SomeFailed(
            f"{len(self._failures)} of {formats.count(total, 'item')} failed", remedy=self._failures[0].remedy
        )
        report(failed, json_records=self._output.json, code=code)
        return code

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


_LIST: Final = "'pail versions' lists what is left."


async def _matching(data: DataPlane, url: GsUrl) -> AsyncGenerator[Restore]:
    fits = compile_glob(url.name)
    async with aclosing(deleted_below(data, url.bucket, literal_head(url.name))) as plans:
        async for plan in plans:
            if fits(plan.row.name):
                yield plan


async def _below(data: DataPlane, url: GsUrl, found: list[Version]) -> AsyncGenerator[Restore]:
    """Yield what is deleted below a folder, after the object of its very name."""
    if found and found[0].state != "live":
        yield restore_plan(found, url.name)
    async with aclosing(deleted_below(data, url.bucket, url.name if url.is_prefix else f"{url.name}/")) as plans:
        async for plan in plans:
            yield plan
