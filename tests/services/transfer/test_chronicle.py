"""The history: every job that ended, by whichever process, for 30 days."""

from __future__ import annotations

import stat
import time
from pathlib import Path

from services.transfer.chronicle import CHRONICLE, KEPT_S, MOST_ROWS, add_up, recall, remember
from services.transfer.messages import Control, JobItem, JobView
from tests.services.transfer.conftest import BUCKET, Lab, eventually

NOW = time.time()
VIEW = JobView(
    "1", "upload", "/d/t", "gs://b/t/", "done",
    items=3, done=3, bytes=900, size=900, created=NOW - 30, finished=NOW - 20,
)  # fmt: skip


async def test_a_job_that_ended_is_remembered_also_when_it_is_dismissed(lab: Lab, tmp_path: Path) -> None:
    path = lab.file("a", b"data")
    end = await lab.run("upload", JobItem(str(path), f"gs://{BUCKET}/a"), origin="pail cp")
    await lab.engine.submit(Control("dismiss", end.job.id))
    [job] = await eventually(lambda: recall(tmp_path / "state"))
    assert (job.action, job.state, job.done, job.bytes, job.origin) == ("upload", "done", 1, 4, "pail cp")
    assert (job.source, job.target) == (str(path), f"gs://{BUCKET}/a")
    assert job.finished >= job.created > 0


async def test_a_job_that_is_tried_again_is_remembered_by_its_last_end(lab: Lab, tmp_path: Path) -> None:
    path = lab.folder / "late"
    end = await lab.run("upload", JobItem(str(path), f"gs://{BUCKET}/a"))
    assert end.job.state == "failed"
    await eventually(lambda: recall(tmp_path / "state"))
    path.write_bytes(b"here")
    await lab.engine.submit(Control("retry", end.job.id))
    await eventually(lambda: [job.state for job in recall(tmp_path / "state")] == ["done"])


def test_thirty_days_are_kept_newest_first_in_a_private_file(tmp_path: Path) -> None:
    remember(tmp_path, VIEW._replace(created=NOW - KEPT_S - 100, finished=NOW - KEPT_S - 50))
    remember(tmp_path, VIEW)
    remember(tmp_path, VIEW._replace(created=NOW - 9, finished=NOW - 5, source="/d/\udcff", state="failed", failed=1))
    assert [(job.source, job.state) for job in recall(tmp_path)] == [("/d/\udcff", "failed"), ("/d/t", "done")]
    assert stat.S_IMODE((tmp_path / CHRONICLE).stat().st_mode) == 0o600
    assert MOST_ROWS >= 10_000


def test_totals_count_bytes_and_time_of_what_moves_bytes(tmp_path: Path) -> None:
    remember(tmp_path, VIEW)
    remember(tmp_path, VIEW._replace(action="delete", created=NOW - 8, finished=NOW - 4, done=2, failed=1))
    totals = add_up(recall(tmp_path))
    assert (totals.jobs, totals.items, totals.failed, totals.bytes) == (2, 5, 1, 900)
    assert round(totals.rate) == 90
    assert [job.rate > 0 for job in recall(tmp_path)] == [False, True]


def test_no_history_and_a_broken_one_are_empty(tmp_path: Path) -> None:
    assert recall(tmp_path) == []
    (tmp_path / CHRONICLE).write_bytes(b"not a database" * 100)
    assert recall(tmp_path) == []
