"""What a command is given, and how its coroutine runs."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from app.cli.output import Output


@dataclass(frozen=True, slots=True)
class Context:
    """One command line."""

    command: str
    """The command's word; empty for the screen."""
    args: argparse.Namespace
    """Its options and words."""
    output: Output
    """Where it prints."""
