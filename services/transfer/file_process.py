"""A process for files: it puts small ones in place on a core of its own.

In one process the thread that writes files and the one of the event loop hand the interpreter's lock to and fro at
each system call, which costs as much as the files themselves.  Whatever the process fails at is done by a thread; what
it had at hand when it ended is done once more.  It holds a lock (`journal.files_lock`) as long as it lives, so that
whoever goes on with the journal after a kill meets no file half written.
"""

from __future__ import annotations

import fcntl
import logging
import os
import select
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Final

from services.child import bare_command
from services.file_lock import FileLock
from services.transfer.file_server import READY, Ear, asked_of, pack
from services.transfer.journal import settled
from services.transfer.landing import Landing

log: Final = logging.getLogger("pail.engine")
"""The engine's log."""

AHEAD: Final = 1000
"""Small files that are known to come, from which on it is worth its start: 10 ms of CPU."""

MOST_BYTES: Final = 4 << 20
"""Bytes of a batch that are handed over at the most: of more, handing over costs more than it saves."""

LOAD: Final = Path("/proc/loadavg")
"""Where Linux tells how many threads run."""

_HANDLES: Final = 10
"""Lowest number of the descriptors that are handed on, so that none of them is in the way of another."""


class FileProcess:
    """The process, at most one at a time; what blocks belongs on a thread."""

    def __init__(self, lock: Path, umask: int) -> None:
        """Have it hold `lock`, a file that only whoever has the journal makes."""
        self._lock = lock
        self._umask = umask
        self._door = threading.Lock()
        self._line: socket.socket | None = None  # behind the door, as is what follows
        self._ear = Ear(-1)
        self._ready = self._over = False
        self.pid = 0
        """Number of the process; 0 where there is none."""
        self.asked = False
        """Whether it was to be started."""

    def pays(self, ahead: int) -> bool:
        """Tell, once, whether it is to be started for so many small files; does not block."""
        if ahead < AHEAD or self.asked or self._over:
            return False
        self.asked = True
        return has_spare_core() and sys.getfilesystemencoding() == "utf-8"

    def start(self) -> None:
        """Start it; where that is impossible nothing changes."""
        with self._door:
            if self._over or self.pid:
                return
            try:
                self._spawn()
            except (OSError, ValueError) as error:
                log.warning("no process for files: %r", error)
                self._over = True

    def _spawn(self) -> None:
        lock = FileLock(self._lock)
        if not lock.acquire():
            return
        ours, theirs = socket.socketpair()
        handed = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, _HANDLES) for one in (theirs.fileno(), lock.handle)]
        try:
            actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_RDWR, 0) for n in range(3)]
            actions += [(os.POSIX_SPAWN_DUP2, handle, 3 + at) for at, handle in enumerate(handed)]
            command = bare_command("services.transfer.file_server", "3", str(self._umask))
            # A group of its own: an interrupt at the terminal is for whoever decides what becomes of a batch.
            self.pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions, setpgroup=0)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            for handle in handed:
                os.close(handle)
            lock.release(remove=not self.pid)
        self._line, self._ear, self._ready = ours, Ear(ours.fileno()), False

    def land(self, batch: list[Landing], size: int) -> bool:
        """Put files in place, as `landing.land` does; False where that is left to the caller, for whatever reason."""
        if not self.pid or size > MOST_BYTES:
            return False
        with self._door:
            line = self._line
            if line is None:
                return False
            try:
                if not self._ready and not self._greeted(line):
                    return False
            except (OSError, EOFError) as error:
                self._give_up(error)
                return False
            try:
                _send(line, [pack(("land", [asked_of(one) for one in batch]), size), *(one.content for one in batch)])
                for one, (placed, fault) in zip(batch, self._ear.receive()[0], strict=True):
                    one.placed, one.fault = placed, fault
            except (OSError, EOFError, ValueError, TypeError) as error:
                self._give_up(error)
                for one in batch:
                    one.again, one.placed, one.fault = True, False, None
                return False
            return True

    def _greeted(self, line: socket.socket) -> bool:
        poll = select.poll()
        poll.register(line, select.POLLIN)
        self._ready = bool(poll.poll(0)) and self._ear.receive()[0] == READY
        return self._ready

    def _give_up(self, error: Exception) -> None:
        """Do without one from now on: it ended, or answered what makes no sense."""
        log.warning("the process for files is of no use any more, threads do its work: %r", error)
        self._over = True
        self._end()

    def rest(self) -> None:
        """End it once it has nothing at hand, until it is worth a start again."""
        with self._door:
            self._end()
            self.asked = False

    def close(self) -> None:
        """End it for good, once it has nothing at hand."""
        self._over = True
        self.rest()

    def _end(self) -> None:
        """End it.  Behind the door it has nothing at hand, or nothing that is not done once more."""
        if self._line is None:
            return
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._line.close()
        self._line, self.pid = None, 0
        settled(self._lock, 0.0)


def _send(line: socket.socket, pieces: list[bytes | memoryview]) -> None:
    """Send all of some bytes from where they are; raises `OSError`."""
    at = 0
    while at < len(pieces):
        sent = line.sendmsg(pieces[at:])
        while at < len(pieces) and sent >= len(pieces[at]):
            sent -= len(pieces[at])
            at += 1
        if sent:
            pieces[at] = memoryview(pieces[at])[sent:]


def has_spare_core() -> bool:
    """Tell whether a second process finds a core that nobody else uses: without one it only costs."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    return cores > 1 and running() <= cores


def running() -> float:
    """Return how many threads run or wait for a core, this one included: just now on Linux, else of late."""
    try:
        # The load of the last minute tells of what has ended, too (proc(5), /proc/loadavg).
        return int(LOAD.read_text("ascii").split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        pass
    try:
        return 1 + os.getloadavg()[0]
    except OSError:
        return 1
