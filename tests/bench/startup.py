"""Measures how soon the screen is there, beside a bare Textual app: `python -m tests.bench.startup [ROUNDS]`.

Both are started in turns in a terminal of their own (a pseudo-terminal of 120×40), until the first picture has come
whole.  CPU is that of the process up to then, from `/proc`.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from typing import Final

from services.child import module_environment

BARE: Final = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("bare textual")
Bare().run()
"""
"""The peer: a screen with one line."""

LIMIT_S: Final = 60.0
"""Seconds that a start may take."""

TICKS: Final = os.sysconf("SC_CLK_TCK")
"""Clock ticks a second, the unit of `/proc/PID/stat`."""


@dataclass(frozen=True, slots=True)
class Start:
    """How one start went."""

    wall_s: float
    """Seconds from the start of the process to the picture."""
    cpu_s: float
    """Seconds of CPU of the process until then."""


def start(command: Sequence[str], environment: Mapping[str, str], text: bytes) -> Start:
    """Start a program in a terminal, wait until `text` is painted, end it, and return what that took."""
    begin = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(command[0], list(command), dict(environment))
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    try:
        while text not in seen:
            ready, _, _ = select.select([terminal], [], [], LIMIT_S)
            if not ready:
                raise TimeoutError(f"{command} painted nothing like {text!r}")
            seen += os.read(terminal, 65_536)
        wall = time.perf_counter() - begin
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return Start(wall, (int(fields[11]) + int(fields[12])) / TICKS)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def main(rounds: int) -> None:
    """Print medians and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        homes = {f"XDG_{name}_HOME": f"{folder}/{name}" for name in ("CONFIG", "STATE", "CACHE", "DATA")}
        environment = {**module_environment(), **homes, "HOME": folder, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        pail = ([sys.executable, "-m", "app", "--local", f"{folder}/store"], b"Pail")
        bare = ([sys.executable, "-c", BARE], b"bare textual")
        runs: dict[str, list[Start]] = {"pail": [], "bare Textual": []}
        for _ in range(rounds):
            runs["pail"].append(start(pail[0], environment, pail[1]))
            runs["bare Textual"].append(start(bare[0], environment, bare[1]))
    medians = {}
    print("| program | wall s | CPU s |\n|---|---|---|")
    for name, done in runs.items():
        wall, cpu = (statistics.median(getattr(one, key) for one in done) for key in ("wall_s", "cpu_s"))
        medians[name] = (wall, cpu)
        print(f"| {name} | {wall:.2f} | {cpu:.2f} |")
    wall, cpu = (ours / theirs for ours, theirs in zip(medians["pail"], medians["bare Textual"], strict=True))
    print(f"| pail ÷ bare | {wall:.2f} | {cpu:.2f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
