"""Measure sync against rclone in the same run: `python -m tests.bench.sync --help`."""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.bench.measure import Cost, Failed, Server, run, serving
from tests.bench.tools import Pail, Rclone, Tool

SIZE: Final = 1024
"""Bytes of a file."""

RCLONE_FLAGS: Final = ("--size-only", "--checksum")
"""What rclone compares by, beside `--fast-list`; the better of the two is what counts."""

ROWS: Final = ("first", "again", "scan")
"""What is measured unless more is asked for; `idle` takes minutes."""

QUIET: Final = "every 60 s"
"""What a live sync says once it looks at the bucket as seldom as it ever does."""


def make_tree(root: Path, files: int) -> None:
    """Make files, a hundred in each folder, each with bytes of its own."""
    for number in range(files):
        folder = root / f"{number // 10_000:02}" / f"{number // 100 % 100:02}"
        if number % 100 == 0:
            folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file-{number:06}.txt").write_bytes(f"{number:08}".encode() * (SIZE // 8))


def sync_command(tool: Tool, address: str, source: Path, bucket: str, flag: str = "") -> list[str]:
    """Return the command that brings a bucket in step with a folder."""
    if isinstance(tool, Rclone):
        return tool._command(address, "sync", str(source), f":gcs:{bucket}/p", "--fast-list", flag)
    assert isinstance(tool, Pail)
    return tool._command(address, "sync", str(source), f"gs://{bucket}/p", "--mode", "push")


def scan_command(tool: Tool, source: Path) -> list[str]:
    """Return the command that looks through a folder."""
    if isinstance(tool, Rclone):
        return [tool.program, "lsf", "-R", "--format", "pst", "--checkers", str(tool.transfers), str(source)]
    code = (
        "import sys; from services.sync.scan import scan; from services.sync.ignore import Rules;"
        "print(len(scan(sys.argv[1], Rules()).entries))"
    )
    return [sys.executable, "-c", code, str(source)]


def idle(folder: Path, tree: Path, seconds: int) -> None:
    """Watch a quiet folder, and print the share of a core that this takes: between two listings, and with them."""
    tool, home = Pail(), folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    with serving() as server:
        run(sync_command(tool, server.address, tree, "pail"), tool.environment(home), home)
        command = [word for word in sync_command(tool, server.address, tree, "pail") if word != "--quiet"]
        with (home / "said").open("wb") as said:
            process = subprocess.Popen([*command, "--watch"], env=tool.environment(home), stderr=said, cwd=home)
        try:
            while QUIET not in (home / "said").read_text():
                time.sleep(1)
            watched = Server(server.address, process.pid)
            spent = [watched.cpu_s()]
            for _ in range(seconds):
                time.sleep(1)
                spent.append(watched.cpu_s())
        finally:
            process.terminate()
            process.wait()
    shares = [after - before for before, after in itertools.pairwise(spent)]
    middle, mean = statistics.median(shares), statistics.fmean(shares)
    print(f"idle     pail: {middle:.2%} of a core in the median second, {mean:.2%} with listings, over {seconds} s")


def variants(programs: list[str]) -> list[tuple[str, Tool, str]]:
    """Return Pail and each rclone with each way to compare."""
    found: list[tuple[str, Tool, str]] = [("pail", Pail(), "")]
    for program in programs:
        said = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout.split()[1]
        found += [(f"rclone {said} {flag}", Rclone(program), flag) for flag in RCLONE_FLAGS]
    return found


def measure(
    row: str, name: str, command: list[str], tool: Tool, home: Path, found: dict[tuple[str, str], list[Cost]]
) -> None:
    try:
        cost = run(command, tool.environment(home), home)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return
    found.setdefault((row, name), []).append(cost)
    print(f"{row:8} {name:28} {cost.wall_s:7.2f} s {cost.cpu_s:7.2f} cpu {cost.rss_mib:6.0f} MiB", flush=True)


def table(found: dict[tuple[str, str], list[Cost]]) -> str:
    lines = ["| what | | wall | CPU | memory |", "|---|---|---|---|---|"]
    for (row, name), costs in found.items():
        wall, cpu, rss = (
            statistics.median(values) for values in zip(*((c.wall_s, c.cpu_s, c.rss_mib) for c in costs), strict=True)
        )
        lines.append(f"| {row} | {name} | {wall:.2f} s | {cpu:.2f} s | {rss:.0f} MiB |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sync", description=__doc__)
    parser.add_argument("--files", type=int, default=20_000, help="files that are synced")
    parser.add_argument("--scanned", type=int, default=100_000, help="files that are looked through")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--again", type=int, default=5, help="passes without a change, of each tool in turns")
    parser.add_argument("--rows", default=",".join(ROWS), help="some of first, again, scan, idle")
    parser.add_argument("--seconds", type=int, default=130, help="for which an idle watch is measured")
    parser.add_argument("--tools", default="pail,rclone")
    parser.add_argument("--rclone", action="append", metavar="PROGRAM", help="an rclone; may be given several times")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = set(arguments.rows.split(","))
    known = variants(arguments.rclone or ["/usr/bin/rclone"])
    chosen = [one for one in known if one[1].name in arguments.tools.split(",")]
    # Neither a first sync nor a scan compares anything.
    once = [one for one in chosen if one[2] in ("", RCLONE_FLAGS[0])]
    found: dict[tuple[str, str], list[Cost]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if rows & {"first", "again"}:
            make_tree(folder / "tree", arguments.files)
            for _ in range(arguments.rounds if "first" in rows else 0):
                for name, tool, flag in once:
                    _first(folder, name, tool, flag, found)
            if "again" in rows:
                _again(folder, chosen, arguments.again, found)
        if "idle" in rows:
            if not (folder / "tree").exists():
                make_tree(folder / "tree", arguments.files)
            idle(folder, folder / "tree", arguments.seconds)
        if "scan" in rows:
            make_tree(folder / "big", arguments.scanned)
            for _ in range(arguments.rounds):
                for name, tool, _ in once:
                    home = folder / "home"
                    home.mkdir(exist_ok=True)
                    measure("scan", name, scan_command(tool, folder / "big"), tool, home, found)
    print(table(found))
    if arguments.json:
        runs = [{"row": row, "tool": name, "wall_s": c.wall_s, "cpu_s": c.cpu_s, "rss_mib": c.rss_mib}
                for (row, name), costs in found.items() for c in costs]  # fmt: skip
        arguments.json.write_text(json.dumps(runs))
    return 0


def _first(folder: Path, name: str, tool: Tool, flag: str, found: dict[tuple[str, str], list[Cost]]) -> None:
    """Bring an empty bucket in step."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    with serving() as server:
        command = sync_command(tool, server.address, folder / "tree", "pail", flag)
        measure("first", name, command, tool, home, found)


def _again(
    folder: Path, chosen: list[tuple[str, Tool, str]], passes: int, found: dict[tuple[str, str], list[Cost]]
) -> None:
    """Look at what is in step already, each tool in turns over the same bucket; its first look is not counted."""
    with serving() as server:
        for number in range(passes + 1):
            for name, tool, flag in chosen:
                home = folder / f"home of {name}"
                home.mkdir(exist_ok=True)
                command = sync_command(tool, server.address, folder / "tree", "pail", flag)
                measure("again", name, command, tool, home, found if number else {})


if __name__ == "__main__":
    sys.exit(main())
