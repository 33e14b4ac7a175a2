"""What Google keeps about objects is edited: one or many, only what was changed, never over somebody else's change."""

from __future__ import annotations

from services.model import Precondition
from tests.flows.conftest import BUCKET, OpenDesk, eventually


async def test_one_object_is_edited_by_keys(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"x"}) as d:
        await d.see("a.txt", "Upload")
        await d.press("e")
        await d.see("Edit a.txt", "Content type", "Cache control", "Custom metadata")
        await d.press("end", "ctrl+u")
        await d.type("text/html")
        await d.press("enter")
        await d.told("Changed 1 object")
        info = await d.storage.data.stat(BUCKET, "a.txt")
        assert info.content_type == "text/html"


async def test_a_class_is_changed_and_the_rest_stays(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"x"}) as d:
        await d.see("a.txt", "Upload")
        await d.press("e")
        await d.see("Edit a.txt")
        d.app.screen.query_one("#field-class").focus()
        await d.press("end", "ctrl+u")
        await d.type("nearline")
        await d.pilot.click("#apply")
        await d.told("Changed 1 object")
        info = await d.storage.data.stat(BUCKET, "a.txt")
        assert (info.storage_class, info.content_type) == ("NEARLINE", "text/plain")


async def test_marked_objects_are_edited_together_and_only_those_that_differ(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"x", "b.txt": b"y"}) as d:
        await d.see("b.txt", "Upload")
        await d.press("a", "e")
        await d.see("Edit 2 objects")
        await d.press("end", "ctrl+u")
        await d.type("text/css")
        await d.press("enter")
        await d.told("Changed 2 objects")
        for name in ("a.txt", "b.txt"):
            assert (await d.storage.data.stat(BUCKET, name)).content_type == "text/css"


async def test_somebody_elses_change_of_an_object_is_not_overwritten(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"x"}) as d:
        await d.see("a.txt", "Upload")
        await d.press("e")
        await d.see("Edit a.txt")
        seen = await d.storage.data.stat(BUCKET, "a.txt")
        theirs = {"contentType": "text/theirs"}
        await d.storage.data.patch(BUCKET, "a.txt", theirs, generation=seen.generation, precondition=Precondition())
        await d.press("end", "ctrl+u")
        await d.type("text/mine")
        await d.press("enter")
        await d.see("somebody changed a.txt meanwhile", "was not overwritten")
        await eventually(lambda: len(d.app.screen_stack) > 1)
        assert (await d.storage.data.stat(BUCKET, "a.txt")).content_type == "text/theirs"
