"""The worker seen from the command line: `cp --detach`, `transfers`, `worker`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.transfer.journal import read_jobs
from tests.e2e.conftest import Pail, wait_for


@pytest.fixture(autouse=True)
def no_worker_stays(pail: Pail) -> Iterator[None]:
    """Stop the worker that a test started."""
    yield
    pail("worker", "stop", connected=False)


@pytest.fixture
def bucket(pail: Pail, put: Callable[..., None]) -> str:
    put("bucket")
    return "gs://bucket"


def states(pail: Pail) -> set[str]:
    return {record["state"] for record in pail("--json", "transfers", connected=False).records}


def test_without_work_there_is_no_worker(pail: Pail) -> None:
    [record] = pail("--json", "worker", "status", connected=False).records
    assert record["kind"] == "worker"
    assert (record["running"], record["jobs"], record["transfers"]) == (False, 0, 0)
    assert "not running" in pail("worker", connected=False).out
    assert pail("--json", "transfers", connected=False).records == []
    assert "No worker" in pail("worker", "stop", connected=False).err
    assert pail("--json", "worker", "status", connected=False).records[0]["running"] is False


def test_a_detached_copy_is_done_by_the_worker(pail: Pail, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"detached")
    [job] = pail("cp", "--detach", "f", f"{bucket}/f", cwd=tmp_path).lines
    wait_for(lambda: states(pail) == {"done"})
    [record] = pail("--json", "transfers", connected=False).records
    assert record["kind"] == "transfer"
    assert (record["job"], record["action"], record["source"]) == (job, "upload", str(tmp_path / "f"))
    assert (record["target"], record["bytes"], record["size"]) == (f"{bucket}/f", 8, 8)
    assert {"id", "rate", "attempt", "reason"} <= record.keys()
    assert pail("cat", f"{bucket}/f").raw == b"detached"
    assert f"{bucket}/f" in pail("transfers", connected=False).out


def test_a_killed_worker_is_replaced_and_its_work_goes_on(pail: Pail, bucket: str, tmp_path: Path) -> None:
    body = os.urandom(24 << 20)
    (tmp_path / "big").write_bytes(body)
    pail("cp", "--detach", "--bandwidth", "8M", "big", f"{bucket}/big", cwd=tmp_path)
    wait_for(lambda: pail("--json", "transfers", connected=False).records[0]["bytes"] > 0)
    worker = pail("--json", "worker", "status", connected=False).records[0]["pid"]
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: states(pail) == {"done"})
    assert pail("cat", f"{bucket}/big").raw == body


def test_the_limit_of_what_runs_is_changed(pail: Pail, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(64 << 20))
    assert "may move 1.0 MB/s" in pail("transfers", "limit", "1000K", connected=False).err
    pail("cp", "--detach", "big", f"{bucket}/big", cwd=tmp_path)
    wait_for(lambda: states(pail) == {"running"})
    assert "may move 1.0 MB/s" in pail("transfers", connected=False).err
    assert "by the clock (00:00,off): no limit now" in pail("transfers", "limit", "00:00,off", connected=False).err
    wait_for(lambda: states(pail) == {"done"})
    refused = pail("transfers", "limit", "soon", connected=False, code=2)
    assert "24M" in refused.err
    assert pail("transfers", "limit", "default", connected=False).err.strip() == "No limit"


def test_transfers_are_paused_resumed_and_cancelled(pail: Pail, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(64 << 20))
    [job] = pail("cp", "--detach", "--bandwidth", "1M", "big", f"{bucket}/big", cwd=tmp_path).lines
    wait_for(lambda: states(pail) == {"running"})
    pail("transfers", "pause", job, connected=False)
    wait_for(lambda: states(pail) == {"paused"})
    pail("transfers", "resume", job, connected=False)
    wait_for(lambda: states(pail) <= {"running", "queued"})
    pail("transfers", "cancel", job, connected=False)
    wait_for(lambda: states(pail) <= {"cancelled", "done"})
    pail("ls", f"{bucket}/big", code=4)


def test_an_interrupted_copy_is_taken_over_by_the_worker(pail: Pail, bucket: str, tmp_path: Path) -> None:
    body = os.urandom(20 << 20)
    (tmp_path / "big").write_bytes(body)
    process = subprocess.Popen(
        pail.command("cp", "--bandwidth", "8M", "big", f"{bucket}/big"),
        env=pail.environment,
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    journals = pail.home / "state" / "pail" / "journals"
    wait_for(lambda: any(read_jobs(path) for path in journals.glob("run-*.db")))
    process.kill()
    process.wait()
    wait_for(lambda: states(pail) == {"done"})
    assert pail("cat", f"{bucket}/big").raw == body


@pytest.mark.parametrize("words", [("pause", "99"), ("cancel", "99.1"), ("retry", "nonsense")])
def test_what_is_not_there_cannot_be_steered(pail: Pail, words: tuple[str, str]) -> None:
    [record] = [
        json.loads(line) for line in pail("--json", "transfers", *words, code=1, connected=False).err.splitlines()
    ]
    assert record["reason"] == "not-found"


def test_steering_needs_to_know_what(pail: Pail) -> None:
    assert "Name a job" in pail("transfers", "pause", code=2, connected=False).err


def test_a_worker_in_the_foreground_is_the_only_one_and_stops_when_told(pail: Pail) -> None:
    process = subprocess.Popen(
        pail.command("worker", "run", connected=False), env=pail.environment, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: pail("--json", "worker", "status", connected=False).records[0]["running"])
    [record] = pail("--json", "worker", "status", connected=False).records
    assert record["pid"] == process.pid
    assert "running already" in pail("worker", "run", code=1, connected=False).err
    pail("worker", "stop", connected=False)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_a_job_that_is_still_planned_is_on_the_list(pail: Pail, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "f").write_bytes(b"x")
    [job] = pail("cp", "-r", "--detach", "t", f"{bucket}/", cwd=tmp_path).lines
    seen = pail("--json", "transfers", connected=False).records
    assert [record["job"] for record in seen] == [job]
    assert {"id", "source", "target", "state", "attempt"} <= seen[0].keys()
    wait_for(lambda: states(pail) == {"done"})


def test_the_history_outlives_the_jobs_of_commands(pail: Pail, bucket: str, tmp_path: Path) -> None:
    assert "Nothing was transferred" in pail("transfers", "--history", connected=False).err
    (tmp_path / "f").write_bytes(b"12345")
    pail("cp", "f", f"{bucket}/f", cwd=tmp_path)
    pail("rm", f"{bucket}/f")
    *jobs, summary = pail("--json", "transfers", "--history", connected=False).records
    assert [(job["kind"], job["action"], job["state"], job["bytes"]) for job in jobs] == [
        ("job", "delete", "done", 0),
        ("job", "upload", "done", 5),
    ]
    assert (summary["kind"], summary["jobs"], summary["items"], summary["bytes"]) == ("summary", 2, 2, 5)
    told = pail("transfers", "--history", connected=False)
    assert "upload" in told.lines[2]
    assert f"{tmp_path / 'f'} -> {bucket}/f" in told.lines[2]
    assert "2 jobs in 30 days" in told.err
    assert pail("transfers", "pause", "7", "--history", connected=False, code=2).err


def test_a_job_is_moved_to_the_top_of_the_queue(pail: Pail, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    for name in "abc":
        (tmp_path / "t" / name).write_bytes(os.urandom(1 << 20))
    slowly = ("cp", "-r", "--detach", "--bandwidth", "16K", "t")
    ids = [pail(*slowly, f"{bucket}/{number}/", cwd=tmp_path).lines[0] for number in range(2)]
    assert "Moved" in pail("transfers", "top", ids[0], connected=False).err
    assert "stands there already" in pail("transfers", "up", ids[0], connected=False).err
    assert "Name a job" in pail("transfers", "top", "all", connected=False, code=2).err
    assert pail("transfers", "down", "99", connected=False, code=1).err
    pail("transfers", "cancel", "all", connected=False)
    wait_for(lambda: states(pail) <= {"cancelled", "done"})


def test_what_the_worker_did_is_undone_once(pail: Pail, bucket: str, put: Callable[..., None]) -> None:
    assert "nothing to undo" in pail("undo", connected=False, code=1).err
    for name in ("d/a", "d/b"):
        put("bucket", name, name.encode())
    [job] = pail("mv", "-r", "--detach", f"{bucket}/d", f"{bucket}/e").lines
    wait_for(lambda: states(pail) == {"done"})
    before = pail("ls", "-r", bucket).lines
    assert before == [f"{bucket}/e/a", f"{bucket}/e/b"]
    assert "nobody is there to confirm: Undo job" in pail("undo", connected=False, code=2).err
    planned = pail("--json", "undo", "--dry-run", connected=False).records
    assert [record.get("state") for record in planned] == ["planned", "planned", None]
    assert pail("ls", "-r", bucket).lines == before
    records = pail("--json", "undo", job, connected=False).records
    assert [record["action"] for record in records[:-1]] == ["move", "move"]
    assert records[-1]["done"] == 2
    assert pail("ls", "-r", bucket).lines == [f"{bucket}/d/a", f"{bucket}/d/b"]
    assert "cannot be undone" in pail("undo", job, connected=False, code=2).err
    assert "no job '99'" in pail("undo", "99", connected=False, code=1).err
