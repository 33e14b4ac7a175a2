"""The short run of the trial with real processes; the long one is `python -m tests.simulation.blackbox`."""

from __future__ import annotations

import pytest

from tests.simulation.blackbox import run


@pytest.mark.timeout(600)
def test_hazards_30_and_34_real_processes_killed_behind_a_bad_line_lose_nothing() -> None:
    outcome = run(4, seed=1)
    assert outcome.problems == []
    assert outcome.edits > 20
    assert outcome.requests > 20
