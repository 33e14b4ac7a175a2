"""Counts, spans of time and dates in a person's words: pure functions for every sentence that services write."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

from services.names import display_name

DAY_S: Final = 86_400
"""Seconds of a day."""

SHOWN_LIMIT: Final = 200
"""Characters of a foreign value (metadata, a condition, a member) that are shown before it is cut (hazard 64)."""

_SPANS: Final = ((DAY_S, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 object`, `8,112 objects`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def period(seconds: int) -> str:
    """Return a span of whole seconds in the largest unit that divides it: `7 days`, `36 hours`, `90 seconds`."""
    for length, unit in _SPANS:
        if seconds and seconds % length == 0:
            return count(seconds // length, unit)
    return count(seconds, "second")


def day(moment: float, zone: tzinfo | None = None) -> str:
    """Return the date of a moment (seconds since the epoch), `29 Nov 2026`, in `zone` (None: the local one).

    The month is English whatever the locale is, as the sentence around it is.  A moment that no calendar holds is
    written as `a day beyond every calendar`.
    """
    try:
        then = datetime.fromtimestamp(moment, UTC).astimezone(zone)
    except (OverflowError, OSError, ValueError):
        return "a day beyond every calendar"
    return f"{then.day} {_MONTHS[then.month - 1]} {then.year}"


def parse_moment(text: object) -> float | None:
    """Return seconds since the epoch for a time of RFC 3339; None for what is absent or is none."""
    if not isinstance(text, str) or not 10 <= len(text) <= 40:
        return None
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()


def shown(value: object, limit: int = SHOWN_LIMIT) -> str:
    """Return a foreign value so that it is safe on a terminal and no longer than about `limit` characters."""
    text = str(value)
    return display_name(text) if len(text) <= limit else f"{display_name(text[:limit])}… ({len(text):,} characters)"


def joined(parts: list[str], last: str = "and") -> str:
    """Return words in a row: `a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}" if parts else ""


def date_time(moment: float, zone: tzinfo | None = None) -> str:
    """Return date and time of a moment with its zone, `2026-11-20 14:02:31 UTC`, in `zone` (None: the local one)."""
    try:
        return datetime.fromtimestamp(moment, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")
    except (OverflowError, OSError, ValueError):
        return "a day beyond every calendar"
