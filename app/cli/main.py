"""Parses the command line, runs one command, and turns what comes of it into an exit code."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
from collections.abc import Sequence

from app.cli.arguments import find_command
from app.cli.commands import COMMANDS, SCREEN, make_parser, valued_options
from app.cli.output import Output, OutputClosed, internal_error, report
from services.collecting import calm_collector
from services.errors import ExitCode, Interrupted, PailError, UsageError


def run(words: Sequence[str]) -> int:
    """Run the command line `words` and return the exit code; nothing but `SystemExit` of a hurried exit escapes."""
    _open_standard_streams()
    words = [as_utf8(word) for word in words]
    early = words[: words.index("--")] if "--" in words else words
    as_json = "--json" in early
    verbose = "--verbose" in early or any(re.fullmatch(r"-[a-zA-Z]*v[a-zA-Z]*", word) for word in early)
    try:
        return _run(words)
    except OutputClosed:
        _drop_output()
        return ExitCode.OK
    except Interrupted as error:
        report(error, json_records=as_json)
        # A thread may still wait for a pipe or the network; nobody waits for it, and what matters is journalled.
        os._exit(ExitCode.INTERRUPTED)
    except PailError as error:
        report(error, json_records=as_json, verbose=verbose)
        return error.exit_code
    except KeyboardInterrupt:
        report(Interrupted("interrupted"), json_records=as_json)
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets a sentence, -v the traceback
        report(internal_error(error), json_records=as_json, verbose=verbose)
        return ExitCode.FAILED


def _run(words: Sequence[str]) -> int:
    if sys.platform == "win32":
        raise UsageError("Windows is not supported", remedy="Run Pail in WSL: learn.microsoft.com/windows/wsl")
    name, rest = find_command(words, COMMANDS, valued_options())
    command = COMMANDS[name] if name else SCREEN
    try:
        args = make_parser(command).parse(rest, COMMANDS)
    except SystemExit:
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
            return ExitCode.OK
        raise OutputClosed from None
    if args.no_color:
        os.environ["NO_COLOR"] = "1"
    output = Output(json_records=args.json, quiet=args.quiet, verbose=args.verbose)
    from app.cli.context import Context

    module = importlib.import_module(f"app.cli.{command.module}")
    calm_collector()
    code: int = module.run(Context(name, args, output))
    output.flush()
    return code


def as_utf8(word: str) -> str:
    """Return a URL's bytes read as UTF-8, whatever the locale made of them; paths stay as the file system has them."""
    return (
        word if word.isascii() or not word.startswith("gs://") else os.fsencode(word).decode("utf-8", "surrogateescape")
    )


def _open_standard_streams() -> None:
    """Give a closed standard stream a sink, so that no socket or file takes its number."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115 - lives as long as the process


def _drop_output() -> None:
    """Keep the interpreter's last flush from failing on the closed pipe."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
