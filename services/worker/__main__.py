"""The worker as a process of its own: `python -m services.worker --state DIR`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from services import paths
from services.collecting import calm_collector
from services.errors import Busy, PailError
from services.transfer import codec
from services.worker.polite import yield_to_others
from services.worker.server import IDLE_EXIT_S, serve


def main(argv: list[str] | None = None) -> int:
    """Serve; returns the exit code: 0 also where another worker came first."""
    parser = argparse.ArgumentParser(prog="pail worker run", description="Runs the transfers of one state folder.")
    parser.add_argument("--state", type=Path, default=None, help="state folder")
    parser.add_argument("--idle-exit", type=float, default=IDLE_EXIT_S, help="seconds without work before it leaves")
    parser.add_argument("--detached", action="store_true", help="tell why it fails to the client that started it")
    arguments = parser.parse_args(argv)
    state_dir = (arguments.state or paths.state_dir()).absolute()
    # A worker lives for long: it must not keep the folder, and the disk, where it was started.
    os.chdir("/")
    try:
        yield_to_others(configured_nice())
        calm_collector()
        serve(state_dir, idle_exit_s=arguments.idle_exit)
    except Busy:
        return 0
    except PailError as error:
        told = json.dumps(codec.error_to_plain(error)) if arguments.detached else f"{error.message}\n{error.remedy}"
        sys.stderr.write(f"{told}\n")
        return int(error.exit_code)
    return 0


def configured_nice() -> int:
    """Return how far the worker steps back, as the settings say."""
    from services.config import load_or_defaults  # heavy: it knows every setting there is

    return int(load_or_defaults().config.transfers.nice)


if __name__ == "__main__":
    sys.exit(main())
