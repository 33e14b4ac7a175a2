"""The short run of the simulation; the long one is `python -m tests.simulation`."""

from __future__ import annotations

import os
import subprocess
import sys

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulation.world import run

STEPS = 150_000


def test_hazards_24_to_36_the_engine_loses_nothing_whatever_goes_wrong() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--steps", str(STEPS), "--seed", "1"],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(1_000_000, 2_000_000_000), rounds=st.integers(1, 4))
def test_any_world_comes_to_rest_with_nothing_lost(seed: int, rounds: int) -> None:
    world = run(seed, rounds)
    assert world.rounds == rounds


def test_a_seed_is_a_world() -> None:
    said: list[list[str]] = []
    for _ in range(2):
        said.append([])
        run(7, 3, log=said[-1].append)
    assert said[0] == said[1]
    assert any("CRASH" in line or "FAULT" in line for line in said[0])
