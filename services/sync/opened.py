"""Opening a pair: the right to run it, its memory, its threads, and the controller that works on them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from services.errors import PailError
from services.gcs.interface import Storage
from services.sync.conflicts import machine_name
from services.sync.controller import Controller, Listener, unlimited
from services.sync.disk import Disk
from services.sync.limits import TRASH_MB
from services.sync.move import Throttle
from services.sync.notes import OnDisk
from services.sync.pair import Claim, Pair, claim
from services.sync.remote import Prefix
from services.sync.state import State
from services.sync.status import RunKind

DISK_THREADS: Final = 8
"""Threads for local files."""


class Opened(NamedTuple):
    """A pair that this process has the right to run."""

    controller: Controller
    """What works on it."""
    claim: Claim
    """The right."""
    state: State
    """Its memory."""
    on_disk: OnDisk
    """Runs blocking functions on the pair's threads."""


@asynccontextmanager
async def opened(
    pair: Pair,
    storage: Storage,
    state_dir: Path,
    *,
    kind: RunKind = "once",
    listener: Listener | None = None,
    throttle: Throttle = unlimited,
    trash_bytes: int = TRASH_MB * 1_000_000,
) -> AsyncIterator[Opened]:
    """Claim a pair and yield what runs it; raises `Busy`, `UsageError`, `PailError`."""
    claimed = await asyncio.to_thread(claim, pair, state_dir, kind)
    threads = ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="pail-disk")
    loop = asyncio.get_running_loop()

    async def on_disk(function: Any, *arguments: Any) -> Any:
        future = loop.run_in_executor(threads, function, *arguments)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # Nothing is closed or deleted while a thread still uses it.
            await asyncio.wait([future])
            raise

    try:
        state = await on_disk(State.open, claimed.database, pair.identity)
        try:
            controller = Controller(
                pair,
                Disk(pair.root, prefix=pair.prefix, umask=_umask(), trash_bytes=trash_bytes),
                Prefix(storage.data, pair.bucket, pair.prefix, timeless=pair.mode == "push"),
                state,
                on_disk=on_disk,
                machine=machine_name(socket.gethostname()),
                listener=listener,
                throttle=throttle,
            )
            yield Opened(controller, claimed, state, on_disk)
        finally:
            state.close()
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
        claimed.release()


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


async def keeps_nothing(storage: Storage, pair: Pair) -> bool:
    """Tell whether the bucket of a pair keeps neither deleted nor older versions of what a sync may change in it.

    False as well where the settings may not be read: whether the bucket is there the listing tells.
    """
    if pair.mode == "pull":
        return False
    try:
        info = await storage.control.get_bucket(pair.bucket)
    except PailError:
        return False
    return not info.soft_delete_s and not info.versioning
