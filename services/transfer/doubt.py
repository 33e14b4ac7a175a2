"""Second looks: what a listing or an answer said may have arrived damaged, for a listing carries no checksum.

One flipped bit in a page makes a name that nobody has, a generation that never was, a size or checksum that no bytes
can match.  So what contradicts a listing is asked about once more before it is believed.
"""

from __future__ import annotations

from services.errors import ObjectNotFound
from services.model import ObjectInfo
from services.names import is_gs_url, parse_gs_url
from services.transfer.past import find_past
from services.transfer.plan import describe
from services.transfer.run import GONE, Run, Skipped


async def look_again(run: Run) -> None:
    """Describe the source object anew, after bytes did not match what was known of it; a local source stays as it is.

    Raises `ObjectNotFound` where that generation is gone, other `PailError`s.
    """
    record = run.record
    if not is_gs_url(record.source) or not record.generation:
        return
    url = parse_gs_url(record.source)
    if record.action == "restore":
        info, _ = await find_past(run, url)
    else:
        info = await (await run.data()).stat(url.bucket, url.name, generation=record.generation)
    describe(record, info)


async def seen_again(run: Run, error: ObjectNotFound) -> None:
    """After a listed object turned out not to be there: return where it is there under another generation.

    Raises `Skipped` where it is gone, and has the job list once more at its end: if the name was damaged on its way,
    the object of the right name is still to be done.  Raises `error` for what was not listed, but named.
    """
    record, url = run.record, parse_gs_url(run.record.source)
    if not run.listed:
        raise error
    try:
        info = await (await run.data()).stat(url.bucket, url.name)
    except ObjectNotFound:
        run.flags.list_again = True
        raise Skipped("it is gone since it was listed", GONE) from None
    if info.generation == record.generation:
        raise error
    describe(record, info)


async def refused_again(run: Run) -> bool:
    """After a delete was refused for its generation: tell whether it may be sent again, with `record` put right.

    It may where the generation that is live is the one that was seen (the request was damaged), or differs from it in a
    single digit and has the bytes that were seen (the listing was damaged).  A newer version of another person stays.
    """
    record, url = run.record, parse_gs_url(run.record.source)
    try:
        live = await (await run.data()).stat(url.bucket, url.name)
    except ObjectNotFound:
        return True
    if live.generation == record.generation:
        return True
    seen = record.crc32c, record.size
    if run.listed and one_digit_apart(live.generation, record.generation) and seen == (live.crc32c, live.size):
        record.generation = live.generation
        return True
    return False


def one_digit_apart(one: int, other: int) -> bool:
    """Tell whether two numbers are written with a single bit of a single digit flipped."""
    first, second = str(one), str(other)
    if len(first) != len(second):
        return False
    flips = [ord(a) ^ ord(b) for a, b in zip(first, second, strict=True) if a != b]
    return len(flips) == 1 and flips[0].bit_count() == 1


def matches(run: Run, info: ObjectInfo) -> bool:
    """Tell whether an object has the size and the checksum that are known of the source."""
    record = run.record
    return info.size == record.size and (not record.crc32c or info.crc32c == record.crc32c)
