"""The screen inside Replit: zero configuration, buckets that its own tool makes, what its credentials may not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.connection import ConnectionOptions
from tests.flows.conftest import OpenDesk, eventually
from tests.replit import BUCKET, Repl, repl
from widgets.facts import FactRow

__all__ = ["repl"]

NOTHING = ConnectionOptions()


async def test_the_default_bucket_is_open_without_any_configuration(repl: Repl, desk: OpenDesk) -> None:
    async with desk("", options=NOTHING) as d:
        await d.see(f"✓ {BUCKET}", "notes/", "read/write")
        await d.press("enter")
        await d.see("a.txt")
        await d.press("2")
        await d.see("Bucket ID", BUCKET, "storage.buckets.get")
        await d.press("1", "X")
        await d.see("Delete the object a.txt?")
        await d.press("right", "enter")
        await eventually(lambda: d.rows() == [])


async def test_an_upload_goes_through_the_sidecars_credentials(repl: Repl, desk: OpenDesk) -> None:
    async with desk("", options=NOTHING) as d:
        await d.see("notes/")
        (Path.cwd() / "new.txt").write_text("hello")
        d.main.attempt(d.main.objects.pasted(str(Path.cwd() / "new.txt")))
        await d.see("new.txt")
        await d.press("enter")
        await eventually(lambda: "new.txt" in d.rows())


async def test_a_bucket_made_in_replits_tool_appears_and_is_opened(repl: Repl, desk: OpenDesk) -> None:
    repl.default = ""
    async with desk("", options=NOTHING, look_s=0.02) as d:
        await d.see("No bucket is open")
        await d.press("b")
        await d.see("Create new bucket")
        await d.press("up", "up", "enter")
        await d.see("Create a new bucket in Replit", "All tools", "waiting: looked")
        await d.press("escape")
        await d.see("No bucket is open")
        d.main.action_command("create_bucket")
        await d.see("waiting")
        repl.make("replit-objstore-2")
        repl.put("replit-objstore-2", "made.txt", b"x")
        repl.default = "replit-objstore-2"
        await d.see("✓ replit-objstore-2", "made.txt")
        assert d.main.desk.session.is_attached("replit-objstore-2")


async def test_an_id_can_be_pasted_instead_of_waiting(repl: Repl, desk: OpenDesk) -> None:
    async with desk("", options=NOTHING, look_s=0.2) as d:
        await d.see("notes/")
        d.main.action_command("create_bucket")
        await d.see("Create a new bucket in Replit")
        await d.type("replit-objstore-2")
        await d.see("nothing of this ID can be seen yet")
        await d.press("ctrl+u")
        repl.make("replit-objstore-3")
        await d.type("replit-objstore-3")
        await d.see("it is there: read/write")
        await d.pilot.click("#submit")
        await d.see("✓ replit-objstore-3", "This bucket is empty")


async def test_an_existing_bucket_is_added_by_its_id(repl: Repl, desk: OpenDesk) -> None:
    repl.make("replit-objstore-4")
    async with desk("", options=NOTHING) as d:
        await d.see("notes/")
        d.main.action_command("add_bucket")
        await d.see("Add an existing bucket", "Bucket ID")
        await d.type("replit-objstore-4")
        await d.see("read/write")
        await d.press("enter")
        await d.see("✓ replit-objstore-4", "This bucket is empty")
        await d.press("b")
        await d.see(BUCKET, "replit-objstore-4")


async def test_a_sidecar_from_before_the_bucket_names_the_remedy(repl: Repl, desk: OpenDesk) -> None:
    repl.started_too_early = True
    async with desk("", options=NOTHING) as d:
        await d.see("no bucket is allowed for this Repl yet", "Restart the workspace", "R tries again")
        repl.started_too_early = False
        await d.press("R")
        await d.see("notes/")


async def test_the_sidecar_signs_links(repl: Repl, desk: OpenDesk) -> None:
    async with desk("", options=NOTHING, size=(100, 40)) as d:
        await d.see("notes/")
        await d.press("enter")
        await d.see("a.txt")
        await d.press("L")
        await d.see("works without credentials", f"gs://{BUCKET}/notes/a.txt", "1 hour", "download it")
        await d.press("enter")
        link = f"https://signed.example/{BUCKET}/notes/a.txt?sig="
        await d.see(link + "GET", "works until")
        assert d.app.clipboard == link + "GET"
        await d.pilot.click("#method")
        await d.see("replace it, by one upload")
        await d.press("down", "enter")
        await d.pilot.click("#submit")
        await d.see(link + "PUT")
        await d.press("escape")
        await d.gone("signed.example")


async def test_access_says_what_adding_the_bucket_to_another_app_means(repl: Repl, desk: OpenDesk) -> None:
    repl.denied.add(("GET", f"/storage/v1/b/{BUCKET}/iam"))
    async with desk("", options=NOTHING) as d:
        await d.see("notes/")
        await d.press("A")
        await d.see("To add the bucket to", "another app", "Remove Bucket from Repl")


async def test_the_bucket_is_removed_from_the_app_without_touching_data(repl: Repl, desk: OpenDesk) -> None:
    async with desk("", options=NOTHING) as d:
        await d.see("notes/")
        d.main.action_command("remove_bucket")
        await d.see("Only the list changes")
        await d.press("right", "enter")
        await d.see("No bucket is open")
        assert await d.names(BUCKET) == ["notes/a.txt"]


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_the_waiting_dialog_fits(repl: Repl, desk: OpenDesk, size: tuple[int, int]) -> None:
    async with desk("", options=NOTHING, size=size) as d:
        await d.see("notes/")
        d.main.action_command("create_bucket")
        await d.see("Create a new bucket in Replit", "restart the", "Cancel")
        assert not d.app.screen.query(FactRow)
