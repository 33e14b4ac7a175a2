"""What a URL of a command line means: an object, what lies below a prefix, or the matches of a glob."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Final

from services.errors import ObjectNotFound
from services.gcs.interface import DataPlane, ListQuery
from services.globs import compile_glob, literal_head
from services.model import ListPage, ObjectInfo, ObjectRow
from services.names import GsUrl
from services.stitch import in_order

PAGES_HELD: Final = 64
"""Pages that wait for their turn at the most: about 30 MiB."""

Entry = ObjectRow | str
"""An object, or a prefix that ends with `/`."""


def pages(data: DataPlane, bucket: str, query: ListQuery) -> AsyncGenerator[ListPage]:
    """Yield the pages of a listing in order; further ones are fetched while one is worked on.

    Of a listing without a delimiter several stretches are fetched side by side where that is faster.
    """
    return in_order(partial(data.list_page, bucket), query, hold=PAGES_HELD)


def entries(page: ListPage) -> list[Entry]:
    """Return objects and prefixes of a page together, in byte order of their names."""
    if not page.prefixes:
        return list(page.objects)
    found: list[Entry] = [*page.objects, *page.prefixes]
    return sorted(found, key=lambda entry: entry_name(entry).encode("utf-8", "surrogatepass"))


def entry_name(entry: Entry) -> str:
    """Return the full name of an object or a prefix."""
    return entry if isinstance(entry, str) else entry.name


async def below(data: DataPlane, bucket: str, prefix: str, *, recursive: bool) -> AsyncGenerator[list[Entry]]:
    """Yield what lies below a prefix, page by page; folded into prefixes unless `recursive`."""
    query = ListQuery(prefix=prefix, delimiter="" if recursive else "/", include_folders_as_prefixes=not recursive)
    async with aclosing(pages(data, bucket, query)) as found:
        async for page in found:
            yield entries(page)


async def find_object(data: DataPlane, url: GsUrl, *, generation: int | None = None) -> ObjectInfo | None:
    """Return the object of exactly this name, or None; raises `BucketNotFound`."""
    if not url.name:
        return None
    try:
        return await data.stat(url.bucket, url.name, generation=generation)
    except ObjectNotFound:
        return None


async def prefix_exists(data: DataPlane, bucket: str, prefix: str) -> bool:
    """Tell whether anything lies below `prefix` (which ends with `/`, or is empty: then the bucket is asked)."""
    query = ListQuery(prefix=prefix, page_size=1)
    page = await data.list_page(bucket, query)
    while prefix and not page.objects and page.next_token:
        page = await data.list_page(bucket, query, page.next_token)
    return not prefix or bool(page.objects)


async def matches(data: DataPlane, bucket: str, pattern: str) -> AsyncGenerator[Entry]:
    """Yield the objects and prefixes that a glob matches, in byte order of each folder.

    Without `**`, only the folders that can match are listed; with it everything below the literal head is.
    """
    if "**" in pattern:
        is_match = compile_glob(pattern)
        async with aclosing(pages(data, bucket, ListQuery(prefix=literal_head(pattern)))) as listing:
            async for page in listing:
                for row in page.objects:
                    if is_match(row.name):
                        yield row
        return
    async with aclosing(_descend(data, bucket, "", pattern)) as found:
        async for entry in found:
            yield entry


async def _descend(data: DataPlane, bucket: str, head: str, pattern: str) -> AsyncGenerator[Entry]:
    """Match `pattern` below the literal prefix `head`, a segment at a time."""
    body = pattern.removesuffix("/")
    lead = literal_head(body)[: literal_head(body).rfind("/") + 1]
    folder = head + lead
    segment, deeper, rest = body[len(lead) :].partition("/")
    is_match = compile_glob(segment)
    query = ListQuery(prefix=folder + literal_head(segment), delimiter="/", include_folders_as_prefixes=True)
    async with aclosing(pages(data, bucket, query)) as listing:
        async for page in listing:
            for entry in entries(page):
                is_prefix = isinstance(entry, str)
                name = entry_name(entry)
                if not is_match(name[len(folder) :].removesuffix("/" if is_prefix else "")):
                    continue
                if deeper and is_prefix:
                    async with aclosing(_descend(data, bucket, name, rest + pattern[len(body) :])) as found:
                        async for inner in found:
                            yield inner
                elif not deeper and (is_prefix or body == pattern):
                    yield entry
