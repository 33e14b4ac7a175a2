"""From text to cells, by the widths that Textual laid it out with.

Terminals agree on how wide Latin letters, box drawing and Chinese characters are. They disagree on emoji sequences,
flags and combining marks: such a cluster is kept whole in one cell and called odd, and rows with one are painted with
care.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import repeat
from typing import Final, NamedTuple

from rich.cells import cell_len

from app.driver.styles import PLAIN, Style, applied, bare

Cell = tuple[str, Style]
"""What a cell shows and how; the right half of a wide character shows an empty string."""

BLANK: Final[Cell] = (" ", PLAIN)
"""A cell that was erased with no colours set."""

STRIPS: Final = 512
"""Styled pieces of lines remembered with their cells: about three screens full."""

_SGR: Final = re.compile(r"\x1b\[([0-9;:]*)m")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ZWJ: Final = "\u200d"


class Run(NamedTuple):
    """A piece of a line as cells."""

    cells: list[Cell]
    """From left to right; never changed, since the next line may share them."""
    style: Style
    """The look that whatever follows has."""


class Glyphs:
    """Which characters take one cell everywhere, two cells everywhere, or are odd; learnt as they come by."""

    def __init__(self) -> None:
        self._narrow: set[str] = set()
        self._wide: set[str] = set()
        self.odd: set[str] = set()
        """Clusters whose width terminals disagree on."""

    def split(self, text: str) -> list[tuple[str, int]]:
        """Return the clusters of a text with their widths in cells; marks that have no base are dropped."""
        return [(cluster, width) for cluster in clusters(text) if (width := self._width(cluster))]

    def all_narrow(self, text: str) -> bool:
        """Tell whether every character of a text takes one cell, whatever the terminal."""
        strange = set(text) - self._narrow
        for character in strange:
            if not _narrow_everywhere(character):
                return False
            self._narrow.add(character)
        return True

    def _width(self, cluster: str) -> int:
        if cluster in self._wide:
            return 2
        if cluster not in self.odd and not _narrow_everywhere(cluster):
            if _wide_everywhere(cluster):
                self._wide.add(cluster)
            else:
                self.odd.add(cluster)
        return cell_len(cluster)


GLYPHS: Final = Glyphs()
"""What is known of characters; one for the process, as it depends on nothing but Unicode."""


def _narrow_everywhere(cluster: str) -> bool:
    return (
        len(cluster) == 1
        and cell_len(cluster) == 1
        and cluster.isprintable()
        and unicodedata.category(cluster)[0] != "M"
        and unicodedata.east_asian_width(cluster) not in "WF"
        and ord(cluster) < 0x1F000  # pictographs from there on, regional indicators among them
    )


def _wide_everywhere(cluster: str) -> bool:
    return (
        len(cluster) == 1
        and cell_len(cluster) == 2
        and unicodedata.east_asian_width(cluster) in "WF"
        and unicodedata.category(cluster) in ("Lo", "Lu", "Ll", "Po", "Ps", "Pe", "Nd")
    )


def clusters(text: str) -> list[str]:
    """Return the text in pieces that a terminal may draw as one: marks, joined emoji, skin tones, flags."""
    found: list[str] = []
    for character in text:
        last = found[-1] if found else ""
        if last and (
            last.endswith(_ZWJ)
            or character == _ZWJ
            or cell_len(character) == 0
            or "\U0001f3fb" <= character <= "\U0001f3ff"
            or (_is_flag_half(character) and len(last) == 1 and _is_flag_half(last))
        ):
            found[-1] = last + character
        else:
            found.append(character)
    return found


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def text_cells(text: str, style: Style) -> list[Cell]:
    """Return the cells of a text without control characters; of blanks, only what can be seen of them counts."""
    narrow = text.isascii() or GLYPHS.all_narrow(text)
    if narrow and " " not in text:
        return list(zip(text, repeat(style), strict=False))
    blank = (" ", bare(style))
    if narrow:
        return [blank if character == " " else (character, style) for character in text]
    cells: list[Cell] = []
    for cluster, width in GLYPHS.split(text):
        cells.append(blank if cluster == " " else (cluster, style))
        cells.extend([("", style)] * (width - 1))
    return cells


@lru_cache(maxsize=STRIPS)
def strip_cells(strip: str, style: Style) -> Run | None:
    """Return the cells of a piece of a line that holds text and looks only; None if anything else is in it."""
    cells: list[Cell] = []
    parts = _SGR.split(strip)
    for index in range(0, len(parts), 2):
        text = parts[index]
        if index:
            style = applied(style, parts[index - 1])
        if text:
            if not text.isprintable() and _CONTROL.search(text):
                return None
            cells += text_cells(text, style)
    return Run(cells, style)


def is_odd(row: list[Cell | None]) -> bool:
    """Tell whether a row shows a cluster whose width terminals disagree on."""
    odd = GLYPHS.odd
    return bool(odd) and not odd.isdisjoint([cell[0] for cell in row if cell is not None])
