"""Jobs that wait for a disk: paused with the cause, and going on by themselves once there is room (hazard 46)."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from services.errors import DiskFull
from services.names import display_name, is_gs_url
from services.transfer import local
from services.transfer.core import Core, log
from services.transfer.job import Job
from services.transfer.messages import NoticeFact

LEAST_ROOM: Final = 1 << 20
"""Bytes that have to be free before a job goes on: less would be gone at once."""

TRIAL: Final = 64 * 1024
"""Bytes that are written to find out whether a disk can be written: a quota does not show in its free space."""

LONGEST_WAIT: Final = 12
"""A disk that has room but refuses again and again is asked that many times more rarely at the most."""


class Halts:
    """Pauses jobs whose disk is full or cannot be written, and lets them go on."""

    def __init__(self, core: Core, stop: Callable[[Job], object]) -> None:
        """Stop what runs of a job by `stop`."""
        self._core = core
        self._stop = stop
        self._watched: dict[int, asyncio.Task[None]] = {}
        self.resume: Callable[[Job], Awaitable[None]]
        """Lets a job go on; set by whoever carries out commands."""

    @property
    def waiting(self) -> bool:
        """Whether a job waits for a disk."""
        return bool(self._watched)

    async def halt(self, job: Job, error: DiskFull, needed: int) -> None:
        """Pause a job instead of failing thousands of transfers; `needed` bytes have to be free for it to go on."""
        if job.row.state == "paused":
            return
        job.row.state = "paused"
        remedy = f"{error.remedy.removesuffix('.')}; it goes on by itself then."
        job.row.reason, job.row.code, job.row.remedy = error.message, error.reason, remedy
        self._stop(job)
        self.watch(job, error.url, needed)
        await self._core.save(job)
        if not job.halted:
            self._core.facts.publish(NoticeFact(error.message, remedy=remedy, code=error.reason, job=job.id))
        job.halted += 1

    def watch(self, job: Job, path: str = "", needed: int = 0) -> None:
        """Look after the disk of a job that waits for it; without `path` it is the one of the job's target."""
        if job.row.code != DiskFull.reason or job.row.state != "paused" or job.row.id in self._watched:
            return
        path = path or next((item.target for item in job.row.spec.items if not is_gs_url(item.target)), "")
        if path:
            task = self._core.background(self._until_room(job, path, max(LEAST_ROOM, needed)))
            self._watched[job.row.id] = task
            task.add_done_callback(lambda _: self._watched.pop(job.row.id, None))

    async def _until_room(self, job: Job, path: str, needed: int) -> None:
        pause = self._core.options.disk_probe_s
        refused = min(job.halted, LONGEST_WAIT)
        while True:
            await asyncio.sleep(pause * max(1, refused))
            if job.row.state != "paused" or job.row.code != DiskFull.reason or self._core.closing:
                return
            if await self._core.tools.on_disk(has_room, path, needed):
                break
            refused = 0
        log.info("job %s: there is room for %s again", job.id, display_name(path))
        self._watched.pop(job.row.id, None)
        await self.resume(job)


def has_room(path: str, needed: int) -> bool:
    """Tell whether a file of `needed` bytes can be written where `path` is or will be; blocks."""
    folder = Path(path)
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    trial = folder / f"{local.PARTIAL_PREFIX}trial-{os.urandom(8).hex()}"
    try:
        found = os.statvfs(folder)
        if found.f_bavail * found.f_frsize < needed:
            return False
        handle = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        os.write(handle, b"\0" * TRIAL)
        os.fsync(handle)
    except OSError:
        return False
    finally:
        os.close(handle)
        with contextlib.suppress(OSError):
            trial.unlink()
    return True
