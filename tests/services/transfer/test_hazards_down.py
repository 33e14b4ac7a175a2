"""Downloads, deletes and moves under the hazards of the list, by number."""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from services import checksum
from services.errors import NotAuthenticated, Rejected, Transient
from services.localstore.faults import Fault
from services.model import CREATE_ONLY, Precondition, WriteAttributes
from services.transfer import landing, local
from services.transfer.messages import Answer, Control, JobItem, SetBandwidth
from services.transfer.partial import Partial
from tests.services.transfer.conftest import BUCKET, FAST, KIB, Lab, OpenLab, eventually, some_bytes
from tests.services.transfer.doubles import changed


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


def left(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


async def test_h01_a_wrong_bit_after_a_broken_connection_is_found_and_never_put_in_place(lab: Lab) -> None:
    data = some_bytes(900 * KIB)
    await lab.put("a", data)
    lab.faults.add(Fault("objects.get_media", "reset", "response", at=400 * KIB))
    lab.faults.add(Fault("objects.get_media", "corrupt", "response", at=1000, skip=1))
    target = lab.file("a", b"old")
    end = await lab.run("download", JobItem(at("a"), str(target)))
    assert end.job.state == "done"
    assert target.read_bytes() == data
    assert lab.faults.calls["objects.get_media"] == 3
    assert left(lab.folder) == ["a"]


async def test_h01_bytes_that_stay_wrong_fail_and_leave_the_old_file(lab: Lab) -> None:
    await lab.put("a", some_bytes(300 * KIB))
    lab.faults.add(Fault("objects.get_media", "corrupt", "response", at=1000, count=None))
    target = lab.file("a", b"old")
    end = await lab.run("download", JobItem(at("a"), str(target)))
    assert end.job.state == "failed"
    assert lab.items()[0].code == "checksum-mismatch"
    assert target.read_bytes() == b"old"
    await eventually(lambda: left(lab.folder) == ["a"])


async def test_h02_a_clean_short_body_is_completed(lab: Lab) -> None:
    data = some_bytes(700 * KIB)
    await lab.put("a", data)
    lab.faults.add(Fault("objects.get_media", "truncate", "response", at=100 * KIB, count=2))
    end = await lab.run("download", JobItem(at("a"), str(lab.folder / "a")))
    assert end.job.state == "done"
    assert (lab.folder / "a").read_bytes() == data


async def test_h03_a_generation_that_is_gone_when_the_download_resumes_is_replaced_by_the_live_one(lab: Lab) -> None:
    await lab.put("a", b"1" * 800 * KIB)
    await lab.engine.submit(SetBandwidth(200 * KIB))
    job = await lab.start("download", JobItem(at("a"), str(lab.folder / "a")))
    await eventually(lambda: sized(lab.folder, 100 * KIB))
    await lab.engine.submit(Control("pause", job))
    newer = await lab.overwrite("a", b"2" * 500 * KIB)
    await lab.engine.submit(SetBandwidth(0))
    await lab.engine.submit(Control("resume", job))
    end = await lab.ended(job)
    assert (end.job.state, end.job.size) == ("done", 500 * KIB)
    assert (lab.folder / "a").read_bytes() == b"2" * 500 * KIB
    assert lab.items()[0].generation == newer.generation
    assert left(lab.folder) == ["a"]


async def test_h04_a_missing_object_leaves_the_old_file(lab: Lab) -> None:
    target = lab.file("a", b"old")
    assert (await lab.run("download", JobItem(at("a"), str(target)))).job.state == "failed"
    assert target.read_bytes() == b"old"
    assert left(lab.folder) == ["a"]


async def test_h08_a_503_after_a_committed_delete_is_success_and_a_newer_generation_stays(open_lab: OpenLab) -> None:
    lab: Lab
    lost = False

    async def delete_many(
        real: Any, bucket: str, items: list[tuple[str, int]], **options: bool
    ) -> list[Exception | None]:
        nonlocal lost
        answers: list[Exception | None] = await real(bucket, items, **options)
        if lost:
            return answers
        lost = True
        await lab.put("b", b"newer")
        raise Transient("the answer was lost")

    lab = await open_lab(options=FAST._replace(open_storage=changed(delete_many=delete_many)))
    await lab.put("a", b"a")
    await lab.put("b", b"b")
    end = await lab.run("delete", JobItem(at("a")), JobItem(at("b")))
    assert (end.job.state, end.job.done) == ("done", 2)
    assert await lab.names() == ["b"]
    assert await lab.get("b") == b"newer"


async def test_h08_a_503_after_a_delete_at_the_service_is_success(lab: Lab) -> None:
    await lab.put("a", b"a")
    for operation in ("objects.delete", "batch"):
        lab.faults.add(Fault(operation, "status", "after"))
    assert (await lab.run("delete", JobItem(at("a")))).job.state == "done"
    assert await lab.names() == []


async def test_an_object_that_changed_since_it_was_seen_is_not_deleted(lab: Lab) -> None:
    seen = await lab.put("a", b"a")
    await lab.overwrite("a", b"newer")
    end = await lab.run("delete", JobItem(at("a"), generation=seen.generation))
    assert end.job.state == "failed"
    assert lab.items()[0].code == "precondition-failed"
    assert await lab.get("a") == b"newer"


async def test_exactly_one_version_can_be_deleted(lab: Lab) -> None:
    info = await lab.storage.control.get_bucket(BUCKET)
    await lab.storage.control.patch_bucket(
        BUCKET, {"versioning": {"enabled": True}}, metageneration=info.metageneration
    )
    old = await lab.put("a", b"old")
    await lab.overwrite("a", b"new")
    end = await lab.run("delete", JobItem(at("a"), generation=old.generation, exact=True))
    assert end.job.state == "done"
    assert await lab.names(versions=True) == ["a"]
    assert await lab.get("a") == b"new"


@pytest.mark.parametrize("decompress", [False, True])
async def test_h20_gzip_objects_come_down_as_stored_or_decoded_after_the_check(lab: Lab, decompress: bool) -> None:
    plain = b"hello " * 50_000
    stored = gzip.compress(plain)
    await lab.put("a", stored, content_type="text/plain", content_encoding="gzip")
    end = await lab.run("download", JobItem(at("a"), str(lab.folder / "a")), decompress=decompress)
    assert end.job.state == "done"
    assert (lab.folder / "a").read_bytes() == (plain if decompress else stored)
    assert left(lab.folder) == ["a"]


async def test_h20_bytes_that_only_claim_to_be_gzip_are_named(lab: Lab) -> None:
    await lab.put("a", b"not gzip", content_encoding="gzip")
    end = await lab.run("download", JobItem(at("a"), str(lab.folder / "a")), decompress=True)
    assert end.job.state == "failed"
    assert "--decompress" in lab.items()[0].remedy
    await eventually(lambda: left(lab.folder) == [])


async def test_h21_a_composite_object_is_verified_by_its_crc32c(lab: Lab) -> None:
    parts = [await lab.put(name, some_bytes(300 * KIB, ord(name))) for name in "ab"]
    whole = await lab.storage.data.compose(
        BUCKET,
        [(part.name, part.generation) for part in parts],
        "whole",
        attributes=WriteAttributes(),
        precondition=CREATE_ONLY,
    )
    assert whole.md5 == ""
    assert (await lab.run("download", JobItem(at("whole"), str(lab.folder / "w")))).job.state == "done"
    assert checksum.of((lab.folder / "w").read_bytes()) == whole.crc32c


async def test_h18_without_network_nothing_fails_and_everything_goes_on_by_itself(open_lab: OpenLab) -> None:
    down = False

    def switch(real: Any, *arguments: Any, **options: Any) -> Any:
        if down:
            raise Transient("the network is unreachable")
        return real(*arguments, **options)

    methods = dict.fromkeys(("insert", "stat", "list_page", "start_upload", "upload_part", "upload_status"), switch)
    lab = await open_lab(options=FAST._replace(open_storage=changed(**methods)))
    await lab.run("upload", JobItem(str(lab.file("first", b"x")), at("first")))
    down = True
    for number in range(20):
        lab.file(f"t/{number}", b"x")
    lab.file("t/big", some_bytes(600 * KIB))
    job = await lab.start("upload", JobItem(str(lab.folder / "t"), at("t/"), tree=True))

    async def noticed() -> str:
        return (await lab.engine.snapshot()).notice

    assert "no connection" in await eventually(noticed)
    down = False
    end = await lab.ended(job)
    assert (end.job.state, end.job.done, end.job.failed) == ("done", 21, 0)
    assert [notice.code for notice in lab.notices()] == ["transient", "back"]


async def test_a_service_that_never_answered_is_given_up_by_a_command(open_lab: OpenLab) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise Transient("connection refused")

    lab = await open_lab(options=FAST._replace(open_storage=changed(insert=never, stat=never, list_page=never)))
    end = await lab.run("upload", JobItem(str(lab.file("a", b"x")), at("a")))
    assert end.job.state == "failed"
    assert lab.items()[0].code == "transient"
    assert lab.items()[0].attempt == 4


async def test_h19_lost_credentials_pause_everything_once_and_it_goes_on_when_they_are_back(open_lab: OpenLab) -> None:
    revoked = False

    def refuse(real: Any, *arguments: Any, **options: Any) -> Any:
        if revoked:
            raise NotAuthenticated("the credentials were revoked")
        return real(*arguments, **options)

    lab = await open_lab(options=FAST._replace(open_storage=changed(insert=refuse, stat=refuse, list_page=refuse)))
    await lab.run("upload", JobItem(str(lab.file("first", b"x")), at("first")))
    revoked = True
    for number in range(20):
        lab.file(f"t/{number}", b"x")
    job = await lab.start("upload", JobItem(str(lab.folder / "t"), at("t/"), tree=True))
    await eventually(lab.notices)
    revoked = False
    end = await lab.ended(job)
    assert (end.job.state, end.job.done) == ("done", 20)
    assert [notice.code for notice in lab.notices()] == ["no-credentials", "back"]


async def test_h44_an_object_beside_its_prefix_fails_alone_and_predictably(lab: Lab) -> None:
    for name in ("p/a", "p/a!x", "p/a/b", "p/a/c/d", "p/b/", "p/b/x", "p/c//d", "p/./x", "p/e/"):
        await lab.put(name, b"" if name.endswith("/") else b"x")
    end = await lab.run("download", JobItem(at("p/"), str(lab.folder / "t"), tree=True))
    assert (end.job.done, end.job.failed) == (7, 2)
    assert sorted(item.source for item in lab.items() if item.state == "failed") == [at("p/a/b"), at("p/a/c/d")]
    found = sorted(str(path.relative_to(lab.folder / "t")) for path in (lab.folder / "t").rglob("*"))
    assert found == ["%~%2E", "%~%2E/x", "a", "a!x", "b", "b/x", "c", "c/%~", "c/%~/d", "e"]


async def test_h56_names_that_climb_stay_inside_the_root(lab: Lab) -> None:
    names = ["../../etc/passwd", "/abs", "a/../b", "..\\x", "CON", "x" * 255, "y" * 256]
    for name in names:
        await lab.put(f"p/{name}", name.encode())
    root = lab.folder / "deep" / "root"
    end = await lab.run("download", JobItem(at("p/"), str(root), tree=True))
    assert (end.job.done, end.job.failed) == (6, 1)
    found = {path.read_bytes().decode() for path in root.rglob("*") if path.is_file()}
    assert found == set(names[:6])
    assert [path for path in lab.folder.rglob("*") if path.is_file() and root not in path.parents] == []
    assert {item.code for item in lab.items() if item.state == "failed"} == {"unmappable-name"}


async def test_h57_a_link_in_the_path_of_a_download_is_not_followed(lab: Lab) -> None:
    await lab.put("p/d/f", b"x")
    outside = lab.folder / "outside"
    outside.mkdir()
    root = lab.folder / "root"
    root.mkdir()
    (root / "d").symlink_to(outside)
    end = await lab.run("download", JobItem(at("p/"), str(root), tree=True))
    assert end.job.state == "failed"
    assert lab.items()[0].code == "unsafe"
    assert left(outside) == []


async def test_h57_a_link_swapped_in_during_a_download_is_not_followed(lab: Lab) -> None:
    data = some_bytes(700 * KIB)
    await lab.put("p/d/f", data)
    outside = lab.folder / "outside"
    outside.mkdir()
    root = lab.folder / "root"
    await lab.engine.submit(SetBandwidth(300 * KIB))
    job = await lab.start("download", JobItem(at("p/"), str(root), tree=True))
    await eventually(lambda: (root / "d").is_dir() and sized(root / "d", 64 * KIB))
    (root / "d").rename(root / "was")
    (root / "d").symlink_to(outside)
    await lab.engine.submit(SetBandwidth(0))
    await lab.ended(job)
    assert left(outside) == []
    # It landed in the folder that was opened and checked, wherever that lies by now, or it failed: never elsewhere.
    assert left(root / "was") == ["f"]


async def test_h57_a_link_at_the_target_itself_is_replaced_and_not_written_through(lab: Lab) -> None:
    await lab.put("a", b"new")
    victim = lab.file("victim", b"precious")
    (lab.folder / "a").symlink_to(victim)
    assert (await lab.run("download", JobItem(at("a"), str(lab.folder / "a")))).job.state == "done"
    assert victim.read_bytes() == b"precious"
    assert not (lab.folder / "a").is_symlink()
    assert (lab.folder / "a").read_bytes() == b"new"


@pytest.mark.parametrize("conflict", ["replace", "keep-both", "skip"])
async def test_what_is_no_file_is_never_replaced_by_a_download(lab: Lab, conflict: str) -> None:
    await lab.put("a", b"new")
    os.mkfifo(lab.folder / "fifo")
    (lab.folder / "null").symlink_to("/dev/null")
    (lab.folder / "output").symlink_to("/proc/self/fd/1")
    before = {name: (lab.folder / name).lstat() for name in ("fifo", "null", "output")}
    for name, was in before.items():
        end = await lab.run("download", JobItem(at("a"), str(lab.folder / name)), conflict=conflict)
        assert end.job.state == "failed"
        now = (lab.folder / name).lstat()
        assert (now.st_ino, now.st_mode) == (was.st_ino, was.st_mode), name
    assert set(left(lab.folder)) >= set(before)


async def test_h64_hostile_metadata_changes_neither_mode_nor_time_beyond_reason(lab: Lab) -> None:
    await lab.put("a", b"x", metadata={"goog-reserved-posix-mode": "4777", "goog-reserved-file-mtime": "9" * 30})
    await lab.put("b", b"x", metadata={"goog-reserved-file-mtime": "-5", "x": "y" * 7000})
    for name in "ab":
        assert (await lab.run("download", JobItem(at(name), str(lab.folder / name)))).job.state == "done"
        found = (lab.folder / name).stat()
        assert stat.S_IMODE(found.st_mode) & ~0o666 == 0
        assert 0 < found.st_mtime < 4e9


async def test_an_unfinished_download_is_private_until_it_is_in_place(lab: Lab) -> None:
    await lab.put("a", some_bytes(600 * KIB))
    await lab.engine.submit(SetBandwidth(300 * KIB))
    job = await lab.start("download", JobItem(at("a"), str(lab.folder / "a")))
    await eventually(lambda: sized(lab.folder, 64 * KIB))
    (found,) = lab.folder.iterdir()
    assert found.name.startswith(local.PARTIAL_PREFIX)
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    await lab.engine.submit(Control("cancel", job))
    await lab.ended(job)
    await eventually(lambda: left(lab.folder) == [])


@pytest.mark.parametrize("size", [6, FAST.whole + 1])
@pytest.mark.parametrize("policy", ["skip", "keep-both", "ask"])
async def test_a_file_that_comes_while_the_download_runs_is_not_overwritten(
    lab: Lab, policy: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = b"t" * size
    await lab.put("a.txt", theirs)
    target = lab.folder / "a.txt"
    real = Partial.finish

    def finish(self: Partial, **options: Any) -> bool:
        if not target.exists():
            target.write_bytes(b"mine")
        return real(self, **options)

    monkeypatch.setattr(Partial, "finish", finish)
    place = landing._place

    def late(small: landing.Landing) -> None:
        if not target.exists():
            target.write_bytes(b"mine")
        place(small)

    monkeypatch.setattr(landing, "_place", late)
    job = await lab.start("download", JobItem(at("a.txt"), str(target)), conflict=policy)
    if policy == "ask":
        await eventually(lab.conflicts)
        await lab.engine.submit(Answer(job, "keep-both"))
    assert (await lab.ended(job)).job.state == "done"
    assert target.read_bytes() == b"mine"
    expected = ["a.txt"] if policy == "skip" else ["a (1).txt", "a.txt"]
    await eventually(lambda: left(lab.folder) == expected)


async def test_an_answer_is_about_the_file_that_was_seen(lab: Lab) -> None:
    await lab.put("a", b"theirs")
    target = lab.file("a", b"mine")
    job = await lab.start("download", JobItem(at("a"), str(target)), conflict="ask")
    await eventually(lab.conflicts)
    target.write_bytes(b"edited since")
    view = (await lab.transfers(job))[0]
    await lab.engine.submit(Answer(job, "replace", view.id))
    await eventually(lambda: len(lab.conflicts()) == 2)
    assert target.read_bytes() == b"edited since"
    await lab.engine.submit(Answer(job, "skip"))
    assert (await lab.ended(job)).job.skipped == 1


async def test_a_lost_answer_to_a_move_loses_nothing(lab: Lab) -> None:
    await lab.put("a", b"data")
    lab.faults.add(Fault("objects.move", "status", "after"))
    assert (await lab.run("move", JobItem(at("a"), at("b")))).job.state == "done"
    assert await lab.names() == ["b"]
    assert lab.faults.calls["objects.move"] <= 2


async def test_a_move_between_buckets_removes_exactly_what_was_copied(open_lab: OpenLab) -> None:
    lab: Lab

    async def move(*_: Any, **__: Any) -> Any:
        raise Rejected("no atomic move here")

    async def delete(real: Any, bucket: str, name: str, **options: Any) -> Any:
        await lab.overwrite(name, b"newer")
        return await real(bucket, name, **options)

    lab = await open_lab(options=FAST._replace(open_storage=changed(move=move, delete=delete)))
    await lab.put("a", b"data")
    end = await lab.run("move", JobItem(at("a"), at("b")))
    assert end.job.state == "failed"
    assert "changed since" in lab.items()[0].reason
    assert await lab.get("b") == b"data"
    assert await lab.get("a") == b"newer"


async def test_a_copy_onto_a_target_that_exists_follows_the_policy(lab: Lab) -> None:
    await lab.put("a", b"new")
    await lab.put("b", b"old")
    assert (await lab.run("copy", JobItem(at("a"), at("b")), conflict="skip")).job.skipped == 1
    assert await lab.get("b") == b"old"
    await lab.run("copy", JobItem(at("a"), at("b")), conflict="keep-both")
    assert await lab.names() == ["a", "b", "b (1)"]
    await lab.run("copy", JobItem(at("a"), at("b")))
    assert await lab.get("b") == b"new"


async def test_a_whole_bucket_can_be_emptied_and_an_empty_one_too(lab: Lab) -> None:
    for number in range(250):
        await lab.put(f"{number}", b"")
    end = await lab.run("delete", JobItem(f"gs://{BUCKET}", tree=True))
    assert (end.job.state, end.job.done) == ("done", 250)
    assert (await lab.run("delete", JobItem(f"gs://{BUCKET}", tree=True))).job.state == "done"
    end = await lab.run("delete", JobItem(at("none/"), tree=True))
    assert (end.job.state, end.job.code) == ("failed", "bucket-not-found")


async def test_the_download_of_a_precondition_is_pinned(lab: Lab) -> None:
    seen = await lab.put("a", b"old")
    await lab.storage.data.patch(
        BUCKET, "a", {"metadata": {"k": "v"}}, generation=seen.generation, precondition=Precondition()
    )
    end = await lab.run("download", JobItem(at("a"), str(lab.folder / "a"), generation=seen.generation))
    assert (end.job.state, lab.items()[0].generation) == ("done", seen.generation)


def sized(folder: Path, size: int) -> bool:
    return any(entry.stat().st_size >= size for entry in folder.iterdir())
