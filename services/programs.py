"""A person's own programs: which ones, and how they are started."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from services.errors import UsageError

EDITORS: Final = ("VISUAL", "EDITOR")
"""Variables that name a person's editor, the first that is set."""

PAGERS: Final = ("PAGER",)
"""Variables that name a person's pager."""

FALLBACK_EDITOR: Final = "vi"
"""The editor that POSIX promises."""

FALLBACK_PAGER: Final = "less"
"""The pager that nearly every system has; it shows control characters as text."""


def program(variables: Sequence[str], fallback: str, environment: Mapping[str, str]) -> list[str]:
    """Return the command of a person's program as words; raises `UsageError` where it cannot be read."""
    variable = next((name for name in variables if environment.get(name, "").strip()), "")
    if not variable:
        return [fallback]
    try:
        return shlex.split(environment[variable])
    except ValueError as error:
        raise UsageError(f"cannot read {variable}: {error}", remedy="Correct its quotes.") from error


def command_line(words: Sequence[str], path: Path) -> list[str]:
    """Return the words that open a file: no shell, and the name after `--` (hazard 65)."""
    return [*words, "--", str(path)]
