"""Uploads under the hazards of the list, by number."""

from __future__ import annotations

import os
import socket
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from services.errors import SessionGone
from services.localstore.faults import Fault
from services.model import ObjectInfo, Precondition
from services.transfer import local, resumable
from services.transfer.local import SourceFile
from services.transfer.messages import Control, JobItem, SetBandwidth
from services.transfer.plan import Planner
from tests.services.transfer.conftest import BUCKET, FAST, KIB, Lab, OpenLab, eventually, some_bytes
from tests.services.transfer.doubles import changed


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


async def generations(lab: Lab, name: str) -> int:
    return len(await lab.names(name, versions=True))


async def versioned(lab: Lab) -> None:
    info = await lab.storage.control.get_bucket(BUCKET)
    await lab.storage.control.patch_bucket(
        BUCKET, {"versioning": {"enabled": True}}, metageneration=info.metageneration
    )


async def test_h06_a_lost_answer_to_a_create_is_success_and_one_generation(lab: Lab) -> None:
    await versioned(lab)
    lab.faults.add(Fault("objects.insert", "status", "after"))
    end = await lab.run("upload", JobItem(str(lab.file("a", b"hello")), at("a")))
    assert end.job.state == "done"
    assert lab.faults.calls["objects.insert"] == 1
    assert await generations(lab, "a") == 1


async def test_h06_a_lost_connection_after_the_create_is_success_and_one_generation(lab: Lab) -> None:
    await versioned(lab)
    lab.faults.add(Fault("objects.insert", "reset", "after"))
    assert (await lab.run("upload", JobItem(str(lab.file("a", b"hello")), at("a")))).job.state == "done"
    assert await generations(lab, "a") == 1


async def test_h06_a_lost_answer_to_an_overwrite_is_success_and_no_further_generation(lab: Lab) -> None:
    await versioned(lab)
    await lab.put("a", b"old")
    # The first create is refused, the overwrite is committed and its answer lost.
    lab.faults.add(Fault("objects.insert", "status", "after", skip=1))
    assert (await lab.run("upload", JobItem(str(lab.file("a", b"new")), at("a")))).job.state == "done"
    assert await generations(lab, "a") == 2
    assert await lab.get("a") == b"new"


async def test_h07_a_lost_answer_to_the_last_part_is_success_and_nothing_is_sent_again(lab: Lab) -> None:
    await versioned(lab)
    data = some_bytes(700 * KIB)
    lab.faults.add(Fault("uploads.put", "status", "after", skip=2))
    assert (await lab.run("upload", JobItem(str(lab.file("a", data)), at("a")))).job.state == "done"
    assert await generations(lab, "a") == 1
    assert lab.faults.calls["uploads.start"] == 1
    # Three parts and one question.
    assert lab.faults.calls["uploads.put"] == 4
    assert await lab.get("a") == data


@pytest.mark.parametrize("action", ["status", "reset"])
@pytest.mark.parametrize("stage", ["before", "after"])
async def test_parts_that_fail_are_resumed(lab: Lab, action: Any, stage: Any) -> None:
    data = some_bytes(1500 * KIB)
    for skip in (1, 3):
        lab.faults.add(Fault("uploads.put", action, stage, skip=skip))
    assert (await lab.run("upload", JobItem(str(lab.file("a", data)), at("a")))).job.state == "done"
    assert lab.faults.calls["uploads.start"] == 1
    assert await lab.get("a") == data


async def test_h09_an_upload_with_a_wrong_checksum_removes_only_its_own_generation(open_lab: OpenLab) -> None:
    wrong: list[int] = []

    async def insert(real: Any, *arguments: Any, **options: Any) -> ObjectInfo:
        info: ObjectInfo = await real(*arguments, **options)
        if wrong:
            return info
        wrong.append(info.generation)
        return info._replace(crc32c="AAAAAA==")

    lab = await open_lab(options=FAST._replace(open_storage=changed(insert=insert)))
    await versioned(lab)
    before = await lab.put("a", b"old")
    assert (await lab.run("upload", JobItem(str(lab.file("a", b"new")), at("a")))).job.state == "done"
    assert await lab.get("a") == b"new"
    assert (await lab.storage.data.stat(BUCKET, "a", generation=before.generation)).size == 3
    assert (await lab.storage.data.stat(BUCKET, "a")).generation not in wrong


async def test_h10_a_file_rewritten_during_the_upload_is_uploaded_again_and_never_torn(lab: Lab) -> None:
    path = lab.file("a", b"1" * 1024 * KIB)
    await versioned(lab)
    await lab.engine.submit(SetBandwidth(1024 * KIB))
    job = await lab.start("upload", JobItem(str(path), at("a")))
    await eventually(lambda: lab.faults.calls["uploads.put"] >= 2)
    overwrite(path, b"2" * 1024 * KIB)
    await lab.engine.submit(SetBandwidth(0))
    assert (await lab.ended(job)).job.state == "done"
    assert await lab.get("a") == b"2" * 1024 * KIB
    assert await generations(lab, "a") == 1
    assert lab.faults.calls["uploads.cancel"] == 1


async def test_h10_a_file_replaced_by_a_rename_during_the_upload_is_uploaded_again(lab: Lab) -> None:
    path = lab.file("a", b"1" * 1024 * KIB)
    await lab.engine.submit(SetBandwidth(1024 * KIB))
    job = await lab.start("upload", JobItem(str(path), at("a")))
    await eventually(lambda: lab.faults.calls["uploads.put"] >= 2)
    lab.file("b", b"3" * 1000 * KIB).replace(path)
    await lab.engine.submit(SetBandwidth(0))
    end = await lab.ended(job)
    assert (end.job.state, end.job.size, end.job.bytes) == ("done", 1000 * KIB, 1000 * KIB)
    assert await lab.get("a") == b"3" * 1000 * KIB


@pytest.mark.parametrize("how", ["truncated", "deleted"])
async def test_h11_a_file_that_shrinks_or_goes_cancels_the_session_without_a_storm(lab: Lab, how: str) -> None:
    path = lab.file("a", b"1" * 2048 * KIB)
    await lab.engine.submit(SetBandwidth(1024 * KIB))
    job = await lab.start("upload", JobItem(str(path), at("a")))
    await eventually(lambda: lab.faults.calls["uploads.put"] >= 2)
    if how == "deleted":
        remove(path)
    else:
        os.truncate(path, 300 * KIB)
    await lab.engine.submit(SetBandwidth(0))
    end = await lab.ended(job)
    await eventually(lambda: lab.faults.calls["uploads.cancel"] == 1)
    if how == "deleted":
        assert end.job.state == "failed"
        assert "No such file" in lab.items()[0].reason
        assert await lab.names() == []
        assert lab.faults.calls["uploads.start"] == 1
    else:
        assert end.job.state == "done"
        assert await lab.get("a") == b"1" * 300 * KIB


async def test_h11_a_file_that_never_settles_is_given_up_after_some_tries(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def never(_: SourceFile) -> bool:
        nonlocal looks
        looks += 1
        return False

    monkeypatch.setattr(SourceFile, "unchanged", never)
    lab = await open_lab(options=FAST._replace(settle_s=0.001, max_changed=3))
    end = await lab.run("upload", JobItem(str(lab.file("a", b"x")), at("a")))
    assert (end.job.state, lab.items()[0].code, looks) == ("failed", "source-changed", 3)
    assert await lab.names() == []


async def test_h13_a_session_that_is_gone_is_begun_anew(open_lab: OpenLab) -> None:
    gone = 0

    async def upload_part(real: Any, session: str, *arguments: Any, **options: Any) -> Any:
        nonlocal gone
        if options["offset"] > 0 and gone < 2:
            gone += 1
            raise SessionGone("it is gone")
        return await real(session, *arguments, **options)

    lab = await open_lab(options=FAST._replace(open_storage=changed(upload_part=upload_part)))
    data = some_bytes(1000 * KIB)
    assert (await lab.run("upload", JobItem(str(lab.file("a", data)), at("a")))).job.state == "done"
    assert lab.faults.calls["uploads.start"] == 3
    assert await lab.get("a") == data


async def test_a_part_is_read_while_the_one_before_it_is_sent_though_the_loop_is_busy(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[threading.Event] = [threading.Event(), threading.Event()]

    def read(source: SourceFile, offset: int, size: int, value: int) -> resumable.Chunk:
        begun[min(offset, 1)].set()
        return read_hashed(source, offset, size, value)

    async def upload_part(real: Any, *arguments: Any, **options: Any) -> Any:
        if options["offset"] == 0:
            # Sending that leaves the loop no turn, as encrypting does.
            assert begun[1].wait(30)
        return await real(*arguments, **options)

    read_hashed = resumable.read_hashed
    monkeypatch.setattr(resumable, "read_hashed", read)
    lab = await open_lab(options=FAST._replace(open_storage=changed(upload_part=upload_part)))
    data = some_bytes(1000 * KIB)
    assert (await lab.run("upload", JobItem(str(lab.file("a", data)), at("a")))).job.state == "done"
    assert await lab.get("a") == data


async def test_h17_too_many_requests_slow_down_and_then_pass(lab: Lab) -> None:
    lab.faults.add(Fault("objects.insert", "status", status=429, retry_after="0", count=10))
    for number in range(30):
        lab.file(f"t/{number}", b"x")
    end = await lab.run("upload", JobItem(str(lab.folder / "t"), at("t/"), tree=True))
    assert (end.job.state, end.job.done) == ("done", 30)


async def test_h22_an_empty_file_becomes_an_empty_object_and_comes_back(lab: Lab) -> None:
    assert (await lab.run("upload", JobItem(str(lab.file("e", b"")), at("e")))).job.state == "done"
    assert (await lab.storage.data.stat(BUCKET, "e")).size == 0
    assert (await lab.run("download", JobItem(at("e"), str(lab.folder / "back")))).job.state == "done"
    assert (lab.folder / "back").read_bytes() == b""


async def test_h22_a_sparse_file_of_a_tebibyte_is_streamed_with_flat_memory(lab: Lab) -> None:
    path = lab.folder / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    job = await lab.start("upload", JobItem(str(path), at("sparse")))
    await eventually(lambda: lab.faults.calls["uploads.put"] >= 4)
    tracemalloc.start()
    try:
        await eventually(lambda: lab.faults.calls["uploads.put"] >= 24)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * 1024 * KIB
    await lab.engine.submit(Control("cancel", job))
    assert (await lab.ended(job)).job.size == 1 << 40


async def test_h49_an_object_under_a_hold_is_reported_once_and_not_tried_again(lab: Lab) -> None:
    info = await lab.put("held", b"x")
    await lab.storage.data.patch(
        BUCKET, "held", {"temporaryHold": True}, generation=info.generation, precondition=Precondition()
    )
    end = await lab.run("delete", JobItem(at("held")))
    assert end.job.state == "failed"
    assert lab.items()[0].code == "retained"
    assert await lab.names() == ["held"]


async def test_someone_elses_change_is_never_overwritten(open_lab: OpenLab) -> None:
    """What was seen is what is replaced: another writer between the look and the write wins, and we say so."""
    lab: Lab

    async def stat(real: Any, *arguments: Any, **options: Any) -> ObjectInfo:
        info: ObjectInfo = await real(*arguments, **options)
        await lab.overwrite("a", b"theirs %d" % info.generation)
        return info

    lab = await open_lab(options=FAST._replace(open_storage=changed(stat=stat)))
    await lab.put("a", b"old")
    end = await lab.run("upload", JobItem(str(lab.file("a", b"mine")), at("a")))
    assert end.job.state == "failed"
    assert lab.items()[0].code == "precondition-failed"
    assert (await lab.get("a")).startswith(b"theirs")


async def test_h58_links_fifos_and_loops_in_a_tree_are_reported_and_not_opened(lab: Lab) -> None:
    lab.file("t/plain", b"x")
    secret = lab.file("secret", b"secret")
    tree = lab.folder / "t"
    (tree / "link").symlink_to(secret)
    (tree / "loop").symlink_to(tree)
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tree / "s"))
        end = await lab.run("upload", JobItem(str(tree), at("t/"), tree=True))
    assert (end.job.state, end.job.items, end.job.skipped) == ("done", 5, 4)
    assert await lab.names() == ["t/plain"]
    told = {Path(item.source).name: item.reason for item in lab.items() if item.action == "skip"}
    assert set(told) == {"link", "loop", "fifo", "s"}
    assert "FIFO" in told["fifo"]


async def test_h58_a_fifo_or_folder_that_is_named_itself_fails_at_once(lab: Lab) -> None:
    os.mkfifo(lab.folder / "fifo")
    for name in ("fifo", "."):
        end = await lab.run("upload", JobItem(str(lab.folder / name), at("x")))
        assert end.job.state == "failed"


async def test_h57_a_folder_swapped_for_a_link_during_an_upload_is_not_followed(lab: Lab) -> None:
    lab.file("t/d/f", b"mine")
    lab.file("elsewhere/f", b"secret")
    spec = lab.spec("upload", JobItem(str(lab.folder / "t"), at("t/"), tree=True))

    async def on_disk(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    planned = [one async for batch in Planner(1, spec, lab.storage.data, on_disk).batches() for one in batch]
    (lab.folder / "t" / "d").rename(lab.folder / "moved")
    (lab.folder / "t" / "d").symlink_to(lab.folder / "elsewhere")
    with pytest.raises(local.Unsafe):
        local.open_source(planned[0].source, planned[0].base)


async def test_h69_a_name_that_is_not_utf8_is_reported_and_the_rest_goes_on(lab: Lab) -> None:
    (lab.folder / "t").mkdir()
    bad = os.fsencode(lab.folder / "t") + b"/bad\xff"
    touch(bad)
    lab.file("t/good", b"x")
    end = await lab.run("upload", JobItem(str(lab.folder / "t"), at("t/"), tree=True))
    assert (end.job.done, end.job.failed) == (1, 1)
    failed = next(item for item in lab.items() if item.state == "failed")
    assert failed.code == "unmappable-name"
    assert "\udcff" not in failed.reason
    assert os.fsencode(failed.source).endswith(b"bad\xff")
    assert await lab.names() == ["t/good"]


async def test_h64_modes_and_hostile_metadata_are_never_taken_along(lab: Lab) -> None:
    path = lab.file("a", b"x")
    path.chmod(0o4755)
    await lab.run("upload", JobItem(str(path), at("a")))
    info = await lab.storage.data.stat(BUCKET, "a")
    assert set(info.metadata) == {"pail-nonce", "goog-reserved-file-mtime"}


async def test_excludes_leave_out_what_they_name(lab: Lab) -> None:
    for name in ("t/a.log", "t/keep.txt", "t/node_modules/x/y", "t/sub/b.log", "t/sub/c"):
        lab.file(name, b"x")
    end = await lab.run(
        "upload",
        JobItem(str(lab.folder / "t"), at(""), tree=True),
        excludes=("*.log", "node_modules/"),
    )
    assert end.job.items == 2
    assert await lab.names() == ["keep.txt", "sub/c"]


async def test_a_bucket_that_does_not_exist_fails_the_item_with_its_code(lab: Lab) -> None:
    end = await lab.run("upload", JobItem(str(lab.file("a", b"x")), "gs://nosuchbucket/a"))
    assert end.job.state == "failed"
    assert lab.items()[0].code == "bucket-not-found"


def overwrite(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def touch(path: bytes) -> None:
    with open(path, "wb") as file:
        file.write(b"x")


def remove(path: Path) -> None:
    path.unlink()


def test_every_read_of_a_file_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    source = local.open_source(str(path), 0)
    first = resumable.read_hashed(source, 0, 6, 0)
    path.write_bytes(b"behind")
    second = resumable.read_hashed(source, 0, 6, 0)
    source.close()
    assert (first.pieces, second.pieces) == ([b"before"], [b"behind"])
    assert first.value != second.value
