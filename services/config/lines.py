"""In which line of a TOML file a key stands: the standard library's parser does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Final

_PART: Final = r"(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')"
_KEYS: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER: Final = re.compile(rf"\s*\[\[?\s*({_KEYS})\s*\]")
_ENTRY: Final = re.compile(rf"\s*({_KEYS})\s*=")
_LONG: Final = re.compile(r"\"\"\"|'''")


def lines_of(text: str) -> Mapping[tuple[str, ...], int]:
    """Return the line, from 1 on, where each table and key of a valid document (v1.0.0) is written first.

    Keys inside inline tables are not told apart: ask for their parent.
    """
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    closing = ""
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if header := _HEADER.match(line):
            table = _parts(header[1])
            found.setdefault(table, number)
        elif entry := _ENTRY.match(line):
            key = (*table, *_parts(entry[1]))
            for depth in range(len(table) + 1, len(key) + 1):
                found.setdefault(key[:depth], number)
            rest = line[entry.end() :].lstrip()
            if (opened := _LONG.match(rest)) and opened[0] not in rest[3:]:
                closing = opened[0]
    return found


def line_of(lines: Mapping[tuple[str, ...], int], key: Sequence[str]) -> int | None:
    """Return the line of a key, or of the nearest table above it that has one; None where nothing is found."""
    for depth in range(len(key), 0, -1):
        if line := lines.get(tuple(key[:depth])):
            return line
    return None


def _parts(written: str) -> tuple[str, ...]:
    """Return the parts of a dotted key as TOML reads them."""
    names: list[str] = []
    level: object = tomllib.loads(f"{written} = 0")
    while isinstance(level, dict):
        name, level = next(iter(level.items()))
        names.append(name)
    return tuple(names)
