"""How much a terminal's line carries: what is left out over SSH, and more where a person says that the line is thin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

REMOTE: Final = ("SSH_CONNECTION", "SSH_TTY", "MOSH_CONNECTION")
"""Variables that tell of a terminal on another machine."""

SAMPLE_S: Final = 0.25
"""Seconds between two samples while something runs: progress is read by people, not by machines."""

THIN_SAMPLE_S: Final = 0.5
"""Seconds between two samples of the engine's state on a line that is to be spared."""


@dataclass(frozen=True, slots=True)
class LineMode:
    """What the screen does without."""

    hover: bool = True
    """Whether the terminal tells of every move of the pointer; without it, of clicks, drags and the wheel."""
    sample_s: float = SAMPLE_S
    """Seconds between two samples of what moves."""
    few_colours: bool = False
    """Whether the theme is one of 16 colours, unless another was asked for."""


WIDE: Final = LineMode()
"""Everything."""

REMOTE_LINE: Final = LineMode(hover=False, sample_s=THIN_SAMPLE_S)
"""Over SSH: no bytes for moves of the pointer, half as many for progress."""

THIN: Final = LineMode(hover=False, sample_s=THIN_SAMPLE_S, few_colours=True)
"""Where a person says that the line is thin: short colours besides."""


def line_mode(setting: str, environ: Mapping[str, str], *, asked: bool = False) -> LineMode:
    """Return what to do without: by the option, the setting, or whether the terminal is remote."""
    if asked or setting == "on":
        return THIN
    if setting == "auto" and any(environ.get(name) for name in REMOTE):
        return REMOTE_LINE
    return WIDE
