"""Globs over object names, as `gcloud storage` reads them.

`*` and `?` stay within a segment, `**` crosses segments, `[abc]`, `[a-z]` and `[!a]` are one character.  There is no
escape: the exact name always comes first, so a name with a `*` in it is reached by writing it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

_CLASS: Final = re.compile(r"\[([!^]?)(\][^\]]*|[^\]]+)\]")
"""A bracket that is closed, with something in it; a `]` that comes first is one of its characters."""

_WILD: Final = re.compile(rf"[*?]|{_CLASS.pattern}")
"""What makes a text a glob."""


def has_glob(text: str) -> bool:
    """Tell whether `text` contains a wildcard."""
    return _WILD.search(text) is not None


def literal_head(pattern: str) -> str:
    """Return what every match begins with: the text before the first wildcard."""
    found = _WILD.search(pattern)
    return pattern[: found.start()] if found else pattern


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """Return a function that tells whether a whole name matches `pattern`."""
    match = re.compile(_translate(pattern), re.DOTALL).fullmatch
    return lambda name: match(name) is not None


def _translate(pattern: str) -> str:
    """Return the regular expression of a glob, whose cost grows with the square of a name's length at the worst.

    The text between two `**` is looked for at its first place only (an atomic group), and so is what stands between
    two `*` within it: an earlier place leaves every way on open that a later one does.  Plain `.*` would try all
    places of all of them, and a name of 400 letters would take seconds.
    """
    parts: list[tuple[str, list[str]]] = [("", [""])]
    for token in _tokens(pattern):
        if token in (_DEEP, _DEEP_FOLDERS):
            parts.append((token, [""]))
        elif token == _STAR:
            parts[-1][1].append("")
        else:
            parts[-1][1][-1] += token
    found = "".join(_first_place(lead, pieces) for lead, pieces in parts[:-1])
    lead, pieces = parts[-1]
    start = {"": "", _DEEP: ".*", _DEEP_FOLDERS: "(?:.*/)?"}[lead]
    if len(pieces) == 1:
        return f"{found}{start}{pieces[0]}"
    return f"{found}{start}{_pieces(pieces[:-1])}[^/]*{pieces[-1]}"


def _first_place(lead: str, pieces: list[str]) -> str:
    start = {"": "", _DEEP: ".*?", _DEEP_FOLDERS: "(?:.*?/)??"}[lead]
    return f"(?>{start}{_pieces(pieces)})"


def _pieces(pieces: list[str]) -> str:
    return pieces[0] + "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:])


_STAR: Final = "*"
_DEEP: Final = "**"
_DEEP_FOLDERS: Final = "**/"


def _tokens(pattern: str) -> Iterator[str]:
    """Yield a wildcard that stands for any number of characters, or the regular expression of exactly one."""
    index = 0
    while index < len(pattern):
        if pattern[index] == "*":
            end = index
            while pattern.startswith("*", end):
                end += 1
            # `**/x` also means `x` itself: any number of folders includes none.
            folders = pattern.startswith("/", end) and (index == 0 or pattern[index - 1] == "/")
            deep = end - index > 1
            yield _DEEP_FOLDERS if deep and folders else _DEEP if deep else _STAR
            index = end + 1 if deep and folders else end
        elif pattern[index] == "?":
            yield "[^/]"
            index += 1
        elif found := _CLASS.match(pattern, index):
            members = _in_order(re.sub(r"([\\\[\]^&~|])", r"\\\1", found[2]))
            yield f"(?!/)[{'^' if found[1] else ''}{members}]"
            index = found.end()
        else:
            yield re.escape(pattern[index])
            index += 1


def _in_order(members: str) -> str:
    """Escape the dash of a range that runs backwards, which a regular expression would refuse."""
    return re.sub(r"(\\?.)-(\\?.)", lambda r: r[0] if r[1][-1] <= r[2][-1] else f"{r[1]}\\-{r[2]}", members)
