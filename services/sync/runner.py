"""One pair that a process keeps in step: its plan is shown first where that is wanted, then it runs live.

It says where it stands, takes what a person decides, and makes passes for others who ask.  The worker's runners stay
where a safeguard halts them, until somebody says how to go on; one in the foreground ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from services.errors import Busy, PailError, Rejected, Safeguard
from services.gcs.interface import Storage
from services.sync.apply import Item
from services.sync.controller import Listener, Phase, Result, unlimited
from services.sync.entries import LocalEntry
from services.sync.gate import MaxDelete
from services.sync.limits import Limits
from services.sync.live import HOUR_S, Live, Times
from services.sync.move import Throttle
from services.sync.opened import Opened, keeps_nothing, opened
from services.sync.owner import OwnerServer
from services.sync.pair import Pair
from services.sync.planned import Planned
from services.sync.status import (
    MOST_LINES,
    PLAN_WINDOW,
    STOPPED,
    Choice,
    ConflictView,
    LineView,
    PairView,
    PassView,
    PlanView,
    RunKind,
    Stand,
    Ticks,
    TroubleView,
)
from services.sync.words import conflicts_in, line_of, line_of_item, trouble_of, trouble_of_item

RECENT: Final = 30
"""Actions that are remembered as activity."""

MOST_SHOWN: Final = 200
"""Problems and conflicts that a view holds at the most."""

METER_S: Final = 60.0
"""Seconds between two looks at what was asked of the service."""

EXPIRE_S: Final = 6 * HOUR_S
"""Seconds between two looks at what is too old in the trash."""


class Runner:
    """Runs one pair until stopped; everything in it belongs to one event loop."""

    def __init__(
        self,
        pair: Pair,
        storage: Storage,
        state_dir: Path,
        *,
        kind: RunKind = "worker",
        ask: bool = False,
        listener: Listener | None = None,
        throttle: Throttle = unlimited,
        times: Times | None = None,
        limits: Limits | None = None,
        on_answered: Callable[[], None] = lambda: None,
    ) -> None:
        """Make a runner; with `ask` nothing moves before `go`, and `on_answered` is called then, in a thread."""
        self.pair = pair
        self._storage = storage
        self._state_dir = state_dir
        self._kind: RunKind = kind
        self._ask = ask
        self._listener = listener or Listener()
        self._throttle = throttle
        self._times = times
        self._limits = limits or Limits()
        self._on_answered = on_answered
        self._open: Opened | None = None
        self._live: Live | None = None
        self._stopping = False
        self._word = asyncio.Event()
        self._looking = False
        self._view = PairView(
            pair.id,
            pair.root,
            pair.url,
            pair.mode,
            pair.delete,
            os.getpid(),
            socket.gethostname(),
            kind,
            since=time.time(),
            requests_limit=self._limits.requests_an_hour,
        )
        self._planned = Planned()
        self._planning = asyncio.Lock()
        self._recent: deque[LineView] = deque(maxlen=RECENT)
        self._failed: dict[str, TroubleView] = {}
        self._conflicts: tuple[ConflictView, ...] = ()
        self._stock: tuple[int, int, int] | None = None
        self._done = 0
        self._spent: deque[tuple[float, int, int]] = deque()

    # Running

    async def run(self) -> None:
        """Keep the pair in step until `stop`.

        Raises `Busy` where another process does, `UsageError` where it overlaps with one that is running; in the
        foreground also the `PailError` that only a person can mend.
        """
        listener = Listener(self._entered, self._took, self._noticed)
        async with opened(
            self.pair,
            self._storage,
            self._state_dir,
            kind=self._kind,
            listener=listener,
            throttle=self._throttle,
            trash_bytes=self._limits.trash_bytes,
        ) as found:
            self._open = found
            server = OwnerServer(found.claim.socket, self.answer)
            await server.start()
            tasks = [asyncio.create_task(self._meter()), asyncio.create_task(self._tidy())]
            try:
                unprotected = await keeps_nothing(self._storage, self.pair)
                self._view = self._view._replace(unprotected=unprotected)
                await self._keep()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await server.close()

    def stop(self) -> None:
        """End it once what is under way is finished."""
        self._stopping = True
        self._stand("stopping")
        self._word.set()
        if self._live is not None:
            self._live.stop()

    async def _keep(self) -> None:
        if self._ask:
            await self._show_plan(None)
        while not self._stopping:
            limit = self._limits.requests_an_hour
            self._live = Live(self._opened.controller, times=self._times, requests_an_hour=limit)
            try:
                await self._live.run()
            except PailError as error:
                if self._kind != "worker":
                    raise
                self._live = None
                await self._show_plan(error)
            finally:
                self._live = None

    @property
    def _opened(self) -> Opened:
        assert self._open is not None
        return self._open

    async def _show_plan(self, error: PailError | None) -> None:
        """Show what would be done, and return once a person has said how to go on (or it is to stop)."""
        while not self._stopping:
            self._word.clear()
            if error is None or isinstance(error, Safeguard):
                async with self._planning:
                    error = await self._look(error, quiet=error is not None)
            if error is not None:
                self._stand("halted", error.message, error.remedy)
            else:
                self._stand("asking", _asking(self._planned.view))
            await self._word.wait()
            if self._stopping or (error is not None and not self._ask) or not self._ask:
                return
            error = None

    async def _look(self, known: PailError | None, *, quiet: bool) -> PailError | None:
        """Make the plan without carrying it out; returns why it cannot be made, or what stopped it before.

        With `quiet` it goes on saying where it stood.
        """
        controller = self._opened.controller
        self._looking = quiet
        try:
            result = await controller.run_pass(dry_run=True)
        except PailError as error:
            self._planned = Planned(view=PlanView(stopped=error.message))
            return known or error
        finally:
            self._looking = False
        self._planned = Planned.of(result, first=not controller.tracked, unprotected=self._view.unprotected)
        return known

    # What the controller tells

    def _entered(self, phase: Phase, why: str) -> None:
        if phase == "transferring":
            self._done = 0
        if phase == "watching":
            # What a person has allowed for was meant for the pass that has just ended.
            self._opened.controller.allowance = None
            self._take_stock()
        if not self._looking and not self._stopping and phase != "halted":
            self._stand(phase, why)
        self._listener.on_phase(phase, why)

    def _stand(self, stand: Stand, why: str = "", remedy: str = "") -> None:
        if (self._view.stand, self._view.why) != (stand, why):
            self._view = self._view._replace(stand=stand, why=why, remedy=remedy, since=time.time())

    def _took(self, item: Item) -> None:
        if item.state != "later":
            self._done += 1
            line = line_of_item(item)
            self._recent.appendleft(line)
            if item.state == "failed":
                self._failed[line.key] = trouble_of_item(item)
            else:
                self._failed.pop(line.key, None)
                self._view = self._view._replace(changed=time.time())
        self._listener.on_item(item)

    def _noticed(self, text: str) -> None:
        self._listener.on_notice(text)

    def _take_stock(self, *, anew: bool = False) -> None:
        """Learn what takes a walk over all files: only after files came or went, as conflict copies do."""
        found = self._opened
        if self._stock == found.controller.size and not anew:
            return
        self._stock = found.controller.size
        known = found.controller.tree.entries.keys() | found.controller.remote.entries.keys()
        self._failed = {key: trouble for key, trouble in self._failed.items() if key in known}
        self._conflicts = conflicts_in(found.controller.tree.entries, found.state.settled_conflicts())
        self._view = self._view._replace(tracked=found.controller.tracked)

    async def _meter(self) -> None:
        """Remember every minute what was asked of the service, for an hour."""
        while True:
            counts = self._storage.operations.counts()
            now = time.monotonic()
            self._spent.append((now, counts.of_class("A"), counts.by_operation.get("objects.list", 0)))
            while self._spent and self._spent[0][0] < now - HOUR_S:
                self._spent.popleft()
            await asyncio.sleep(METER_S)

    async def _tidy(self) -> None:
        """Delete what is too old or too much in the trash, again and again."""
        found = self._opened
        while True:
            with contextlib.suppress(PailError, OSError):
                await found.on_disk(found.controller.disk.trash.expire)
            await asyncio.sleep(EXPIRE_S)

    # What is asked of it

    def view(self) -> PairView:
        """Return where it stands."""
        controller, live = self._opened.controller, self._live
        counts = self._storage.operations.counts()
        first = self._spent[0] if self._spent else (0.0, 0, 0)
        troubles = [
            *self._failed.values(),
            *(trouble_of(one) for one in [*controller.tree.problems, *controller.remote.problems]),
            *(trouble_of(one) for one in controller.clashes.values()),
        ]
        return self._view._replace(
            ignored=controller.tree.ignored,
            left_out=len(controller.declined),
            to_do=controller.to_do,
            done=min(self._done, controller.to_do),
            interval_s=live.interval_s if live is not None else 0.0,
            polling=live.hints.polling if live is not None else "",
            requests=counts.of_class("A") - first[1],
            looks=counts.by_operation.get("objects.list", 0) - first[2],
            recent=tuple(self._recent),
            troubles=tuple(troubles[:MOST_SHOWN]),
            troubles_total=len(troubles),
            conflicts=self._conflicts[:MOST_SHOWN],
            planned=self._planned.counts if self._view.stand in STOPPED else (),
        )

    async def answer(self, call: str, value: Any) -> Any:
        """Answer a call that came over the socket; raises `PailError`."""
        match call:
            case "view":
                return self.view()
            case "plan":
                return await self.plan()
            case "lines":
                return self.lines(int(value["plan"]), str(value["action"]), int(value["offset"]), int(value["limit"]))
            case "go":
                ticks = Ticks(int(value["plan"]), _said(value["groups"]), _said(value["lines"]))
                await self.go(ticks, int(value["deletes"]))
            case "again":
                self.again()
            case "look":
                self.look()
            case "once":
                return await self.once(str(value["max_delete"]), dry_run=bool(value["dry_run"]))
            case "resolve":
                await self.resolve(str(value["copy"]), value["choice"])
            case _:
                raise Rejected(f"a pair knows no call {call[:40]!a}", remedy="Update pail on both sides.")
        return None

    async def plan(self) -> PlanView:
        """Return the plan that waits, made anew where it is not of just now."""
        async with self._planning:
            if self._view.stand in STOPPED and self._planned.view.number and not self._planned.is_fresh:
                await self._look(None, quiet=True)
        return self._planned.view

    def lines(self, plan: int, action: str, offset: int, limit: int) -> list[LineView]:
        """Return some lines of a group of the plan that waits; raises `Busy` where that is another one by now."""
        if plan != self._planned.view.number:
            raise Busy("this plan is not waiting any more", remedy="Look again.")
        return self._planned.lines(action, offset, min(limit, PLAN_WINDOW))

    async def go(self, ticks: Ticks, deletes: int) -> None:
        """Carry out the plan that waits, without what was unticked; so many deletes are allowed for.  Raises `Busy`."""
        if self._view.stand not in STOPPED or ticks.plan not in (0, self._planned.view.number):
            raise Busy("this plan is not waiting any more", remedy="Look again.")
        controller = self._opened.controller
        await controller.decline(self._planned.unticked(ticks))
        controller.allowance = MaxDelete(deletes) if deletes else None
        if self._ask:
            self._ask = False
            await asyncio.to_thread(self._on_answered)
        self._word.set()

    def again(self) -> None:
        """Try again after a halt, or make the plan anew."""
        self._word.set()

    def look(self) -> None:
        """Look at both sides now."""
        if self._live is not None:
            self._live.refresh()
        else:
            self.again()

    async def once(self, max_delete: str = "", *, dry_run: bool = False) -> PassView:
        """Make a whole pass now, for somebody else, and return what it came to; raises `PailError`."""
        controller = self._opened.controller

        async def work() -> Result:
            controller.allowance = MaxDelete.parse(max_delete) if max_delete else None
            return await controller.sync(dry_run=dry_run)

        result = await self._in_turn().do(work)
        if result.stopped is not None and not dry_run:
            raise result.stopped
        if dry_run:
            lines = tuple(line_of(action) for action in result.plan.work[:MOST_LINES])
        else:
            lines = tuple(line_of_item(item) for item in result.items[:MOST_LINES])
        troubles = tuple(trouble_of(problem) for problem in result.problems[:MOST_LINES])
        return PassView(lines, troubles, result.ignored, again=result.again)

    async def resolve(self, copy: str, choice: Choice) -> None:
        """Decide a conflict; the version that goes is in the trash of the pair.  Raises `PailError`."""
        found = self._opened
        conflict = next((one for one in self._conflicts if one.copy == copy), None)
        if conflict is None:
            raise Rejected("this conflict is not there any more")
        if choice == "both":
            settled = {**found.state.settled_conflicts(), copy: "both"}
            await found.on_disk(found.state.settle_conflicts, settled)
            self._take_stock(anew=True)
            return

        def act() -> None:
            disk = found.controller.disk
            mine, theirs = disk.look(copy), disk.look(conflict.key)
            if mine is None or theirs is None:
                raise Rejected("one of the two files is not there any more")
            if choice == "local":
                disk.remove(conflict.key, LocalEntry(theirs))
                disk.rename_copy(copy, LocalEntry(mine), conflict.key)
            else:
                disk.remove(copy, LocalEntry(mine))

        async def work() -> Result:
            await found.on_disk(act)
            folder = copy.rpartition("/")[0]
            return await found.controller.run_folders({f"{folder}/" if folder else ""})

        result = await self._in_turn().do(work)
        if result.stopped is not None:
            raise result.stopped

    def _in_turn(self) -> Live:
        """Return what runs the pair live; raises where it stands still."""
        stand = self._view.stand
        if self._live is None or stand in STOPPED:
            why = f": {self._view.why}" if self._view.why else ""
            kind = Safeguard if stand == "halted" else Busy
            raise kind(f"the pair is {stand}{why}", remedy=self._view.remedy or "See the Sync view of 'pail'.")
        if stand == "waiting":
            raise Busy(f"the pair waits: {self._view.why}", remedy="Try again later.")
        return self._live


def _said(value: Any) -> dict[str, bool]:
    """Return ticks as they came over the socket."""
    return {str(name): bool(ticked) for name, ticked in value.items()}


def _asking(plan: PlanView) -> str:
    if plan.stopped:
        return plan.stopped
    return "both sides are the same already" if not plan.total else "nothing moves before you have seen the plan"
