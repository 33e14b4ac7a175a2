"""The disk of the journal is full: everything waits, nothing is forgotten, and it goes on by itself (hazard 46)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from services.errors import DiskFull
from services.transfer.journal import Journal
from services.transfer.messages import JobItem
from tests.services.transfer.conftest import BUCKET, FAST, KIB, OpenLab, eventually, some_bytes

QUICK = FAST._replace(disk_probe_s=0.05)


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


@pytest.fixture
def fill(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Return what fills the disk of journals, or makes room again: commits that change something fail meanwhile."""
    full = False
    real = Journal._transact

    def transact(self: Journal, functions: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        if not full:
            return real(self, functions)
        before = self._db.total_changes
        self._db.execute("BEGIN")
        try:
            results = [function(self._db) for function in functions]
            if self._db.total_changes != before:
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
        finally:
            self._db.execute("ROLLBACK")
        return results

    monkeypatch.setattr(Journal, "_transact", transact)

    def switch(now: bool) -> None:
        nonlocal full
        full = now

    return switch


@pytest.mark.parametrize("size", [10, 600 * KIB])
async def test_h46_a_job_waits_for_its_journal_and_goes_on(
    open_lab: OpenLab, fill: Callable[[bool], None], size: int
) -> None:
    lab = await open_lab(options=QUICK._replace(begin=2, concurrency=2))
    for number in range(12):
        lab.file(f"t/{number:02}", some_bytes(size, number))
    job = await lab.start("upload", JobItem(str(lab.folder / "t"), at("t/"), tree=True))
    await eventually(lambda: len(lab.items(job)) >= 2)
    fill(True)
    await eventually(lambda: [notice for notice in lab.notices() if notice.code == "disk-full"])
    assert "journal" in (await lab.engine.snapshot()).jobs[0].reason + lab.notices()[0].message
    fill(False)
    end = await lab.ended(job)
    assert (end.job.state, end.job.done, end.job.failed) == ("done", 12, 0)
    assert len(await lab.names("t/")) == 12
    assert [view.state for view in await lab.transfers(job)] == ["done"] * 12


async def test_h46_a_new_job_is_refused_while_it_could_not_be_remembered(
    open_lab: OpenLab, fill: Callable[[bool], None]
) -> None:
    lab = await open_lab(options=QUICK)
    path = lab.file("a", b"data")
    fill(True)
    with pytest.raises(DiskFull, match="cannot write the journal"):
        await lab.start("upload", JobItem(str(path), at("a")))
    fill(False)
    assert (await lab.run("upload", JobItem(str(path), at("a")))).job.state == "done"
