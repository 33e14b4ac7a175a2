"""Paths out of pasted text: what a terminal types when files are dragged onto it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

PASTE_LIMIT_CHARS: Final = 1_000_000
"""Characters of a paste that are looked at; more is not a list of dragged files."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a pasted text names."""

    present: tuple[str, ...] = ()
    """Absolute paths that exist on this machine, in the order given, each once."""
    absent: tuple[str, ...] = ()
    """Paths that do not exist here: they may be those of the machine that the terminal runs on."""

    def __bool__(self) -> bool:
        """Tell whether anything was a path at all."""
        return bool(self.present or self.absent)


def find_paths(text: str) -> Pasted:
    """Return the paths in a pasted text, told apart by whether they exist.

    Understood are plain paths (with spaces, one a line), shell-quoted and backslash-escaped ones (several a line) and
    `file://` URLs.  Words that are neither absolute nor begin with `~` are not taken for paths.  This touches the disk:
    keep it off the event loop.
    """
    words: list[str] = []
    for line in text[:PASTE_LIMIT_CHARS].replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        words.extend(_paths_of_line(line.strip(" \t\0")))
    present: dict[str, None] = {}
    absent: dict[str, None] = {}
    for path in words:
        (present if _exists(path) else absent)[path] = None
    return Pasted(tuple(present), tuple(absent))


def _paths_of_line(line: str) -> Iterable[str]:
    if not line:
        return []
    whole = _as_path(line)
    # A plain path may hold spaces, quotes and backslashes: when the line as it stands exists, it is that.
    if whole and _exists(whole):
        return [whole]
    try:
        parts = shlex.split(line)
    except ValueError:
        return [whole] if whole else []
    found = [path for path in map(_as_path, parts) if path]
    if len(found) == len(parts):
        return found
    # Some words are no paths: rather one path with spaces in it than pieces of it.
    return [whole] if whole else []


def _as_path(word: str) -> str:
    """Return the absolute path that a word names, or an empty string."""
    if word.startswith("file://"):
        try:
            parts = urlsplit(word)
        except ValueError:
            return ""
        # `?` and `#` are legal in file names, and what drags a file does not always escape them.
        tail = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
        word = unquote(parts.path + tail)
    elif word.startswith("~"):
        word = os.path.expanduser(word)  # noqa: PTH111 - a str stays a str, whatever bytes it holds
    if not word.startswith("/") or "\0" in word:
        return ""
    return os.path.normpath(word)


def _exists(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except (OSError, ValueError):
        return False
