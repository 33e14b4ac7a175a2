"""Every broken variant of the engine is caught: else the proofs would prove little."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.mutants import MUTANTS


def test_there_are_enough_variants_and_each_has_its_own_name() -> None:
    names = {mutant.name for mutant in MUTANTS}
    assert len(names) == len(MUTANTS) >= 20


@pytest.mark.parametrize("name", [mutant.name for mutant in MUTANTS])
def test_a_broken_engine_is_caught(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.mutants", name],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("caught")
