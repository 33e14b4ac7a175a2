"""Themes of a person's own: a file each, in the folder `themes` beside `config.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from app.themes import DARK, LOOKS, Look
from app.themes.colours import NAMES, is_colour
from services import paths
from services.config import THEMES_FOLDER
from services.config.lines import line_of, lines_of
from services.errors import PailError, UsageError
from services.names import display_name

MOST: Final = 100
"""Files that are read at the most."""

SIZE_LIMIT: Final = 64 * 1024
"""Bytes of a file that are read."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the folder held."""

    looks: tuple[Look, ...] = ()
    """Themes that can be used, by name."""
    problems: tuple[PailError, ...] = ()
    """Why others cannot."""


def own_looks(folder: Path | None = None) -> Found:
    """Return the themes in a folder (None: the one beside `config.toml`), and what is wrong with others.  Blocks."""
    place = paths.config_dir() / THEMES_FOLDER if folder is None else folder
    looks: list[Look] = []
    problems: list[PailError] = []
    try:
        files = sorted(path for path in place.iterdir() if path.suffix == ".toml")[:MOST]
    except OSError:  # most people have none
        files = []
    for path in files:
        try:
            paths.check_owned(path)
            with open(path, "rb") as file:
                looks.append(parse(file.read(SIZE_LIMIT), path))
        except OSError as error:
            problems.append(_wrong(path, None, f"it cannot be read: {error.strerror}", "Check its permissions."))
        except PailError as error:
            problems.append(error)
    return Found(tuple(looks), tuple(problems))


def parse(data: bytes, path: Path) -> Look:
    """Return the theme of a file's bytes, named like the file; raises `UsageError` with the line of a mistake.

    ::

        base = "pail-dark"      # the colours that the file does not set
        active = "#ff8800"
        cursor = "ansi_blue"
    """
    try:
        text = data.decode()
        document = tomllib.loads(text)
    except ValueError as error:
        raise _wrong(path, None, f"it is no TOML: {display_name(str(error))}", "Correct that line.") from error
    lines = lines_of(text)
    named = document.pop("base", DARK.name)
    base = next((look for look in LOOKS if look.name == named), None)
    if base is None:
        raise _wrong(path, line_of(lines, ("base",)), "base is no theme of Pail's", _list(look.name for look in LOOKS))
    for key, value in document.items():
        line = line_of(lines, (key,))
        if key not in NAMES:
            raise _wrong(path, line, f"a theme has no '{display_name(key)}'", _list((*NAMES, "base")))
        if key == "dark":
            if not isinstance(value, bool):
                raise _wrong(path, line, "dark is true or false", "Correct that line.")
        elif not is_colour(value):
            raise _wrong(path, line, f"{key} is no colour", 'Write it like "#5aa9e6", or "ansi_blue".')
    if not path.stem.isprintable():
        raise _wrong(path, None, "its name holds characters that cannot be shown", "Rename the file.")
    return Look(path.stem, "your own", replace(base.colours, **document))


def _list(names: Iterable[str]) -> str:
    return f"There are: {', '.join(names)}."


def _wrong(path: Path, line: int | None, why: str, remedy: str) -> UsageError:
    where = f"line {line}: " if line else ""
    return UsageError(f"{display_name(str(path))}: {where}{why}", remedy=remedy, url=str(path))
