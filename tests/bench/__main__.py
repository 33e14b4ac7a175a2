"""Measure Pail against rclone, side by side: `python -m tests.bench --help`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Final

from tests.bench.measure import Cost, Failed, Server, certificate, embedded, run, serving
from tests.bench.tools import Pail, Tool, rclones

SYNCED_SIZE: Final = 100
"""Bytes of a file of a sync that finds nothing to do."""

SMALL_SIZE: Final = 4096
"""Bytes of a small file."""

MODIFIED: Final = 1_750_000_000
"""When small files were changed last: whole seconds, which is what all tools keep."""

BIG_SIZE: Final = 1 << 30
"""Bytes of a big one."""

PIECE: Final = bytes(1 << 20)
"""What memory is touched with."""

PROFILES: Final = {"lan": [], "wan": ["--delay", "0.03", "--rate", "25000000"]}
"""What lies between: nothing, or 30 ms for each request and 25 MB/s for each stream."""

SMALL_ROWS: Final = ("up", "down", "move", "delete")
BIG_ROWS: Final = ("big-up", "big-down")
ROWS: Final = (*SMALL_ROWS, *BIG_ROWS, "list", "sync")
"""Workloads, in the order in which one uses what another left."""

TITLES: Final = {
    "up": "{objects:,} × 4 KiB up",
    "down": "{objects:,} × 4 KiB down",
    "move": "move a folder of {objects:,}",
    "delete": "delete {objects:,}",
    "big-up": "1 GiB up",
    "big-down": "1 GiB down",
    "list": "list {listed:,}",
    "sync": "no-change sync of {synced:,}",
}
"""What the rows are called in the table."""

WANTED: Final = {
    "lan": {
        "up": "8 · 10",
        "down": "1.2 · 1.2",
        "move": "1.5 · 1.5",
        "delete": "1.2 · 1.2",
        "big-up": "1.5 · 2",
        "big-down": "2 · 1.7",
        "list": "5 · 5",
        "sync": "1 · 1",
    },
    "wan": {
        "up": "4",
        "down": "1.5",
        "move": "4",
        "delete": "4",
        "big-up": "5",
        "big-down": "1.2",
        "list": "10",
        "sync": "1.5",
    },
}
"""What is wanted: times the best of the others, in wall and CPU."""


@dataclass(slots=True)
class Bench:
    """One series of measurements."""

    tools: list[Tool]
    folder: Path
    rounds: int
    objects: int
    listed: int
    extra: list[str]
    rows: set[str]
    profile: str = "lan"
    store: bool = False
    """Whether the server is the embedded store."""
    synced: int = 20_000
    costs: dict[tuple[str, str], list[Cost]] = field(default_factory=dict)
    busy: dict[str, list[float]] = field(default_factory=dict)

    def serving(self, *arguments: str) -> contextlib.AbstractContextManager[Server]:
        """Run the server that is measured against."""
        if self.store:
            return embedded(self.folder / "store", [tool.name for tool in self.tools])
        return serving(*self.extra, *arguments)

    def measure(self, row: str, tool: Tool, server: Server, command: list[str]) -> None:
        """Run one command; a run that fails is said and left out."""
        home = self.folder / tool.name
        home.mkdir(exist_ok=True)
        before = server.cpu_s()
        try:
            cost = run(command, tool.environment(home), home)
        except Failed as failure:
            print(failure, file=sys.stderr)
            return
        self.busy.setdefault(f"{row}/{tool.name}", []).append((server.cpu_s() - before) / cost.wall_s)
        if row in self.rows:
            self.costs.setdefault((row, tool.name), []).append(cost)
            print(
                f"{row:10} {tool.name:16} {cost.wall_s:8.2f} s  {cost.cpu_s:8.2f} cpu  {cost.rss_mib:7.0f} MiB",
                flush=True,
            )

    def objects_both_ways(self, rows: tuple[str, ...], source: Path, rounds: int) -> None:
        """Upload, download and, for small ones, move and delete; every tool after the other in each step."""
        up, down = rows[:2]
        size = _size(source)
        with self.serving("--room", str(len(self.tools) * size)) as server:
            for number in range(rounds):
                server.forget()
                order = self.tools if number % 2 == 0 else self.tools[::-1]
                for tool in order:
                    sender = tool if up in self.rows else self.tools[0]  # what is not measured may take less time
                    self.measure(up, sender, server, sender.upload(server.address, source, tool.name))
                server.digest()
                for tool in order if down in self.rows else ():
                    with self.target(size) as target:
                        self.measure(down, tool, server, tool.download(server.address, tool.name, target))
                        self.check(source, target)
                for row in rows[2:] if self.rows.intersection(rows[2:]) else ():
                    for tool in self.tools_of(row, order):
                        self.measure(row, tool, server, getattr(tool, row)(server.address, tool.name))

    def tools_of(self, row: str, tools: list[Tool]) -> list[Tool]:
        """Return those that a workload is measured with."""
        return [tool for tool in tools if not tool.rows or row in tool.rows]

    @contextlib.contextmanager
    def target(self, size: int) -> Iterator[Path]:
        """Yield an empty folder.

        As many bytes as will come are written and removed before: a virtual machine gives memory back to its host after
        a while, and whoever came first would pay for having it again.
        """
        target = self.folder / "target"
        target.mkdir()
        with (target / "before").open("wb") as file:
            for _ in range(0, size, len(PIECE)):
                file.write(PIECE)
        (target / "before").unlink()
        try:
            yield target
        finally:
            shutil.rmtree(target)

    def check(self, source: Path, target: Path) -> None:
        """See that every byte has come: nothing counts that was not done."""
        expected, found = _size(source), _size(target)
        if found != expected:
            print(f"only {found} of {expected} bytes came down", file=sys.stderr)

    def syncing(self, source: Path) -> None:
        """Bring in step what is in step; the first run of each tool uploads it all, and is not counted."""
        with self.serving() as server:
            for number in range(self.rounds + 1):
                for tool in self.tools_of("sync", self.tools):
                    row = "sync" if number else "first sync"
                    self.measure(row, tool, server, tool.sync(server.address, source, tool.name))

    def listing(self, rounds: int) -> None:
        """List a bucket; the first run of each tool warms the server's pages and is not counted."""
        with self.serving("--fill", f"list:{self.listed}:0") as server:
            for number in range(rounds + 1):
                for tool in self.tools_of("list", self.tools):
                    row = "list" if number else "warm-up"
                    self.measure(row, tool, server, tool.list(server.address, "list"))

    def table(self) -> Iterator[str]:
        """Yield the medians as a table: of each group the best of its tools, and that in times of the first group."""
        groups = list(dict.fromkeys(tool.group for tool in self.tools))
        first, others = groups[0], groups[1:]
        heads = ("workload", first, *(head for name in others for head in (name, f"÷ {first}")), "wanted")
        yield "".join(f"| {word} " for word in heads) + "|"
        yield "|---" * len(heads) + "|"
        for row in ROWS:
            best = {name: one for name in groups if (one := self.best(row, name)) is not None}
            if first not in best:
                continue
            cells = [_cell(best[first])]
            for name in others:
                one = best.get(name)
                cells += [_cell(one), _times(one, best[first])] if one is not None else ["", ""]
            title = TITLES[row].format(objects=self.objects, listed=self.listed, synced=self.synced)
            yield "".join(f"| {cell} " for cell in (title, *cells, WANTED[self.profile][row])) + "|"

    def best(self, row: str, group: str) -> Cost | None:
        """Return the best median of a group in each figure; None where it did not do that."""
        names = [tool.name for tool in self.tools if tool.group == group]
        costs = [_median(self.costs[row, name]) for name in names if (row, name) in self.costs]
        return Cost(*(min(getattr(cost, one.name) for cost in costs) for one in fields(Cost))) if costs else None


def _cell(cost: Cost) -> str:
    return f"{cost.wall_s:.2f} · {cost.cpu_s:.2f} · {cost.rss_mib:.0f}"


def _times(one: Cost, first: Cost) -> str:
    return f"{one.wall_s / first.wall_s:.2f} · {one.cpu_s / first.cpu_s:.2f}"


def _median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, one.name) for cost in costs) for one in fields(Cost)))


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def _small_files(folder: Path, count: int, size: int = SMALL_SIZE) -> Path:
    for index in range(count):
        path = folder / f"{index // 500:02d}" / f"file-{index:05d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        os.utime(path, (MODIFIED, MODIFIED))
    return folder


def _big_file(folder: Path) -> Path:
    folder.mkdir(parents=True)
    with (folder / "big.bin").open("wb") as file:
        piece = os.urandom(1 << 20)
        for _ in range(BIG_SIZE >> 20):
            file.write(piece)
    return folder


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rows", default=",".join(ROWS), help="comma-separated; default: all")
    parser.add_argument("--profile", choices=PROFILES, default="lan")
    parser.add_argument("--tls", action="store_true", help="speak TLS, with a certificate made for the run")
    parser.add_argument("--server", choices=("measuring", "embedded"), default="measuring")
    parser.add_argument("--rounds", type=int, default=3, help="of each workload; of the long ones fewer with --table")
    parser.add_argument(
        "--table", action="store_true", help="every row against rclone with 64 transfers, as Markdown, in a few minutes"
    )
    parser.add_argument("--synced", type=int, default=20_000)
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--listed", type=int, default=1_000_000)
    parser.add_argument("--one-stream", action="store_true", help="Pail without parallel parts as well")
    parser.add_argument("--rclone", action="append", help="a build of rclone, can be given several times")
    parser.add_argument("--transfers", help="of rclone: each number is a tool of its own; empty: none; default: 4,64")
    parser.add_argument("--json", type=Path, help="write every run there")
    options = parser.parse_args()
    if options.transfers is None:
        options.transfers = "64" if options.table else "4,64"
    rows = set(options.rows.split(","))
    memory = Path("/dev/shm")  # a disk is no part of what is measured
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="pail-bench-") as name:
        folder = Path(name)
        extra = [*PROFILES[options.profile], *(certificate(folder) if options.tls else [])]
        if options.tls:
            os.environ["SSL_CERT_FILE"] = str(folder / "cert.pem")
        tools: list[Tool] = [Pail()]
        tools += [Pail(name="pail-1", up=("--parallel-uploads", "never"))] if options.one_stream else []
        tools += rclones(options.rclone or ["/usr/bin/rclone"], [int(n) for n in options.transfers.split(",") if n])
        bench = Bench(tools, folder, options.rounds, options.objects, options.listed, extra, rows)
        bench.profile, bench.synced, bench.store = options.profile, options.synced, options.server == "embedded"
        # What takes minutes, and differs little from run to run, is measured less often.
        long = options.rounds if not options.table else 1 if options.profile == "wan" else 2
        if rows.intersection(SMALL_ROWS):
            bench.objects_both_ways(SMALL_ROWS, _small_files(folder / "small", options.objects), options.rounds)
        if rows.intersection(BIG_ROWS):
            bench.objects_both_ways(BIG_ROWS, _big_file(folder / "big"), long)
            shutil.rmtree(folder / "big")
        if "list" in rows and not bench.store:  # filling it would take longer than everything else
            bench.listing(long)
        if "sync" in rows:
            bench.syncing(_small_files(folder / "synced", options.synced, SYNCED_SIZE))
    print(*bench.table(), sep="\n")
    print("share of a core that the server was busy, at most:")
    print(*(f"  {row} {max(shares):.0%}" for row, shares in sorted(bench.busy.items())), sep="\n")
    if options.json:
        found = [{"row": row, "tool": tool, **asdict(one)} for (row, tool), many in bench.costs.items() for one in many]
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
