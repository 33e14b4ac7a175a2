"""The world in which the engine is proven: machines, people, a bucket, time, and everything that goes wrong.

One seed decides everything.  In a round people edit while the engines run, requests get lost and processes end; then
all rests, and the oracle asks whether the engines converge and whether anything is missing.
"""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from services.connection import Connection
from services.errors import PailError, Safeguard
from services.sync.controller import Controller, Listener, Result
from services.sync.disk import Disk
from services.sync.gate import MaxDelete
from services.sync.live import Live, Times
from services.sync.pair import Pair
from services.sync.remote import Prefix
from services.sync.state import State
from services.sync.watch import Hints
from tests.simulation import kernel as simulated
from tests.simulation.bucket import BUCKET, Network, Objects
from tests.simulation.kernel import Clock, Crash, Kernel, Process
from tests.simulation.people import NOBODY, Ledger, Person, Stranger, is_ours
from tests.simulation.stage import Loop, new_memory, simulation

PREFIX: Final = "p/"
EVERYTHING: Final = MaxDelete(100, percent=True)
"""The word of a person that every delete is meant."""

MOST_PASSES: Final = 40
"""Passes of each machine within which all has to be in step once everybody rests."""

POWER_SHARE: Final = 0.5
"""Share of the crashes in which the machine loses its power."""

POWER_LOSS: Final = 0.01
"""Chance of a loss of power at a step at which something is not on the disk yet."""

FULL: Final = 2
"""What `PRAGMA synchronous` says of a database that flushes each commit (sqlite.org/pragma.html)."""

UNFLUSHED: Final = 6
"""States of a database that does not, of which any may be what is left."""

GRAINS: Final = (1, 4_000_000, 4_000_000, 1_000_000_000)
SKEWS: Final = (0, 0, 0, 86_400 * 10**9, -86_400 * 10**9)


class Violation(AssertionError):
    """The engine did what it must never do."""


@dataclass
class Machine:
    """A machine with a folder that is kept in step with the bucket."""

    name: str
    kernel: Kernel
    person: Person
    memory: sqlite3.Connection
    history: deque[bytes] | None
    """The last states of a memory that does not flush what it is told; None for one that does."""
    hints: Hints | None = None


@dataclass
class World:
    """One seed's world."""

    seed: int
    log: Callable[[str], None] | None = None
    steps: int = 0
    rounds: int = 0
    crashes: int = 0
    losses: int = 0
    """Those in which the power was lost."""
    refused: int = 0
    """Passes that a safeguard ended."""
    _quiet: bool = True
    _clock: Clock = field(default_factory=Clock)
    _allowed: bool = False

    def __post_init__(self) -> None:
        chance = self._chance = random.Random(self.seed)
        # Apart, so that a world is the same one until its first loss of power.
        self._power = random.Random(self.seed ^ 0x5BD1E995)
        self._ledger = Ledger()
        self._objects = Objects(moves=chance.random() < 0.7)
        self._machines = [self._machine(f"m{number}") for number in range(chance.choice((1, 2, 2)))]
        self._stranger = Stranger("stranger", self._objects, PREFIX, self._ledger, chance)
        self._actors: list[Person | Stranger] = [machine.person for machine in self._machines]
        if len(self._machines) == 1 or chance.random() < 0.7:
            self._actors.append(self._stranger)
        self._copies: set[str] = set()

    def _machine(self, name: str) -> Machine:
        chance = self._chance
        kernel = Kernel(
            self._clock,
            f"/{name}",
            grain_ns=chance.choice(GRAINS),
            skew_ns=chance.choice(SKEWS),
            renames=chance.random() < 0.8,
            reuses=chance.random() < 0.5,
        )
        memory = new_memory()
        history = None if memory.execute("PRAGMA synchronous").fetchone()[0] >= FULL else deque(maxlen=UNFLUSHED)
        return Machine(name, kernel, Person(name, kernel, self._ledger, chance), memory, history)

    def say(self, text: str) -> None:
        if self.log is not None:
            self.log(f"{self.steps:>8} {text}")

    # What happens at every point.

    def step(self, process: Process, inside: bool) -> None:
        """A point between two effects: time passes, somebody may act, the process may end."""
        self.steps += 1
        chance = self._chance
        self._clock.advance(chance.randrange(1_000, 200_000))
        if self._quiet:
            return
        draw = chance.random()
        if draw < self._pace:
            self._act(inside=inside)
        elif draw < self._pace + self._deadliness:
            self._crash(process, power=self._power.random() < POWER_SHARE)
        elif self._deadliness and process.kernel.is_behind and self._power.random() < POWER_LOSS:
            self._crash(process, power=True)

    def _crash(self, process: Process, *, power: bool) -> None:
        self.say(f"CRASH {process.kernel.path}")
        self.crashes += 1
        process.end()
        if power:
            self._lose_power(process.kernel)
        raise Crash

    def _act(self, *, inside: bool = False) -> None:
        chance = self._chance
        if self._objects.late and chance.random() < 0.3:
            self._arrive()
            return
        actor = chance.choice(self._actors)
        before = {path for path, _ in actor._kernel.walk()} if isinstance(actor, Person) else set()
        if isinstance(actor, Person):
            # People save with a flush, which takes the journal up to there with it.
            actor._kernel.commit()
        self.say(actor.act(inside=inside))
        if isinstance(actor, Person):
            self._hint(actor, before)
        if chance.random() < 0.3:
            self._clock.advance(chance.randrange(3_000_000_000))

    def _lose_power(self, kernel: Kernel) -> None:
        """Have a machine forget what was not flushed."""
        (machine,) = (one for one in self._machines if one.kernel is kernel)
        self.losses += 1
        machine.person.rest()
        self.say(f"POWER LOST {kernel.path}: {kernel.lose_power(self._power)}")
        if machine.history:
            machine.memory.deserialize(self._power.choice(machine.history))

    def _arrive(self) -> None:
        """Have a request arrive that its sender has given up: an object that it makes may have been deleted since."""
        self.say("a late request arrives")
        before = set(self._objects.live)
        self._objects.arrive()
        for name in self._objects.live.keys() - before:
            self._ledger.doubt(name[len(PREFIX) :])

    def _hint(self, person: Person, before: set[str]) -> None:
        """Let the machine's watch know, most of the time."""
        for machine in self._machines:
            if machine.person is person and machine.hints is not None and self._chance.random() < 0.8:
                paths = {key for key, edits in self._ledger.edited.items() if person.name in edits}
                machine.hints.add(paths | before.symmetric_difference({path for path, _ in machine.kernel.walk()}))

    async def ask(self, process: Process) -> None:
        process.step(inside=False)
        for _ in range(self._chance.choice((0, 0, 1, 1, 2, 5))):
            await asyncio.sleep(0)
        if process.dead:
            raise Crash

    def fault(self, kind: str) -> str:
        if self._quiet or self._chance.random() >= self._unrest:
            return ""
        faults = {
            "change": ("refused", "late", "lost", "lost"),
            "list": ("refused", "stale", "stale", "empty", "broken"),
            "stat": ("refused",),
            "read": ("refused", "broken", "wrong"),
        }
        found = self._chance.choice(faults[kind])
        self.say(f"FAULT {kind} {found}")
        return found

    # The engine.

    def _controller(self, machine: Machine, process: Process, max_delete: MaxDelete | None) -> Controller:
        async def on_disk(function: Callable[..., Any], *arguments: Any) -> Any:
            await self.ask(process)
            done = function(*arguments)
            if machine.history is not None and not process.dead:
                machine.history.append(machine.memory.serialize())
            await self.ask(process)
            return done

        async def no_sleep(seconds: float) -> None:
            self._clock.advance(int(seconds * 1e9))
            await self.ask(process)

        pair = Pair(machine.kernel.path, BUCKET, PREFIX, Connection(), max_delete=max_delete)
        data = Network(self._objects, ask=lambda _: self.ask(process), fault=self.fault)
        return Controller(
            pair,
            Disk(pair.root, prefix=pair.prefix),
            Prefix(data, BUCKET, PREFIX),  # type: ignore[arg-type]
            State(Path("simulated"), machine.memory, ""),
            on_disk=on_disk,
            machine=machine.name,
            listener=Listener(on_item=lambda item: self.say(f"  {machine.name} {_words(item)}")),
            sleep=no_sleep,
        )

    async def _lives(self, machine: Machine, passes: int) -> None:
        """Run processes on a machine, one after the other, until they have made so many passes."""
        while passes > 0 and not self._quiet:
            process = Process(machine.kernel, self.step)
            simulated.run_as(process)
            if self._chance.random() < 0.02:
                self.say(f"{machine.name} loses its memory")
                machine.memory = new_memory()
                if machine.history is not None:
                    machine.history.clear()
                for key in {*self._ledger.edited, *(path for path, _ in machine.kernel.walk())} | {
                    name[len(PREFIX) :] for name in self._objects.live
                }:
                    self._ledger.doubt(key)
            if self._chance.random() < 0.1:
                await self._unmounted(machine, process)
            controller = self._controller(machine, process, None)
            if self._chance.random() < 0.4:
                passes -= await self._live(machine, process, controller)
                continue
            first = True
            while passes > 0 and not process.dead and not self._quiet:
                passes -= 1
                kind = "all" if first else self._chance.choice(("all", "sync", "local", "remote", "folders"))
                first = False
                self.say(f"{machine.name} begins: {kind}")
                await self._pass(process, self._work(controller, kind))
            process.end()

    async def _unmounted(self, machine: Machine, process: Process) -> None:
        """Let the engine find an empty folder where its files were (hazard 23)."""
        kernel = machine.kernel
        if (
            process.dead
            or not machine.memory.execute("SELECT count(*) FROM base WHERE key NOT LIKE '%/'").fetchone()[0]
        ):
            return
        self.say(f"{machine.name} is not mounted")
        root, kernel.root, machine.person.away = kernel.root, kernel.make(is_folder=True), True
        try:
            controller = self._controller(machine, process, None)
            await self._pass(process, controller.run_pass)
        finally:
            kernel.root, machine.person.away = root, False
        data = controller.prefix.data
        assert isinstance(data, Network)
        if data.deletes:
            raise Violation(f"{machine.name} deleted objects because its folder was not mounted")

    def _work(self, controller: Controller, kind: str) -> Callable[[], Awaitable[Result]]:
        folders = {key for key in controller.tree.entries if key.endswith("/") and self._chance.random() < 0.5}
        kinds: dict[str, Callable[[], Awaitable[Result]]] = {
            "all": controller.run_pass,
            "sync": controller.sync,
            "local": controller.run_local,
            "remote": controller.run_remote,
            "folders": lambda: controller.run_folders({"", *folders}),
        }
        return kinds[kind]

    async def _pass(self, process: Process, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do one thing, whose end may be the process's."""
        try:
            return await work()
        except Safeguard as error:
            self.refused += 1
            self.say(f"  refused: {error}")
        except PailError as error:
            self.say(f"  failed: {error}")
        except BaseException:
            if not process.dead:
                raise
        return None

    async def _live(self, machine: Machine, process: Process, controller: Controller) -> int:
        """Let a live sync run for a while, and return how many passes that counts for."""
        self.say(f"{machine.name} begins: live")
        machine.hints = Hints(lambda: self._clock.now_ns / 1e9)
        running = Live(controller, times=Times(), hints=machine.hints, watch=False)
        task = asyncio.ensure_future(self._pass(process, running.run))
        turns = self._chance.randrange(3, 40)
        for _ in range(turns):
            if task.done() or self._quiet:
                break
            await asyncio.sleep(self._chance.random() * 4)
        if self._chance.random() < 0.3:
            process.end()
        running.stop()
        await asyncio.wait([task])
        machine.hints = None
        process.end()
        return 1 + turns // 8

    # The rounds.

    async def round(self) -> None:
        """Let everybody act for a while, then rest, and look whether all is well."""
        chance = self._chance
        self.rounds += 1
        self._pace = chance.choice((0.003, 0.01, 0.03))
        self._deadliness = chance.choice((0.0, 0.0005, 0.003))
        self._unrest = chance.choice((0.0, 0.03, 0.15))
        self.say(f"ROUND {self.rounds}")
        for _ in range(chance.randrange(6)):
            self._act()
        self._quiet = False
        try:
            async with asyncio.TaskGroup() as group:
                for machine in self._machines:
                    group.create_task(self._lives(machine, chance.randrange(1, 8)))
        finally:
            self._quiet = True
        await self._rest()

    async def _rest(self) -> None:
        """Bring everything in step: nobody acts, nothing fails."""
        while self._objects.late:
            self._arrive()
        for machine in self._machines:
            machine.person.rest()
            machine.kernel.full = False
        self._clock.advance(10_000_000_000)
        self.say("REST")
        idle = 0
        for turn in range(MOST_PASSES):
            for machine in self._machines:
                idle = 0 if await self._settle(machine) else idle + 1
            self._clock.advance(5_000_000_000)
            if idle >= 2 * len(self._machines):
                self._check()
                self._ledger.in_step()
                return
            del turn
        raise Violation(f"not in step after {MOST_PASSES} passes")

    async def _settle(self, machine: Machine) -> bool:
        """Run one undisturbed pass, and tell whether it had anything to do."""
        limit: MaxDelete | None = None
        for _ in range(2):
            process = Process(machine.kernel, self.step)
            simulated.run_as(process)
            controller = self._controller(machine, process, limit)
            try:
                result = await controller.run_pass()
            except Safeguard:
                # The people of this world mean what they do; the oracle tells whether it was only they.
                limit = EVERYTHING
                continue
            finally:
                process.end()
            if result.stopped is not None:
                raise Violation(f"stopped without a reason: {result.stopped}") from result.stopped
            failed = [item for item in result.items if item.state == "failed"]
            if failed:
                raise Violation(f"failed without a reason: {failed[0].action.key}: {failed[0].error}")
            return bool(result.items) or result.again
        raise Violation("refused though everything was allowed")

    # The oracle.

    def _check(self) -> None:
        there = {
            name[len(PREFIX) :]: self._objects.bodies[info.generation]
            for name, info in self._objects.live.items()
            if not name.endswith("/")
        }
        hidden: set[bytes] = set()
        for machine in self._machines:
            here = {path: node.data for path, node in machine.person.files().items()}
            if here != there:
                odd = {key for key in {*here, *there} if here.get(key) != there.get(key)}
                raise Violation(f"{machine.name} and the bucket differ: {sorted(odd)}")
            own = [(path, node) for path, node in machine.kernel.walk() if not node.is_folder and is_ours(path)]
            litter = [path for path, _ in own if ".pail-part-" in path.rpartition("/")[2] and ".pail/" not in path]
            if litter:
                raise Violation(f"unfinished downloads are left: {litter}")
            hidden |= {node.data for _, node in own}
        self._check_lost(set(there.values()), hidden)
        self._check_intents(there)

    def _check_lost(self, live: set[bytes], hidden: set[bytes]) -> None:
        strict = all(machine.kernel.renames for machine in self._machines)
        for data, key in self._ledger.required.items():
            if data in live:
                continue
            if data in hidden and (not strict or data in self._ledger.hidden):
                continue
            where = "only in the trash" if data in hidden else "lost"
            raise Violation(f"{data!r} of {key}, which nobody replaced, is {where}")
        for data in [data for data in self._ledger.hidden if data not in live]:
            self._ledger.set_aside(data)

    def _check_intents(self, there: dict[str, bytes]) -> None:
        edited = self._ledger.edited
        for key, edits in edited.items():
            if len(edits) == 1 and NOBODY not in edits:
                ((who, wanted),) = edits.items()
                if there.get(key) != wanted and not self._is_copy(key):
                    raise Violation(f"{who} alone edited {key} and left {wanted!r}; it is {there.get(key)!r}")
        copies = {key for key in there if ".conflict-" in key}
        for copy in copies - self._copies:
            if copy in edited:
                continue
            if not self._is_copy(copy):
                raise Violation(f"a conflict was made up: {copy}, edited by {list(edited.get(_origin(copy), ()))}")
        self._copies = copies

    def _is_copy(self, key: str) -> bool:
        """Tell whether a key is the place of a version of another key that more than one have edited."""
        origin = _origin(key)
        # A copy is itself new on one side: whoever edits it before all is in step may be the second to do so.
        return ".conflict-" in key and (".conflict-" in origin or len(self._ledger.edited.get(origin, ())) > 1)


def _origin(copy: str) -> str:
    """Return the key that a conflict copy is of."""
    stem, _, rest = copy.rpartition(".conflict-")
    stem = re.sub(r" \(\d+\)$", "", stem)
    suffix = rest.partition(".")[2]
    return f"{stem}.{suffix}" if suffix else stem


def _words(item: Any) -> str:
    action = item.action
    way = f"{action.source} -> {action.key}" if action.source else action.key
    return f"{item.state}: {action.kind} {way} {item.kept} {item.error or ''}"


def run(seed: int, rounds: int, *, log: Callable[[str], None] | None = None, until: int | None = None) -> World:
    """Run one seed's world for so many rounds (or `until` so many steps); raises `Violation`."""
    world = World(seed, log)
    with simulation(seed):
        loop = Loop(world._clock)
        try:
            while world.rounds < rounds and (until is None or world.steps < until):
                loop.run_until_complete(world.round())
        finally:
            loop.close()
    return world
