"""Bodies of objects on their way into unfinished files: in one stream, or in slices side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from services.errors import Corrupt, ObjectNotFound, Transient
from services.gcs.interface import Fetched, ReadStream
from services.names import display_name, parse_gs_url
from services.transfer.abreast import Abreast
from services.transfer.adaptive import Pace
from services.transfer.memory import keep_memory
from services.transfer.partial import Partial
from services.transfer.run import Run
from services.transfer.slices import Slice, SlicedPartial

FIRST_STREAMS: Final = 2
"""Slices of one object that are fetched at a time, to begin with."""

THROTTLED_WRITE: Final = 64 * 1024
"""Bytes that are gathered before they are written where a limit is set, so that the flow stays even."""


def check_stream(run: Run, stream: ReadStream | Fetched) -> None:
    """Raise where the body is not of the generation that was seen, and take in what the answer says of it."""
    record = run.record
    if stream.generation != record.generation:
        raise ObjectNotFound(f"{display_name(record.source)} was overwritten", url=record.source)
    if stream.size != record.size:
        raise Corrupt(f"{display_name(record.source)}: the service names another size than before")
    record.crc32c = record.crc32c or stream.crc32c
    record.encoding = record.encoding or stream.content_encoding


async def receive(run: Run, partial: Partial) -> None:
    """Append what is missing; raises `Transient` where the body ends early."""
    record = run.record

    def write(piece: memoryview) -> int:
        partial.write([piece])
        return partial.offset

    if partial.offset < record.size:
        await _range(run, partial.offset, record.size, write, lambda _: None, whole=True)
    if partial.offset < record.size:
        raise _early(run)


def share(streams: int, large: int) -> int:
    """Return how many of `streams` one of several large transfers may have: each of them holds two pieces in memory."""
    return max(FIRST_STREAMS, streams // max(1, large))


async def receive_slices(run: Run, sliced: SlicedPartial, streams: int) -> None:
    """Fetch what the slices lack, several at a time, and join them.

    There are more streams while that moves more.  Where one breaks off the others end their slices, and the fault is
    raised: what they have stays.
    """
    pace = Pace(FIRST_STREAMS, streams)

    async def move(one: Slice) -> None:
        await _slice(run, sliced, one, wrote)

    def wrote(count: int) -> None:
        pace.full()
        pace.ended(count, 0.0, requests=0)
        abreast.grow()

    def slots() -> int:
        return min(pace.slots, share(streams, run.line.large))

    abreast = Abreast([one for one in sliced.slices if not one.whole], move, slots)
    await abreast.run()
    await run.disk(sliced.joined)


async def _slice(run: Run, sliced: SlicedPartial, one: Slice, wrote: Callable[[int], None]) -> None:
    def write(piece: memoryview) -> int:
        sliced.write(one, [piece])
        return sliced.done

    await _range(run, one.offset, one.end, write, wrote, whole=False)
    if not one.whole:
        raise _early(run)


async def _range(
    run: Run,
    start: int,
    end: int,
    write: Callable[[memoryview], int],
    wrote: Callable[[int], None],
    *,
    whole: bool,
) -> None:
    """Fetch the bytes from `start` to `end` and have them written, in order: one piece while the next one comes.

    `write` blocks and returns how many bytes of the object there are now; `wrote` is told how many it has written.
    """
    url, left = parse_gs_url(run.record.source), end - start
    gather = min(left, THROTTLED_WRITE if run.limited else run.tools.options.write_size)
    data = await run.data()
    writing: asyncio.Task[None] | None = None

    def came(count: int) -> None:
        run.moved = min(run.record.size, run.moved + count)

    async def store(piece: memoryview) -> None:
        run.confirmed(await run.disk(write, piece))
        run.waiting = ""
        wrote(len(piece))

    keep_memory()
    try:
        async with data.read(
            url.bucket, url.name, generation=run.record.generation, start=start, end=None if whole else end
        ) as stream:
            check_stream(run, stream)
            views = [memoryview(bytearray(gather)) for _ in range(2)]
            # What came before a break is kept: on a line that breaks often nothing else would ever get through.
            while count := await stream.fill(views[0], came):
                left -= count
                if left < 0:
                    raise Corrupt(f"{display_name(run.record.source)}: more bytes arrived than were asked for")
                await run.throttle(count)
                if writing is not None:
                    await writing
                writing = asyncio.create_task(store(views[0][:count]))
                views.reverse()
    finally:
        if writing is not None:
            await writing


def _early(run: Run) -> Transient:
    return Transient(f"{display_name(run.record.source)}: the answer ended early", url=run.record.source)
