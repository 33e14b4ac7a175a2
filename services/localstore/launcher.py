"""The detached store of a folder: find it, start it, stop it."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.child import module_command, module_environment
from services.errors import PailError, Transient
from services.localstore.folder import is_locked, read_run_file
from services.paths import ensure_private_dir

LOG_FILE: Final = "store.log"
"""Standard error of a detached store, in its folder."""

LOG_LIMIT_BYTES: Final = 1 << 20
"""A log that is larger is started anew, with the old one kept beside it."""

IDLE_EXIT_S: Final = 300.0
"""Seconds without a connection after which a detached store leaves."""

POLL_S: Final = 0.02
"""Seconds between looks at whether it answers."""

PROBE_TIMEOUT_S: Final = 2.0
"""Seconds that a store gets to answer a probe."""


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where a store answers, and the token that it asks for."""

    endpoint: str
    """Base URL."""
    token: str | None
    """Bearer token, a secret; None when the store is open."""

    def __repr__(self) -> str:
        """Leave the token out: representations reach logs."""
        return f"StoreAddress(endpoint={self.endpoint!r})"


def ensure_running(directory: Path, *, timeout_s: float = 10.0) -> StoreAddress:
    """Return the address of the folder's store, starting one detached when none is running; blocks.

    Any number of processes may call it at once: the folder's lock lets one store through, and everybody finds that.
    Raises `PailError` when it does not answer in time.
    """
    ensure_private_dir(directory)
    deadline = time.monotonic() + timeout_s
    process: subprocess.Popen[bytes] | None = None
    while True:
        address = running(directory)
        if address is not None:
            if process is not None:
                _end_if_superfluous(process, directory)
            return address
        if (process is None or process.poll() is not None) and not is_locked(directory):
            if process is not None and process.returncode not in {0, None}:
                raise _failed(directory, f"it ended with code {process.returncode}")
            process = _start(directory)
        if time.monotonic() >= deadline:
            raise _failed(directory, f"it did not answer within {timeout_s:.0f} s")
        time.sleep(POLL_S)


def running(directory: Path) -> StoreAddress | None:
    """Return the address of the folder's store, None when none answers; starts nothing."""
    run = read_run_file(directory)
    if run is None or not is_locked(directory):
        return None
    return StoreAddress(run.endpoint, run.token) if _answers(run.endpoint, run.token) else None


def stop(directory: Path, *, timeout_s: float = 15.0) -> bool:
    """Stop the folder's store and wait until it is gone; False when none was running.

    Raises `Transient` when it does not leave in time.
    """
    deadline = time.monotonic() + timeout_s
    told: int | None = None
    while is_locked(directory):
        run = read_run_file(directory)
        # Another one that was being started may take the folder the moment the first one leaves.
        if run is not None and run.pid != told:
            told = run.pid
            with contextlib.suppress(ProcessLookupError):
                os.kill(told, signal.SIGTERM)
        if time.monotonic() >= deadline:
            raise Transient(f"the store on {directory} does not stop", remedy=_by_hand(told))
        time.sleep(POLL_S)
    return told is not None


def _by_hand(pid: int | None) -> str:
    return f"Stop process {pid} by hand." if pid is not None else "Wait until it has started, then try again."


def _end_if_superfluous(process: subprocess.Popen[bytes], directory: Path) -> None:
    """End the store that we started where another one answers: it would take the folder once that one leaves."""
    run = read_run_file(directory)
    if run is not None and run.pid != process.pid:
        process.terminate()


def _answers(endpoint: str, token: str | None) -> bool:
    """Ask for a list of buckets: only the folder's own store accepts its token."""
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=PROBE_TIMEOUT_S)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request("GET", "/storage/v1/b?maxResults=1&fields=kind", headers=headers)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _start(directory: Path) -> subprocess.Popen[bytes]:
    log = directory / LOG_FILE
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    # Its own session: a closed terminal must not take it along. Its only secret is made inside, never passed.
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        process = subprocess.Popen(
            module_command("services.localstore", str(directory), "--idle-exit", str(IDLE_EXIT_S)),
            env=module_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=descriptor,
            start_new_session=True,
            close_fds=True,
        )
    finally:
        os.close(descriptor)
    # It outlives us or not: whichever ends first, no zombie stays behind.
    threading.Thread(target=process.wait, name="store-reaper", daemon=True).start()
    return process


def _failed(directory: Path, why: str) -> PailError:
    return PailError(
        f"the store on {directory} did not start: {why}",
        remedy=f"See {directory / LOG_FILE}.",
        url=str(directory),
    )
