"""Searching below a prefix: by name, size, age, type and class, in words that are typed on one line."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from services.errors import UsageError
from services.gcs.interface import DataPlane, ListQuery
from services.globs import compile_glob, has_glob
from services.lifecycle import created_time
from services.model import ObjectRow
from services.quantities import parse_period, parse_size
from services.ranges import pages
from services.storage_classes import base_class, parse_class
from services.words import shown

HELP: Final = "report *.csv docs/**/*.md >10M <1G >30d <7d type:image class:nearline"
"""What may be typed, by example; every word has to hold."""

PATTERN_LIMIT: Final = 1_024
"""Characters of a search: no name is longer."""

_COMPARISON: Final = re.compile(r"([<>])(=?)(.+)", re.DOTALL)
_SPAN_UNIT: Final = re.compile(r"\d\s*(?:s|sec\w*|min\w*|h|hours?|d|days?|w|weeks?|y|years?)$", re.IGNORECASE)

Test = Callable[[ObjectRow, float], bool]
"""Whether a row fits at a time (seconds since the epoch)."""


@dataclass(frozen=True, slots=True)
class FindQuery:
    """A search, ready to be asked of rows."""

    text: str
    """As it was typed."""
    prefix: str
    """Below what is searched: names are matched relative to it."""
    tests: tuple[Test, ...]
    """What all has to hold."""

    def matches(self, row: ObjectRow, now: float) -> bool:
        """Tell whether a row fits at `now` (seconds since the epoch)."""
        return row.name != self.prefix and all(test(row, now) for test in self.tests)


@dataclass(frozen=True, slots=True)
class FindPage:
    """What a part of a search brought."""

    rows: list[ObjectRow]
    """Rows that fit, in byte order of their names within this page."""
    scanned: int
    """Rows looked at so far, in all."""


def parse_find(text: str, prefix: str = "") -> FindQuery:
    """Parse a search below `prefix`; raises `UsageError` that says what is wrong with which word.

    Words are separated by spaces (quotes keep them together); each narrows the search:

    - a glob is matched against the last part of the name, or, with a `/` or `**` in it, against all of the name below
      `prefix`; any other word lies somewhere in that (capitals matter only where the word has some);
    - `>10M`, `<1G`: larger, smaller (`<=` and `>=` as well); `>30d`, `<7d`: older, younger than that;
    - `type:image`, `type:image/png`: the content type begins so; `class:nearline`.
    """
    if len(text) > PATTERN_LIMIT:
        raise UsageError(f"a search has at most {PATTERN_LIMIT:,} characters", remedy="Search for less of the name.")
    try:
        # Not POSIX rules: a backslash is an ordinary character of names, and only whole words are quoted.
        lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
        lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
        words = list(lexer)
    except ValueError as error:
        raise UsageError("a quote is not closed", remedy='Write it as "two words".') from error
    if not words:
        raise UsageError("nothing to search for", remedy=f"For example: {HELP}")
    return FindQuery(text, prefix, tuple(_test(word, prefix) for word in words))


def find_words(words: Sequence[str], prefix: str = "") -> FindQuery:
    """Return the search that words ask for which are parted already, as a shell does; without any, all fits.

    They mean what they mean in `parse_find`; raises `UsageError`.
    """
    return FindQuery(" ".join(words), prefix, tuple(_test(word, prefix) for word in words))


def _test(word: str, prefix: str) -> Test:
    if match := _COMPARISON.fullmatch(word):
        return _compare(match[1], bool(match[2]), match[3].strip())
    key, colon, value = word.partition(":")
    if colon and key.lower() == "type":
        return _of_type(value)
    if colon and key.lower() == "class":
        wanted = parse_class(value)
        return lambda row, _: base_class(row.storage_class) == wanted
    return _named(word, prefix)


def _compare(sign: str, equal: bool, bound: str) -> Test:
    if _SPAN_UNIT.search(bound):
        seconds = parse_period(bound)
        if sign == ">":
            return lambda row, now: now - created_time(row) > seconds or (equal and now - created_time(row) == seconds)
        return lambda row, now: now - created_time(row) < seconds or (equal and now - created_time(row) == seconds)
    try:
        size = parse_size(bound)
    except UsageError as error:
        remedy = "Write a size as >10M or <1.5GiB, an age as >30d or <12h."
        raise UsageError(f"'{shown(sign + bound, 40)}' is neither a size nor an age", remedy=remedy) from error
    if sign == ">":
        return lambda row, _: row.size > size or (equal and row.size == size)
    return lambda row, _: row.size < size or (equal and row.size == size)


def _of_type(value: str) -> Test:
    wanted = value.strip().lower().removesuffix("*").removesuffix("/")
    if not wanted:
        raise UsageError("'type:' names no type", remedy="Write it as type:image or type:image/png.")
    if "/" in wanted:
        return lambda row, _: row.content_type.lower().startswith(wanted)
    return lambda row, _: row.content_type.lower().partition("/")[0] == wanted


def _named(word: str, prefix: str) -> Test:
    start = len(prefix)
    if not has_glob(word):
        if word.lower() == word:
            return lambda row, _: word in row.name[start:].lower()
        return lambda row, _: word in row.name[start:]
    fits = compile_glob(word)
    if "/" in word or "**" in word:
        return lambda row, _: fits(row.name[start:])
    return lambda row, _: fits(row.name[start:].rstrip("/").rpartition("/")[2])


async def find(data: DataPlane, bucket: str, query: FindQuery, *, now: float) -> AsyncGenerator[FindPage]:
    """Yield what fits, page by page as ranges of names are listed side by side; pages without a find are yielded too.

    The order of the pages is that of their arrival.  `now` is in seconds since the epoch.  Raises what
    `DataPlane.list_page` raises; leaving early (`aclose`) stops the listing.
    """
    scanned = 0
    async with aclosing(pages(data, bucket, ListQuery(query.prefix))) as listing:
        async for page in listing:
            scanned += len(page.objects)
            yield FindPage([row for row in page.objects if query.matches(row, now)], scanned)
