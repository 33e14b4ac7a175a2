"""How a cell looks, as SGR sequences set it (ECMA-48 8.3.117, xterm), and the shortest way between two looks."""

from __future__ import annotations

import re
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

_DIRECT: Final = re.compile(r"(38;2;\d+;\d+;\d+);(48;2;\d+;\d+;\d+)", re.ASCII)

_MEANINGS: Final = {
    **dict.fromkeys(("", "0"), "reset"),
    **{str(number): "begin" for number in ENDS},
    **{str(number): "end" for number in _ENDED},
    **{str(number): "foreground" for number in (*range(30, 38), 39, *range(90, 98))},
    **{str(number): "background" for number in (*range(40, 48), 49, *range(100, 108))},
    **dict.fromkeys(("38", "48"), "colour"),
}
"""What a number does."""


def applied(style: Style, parameters: str) -> Style:
    """Return the look after an SGR sequence with these parameters (what stands between `ESC [` and `m`)."""
    if parameters in ("0", ""):
        return Style(link=style.link) if style.link else PLAIN
    return _applied(style, parameters)


@lru_cache(maxsize=CACHE_ENTRIES)
def _applied(style: Style, parameters: str) -> Style:
    if both := _DIRECT.fullmatch(parameters):  # two direct colours: what Textual writes nearly always
        return Style(style.attributes, both[1], both[2], style.extra, style.link)
    return _parsed(style, parameters)


def _parsed(style: Style, parameters: str) -> Style:
    attributes, foreground, background, extra, link = style
    texts = parameters.split(";")
    at = 0
    while at < len(texts):
        text = texts[at]
        kind = _MEANINGS.get(text, "")
        if kind == "colour":  # of the palette (`38;5;n`), or a direct one (`38;2;r;g;b`)
            width = 5 if texts[at + 1 : at + 2] == ["2"] else 3
            colour = _colour(texts[at : at + width], width)
            foreground, background = (colour, background) if text == "38" else (foreground, colour)
            at += width
            continue
        if kind == "reset":
            attributes, foreground, background, extra = PLAIN[:4]
        elif kind == "begin":
            attributes |= {int(text)}
        elif kind == "end":
            attributes -= _ENDED[int(text)]
        elif kind == "foreground":
            foreground = "" if text == "39" else text
        elif kind == "background":
            background = "" if text == "49" else text
        else:  # among them sub-parameters with colons
            extra = (*extra, text)
        at += 1
    return Style(attributes, foreground, background, extra, link)


def _colour(texts: list[str], width: int) -> str:
    """Return the parameters of a colour; what is missing of them is 0, and the palette's if the kind is missing."""
    missing = ["", "5", "0", "0", "0"][len(texts) : width]
    return ";".join([text or "0" for text in (*texts, *missing)])


def is_bare(style: Style) -> bool:
    """Tell whether a blank in this look shows its background only."""
    return not (style.extra or style.link or style.attributes - UNSEEN_ON_BLANKS)


@lru_cache(maxsize=CACHE_ENTRIES)
def bare(style: Style) -> Style:
    """Return what of a look can be seen on a blank: its background, or all of it where lines or links are in it."""
    return Style(background=style.background) if is_bare(style) else style


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
    if old.attributes == new.attributes and old.extra == new.extra and new.foreground and new.background:
        # Most changes by far: nothing ends, so a reset would only be longer.
        if old.foreground == new.foreground:
            return f"{link}\x1b[{new.background}m"
        if old.background == new.background:
            return f"{link}\x1b[{new.foreground}m"
        return f"{link}\x1b[{new.foreground};{new.background}m"
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
