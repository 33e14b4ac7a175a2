"""Settings, details and the selector's list."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC

from textual.widgets import Input

from services.model import BucketInfo, ObjectInfo
from tests.widgets.support import NOW, Stage, lines, row, until
from widgets.bucket_list import BucketEntry, BucketList, ConnectionEntry
from widgets.details import Details
from widgets.facts import FactRow, Facts
from widgets.marks import Totals
from widgets.object_rows import Entry
from widgets.settings_pane import SettingsPane, bucket_facts

INFO = BucketInfo(
    "filevault-1", "EU", "multi-region", "STANDARD", NOW, 3, False, 604_800, True, "enforced", False, False, {"t": "m"}
)


async def test_settings_show_the_id_first_and_copy_it() -> None:
    app = Stage(SettingsPane)
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.query_one(SettingsPane)
        pane.focus()
        pane.show_bucket(INFO, zone=UTC)
        await until(pilot, lambda: len(pane.query(FactRow)) == len(pane.facts))
        await until(pilot, lambda: isinstance(app.focused, FactRow))
        await pilot.press("c", "end", "enter")
        await pilot.click(pane.query(FactRow)[1].query_one(".fact--hint"))
        assert [message.text for message in app.of(Facts.CopyWanted)] == ["filevault-1", "gs://filevault-1"]
        assert [message.key for message in app.of(Facts.ActionWanted)] == ["delete-bucket"]
        shown = lines(app)
        assert re.match(r" Bucket ID +filevault-1 ", shown[1])
        assert any("EU (multi-region) · flat namespace · Standard" in line for line in shown)


def test_settings_say_what_may_not_be_read() -> None:
    facts = {fact.label: fact.value for fact in bucket_facts(replace(INFO, location="", created=0.0), zone=UTC)}
    assert facts["Location"].startswith("not known")
    facts = {fact.label: fact.value for fact in bucket_facts(replace(INFO, versioning=True, soft_delete_s=0), zone=UTC)}
    assert facts["Versioning"].startswith("on")
    assert facts["Soft delete"].startswith("off")
    assert "Remove from this workspace…" not in {fact.label for fact in bucket_facts(INFO, attached=False, zone=UTC)}


async def test_a_value_can_be_selected_with_the_mouse() -> None:
    app = Stage(SettingsPane)
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.query_one(SettingsPane)
        pane.show_bucket(INFO, zone=UTC)
        await until(pilot, lambda: bool(pane.query(FactRow)))
        await pilot.pause()
        start = lines(app)[1].index("filevault-1")
        await pilot.mouse_down(pane, offset=(start, 1))
        await pilot.hover(pane, offset=(start + 10, 1))
        await pilot.mouse_up(pane, offset=(start + 10, 1))
        assert app.screen.get_selected_text() in ("filevault-1", "filevault-")


async def test_details_follow_without_being_built_anew() -> None:
    app = Stage(Details)
    async with app.run_test(size=(60, 30)) as pilot:
        details = app.query_one(Details)
        details.show_entry("b", Entry("object", "x/y.txt", row("x/y.txt", 41_600_000)), zone=UTC)
        await until(pilot, lambda: len(details.query(FactRow)) == len(details.facts))
        first = details.query(FactRow)[0]
        assert any("41.6 MB (41,600,000 bytes)" in line for line in lines(app))
        details.show_entry("b", Entry("folder", "x/\x1b[31m/"), zone=UTC)
        await until(pilot, lambda: len(details.query(FactRow)) == 2)
        assert details.query(FactRow)[0] is first
        await pilot.pause()
        assert any("\\x1b[31m/" in line for line in lines(app))
        details.show_totals(Totals(2, 1, 7))
        await until(pilot, lambda: len(details.query(FactRow)) == 3)
        info = ObjectInfo("b", "x", 1, 2, 3, NOW, NOW, "c", "m", "t", "", "STANDARD", {"k": "v" * 10_000}, {})
        details.show_info(info, zone=UTC)
        await until(pilot, lambda: len(details.query(FactRow)) == len(details.facts))
        assert len(details.facts[-1].value) < 500


BUCKETS = (
    BucketEntry("filevault-1", "FileVault Bucket 1", "read/write", current=True),
    BucketEntry("acme-archive-eu", "Archive", "no access", reason="needs objects.list"),
    BucketEntry("plain"),
)


async def test_the_selector_filters_and_chooses_by_keyboard_and_mouse() -> None:
    app = Stage(BucketList)
    async with app.run_test(size=(60, 20)) as pilot:
        choices = app.query_one(BucketList)
        choices.show(BUCKETS, [ConnectionEntry("local", "Store on this machine", "~/store")])
        choices.focus()
        await pilot.pause()
        assert any("✓ FileVault Bucket 1" in line and line.endswith("read/write") for line in lines(app))
        await pilot.press("enter", "down", "enter", "a", "r", "c", "h", "enter")
        assert [message.name for message in app.of(BucketList.BucketChosen)] == [
            "filevault-1",
            "acme-archive-eu",
            "acme-archive-eu",
        ]
        app.query_one(Input).value = "new"
        await pilot.pause()
        shown = lines(app)
        await pilot.click(BucketList, offset=(6, next(y for y, line in enumerate(shown) if "Create new" in line)))
        assert [message.name for message in app.of(BucketList.CreateWanted)] == ["new"]
        app.query_one(Input).value = "machine"
        await pilot.pause()
        shown = lines(app)
        await pilot.click(BucketList, offset=(6, next(y for y, line in enumerate(shown) if "Store on" in line)))
        assert [message.key for message in app.of(BucketList.ConnectionChosen)] == ["local"]
