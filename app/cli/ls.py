"""`pail ls`: buckets, prefixes and objects, one a line, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Final

from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.output import Output
from app.cli.records import object_record, prefix_record
from app.cli.runtime import run_async
from app.cli.several import for_each
from app.cli.units import rfc3339
from services.errors import BucketNotFound, ObjectNotFound
from services.gcs.interface import DataPlane, ListQuery
from services.globs import has_glob
from services.lookup import Entry, below, find_object, matches
from services.model import BriefRow, ObjectRow
from services.names import GsUrl, display_name, parse_gs_url
from services.stitch import in_order
from widgets import formats

PAGES_HELD: Final = 128
"""Pages of a recursive listing that wait for their turn at the most: about 250 bytes a row."""


def run(context: Context) -> int:
    """List what the URLs name, or the buckets."""
    return run_async(_list(context))


async def _list(context: Context) -> int:
    urls = [parse_gs_url(url) for url in context.args.urls]
    if not all(url.bucket for url in urls) or not urls:
        from app.cli.buckets import print_buckets  # with what access and workspaces need

        return await print_buckets(context, probed=False)
    async with open_connection(context) as (_, storage):
        lister = _Lister(context, storage.data)
        code = await for_each(context.output, context.args.urls, lister.list_url)
        lister.finish()
        return code


class _Lister:
    """Prints entries and counts them."""

    def __init__(self, context: Context, data: DataPlane) -> None:
        self._output: Output = context.output
        self._data = data
        self._long: bool = context.args.long
        self._recursive: bool = context.args.recursive
        self._literal: bool = context.args.literal
        self._objects = 0
        self._bytes = 0

    async def list_url(self, text: str) -> None:
        """List one URL: the exact object, else the folder, else the matches of a glob.

        Raises `ObjectNotFound`, `BucketNotFound`.
        """
        url = parse_gs_url(text)
        if url.is_prefix:
            if await self._list_prefix(url.bucket, url.name) or not url.name:
                return
        elif (found := await find_object(self._data, url)) is not None:
            self._print(url.bucket, [found.row()])
            return
        elif await self._list_prefix(url.bucket, f"{url.name}/"):
            return
        if not self._literal and has_glob(url.name) and await self._list_matches(url):
            return
        kind = BucketNotFound if url.is_prefix else ObjectNotFound
        raise kind(f"cannot list {display_name(text)}: nothing has that name", url=text)

    def finish(self) -> None:
        """Say how much a long listing named."""
        if self._long and not self._output.json:
            self._output.flush()
            self._output.message(f"{formats.count(self._objects, 'object')}, {formats.size(self._bytes)}")

    async def _list_prefix(self, bucket: str, prefix: str) -> bool:
        if self._recursive and not self._output.json:
            return await self._list_briefly(bucket, prefix)
        return await self._print_all(bucket, below(self._data, bucket, prefix, recursive=self._recursive))

    async def _list_briefly(self, bucket: str, prefix: str) -> bool:
        """Print all objects below a prefix, with nothing made of what the service says of them but lines."""
        before = self._objects
        fetch = partial(self._data.list_brief, bucket)
        async with aclosing(in_order(fetch, ListQuery(prefix=prefix), hold=PAGES_HELD)) as pages:
            async for page in pages:
                self._objects += len(page.objects)
                if self._long:
                    self._bytes += sum([int(row[1]) for row in page.objects])
                self._output.text(brief_lines(self._output, bucket, page.objects, long=self._long))
        return self._objects > before

    async def _list_matches(self, url: GsUrl) -> bool:
        """Print matching objects, and what lies below matching folders."""
        found = False
        async with aclosing(matches(self._data, url.bucket, url.name)) as entries:
            async for entry in entries:
                found = True
                if isinstance(entry, str):
                    await self._list_prefix(url.bucket, entry)
                else:
                    self._print(url.bucket, [entry])
        return found

    async def _print_all(self, bucket: str, batches: AsyncIterator[list[Entry]]) -> bool:
        found = False
        async for batch in batches:
            found = found or bool(batch)
            self._print(bucket, batch)
        return found

    def _print(self, bucket: str, batch: list[Entry]) -> None:
        output = self._output
        for entry in batch:
            if isinstance(entry, str):
                if output.json:
                    output.record("prefix", **prefix_record(bucket, entry))
                else:
                    columns = f"{'':>15}  {'':24}  {'':8}  " if self._long else ""
                    output.line(f"{columns}gs://{bucket}/{output.name(entry)}")
                continue
            self._objects += 1
            self._bytes += entry.size
            if output.json:
                output.record("object", **object_record(bucket, entry))
            elif self._long:
                output.line(long_line(output, bucket, entry))
            else:
                output.line(f"gs://{bucket}/{output.name(entry.name)}")
        output.flush()


def brief_lines(output: Output, bucket: str, rows: list[BriefRow], *, long: bool) -> str:
    """Return the lines of a page: a million of them are printed so."""
    head = f"gs://{bucket}/"
    if output.is_terminal:
        rows = [(output.name(name), size, output.name(time), output.name(kind)) for name, size, time, kind in rows]
    if long:
        lines = [f"{size:>15}  {time:24}  {kind:8}  {head}{name}\n" for name, size, time, kind in rows]
    else:
        lines = [f"{head}{row[0]}\n" for row in rows]
    return "".join(lines)


def long_line(output: Output, bucket: str, row: ObjectRow) -> str:
    """Return size, time, class and URL of an object in columns."""
    time = rfc3339(row.updated)
    return f"{row.size:>15}  {time:24}  {row.storage_class:8}  gs://{bucket}/{output.name(row.name)}"
