"""What a listing or an answer said arrived damaged: nothing is lost, and nobody has to step in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.errors import Rejected
from services.model import ListPage, ObjectInfo, ObjectRow
from services.transfer.doubt import one_digit_apart
from services.transfer.messages import JobItem
from tests.services.transfer.conftest import BUCKET, FAST, Lab, OpenLab
from tests.services.transfer.doubles import changed


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


def damaged(row: ObjectRow, what: str) -> ObjectRow:
    if what == "name":
        return row._replace(name=row.name[:-1] + chr(ord(row.name[-1]) ^ 4))
    if what == "neighbour":
        return row._replace(name=row.name.replace("2", "3"))  # one bit apart, and there is such an object
    if what == "generation":
        text = str(row.generation)
        digit = chr(ord(text[-1]) ^ 1)
        return row._replace(generation=int(text[:-1] + digit))
    if what == "size":
        return row._replace(size=row.size ^ 4)
    return row._replace(crc32c="AAAAAA==")


def damage_once(what: str) -> Callable[..., Any]:
    """Return a `list_page` whose first page of several objects has one wrong entry."""
    left = 1

    async def list_page(real: Any, bucket: str, query: Any, token: str = "") -> ListPage:
        nonlocal left
        page: ListPage = await real(bucket, query, token)
        if left and len(page.objects) > 3:
            left -= 1
            page.objects[2] = damaged(page.objects[2], what)
        return page

    return list_page


async def filled(open_lab: OpenLab, **methods: Callable[..., Any]) -> Lab:
    lab = await open_lab(options=FAST._replace(open_storage=changed(**methods)))
    for number in range(8):
        await lab.put(f"t/{number}-x", bytes([number]) * (10 + number))
    return lab


DAMAGES = ["name", "neighbour", "generation", "size", "crc32c"]


@pytest.mark.parametrize("what", DAMAGES)
async def test_h24_a_download_finds_what_a_damaged_listing_named_wrongly(open_lab: OpenLab, what: str) -> None:
    lab = await filled(open_lab, list_page=damage_once(what))
    end = await lab.run("download", JobItem(at("t/"), str(lab.folder / "t"), tree=True))
    assert (end.job.state, end.job.failed) == ("done", 0)
    found = {path.name: path.read_bytes() for path in (lab.folder / "t").iterdir()}
    assert found == {f"{number}-x": bytes([number]) * (10 + number) for number in range(8)}


@pytest.mark.parametrize("what", DAMAGES)
@pytest.mark.parametrize("action", ["copy", "move"])
async def test_h24_a_copy_and_a_move_take_along_what_a_damaged_listing_named_wrongly(
    open_lab: OpenLab, action: str, what: str
) -> None:
    lab = await filled(open_lab, list_page=damage_once(what))
    end = await lab.run(action, JobItem(at("t/"), at("u/"), tree=True))
    assert (end.job.state, end.job.failed) == ("done", 0)
    assert await lab.names("u/") == [f"u/{number}-x" for number in range(8)]
    assert [await lab.get(f"u/{number}-x") for number in range(8)] == [
        bytes([number]) * (10 + number) for number in range(8)
    ]
    assert len(await lab.names("t/")) == (8 if action == "copy" else 0)


@pytest.mark.parametrize("what", DAMAGES)
async def test_h24_a_delete_leaves_nothing_that_a_damaged_listing_named_wrongly(open_lab: OpenLab, what: str) -> None:
    lab = await filled(open_lab, list_page=damage_once(what))
    end = await lab.run("delete", JobItem(at("t/"), tree=True))
    assert (end.job.state, end.job.failed) == ("done", 0)
    assert await lab.names() == []


async def test_h08_a_delete_whose_name_was_damaged_on_its_way_is_sent_again(open_lab: OpenLab) -> None:
    first = True

    async def delete_many(
        real: Any, bucket: str, items: list[tuple[str, int]], **options: Any
    ) -> list[Exception | None]:
        nonlocal first
        if first:
            first = False
            items = [("t/wrong", items[0][1]), *items[1:]]
        answers: list[Exception | None] = await real(bucket, items, **options)
        return answers

    lab = await filled(open_lab, delete_many=delete_many)
    assert (await lab.run("delete", JobItem(at("t/"), tree=True))).job.done == 8
    assert await lab.names() == []


async def test_a_delete_that_is_called_wrong_once_is_sent_again(open_lab: OpenLab) -> None:
    refusals = 1

    async def delete_many(
        real: Any, bucket: str, items: list[tuple[str, int]], **options: Any
    ) -> list[Exception | None]:
        nonlocal refusals
        if refusals:
            refusals -= 1
            answers: list[Exception | None] = await real(bucket, items[1:], **options)
            return [Rejected("the name is not valid UTF-8"), *answers]
        again: list[Exception | None] = await real(bucket, items, **options)
        return again

    lab = await filled(open_lab, delete_many=delete_many)
    assert (await lab.run("delete", JobItem(at("t/"), tree=True))).job.state == "done"
    assert await lab.names() == []


async def test_h09_the_only_copy_of_a_moved_object_is_never_removed(open_lab: OpenLab) -> None:
    """The answer to a rename names a wrong checksum: its source is gone, so what is there has to stay."""

    async def move(real: Any, *arguments: Any, **options: Any) -> ObjectInfo:
        info: ObjectInfo = await real(*arguments, **options)
        return info._replace(crc32c="AAAAAA==")

    lab = await open_lab(options=FAST._replace(open_storage=changed(move=move)))
    await lab.put("a", b"the only copy")
    end = await lab.run("move", JobItem(at("a"), at("b")))
    assert end.job.state == "done"
    assert await lab.get("b") == b"the only copy"
    assert await lab.names() == ["b"]


async def test_a_listed_object_that_somebody_removed_is_skipped_and_said(open_lab: OpenLab) -> None:
    removed = False

    async def rewrite(real: Any, bucket: str, source: str, *arguments: Any, **options: Any) -> Any:
        nonlocal removed
        if not removed and source == "t/5-x":
            removed = True
            await lab.run("delete", JobItem(at("t/5-x")))
        return await real(bucket, source, *arguments, **options)

    lab = await filled(open_lab, rewrite=rewrite)
    end = await lab.run("copy", JobItem(at("t/"), at("u/"), tree=True))
    assert (end.job.state, end.job.done, end.job.skipped) == ("done", 8, 1)
    [view] = [item for item in lab.items() if item.action == "skip"]
    assert (view.reason, view.code) == ("it is gone since it was listed", "gone")


async def test_an_object_that_was_named_and_is_gone_is_still_a_failure(lab: Lab) -> None:
    end = await lab.run("copy", JobItem(at("never"), at("there")))
    assert (end.job.state, end.job.failed) == ("failed", 1)
    assert lab.items()[0].code == "object-not-found"


async def test_a_refusal_is_believed_when_it_comes_three_times(open_lab: OpenLab) -> None:
    refusals = 2

    async def insert(real: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise Rejected("a wrong bit in what was said")
        return await real(*arguments, **options)

    lab = await open_lab(options=FAST._replace(open_storage=changed(insert=insert)))
    path = lab.file("f", b"data")
    assert (await lab.run("upload", JobItem(str(path), at("f")))).job.state == "done"
    refusals = 3
    end = await lab.run("upload", JobItem(str(path), at("g")))
    assert end.job.state == "failed"
    assert lab.items(end.job.id)[0].code == "rejected"


async def test_an_object_under_a_damaged_name_is_removed_and_the_right_one_written(open_lab: OpenLab) -> None:
    first = True

    async def insert(real: Any, bucket: str, name: str, *arguments: Any, **options: Any) -> Any:
        nonlocal first
        if first:
            first = False
            name = "wrong"
        return await real(bucket, name, *arguments, **options)

    lab = await open_lab(options=FAST._replace(open_storage=changed(insert=insert)))
    path = lab.file("f", b"data")
    assert (await lab.run("upload", JobItem(str(path), at("right")))).job.state == "done"
    assert await lab.names() == ["right"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(1763, 1762, True), (1763, 1763, False), (1763, 1760, False), (1763, 763, False), (1763, 1752, False)],
)
def test_one_digit_apart_is_one_flipped_bit(one: int, other: int, expected: bool) -> None:
    assert one_digit_apart(one, other) is expected
