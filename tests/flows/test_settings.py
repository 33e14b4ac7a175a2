"""The settings of a bucket: read in words, changed one at a time, never over somebody else's change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.screens.setting import ValueDialog
from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from services.model import BucketInfo
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually
from widgets.facts import FactRow


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(store_factory: Callable[..., StoreServer], faults: Faults) -> StoreServer:
    return store_factory(faults=faults)


async def bucket_of(d: Desk) -> BucketInfo:
    return await d.storage.control.get_bucket(BUCKET)


async def on_row(d: Desk, label: str) -> FactRow:
    """Open the settings, and put the cursor on the row with a label."""
    if d.main.context.view != "settings":
        await d.see("Upload")
        await d.press("2")

    def row() -> FactRow | None:
        return next((one for one in d.main.query(FactRow) if one.fact.label == label), None)

    found: FactRow = await eventually(row)
    found.focus()
    await d.pilot.pause()
    return found


async def test_a_choice_is_changed_by_keys(desk: OpenDesk) -> None:
    async with desk() as d:
        await on_row(d, "Versioning")
        await d.press("e")
        await d.see("keeps what is replaced", "now: off")
        await d.press("up", "enter")
        await d.told("Versioning: on")
        assert (await bucket_of(d)).versioning
        assert d.main.desk.place.settings is not None
        assert d.main.desk.place.settings.versioning


async def test_a_choice_is_changed_by_the_mouse(desk: OpenDesk) -> None:
    async with desk() as d:
        row = await on_row(d, "Requester pays")
        await d.pilot.click(row.query_one(".fact--hint"))
        await d.see("now: off", "Change")
        await d.pilot.click("#choices", offset=(3, 0))
        await eventually(lambda: bucket_pays(d))


async def bucket_pays(d: Desk) -> bool:
    return (await bucket_of(d)).requester_pays


async def test_what_makes_no_sense_is_said_while_it_is_typed(desk: OpenDesk) -> None:
    async with desk() as d:
        await on_row(d, "Soft delete")
        await d.press("enter")
        await d.see("such as: 7d")
        await d.press("ctrl+u")
        await d.see("Off: what is deleted from then on cannot be restored.")
        await d.type("3d")
        await d.see("! ")
        await d.press("enter")
        assert isinstance(d.app.screen, ValueDialog)
        await d.press("ctrl+u")
        await d.type("14d")
        await d.press("enter")
        await d.told("Soft delete: 14 days")
        assert (await bucket_of(d)).soft_delete_s == 14 * 86_400


async def test_labels_are_typed(desk: OpenDesk) -> None:
    async with desk() as d:
        await on_row(d, "Labels")
        await d.press("e")
        await d.see("bills and filters")
        await d.type("team=media,env=test")
        await d.press("enter")
        await d.told("Labels: ")
        assert dict((await bucket_of(d)).labels) == {"team": "media", "env": "test"}


async def test_a_rule_is_added_and_removed_by_keys(desk: OpenDesk) -> None:
    async with desk() as d:
        await on_row(d, "Lifecycle")
        await d.press("enter")
        await d.see("Add a lifecycle rule", "understood as: delete after 90 days", "to Nearline after 30 days")
        await d.press("end", "ctrl+u")
        await d.type("to Nearline after 30 days (logs/)")
        await d.press("enter")
        await d.told("Added: to Nearline after 30 days (logs/)")
        rules = (await bucket_of(d)).resource["lifecycle"]["rule"]
        assert rules[0]["condition"] == {"age": 30, "matchesPrefix": ["logs/"]}
        row = await on_row(d, "Lifecycle")
        assert "logs/" in row.fact.value
        await d.press("X")
        await d.see("Remove this lifecycle rule?")
        await d.press("enter")  # Cancel has the focus
        assert (await bucket_of(d)).resource["lifecycle"]["rule"]
        (await on_row(d, "Lifecycle")).focus()
        await d.press("X")
        await d.see("Remove this lifecycle rule?")
        await d.press("right", "enter")
        await d.told("Removed: ")
        assert not (await bucket_of(d)).resource.get("lifecycle", {}).get("rule")


async def test_a_rule_is_added_and_removed_by_the_mouse(desk: OpenDesk) -> None:
    async with desk(size=(120, 40)) as d:
        row = await on_row(d, "Lifecycle")
        await d.pilot.click(row.query_one(".fact--hint"))
        await d.see("Add a lifecycle rule")
        lines = d.text().splitlines()
        y = next(y for y, line in enumerate(lines) if "to Nearline after 30 days" in line)
        await d.pilot.click(offset=(lines[y].index("to Nearline"), y))
        await d.see("understood as: to Nearline after 30 days")
        await d.pilot.click("#submit")
        await d.told("Added: to Nearline after 30 days")
        row = await on_row(d, "Lifecycle")
        await d.pilot.click(row.query_one(".fact--hint"))
        await d.see("Remove this lifecycle rule?", "to Nearline after 30 days")
        await d.pilot.click("#go")
        await d.told("Removed: to Nearline after 30 days")
        assert not (await bucket_of(d)).resource.get("lifecycle", {}).get("rule")


async def test_somebody_elses_change_is_shown_and_not_overwritten(desk: OpenDesk) -> None:
    async with desk() as d:
        await on_row(d, "Soft delete")
        seen = await bucket_of(d)
        theirs = {"versioning": {"enabled": True}}
        await d.storage.control.patch_bucket(BUCKET, theirs, metageneration=seen.metageneration)
        await d.press("e")
        await d.see("such as: 7d")
        await d.press("ctrl+u")
        await d.type("30d")
        await d.press("enter")
        await d.see("somebody changed", "Versioning: off,", "Nothing was overwritten")
        assert (await bucket_of(d)).soft_delete_s == seen.soft_delete_s
        await d.press("enter")
        await d.told("Soft delete: 30 days")
        now = await bucket_of(d)
        assert now.versioning
        assert now.soft_delete_s == 30 * 86_400


async def test_a_refused_change_names_the_permission(desk: OpenDesk, faults: Faults) -> None:
    async with desk() as d:
        await on_row(d, "Versioning")
        faults.add(Fault("buckets.patch", "status", status=403, count=None))
        await d.press("e")
        await d.see("now: off")
        await d.press("up", "enter")
        await d.see("storage.buckets.update", "now: off")
        assert not (await bucket_of(d)).versioning
