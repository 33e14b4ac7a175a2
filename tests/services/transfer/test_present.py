"""Folders that are uploaded again: what is there unchanged is left alone, found by lists, not request by request."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from services.localstore.faults import Fault
from services.model import ListPage, ObjectRow
from services.names import GsUrl
from services.transfer import present
from services.transfer.messages import Answer, JobFact, JobItem
from services.transfer.present import Present
from services.transfer.record import Record
from tests.services.transfer.conftest import BUCKET, KIB, Lab, eventually, some_bytes

FILES = 40


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


def tree(lab: Lab, count: int = FILES) -> JobItem:
    for index in range(count):
        lab.file(f"tree/{index % 4}/{index:03d}", some_bytes(100 + index, index))
    return JobItem(str(lab.folder / "tree"), at("up/"), tree=True)


def codes(lab: Lab, fact: JobFact) -> dict[str, str]:
    """Return what became of each file of a job that was not sent: its name, and the word for that."""
    return {item.target.rpartition("/")[2]: item.code for item in lab.items(fact.job.id) if item.action == "skip"}


async def test_a_folder_without_changes_costs_no_request_for_each_file(lab: Lab) -> None:
    item = tree(lab)
    assert (await lab.run("upload", item, conflict="replace")).job.state == "done"
    before = lab.faults.calls.copy()
    again = await lab.run("upload", item, conflict="replace")
    after = lab.faults.calls
    assert (again.job.state, again.job.skipped, again.job.failed) == ("done", FILES, 0)
    assert set(codes(lab, again).values()) == {"unchanged"}
    assert after["objects.insert"] == before["objects.insert"]
    assert after["objects.get"] == before["objects.get"]
    assert after["objects.list"] - before["objects.list"] <= 2


async def test_a_target_that_was_just_looked_at_is_not_looked_at_again(lab: Lab) -> None:
    item = tree(lab, 4)
    await lab.run("upload", item._replace(fresh=True))
    assert lab.faults.calls["objects.list"] == 0
    assert len(await lab.names("up/")) == 4
    # It is believed for speed alone: what is there by then is found by the upload, and is unchanged all the same.
    again = await lab.run("upload", item._replace(fresh=True), conflict="replace")
    assert (again.job.skipped, set(codes(lab, again).values())) == (4, {"unchanged"})


async def test_what_has_changed_is_sent_and_nothing_else(lab: Lab) -> None:
    item = tree(lab)
    await lab.run("upload", item, conflict="replace")
    generations = {row: (await lab.storage.data.stat(BUCKET, row)).generation for row in await lab.names("up/")}
    longer = lab.file("tree/1/001", b"longer than it was before, which its size alone tells at once " * 4)
    touched = lab.folder / "tree/2/002"
    os.utime(touched, (1, 1))
    other = lab.folder / "tree/3/003"
    kept = other.stat().st_mtime
    other.write_bytes(bytes(reversed(other.read_bytes())))
    os.utime(other, (kept, kept))  # the same size and the same time: only the bytes tell
    lab.file("tree/0/new", b"new")
    again = await lab.run("upload", item, conflict="replace")
    assert (again.job.state, again.job.done, again.job.skipped) == ("done", FILES + 1, FILES - 3)
    assert await lab.get("up/1/001") == longer.read_bytes()
    assert await lab.get("up/3/003") == other.read_bytes()
    assert await lab.get("up/0/new") == b"new"
    now = {row: (await lab.storage.data.stat(BUCKET, row)).generation for row in await lab.names("up/")}
    assert {row for row in generations if now[row] != generations[row]} == {"up/1/001", "up/2/002", "up/3/003"}


async def test_what_exists_is_skipped_without_a_request_where_that_was_asked_for(lab: Lab) -> None:
    item = tree(lab)
    await lab.run("upload", item)
    lab.file("tree/1/001", b"changed")
    lab.file("tree/1/new", b"new")
    before = lab.faults.calls["objects.insert"]
    again = await lab.run("upload", item, conflict="skip")
    assert (again.job.done, again.job.skipped) == (FILES + 1, FILES)
    assert codes(lab, again)["001"] == "exists"
    assert lab.faults.calls["objects.insert"] == before + 1
    assert await lab.get("up/1/001") != b"changed"


async def test_a_dry_run_tells_what_is_left_alone(lab: Lab) -> None:
    item = tree(lab, 4)
    await lab.run("upload", item)
    lab.file("tree/1/001", b"changed")
    rehearsed = await lab.run("upload", item, conflict="replace", dry_run=True)
    assert codes(lab, rehearsed) == {"000": "unchanged", "002": "unchanged", "003": "unchanged"}


async def test_nobody_is_asked_about_what_is_there_already(lab: Lab) -> None:
    item = tree(lab, 4)
    await lab.run("upload", item)
    for path in (lab.folder / "tree").rglob("0*"):
        os.utime(path, (5, 5))  # the lists cannot tell: each is compared when it is refused
    lab.file("tree/1/001", b"changed")
    job = await lab.start("upload", item, conflict="ask")
    [asked] = await eventually(lab.conflicts)
    assert [view.target for view in asked.examples] == [at("up/1/001")]
    assert asked.job.conflicts == 1
    await lab.engine.submit(Answer(job, "replace"))
    ended = await lab.ended(job)
    assert (ended.job.done, ended.job.skipped) == (4, 3)
    assert await lab.get("up/1/001") == b"changed"


async def test_nobody_is_asked_about_a_file_that_a_download_would_not_change(lab: Lab) -> None:
    for name in ("same", "other"):
        await lab.put(f"down/{name}", name.encode())
    lab.file("here/same", b"same")
    lab.file("here/other", b"mine!")
    job = await lab.start("download", JobItem(at("down/"), str(lab.folder / "here"), tree=True), conflict="ask")
    [asked] = await eventually(lab.conflicts)
    assert [Path(view.target).name for view in asked.examples] == ["other"]
    await lab.engine.submit(Answer(job, "skip"))
    ended = await lab.ended(job)
    assert codes(lab, ended) == {"same": "unchanged", "other": "exists"}
    assert (lab.folder / "here/other").read_bytes() == b"mine!"


async def test_a_file_that_was_named_itself_is_sent_again(lab: Lab) -> None:
    path = lab.file("one", b"content")
    item = JobItem(str(path), at("one"))
    await lab.run("upload", item, conflict="replace")
    before = (await lab.storage.data.stat(BUCKET, "one")).generation
    again = await lab.run("upload", item, conflict="replace")
    assert (again.job.done, again.job.skipped) == (1, 0)
    assert (await lab.storage.data.stat(BUCKET, "one")).generation != before


async def test_a_large_file_is_compared_when_its_upload_begins(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(present, "HASHED_AHEAD", 1000)
    lab.file("tree/large", some_bytes(700 * KIB))
    item = JobItem(str(lab.folder / "tree"), at("up/"), tree=True)
    await lab.run("upload", item, conflict="replace")
    before = lab.faults.calls.copy()
    again = await lab.run("upload", item, conflict="replace")
    assert (again.job.state, again.job.skipped, codes(lab, again)) == ("done", 1, {"large": "unchanged"})
    assert lab.faults.calls["uploads.put"] == before["uploads.put"]


async def test_a_move_removes_the_file_whatever_is_there(lab: Lab) -> None:
    item = tree(lab, 4)
    await lab.run("upload", item)
    moved = await lab.run("move", item, conflict="replace")
    assert (moved.job.state, moved.job.skipped) == ("done", 0)
    assert not (lab.folder / "tree").exists()


async def test_without_a_list_all_is_uploaded(lab: Lab) -> None:
    item = tree(lab, 4)
    lab.faults.add(Fault("objects.list", "status", "before", status=403, count=50))
    assert (await lab.run("upload", item)).job.state == "done"
    lab.faults.clear()
    assert len(await lab.names("up/")) == 4


class Listing:
    """A bucket of which only lists are asked for."""

    def __init__(self, names: list[str], page: int) -> None:
        self.rows = [ObjectRow(name, 1, 0.0, 7, 1, "crc", "", "STANDARD", 5.0) for name in sorted(names)]
        self.page = page
        self.asked: list[str] = []

    async def list_page(self, bucket: str, query: Any, token: str = "") -> ListPage:
        self.asked.append(query.start_offset)
        rows = [row for row in self.rows if query.start_offset <= row.name < (query.end_offset or "\U0010ffff")]
        return ListPage(rows[: self.page], [], "more" if len(rows) > self.page else "")


def records(names: list[str]) -> list[Record]:
    return [Record(1, 0, "upload", f"/f/{name}", f"gs://b/p/{name}", size=1, mtime=5.0) for name in names]


async def sifted(listing: Listing, *batches: list[Record]) -> list[list[str]]:
    """Return the names that are left out of each batch; every file has the checksum `crc`."""

    async def given() -> Any:
        for batch in batches:
            yield batch

    async def on_disk(function: Any, files: list[Record]) -> list[str]:
        return ["crc"] * len(files)

    found = Present(listing, GsUrl("b", "p/"), on_disk, skip_all=False)  # type: ignore[arg-type]
    left = [[one.target.rpartition("/")[2] for one in batch if one.skipped] async for batch in found.sift(given())]
    assert len(left) == len(batches)
    return left


async def test_gaps_between_the_files_are_not_listed() -> None:
    listing = Listing([f"p/{letter}{index:03d}" for letter in "abcd" for index in range(100)], page=10)
    names = ["a000", "b050", "c099", "d100"]
    assert await sifted(listing, records(names)) == [["a000", "b050", "c099"]]
    assert listing.asked == ["", "p/b050", "p/c099", "p/d100"]


async def test_a_prefix_that_holds_far_more_is_not_listed_whole() -> None:
    listing = Listing([f"p/{index:04d}" for index in range(1000)], page=10)
    names = [f"{index:04d}" for index in range(0, 1000, 20)]
    [left] = await sifted(listing, records(names))
    assert len(listing.asked) == 1 + present.MOST_PAGES
    assert left == names[: 1 + present.MOST_PAGES]  # each page tells of one, the others are found by their uploads


async def test_a_list_out_of_order_says_nothing() -> None:
    listing = Listing(["p/a", "p/b", "p/c"], page=10)
    listing.rows[1] = listing.rows[1]._replace(name="p/d")  # `p/d` is not there
    assert await sifted(listing, records(["a", "c", "d"])) == [[]]


async def test_batches_keep_their_order_and_an_empty_target_is_asked_about_once() -> None:
    listing = Listing(["p/a"], page=10)
    batches = [records([letter]) for letter in "abcdefgh"]
    assert await sifted(listing, *batches) == [["a"], [], [], [], [], [], [], []]
    empty = Listing([], page=10)
    assert await sifted(empty, *[records([letter]) for letter in "abcdefgh"]) == [[]] * 8
    assert empty.asked == [""]
