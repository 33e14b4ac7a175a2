"""`pail cp` from standard input and to standard output."""

from __future__ import annotations

import asyncio
import os
import sys

from app.cli.cat import find_objects, standard_output
from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.cp import PIPE
from app.cli.jobs import Follower
from app.cli.live import LiveLine
from app.cli.runtime import run_async
from services.errors import ExitCode, UsageError
from services.lookup import find_object
from services.model import CREATE_ONLY, ObjectInfo, Precondition, WriteAttributes
from services.names import check_object_name, display_name, is_gs_url, parse_gs_url
from services.transfer.messages import JobView, TransferView
from services.transfer.metadata import NONCE_KEY, content_type
from services.transfer.pipe import read_object, write_object
from widgets import formats


def run_piped(context: Context, sources: list[str], target: str) -> int:
    """Copy where standard input is the source, or standard output the target."""
    _check_pipe(context, sources, target)
    return run_async(_to_pipe(context, sources) if target == PIPE else _from_pipe(context, target))


def _check_pipe(context: Context, sources: list[str], target: str) -> None:
    """Raise `UsageError` for what cannot be done with a pipe."""
    args = context.args
    refused = {
        "-r": args.recursive,
        "--detach": args.detach,
        "--exclude": args.exclude,
        "--dry-run": args.dry_run,
        "--bandwidth": args.bandwidth,
    }
    if target == PIPE:
        refused["--json"] = args.json
        refused["--no-clobber"] = args.no_clobber
    given = [flag for flag, value in refused.items() if value]
    if given:
        raise UsageError(f"{given[0]} does not go with standard input or output", remedy=f"Leave {given[0]} out.")
    if (target == PIPE) == (PIPE in sources) or (target != PIPE and len(sources) > 1):
        raise UsageError("'-' is either the only source or the target", remedy="See 'pail cp --help'.")
    if not all(map(is_gs_url, sources if target == PIPE else [target])):
        raise UsageError("with '-' the other side is in a bucket", remedy="Write it as gs://BUCKET/NAME.")


async def _to_pipe(context: Context, sources: list[str]) -> int:
    """Write objects to standard output, one after the other."""
    sink = standard_output(context.output)
    async with open_connection(context) as (_, storage):
        for source in sources:
            for url, generation in await find_objects(context, storage.data, source):
                await read_object(storage.data, url, sink, generation=generation, decompress=context.args.decompress)
    return ExitCode.OK


async def _from_pipe(context: Context, target: str) -> int:
    """Create an object from standard input, pinned to what was seen under its name."""
    url = parse_gs_url(target)
    if url.is_prefix:
        raise UsageError(
            f"'{display_name(target)}' names a folder, and standard input has no name",
            remedy="Write the whole name: gs://BUCKET/NAME.",
        )
    check_object_name(url.name)
    live = LiveLine(context.output)
    read = 0

    def progress(count: int) -> None:
        nonlocal read
        read += count
        live.show(formats.size(read))

    async with open_connection(context) as (_, storage):
        found = await find_object(storage.data, url)
        if found is not None and context.args.no_clobber:
            return _tell(context, found, skipped=True)
        # Pinned to what was seen, so that nobody else's object is overwritten unseen.
        precondition = CREATE_ONLY if found is None else Precondition(generation=found.generation)
        try:
            info = await write_object(
                storage.data,
                url,
                read_standard_input,
                attributes=WriteAttributes(
                    content_type=content_type(url.name),
                    metadata={NONCE_KEY: os.urandom(8).hex()},
                ),
                precondition=precondition,
                progress=progress,
            )
        finally:
            live.clear()
    return _tell(context, info)


def _tell(context: Context, info: ObjectInfo, *, skipped: bool = False) -> int:
    """Say what became of the one item, in the words and records of every job."""
    follower = Follower(context.output, dry_run=False)
    follower.item(
        TransferView(
            id="1.1",
            job="1",
            action="skip" if skipped else "upload",
            source=PIPE,
            target=info.url,
            state="done",
            size=info.size,
            reason="it exists already" if skipped else "",
            generation=info.generation,
            crc32c=info.crc32c,
        )
    )
    return follower.finish(JobView("1", "upload", PIPE, info.url, "done"))


async def read_standard_input(size: int) -> bytes:
    """Return so many bytes of standard input, fewer only at its end, without blocking the loop."""
    return await asyncio.to_thread(_read_fully, sys.stdin.fileno(), size)


def _read_fully(descriptor: int, size: int) -> bytes:
    pieces = []
    while size and (piece := os.read(descriptor, min(size, 1 << 20))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
