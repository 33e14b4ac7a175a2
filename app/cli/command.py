"""What makes a sub-command, and the options that several of them declare in the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from app.cli.arguments import Parser
from app.cli.units import parse_bandwidth


class Command(NamedTuple):
    """One sub-command."""

    name: str
    """The word on the command line."""
    module: str
    """The module whose `run(context)` does it."""
    words: str
    """What follows it, as usage shows it."""
    summary: str
    """One line for the list of commands."""
    configure: Callable[[Parser], None]
    """Declares its words and options."""
    details: str = ""
    """Further sentences for its own help."""
    examples: tuple[tuple[str, str], ...] = ()
    """Command lines, each with what it does."""


def literal_option(parser: Parser) -> None:
    """Declare `--literal`."""
    parser.option("--literal", action="store_true", help="URLs are names only, never globs")


def generation_option(parser: Parser) -> None:
    """Declare `--generation`."""
    parser.option("--generation", type=int, metavar="N", help="exactly this generation of the one object named")


def exclude_option(parser: Parser) -> None:
    """Declare `--exclude`."""
    parser.option(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out what matches (gitignore syntax; repeatable)",
    )


def bandwidth_option(parser: Parser) -> None:
    """Declare `--bandwidth`."""
    parser.option(
        "--bandwidth",
        type=parse_bandwidth,
        default="off",
        metavar="RATE",
        help="bytes a second at the most: 500K, 24M, 1G (binary), or by the clock: '08:00,2M 18:00,off'",
    )
