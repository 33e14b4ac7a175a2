"""Rates, ranges and times, as scripts write and read them."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import NamedTuple


class ByteRange(NamedTuple):
    """A range of bytes as `DataPlane.read` takes it."""

    start: int
    """First byte; negative: so many from the end."""
    end: int | None
    """The byte after the last one; None: to the end."""


def parse_range(text: str) -> ByteRange:
    """Parse `A-B` (inclusive), `A-` or `-N`; raises `ArgumentTypeError`."""
    first, dash, last = text.partition("-")
    decimal = all(not part or (part.isascii() and part.isdigit()) for part in (first, last))
    if dash and decimal:
        if first and last and int(first) <= int(last):
            return ByteRange(int(first), int(last) + 1)
        if first and not last:
            return ByteRange(int(first), None)
        if last and not first and int(last) > 0:
            return ByteRange(-int(last), None)
    raise argparse.ArgumentTypeError(f"'{ascii(text)[1:-1]}' is not a range such as 0-99, 5- or -5")


def parse_bandwidth(text: str) -> str:
    """Return a rate or a timetable as it is kept, empty for no limit; raises `ArgumentTypeError`."""
    from services.transfer.timetable import parse_timetable  # every command declares the option, few are given it

    try:
        times = parse_timetable(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{ascii(text)[1:-1]}' is not a rate or a timetable: {error}") from None
    return times.text if any(times.rates) else ""


def parse_max_delete(text: str) -> str:
    """Return `N` or `P%` as it is written; raises `ArgumentTypeError`."""
    number = text.removesuffix("%")
    if not (number.isascii() and number.isdigit() and len(number) <= 12) or (number != text and int(number) > 100):
        raise argparse.ArgumentTypeError(f"'{ascii(text)[1:-1]}' is not a number such as 100, or a share such as 25%")
    return text


def rfc3339(moment: float | None) -> str | None:
    """Return seconds since the epoch as RFC 3339 in UTC with milliseconds; None stays None."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
