"""The patterns of `matchGlob` (cloud.google.com/storage/docs/json_api/v1/objects/list).

`*` matches within a segment, `**` across segments, `?` one character, `[a-z]` and `[!a-z]` a class, `{a,b}` either,
and a backslash takes the next character as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from services.localstore.api_error import bad_request

PATTERN_LIMIT: Final = 1024
"""Characters of a pattern; bounds what a match can cost."""


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """Return a function that tells whether a name matches; raises `ApiError` 400."""
    if len(pattern) > PATTERN_LIMIT:
        raise bad_request("matchGlob is too long.", location="matchGlob")
    try:
        compiled = re.compile(_translate(pattern), re.DOTALL)
    except re.error as error:
        raise bad_request(f"Invalid matchGlob: {pattern[:100]!r}", location="matchGlob") from error
    return lambda name: compiled.fullmatch(name) is not None


def _translate(pattern: str) -> str:
    result = []
    index = depth = 0
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if char == "*":
            deep = pattern.startswith("*", index)
            while pattern.startswith("*", index):
                index += 1
            if deep and pattern.startswith("/", index) and (index < 3 or pattern[index - 3] == "/"):
                # `**/x` also finds `x` itself: no segment is a number of segments.
                result.append("(?:.*/)?")
                index += 1
            else:
                result.append(".*" if deep else "[^/]*")
        elif char == "?":
            result.append("[^/]")
        elif char == "[" and (end := pattern.find("]", index + 1)) > 0:
            result.append(_char_class(pattern[index:end]))
            index = end + 1
        elif char == "{":
            result.append("(?:")
            depth += 1
        elif char == "}" and depth:
            result.append(")")
            depth -= 1
        elif char == "," and depth:
            result.append("|")
        elif char == "\\" and index < len(pattern):
            result.append(re.escape(pattern[index]))
            index += 1
        else:
            result.append(re.escape(char))
    return "".join(result)


def _char_class(inner: str) -> str:
    negated = inner[0] in "!^"
    escaped = (inner[1:] if negated else inner).replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
    return f"[{'^/' if negated else ''}{escaped}]"
