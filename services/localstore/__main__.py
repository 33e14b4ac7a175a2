"""The detached store's own program: `python -m services.localstore DIR [--idle-exit SECONDS]`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from services.errors import PailError
from services.localstore.faults import Faults
from services.localstore.server import serve

FAULTS_VARIABLE = "PAIL_STORE_FAULTS"
"""Faults for tests, read only with `--faults`."""


def main() -> int:
    """Serve until told to stop; print the endpoint once it answers."""
    parser = argparse.ArgumentParser(prog="services.localstore")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--open", action="store_true", help="ask for no token")
    parser.add_argument("--idle-exit", type=float, default=None, metavar="SECONDS")
    parser.add_argument("--faults", action="store_true", help=f"plant the faults in {FAULTS_VARIABLE} (tests)")
    arguments = parser.parse_args()
    os.umask(0o077)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    faults = Faults.from_json(os.environ.get(FAULTS_VARIABLE, "[]")) if arguments.faults else None
    try:
        serve(
            arguments.directory,
            port=arguments.port,
            open_access=arguments.open,
            idle_exit_s=arguments.idle_exit,
            on_ready=_announce,
            faults=faults,
        )
    except PailError as error:
        sys.stderr.write(f"{error.message}\n{error.remedy}\n")
        return int(error.exit_code)
    return 0


def _announce(endpoint: str) -> None:
    sys.stdout.write(f"{endpoint}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
