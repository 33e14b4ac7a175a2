"""Real folders of a hierarchical namespace: renamed in one step, deleted with what is in them, and undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from services import checksum
from services.localstore.faults import Fault
from services.model import CREATE_ONLY, BucketSpec, WriteAttributes
from services.transfer.messages import JobItem
from services.transfer.resolve import resolve
from tests.services.transfer.conftest import Lab, OpenLab, eventually

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
    assert await folders(lab) == ["b/", "b/deep/"]


async def test_a_folder_is_deleted_with_all_in_it_and_an_empty_one_too(lab: Lab) -> None:
    await put(lab, "a/deep/x")
    await lab.storage.data.create_folder(REAL, "a/empty/er/")
    await lab.storage.data.create_folder(REAL, "c/")
    for name in ("a/", "c/"):
        assert (await lab.run("delete", tree(name))).job.state == "done"
    assert (await folders(lab), await lab.names(bucket=REAL)) == ([], [])


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
