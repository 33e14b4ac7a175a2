"""Other people's changes appear by themselves, and a look that finds nothing new changes nothing."""

from __future__ import annotations

import asyncio

import pytest

from app.presence import Presence
from app.watch import ASLEEP_S, Watch
from services.gcs.interface import ANY, ListQuery
from services.model import Precondition
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually
from widgets.object_rows import Entry, Order
from widgets.object_tree import ObjectTree

SOON_S = 0.02
PATIENT_S = 90.0
"""A look that took long on a busy machine is followed by a rest of ten times as long."""


async def test_what_others_change_appears_and_nothing_else_moves(desk: OpenDesk) -> None:
    objects = {"docs/one.txt": b"1", "m.txt": b"m", "z.txt": b"z"}
    async with desk(objects=objects, look_s=SOON_S) as d:
        await d.see("z.txt")
        await d.press("right", "down", "down", "space")
        await eventually(lambda: d.rows() == ["docs/", "docs/one.txt", "m.txt", "z.txt"])
        await d.put("a.txt")
        await d.put("docs/two.txt")
        await d.storage.data.delete(BUCKET, "docs/one.txt", precondition=ANY)
        await eventually(lambda: d.rows() == ["docs/", "docs/two.txt", "a.txt", "m.txt", "z.txt"])
        assert d.tree.cursor_entry is not None
        assert d.tree.cursor_entry.name == "z.txt"
        assert [entry.name for entry in d.tree.marked] == ["m.txt"]


async def test_a_changed_object_is_shown_with_its_new_size(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"1"}, look_s=SOON_S) as d:
        await d.see("1 B")
        await d.put("a.txt", b"1" * 2000)
        await eventually(lambda: d.tree._model.object_named("a.txt").size == 2000)


@pytest.mark.parametrize("objects", [{}, {"docs/": b"", "docs/one.txt": b"1", "empty/": b"", "x": b""}])
async def test_a_look_that_finds_nothing_new_asks_for_no_listing(desk: OpenDesk, objects: dict[str, bytes]) -> None:
    async with desk(objects=objects) as d:
        await eventually(lambda: not d.tree.is_loading() and d.main.desk.browser is not None)
        if objects:
            await d.press("right")
            await eventually(lambda: "docs/one.txt" in d.rows())
        browser = d.main.desk.browser
        assert browser is not None
        for prefix in d.tree.folders_in_view():
            assert not d.tree.differs(prefix, await browser.peek(prefix, ""))


async def test_of_a_long_folder_only_what_is_in_view_is_compared(desk: OpenDesk) -> None:
    async with desk(objects={f"{number:04}": b"" for number in range(120)}) as d:
        await d.see("0001")
        await d.press("end")
        start = d.tree.window_start("")
        assert start > "0080"
        page = await d.storage.data.list_page(BUCKET, ListQuery(delimiter="/", start_offset=start, page_size=10))
        assert page.next_token
        assert not d.tree.differs("", page, start)
        await d.put("0095x")
        page = await d.storage.data.list_page(BUCKET, ListQuery(delimiter="/", start_offset=start))
        assert d.tree.differs("", page, start)
        d.tree.sort_by(Order("size"))
        assert d.tree.window_start("") == ""


async def test_nobody_there_means_no_look() -> None:
    now = 0.0
    presence = Presence(lambda: now)
    asked: list[int] = []
    now = ASLEEP_S + 1

    def browser() -> None:
        asked.append(1)

    watch = Watch(ObjectTree(), browser, lambda: True, presence, every_s=0.001)
    task = asyncio.create_task(watch.run())
    await eventually(lambda: len(asked) > 3)
    assert presence.idle_s > ASLEEP_S
    presence.seen()
    assert presence.idle_s == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_dialog_or_another_view_pauses_the_looks(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"1"}) as d:
        await d.see("a.txt")
        assert looked_at(d)
        await d.press("question_mark")
        await d.see("Help")
        assert not looked_at(d)
        await d.press("escape", "2")
        assert not looked_at(d)


def looked_at(d: Desk) -> bool:
    return d.main._is_looked_at()


async def test_other_peoples_changes_appear_while_deleted_rows_are_shown(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"1", "b.txt": b"1"}, look_s=SOON_S) as d:
        await d.see("b.txt")
        await d.storage.data.delete(BUCKET, "a.txt", precondition=ANY)
        await eventually(lambda: d.rows() == ["b.txt"], PATIENT_S)
        await d.press("V")
        await eventually(lambda: d.rows() == ["a.txt", "b.txt"])
        browser = d.main.desk.browser
        assert browser is not None
        await eventually(lambda: not d.tree.is_loading())
        assert not d.tree.differs("", await browser.peek("", ""), past=True)
        await d.put("c.txt")
        await eventually(lambda: d.rows() == ["a.txt", "b.txt", "c.txt"], PATIENT_S)
        await d.storage.data.delete(BUCKET, "b.txt", precondition=ANY)
        await eventually(lambda: [entry.is_past for entry in all_entries(d)] == [True, True, False], PATIENT_S)


async def test_a_generation_that_others_delete_for_good_goes_while_older_ones_are_shown(desk: OpenDesk) -> None:
    async with desk(objects={"b.txt": b"1"}, look_s=SOON_S) as d:
        await d.see("b.txt")
        seen = await d.storage.control.get_bucket(BUCKET)
        changes = {"versioning": {"enabled": True}, "softDeletePolicy": {"retentionDurationSeconds": "0"}}
        await d.storage.control.patch_bucket(BUCKET, changes, metageneration=seen.metageneration)
        await d.put("a.txt", b"old")
        await d.put("a.txt", b"new")
        await d.press("V")
        await eventually(lambda: d.rows() == ["a.txt", "a.txt", "b.txt"])
        await eventually(lambda: not d.tree.is_loading())
        assert not await changed_in_the_past(d)
        old = all_entries(d)[0]
        assert old.is_past
        precondition = Precondition(generation=old.generation)
        await d.storage.data.delete(BUCKET, "a.txt", precondition=precondition, generation=old.generation)
        await eventually(lambda: d.rows() == ["a.txt", "b.txt"], PATIENT_S)
        await d.storage.data.delete(BUCKET, "a.txt", precondition=ANY)
        await eventually(lambda: [entry.is_past for entry in all_entries(d)] == [True, False], PATIENT_S)


async def test_a_look_at_what_was_deleted_sees_only_what_the_page_can_tell(desk: OpenDesk) -> None:
    async with desk(objects={f"{number:04}": b"" for number in range(40)}) as d:
        await d.see("0001")
        for number in range(0, 40, 2):
            await d.storage.data.delete(BUCKET, f"{number:04}", precondition=ANY)
        await d.press("V")
        await eventually(lambda: sum(entry.is_past for entry in all_entries(d)) == 20)
        await eventually(lambda: not d.tree.is_loading())
        assert not await changed_in_the_past(d)
        query = ListQuery(delimiter="/", soft_deleted=True, page_size=5)
        page = await d.storage.data.list_page(BUCKET, query)
        assert page.next_token
        assert not d.tree.past_differs("", page, "", lambda _row: True)
        del page.objects[1]
        assert d.tree.past_differs("", page, "", lambda _row: True)


async def changed_in_the_past(d: Desk) -> bool:
    browser = d.main.desk.browser
    assert browser is not None
    return await d.main._watch._past_differs(browser, "", "")


def all_entries(d: Desk) -> list[Entry]:
    model = d.tree._model
    return [entry for row in range(len(model.rows)) if (entry := model.entry_at(row)) is not None]


async def test_own_changes_are_put_in_their_places_without_a_listing(
    desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = {"docs/one.txt": b"1", "docs/two.txt": b"2", "m.txt": b"m", "z.txt": b"z"}
    async with desk(objects=objects, look_s=600) as d:
        await d.see("z.txt")
        await d.press("right")
        await eventually(lambda: d.rows() == ["docs/", "docs/one.txt", "docs/two.txt", "m.txt", "z.txt"])
        browser = d.main.desk.browser
        assert browser is not None
        listed: list[str] = []
        monkeypatch.setattr(browser, "list", lambda prefix, ticket: listed.append(prefix))
        await d.press("end", "r")
        await d.type("a")
        await d.press("enter")
        await eventually(lambda: d.rows() == ["docs/", "docs/one.txt", "docs/two.txt", "a.txt", "m.txt"])
        await d.press("home", "down", "X")
        await d.see("Delete the object one.txt?")
        await d.press("right", "enter")
        await eventually(lambda: d.rows() == ["docs/", "docs/two.txt", "a.txt", "m.txt"])
        await d.press("y", "end", "p")
        await eventually(lambda: "two.txt" in d.rows())
        assert not listed
        assert d.tree.differs("", await browser.peek("", "")) is False
