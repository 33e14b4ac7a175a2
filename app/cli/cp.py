"""`pail cp`: copies between here and storage, both ways, on the server, and to and from a pipe."""

from __future__ import annotations

from typing import Final

from app.cli.context import Context
from app.cli.jobs import RESUME_HINT
from app.cli.moving import split_paths, transfer
from app.cli.runtime import run_async
from app.cli.several import check_generation

PIPE: Final = "-"
"""Standard input as a source, standard output as the target."""


def run(context: Context) -> int:
    """Copy what the command line names."""
    args = context.args
    sources, target = split_paths(context)
    if args.generation is not None:
        check_generation(context, sources)
    if PIPE in args.paths:
        from app.cli.pipe import run_piped  # with what only streams need

        return run_piped(context, sources, target)
    return run_async(
        transfer(context, "copy", generation=args.generation, decompress=args.decompress), hint=RESUME_HINT
    )
