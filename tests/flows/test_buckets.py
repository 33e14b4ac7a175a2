"""Buckets: choose, create, add, remove, delete by typing the name, and credentials that may not list."""

from __future__ import annotations

import pytest

from app.screens.buckets import CreateBucketDialog
from app.screens.dialog import Line
from services.gcs.interface import ANY
from services.model import BucketSpec
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually


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
        await eventually(lambda: d.main.desk.place.settings)
        await d.press("b")
        await d.see("Create new bucket", BUCKET)
        await d.press("up", "up", "enter")
        await d.see("Create a new bucket", "Location", "Class")
        await d.type("My_bucket")
        await d.see("only a-z, 0-9")
        await d.press("ctrl+u")
        await d.type("my-new-one")
        await d.see("this name is free")
        await d.press("enter")
        await d.see("my-new-one", "This bucket is empty")
        made = await d.storage.control.get_bucket("my-new-one")
        assert made.location == "EU", "where the open bucket lies is proposed"
        assert made.hierarchical_namespace
        assert made.uniform_access
        assert made.public_access_prevention == "enforced"


async def test_location_class_and_safeguards_are_chosen(desk: OpenDesk) -> None:
    async with desk(size=(80, 24)) as d:
        await d.see("This bucket is empty")
        await eventually(lambda: d.main.desk.place.settings)
        d.main.action_command("create_bucket")
        await d.see("Create a new bucket", "EU: multi-region")
        await d.type("zurich-bucket")
        await d.press("tab", "enter")
        await d.see("type to filter", "nam4".upper())
        await d.type("zur")
        await d.see("europe-west6: Zurich", "EUR8")
        await d.press("down", "enter")
        await d.see("Location   europe-west6: Zurich")
        await d.press("tab", "space")
        await d.see("Archive: about once a year")
        await d.press("down", "enter")
        await d.see("Class      Nearline")
        await d.press("tab", "tab", "space")
        await d.see("a hierarchical namespace needs uniform access")
        await d.pilot.click("#hns")
        await d.gone("needs uniform access")
        await d.pilot.click("#prevent")
        await d.see("[ ] Prevent public access")
        await d.pilot.click("#submit")
        await d.see("zurich-bucket", "This bucket is empty")
        made = await d.storage.control.get_bucket("zurich-bucket")
        assert (made.location, made.storage_class) == ("EUROPE-WEST6", "NEARLINE")
        assert not made.hierarchical_namespace
        assert not made.uniform_access
        assert made.public_access_prevention == "inherited"


async def test_a_location_that_is_not_in_the_list_can_be_typed(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        d.main.action_command("create_bucket")
        await d.see("Create a new bucket")
        await d.pilot.click("#location")
        await d.see("type to filter")
        await d.type("moon-base1")
        await d.see("moon-base1: as you typed it")
        await d.press("enter")
        await d.see("Location   moon-base1")
        await d.press("enter")
        await d.see("type to filter")
        await d.press("escape")
        await d.see("Location   moon-base1", "Create a new bucket")


async def test_the_service_is_not_asked_about_a_name_for_each_key(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        d.main.action_command("create_bucket")
        await d.see("Create a new bucket")
        dialog = d.app.screen
        assert isinstance(dialog, CreateBucketDialog)
        asked: list[str] = []
        is_taken = dialog._is_taken

        async def counting(name: str) -> bool | None:
            asked.append(name)
            return await is_taken(name)

        dialog._is_taken = counting
        dialog.query_one("#name", Line).value = BUCKET[:-1]
        await d.type(BUCKET[-1])
        await d.see("this name is taken")
        assert asked == [BUCKET]
        await d.press("enter")
        await d.see("this name is taken", "they are unique", "Create a new bucket")


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


async def test_a_bucket_to_add_is_looked_at_before(desk: OpenDesk) -> None:
    async with desk() as d:
        for name in ("aged-bucket", "older-bucket"):
            await d.storage.control.create_bucket(BucketSpec(name, "US"))
        await d.see("This bucket is empty")
        d.main.action_command("add_bucket")
        await d.see("Add an existing bucket", "aged-bucket", "older-bucket")
        await d.type("older")
        await d.gone("aged-bucket")
        await d.press("down", "enter")
        await d.told("Added older-bucket to this workspace: read/write")
        await d.see("older-bucket", "This bucket is empty")
        d.main.action_command("add_bucket")
        await d.see("Add an existing bucket", "aged-bucket")
        await d.type("aged-bucket")
        await d.see("read/write")
        assert not d.main.desk.session.is_attached("aged-bucket")
        await d.pilot.click("#submit")
        await eventually(lambda: d.main.desk.session.is_attached("aged-bucket"))


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


async def test_a_bucket_that_somebody_else_has_deleted_is_taken_off_the_lists(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        await d.main.desk.session.attach(BUCKET)
        d.main.action_command("delete_bucket")
        await d.see("It is empty.")
        await d.type(BUCKET)
        await d.storage.control.delete_bucket(BUCKET)
        await d.press("enter")
        await d.see("No bucket is open")
        assert not d.main.desk.session.is_attached(BUCKET)


def at(d: Desk, text: str) -> tuple[int, int]:
    """Return where a text stands on the screen."""
    return next((line.index(text) + 1, y) for y, line in enumerate(d.text().splitlines()) if text in line)


async def test_buckets_are_created_and_added_by_mouse(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.storage.control.create_bucket(BucketSpec("aged-bucket", "US"))
        await d.see("This bucket is empty")
        await d.pilot.click(offset=(4, 0))
        await d.see("Create new bucket")
        await d.pilot.click(offset=at(d, "Create new bucket"))
        await d.see("Create a new bucket")
        await d.pilot.click("#name")
        await d.type("mouse-bucket")
        await d.see("this name is free")
        await d.pilot.click("#class")
        await d.see("Nearline: about once a month")
        await d.pilot.click(offset=at(d, "Nearline: about"))
        await d.see("Class      Nearline")
        await d.pilot.click("#submit")
        await d.see("✓ mouse-bucket")
        assert (await d.storage.control.get_bucket("mouse-bucket")).storage_class == "NEARLINE"
        await d.pilot.click(offset=(4, 0))
        await d.see("Add an existing bucket")
        await d.pilot.click(offset=at(d, "Add an existing bucket"))
        await d.see("Its name or gs:// URL", "aged-bucket")
        await d.pilot.click(offset=at(d, "aged-bucket"))
        await d.see("✓ aged-bucket")
        assert d.main.desk.session.is_attached("aged-bucket")


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
