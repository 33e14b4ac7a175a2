"""Globs over object names, as `gcloud storage` reads them.

`*` and `?` stay within a segment, `**` crosses segments, `[abc]`, `[a-z]` and `[!a]` are one character.  There is no
escape: the exact name always comes first, so a name with a `*` in it is reached by writing it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_WILD: Final = re.compile(r"[*?]|\[[^\]]+\]")
"""What makes a text a glob: `*`, `?`, or a bracket that is closed."""


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
    result: list[str] = []
    index = 0
    while index < len(pattern):
        if pattern[index] == "*":
            end = index
            while pattern.startswith("*", end):
                end += 1
            deep = end - index > 1
            if deep and pattern.startswith("/", end) and (index == 0 or pattern[index - 1] == "/"):
                # `**/x` also means `x` itself: any number of folders includes none.
                result.append("(?:.*/)?")
                end += 1
            else:
                result.append(".*" if deep else "[^/]*")
            index = end
        elif pattern[index] == "?":
            result.append("[^/]")
            index += 1
        elif found := re.compile(r"\[([!^]?)([^\]]+)\]").match(pattern, index):
            members = _in_order(re.sub(r"([\\\[\]^&~|])", r"\\\1", found[2]))
            result.append(f"(?!/)[{'^' if found[1] else ''}{members}]")
            index = found.end()
        else:
            result.append(re.escape(pattern[index]))
            index += 1
    return "".join(result)


def _in_order(members: str) -> str:
    """Escape the dash of a range that runs backwards, which a regular expression would refuse."""
    return re.sub(r"(\\?.)-(\\?.)", lambda r: r[0] if r[1][-1] <= r[2][-1] else f"{r[1]}\\-{r[2]}", members)
