"""Writes the reference of the command line from the parsers: `python -m app.cli.reference > docs/cli.md`."""

from __future__ import annotations

import os
import sys
from typing import Final

from app.cli.commands import COMMANDS, SCREEN, make_parser

INTRODUCTION: Final = """\
# The command line

Written by `python -m app.cli.reference` from the program itself; a test keeps it current.

Data goes to standard output, messages to standard error, progress only to a terminal. Names are printed raw into a
pipe and made safe for a terminal. Options stand before or after the command. With `--json` every record is one line
of ASCII; times are RFC 3339, sizes are bytes, generations are strings.
"""


def reference() -> str:
    """Return the whole reference as Markdown, at 80 columns whatever the terminal is."""
    os.environ["COLUMNS"] = "80"
    parts = [INTRODUCTION]
    for name, command in {"": SCREEN, **COMMANDS}.items():
        parts.append(
            f"## pail{f' {name}' if name else ''}\n\n```\n{make_parser(command).format_help().rstrip()}\n```\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(reference())
