"""What a command is given, and how its coroutine runs."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from app.cli.output import Output
from services.connection import ConnectionOptions


class Context(NamedTuple):
    """One command line."""

    command: str
    """The command's word; empty for the screen."""
    args: argparse.Namespace
    """Its options and words."""
    output: Output
    """Where it prints."""


def connection_options(context: Context) -> ConnectionOptions:
    """Return the options that say where storage is and who asks."""
    args = context.args
    return ConnectionOptions(
        local=args.local,
        endpoint=args.endpoint or "",
        project=args.project or "",
        credentials=args.credentials or "",
        anonymous=args.anonymous,
        quota_project=args.quota_project or "",
        workspace=args.workspace,
    )
