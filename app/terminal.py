"""Whether there is a terminal that a screen can be drawn on; imports nothing heavy."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping


def terminal_problem(environ: Mapping[str, str] | None = None) -> str:
    """Return why no screen can be shown here, in one line, or an empty string."""
    variables = os.environ if environ is None else environ
    for stream in (sys.__stdin__, sys.__stdout__):
        try:
            here = stream is not None and stream.isatty()
        except ValueError:  # closed
            here = False
        if not here:
            return "the screen needs a terminal; here is none"
    if variables.get("TERM", "") in ("", "dumb", "unknown"):
        return "this terminal cannot show a screen (TERM=dumb)"
    return ""
