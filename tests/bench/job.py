"""Measure one job of many files: the memory of worker and screen, and how long the screen's event loop is held.

`python -m tests.bench.job [--files 100000]`; the worker uploads files of a byte to the measuring server while a screen
shows the transfers.  Where other work has the cores, what holds the loop is that work as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.bench.measure import REPOSITORY, serving
from tests.bench.tools import Pail

BEAT_S: Final = 0.005
"""Seconds between two looks at the clock of the event loop."""

LIMIT_S: Final = 60.0
"""Seconds after which what is waited for counts as missing."""

PER_FOLDER: Final = 1000
"""Files of a folder."""


def peak_mib(pid: int) -> float:
    """Return the largest resident memory of a process so far (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process has used so far (Linux)."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


async def beats(late: list[float], stop: asyncio.Event) -> None:
    """Take down how late the event loop comes each time, until told to stop."""
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        due = loop.time() + BEAT_S
        await asyncio.sleep(BEAT_S)
        late.append(loop.time() - due)


async def until(condition: Callable[[], object]) -> None:
    """Return once a condition holds."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(BEAT_S)


async def look_on(address: str) -> None:
    """Be the screen, on its view of the transfers, until standard input ends; prints what was measured."""
    from app.app import PailApp
    from app.screens.main import MainScreen
    from services.connection import ConnectionOptions
    from widgets.transfers_panel import TransfersPanel

    late: list[float] = []
    stop = asyncio.Event()
    app = PailApp(ConnectionOptions(endpoint=address), "gs://bench")
    async with app.run_test(size=(120, 40)) as pilot:
        # The main screen is imported after the first picture, which has no views.
        await until(lambda: isinstance(app.screen, MainScreen) and app.screen.focused)
        await pilot.press("w")
        await until(lambda: isinstance(app.focused, TransfersPanel))
        print("ready", file=sys.__stdout__, flush=True)
        watch = asyncio.create_task(beats(late, stop))
        await asyncio.to_thread(sys.stdin.read)
        stop.set()
        await watch
    late.sort()
    shares = {name: late[int(len(late) * share)] for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))}
    print(json.dumps({**shares, "worst": late[-1], "rss_mib": peak_mib(os.getpid())}), file=sys.__stdout__)


class Run:
    """One measurement: a server, a screen, a worker."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self.environment = Pail().environment(folder)

    def pail(self, *words: str) -> str:
        """Run a command and return what it printed."""
        command = [Pail().program, "--endpoint", self.address, *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout

    def status(self) -> dict[str, Any]:
        """Return what the worker says of itself."""
        found: dict[str, Any] = json.loads(self.pail("--json", "worker", "status"))
        return found

    def measure(self, source: Path) -> tuple[dict[str, float], dict[str, float]]:
        """Run the job while a screen looks on; returns what worker and screen needed."""
        command = [sys.executable, "-m", "tests.bench.job", "--screen", self.address]
        screen = subprocess.Popen(
            command, cwd=REPOSITORY, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert screen.stdout is not None
        assert screen.stdin is not None
        try:
            if screen.stdout.readline() != "ready\n":
                raise SystemExit("the screen did not come up")
            begun = time.perf_counter()
            self.pail("--quiet", "cp", "-r", "--detach", str(source), "gs://bench/up")
            worker: dict[str, float] = {}
            while (found := self.status())["jobs"]:
                time.sleep(0.5)
            worker = {"wall_s": time.perf_counter() - begun, "cpu_s": cpu_s(found["pid"])}
            worker["rss_mib"] = peak_mib(found["pid"])
            screen.stdin.close()
            seen: dict[str, float] = json.loads(screen.stdout.read())
            return worker, seen
        finally:
            screen.kill()
            screen.wait()
            screen.stdout.close()
            self.pail("--quiet", "worker", "stop")


def main() -> None:
    """Measure, or be the screen that is measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.job", description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--screen", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.screen:
        asyncio.run(look_on(options.screen))
        return
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="pail-job-") as name:
        folder = Path(name)
        for index in range(options.files):
            path = folder / "files" / f"{index // PER_FOLDER:03d}" / f"{index:06d}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        with serving() as server:
            worker, screen = Run(server.address, folder).measure(folder / "files")
    print(f"| one job of {options.files:,} files up | worker | screen |\n|---|---|---|")
    print(f"| peak memory, MiB | {worker['rss_mib']:.0f} | {screen['rss_mib']:.0f} |")
    print(f"| wall · CPU of the worker, s | {worker['wall_s']:.1f} · {worker['cpu_s']:.1f} | |")
    held = " · ".join(f"{screen[key] * 1000:.0f}" for key in ("p50", "p99", "p999", "worst"))
    print(f"| event loop late by, ms: median · 99 % · 99.9 % · worst | | {held} |")


if __name__ == "__main__":
    main()
