"""Buckets: choose, create, add, remove, delete by typing the name, and credentials that may not list."""

from __future__ import annotations

import pytest

from services.gcs.interface import ANY
from services.model import BucketSpec
from tests.flows.conftest import BUCKET, OpenDesk, eventually


async def test_the_selector_opens_another_bucket(desk: OpenDesk) -> None:
    async with desk(objects={"here.txt": b"x"}) as d:
        await d.storage.control.create_bucket(BucketSpec("another-bucket", "US"))
        await d.put("there.txt", bucket="another-bucket")
        await d.see("here.txt")
        await d.press("b")
        await d.see("another-bucket", "Create new bucket", "Add an existing bucket", "Switch the connection")
        await d.type("anoth")
        await d.press("enter")
        await d.see("there.txt")


async def test_a_bucket_is_created_and_opened(desk: OpenDesk) -> None:
    async with desk("") as d:
        await d.see("This bucket is empty")
        await d.press("b")
        await d.see("Create new bucket", BUCKET)
        await d.press("up", "up", "enter")
        await d.see("Create a new bucket", "Location", "Class")
        await d.type("My_bucket")
        await d.see("only a-z, 0-9")
        await d.press("ctrl+u")
        await d.type("my-new-one")
        await d.press("enter")
        await d.see("my-new-one", "This bucket is empty")
        assert (await d.storage.control.get_bucket("my-new-one")).location == "US"


async def test_the_first_bucket_of_an_empty_place(desk: OpenDesk) -> None:
    async with desk("") as d:
        await d.see("This bucket is empty")
        await d.storage.control.delete_bucket(BUCKET)
        d.main._left_bucket(BUCKET)
        await d.see("No bucket is open")
        await d.press("b")
        await d.see("Create new bucket")
        await d.press("enter")
        await d.see("Create a new bucket")


async def test_a_name_that_is_taken_keeps_the_dialog(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        d.main.action_command("create_bucket")
        await d.see("Create a new bucket")
        await d.type(BUCKET)
        await d.press("enter")
        await d.see("is taken", "Create a new bucket")


async def test_an_existing_bucket_is_added_by_its_url(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.storage.control.create_bucket(BucketSpec("old-bucket", "US"))
        await d.see("This bucket is empty")
        d.main.action_command("add_bucket")
        await d.see("Add an existing bucket")
        await d.type("gs://old-bucket")
        await d.press("enter")
        await eventually(lambda: d.main.desk.place.bucket == "old-bucket")
        assert d.main.desk.session.is_attached("old-bucket")
        d.main.action_command("remove_bucket")
        await d.see("Only the list changes")
        await d.press("right", "enter")
        await d.see("No bucket is open")
        assert (await d.storage.control.get_bucket("old-bucket")).name == "old-bucket"


async def test_a_bucket_that_does_not_exist_is_not_added(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        d.main.action_command("add_bucket")
        await d.see("Add an existing bucket")
        await d.type("nobody-has-this")
        await d.press("enter")
        await d.see("! ", "nobody-has-this", "Add an existing bucket")


@pytest.mark.parametrize("objects", [{}, {"a.txt": b"x", "dir/b.txt": b"y"}])
async def test_a_bucket_is_deleted_by_typing_its_name(desk: OpenDesk, objects: dict[str, bytes]) -> None:
    async with desk(objects=objects) as d:
        await d.see("Upload")
        await d.press("2")
        await d.see("Access ")
        await d.press("G")
        await d.see("Delete bucket…")
        d.main.action_command("delete_bucket")
        await d.see(f"Delete the bucket {BUCKET}?", "2 objects, 2 B" if objects else "It is empty")
        await d.see("It can be restored until", "(soft delete)")
        await d.type("flow-bucke")
        await d.press("enter")
        await d.see("that is not its name")
        await d.type("t")
        await d.press("enter")
        await d.see("No bucket is open")
        page = await d.storage.control.list_buckets()
        assert page.buckets == []


async def test_a_bucket_with_older_generations_is_deleted_by_the_engine(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"old"}) as d:
        info = await d.storage.control.get_bucket(BUCKET)
        await d.storage.control.patch_bucket(
            BUCKET, {"versioning": {"enabled": True}}, metageneration=info.metageneration
        )
        await d.put("a.txt", b"newer")
        await d.see("a.txt")
        d.main.action_command("delete_bucket")
        await d.see("1 object and 1 older version, 8 B")
        await d.type(BUCKET)
        await d.pilot.click("#submit")
        await d.told(f"Deleted the bucket {BUCKET}")
        await d.see("No bucket is open")
        assert (await d.storage.control.list_buckets()).buckets == []
        await d.press("3")
        await d.see("delete bucket flow-bu", "done")


async def test_a_bucket_that_cannot_be_emptied_says_so(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"x", "held.txt": b"y"}) as d:
        await d.see("held.txt")
        held = await d.storage.data.stat(BUCKET, "held.txt")
        await d.storage.data.patch(
            BUCKET, "held.txt", {"temporaryHold": True}, generation=held.generation, precondition=ANY
        )
        d.main.action_command("delete_bucket")
        await d.see("2 objects, 2 B")
        await d.type(BUCKET)
        await d.press("enter")
        await d.told("1 object could not be deleted")
        assert await d.names() == ["held.txt"]
        await eventually(lambda: d.rows() == ["held.txt"])


async def test_settings_are_copied_by_key(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        await d.press("2")
        await d.see("Bucket ID")
        await d.press("c")
        await eventually(lambda: d.app.clipboard == BUCKET)


async def test_quitting_asks_while_something_runs_only_here(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        d.main.desk.only_here["1"] = "the bucket x is deleted once it is empty"
        await d.press("q")
        await d.see("Leave now?", "deleted once it is empty")
        await d.press("enter")
        await d.see("This bucket is empty")
        assert d.app.return_value is None
        await d.press("q")
        await d.see("Leave now?")
        await d.press("right", "enter")
        await eventually(lambda: d.app.return_value == 0)
