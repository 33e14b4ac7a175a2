"""`pail`: the screen."""

from __future__ import annotations

import importlib
import os
import sys

from app.cli.connect import find
from app.cli.context import Context
from services.errors import UsageError


def run(context: Context) -> int:
    """Open the screen; raises `UsageError` where there is no terminal for it."""
    for stream, name in ((sys.stdin, "standard input"), (sys.stdout, "standard output")):
        if not stream.isatty():
            raise UsageError(
                f"the screen needs a terminal, and {name} is none",
                remedy="See 'pail --help' for commands that need none.",
            )
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        raise UsageError(
            "the screen needs a terminal that can move its cursor: TERM is not set, or 'dumb'",
            remedy="Set TERM (such as xterm-256color), or see 'pail --help' for commands.",
        )
    run_screen = importlib.import_module("app.app").run_screen  # Textual: only where there is a terminal for it
    code: int = run_screen(find(context), context.args.url)
    return code
