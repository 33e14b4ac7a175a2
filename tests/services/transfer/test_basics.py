from __future__ import annotations

import os
from pathlib import Path

from services.transfer.messages import JobItem
from tests.services.transfer.conftest import BUCKET, KIB, Lab, some_bytes


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


async def test_a_file_goes_up_and_comes_back_the_same(lab: Lab) -> None:
    path = lab.file("a.txt", b"hello")
    os.utime(path, (1_600_000_000, 1_600_000_000))
    up = await lab.run("upload", JobItem(str(path), at("x/a.txt")))
    assert up.job.state == "done"
    info = await lab.storage.data.stat(BUCKET, "x/a.txt")
    assert (info.size, info.content_type, info.mtime) == (5, "text/plain", 1_600_000_000)

    back = lab.folder / "back" / "a.txt"
    down = await lab.run("download", JobItem(at("x/a.txt"), str(back)))
    assert down.job.state == "done"
    assert back.read_bytes() == b"hello"
    assert back.stat().st_mtime == 1_600_000_000
    assert [item.state for item in lab.items()] == ["done", "done"]
    assert lab.items()[0].generation == info.generation


async def test_a_large_file_goes_up_in_parts_and_comes_back(lab: Lab) -> None:
    data = some_bytes(1500 * KIB + 7)
    path = lab.file("big", data)
    up = await lab.run("upload", JobItem(str(path), at("big")))
    assert up.job.state == "done"
    assert lab.faults.calls["uploads.put"] == 6
    assert await lab.get("big") == data
    down = await lab.run("download", JobItem(at("big"), str(lab.folder / "copy")))
    assert down.job.state == "done"
    assert (lab.folder / "copy").read_bytes() == data


async def test_a_tree_goes_up_comes_down_and_is_deleted(lab: Lab) -> None:
    for number in range(60):
        lab.file(f"tree/d{number % 5}/e{number % 3}/f{number}", some_bytes(number * 10, number))
    up = await lab.run("upload", JobItem(str(lab.folder / "tree"), at("p/"), tree=True))
    assert (up.job.state, up.job.done, up.job.items) == ("done", 60, 60)
    assert len(await lab.names("p/")) == 60
    down = await lab.run("download", JobItem(at("p/"), str(lab.folder / "back"), tree=True))
    assert (down.job.state, down.job.done) == ("done", 60)
    assert tree_of(lab.folder / "back") == tree_of(lab.folder / "tree")
    gone = await lab.run("delete", JobItem(at("p/"), tree=True))
    assert (gone.job.state, gone.job.done) == ("done", 60)
    assert await lab.names() == []


async def test_copies_and_moves_on_the_server(lab: Lab) -> None:
    data = some_bytes(700 * KIB)
    await lab.put("a/one", data, metadata={"k": "v"})
    await lab.put("a/two", b"two")
    assert (await lab.run("copy", JobItem(at("a/"), at("b/"), tree=True))).job.state == "done"
    assert await lab.get("b/one") == data
    assert (await lab.storage.data.stat(BUCKET, "b/one")).metadata == {"k": "v"}
    assert (await lab.run("move", JobItem(at("a/"), at("c/"), tree=True))).job.state == "done"
    assert await lab.names() == ["b/one", "b/two", "c/one", "c/two"]


async def test_moves_between_the_disk_and_a_bucket(lab: Lab) -> None:
    lab.file("tree/x/one", b"1")
    lab.file("tree/two", b"2")
    up = await lab.run("move", JobItem(str(lab.folder / "tree"), at("t/"), tree=True))
    assert up.job.state == "done"
    assert not (lab.folder / "tree").exists()
    down = await lab.run("move", JobItem(at("t/"), str(lab.folder / "again"), tree=True))
    assert down.job.state == "done"
    assert await lab.names() == []
    assert (lab.folder / "again" / "x" / "one").read_bytes() == b"1"


async def test_a_new_folder_is_a_placeholder(lab: Lab) -> None:
    assert (await lab.run("make-folder", JobItem("", at("new/")))).job.state == "done"
    assert await lab.names() == ["new/"]
    again = await lab.run("make-folder", JobItem("", at("new/")))
    assert again.job.state == "failed"
    assert "exists" in lab.items(again.job.id)[0].reason


def tree_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
