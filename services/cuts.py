"""Where a listing is cut: names that need not exist, found from those that came.

A cut is a guess: what lies behind it may be empty.  Nothing depends on a good one but the number of requests.
"""

from __future__ import annotations

import string
from typing import Final, NamedTuple

PRECISE: Final = 6
"""Characters of a name, from the first one that changes on, by which it is told how far names are apart."""

_ALPHABETS: Final = (
    "0123456789abcdef",
    "0123456789ABCDEF",
    string.ascii_lowercase,
    string.ascii_uppercase,
    string.digits + string.ascii_lowercase,
    string.digits + string.ascii_uppercase,
    string.digits + string.ascii_uppercase + string.ascii_lowercase,
)
"""What names are counted with, in byte order: the first one that has all characters of two names."""


class Span(NamedTuple):
    """Names that came one after the other."""

    first: str
    """The first one."""
    last: str
    """The last one."""
    pages: int
    """Pages that they filled."""


def ahead(place: str, seen: Span, pages: float) -> str:
    """Return a cut about as many `pages` behind a place, judged by a span of names that count up as those there do.

    The part of a name that counts is the number or the word in which the names of the span begin to differ.  An empty
    text is returned where nothing can be said.
    """
    first, last = seen.first, seen.last
    at = _shared(first, last)
    if at >= len(first) or at >= len(last):
        return ""
    counts = str.isdecimal if first[at].isdecimal() and last[at].isdecimal() else str.isalnum
    begin, end = at, at
    while begin and counts(last[begin - 1]):
        begin -= 1
    while end < min(len(first), len(last), at + PRECISE) and counts(last[end]) and counts(first[end]):
        end += 1
    alphabet = string.digits if counts is str.isdecimal else _alphabet(first[begin:end] + last[begin:end])
    if end == at or not alphabet or not place.startswith(last[:begin]):
        return ""
    width = end - begin
    low, high = _value(first[begin:end], alphabet, width), _value(last[begin:end], alphabet, width)
    here = _value(place[begin:end], alphabet, width)
    step = max(1, round(pages * (high - low + 1) / seen.pages))
    return last[:begin] + _text(here + step, alphabet, width) if here + step < len(alphabet) ** width else ""


def _alphabet(text: str) -> str:
    return next((one for one in _ALPHABETS if set(one).issuperset(text)), "")


def _value(text: str, alphabet: str, width: int) -> int:
    """Return a text as a number; what follows a character that is not in the alphabet does not count."""
    value, known = 0, True
    for index in range(width):
        digit = alphabet.find(text[index]) if known and index < len(text) else 0
        known = known and digit >= 0
        value = value * len(alphabet) + max(0, digit)
    return value


def _text(value: int, alphabet: str, width: int) -> str:
    found = ""
    for _ in range(width):
        value, digit = divmod(value, len(alphabet))
        found = alphabet[digit] + found
    return found


def leading(first: str, last: str, end: str, fixed: int) -> list[str]:
    """Return cuts behind `last`, each behind all names that begin as it does, the farthest first.

    Only parts count that all names from `first` to `last` begin with: what differs among them is nearer than a page.
    The `fixed` leading characters are those of every name.
    """
    shared = _shared(first, last)
    found = []
    for index in range(fixed, min(shared + 1, len(last))):
        if last[index].isascii() and last[index].isalnum():
            cut = last[:index] + chr(ord(last[index]) + 1)
            if not end or cut < end:
                found.append(cut)
    return found


def middle(low: str, high: str) -> str:
    """Return a cut between two names, where the characters that are usual at that place have their middle.

    `high` is empty where there is no end.  An empty text is returned where nothing can be said.
    """
    same = _shared(low, high)
    for index in range(same, len(low)):
        char = low[index]
        top = "9" if "0" <= char <= "9" else "z" if "a" <= char <= "z" else "Z" if "A" <= char <= "Z" else ""
        if not top:
            continue
        if index == same and index < len(high):
            top = min(top, chr(ord(high[index]) - 1))
        if top > char:
            return low[:index] + chr((ord(char) + ord(top) + 1) // 2)
    return ""


def _shared(one: str, other: str) -> int:
    """Return how many characters two names begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
