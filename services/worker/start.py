"""Starting a worker as a process that outlives whoever started it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Final

from services import paths
from services.child import module_command, module_environment
from services.errors import PailError
from services.names import display_name
from services.transfer import codec

CRASH_LOG_NAME: Final = "worker-start.log"
"""Where a worker that cannot start says why; begun anew each time."""


def start_worker(state_dir: Path) -> int:
    """Start a detached worker and return its process id; whether it serves is found out by connecting.

    It has a session of its own, so neither the end of a terminal nor of its starter reaches it.  Blocks for some
    milliseconds; raises `OSError`.
    """
    paths.ensure_private_dir(state_dir)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    return os.posix_spawn(
        sys.executable,
        module_command("services.worker", "--detached", "--state", str(state_dir)),
        module_environment(),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(state_dir / CRASH_LOG_NAME), flags, paths.PRIVATE_FILE_MODE),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def reap(pid: int) -> bool:
    """Tell whether a worker that this process started has ended, and let the system forget it."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    return True


def crash_reason(state_dir: Path) -> PailError:
    """Return why a worker could not start, from what it has left: its own error, or the last line of a traceback."""
    try:
        lines = (state_dir / CRASH_LOG_NAME).read_text(errors="replace").split("\n")
    except OSError:
        lines = []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    try:
        plain = json.loads(last)
        if isinstance(plain, dict):
            return codec.error_from_plain(plain)
    except ValueError:
        pass
    return PailError(
        f"the worker did not start{': ' if last else ''}{display_name(last)}",
        remedy=f"See {state_dir}/worker.log, or try 'pail worker run'.",
    )
