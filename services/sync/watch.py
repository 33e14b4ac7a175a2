"""Hints that something changed in the folder: quick, and never trusted to be complete.

Nothing reports that the kernel dropped events.  So a heartbeat that comes late, a batch of thousands of paths, and a
limit that was reached all mean that the whole folder is looked at again (hazards 38 and 39).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from services.sync.ignore import OWN_FOLDER

STEP_MS: Final = 15
"""Milliseconds without a further change after which events are handed over."""

GATHER_MS: Final = 60
"""Milliseconds for which events are gathered while changes go on."""

FLOOD: Final = 2_000
"""Paths in one batch from which on it counts as an overflow."""

HEARTBEAT_S: Final = 0.5
"""Seconds between two beats."""

LATE_S: Final = 2.0
"""Seconds by which a beat may be late before this process counts as having been stopped or suspended."""

Clock = Callable[[], float]
"""Returns seconds on a scale that never goes back and goes on while the machine sleeps."""


def awake_clock() -> float:
    """Return seconds since the start of the machine, its sleep included where the system counts that."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)  # Linux; elsewhere the heartbeat notices a stop but no sleep
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Hints:
    """What is to be looked at: paths with the time of their last event, or everything."""

    def __init__(self, clock: Clock = awake_clock) -> None:
        self.clock = clock
        self.overflow = ""
        """Why everything has to be looked at again; empty where nothing says so."""
        self.polling = ""
        """Why there are no events at all; empty while they come."""
        self.waiting: dict[str, float] = {}
        """Changed paths below the root, with the time of the last event."""
        self._event = asyncio.Event()

    def add(self, paths: set[str]) -> None:
        """Take in changed paths, relative to the root."""
        now = self.clock()
        if len(paths) >= FLOOD:
            self.flood(f"{len(paths):,} changes at once")
        for path in paths:
            if path.partition("/")[0] != OWN_FOLDER:
                self.waiting[path] = now
                self._event.set()

    def flood(self, why: str) -> None:
        """Have everything looked at again."""
        self.overflow = why
        self._event.set()

    def wake(self) -> None:
        """Have whoever waits look again, though nothing has changed."""
        self._event.set()

    def settled(self, settle_s: float) -> set[str]:
        """Take out the paths that have been left alone for `settle_s`."""
        now = self.clock()
        ready = {path for path, at in self.waiting.items() if now - at >= settle_s}
        for path in ready:
            del self.waiting[path]
        return ready

    async def wait(self, seconds: float) -> None:
        """Return after `seconds`, or as soon as something comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._event.wait()
        self._event.clear()


async def watch_folder(root: str, hints: Hints, stop: asyncio.Event) -> None:
    """Feed hints from the system's events until stopped; where there can be none, say so and return."""
    try:
        async for paths in _events(root, stop):
            hints.add(paths)
    except OSError as error:
        hints.polling = f"the system reports no changes ({error}); the folder is looked through instead"
        hints.flood(hints.polling)


async def _events(root: str, stop: asyncio.Event) -> AsyncIterator[set[str]]:
    import watchfiles  # compiled; needed for watching only

    start = len(root) + 1
    # The default filter would silently drop folders such as node_modules, the default times gather for 1.6 s.
    async for changes in watchfiles.awatch(
        root,
        watch_filter=None,
        debounce=GATHER_MS,
        step=STEP_MS,
        stop_event=stop,
        force_polling=False,
    ):
        yield {path[start:] for _, path in changes}


async def beat(hints: Hints, *, interval_s: float = HEARTBEAT_S) -> None:
    """Notice that this process did not run for a while, for as long as it is not cancelled."""
    while True:
        before = hints.clock()
        await asyncio.sleep(interval_s)
        late = hints.clock() - before - interval_s
        if late > LATE_S:
            hints.flood(f"this process did not run for {late:.0f} s")
