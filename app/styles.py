"""Where the styles are, and which of them the first picture needs: reading all takes longer than painting that."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FIRST_PART_END: Final = "/* ---- all below is read after the first picture"
"""Begins the comment in `styles.tcss` after which nothing concerns the first picture."""


def style_sheet() -> Path:
    """Return where the styles are: inside `app/` in a wheel, beside it in a checkout."""
    here = Path(__file__).resolve().parent
    for path in (here / "styles.tcss", here.parent / "styles.tcss"):
        if path.is_file():
            return path
    raise FileNotFoundError("styles.tcss is missing from this installation of pail")


def first_part(styles: str) -> str:
    """Return the styles that the first picture needs."""
    return styles.partition(FIRST_PART_END)[0]
