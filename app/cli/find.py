"""`pail find`: searches below a bucket or prefix; results are printed as they are found."""

from __future__ import annotations

import time
from contextlib import aclosing

from app.cli.connect import open_connection, parse_with_bucket
from app.cli.context import Context
from app.cli.live import LiveLine
from app.cli.ls import long_line
from app.cli.records import object_record
from app.cli.runtime import run_async
from services.errors import BucketNotFound
from services.find import FindQuery, find, find_words
from services.model import ObjectRow
from services.names import GsUrl, display_name
from services.quantities import parse_period, parse_size
from widgets import formats


def run(context: Context) -> int:
    """Search."""
    url = parse_with_bucket(context.args.url)
    prefix = url.name if url.is_prefix else f"{url.name}/"
    return run_async(_find(context, url, find_words(_words(context), prefix)))


def _words(context: Context) -> list[str]:
    """Return what is searched for as words of a search; raises `UsageError` for a wrong size, age or class."""
    args = context.args
    words: list[str] = list(args.patterns)
    for sign, size in ((">", args.larger), ("<", args.smaller)):
        if size is not None:
            words.append(f"{sign}{parse_size(size)}")
    for sign, age in ((">", args.older), ("<", args.newer)):
        if age is not None:
            words.append(f"{sign}{parse_period(age)}s")
    for key, value in (("type", args.type), ("class", args.storage_class)):
        if value is not None:
            words.append(f"{key}:{value}")
    return words


async def _find(context: Context, url: GsUrl, query: FindQuery) -> int:
    output, live = context.output, LiveLine(context.output)
    found = size = scanned = 0
    async with open_connection(context) as (_, storage):
        async with aclosing(find(storage.data, url.bucket, query, now=time.time())) as pages:
            async for page in pages:
                scanned = page.scanned
                live.clear()
                for row in page.rows:
                    _print(context, url.bucket, row)
                output.flush()
                found += len(page.rows)
                size += sum(row.size for row in page.rows)
                live.show(f"{formats.count(found, 'object')} found, {scanned:,} looked at")
        live.clear()
    if not scanned and query.prefix:
        raise BucketNotFound(
            f"cannot search {display_name(context.args.url)}: nothing lies below it", url=context.args.url
        )
    if output.is_terminal and not output.json:
        output.message(f"{formats.count(found, 'object')}, {formats.size(size)}")
    return 0


def _print(context: Context, bucket: str, row: ObjectRow) -> None:
    output = context.output
    if output.json:
        output.record("object", **object_record(bucket, row))
    elif context.args.long:
        output.line(long_line(output, bucket, row))
    else:
        output.line(f"gs://{bucket}/{output.name(row.name)}")
