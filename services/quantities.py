"""Spans of time, sizes and switches as people type them."""

from __future__ import annotations

import re
from typing import Final

from services.errors import UsageError
from services.words import shown

_PERIOD: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]+)", re.ASCII)
_SECONDS: Final = {
    unit: seconds
    for seconds, units in (
        (1, ("s", "sec", "secs", "second", "seconds")),
        (60, ("min", "mins", "minute", "minutes")),
        (3_600, ("h", "hour", "hours")),
        (86_400, ("d", "day", "days")),
        (7 * 86_400, ("w", "week", "weeks")),
        (365 * 86_400, ("y", "year", "years")),
    )
    for unit in units
}
_SIZE: Final = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s*([kmgtp]?)(i?b)?", re.ASCII)
_POWER: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_ON: Final = frozenset({"on", "yes", "true", "1", "enabled"})
_OFF: Final = frozenset({"off", "no", "false", "0", "none", "disabled"})


def parse_period(text: str) -> int:
    """Return the seconds of a span such as `7d`, `36 hours`, `2w`, `1y` (365 days); raises `UsageError`.

    Minutes are written `min`: a bare `m` could mean months as well.
    """
    match = _PERIOD.fullmatch(text.strip().lower())
    if match and (unit := _SECONDS.get(match[2])):
        return round(float(match[1]) * unit)
    raise UsageError(f"'{shown(text, 40)}' is not a span of time", remedy="Write it as 90s, 30min, 36h, 7d, 2w or 1y.")


def parse_size(text: str) -> int:
    """Return the bytes of a size; raises `UsageError`.

    `10M` and `10MiB` are binary, as everywhere on the command line; `10MB` is decimal, as the screens show sizes.
    """
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(f"'{shown(text, 40)}' is not a size", remedy="Write it as 812, 500K, 10M, 10MB or 1.5GiB.")
    base = 1000 if match[3] == "b" and match[2] else 1024
    return round(float(match[1]) * float(base ** _POWER[match[2]]))


def parse_switch(text: str) -> bool:
    """Return what `on` or `off` (or `yes`, `false`, `1`, …) means; raises `UsageError`."""
    word = text.strip().lower()
    if word in _ON or word in _OFF:
        return word in _ON
    raise UsageError(f"'{shown(text, 40)}' is neither on nor off", remedy="Write on or off.")


def is_off(text: str) -> bool:
    """Tell whether a text says `off`, `none` or the like; an empty one says nothing."""
    return text.strip().lower() in _OFF


def is_none(text: str) -> bool:
    """Tell whether a text means "none of it": it is empty, or says so."""
    return not text.strip() or is_off(text)
