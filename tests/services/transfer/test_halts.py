"""Full disks and disks that cannot be written: jobs wait for them, and go on by themselves (hazard 46)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from services.transfer import halt
from services.transfer.messages import Control, JobItem
from tests.services.transfer.conftest import BUCKET, FAST, KIB, Lab, OpenLab, eventually, some_bytes


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


async def test_h46_a_full_disk_pauses_the_job_with_the_cause_and_the_old_file_stays(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = some_bytes(900 * KIB)
    await lab.put("a", data)
    target = lab.file("a", b"old")
    real, full = os.pwrite, True

    def pwrite(handle: int, chunk: Any, offset: int) -> int:
        if full and offset > 100 * KIB:
            raise OSError(28, "No space left on device")
        return real(handle, chunk, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    job = await lab.start("download", JobItem(at("a"), str(target)))
    await eventually(lambda: [notice for notice in lab.notices() if notice.code == "disk-full"])
    view = (await lab.engine.snapshot()).jobs[0]
    assert (view.state, view.code) == ("paused", "disk-full")
    assert "room" in view.remedy
    assert target.read_bytes() == b"old"
    full = False
    await lab.engine.submit(Control("resume", job))
    assert (await lab.ended(job)).job.state == "done"
    assert target.read_bytes() == data


async def test_h46_a_job_goes_on_by_itself_once_its_disk_has_room_and_tells_of_it_once(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await open_lab(options=FAST._replace(disk_probe_s=0.02))
    data = some_bytes(900 * KIB)
    await lab.put("a", data)
    real, full = os.pwrite, True

    def pwrite(handle: int, chunk: Any, offset: int) -> int:
        if full and offset > 100 * KIB:
            raise OSError(28, "No space left on device")
        return real(handle, chunk, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    job = await lab.start("download", JobItem(at("a"), str(lab.folder / "a")))
    # The disk seems to have room and refuses again: it is asked more and more rarely, and a person hears of it once.
    await eventually(lambda: lab.faults.calls["objects.get_media"] >= 3)
    full = False
    assert (await lab.ended(job)).job.state == "done"
    assert (lab.folder / "a").read_bytes() == data
    assert [notice.code for notice in lab.notices()] == ["disk-full"]
    assert [path.name for path in lab.folder.iterdir()] == ["a"]


async def test_h46_a_job_that_waited_for_its_disk_goes_on_after_a_restart(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lab = await open_lab(worker=True)
    data = some_bytes(900 * KIB)
    await lab.put("a", data)

    def pwrite(handle: int, chunk: Any, offset: int) -> int:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", pwrite)
        await lab.start("download", JobItem(at("a"), str(lab.folder / "a")))
        await eventually(lambda: [notice for notice in lab.notices() if notice.code == "disk-full"])
        await lab.engine.close()
    again = await open_lab(worker=True, server=lab.server, options=FAST._replace(disk_probe_s=0.02))
    end = await again.ended("1")
    assert end.job.state == "done"
    assert (lab.folder / "a").read_bytes() == data


async def test_h46_a_person_who_pauses_a_job_that_waits_for_its_disk_keeps_it_paused(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await open_lab(options=FAST._replace(disk_probe_s=0.02))
    await lab.put("a", some_bytes(900 * KIB))
    asked = 0

    def has_room(path: str, needed: int) -> bool:
        nonlocal asked
        asked += 1
        return False

    def pwrite(handle: int, chunk: Any, offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(halt, "has_room", has_room)
    monkeypatch.setattr(os, "pwrite", pwrite)
    job = await lab.start("download", JobItem(at("a"), str(lab.folder / "a")))
    await eventually(lambda: asked >= 2)
    await lab.engine.submit(Control("pause", job))
    view = (await lab.engine.snapshot()).jobs[0]
    assert (view.state, view.code, view.reason) == ("paused", "", "")
    monkeypatch.undo()
    await lab.engine.submit(Control("resume", job))
    assert (await lab.ended(job)).job.state == "done"


def test_has_room_tells_what_a_disk_takes(tmp_path: Path) -> None:
    assert halt.has_room(str(tmp_path / "not" / "yet" / "there"), 1000)
    assert not halt.has_room(str(tmp_path), 1 << 60)
    assert list(tmp_path.iterdir()) == []
