"""Sizes, rates, ranges and times, as they are read from the command line and printed."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?(?:/s)?", re.IGNORECASE)
_FACTORS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


@dataclass(frozen=True, slots=True)
class ByteRange:
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


def parse_rate(text: str) -> int:
    """Parse bytes a second with binary `K`, `M`, `G`; raises `ArgumentTypeError`."""
    match = _RATE.fullmatch(text)
    rate = int(float(match[1]) * _FACTORS[match[2].upper()]) if match else 0
    if rate < 1:
        raise argparse.ArgumentTypeError(f"'{ascii(text)[1:-1]}' is not a rate such as 500K, 24M or 1G")
    return rate


def format_size(size: float) -> str:
    """Return bytes as a short binary size: `0 B`, `1.5 KiB`, `234 MiB`."""
    value = float(size)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            break
        value /= 1024
    digits = 0 if unit == "B" or value >= 99.95 else 1
    return f"{value:.{digits}f} {unit}"


def format_duration(seconds: float) -> str:
    """Return a duration as `8 s`, `3:07` or `1:02:03`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rfc3339(moment: float | None) -> str | None:
    """Return seconds since the epoch as RFC 3339 in UTC with milliseconds; None stays None."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plural(count: int, noun: str) -> str:
    """Return `1 object`, `2 objects`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
