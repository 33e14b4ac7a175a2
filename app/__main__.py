"""The entry of `pail`: prints its version without importing anything else, and hands the rest to `app.cli`."""

from __future__ import annotations

import gc
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


if __name__ == "__main__":
    sys.exit(main())
