"""The long runs: `python -m tests.chaos storm`, `kills`, `blackout`, `refusal`, `disk`; see docs/chaos.md."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

from services.localstore.server import StoreServer
from tests.chaos.proxy import Storm
from tests.chaos.storm import ride
from tests.chaos.works import black_out, fill_the_disk, kill_again_and_again


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    kinds = parser.add_subparsers(dest="kind", required=True)
    storm = kinds.add_parser("storm", help="every kind of job over a line that spoils a share of all requests")
    storm.add_argument("--objects", type=int, default=10_000)
    storm.add_argument("--large", type=int, default=4)
    storm.add_argument("--share", type=float, default=0.28)
    storm.add_argument("--stalls", type=float, default=0.002)
    kills = kinds.add_parser("kills", help="kill -9 of the worker at random moments")
    kills.add_argument("--times", type=int, default=100)
    kills.add_argument("--objects", type=int, default=1_500)
    for name, what in (("blackout", "no line at all"), ("refusal", "credentials that are refused (401)")):
        dark = kinds.add_parser(name, help=f"{what}, for five minutes, in the middle of two jobs")
        dark.add_argument("--seconds", type=float, default=300.0)
    kinds.add_parser("disk", help="a disk that is full, then grows (a small tmpfs: needs root)")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pail-chaos-")))
        server = stack.enter_context(StoreServer(folder / "store", open_access=True))
        problems = _run(arguments, server.endpoint, folder, stack)
    for problem in problems:
        print(f"PROBLEM {problem}")
    print(f"{arguments.kind}, seed {arguments.seed}: {'as it should be' if not problems else 'NOT as it should be'}")
    return 1 if problems else 0


def _run(arguments: argparse.Namespace, endpoint: str, folder: Path, stack: contextlib.ExitStack) -> list[str]:
    seed = arguments.seed
    if arguments.kind == "storm":
        weather = Storm(share=arguments.share, stalls=arguments.stalls, seed=seed)
        outcome = ride(endpoint, folder, weather, files=arguments.objects, large=arguments.large)
        share = outcome.spoilt / max(1, outcome.requests)
        print(f"{outcome.requests:,} requests, {outcome.spoilt:,} spoilt ({share:.0%}), {outcome.seconds:.0f} s")
        return outcome.problems
    if arguments.kind == "kills":
        times, files = arguments.times, arguments.objects
        return asyncio.run(kill_again_and_again(endpoint, folder, times=times, seed=seed, files=files, large=2))
    if arguments.kind in ("blackout", "refusal"):
        status = 401 if arguments.kind == "refusal" else None
        return asyncio.run(black_out(endpoint, folder, seconds=arguments.seconds, seed=seed, refuse_as=status))
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(disk)], check=True)
    stack.callback(subprocess.run, ["umount", str(disk)], check=True)
    grow = ["mount", "-o", "remount,size=200m", str(disk)]
    return asyncio.run(fill_the_disk(endpoint, folder, disk, lambda: subprocess.run(grow, check=True), seed=seed))


if __name__ == "__main__":
    sys.exit(main())
