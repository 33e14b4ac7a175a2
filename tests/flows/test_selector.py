"""The selector: display names, what may be done with each bucket and why not, recent and deleted ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.gcs.interface import ANY, ListQuery
from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from services.model import BucketSpec
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually
from widgets.bucket_list import BucketList
from widgets.bucket_rows import BucketRows


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(store_factory: Callable[..., StoreServer], faults: Faults) -> StoreServer:
    return store_factory(faults=faults)


def line_with(d: Desk, text: str) -> tuple[int, str]:
    return next((y, line) for y, line in enumerate(d.text().splitlines()) if text in line)


async def test_a_display_name_is_given_in_the_selector_and_kept(desk: OpenDesk) -> None:
    async with desk(objects={"here.txt": b"x"}) as d:
        await d.see("here.txt")
        await d.press("b")
        await d.see(f"gs://{BUCKET} · read/write", "F2 display name")
        await d.press("f2", "ctrl+u")
        await d.type("FileVault 1")
        await d.press("enter")
        await d.see("FileVault 1", "F8 remove from the workspace")
        await d.press("escape")
        await d.see("▾ ✓ FileVault 1")
    async with desk("") as d:
        await d.see("▾ ✓ FileVault 1", "here.txt")
        await d.press("b")
        y, line = await eventually(lambda: line_with(d, "✎ ✕"))
        await d.pilot.click(offset=(line.index("✎"), y))
        await d.press("ctrl+u", "enter")
        await d.press("escape")
        await d.see(f"▾ ✓ {BUCKET}")


async def test_a_bucket_is_removed_from_the_workspace_in_the_selector(desk: OpenDesk) -> None:
    async with desk(objects={"here.txt": b"x"}) as d:
        await d.storage.control.create_bucket(BucketSpec("another-bucket", "US"))
        await d.see("here.txt")
        await d.main.desk.session.attach("another-bucket")
        await d.press("b")
        await d.type("another")
        await d.see("gs://another-bucket")
        await d.press("f8")
        await d.see("Remove another-bucket from this workspace?", "all data stays")
        await d.press("enter")
        assert d.main.desk.session.is_attached("another-bucket"), "Cancel has the focus"
        await d.press("b")
        await d.see("Create new bucket")
        await d.type("another")
        y, line = await eventually(lambda: line_with(d, "✎ ✕"))
        await d.pilot.click(offset=(line.index("✕"), y))
        await d.see("all data stays")
        await d.pilot.click("#go")
        await d.told("Removed another-bucket")
        assert not d.main.desk.session.is_attached("another-bucket")
        assert d.main.desk.place.bucket == BUCKET, "what is open stays open"
        assert (await d.storage.control.get_bucket("another-bucket")).name == "another-bucket"


async def test_recent_buckets_stand_before_those_that_are_only_listed(desk: OpenDesk) -> None:
    async with desk(objects={"here.txt": b"x"}) as d:
        for name in ("aaa-listed", "zzz-recent"):
            await d.storage.control.create_bucket(BucketSpec(name, "US"))
        await d.see("here.txt")
        d.main._open_bucket("zzz-recent")
        await d.see("This bucket is empty")
        await eventually(lambda: d.main.desk.session.known_choices()[0].name == "zzz-recent")
        await d.press("b")
        await d.see("Others that can be listed", "aaa-listed")
        lines = d.app.screen.query_one(BucketRows).lines
        texts = [line.text for line in lines]
        order = ["Recent", "zzz-recent", BUCKET, "Others that can be listed", "aaa-listed"]
        assert [text for text in texts if text in order] == order


async def test_the_selector_says_what_may_be_done_and_why_not_more(desk: OpenDesk, faults: Faults) -> None:
    async with desk(objects={"here.txt": b"x"}) as d:
        await d.storage.control.create_bucket(BucketSpec("secret-bucket", "US"))
        await d.see("here.txt")
        await eventually(lambda: d.main.desk.place.settings)
        faults.add(Fault("buckets.test_iam_permissions", "status", status=403, count=None))
        faults.add(Fault("objects.list", "status", status=403, count=None))
        await d.press("b")
        await d.type("secret")
        await d.see("no access", "gs://secret-bucket · no access: ")


async def test_a_deleted_bucket_is_restored_from_the_selector(desk: OpenDesk) -> None:
    async with desk(objects={"here.txt": b"x"}) as d:
        await d.storage.control.create_bucket(BucketSpec("old-logs", "US"))
        await d.put("kept.log", b"line", bucket="old-logs")
        [row] = (await d.storage.data.list_page("old-logs", ListQuery())).objects
        await d.storage.data.delete_many("old-logs", [("kept.log", row.generation)])
        await d.storage.control.delete_bucket("old-logs")
        await d.see("here.txt")
        await d.press("b")
        await d.see("Deleted, restorable", "old-logs", "6 days")
        await d.type("old-l")
        await d.see("gs://old-logs was deleted", "enter restores it")
        await d.press("enter")
        await d.see("Restore the bucket old-logs?", "with its settings")
        await d.press("right", "enter")
        await d.see("▾ ✓ old-logs", "Restore 1 object in it, too?")
        await d.press("right", "enter")
        await d.see("kept.log")
        assert await d.read("kept.log", bucket="old-logs") == b"line"


@pytest.mark.parametrize("every", [False, True])
async def test_of_a_restored_bucket_what_was_emptied_out_last_comes_back(
    desk: OpenDesk, monkeypatch: pytest.MonkeyPatch, every: bool
) -> None:
    async with desk(objects={"here.txt": b"x"}) as d:
        await d.storage.control.create_bucket(BucketSpec("old-logs", "US"))
        for name in ("early.log", "kept.log", "last.log"):
            await d.put(name, b"line", bucket="old-logs")
            await d.storage.data.delete("old-logs", name, precondition=ANY)
        rows = (await d.storage.data.list_page("old-logs", ListQuery(soft_deleted=True))).objects
        await d.storage.control.delete_bucket("old-logs")
        ends: list[float] = []

        def emptied(found: list[float], end: float) -> float:
            ends.append(end)
            return sorted(found)[1]

        monkeypatch.setattr("app.actions.buckets.emptied_from", emptied)
        await d.see("here.txt")
        await d.press("b")
        await d.see("Deleted, restorable")
        await d.type("old-l")
        await d.see("enter restores it")
        await d.press("enter")
        await d.see("Restore the bucket old-logs?")
        await d.press("right", "enter")
        await d.see("Restore 2 objects in it, too?", "1 other had been deleted before that", "All 3 objects")
        assert ends[0] >= max(row.deleted or 0 for row in rows)
        await d.press("right", *(["right"] if every else []), "enter")
        await d.see("last.log", "kept.log")
        await d.told("Restored" if not every else "3 items")
        assert await d.names("old-logs") == (["early.log"] if every else []) + ["kept.log", "last.log"]


async def test_a_deleted_bucket_is_restored_by_mouse(desk: OpenDesk) -> None:
    async with desk(objects={"here.txt": b"x"}) as d:
        await d.storage.control.create_bucket(BucketSpec("old-logs", "US"))
        await d.storage.control.delete_bucket("old-logs")
        await d.see("here.txt")
        await d.pilot.click(offset=(4, 0))
        await d.see("old-logs")
        await d.pilot.click(offset=(10, line_with(d, "old-logs")[0]))
        await d.see("Restore the bucket old-logs?")
        await d.pilot.click("#go")
        await d.see("▾ ✓ old-logs")


async def test_a_project_that_may_not_list_deleted_buckets_shows_the_others(desk: OpenDesk, faults: Faults) -> None:
    async with desk(objects={"here.txt": b"x"}) as d:
        await d.see("here.txt")
        faults.add(Fault("buckets.list", "status", status=403, count=None))
        await d.press("b")
        await d.see("may not list buckets", BUCKET)
        assert not any(line.deleted for line in d.app.screen.query_one(BucketList).query_one(BucketRows).lines)
