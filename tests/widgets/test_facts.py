"""Settings, details and the selector's list."""

from __future__ import annotations

import re
from datetime import UTC

from textual.widgets import Input

from services.model import BucketInfo, ObjectInfo
from tests.widgets.support import NOW, Stage, lines, row, until
from widgets.bucket_list import BucketEntry, BucketList, ConnectionEntry
from widgets.details import Details, marked_facts, shared_facts
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
    facts = {fact.label: fact.value for fact in bucket_facts(INFO._replace(location="", created=0.0), zone=UTC)}
    assert facts["Location"].startswith("not known")
    facts = {fact.label: fact.value for fact in bucket_facts(INFO._replace(versioning=True, soft_delete_s=0), zone=UTC)}
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
        details.show_marked(marked_facts("b", Totals(2, 1, 7), [], zone=UTC))
        await until(pilot, lambda: len(details.query(FactRow)) == 3)
        info = ObjectInfo("b", "x", 1, 2, 3, NOW, NOW, "c", "m", "t", "", "STANDARD", {"k": "v" * 10_000}, {})
        details.show_info(info, info.row(), zone=UTC)
        await until(pilot, lambda: len(details.query(FactRow)) == len(details.facts))
        assert len(details.facts[-1].value) < 500


def test_all_that_google_keeps_is_among_the_details_and_can_be_copied() -> None:
    resource = {
        "timeCreated": "2026-11-20T14:02:31Z",
        "md5Hash": "XUFAKrxLKna5cZ2REBfFkg==",
        "cacheControl": "no-store",
        "metageneration": "4",
        "temporaryHold": True,
        "retention": {"mode": "Locked", "retainUntilTime": "2027-01-01T00:00:00Z"},
        "contexts": {"a": "b"},
    }
    metadata = {"team\\\x1b": "media"}
    info = ObjectInfo("b", "x", 1, 2, 4, NOW, NOW, "c", "m", "t", "", "STANDARD", metadata, resource)
    pane = Details()
    pane.show_info(info, info.row(), zone=UTC)
    facts = {fact.label: fact for fact in pane.facts}
    assert facts["MD5"].copy == resource["md5Hash"]
    assert facts["Cache control"].copy == "no-store"
    assert facts["Created"].value == "2026-11-20 14:02:31 UTC"
    assert facts["Temporary hold"].value == "on"
    assert "locked for good" in facts["Own retention"].value
    assert facts["contexts"].copy == '{"a": "b"}'
    assert facts["team\\\\\\x1b"].copy == "media"
    assert len(facts) == len(pane.facts)


def test_of_several_objects_the_details_say_what_they_share() -> None:
    rows = [row(f"d/{name}", size)._replace(content_type=kind) for name, size, kind in MANY]
    facts = {fact.label: fact for fact in marked_facts("b", Totals(3, 0, 6_000), rows, zone=UTC)}
    assert facts["Size"].value == "6.0 KB (6,000 bytes)"
    assert facts["Each"].value == "1.0 KB to 3.0 KB"
    assert facts["All in"].copy == "gs://b/d/"
    assert facts["Type"].value == "text/css: 2\ntext/plain: 1"
    infos = [
        ObjectInfo("b", name, 1, 2, 4, NOW, NOW, "c", "m", "t", "", "STANDARD", {"team": "media", "of": name}, {})
        for name in "ab"
    ]
    assert [fact.label for fact in shared_facts(infos, UTC)] == ["All have", "team"]


MANY = (("a", 1_000, "text/css"), ("b", 2_000, "text/css"), ("c", 3_000, "text/plain"))


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
        assert any("✓ FileVault Bucket 1" in line and "read/write" in line for line in lines(app))
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
