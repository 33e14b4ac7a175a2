"""Real folders of a hierarchical namespace: renamed in one step, deleted with what is in them, and undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services import checksum
from services.errors import Transient
from services.gcs.interface import DataPlane
from services.localstore.faults import Fault
from services.model import CREATE_ONLY, BucketSpec, FolderPage, WriteAttributes
from services.names import GsUrl
from services.transfer.hollow import HollowFolders
from services.transfer.messages import JobItem
from services.transfer.resolve import resolve
from tests.services.transfer.conftest import FAST, Lab, OpenLab, eventually
from tests.services.transfer.doubles import changed

REAL = "real"
URL = f"gs://{REAL}"


@pytest.fixture
async def lab(open_lab: OpenLab) -> Lab:
    lab = await open_lab()
    await lab.storage.control.create_bucket(BucketSpec(REAL, hierarchical_namespace=True))
    return lab


async def put(lab: Lab, name: str, data: bytes = b"x") -> None:
    await lab.storage.data.insert(
        REAL, name, data, attributes=WriteAttributes(), crc32c=checksum.of(data), precondition=CREATE_ONLY
    )


async def folders(lab: Lab) -> list[str]:
    return (await lab.storage.data.list_folders(REAL, "")).names


def tree(source: str, target: str = "") -> JobItem:
    return JobItem(f"{URL}/{source}", f"{URL}/{target}" if target else "", tree=True)


async def test_a_folder_is_renamed_in_one_step_with_empty_ones_in_it_and_back(lab: Lab) -> None:
    for number in range(30):
        await put(lab, f"a/{number:02}")
    await lab.storage.data.create_folder(REAL, "a/empty/")
    before = lab.faults.calls["objects.move"], lab.faults.calls["objects.list"]
    end = await lab.run("move", tree("a/", "new/place/b/"))
    assert (end.job.state, end.job.items) == ("done", 1)
    assert (lab.faults.calls["objects.move"], lab.faults.calls["objects.list"]) == before
    assert await folders(lab) == ["new/", "new/place/", "new/place/b/", "new/place/b/empty/"]
    assert len(await lab.names("new/place/b/", bucket=REAL)) == 30
    assert end.job.undoable
    assert (await lab.ended(await lab.start("undo", undoes=end.job.id))).job.state == "done"
    assert len(await lab.names("a/", bucket=REAL)) == 30
    assert await folders(lab) == ["a/", "a/empty/", "new/", "new/place/"]


@pytest.mark.parametrize("operation", ["folders.rename", "operations.get"])
async def test_h06_a_lost_answer_of_a_rename_is_read_back(lab: Lab, operation: str) -> None:
    await put(lab, "a/x")
    lab.faults.add(Fault(operation, "reset", stage="after", count=2 if operation == "operations.get" else 1))
    assert (await lab.run("move", tree("a/", "b/"))).job.state == "done"
    assert await lab.names(bucket=REAL) == ["b/x"]
    assert await folders(lab) == ["b/"]


async def test_a_folder_that_exists_is_filled_and_the_old_one_goes(lab: Lab) -> None:
    for name in ("a/x", "a/deep/y", "b/x"):
        await put(lab, name, name.encode())
    await lab.storage.data.create_folder(REAL, "a/empty/")
    end = await lab.run("move", tree("a/", "b/"), conflict="keep-both")
    assert end.job.state == "done"
    assert await lab.names(bucket=REAL) == ["b/deep/y", "b/x", "b/x (1)"]
    assert await folders(lab) == ["b/", "b/deep/", "b/empty/"]


@pytest.fixture
async def hollow(lab: Lab) -> Lab:
    for name in ("a/deep/x", "a/m", "a/z"):
        await put(lab, name)
    for name in ("a/aa/", "a/deep/er/", "a/n/o/p/", "a/n/q/", "a/zz/", "beside/"):
        await lab.storage.data.create_folder(REAL, name)
    return lab


EMPTY = ["aa/", "deep/er/", "n/o/p/", "n/q/", "zz/"]


async def test_a_copied_tree_has_its_empty_folders_too_and_they_are_taken_back(hollow: Lab) -> None:
    before = await folders(hollow)
    end = await hollow.run("copy", tree("a/", "copy/of/a/"))
    assert (end.job.state, end.job.done, end.job.skipped) == ("done", 8, 0)
    found = [name for name in await folders(hollow) if name.startswith("copy/of/a/")]
    assert found == [name.replace("a/", "copy/of/a/", 1) for name in before if name.startswith("a/")]
    again = await hollow.run("copy", tree("a/", "copy/of/a/"), conflict="skip")
    assert (again.job.state, again.job.done, again.job.skipped) == ("done", 8, 8)
    assert (await hollow.ended(await hollow.start("undo", undoes=end.job.id))).job.state == "done"
    left = [name for name in await folders(hollow) if name.startswith("copy/of/a/")]
    assert not set(left) & {f"copy/of/a/{name}" for name in EMPTY}
    assert await hollow.names("copy/", bucket=REAL) == []


async def test_empty_folders_become_placeholders_in_a_flat_bucket(hollow: Lab) -> None:
    end = await hollow.run("copy", JobItem(f"{URL}/a/", "gs://bucket/a/", tree=True), excludes=("zz/",))
    assert end.job.state == "done"
    kept = [f"a/{name}" for name in EMPTY if name != "zz/"]
    assert await hollow.names() == sorted(["a/deep/x", "a/m", "a/z", *kept])


@pytest.mark.parametrize("target", ["b/", "a folder/that/was/not/there/"])
async def test_a_tree_that_moves_to_another_bucket_takes_its_empty_folders_along(hollow: Lab, target: str) -> None:
    await hollow.storage.control.create_bucket(BucketSpec("other", hierarchical_namespace=True))
    before = await folders(hollow)
    end = await hollow.run("move", JobItem(f"{URL}/a/", f"gs://other/{target}", tree=True))
    assert end.job.state == "done"
    there = (await hollow.storage.data.list_folders("other", target)).names
    assert set(there) >= {f"{target}{name}" for name in EMPTY}
    assert await folders(hollow) == ["beside/"]
    assert (await hollow.ended(await hollow.start("undo", undoes=end.job.id))).job.state == "done"
    assert await folders(hollow) == before
    assert not set((await hollow.storage.data.list_folders("other", "")).names) & {f"{target}{name}" for name in EMPTY}


async def test_a_folder_with_nothing_in_it_is_copied(lab: Lab) -> None:
    await lab.storage.data.create_folder(REAL, "empty/")
    end = await lab.run("copy", tree("empty/", "copy/"))
    assert (end.job.state, await folders(lab)) == ("done", ["copy/", "empty/"])


async def test_a_copy_of_many_pages_of_folders_is_whole(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    list_folders = type(lab.storage.data).list_folders
    names = [f"a/{number:02}/" for number in range(40)]
    for name in names:
        if int(name[2:4]) % 3:
            await lab.storage.data.create_folder(REAL, name)
        else:
            await put(lab, f"{name}x")

    async def in_threes(data: DataPlane, bucket: str, prefix: str, token: str = "") -> FolderPage:
        every = (await list_folders(data, bucket, prefix)).names  # type: ignore[arg-type]
        at = int(token or 0)
        return FolderPage(every[at : at + 3], str(at + 3) if at + 3 < len(every) else "")

    found: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(type(lab.storage.data), "list_folders", in_threes)
        hollow = HollowFolders(lab.storage.data, GsUrl(REAL, "a/"))
        listed = await lab.names("a/", bucket=REAL)
        for start in range(0, len(listed), 5):
            found += await hollow.among(listed[start : start + 5])
        found += await hollow.rest()
    assert found == [name for name in names if int(name[2:4]) % 3]


async def test_a_folder_is_deleted_with_all_in_it_and_an_empty_one_too(lab: Lab) -> None:
    await put(lab, "a/deep/x")
    await lab.storage.data.create_folder(REAL, "a/empty/er/")
    await lab.storage.data.create_folder(REAL, "c/")
    for name in ("a/", "c/"):
        assert (await lab.run("delete", tree(name))).job.state == "done"
    assert (await folders(lab), await lab.names(bucket=REAL)) == ([], [])


async def test_where_no_folder_was_seen_none_is_looked_for_in_the_end(lab: Lab) -> None:
    for number in range(3):
        await lab.put(f"a/b/{number}", b"x")
    assert (await lab.run("delete", JobItem("gs://bucket/a/", tree=True))).job.state == "done"
    assert lab.faults.calls["folders.list"] == 1
    await put(lab, "a/deep/x")
    assert (await lab.run("delete", tree("a/"))).job.state == "done"
    assert lab.faults.calls["folders.list"] == 3
    assert await folders(lab) == []


async def test_folders_that_the_service_did_not_tell_of_are_looked_for_in_the_end(open_lab: OpenLab) -> None:
    asked = 0

    async def list_folders(real: Any, *words: Any) -> FolderPage:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise Transient("no answer")
        found: FolderPage = await real(*words)
        return found

    lab = await open_lab(options=FAST._replace(open_storage=changed(list_folders=list_folders)))
    await lab.storage.control.create_bucket(BucketSpec(REAL, hierarchical_namespace=True))
    await put(lab, "a/deep/x")
    assert (await lab.run("delete", tree("a/"))).job.state == "done"
    assert (await folders(lab), asked) == ([], 2)


async def test_what_stays_of_a_tree_keeps_its_folder(lab: Lab) -> None:
    await put(lab, "a/deep/x.log")
    await put(lab, "a/deep/x.txt")
    assert (await lab.run("delete", tree("a/"), excludes=("*.log",))).job.state == "done"
    assert (await folders(lab), await lab.names(bucket=REAL)) == (["a/", "a/deep/"], ["a/deep/x.log"])


async def test_a_new_folder_is_taken_back_as_long_as_it_is_empty(lab: Lab) -> None:
    one = await lab.run("make-folder", JobItem("", f"{URL}/one/"))
    two = await lab.run("make-folder", JobItem("", f"{URL}/two/"))
    await put(lab, "two/x")
    assert (await lab.ended(await lab.start("undo", undoes=one.job.id))).job.state == "done"
    end = await lab.ended(await lab.start("undo", undoes=two.job.id))
    assert (end.job.state, "not empty" in lab.items()[-1].reason) == ("failed", True)
    assert await folders(lab) == ["two/"]


async def test_an_empty_real_folder_can_be_named_by_a_command(lab: Lab) -> None:
    await lab.storage.data.create_folder(REAL, "empty/")
    [item] = await resolve("delete", [f"{URL}/empty"], storage=lab.storage, recursive=True)
    assert (item.source, item.tree) == (f"{URL}/empty/", True)
    assert (await lab.run("delete", item)).job.state == "done"
    assert await folders(lab) == []


async def test_a_rename_that_was_left_waiting_is_asked_about_and_not_begun_again(
    lab: Lab, open_lab: OpenLab, tmp_path: Path
) -> None:
    await put(lab, "a/x")
    state = tmp_path / "left"
    first = await open_lab(state=state, server=lab.server, faults=lab.faults, worker=True)
    lab.faults.add(Fault("operations.get", "latency", seconds=30))
    await first.start("move", tree("a/", "b/"))
    await eventually(lambda: lab.faults.calls["operations.get"])
    await first.engine.close()
    again = await open_lab(state=state, server=lab.server, faults=lab.faults, worker=True)
    await eventually(lambda: ended(again))
    assert lab.faults.calls["folders.rename"] == 1
    assert await lab.names(bucket=REAL) == ["b/x"]


async def ended(lab: Lab) -> bool:
    jobs = (await lab.engine.snapshot()).jobs
    return bool(jobs) and all(job.state == "done" for job in jobs)
