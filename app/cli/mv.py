"""`pail mv`: moves or renames; a source goes only after its copy was verified."""

from __future__ import annotations

from app.cli.context import Context
from app.cli.jobs import RESUME_HINT
from app.cli.moving import transfer
from app.cli.runtime import run_async
from services.errors import UsageError


def run(context: Context) -> int:
    """Move what the command line names."""
    if "-" in context.args.paths:
        raise UsageError("standard input and output cannot be moved", remedy="Use 'pail cp' for them.")
    return run_async(transfer(context, "move"), hint=RESUME_HINT)
