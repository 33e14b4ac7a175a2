"""Access in words, given and taken without overwriting anybody; and code that is copied by one key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.screens.main import MainScreen
from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from services.policy import grant, grants
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually
from widgets.facts import FactRow

ADA = "user:ada@example.com"
VIEWER = "roles/storage.objectViewer"


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(store_factory: Callable[..., StoreServer], faults: Faults) -> StoreServer:
    return store_factory(faults=faults)


async def give(d: Desk, member: str, role: str = VIEWER) -> None:
    control = d.storage.control
    await control.set_policy(BUCKET, grant(await control.get_policy(BUCKET), member, role))


async def has(d: Desk, member: str, role: str = VIEWER) -> bool:
    found = grants(await d.storage.control.get_policy(BUCKET))
    return any((each.member, each.role) == (member, role) for each in found)


async def focus_on(d: Desk, text: str) -> None:
    """Put the cursor on the line that begins with a text."""

    def row() -> FactRow | None:
        return next((one for one in d.app.screen.query(FactRow) if one.fact.value.startswith(text)), None)

    found: FactRow = await eventually(row)
    found.focus()
    await d.pilot.pause()


async def test_a_role_is_given_and_taken_by_keys(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("Upload")
        await give(d, "projectOwner:flows", "roles/storage.legacyBucketOwner")
        await d.press("A")
        await d.see("Access to flow-bucket", "You may", "owners of the project", "through the project")
        await d.press("n")
        await d.see("Give a role on", "Viewer", "list objects, read objects")
        await d.type("ada@example.com")
        await d.press("enter")
        await d.told("ada@example.com: Viewer")
        assert await has(d, ADA)
        await focus_on(d, "ada@example.com")
        await d.press("X")
        await d.see("Take this role?", "ada@example.com: Viewer")
        await d.press("enter")  # Cancel has the focus
        assert await has(d, ADA)
        await focus_on(d, "ada@example.com")
        await d.press("X")
        await d.see("Take this role?")
        await d.press("right", "enter")
        await d.told("ada@example.com: no longer Viewer")
        assert not await has(d, ADA)
        await d.press("escape")
        await eventually(lambda: isinstance(d.app.screen, MainScreen))


async def test_access_is_opened_and_a_role_given_by_the_mouse(desk: OpenDesk) -> None:
    async with desk(size=(120, 40)) as d:
        await d.see("Upload")
        d.main.show_view("settings")
        await d.see("Access ", "Use from code")
        row = next(one for one in d.main.query(FactRow) if one.fact.action == "access")
        await d.pilot.click(row.query_one(".fact--hint"))
        await d.see("Give a role…")
        row = next(one for one in d.app.screen.query(FactRow) if one.fact.action == "grant")
        await d.pilot.click(row.query_one(".fact--label"))
        await d.see("Give a role on")
        await d.type("group:team@example.com")
        await d.pilot.click("#give")
        await eventually(lambda: has(d, "group:team@example.com"))


async def click_hint(d: Desk, text: str) -> None:
    """Click on what can be done with the line that begins with a text."""
    await focus_on(d, text)
    row = next(one for one in d.app.screen.query(FactRow) if one.fact.value.startswith(text))
    await d.pilot.click(row.query_one(".fact--hint"))
    await d.pilot.pause()


async def test_a_role_is_chosen_and_taken_by_the_mouse(desk: OpenDesk) -> None:
    async with desk(size=(120, 40)) as d:
        await d.see("Upload")
        await give(d, ADA)
        await give(d, "user:bob@example.com")
        await d.press("A")
        await click_hint(d, "ada@example.com")
        await d.see("Take this role?", "ada@example.com: Viewer")
        await d.pilot.click("#leave")
        await d.gone("Take this role?")
        assert await has(d, ADA)
        await click_hint(d, "ada@example.com")
        await d.see("Take this role?")
        await d.pilot.click("#go")
        await d.told("ada@example.com: no longer Viewer")
        assert not await has(d, ADA)
        assert await has(d, "user:bob@example.com")
        row = next(one for one in d.app.screen.query(FactRow) if one.fact.action == "grant")
        await d.pilot.click(row.query_one(".fact--label"))
        await d.see("Give a role on")
        await d.type("eve@example.com")
        lines = d.text().splitlines()
        y = next(y for y, line in enumerate(lines) if "Creator" in line)
        await d.pilot.click(offset=(lines[y].index("Creator"), y))
        await d.told("eve@example.com: Creator")
        assert await has(d, "user:eve@example.com", "roles/storage.objectCreator")


async def test_public_access_is_warned_of_and_asked_twice(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("Upload")
        await d.press("A")
        await d.see("You may")
        await d.press("n")
        await d.see("Give a role on")
        await d.type("public")
        await d.see("will be able to read every object", "Public access is prevented")
        await d.press("enter")
        await d.see("Really give this role?")
        await d.press("enter")
        await d.gone("Really give this role?")
        assert not await has(d, "allUsers")


async def test_what_is_no_member_keeps_the_dialog(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("Upload")
        await d.press("A")
        await d.see("You may")
        await d.press("n")
        await d.see("Give a role on")
        await d.type("ada")
        await d.press("enter")
        await d.see("Give a role on", "address")


async def test_somebody_elses_grant_is_not_overwritten(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("Upload")
        await d.press("A")
        await d.see("You may", "Give a role…")
        await give(d, "user:bob@example.com")
        await d.press("n")
        await d.see("Give a role on")
        await d.type("ada@example.com")
        await d.press("enter")
        await d.see("somebody changed the access", "Nothing was overwritten")
        assert await has(d, "user:bob@example.com")
        assert not await has(d, ADA)
        await d.press("enter")
        await d.told("ada@example.com: Viewer")
        assert await has(d, "user:bob@example.com")
        assert await has(d, ADA)


async def test_taking_ones_own_last_role_is_warned_of(desk: OpenDesk, tmp_path: Path) -> None:
    async with desk() as d:
        await d.see("Upload")
        key = tmp_path / "key.json"
        key.write_text(json.dumps({"type": "service_account", "client_email": "me@p.iam.gserviceaccount.com"}))
        key.chmod(0o600)
        await give(d, "serviceAccount:me@p.iam.gserviceaccount.com", "roles/storage.admin")
        session = d.main.desk.session
        credentials = session.connection.credentials._replace(path=str(key))
        session.connection = session.connection._replace(credentials=credentials)
        await d.press("A")
        await focus_on(d, "service account me@p")
        await d.press("X")
        await d.see("Take this role?", "! This takes away your last role here.")


async def test_access_that_may_not_be_read_is_explained(desk: OpenDesk, faults: Faults) -> None:
    faults.add(Fault("buckets.get_iam_policy", "status", status=403, count=None))
    async with desk() as d:
        await d.see("Upload")
        await d.press("A")
        await d.see("You may", "Members", "R reads again")
        faults.clear()
        await d.press("R")
        await d.see("Give a role…")


async def test_code_for_the_row_is_copied_by_one_key(desk: OpenDesk) -> None:
    async with desk(objects={"dir a/it's.txt": b"x", "plain.txt": b"y"}) as d:
        await d.see("plain.txt")
        await d.press("down", "C")
        await d.see("Use from code", f"gs://{BUCKET}/plain.txt", "[Replit, Python]")
        await d.press("c")
        await eventually(lambda: "plain.txt" in d.app.clipboard)
        python = d.app.clipboard
        await d.press("right", "c")
        await eventually(lambda: d.app.clipboard != python)
        await d.press("escape", "2")
        await d.see("Access ")
        await d.press("C")
        await d.see("Use from code", f"gs://{BUCKET} ", "    print(item.name)")


async def test_code_is_chosen_and_copied_by_the_mouse(desk: OpenDesk) -> None:
    async with desk(objects={"plain.txt": b"y"}) as d:
        await d.see("plain.txt")
        await d.press("C")
        await d.see("[Replit, Python]", "c copy")

        async def click(text: str) -> None:
            """Click on a text of the line with the tabs, the last one of it."""
            lines = d.text().splitlines()
            y = next(y for y, line in enumerate(lines) if "c copy" in line)
            await d.pilot.click(offset=(lines[y].rindex(text), y))
            await d.pilot.pause()

        await click("Google, Python")
        await d.see("[Google, Python]", "from google.cloud import storage")
        await click("c copy")
        await d.told("Copied the code for Google, Python")
        assert "google.cloud" in d.app.clipboard
        await click("…")  # beyond the last title that fits stands a sign for the next one
        await d.see("[rclone]")
        await click(" pail ")
        await d.see("[pail]")
        await click("c copy")
        await eventually(lambda: d.app.clipboard.startswith("pail "))


async def test_a_grant_that_warns_keeps_its_buttons_in_sight(desk: OpenDesk) -> None:
    async with desk(size=(80, 24)) as d:
        await d.see("Upload")
        await d.press("A")
        await d.see("Access to flow-bucket", "Give a role")
        await d.press("n")
        await d.see("Give a role on")
        await d.type("allUsers")
        await d.see("Give a role on", "Everyone on the internet", "the service will refuse", "Cancel")
