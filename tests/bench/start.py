"""Measures what a command costs beside its work: `python -m tests.bench.start [ROUNDS] [PAIL …]`.

Each command has one small file to see to, on the measuring server, and runs in turns with all others and with a bare
Python, one that imports asyncio among them.  Every program named is one more `pail`; prints medians of CPU seconds.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Final

from tests.bench.measure import Failed, run, serving

ROUNDS: Final = 20
"""Rounds, unless the command line says otherwise; one more goes before them and is not counted."""

BARE: Final = {"python": "pass", "import asyncio": "import asyncio"}
"""What every command pays for, at least."""


def commands(folder: Path) -> dict[str, list[str]]:
    """Return the words of each command, in an order in which each finds what it needs."""
    return {
        "cp up": ["cp", "-r", str(folder / "source"), "gs://few/up"],
        "ls": ["ls", "-r", "gs://few"],
        "cp down": ["cp", "-r", "gs://few/up", str(folder / "down")],
        "mv": ["mv", "-r", "gs://few/up/", "gs://few/moved/"],
        "rm": ["rm", "-r", "gs://few/moved/"],
        "sync": ["sync", str(folder / "source"), "gs://few/sync"],
    }


def measured(rounds: int, programs: list[str], folder: Path, address: str) -> dict[tuple[str, str], list[float]]:
    """Return the CPU seconds of each round, by command and program."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "NO_PROXY")
    environment = {
        name: value for name, value in os.environ.items() if name not in left_out and not name.startswith("XDG_")
    }
    environment["HOME"] = str(folder)
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(rounds + 1):
        for name, code in BARE.items():
            found[name, ""].append(run([sys.executable, "-c", code], environment, folder).cpu_s)
        for program in programs:
            shutil.rmtree(folder / "down", ignore_errors=True)
            for name, words in commands(folder).items():
                command = [program, "--endpoint", address, "--quiet", "--yes", *words]
                found[name, program].append(run(command, environment, folder).cpu_s)
    return {key: costs[1:] for key, costs in found.items()}


def main(words: list[str]) -> int:
    """Measure and print a line for each command."""
    rounds = int(words[0]) if words else ROUNDS
    programs = words[1:] or [str(Path(sys.executable).with_name("pail"))]
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name,
        serving("--fill=few:3:0") as server,
    ):
        folder = Path(name)
        (folder / "source").mkdir()
        (folder / "source" / "file.txt").write_text("content")
        try:
            found = measured(rounds, programs, folder, server.address)
        except Failed as error:
            sys.stderr.write(f"{error}\n")
            return 1
    for (command, program), costs in found.items():
        middle = statistics.median(costs)
        sys.stdout.write(
            f"{command:15} {middle:.3f} s ({min(costs):.3f} to {max(costs):.3f}) {program}".rstrip() + "\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
