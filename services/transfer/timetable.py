"""How many bytes a second may move, and when: one rate, or a timetable as rclone's `--bwlimit` takes it.

`2M` is always in force, `off` is no limit.  `08:00,2M 18:00,off` changes at these times of every day, and
`Mon-08:00,2M Fri-18:00,off` at these of the week; entries are separated by blanks or `;`.  Times are those of this
machine's clock.  What the last entry says holds until the first one comes again.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import datetime
from typing import Final, NamedTuple

_RATE: Final = r"(?ai)(\d{1,15}(?:\.\d{1,6})?)([KMGT]?)(?:i?B)?(?:/s)?"
_FACTORS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_ENTRY: Final = r"(?a)(?:([A-Za-z]{3})[A-Za-z]*-)?(\d{1,2}):(\d\d),(.+)"
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

DAY: Final = 24 * 60
"""Minutes of a day."""

EXAMPLE: Final = "500K, 24M, off, or times such as '08:00,2M 18:00,off'"
"""What may be written, for messages."""

LONGEST: Final = 1000
"""Characters of a timetable at the most."""


class Timetable(NamedTuple):
    """Rates by the minute of the week from which they are in force."""

    text: str = "off"
    """As it was written, entries separated by one blank."""
    minutes: tuple[int, ...] = ()
    """Minutes since Monday, 0:00, in order; none for a rate that never changes."""
    rates: tuple[int, ...] = (0,)
    """Bytes a second, 0 for no limit: one for each minute."""

    def rate_at(self, moment: datetime) -> int:
        """Return the bytes a second that are in force at a moment of local time; 0 for no limit."""
        if not self.minutes:
            return self.rates[0]
        minute = moment.weekday() * DAY + moment.hour * 60 + moment.minute
        return self.rates[bisect_right(self.minutes, minute) - 1]

    @property
    def changes(self) -> bool:
        """Whether it depends on the time."""
        return bool(self.minutes)


def parse_rate(text: str) -> int:
    """Return bytes a second, with binary `K`, `M`, `G`, `T`; 0 for `off`.  Raises `ValueError`."""
    if text.lower() in ("off", "0"):
        return 0
    match = re.fullmatch(_RATE, text)
    rate = int(float(match[1]) * _FACTORS[match[2].upper()]) if match else 0
    if rate < 1:
        raise ValueError(EXAMPLE)
    return rate


def parse_timetable(text: str) -> Timetable:
    """Return what a text means; raises `ValueError` that says what may be written."""
    words = text.replace(";", " ").split()
    if not words or len(text) > LONGEST:
        raise ValueError(EXAMPLE)
    if len(words) == 1 and "," not in words[0]:
        return Timetable(words[0], (), (parse_rate(words[0]),))
    found: dict[int, int] = {}
    for word in words:
        match = re.fullmatch(_ENTRY, word)
        if match is None or int(match[2]) > 23 or int(match[3]) > 59:
            raise ValueError(EXAMPLE)
        if match[1] and match[1].lower() not in _DAYS:
            raise ValueError(f"{EXAMPLE}; days are Mon, Tue, Wed, Thu, Fri, Sat and Sun")
        days = [_DAYS.index(match[1].lower())] if match[1] else range(7)
        rate = parse_rate(match[4])
        for day in days:
            found[day * DAY + int(match[2]) * 60 + int(match[3])] = rate
    minutes = tuple(sorted(found))
    return Timetable(" ".join(words), minutes, tuple(found[minute] for minute in minutes))
