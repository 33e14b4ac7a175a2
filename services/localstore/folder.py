"""A store's folder: its lock, and the run file that says where the store answers."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.errors import Busy, Unsafe
from services.paths import check_owned, ensure_private_dir, write_private

RUN_FILE: Final = "run.json"
"""Endpoint, process and token of the running store; 0600."""

PORT_FILE: Final = "port"
"""The port it had last, which it takes again when it is free."""

LOCK_FILE: Final = "lock"
"""Held (flock) while a store runs on the folder."""


@dataclass(frozen=True, slots=True)
class RunFile:
    """What the run file says."""

    endpoint: str
    """Base URL."""
    pid: int
    """The store's process."""
    token: str | None
    """Bearer token; None when the store is open."""


class FolderLock:
    """The exclusive lock of a store's folder; the system releases it when the process ends, however it ends."""

    def __init__(self, directory: Path) -> None:
        """Take the lock; raises `Busy` when another store has it."""
        ensure_private_dir(directory)
        self._descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise Busy(
                f"another store is running on {directory}",
                remedy="Use that one, or stop it first.",
                url=str(directory),
            ) from error

    def release(self) -> None:
        """Let the folder go."""
        os.close(self._descriptor)


def is_locked(directory: Path) -> bool:
    """Whether a store runs on a folder."""
    try:
        descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def write_run_file(directory: Path, run: RunFile) -> None:
    """Say where the store answers."""
    text = json.dumps({"endpoint": run.endpoint, "pid": run.pid, "token": run.token})
    write_private(directory / RUN_FILE, text.encode())
    port = run.endpoint.rpartition(":")[2]
    write_private(directory / PORT_FILE, port.encode())


def read_run_file(directory: Path) -> RunFile | None:
    """Return what the run file says; None when there is none, or it makes no sense.

    Raises `Unsafe` when another user could have written it.
    """
    path = directory / RUN_FILE
    check_owned(path)
    try:
        data = json.loads(path.read_bytes())
        run = RunFile(str(data["endpoint"]), int(data["pid"]), data["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not run.endpoint.startswith("http://127.0.0.1:"):
        raise Unsafe(f"{path} names an endpoint that is not this machine", remedy="Remove it.", url=str(path))
    return run


def remove_run_file(directory: Path) -> None:
    """Say that no store answers any more."""
    with contextlib.suppress(FileNotFoundError):
        (directory / RUN_FILE).unlink()


def last_port(directory: Path) -> int:
    """Return the port that the folder's store had last, 0 when it is not known."""
    try:
        port = int((directory / PORT_FILE).read_text())
    except (OSError, ValueError):
        return 0
    return port if 1024 <= port < 65_536 else 0
