"""The entry of `pail`: prints its version without importing anything else, and hands the rest to `app.cli`."""

from __future__ import annotations

import atexit
import gc
import os
import sys


def main() -> int:
    """Run the command line of this process and return its exit code."""
    words = sys.argv[1:]
    if words in (["--version"], ["-V"]) and sys.stdout is not None:
        from services import __version__  # the common case of scripts: nothing else is loaded

        print(f"pail {__version__}", flush=True)  # noqa: T201 - this is the command line
        return 0
    gc.disable()  # what is imported now stays: looking for garbage among it takes 8 ms; `calm_collector` ends this
    from app.cli.main import run

    return run(words)


def entry() -> None:
    """Run the command line, and end the process with its exit code."""
    code: list[int] = []
    atexit.register(_leave, code)
    code.append(main())
    sys.exit(code[0])


def _leave(code: list[int]) -> None:
    """Have the system free what a command that has ended holds, all at once: piece by piece it takes 5 ms.

    What is registered first is called last, when threads have ended and everybody else has tidied up.
    """
    if code:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            return  # the interpreter tells of it
        os._exit(code[0])


if __name__ == "__main__":
    entry()
