"""`pail`: the screen."""

from __future__ import annotations

from app.cli.context import Context, connection_options
from app.terminal import terminal_problem
from services.errors import UsageError


def run(context: Context) -> int:
    """Open the screen; raises `UsageError` where there is no terminal for it."""
    if problem := terminal_problem():
        raise UsageError(problem, remedy="Use the commands: see 'pail --help'.")
    from app.app import run_screen  # Textual: only once it is known that there is a screen

    return run_screen(connection_options(context), context.args.url, low_bandwidth=context.args.low_bandwidth)
