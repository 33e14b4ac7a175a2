"""Which driver Pail runs on; imports none that is not wanted."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from textual.driver import Driver

PLAIN_DRIVER: Final = "PAIL_PLAIN_DRIVER"
"""Environment variable that, set to anything but nothing or 0, leaves the output as Textual writes it."""

TEXTUAL_DRIVER: Final = "TEXTUAL_DRIVER"
"""Textual's own variable that names a driver; whoever sets it gets that one."""

PLATFORMS: Final = ("linux", "darwin")
"""Values of `sys.platform` on which the cell-diffing driver is the default."""

WITHOUT_COLOURED_ERASING: Final = ("screen", "vt100", "vt102", "ansi", "cons")
"""Beginnings of names of terminals whose erased cells take the default background, or that cannot erase some cells."""


def driver_class(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> type[Driver] | None:
    """Return the cell-diffing driver, or None where Textual's choice stands."""
    variables = os.environ if environ is None else environ
    if variables.get(TEXTUAL_DRIVER) or variables.get(PLAIN_DRIVER, "") not in ("", "0"):
        return None
    if platform not in PLATFORMS:
        return None
    # Not at the top: the module stands on termios, which only these platforms have.
    chosen: type[Driver] = import_module("app.driver.diffing").DiffingDriver
    return chosen


def erases_in_colour(environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether erased cells take the background that is set (terminfo's `bce`), going by the terminal's name.

    GNU screen's do not. tmux's do, though it often goes by screen's name.
    """
    variables = os.environ if environ is None else environ
    return not variables.get("TERM", "").startswith(WITHOUT_COLOURED_ERASING) or "TMUX" in variables
