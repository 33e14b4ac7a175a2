"""How numbers and times are written on the screens: pure functions, made for narrow columns."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

_UNITS: Final = ("B", "KB", "MB", "GB", "TB", "PB", "EB")
"""Decimal units (1 KB is 1,000 bytes), as storage is billed and as file managers show it."""

MINUTE_S: Final = 60
"""Seconds of a minute."""
HOUR_S: Final = 3_600
"""Seconds of an hour."""
DAY_S: Final = 86_400
"""Seconds of a day."""
_LATEST_S: Final = 253_402_300_799
"""Seconds since the epoch of the last moment that `datetime` can hold (the end of the year 9999)."""


def size(count: float) -> str:
    """Return bytes in words of at most 8 characters: `812 B`, `41.6 MB`, `212 GB`."""
    if count < 1_000:
        return f"{int(count)} B"
    value = float(count)
    for unit in _UNITS[1:]:
        value /= 1_000
        if value < 99.95:
            return f"{value:.1f} {unit}"
        if value < 999.5:
            return f"{value:.0f} {unit}"
    return f"{value:,.0f} {_UNITS[-1]}"


def rate(per_second: float) -> str:
    """Return bytes a second: `38.4 MB/s`."""
    return f"{size(per_second)}/s"


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 object`, `8,112 objects`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def percent(done: int, total: int, *, complete: bool = False) -> int:
    """Return a whole percentage, rounded down: 100 only where `complete` says that the work was verified."""
    if complete:
        return 100
    return max(0, min(99, done * 100 // total)) if total > 0 else 0


def bar(done: int, total: int, width: int, full: str, empty: str, *, complete: bool = False) -> str:
    """Return a bar of `width` cells; its last cell is filled only where `complete` says so."""
    filled = width if complete else min(width - 1, done * width // total if total > 0 else 0)
    filled = max(0, filled)
    return full * filled + empty * (width - filled)


def duration(seconds: float) -> str:
    """Return a span of time with its two largest units: `12 s`, `14 min`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        minutes, rest = divmod(whole, MINUTE_S)
        return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"
    if whole < DAY_S:
        hours, rest = divmod(whole, HOUR_S)
        return f"{hours} h {rest // MINUTE_S} min" if rest >= MINUTE_S else f"{hours} h"
    days, rest = divmod(whole, DAY_S)
    if days > 999:
        return "> 999 d"
    return f"{days} d {rest // HOUR_S} h" if rest >= HOUR_S else f"{days} d"


def period(seconds: int) -> str:
    """Return a period that somebody has set, in the largest unit that says it exactly: `7 days`, `36 h`, `90 s`."""
    if seconds and seconds % DAY_S == 0:
        return count(seconds // DAY_S, "day")
    return f"{seconds // HOUR_S} h" if seconds and seconds % HOUR_S == 0 else f"{seconds:,} s"


def relative_time(then: float, now: float, zone: tzinfo | None = None) -> str:
    """Return when something was, as a person says it, in at most 12 characters; a date beyond four weeks.

    Both are seconds since the epoch; `zone` (None: the local one) decides the date.  A moment that lies more than a
    minute in the future is written as a date too, since clocks differ and "in 3 h" would only puzzle.
    """
    ago = now - then
    if -MINUTE_S <= ago < MINUTE_S:
        return "just now"
    if ago < 0 or ago >= 28 * DAY_S:
        return date(then, zone)
    if ago < HOUR_S:
        return f"{int(ago // MINUTE_S)} min ago"
    if ago < DAY_S:
        return f"{int(ago // HOUR_S)} h ago"
    days = int(ago // DAY_S)
    if days < 7:
        return "yesterday" if days == 1 else f"{days} days ago"
    return "last week" if days < 14 else f"{days // 7} weeks ago"


def date(then: float, zone: tzinfo | None = None) -> str:
    """Return the date of a moment, `2026-11-20`; `?` for one that no calendar holds."""
    moment = _moment(then, zone)
    return moment.strftime("%Y-%m-%d") if moment else "?"


def date_time(then: float, zone: tzinfo | None = None) -> str:
    """Return date and time of a moment, `2026-11-20 14:02:31`; `?` for one that no calendar holds."""
    moment = _moment(then, zone)
    return moment.strftime("%Y-%m-%d %H:%M:%S") if moment else "?"


def _moment(then: float, zone: tzinfo | None) -> datetime | None:
    if not 0 <= then <= _LATEST_S:
        return None
    try:
        return datetime.fromtimestamp(then, UTC).astimezone(zone)
    except (OverflowError, OSError, ValueError):  # the local zone's offset leads out of the calendar
        return None
