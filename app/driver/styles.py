"""How a cell looks, as SGR sequences set it (ECMA-48 8.3.117, xterm), and the shortest way between two looks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

CACHE_ENTRIES: Final = 4096
"""Transitions and looks remembered; a screen has some tens of looks, a gradient some hundreds."""


class Style(NamedTuple):
    """The look of a cell; a tuple, since millions of them are compared."""

    attributes: frozenset[int] = frozenset()
    """SGR numbers of what is on: 1 bold, 2 dim, 3 italic, 4 underline, 7 reverse, 9 strike and so on."""
    foreground: str = ""
    """Parameters that set it, such as `31` or `38;2;1;2;3`; empty for the terminal's own."""
    background: str = ""
    """Parameters that set it; empty for the terminal's own."""
    extra: tuple[str, ...] = ()
    """Parameters that nothing here understands, given again after every reset."""
    link: str = ""
    """Parameters and address of the hyperlink (OSC 8), or an empty string."""


PLAIN: Final = Style()
"""The look after a reset."""

ENDS: Final = {1: 22, 2: 22, 3: 23, 4: 24, 5: 25, 6: 25, 7: 27, 8: 28, 9: 29, 21: 24, 51: 54, 52: 54, 53: 55}
"""For each attribute, the number that ends it (and others with the same end)."""

UNSEEN_ON_BLANKS: Final = frozenset({1, 2, 3})
"""Attributes that make no difference to a blank: bold, dim, italic."""

_ENDED: Final = {end: frozenset(on for on, off in ENDS.items() if off == end) for end in set(ENDS.values())}


@lru_cache(maxsize=CACHE_ENTRIES)
def applied(style: Style, parameters: str) -> Style:
    """Return the look after an SGR sequence with these parameters (what stands between `ESC [` and `m`)."""
    numbers = iter(parameters.split(";"))
    for text in numbers:
        style = _one(style, text, numbers)
    return style


def _one(style: Style, text: str, following: Iterator[str]) -> Style:
    if text and not text.isdecimal():  # sub-parameters with colons: kept as they are
        return style._replace(extra=(*style.extra, text))
    number = int(text or "0")
    if number == 0:
        return PLAIN._replace(link=style.link)
    if number in ENDS:
        return style._replace(attributes=style.attributes | {number})
    if number in _ENDED:
        return style._replace(attributes=style.attributes - _ENDED[number])
    if number == 38:
        return style._replace(foreground=_extended(text, following))
    if number == 48:
        return style._replace(background=_extended(text, following))
    if number == 39 or 30 <= number <= 37 or 90 <= number <= 97:
        return style._replace(foreground="" if number == 39 else text)
    if number == 49 or 40 <= number <= 47 or 100 <= number <= 107:
        return style._replace(background="" if number == 49 else text)
    return style._replace(extra=(*style.extra, text))


def _extended(text: str, following: Iterator[str]) -> str:
    """Return the parameters of a palette colour (`38;5;n`) or a direct one (`38;2;r;g;b`)."""
    kind = next(following, "5")
    count = 3 if kind == "2" else 1
    return ";".join((text, kind, *(next(following, "0") or "0" for _ in range(count))))


def is_bare(style: Style) -> bool:
    """Tell whether a blank in this look shows its background only."""
    return not (style.extra or style.link or style.attributes - UNSEEN_ON_BLANKS)


@lru_cache(maxsize=CACHE_ENTRIES)
def bare(style: Style) -> Style:
    """Return what of a look can be seen on a blank: its background, or all of it where lines or links are in it."""
    return PLAIN._replace(background=style.background) if is_bare(style) else style


@lru_cache(maxsize=CACHE_ENTRIES)
def linked(style: Style, link: str) -> Style:
    """Return the look inside a hyperlink; `link` is what follows `OSC 8 ;`, of which `;` alone ends one."""
    return style._replace(link="" if link.endswith(";") else link)


@lru_cache(maxsize=CACHE_ENTRIES)
def change(old: Style, new: Style) -> str:
    """Return the shortest sequence that leads from one look to another."""
    link = f"\x1b]8;{new.link or ';'}\x1b\\" if old.link != new.link else ""
    if old[:4] == new[:4]:
        return link
    return link + min(_afresh(new), _step(old, new), key=len)


def _afresh(new: Style) -> str:
    parameters = _parameters(new.attributes, new.foreground, new.background, new.extra)
    return f"\x1b[0;{parameters}m" if parameters else "\x1b[m"


def _step(old: Style, new: Style) -> str:
    if old.extra != new.extra:  # what set them is not understood, so neither is what would end them
        return _afresh(new)
    ends = {ENDS[number] for number in old.attributes - new.attributes}
    ended = frozenset[int]().union(*(_ENDED[end] for end in ends))
    begun = new.attributes - (old.attributes - ended)
    parts = [str(end) for end in sorted(ends)]
    parts.append(
        _parameters(
            begun,
            "" if old.foreground == new.foreground else new.foreground or "39",
            "" if old.background == new.background else new.background or "49",
            (),
        )
    )
    return f"\x1b[{';'.join(filter(None, parts))}m"


def _parameters(attributes: frozenset[int], foreground: str, background: str, extra: tuple[str, ...]) -> str:
    return ";".join(filter(None, (*(str(number) for number in sorted(attributes)), foreground, background, *extra)))
