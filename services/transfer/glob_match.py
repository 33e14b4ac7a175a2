"""Globs over object names: `*` and `?` stay within a segment, `**` crosses `/`, `[…]` is one of some characters."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

from services.gcs.interface import DataPlane, ListQuery
from services.model import ObjectRow

_WILD: Final = re.compile(r"[*?\[]")


def has_glob(name: str) -> bool:
    """Tell whether a name has a character that means something in a glob."""
    return bool(_WILD.search(name))


def to_regex(pattern: str) -> re.Pattern[str]:
    """Return what matches the same names as a glob does; a `[` that is never closed means itself."""
    out, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            double = pattern[at : at + 2] == "**"
            out.append(".*" if double else "[^/]*")
            at += 2 if double else 1
            continue
        if char == "?":
            out.append("[^/]")
        elif char == "[" and (end := pattern.find("]", at + 2)) > 0:
            inner = pattern[at + 1 : end]
            negated = inner[0] in "!^"
            body = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner[1:] if negated else inner)
            out.append(f"[{'^/' if negated else ''}{body}]")
            at = end
        else:
            out.append(re.escape(char))
        at += 1
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error:
        return re.compile(re.escape(pattern))


async def expand(data: DataPlane, bucket: str, pattern: str, *, prefixes: bool) -> AsyncIterator[ObjectRow | str]:
    """Yield the objects that a glob means, and with `prefixes` the prefixes too (without their trailing `/`).

    Each segment with a wildcard is one listing per prefix found so far; a `**` lists everything below what precedes it.
    """
    if "**" in pattern:
        start = pattern[: _first_wild(pattern)]
        wanted = to_regex(pattern)
        async for row in _everything(data, bucket, ListQuery(prefix=start)):
            if isinstance(row, ObjectRow) and wanted.fullmatch(row.name):
                yield row
        return
    async for found in _segments(data, bucket, "", pattern, prefixes=prefixes):
        yield found


async def _segments(
    data: DataPlane, bucket: str, base: str, rest: str, *, prefixes: bool
) -> AsyncIterator[ObjectRow | str]:
    wild = _first_wild(rest)
    cut = rest.rfind("/", 0, wild) + 1
    end = rest.find("/", wild)
    segment, below = (rest[cut:], "") if end < 0 else (rest[cut:end], rest[end + 1 :])
    base += rest[:cut]
    wanted = to_regex(segment)
    literal = segment[: _first_wild(segment)]
    async for row in _everything(data, bucket, ListQuery(prefix=base + literal, delimiter="/")):
        name = row if isinstance(row, str) else row.name
        if not wanted.fullmatch(name[len(base) :].removesuffix("/")):
            continue
        if end < 0:
            if isinstance(row, ObjectRow) or prefixes:
                yield row.removesuffix("/") if isinstance(row, str) else row
        elif isinstance(row, str):
            async for found in _below(data, bucket, name, below, prefixes=prefixes):
                yield found


async def _below(
    data: DataPlane, bucket: str, base: str, rest: str, *, prefixes: bool
) -> AsyncIterator[ObjectRow | str]:
    if has_glob(rest):
        async for found in _segments(data, bucket, base, rest, prefixes=prefixes):
            yield found
        return
    async for row in _everything(data, bucket, ListQuery(prefix=base + rest, delimiter="/")):
        if isinstance(row, ObjectRow) and row.name == base + rest:
            yield row
        elif prefixes and row in (base + rest, base + rest + "/"):
            yield (base + rest).removesuffix("/")


async def _everything(data: DataPlane, bucket: str, query: ListQuery) -> AsyncIterator[ObjectRow | str]:
    token = ""
    while True:
        page = await data.list_page(bucket, query, token)
        for row in page.objects:
            yield row
        for prefix in page.prefixes:
            yield prefix
        token = page.next_token
        if not token:
            return


def _first_wild(pattern: str) -> int:
    found = _WILD.search(pattern)
    return found.start() if found else len(pattern)
