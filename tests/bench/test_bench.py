"""The measuring server speaks what is measured, and the commands run: figures of what fails would be worthless."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def bench(module: str, *words: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", module, "--rounds", "1", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""  # a run that failed, or bytes that did not come, would be named there
    return run.stdout


def test_every_small_row_is_carried_out_and_lands_in_the_table(tmp_path: Path) -> None:
    found = tmp_path / "runs.json"
    out = bench(
        "tests.bench", "--rows", "up,down,move,delete,list,sync", "--objects", "7", "--synced", "9", "--listed", "1200",
        "--transfers", "", "--json", str(found),
    )  # fmt: skip
    assert {run["row"] for run in json.loads(found.read_text())} == {"up", "down", "move", "delete", "list", "sync"}
    assert all(run["wall_s"] > 0 and run["rss_mib"] > 1 for run in json.loads(found.read_text()))
    assert "| delete 7 |" in out


def test_a_job_is_measured_from_the_worker_and_from_the_screen() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.job", "--files", "7"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "| one job of 7 files up | worker | screen |" in run.stdout
    assert "| peak memory, MiB | " in run.stdout


def test_sync_is_measured_in_every_row() -> None:
    out = bench("tests.bench.sync", "--files", "7", "--scanned", "20", "--again", "1", "--tools", "pail")
    for row in ("first", "again", "scan"):
        assert f"| {row} | pail | " in out
