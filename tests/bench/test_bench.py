"""The measuring server speaks what is measured, and the commands run: figures of what fails would be worthless."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.bucket import Bucket, Stored

ROOT = Path(__file__).parents[2]

MD5 = "mgNkuembtIDdJeHwKEyFVQ=="
"""Of `content`."""


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


def test_the_table_can_be_measured_on_the_embedded_store(tmp_path: Path) -> None:
    found = tmp_path / "runs.json"
    out = bench(
        "tests.bench", "--server", "embedded", "--rows", "up,down,move,delete,sync", "--objects", "7", "--synced", "9",
        "--transfers", "4", "--json", str(found),
    )  # fmt: skip
    groups = {(run["row"], run["tool"].rpartition("-")[2]) for run in json.loads(found.read_text())}
    assert {("up", "blind"), ("down", "blind"), ("down", "4"), ("move", "4"), ("sync", "pail")} <= groups
    assert ("move", "blind") not in groups  # it would be the same command
    assert "| delete 7 |" in out


def test_the_server_tells_the_md5_of_what_was_uploaded_at_once_and_of_the_rest_when_asked_to() -> None:
    bucket = Bucket("b")
    small, large = Stored("small"), Stored("large")
    for stored in (small, large):
        stored.take(b"content")
        bucket.put(stored)
    small.digest()
    before = json.loads(bucket.page("k", {}, ""))
    bucket.digest()
    after = json.loads(bucket.page("k", {}, ""))
    assert [row.get("md5Hash") for row in before["items"]] == [None, MD5]
    assert [row.get("md5Hash") for row in after["items"]] == [MD5, MD5]


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
