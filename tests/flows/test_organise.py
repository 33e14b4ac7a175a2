"""Copy, cut, paste, rename, drag and drop, undo: through the screen and a real engine, onto a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from textual import events

from services.model import BucketSpec
from services.transfer.inprocess import open_engine
from services.transfer.messages import JobFact, JobItem, JobSpec, Submit
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually
from tests.widgets.support import drag, mouse
from widgets.drag import DragLabel
from widgets.object_rows import Order

OTHER = "other-bucket"
OBJECTS = {"a.txt": b"aaa", "b.txt": b"bb", "docs/one.txt": b"1", "docs/sub/two.txt": b"22", "old/x.txt": b"x"}


def has(d: Desk, *names: str, bucket: str = BUCKET) -> Callable[[], Awaitable[bool]]:
    async def same() -> bool:
        return sorted(await d.names(bucket)) == sorted(names)

    return same


async def to_row(d: Desk, name: str) -> None:
    """Put the cursor on a row, with keys."""
    await eventually(lambda: name in d.rows())
    await d.press("home")
    for _ in range(len(d.rows())):
        entry = d.tree.cursor_entry
        if entry is not None and entry.name == name:
            return
        await d.press("down")
    raise AssertionError(f"{name} has no row: {d.rows()}")


def at(d: Desk, text: str) -> tuple[int, int]:
    """Return where a text stands on the screen."""
    return next((line.index(text) + 1, y) for y, line in enumerate(d.text().splitlines()) if text in line)


async def test_cut_and_paste_moves_marked_objects_and_folders(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await to_row(d, "a.txt")
        await d.press("space")
        await to_row(d, "docs/")
        await d.press("space", "x")
        await d.see("p Paste")
        assert any("Cut 1 folder, 1 object" in note for note in d.notes())
        await to_row(d, "old/")
        await d.press("right", "p")
        await eventually(has(d, "b.txt", "old/a.txt", "old/docs/one.txt", "old/docs/sub/two.txt", "old/x.txt"))
        assert await d.read("old/docs/sub/two.txt") == b"22"
        await eventually(lambda: d.rows() == ["old/", "old/docs/", "old/a.txt", "old/x.txt", "b.txt"])
        await d.gone("p Paste")


async def test_a_copy_goes_into_another_bucket_and_can_be_pasted_again(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.storage.control.create_bucket(BucketSpec(OTHER, "EU"))
        await to_row(d, "docs/")
        await d.press("y", "b")
        await d.see("Create new bucket", OTHER)
        await d.type("other")
        await d.press("enter")
        await d.see("This bucket is empty", OTHER)
        await d.press("p")
        await eventually(has(d, "docs/one.txt", "docs/sub/two.txt", bucket=OTHER))
        await d.see("docs/", "p Paste")
        assert len(await d.names()) == len(OBJECTS)
        await d.press("p")
        await d.see("already", "Keep both")


async def test_a_copy_beside_itself_gets_another_name(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"aaa", "docs/one.txt": b"1"}) as d:
        await to_row(d, "a.txt")
        await d.press("a", "y", "p")
        await eventually(has(d, "a (1).txt", "a.txt", "docs (1)/one.txt", "docs/one.txt"))
        await d.press("p")
        await eventually(
            has(d, "a (1).txt", "a (2).txt", "a.txt", "docs (1)/one.txt", "docs (2)/one.txt", "docs/one.txt")
        )


async def test_a_folder_does_not_go_into_itself(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await to_row(d, "docs/")
        await d.press("x", "right", "down", "p")
        await eventually(lambda: any("docs/ cannot go into itself" in note for note in d.notes()))
        assert len(await d.names()) == len(OBJECTS)


async def test_what_exists_at_the_target_is_asked_about(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"new", "old/a.txt": b"old"}) as d:
        await to_row(d, "a.txt")
        await d.press("x")
        await to_row(d, "old/")
        await d.press("right", "p")
        await d.see("exists already")
        await d.press("k")
        await eventually(has(d, "old/a (1).txt", "old/a.txt"))
        assert await d.read("old/a (1).txt") == b"new"


async def test_a_name_is_edited_in_its_row(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await to_row(d, "b.txt")
        await d.press("r")
        await d.type("better")
        await d.press("enter")
        await eventually(lambda: "better.txt" in d.rows() and "b.txt" not in d.rows())
        assert await d.read("better.txt") == b"bb"
        await to_row(d, "docs/")
        await d.press("f2")
        await d.type("papers")
        await d.press("enter")
        await eventually(
            has(d, "a.txt", "better.txt", "old/x.txt", "papers/one.txt", "papers/sub/two.txt"),
        )
        await eventually(lambda: "papers/" in d.rows() and "docs/" not in d.rows())


@pytest.mark.parametrize("order", [Order(), Order("size", descending=True)])
async def test_the_cursor_follows_an_object_to_its_new_name(desk: OpenDesk, order: Order) -> None:
    objects = {f"{number:03}.txt": b"x" * (number + 1) for number in range(60)}
    async with desk(objects=objects, size=(80, 24)) as d:
        await to_row(d, "005.txt")
        d.tree.sort_by(order)
        await d.press("r")
        await d.type("zz")
        await d.press("enter")
        await eventually(lambda: "zz.txt" in d.rows() and "005.txt" not in d.rows())
        await eventually(lambda: d.tree.cursor_entry is not None and d.tree.cursor_entry.name == "zz.txt")
        await d.see("zz.txt")
        assert d.tree.is_visible_row(d.tree.cursor)


async def test_the_cursor_follows_a_folder_which_stays_open(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await to_row(d, "docs/")
        await d.press("right", "r")
        await d.type("papers")
        await d.press("enter")
        await eventually(lambda: d.rows() == ["old/", "papers/", "papers/sub/", "papers/one.txt", "a.txt", "b.txt"])
        assert d.tree.cursor_entry is not None
        assert d.tree.cursor_entry.name == "papers/"


async def test_the_cursor_goes_to_a_new_folder(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await to_row(d, "b.txt")
        await d.press("n")
        await d.see("New folder")
        await d.type("fresh")
        await d.press("enter")
        await eventually(lambda: d.tree.cursor_entry is not None and d.tree.cursor_entry.name == "fresh/")
        assert d.rows() == ["docs/", "fresh/", "old/", "a.txt", "b.txt"]
        await d.press("right")
        await d.see("This folder is empty")


def burst(d: Desk, *keys: str) -> None:
    """Type faster than anything can be done about it."""
    for key in keys:
        d.app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_what_is_typed_right_after_r_is_the_name_and_no_command(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"a", "b.txt": b"bb"}) as d:
        await to_row(d, "a.txt")
        burst(d, *"rdXmV", "enter", "down")
        await eventually(has(d, "b.txt", "dXmV.txt"))
        await eventually(lambda: d.tree.cursor_entry and d.tree.cursor_entry.name == "b.txt")
        assert d.app.screen is d.main


async def test_what_is_typed_right_after_a_name_goes_to_the_rows_or_to_the_line_that_stays(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"a", "b.txt": b"bb", "c.txt": b"ccc"}) as d:
        await to_row(d, "a.txt")
        burst(d, "r", "X", "escape", "down")
        await eventually(lambda: d.tree.cursor_entry and d.tree.cursor_entry.name == "b.txt")
        assert d.rows() == ["a.txt", "b.txt", "c.txt"]
        await eventually(lambda: d.app.focused is d.tree)
        burst(d, "r", "c", "enter", "X", "enter", "up")  # there is a c.txt: the line stays until the name is another
        await eventually(has(d, "a.txt", "c.txt", "cX.txt"))
        await eventually(lambda: d.tree.cursor_entry and d.tree.cursor_entry.name == "a.txt")


async def test_what_is_typed_right_after_n_is_the_folder(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"a"}) as d:
        await to_row(d, "a.txt")
        burst(d, *"nXuz")
        await d.see("Xuz/")


async def test_a_row_is_dragged_onto_a_folder_and_onto_the_path(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("a.txt", "docs/")
        await drag(d.pilot, at(d, "a.txt"), at(d, "▸ docs/"))
        await eventually(has(d, "b.txt", "docs/a.txt", "docs/one.txt", "docs/sub/two.txt", "old/x.txt"))
        await to_row(d, "docs/")
        await d.press("enter")
        await d.see("one.txt")
        await drag(d.pilot, at(d, "one.txt"), at(d, BUCKET + " ›"))
        await eventually(has(d, "b.txt", "docs/a.txt", "docs/sub/two.txt", "old/x.txt", "one.txt"))
        await d.gone("one.txt")


async def test_a_row_is_dragged_onto_another_bucket(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.storage.control.create_bucket(BucketSpec(OTHER, "EU"))
        d.tree.drag.spring_s = 0.01
        await d.see("a.txt")
        await drag(d.pilot, at(d, "a.txt"), (5, 0), drop=False)
        await d.see("Create new bucket", OTHER)
        await eventually(lambda: list(d.app.screen.query(DragLabel)) and d.app.mouse_captured is not None)
        await mouse(d.pilot, events.MouseMove, *at(d, OTHER))
        await mouse(d.pilot, events.MouseUp, *at(d, OTHER))
        await eventually(has(d, "a.txt", bucket=OTHER))
        await d.gone("Create new bucket")
        await eventually(lambda: "a.txt" not in d.rows())


async def test_a_move_is_undone(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await to_row(d, "docs/")
        await d.press("r")
        await d.type("papers")
        await d.press("enter")
        await d.see("papers/", "z Undo")
        await d.press("z")
        await eventually(has(d, *OBJECTS))
        await d.see("docs/")
        await d.gone("papers/")
        await d.gone("z Undo")


async def test_a_delete_is_undone(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await to_row(d, "docs/")
        await d.press("X")
        await d.see("Delete the folder docs/?")
        await d.press("right", "enter")
        await d.see("z Undo")
        await d.gone("docs/")
        await d.press("z")
        await eventually(has(d, *OBJECTS))
        assert await d.read("docs/sub/two.txt") == b"22"
        await d.see("docs/")


async def test_undoing_a_delete_leaves_alone_what_has_the_name_now(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"first"}) as d:
        await to_row(d, "a.txt")
        await d.press("X")
        await d.see("Delete the object a.txt?")
        await d.press("right", "enter")
        await d.see("z Undo")
        await d.put("a.txt", b"second")
        await d.press("z")
        await d.see("The name has a live object", "is to be live again")
        await d.press("k", "s")
        await d.told("1 skipped")
        assert await d.read("a.txt") == b"second"


async def test_an_upload_is_undone_after_a_question_and_what_it_replaced_comes_back(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"old"}) as d:
        (d.home / "a.txt").write_bytes(b"new")
        await d.see("a.txt")
        d.app.screen.post_message(events.Paste(str(d.home / "a.txt")))
        await d.see("pasted path")
        await d.press("enter")
        await d.see("exists already")
        await d.press("r")
        await d.see("z Undo")
        assert await d.read("a.txt") == b"new"
        await d.press("z")
        await d.see("Undo the last job?", "What was made is deleted again")
        await d.press("right", "enter")
        await d.told("Took back")
        assert await d.read("a.txt") == b"old"
        await d.gone("z Undo")


@pytest.mark.parametrize(("key", "stays"), [("m", False), ("f6", False), ("f5", True)])
async def test_a_destination_is_chosen_in_a_tree_of_folders(desk: OpenDesk, key: str, stays: bool) -> None:
    async with desk(objects=OBJECTS) as d:
        await to_row(d, "docs/")
        await d.press("right", "down", "down")
        await eventually(lambda: d.tree.cursor_entry and d.tree.cursor_entry.name == "docs/one.txt")
        await d.press(key)
        await d.see("one.txt to…", "docs/", "old/")
        if not stays:
            await d.press("enter")
            await d.see("there already")
        await d.press("down", "G", "enter")
        await d.gone("one.txt to…")
        kept = [name for name in OBJECTS if stays or name != "docs/one.txt"]
        await eventually(has(d, *kept, "old/one.txt"))


async def test_a_destination_can_be_typed_in_a_folder_that_is_not_there_yet(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await to_row(d, "docs/")
        await d.press("m")
        await d.see("docs/ to…")
        await d.type("docs/sub")
        await d.press("enter")
        await d.see("docs/ cannot go into itself")
        await d.press("home", "ctrl+k")
        await d.type("new/place")
        await d.press("enter")
        kept = [name for name in OBJECTS if not name.startswith("docs/")]
        await eventually(has(d, *kept, "new/place/docs/one.txt", "new/place/docs/sub/two.txt"))


async def test_a_new_folder_of_a_hierarchical_bucket_is_a_real_one(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.storage.control.create_bucket(BucketSpec(OTHER, "EU", hierarchical_namespace=True))
        await d.see("This bucket is empty")
        d.main.desk.open_bucket(OTHER, "")
        await d.see("This bucket is empty", OTHER)
        await d.press("n")
        await d.see("New folder")
        await d.type("real")
        await d.press("enter")
        await d.see("real/")
        assert await d.names(OTHER) == []
        await d.put("real/one.txt", b"1", OTHER)
        await d.press("r")
        await d.type("other")
        await d.press("enter")
        await eventually(has(d, "other/one.txt", bucket=OTHER))
        await eventually(lambda: d.rows() == ["other/"])
        await d.press("home", "X")
        await d.see("Delete the folder other/?")
        await d.press("right", "enter")
        await eventually(lambda: d.rows() == [])
        assert (await d.storage.data.list_folders(OTHER, "")).names == []


async def test_what_somebody_else_changed_meanwhile_is_neither_moved_nor_deleted(desk: OpenDesk) -> None:
    """Two people work on the same rows: each of them saw another generation."""
    async with desk(objects=OBJECTS, look_s=600) as d:
        await to_row(d, "a.txt")
        await d.press("X")
        await d.see("Delete the object a.txt?")
        await d.put("a.txt", b"theirs")
        await d.press("right", "enter")
        await d.told("1 item failed")
        assert await d.read("a.txt") == b"theirs"
        await to_row(d, "b.txt")
        await d.press("x")
        await d.put("b.txt", b"theirs too")
        await to_row(d, "old/")
        await d.press("right", "p")
        await eventually(lambda: sum("1 item failed" in note for note in d.notes()) == 2)
        assert await d.read("b.txt") == b"theirs too"
        assert sorted(await d.names()) == sorted(OBJECTS)


async def test_two_moves_of_one_folder_at_once_lose_nothing(desk: OpenDesk) -> None:
    objects = {f"docs/{number:03}": b"%d" % number for number in range(120)}
    async with desk(objects=objects) as d:
        await to_row(d, "docs/")
        await d.press("r")
        await d.type("mine")
        here = asyncio.create_task(d.press("enter"))
        there = await open_engine(d.home / "other")
        ends = there.facts()
        item = JobItem(f"gs://{BUCKET}/docs/", f"gs://{BUCKET}/theirs/", tree=True)
        connection = d.main.desk.session.connection
        await there.submit(Submit(JobSpec("move", connection, (item,), conflict="skip")))
        await here
        async for fact in ends:
            if isinstance(fact, JobFact):
                break
        await there.close()
        await eventually(lambda: d.main.desk.bridge.snapshot.jobs and d.main.desk.bridge.snapshot.jobs[0].finished)
        names = await d.names()
        assert sorted(name.rpartition("/")[2] for name in names) == [f"{number:03}" for number in range(120)]
        assert {name.partition("/")[0] for name in names} <= {"mine", "theirs"}
        for name in names[::40]:
            assert await d.read(name) == b"%d" % int(name[-3:])
