"""Bringing back what was deleted or replaced, and undoing jobs: journalled, exact, and never over somebody's change."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from services.errors import UsageError
from services.localstore.faults import Fault
from services.model import ObjectInfo, Precondition
from services.transfer.messages import Answer, Control, JobItem, SnapshotQuery
from tests.services.transfer.conftest import BUCKET, Lab, OpenLab, eventually
from tests.services.transfer.test_commands import command, finish

URL = f"gs://{BUCKET}"


async def versioned(lab: Lab) -> None:
    seen = await lab.storage.control.get_bucket(BUCKET)
    change = {"versioning": {"enabled": True}}
    await lab.storage.control.patch_bucket(BUCKET, change, metageneration=seen.metageneration)


async def delete(lab: Lab, info: ObjectInfo) -> None:
    await lab.storage.data.delete(BUCKET, info.name, precondition=Precondition(generation=info.generation))


def past(info: ObjectInfo) -> JobItem:
    return JobItem(info.url, info.url, generation=info.generation)


async def test_a_deleted_object_is_restored_with_its_bytes_and_generation(lab: Lab) -> None:
    info = await lab.put("a", b"one", content_type="text/css")
    await delete(lab, info)
    end = await lab.run("restore", past(info))
    assert (end.job.state, end.job.done, end.job.size) == ("done", 1, 3)
    [item] = lab.items()
    live = await lab.storage.data.stat(BUCKET, "a")
    assert (item.action, item.generation, item.crc32c) == ("restore", live.generation, live.crc32c)
    assert live.content_type == "text/css"


async def test_an_older_version_is_copied_over_the_live_one_only_where_that_was_decided(lab: Lab) -> None:
    await versioned(lab)
    older = await lab.put("a", b"one")
    await lab.overwrite("a", b"two")
    end = await lab.run("restore", past(older), conflict="skip")
    assert (end.job.skipped, await lab.get("a")) == (1, b"two")
    job = await lab.start("restore", past(older), conflict="ask")
    await eventually(lambda: lab.conflicts())
    assert await lab.get("a") == b"two"
    await lab.engine.submit(Answer(job, "replace"))
    assert (await lab.ended(job)).job.state == "done"
    assert await lab.get("a") == b"one"
    assert len(await lab.names(versions=True)) == 3


async def test_what_is_live_or_gone_is_said(lab: Lab) -> None:
    info = await lab.put("a", b"one")
    assert (await lab.run("restore", past(info))).job.skipped == 1
    await lab.run("restore", JobItem(info.url, info.url, generation=17))
    item = lab.items()[-1]
    assert (item.state, item.code, "kept no longer" in item.reason) == ("failed", "object-not-found", True)


async def test_all_that_was_deleted_below_a_folder_comes_back_and_live_ones_stay(lab: Lab) -> None:
    for name in ("d/a", "d/b", "d/sub/c", "e"):
        info = await lab.put(name, name.encode())
        if name != "d/b":
            await delete(lab, info)
    end = await lab.run("restore", JobItem(f"{URL}/d/", f"{URL}/d/", tree=True))
    assert end.job.done == 2
    assert await lab.names() == ["d/a", "d/b", "d/sub/c"]
    end = await lab.run("restore", JobItem(f"{URL}/d/", f"{URL}/d/", tree=True))
    assert (end.job.state, end.job.code) == ("failed", "bucket-not-found")


@pytest.mark.parametrize("keeps_versions", [False, True], ids=["restore", "copy"])
async def test_h06_a_lost_answer_is_read_back_and_nothing_is_restored_twice(lab: Lab, keeps_versions: bool) -> None:
    if keeps_versions:
        await versioned(lab)
    info = await lab.put("a", b"one")
    await delete(lab, info)
    lab.faults.add(Fault("objects.rewrite" if keeps_versions else "objects.restore", "reset", stage="after"))
    assert (await lab.run("restore", past(info))).job.state == "done"
    live = await lab.storage.data.stat(BUCKET, "a")
    assert lab.items()[-1].generation == live.generation
    assert len(await lab.names(versions=True)) == (2 if keeps_versions else 1)


async def test_a_restoration_that_was_killed_goes_on(lab: Lab, open_lab: OpenLab, tmp_path: Path) -> None:
    count = 60
    for number in range(count):
        await delete(lab, await lab.put(f"d/{number:03}", b"%d" % number))
    lab.faults.add(Fault("objects.restore", "latency", seconds=0.1, count=None))
    state = tmp_path / "killed"
    first = command(state, lab, JobItem(f"{URL}/d/", f"{URL}/d/", tree=True), action="restore")
    await eventually(lambda: some(lab, 5))
    first.send_signal(signal.SIGKILL)
    await finish(first)
    assert len(await lab.names()) < count
    lab.faults.clear()
    again = await open_lab(state=state, server=lab.server, worker=True)
    await eventually(lambda: all_back(again, count))
    for number in (0, 31, count - 1):
        assert await lab.get(f"d/{number:03}") == b"%d" % number
    assert len(await lab.names(versions=True)) == count


async def some(lab: Lab, at_least: int) -> bool:
    return len(await lab.names()) >= at_least


async def all_back(lab: Lab, count: int) -> bool:
    jobs = (await lab.engine.snapshot()).jobs
    return len(await lab.names()) == count and bool(jobs) and all(job.finished for job in jobs)


# Undo


async def undo(lab: Lab, job: str, **options: Any) -> str:
    return await lab.start("undo", undoes=job, **options)


async def test_a_move_a_copy_an_upload_a_delete_and_a_folder_are_taken_back(lab: Lab) -> None:
    info = await lab.put("a", b"one")
    await lab.put("d/x", b"x")
    moved = await lab.run("move", JobItem(f"{URL}/d/", f"{URL}/e/", tree=True))
    copied = await lab.run("copy", JobItem(f"{URL}/a", f"{URL}/c"))
    sent = await lab.run("upload", JobItem(str(lab.file("up", b"up")), f"{URL}/up"))
    made = await lab.run("make-folder", JobItem("", f"{URL}/new/"))
    gone = await lab.run("delete", JobItem(f"{URL}/a", generation=info.generation))
    assert await lab.names() == ["c", "e/x", "new/", "up"]
    assert all(end.job.undoable for end in (moved, copied, sent, made, gone))
    for end in (gone, made, sent, copied, moved):
        assert (await lab.ended(await undo(lab, end.job.id))).job.state == "done"
    assert await lab.names() == ["a", "d/x"]
    assert await lab.get("a") == b"one"
    assert not any(job.undoable for job in (await lab.engine.snapshot()).jobs)


async def test_an_undo_puts_back_what_was_replaced_and_asks_where_somebody_changed_it_since(lab: Lab) -> None:
    await lab.put("a", b"mine")
    await lab.put("b", b"theirs")
    first = await lab.run("copy", JobItem(f"{URL}/a", f"{URL}/b"))
    second = await lab.run("copy", JobItem(f"{URL}/a", f"{URL}/c"))
    assert lab.items(first.job.id)[0].replaced
    assert (await lab.ended(await undo(lab, first.job.id))).job.state == "done"
    assert await lab.get("b") == b"theirs"
    await lab.overwrite("c", b"newer")
    end = await lab.ended(await undo(lab, second.job.id))
    assert (end.job.state, end.job.failed, await lab.get("c")) == ("failed", 1, b"newer")


async def test_undoing_a_move_brings_back_what_it_replaced_once_the_name_is_free(lab: Lab) -> None:
    for name in ("a", "b"):
        await lab.put(f"d/{name}", f"moved {name}".encode())
        await lab.put(f"e/{name}", f"there {name}".encode())
    moved = await lab.run("move", JobItem(f"{URL}/d/", f"{URL}/e/", tree=True))
    assert await lab.names() == ["e/a", "e/b"]
    lab.faults.add(Fault("objects.move", "latency", seconds=0.2))
    end = await lab.ended(await undo(lab, moved.job.id))
    assert (end.job.state, end.job.done) == ("done", 4)
    assert await lab.names() == ["d/a", "d/b", "e/a", "e/b"]
    assert (await lab.get("d/a"), await lab.get("e/b")) == (b"moved a", b"there b")


async def test_undoing_a_delete_asks_where_the_name_was_taken_since(lab: Lab) -> None:
    info = await lab.put("a", b"first")
    gone = await lab.run("delete", JobItem(info.url, generation=info.generation))
    await lab.put("a", b"second")
    job = await undo(lab, gone.job.id, conflict="ask")
    await eventually(lambda: lab.conflicts())
    await lab.engine.submit(Answer(job, "skip"))
    assert (await lab.ended(job)).job.skipped == 1
    assert await lab.get("a") == b"second"


async def test_what_cannot_be_undone_is_refused(lab: Lab) -> None:
    await lab.put("a", b"one")
    loaded = await lab.run("download", JobItem(f"{URL}/a", str(lab.folder / "a")))
    copied = await lab.run("copy", JobItem(f"{URL}/a", f"{URL}/b"))
    assert not loaded.job.undoable
    for job in (loaded.job.id, "17", ""):
        with pytest.raises(UsageError, match="cannot be undone"):
            await undo(lab, job)
    back = await lab.ended(await undo(lab, copied.job.id))
    assert (back.job.undoes, back.job.undoable) == (copied.job.id, False)
    with pytest.raises(UsageError, match="cannot be undone"):
        await undo(lab, copied.job.id)


async def test_a_job_of_an_earlier_process_can_be_undone_and_no_number_is_too_large(
    lab: Lab, open_lab: OpenLab, tmp_path: Path
) -> None:
    for number in range(1_200):
        await lab.put(f"d/{number:05}", b"")
    state = tmp_path / "other"
    first = await open_lab(state=state, server=lab.server, worker=True)
    moved = await first.run("move", JobItem(f"{URL}/d/", f"{URL}/e/", tree=True))
    await first.engine.close()
    again = await open_lab(state=state, server=lab.server, worker=True)
    [job] = (await again.engine.snapshot(SnapshotQuery(limit=0))).jobs
    assert job.undoable
    end = await again.ended(await undo(again, moved.job.id))
    assert (end.job.state, end.job.done) == ("done", 1_200)
    assert len(await lab.names("d/")) == 1_200
    await again.engine.submit(Control("dismiss"))
    assert (await again.engine.snapshot()).jobs == ()
