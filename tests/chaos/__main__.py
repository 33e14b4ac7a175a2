"""The long runs: `python -m tests.chaos storm` and the like."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from services.localstore.server import StoreServer
from tests.chaos.proxy import Storm
from tests.chaos.storm import ride


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    storm = kinds.add_parser("storm", help="every kind of job over a line that spoils a share of all requests")
    storm.add_argument("--objects", type=int, default=10_000)
    storm.add_argument("--large", type=int, default=4)
    storm.add_argument("--seed", type=int, default=1)
    storm.add_argument("--share", type=float, default=0.28)
    storm.add_argument("--stalls", type=float, default=0.002)
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pail-chaos-")))
        server = stack.enter_context(StoreServer(folder / "store", open_access=True))
        weather = Storm(share=arguments.share, stalls=arguments.stalls, seed=arguments.seed)
        outcome = ride(server.endpoint, folder, weather, files=arguments.objects, large=arguments.large)
    for problem in outcome.problems:
        print(f"PROBLEM {problem}")
    print(
        f"seed {arguments.seed}: {outcome.requests:,} requests, {outcome.spoilt:,} spoilt "
        f"({outcome.spoilt / max(1, outcome.requests):.0%}), {outcome.seconds:.0f} s"
    )
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
