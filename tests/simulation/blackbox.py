"""Sync as processes, killed at random moments behind a bad line: `python -m tests.simulation.blackbox --turns 100`.

Two machines keep a folder each in step with one prefix, through a proxy that spoils a share of all requests.  While
they run their people edit, and each process is ended by kill -9 after a random while.  At the end both rest: nothing
may be missing, nothing may be damaged, and only what both edited may have a conflict copy.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services import checksum
from services.localstore.server import StoreServer
from tests.chaos.bed import Command, create_bucket, difference, stored
from tests.chaos.proxy import Proxy, Storm

BUCKET: Final = "box"
MOST_PASSES: Final = 12
"""Undisturbed passes of each machine within which all has to be in step."""

MOST_S: Final = 240.0
"""Seconds after which an undisturbed pass counts as hanging."""


@dataclass
class Box:
    """A machine: its folder, its `pail`, and what its person left in its own files."""

    name: str
    folder: Path
    pail: Command
    wanted: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Outcome:
    """What was done, and what is wrong."""

    kills: int = 0
    requests: int = 0
    spoilt: int = 0
    edits: int = 0
    problems: list[str] = field(default_factory=list)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a pair but Pail's own."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".pail" not in path.parts and not path.name.startswith(".pail-part-")
    }


class Trial:
    """One run."""

    def __init__(self, endpoint: str, folder: Path, proxy: Proxy, *, seed: int) -> None:
        self._chance = random.Random(seed)
        self._endpoint = endpoint
        self._number = 0
        self.outcome = Outcome()
        self._shared: set[bytes] = set()
        create_bucket(endpoint, BUCKET)
        self._boxes = []
        for name in ("one", "two"):
            (folder / name / "files").mkdir(parents=True)
            self._boxes.append(Box(name, folder / name / "files", Command(folder / name / "home", proxy.endpoint)))

    def _content(self) -> bytes:
        self._number += 1
        size = self._chance.choice((0, 10, 3_000, 3_000, 90_000))
        return f"version {self._number} ".encode() + self._chance.randbytes(size)

    def _edit(self, box: Box, times: int) -> None:
        """Let a person edit, save, rename and delete files that only they touch, and write a few that both do."""
        for _ in range(times):
            self.outcome.edits += 1
            draw = self._chance.random()
            own = sorted(box.wanted)
            if draw < 0.15 and len(own) > 12:
                gone = self._chance.choice(own)
                del box.wanted[gone]
                (box.folder / gone).unlink()
            elif draw < 0.25 and own:
                old, new = self._chance.choice(own), f"{box.name}/moved/{self._number}-{self.outcome.edits}"
                (box.folder / new).parent.mkdir(parents=True, exist_ok=True)
                (box.folder / old).rename(box.folder / new)
                box.wanted[new] = box.wanted.pop(old)
            elif draw < 0.3:
                # A new file that both write may meet the other's: both versions have to stay.
                data = self._content()
                path = box.folder / f"both/{self.outcome.edits // 40}"
                path.parent.mkdir(exist_ok=True)
                if not path.exists():
                    self._save(path, data)
                    self._shared.add(data)
            else:
                name = f"{box.name}/{self._chance.randrange(6)}/{self._chance.randrange(8)}"
                box.wanted[name] = self._content()
                (box.folder / name).parent.mkdir(parents=True, exist_ok=True)
                if draw < 0.6:
                    self._save(box.folder / name, box.wanted[name])
                else:
                    (box.folder / name).write_bytes(box.wanted[name])

    @staticmethod
    def _save(path: Path, data: bytes) -> None:
        aside = path.with_name(f"{path.name}~")
        aside.write_bytes(data)
        aside.replace(path)

    def _command(self, box: Box) -> tuple[str, ...]:
        return ("-q", "sync", str(box.folder), f"gs://{BUCKET}/p", "--max-delete", "100%")

    def disturb(self, turns: int) -> None:
        """Run syncs in the storm, each killed after a while, while people edit."""
        for _ in range(turns):
            running = []
            for box in self._boxes:
                self._edit(box, self._chance.randrange(1, 12))
                running.append(box.pail.start(*self._command(box)))
            for box, process in zip(self._boxes, running, strict=True):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(self._chance.uniform(0.1, 1.0))
                self._edit(box, self._chance.randrange(4))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(self._chance.uniform(0.1, 2.0))
                self.outcome.kills += process.poll() is None
                process.kill()
                process.wait()

    def settle(self) -> Outcome:
        """Let both rest, and look."""
        idle = 0
        for turn in range(MOST_PASSES):
            before = [files_of(box.folder) for box in self._boxes]
            for box in self._boxes:
                done = box.pail(*self._command(box), timeout=MOST_S)
                if done.returncode and turn > 2:
                    self.outcome.problems.append(f"{box.name} ended with {done.returncode}: {done.stderr[-300:]}")
            idle = idle + 1 if before == [files_of(box.folder) for box in self._boxes] else 0
            if idle == 2:
                break
        else:
            self.outcome.problems.append(f"not in step after {MOST_PASSES} passes")
        self._check()
        return self.outcome

    def _check(self) -> None:
        bad = self.outcome.problems
        one, two = (files_of(box.folder) for box in self._boxes)
        if one != two:
            bad.append(f"the folders differ: {difference(one, two)}")
        sums = {name: (len(data), checksum.of(data)) for name, data in one.items()}
        if problem := difference(sums, stored(self._endpoint, BUCKET, "p/")):
            bad.append(f"the bucket differs: {problem}")
        wanted = {name: data for box in self._boxes for name, data in box.wanted.items()}
        own = {name: data for name, data in one.items() if not name.startswith("both/")}
        if problem := difference(wanted, own):
            bad.append(f"not what was left there: {problem}")
        if lost := self._shared - set(one.values()):
            bad.append(f"{len(lost)} versions of what both wrote are lost")


def run(turns: int, *, seed: int, share: float = 0.2) -> Outcome:
    """Run one trial; the outcome says what is wrong."""
    with tempfile.TemporaryDirectory(prefix="pail-sync-") as name:
        folder = Path(name)
        with StoreServer(folder / "store", open_access=True) as server, Proxy(server.endpoint) as proxy:
            trial = Trial(server.endpoint, folder, proxy, seed=seed)
            proxy.storm = Storm(share=share, stalls=0.0, seed=seed)
            trial.disturb(turns)
            trial.outcome.requests, trial.outcome.spoilt = proxy.requests, proxy.struck.total()
            proxy.storm = None
            return trial.settle()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.blackbox", description=__doc__)
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.2, help="share of requests that are spoilt")
    arguments = parser.parse_args()
    outcome = run(arguments.turns, seed=arguments.seed, share=arguments.share)
    for problem in outcome.problems:
        print(f"PROBLEM {problem}")
    print(
        f"seed {arguments.seed}: {outcome.edits} edits, {outcome.kills} processes killed, "
        f"{outcome.requests:,} requests, {outcome.spoilt} spoilt: "
        f"{'nothing lost' if not outcome.problems else 'NOT as it should be'}"
    )
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
