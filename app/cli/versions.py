"""`pail versions`: every generation that can still be reached, and until when deleted ones can be restored."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from app.cli.connect import open_connection, parse_with_bucket
from app.cli.context import Context
from app.cli.output import Output
from app.cli.records import object_record
from app.cli.runtime import run_async
from app.cli.several import for_each
from app.cli.units import rfc3339
from services.errors import BucketNotFound, Forbidden, ObjectNotFound
from services.gcs.interface import Storage
from services.globs import compile_glob, has_glob, literal_head
from services.history import Version, by_name, versions
from services.names import display_name
from services.words import day


def run(context: Context) -> int:
    """List the generations of what the URLs name."""
    return run_async(_list(context))


async def soft_delete_seconds(storage: Storage, bucket: str) -> int:
    """Return for how long deleted objects can be restored; 0 where that is not known."""
    try:
        return (await storage.control.get_bucket(bucket)).soft_delete_s
    except Forbidden:
        return 0  # normal with credentials for objects alone, such as Replit's


async def _list(context: Context) -> int:
    async with open_connection(context) as (_, storage):
        lister = _Lister(context, storage)
        return await for_each(context.output, context.args.urls, lister.list_url)


class _Lister:
    """Prints generations, name by name."""

    def __init__(self, context: Context, storage: Storage) -> None:
        self._output: Output = context.output
        self._storage = storage
        self._literal: bool = context.args.literal

    async def list_url(self, text: str) -> None:
        """List the exact object, else what lies below a folder, else the matches of a glob.

        Raises `ObjectNotFound`, `BucketNotFound`.
        """
        url = parse_with_bucket(text)
        data = self._storage.data
        kept_s = await soft_delete_seconds(self._storage, url.bucket)
        if not url.is_prefix:
            if found := await versions(data, url.bucket, url.name, soft_delete_s=kept_s):
                self._print(url.bucket, found)
                return
        elif await self._print_all(url.bucket, by_name(data, url.bucket, url.name, soft_delete_s=kept_s)):
            return
        if not url.is_prefix and await self._print_all(
            url.bucket, by_name(data, url.bucket, f"{url.name}/", soft_delete_s=kept_s)
        ):
            return
        if not self._literal and has_glob(url.name):
            below = by_name(data, url.bucket, literal_head(url.name), soft_delete_s=kept_s)
            if await self._print_all(url.bucket, below, compile_glob(url.name)):
                return
        if url.name:
            kind = BucketNotFound if url.is_prefix else ObjectNotFound
            raise kind(f"no generation of {display_name(text)} is left", url=text)

    async def _print_all(
        self, bucket: str, names: AsyncGenerator[list[Version]], fits: Callable[[str], object] = bool
    ) -> bool:
        any_found = False
        async with aclosing(names) as each:
            async for found in each:
                if fits(found[0].row.name):
                    any_found = True
                    self._print(bucket, found)
        return any_found

    def _print(self, bucket: str, found: list[Version]) -> None:
        output = self._output
        for version in found:
            if output.json:
                output.record("object", **version_record(bucket, version))
                continue
            row = version.row
            until = f" until {day(version.until)}" if version.until is not None and output.is_terminal else ""
            output.line(
                f"{row.generation:>16}  {row.size:>15}  {rfc3339(row.updated):24}  {version.state + until:12}  "
                f"gs://{bucket}/{output.name(row.name)}"
            )
        output.flush()


def version_record(bucket: str, version: Version) -> dict[str, Any]:
    """Return the fields of one generation: those of an object, and what has become of it."""
    return {
        **object_record(bucket, version.row),
        "state": version.state,
        "deleted": rfc3339(version.row.deleted),
        "restorable_until": rfc3339(version.until),
    }
