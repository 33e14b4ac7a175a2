"""A pair that is kept in step for as long as it runs: hints wake it, scans and listings decide."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from services import names
from services.errors import Busy, DiskFull, LocalFileError, NotAuthenticated, PailError, Transient, UnmappableName
from services.sync.controller import Controller, Result
from services.sync.ignore import IGNORE_FILE
from services.sync.limits import REQUESTS_AN_HOUR
from services.sync.watch import LATE_S, Hints, beat, watch_folder

HOUR_S: Final = 3600.0
"""Seconds of an hour."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds; tests shorten them."""

    settle_s: float = 0.1
    """For which a file has to be left alone before it is looked at."""
    poll_s: float = 5.0
    """Between two listings while something changes."""
    poll_most_s: float = 60.0
    """Between two listings when all is quiet."""
    rescan_s: float = 600.0
    """Between two looks at everything."""
    retry_s: float = 1.0
    """Before what changed meanwhile is planned again."""
    wait_s: float = 5.0
    """Before another try once the network or the disk has gone; doubled up to a minute."""
    scan_share: float = 0.05
    """Share of the time that looking through the folder may take where the system reports no changes."""
    scan_least_s: float = 2.0
    """Between two looks through the folder then."""


def poll_interval(times: Times, quiet: int, pages: int, requests_an_hour: int = REQUESTS_AN_HOUR) -> float:
    """Return the seconds until the next listing, after so many that brought nothing, each of so many pages."""
    wanted = min(times.poll_most_s, times.poll_s * 2.0 ** min(quiet, 20))
    return max(wanted, pages * HOUR_S / max(1, requests_an_hour))


class Spending:
    """The pages that were listed within the last hour: what looks by itself waits until there is room for it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """Class A requests that may be made in an hour."""
        self._listed: deque[tuple[float, int]] = deque()

    def add(self, now: float, pages: int) -> None:
        """Note a listing."""
        self._listed.append((now, pages))

    def pages(self, now: float) -> int:
        """Return the pages of the last hour."""
        while self._listed and self._listed[0][0] <= now - HOUR_S:
            self._listed.popleft()
        return sum(pages for _, pages in self._listed)

    def free_at(self, now: float, pages: int) -> float:
        """Return the earliest moment at which so many pages more stay within the limit."""
        over = self.pages(now) + pages - self.limit
        for at, spent in self._listed:
            if over <= 0:
                break
            now, over = at + HOUR_S, over - spent
        return now


class Live:
    """Runs a controller until stopped."""

    def __init__(
        self,
        controller: Controller,
        *,
        times: Times | None = None,
        hints: Hints | None = None,
        watch: bool = True,
        requests_an_hour: int = REQUESTS_AN_HOUR,
    ) -> None:
        self._controller = controller
        self._times = times or Times()
        self.hints = hints or Hints()
        """Where hints are put; tests put their own."""
        self._watch = watch
        self._stop = asyncio.Event()
        self._quiet = 0
        self._failures = 0
        self._poll_at = 0.0
        self._rescan_at = 0.0
        self._scan_at = 0.0
        self._asked: deque[tuple[Callable[[], Awaitable[Result]], asyncio.Future[Result]]] = deque()
        self.spending = Spending(requests_an_hour)
        """What looking at the bucket has cost."""
        self.interval_s = 0.0
        """Seconds between two looks at the bucket just now."""

    def stop(self) -> None:
        """End it once what is under way is finished."""
        self._stop.set()
        self.hints.flood("")

    def refresh(self) -> None:
        """Look at both sides now, and often for a while."""
        self._quiet = 0
        self.hints.flood("a person asked")

    async def do(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Have a pass of somebody else's run in its turn, and return what came of it; raises `PailError`."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._asked.append((work, future))
        self.hints.wake()
        return await future

    async def run(self) -> None:
        """Keep the pair in step until `stop`; raises the `PailError` that only a person can mend."""
        # The watch begins before the first scan, so that nothing falls between the two.
        tasks = [asyncio.create_task(beat(self.hints))]
        if self._watch:
            tasks.append(asyncio.create_task(watch_folder(self._controller.pair.root, self.hints, self._stop)))
        try:
            while not self._stop.is_set():
                for task in tasks:
                    # A watch that broke must not go unnoticed: nothing else would wake this loop.
                    if task.done() and (error := task.exception()) is not None:
                        raise error
                await self._turn()
        except PailError as error:
            self._controller.enter("halted", f"{error.message}. {error.remedy}".strip())
            raise
        finally:
            for _, future in self._asked:
                if not future.done():
                    future.set_exception(Busy("the pair is not kept in step any more", remedy="Try again."))
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _turn(self) -> None:
        """Do what is due, or wait."""
        clock = self.hints.clock
        now = clock()
        if self._asked:
            await self._do_asked()
        elif self.hints.overflow or now >= self._rescan_at:
            why, self.hints.overflow = self.hints.overflow, ""
            if why and self._rescan_at:
                self._controller.notice(f"looking at everything again: {why}")
            self._rescan_at = now + self._times.rescan_s
            await self._do(self._everything, listed=True, rescan=True)
        elif ready := self.hints.settled(self._times.settle_s):
            await self._do(lambda: self._local(ready))
        elif self.hints.polling and now >= self._scan_at:
            await self._do(lambda: self._controller.run_local(hold=self._held()))
            self._scan_at = clock() + max(self._times.scan_least_s, (clock() - now) / self._times.scan_share)
        elif now >= self._poll_at:
            await self._do(lambda: self._controller.run_remote(hold=self._held()), listed=True)
        else:
            await self._rest(now)

    async def _do_asked(self) -> None:
        work, future = self._asked.popleft()
        try:
            result = await work()
        except PailError as error:
            # What it saw and did not do is looked at again in the ordinary way, which may halt here as well.
            self._rescan_at = 0.0
            if not future.done():
                future.set_exception(error)
            return
        self.spending.add(self.hints.clock(), self._controller.remote.pages)
        if not future.done():
            future.set_result(result)
        undone = bool(result.plan.work) and not result.items
        if result.again or result.stopped is not None or undone:
            # What was seen and not done would not show as a change any more.
            self._rescan_at = min(self._rescan_at, self.hints.clock() + self._times.retry_s)
        self._controller.enter("watching", "")

    async def _rest(self, now: float) -> None:
        due = [self._poll_at, self._rescan_at]
        if self.hints.polling:
            due.append(self._scan_at)
        due += [at + self._times.settle_s for at in self.hints.waiting.values()]
        seconds = max(0.0, min(due) - now)
        await self.hints.wait(seconds)
        late = self.hints.clock() - now - seconds
        if late > LATE_S:
            # Before anything else is decided: what is known of the folder is from before the pause (hazard 47).
            self.hints.flood(f"this process did not run for {late:.0f} s")

    async def _everything(self) -> Result:
        began, held = self.hints.clock(), self._held()
        result = await self._controller.run_pass(hold=held)
        # What changed since it began may have been scanned before.
        for path in [path for path, at in self.hints.waiting.items() if path not in held and at < began]:
            del self.hints.waiting[path]
        return result

    def _held(self) -> set[str]:
        """Return the files that are being written just now."""
        now = self.hints.clock()
        return {path for path, at in self.hints.waiting.items() if now - at < self._times.settle_s}

    async def _local(self, paths: set[str]) -> Result:
        folders: set[str] = set()
        known = self._controller.tree.entries
        for path in paths:
            if path.rpartition("/")[2] == IGNORE_FILE:
                return await self._everything()
            key = _key(path)
            if key and self._controller.rules.ignores_path(key):
                continue
            folder = _key(path.rpartition("/")[0])
            while folder and f"{folder}/" not in known:
                folder = folder.rpartition("/")[0]
            folders.add(f"{folder}/" if folder else "")
            if f"{key}/" in known:
                folders.add(f"{key}/")
        if not folders:
            return Result()
        try:
            return await self._controller.run_folders(folders, hold=self._held())
        except LocalFileError:
            # The folder itself may have gone: that is for a look at everything to say.
            return await self._everything()

    async def _do(self, work: Callable[[], Awaitable[Result]], *, listed: bool = False, rescan: bool = False) -> None:
        """Run a pass, and plan the next ones by what came of it."""
        try:
            result = await work()
            if result.stopped is not None:
                raise result.stopped
        except (Transient, DiskFull, NotAuthenticated) as error:
            await self._wait_out(error)
            return
        times, now = self._times, self.hints.clock()
        pages = self._controller.remote.pages
        if listed:
            self.spending.add(now, pages)
        self._failures = 0
        self._quiet = 0 if result.items else self._quiet + (1 if listed else 0)
        self.interval_s = interval = poll_interval(times, self._quiet, pages, self.spending.limit)
        if listed or result.items:
            self._poll_at = max(now + interval, self.spending.free_at(now, pages))
        if rescan:
            self._rescan_at = max(self._rescan_at, self.spending.free_at(now, pages))
        if result.again:
            self._rescan_at = min(self._rescan_at, now + times.retry_s)
        if not self._stop.is_set():
            self._controller.enter("watching", f"looks at the bucket every {interval:.0f} s")

    async def _wait_out(self, error: PailError) -> None:
        """Wait for the network, the disk or new credentials, and look at everything once they may be back."""
        delay = min(60.0, self._times.wait_s * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._controller.enter("waiting", f"{error.message}; next try in {delay:.0f} s")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._stop.wait()
        self._rescan_at = 0.0


def _key(path: str) -> str:
    """Return the key of a path below the root; of one that has none that of the folder it lies in."""
    try:
        return names.object_name(path)
    except UnmappableName:
        return _key(path.rpartition("/")[0])
