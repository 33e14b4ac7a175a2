"""Partial responses: the `fields` parameter.

Grammar (cloud.google.com/storage/docs/json_api#partial-response): names separated by commas, `a/b` selects below,
`a(b,c)` selects several below, `*` stands for every name.  Arrays are transparent.
"""

from __future__ import annotations

from typing import Any, Final

from services.localstore.api_error import ApiError, bad_request

Mask = dict[str, "Mask"]
"""Selected names, each with what is selected below it; an empty one selects everything."""

DEPTH_LIMIT: Final = 32
"""Levels of nesting that are accepted."""


def parse_fields(text: str) -> Mask:
    """Parse a `fields` value; raises `ApiError` 400."""
    mask, rest = _parse_list(text, 0)
    if rest:
        raise _invalid(text)
    return mask


def select(value: Any, mask: Mask) -> Any:
    """Return what `mask` selects of a JSON value."""
    if not mask:
        return value
    if isinstance(value, list):
        return [select(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    star = mask.get("*")
    chosen = {}
    for key, item in value.items():
        below = mask.get(key, star)
        if below is not None:
            chosen[key] = select(item, below)
    return chosen


def _parse_list(text: str, depth: int) -> tuple[Mask, str]:
    if depth > DEPTH_LIMIT:
        raise _invalid(text)
    mask: Mask = {}
    while True:
        text = _parse_path(text, mask, depth)
        if not text.startswith(","):
            return mask, text
        text = text[1:]


def _parse_path(text: str, into: Mask, depth: int) -> str:
    """Parse one `a/b(c,d)` into `into` and return what follows it."""
    for _level in range(DEPTH_LIMIT):
        name = _name(text)
        text = text[len(name) :].lstrip()
        name = name.strip()
        known = name in into
        below = into.setdefault(name, {})
        if text.startswith("/"):
            into, text = below, text[1:]
            continue
        if text.startswith("("):
            inner, text = _parse_list(text[1:], depth + 1)
            if not text.startswith(")"):
                raise _invalid(text)
            text = text[1:].lstrip()
            if not known or below:
                _merge(below, inner)
        else:
            below.clear()
        return text
    raise _invalid(text)


def _merge(into: Mask, other: Mask) -> None:
    for name, below in other.items():
        _merge(into.setdefault(name, {}), below)


def _name(text: str) -> str:
    end = min((index for index in map(text.find, ",/()") if index >= 0), default=len(text))
    if not text[:end].strip():
        raise _invalid(text)
    return text[:end]


def _invalid(text: str) -> ApiError:
    return bad_request(f"Invalid field selection {text[:100]}", reason="invalidParameter", location="fields")
