"""`pail cat`: the bytes of objects, in order, verified."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.output import Output
from app.cli.runtime import run_async
from app.cli.several import check_generation, for_each
from app.cli.units import ByteRange
from services.errors import ObjectNotFound, UsageError
from services.gcs.interface import DataPlane
from services.globs import has_glob
from services.lookup import find_object, matches
from services.names import GsUrl, display_name, parse_gs_url
from services.transfer.pipe import Sink, read_object


def run(context: Context) -> int:
    """Print the objects."""
    check_generation(context, context.args.urls)
    return run_async(_cat(context))


async def _cat(context: Context) -> int:
    async with open_connection(context) as (_, storage):
        data = storage.data

        async def show(text: str) -> None:
            for url, generation in await find_objects(context, data, text):
                await _print(context, data, url, generation)

        return await for_each(context.output, context.args.urls, show)


async def find_objects(context: Context, data: DataPlane, text: str) -> list[tuple[GsUrl, int | None]]:
    """Return the object of exactly this name, else the matches of the glob, with the generations seen.

    Raises `ObjectNotFound`.
    """
    args = context.args
    url = parse_gs_url(text)
    if not has_glob(url.name) or args.literal or args.generation is not None:
        return [(_object_url(url), args.generation)]
    if (found := await find_object(data, url)) is not None:
        return [(url, found.generation)]
    async with aclosing(matches(data, url.bucket, url.name)) as entries:
        rows = [entry async for entry in entries if not isinstance(entry, str)]
    if not rows:
        raise ObjectNotFound(f"cannot read {display_name(text)}: no object matches", url=text)
    return [(GsUrl(url.bucket, row.name), row.generation) for row in rows]


def _object_url(url: GsUrl) -> GsUrl:
    if not url.name:
        raise UsageError(
            f"'{display_name(str(url))}' names a bucket, not an object",
            remedy="Write it as gs://BUCKET/NAME.",
            url=str(url),
        )
    return url


async def _print(context: Context, data: DataPlane, url: GsUrl, generation: int | None) -> None:
    wanted: ByteRange = context.args.range or ByteRange(0, None)
    await read_object(
        data, url, standard_output(context.output), generation=generation, start=wanted.start, end=wanted.end
    )


def standard_output(output: Output) -> Sink:
    """Return a sink that writes to standard output without blocking the loop."""

    async def write(data: bytes) -> None:
        await asyncio.to_thread(output.write, data)

    return write
