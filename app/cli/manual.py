"""Writes the manual page from the parsers and the registry: `python -m app.cli.manual > docs/pail.1`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from app.cli.arguments import Parser
from app.cli.command import Command
from app.cli.commands import COMMANDS, SCREEN, make_parser
from services.errors import ExitCode

MEANINGS: Final = {
    ExitCode.OK: "done; also conflicts of which both sides were kept, and SIGTERM to a sync that watches",
    ExitCode.FAILED: "anything that is not below",
    ExitCode.USAGE: "usage; also no terminal for the screen, or a confirmation that nobody could give",
    ExitCode.BUCKET_NOT_FOUND: "bucket or prefix not found",
    ExitCode.OBJECT_NOT_FOUND: "object not found",
    ExitCode.GAVE_UP: "gave up on a passing fault after retries",
    ExitCode.SOME_FAILED: "some items failed, the rest is done; each is named",
    ExitCode.NOT_ALLOWED: "no credentials, or not allowed",
    ExitCode.PRECONDITION: "a precondition failed: someone else changed it",
    ExitCode.SAFEGUARD: "a safeguard stopped it: a mass delete, a vanished root, a broken listing",
    ExitCode.INTERRUPTED: "interrupted; what can be resumed will be",
}
"""What each exit code means."""

FILES: Final = (
    ("$XDG_CONFIG_HOME/pail/config.toml", "settings, keys, theme, prices; see pail config"),
    ("$XDG_CONFIG_HOME/pail/themes/", "themes of your own"),
    ("$XDG_STATE_HOME/pail/", "journals, socket and lock of the worker, bases of sync, logs"),
    ("$XDG_CACHE_HOME/pail/", "counts of what buckets hold"),
    ("$XDG_DATA_HOME/pail/", "the embedded store"),
    ("pail.toml", "in a project folder: its attached buckets and proposed sync pairs"),
    (".pailignore", "in a synced folder: what stays out, in gitignore syntax"),
)
"""Files and folders, with what they hold."""

ENVIRONMENT: Final = (
    ("GOOGLE_APPLICATION_CREDENTIALS", "a key file, as in Google's tools"),
    ("STORAGE_EMULATOR_HOST", "a server that is talked to without credentials"),
    ("NO_COLOR", "no colours: marks, focus and errors are told by signs"),
    ("LANG, LC_ALL, LC_CTYPE", "C or an encoding other than UTF-8: signs in ASCII"),
    ("EDITOR, VISUAL, PAGER", "what opens an object's content, and config.toml"),
    ("SSH_CONNECTION", "set: fewer updates, no hover"),
    ("PAIL_PLAIN_DRIVER", "1: every change is written as Textual writes it, not only the cells that differ"),
    ("HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE, REQUESTS_CA_BUNDLE", "the way to the service"),
)
"""Variables that are looked at, with what they do."""


def manual() -> str:
    """Return the manual page in the man macros of roff."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield '.\\" Written by python -m app.cli.manual from the program itself; a test keeps it current.'
    yield '.TH PAIL 1 "" "Pail" "User Commands"'
    yield ".SH NAME"
    yield "pail \\- a terminal file manager for Google Cloud Storage buckets"
    yield ".SH SYNOPSIS"
    yield from ('.B "pail"', "[OPTIONS] [gs://BUCKET[/PREFIX]]", ".br", '.B "pail"', "[OPTIONS] COMMAND ...")
    yield ".SH DESCRIPTION"
    yield _roff(
        "Without a command pail opens its screen: browse, move, share and organise objects, settings, access and usage "
        "of buckets, and folders that are kept in step with them. ? shows the keys that work where one is, : finds "
        "every command by its name, ; puts a letter on everything that can be gone to."
    )
    yield ".PP"
    yield _roff(
        "Data goes to standard output, messages to standard error, progress only to a terminal. With --json every "
        "record is one line; times are RFC 3339, sizes are bytes, generations are strings."
    )
    parser = make_parser(SCREEN)
    common = parser.common._group_actions  # noqa: SLF001 - argparse has no other way to its groups
    yield ".SH OPTIONS"
    yield from _options(action for action in parser.declared if action.option_strings)
    yield ".SH COMMANDS"
    for command in COMMANDS.values():
        yield from _command(command, make_parser(command), {action.dest for action in common})
    yield from _table("EXIT STATUS", ((str(int(code)), MEANINGS[code]) for code in ExitCode))
    yield from _table("FILES", FILES)
    yield from _table("ENVIRONMENT", ENVIRONMENT)
    yield ".SH SEE ALSO"
    yield _roff("pail COMMAND --help; docs/screen.md, docs/cli.md, docs/config.md and docs/sync.md of the source.")


def _command(command: Command, parser: Parser, common: set[str]) -> Iterator[str]:
    yield f'.SS "{_roff(f"pail {command.name} {command.words}".strip())}"'
    summary = command.summary[0].upper() + command.summary[1:]
    yield _roff(f"{summary}." if not summary.endswith(".") else summary)
    if command.details:
        yield _roff(command.details)
    yield from _options(action for action in parser.declared if action.dest not in common)
    for line, does in command.examples:
        yield ".TP"
        yield f".I {_roff(line)}"
        yield _roff(does)


def _options(actions: Iterable[argparse.Action]) -> Iterator[str]:
    for action in actions:
        if action.help == argparse.SUPPRESS:
            continue
        shown = action.metavar if isinstance(action.metavar, str) else ""
        value = f" {shown}" if shown and action.option_strings else ""
        yield ".TP"
        yield f".B {_roff(', '.join(action.option_strings) + value if action.option_strings else shown or action.dest)}"
        yield _roff((action.help or "").replace("%%", "%"))


def _table(title: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f".SH {title}"
    for name, text in rows:
        yield from (".TP", f".B {_roff(name)}", _roff(text))


_SIGNS: Final = {"\\": "\\e", "-": "\\-", "…": "...", "→": "\\(->", "·": "\\(bu", "“": '"', "”": '"', '"': "\\(dq"}
"""Characters that mean something to roff, or that not every terminal has."""


def _roff(text: str) -> str:
    """Return text that roff prints as it is."""
    written = "\n".join(line.strip() for line in text.strip().splitlines() if line.strip())
    written = "".join(_SIGNS.get(char, char) for char in written)
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in written.splitlines())


if __name__ == "__main__":
    sys.stdout.write(manual())
