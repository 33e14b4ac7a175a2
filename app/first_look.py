"""What the first picture depends on: the theme, and what the line to the terminal carries.

It is read alone, without the settings' schema: what is wrong with the settings is found and told after that picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.line import WIDE, LineMode, line_mode
from app.themes import ANSI_DARK, DARK, LOOKS, Look
from services import paths
from services.errors import PailError
from services.remembered import Remembered


@dataclass(frozen=True, slots=True)
class FirstLook:
    """How the first picture looks."""

    look: Look = DARK
    """The theme."""
    line: LineMode = WIDE
    """What is left out to spare the line."""


def first_look(environ: Mapping[str, str], *, low_bandwidth: bool = False) -> FirstLook:
    """Return what the settings and the last choice say, as far as they can be read.  Blocks on the disk."""
    screen = _screen_settings()
    line = line_mode(_word(screen, "low_bandwidth") or "auto", environ, asked=low_bandwidth)
    named = _word(screen, "theme") or (ANSI_DARK.name if line.few_colours else Remembered().read().theme)
    return FirstLook(_look(named), line)


def _look(name: str) -> Look:
    for look in LOOKS:
        if look.name == name:
            return look
    if not name:
        return DARK
    from app.themes.files import own_looks  # only for those who made one

    return next((look for look in own_looks().looks if look.name == name), DARK)


def _screen_settings() -> Mapping[str, Any]:
    path = paths.config_file()
    if not path.is_file():
        return {}
    import tomllib  # most people have no such file

    try:
        paths.check_owned(path)
        with open(path, "rb") as file:
            screen = tomllib.load(file).get("screen")
    except (OSError, ValueError, PailError):
        return {}
    return screen if isinstance(screen, dict) else {}


def _word(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""
