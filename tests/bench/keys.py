"""Measures how long a key takes to be painted: `python -m tests.bench.keys [--keys 400] [--rows 100000]`.

The installed program in a pseudo-terminal of 120×40, over a folder of many rows, while the worker uploads four files.
A key counts as painted once another row stands where the terminal's cursor is; keys come one at a time, 40 ms after
the last one was painted.  Then, without transfers, the same screen over a line of 256 kbit/s: a reader that takes
32 KB a second, and for each action the time until its last byte has come.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import pty
import random
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path
from typing import Final

import pyte

from tests.bench.bucket import Stored
from tests.bench.measure import REPOSITORY
from tests.bench.server import World, serve
from tests.bench.tools import Pail

WIDTH: Final = 120
HEIGHT: Final = 40
LIMIT_S: Final = 120.0
"""Seconds after which what is waited for counts as missing."""

FILE_MIB: Final = 96
"""Size of each of the four files."""

BANDWIDTH: Final = "4M"
"""Bytes a second for all of them: they last longer than the measurement."""

THIN_LINE: Final = 32_000
"""Bytes a second of a line of 256 kbit/s."""

QUIET_S: Final = 0.6
"""Seconds without a byte after which an action counts as painted."""

STEPS: Final = (*["\x1b[B"] * 8, *["\x1b[A"] * 5, "\x1b[6~", *["\x1b[B"] * 5, "\x1b[5~")
"""Keys that are pressed over and over: down, up, page down, page up."""

PAGES: Final = ("\x1b[6~", "\x1b[5~")
"""The keys among them that bring a page of other rows."""

ACTIONS: Final = {
    "cursor down": "\x1b[B",
    "page down": "\x1b[6~",
    "focus to the next pane": "\t",
    "new folder": "n",
    "close it": "\x1b",
    "another view": "3",
    "back to the rows": "1",
}
"""What is done on the thin line."""


class Screen:
    """The program in a terminal, of which we see what it has painted."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment)
        ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self.rate = 0
        """Bytes a second that are read at the most; 0 for as they come."""
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.ByteStream(self._screen)

    def text(self) -> str:
        """Return what stands on the screen."""
        return "\n".join(self._screen.display)

    def row(self) -> str:
        """Return the row with the terminal's cursor."""
        # Not by `display`, which makes text of all rows: what it takes would count as the program's.
        line = self._screen.buffer[self._screen.cursor.y]
        return "".join(line[x].data for x in range(WIDTH))

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.terminal, keys.encode())

    def read(self, limit_s: float) -> int:
        """Take what has come, waiting for it for a while; returns the bytes."""
        if not select.select([self.terminal], [], [], limit_s)[0]:
            return 0
        data = os.read(self.terminal, max(1, self.rate // 50) if self.rate else 65_536)
        self._stream.feed(data.replace(b"\x1b[<", b"\x1b[").replace(b"\x1b[>", b"\x1b["))
        if self.rate:
            time.sleep(len(data) / self.rate)
        return len(data)

    def until(self, condition: Callable[[], object]) -> float:
        """Read until a condition holds and return the seconds that it took."""
        begun = time.perf_counter()
        while not condition():
            self.read(0.05)
            if time.perf_counter() - begun > LIMIT_S:
                raise TimeoutError(f"waited in vain; on the screen:\n{self.text()}")
        return time.perf_counter() - begun

    def settled(self) -> tuple[float, int]:
        """Read until nothing more comes; returns the seconds to the last byte, and the bytes."""
        begun = last = time.perf_counter()
        size = 0
        while time.perf_counter() - last < QUIET_S:
            if came := self.read(0.02):
                size += came
                last = time.perf_counter()
        return last - begun, size

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


@contextlib.contextmanager
def flat_server(rows: int) -> Iterator[str]:
    """Run a server with one folder of many rows in its own process."""
    command = [sys.executable, "-m", "tests.bench.keys", "--serve", "--rows", str(rows)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def serve_flat(rows: int) -> None:
    """Be that server."""
    world = World()
    bucket = world.bucket("many")
    for index in range(rows):
        bucket.put(Stored(f"file-{index:07d}.bin"))
    asyncio.run(serve(world, 0, None, lambda address: print(address, flush=True)))


def key_times(screen: Screen, keys: int) -> list[tuple[str, float]]:
    """Press keys one at a time and return them with the seconds until each was painted."""
    chance = random.Random(1)
    times = []
    for number in range(keys):
        before, key = screen.row(), STEPS[number % len(STEPS)]
        screen.press(key)
        times.append((key, screen.until(lambda before=before: screen.row() != before)))  # type: ignore[misc]
        rest = time.perf_counter() + chance.uniform(0.02, 0.06)
        while (left := rest - time.perf_counter()) > 0:
            screen.read(left)
    return times


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.keys", description=__doc__)
    parser.add_argument("--keys", type=int, default=400)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_flat(options.rows)
        return
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="pail-keys-") as name,
        flat_server(options.rows) as address,
    ):
        measure(Path(name), address, options.keys, options.rows)


def measure(folder: Path, address: str, keys: int, rows: int) -> None:
    """Run the program and print what was measured."""
    pail = Pail()
    environment = pail.environment(folder) | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    files = []
    for number in range(4):
        path = folder / f"large-{number}.bin"
        path.touch()
        os.truncate(path, FILE_MIB << 20)
        files.append(str(path))

    def run(*words: str) -> None:
        command = [pail.program, "--endpoint", address, "--quiet", *words]
        subprocess.run(command, env=environment, check=True, capture_output=True)

    screen = Screen([pail.program, "--endpoint", address, "gs://many"], environment)
    try:
        screen.until(lambda: "file-0000000" in screen.text() and "Filter" in screen.text())
        screen.press("\x1b")  # the line for newcomers
        while f"file-{rows - 1:07d}" not in screen.text():  # until all are listed
            screen.press("\x1b[F")
            screen.settled()
        screen.press("\x1b[H")
        screen.settled()
        print("| keys | median ms | 99 % ms | worst ms |\n|---|---|---|---|")
        _report("nothing else runs", key_times(screen, keys))
        run("cp", "--detach", "--bandwidth", BANDWIDTH, *files, "gs://many/up/")
        screen.until(lambda: "moving" in screen.text())
        _report("four transfers running", key_times(screen, keys))
        if "moving" not in screen.text():
            raise SystemExit("the transfers ended before the measurement did")
        run("transfers", "cancel", "all")  # a worker that is merely stopped is started again by the screen
        screen.until(lambda: "moving" not in screen.text())
        print("\n| action at 256 kbit/s | s to its last byte | bytes |\n|---|---|---|")
        screen.rate = THIN_LINE
        for action, key in ACTIONS.items():
            screen.settled()
            screen.press(key)
            seconds, size = screen.settled()
            print(f"| {action} | {seconds:.2f} | {size:,} |")
    finally:
        screen.close()
        with contextlib.suppress(subprocess.CalledProcessError):
            run("worker", "stop")


def _report(name: str, pressed: list[tuple[str, float]]) -> None:
    """Print a row for all keys, and one for the pages among them."""
    for keys, times in (
        ("keys", sorted(took for _, took in pressed)),
        ("page keys of them", sorted(took for key, took in pressed if key in PAGES)),
    ):
        shares = (times[len(times) // 2], times[int(len(times) * 0.99)], times[-1])
        figures = " | ".join(f"{share * 1000:.1f}" for share in shares)
        print(f"| {name} ({len(times)} {keys}) | {figures} |", flush=True)


if __name__ == "__main__":
    main()
