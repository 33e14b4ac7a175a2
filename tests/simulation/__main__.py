"""Prove the sync engine for long: `python -m tests.simulation --steps 1000000 --seed 1`."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
import traceback

from tests.simulation.world import Violation, World, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, help="points between two effects to go through")
    parser.add_argument("--seconds", type=float, default=math.inf, help="end after so long, whatever was gone through")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first world; the next has the next number")
    parser.add_argument("--rounds", type=int, default=8, help="rounds of edits and rest in one world")
    parser.add_argument("--replay", type=int, metavar="SEED", help="run one world and print what happens in it")
    parser.add_argument("--keep-going", action="store_true", help="go on after a failure")
    arguments = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets is part of what a seed decides.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})
    if arguments.replay is not None:
        return _replay(arguments.replay, arguments.rounds)
    return _prove(arguments)


def _replay(seed: int, rounds: int) -> int:
    try:
        run(seed, rounds, log=print)
    except Violation as error:
        print(f"seed {seed}: {error}")
        return 1
    return 0


def _prove(arguments: argparse.Namespace) -> int:
    started, cpu = time.monotonic(), time.process_time()
    seed, steps, rounds, crashes, losses, failures = arguments.seed, 0, 0, 0, 0, 0
    while steps < arguments.steps and time.monotonic() - started < arguments.seconds:
        try:
            world: World = run(seed, arguments.rounds)
        except Exception as error:
            failures += 1
            print(f"seed {seed}: {type(error).__name__}: {error}", flush=True)
            if not isinstance(error, Violation):
                traceback.print_exc()
            if not arguments.keep_going:
                print(f"see it again: python -m tests.simulation --replay {seed}")
                return 1
        else:
            steps, rounds = steps + world.steps, rounds + world.rounds
            crashes, losses = crashes + world.crashes, losses + world.losses
        seed += 1
        if failures > 20:
            break
    print(
        f"{steps:,} steps, {rounds:,} rounds, {crashes:,} crashes ({losses:,} of them losses of power), "
        f"seeds {arguments.seed} to {seed - 1}, "
        f"{failures} failures; {time.monotonic() - started:.0f} s, {time.process_time() - cpu:.0f} s of CPU"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
