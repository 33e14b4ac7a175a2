"""The bucket selector's list: attached, recent and deleted buckets, why one cannot be used."""

from __future__ import annotations

from tests.widgets.support import Stage, lines
from widgets.bucket_list import BucketEntry, BucketList, DeletedEntry

BUCKETS = (
    BucketEntry("filevault-1", "FileVault Bucket 1", "read/write", current=True, attached=True),
    BucketEntry("acme-archive", ability="no access", reason="not allowed"),
    BucketEntry("older", ability="read only", recent=True),
)
DELETED = (DeletedEntry("old-logs", 7, "6 days"), DeletedEntry("old-logs", 8, "7 days"))


async def test_recent_and_deleted_buckets_have_their_own_parts() -> None:
    app = Stage(BucketList)
    async with app.run_test(size=(66, 24)) as pilot:
        app.query_one(BucketList).show(BUCKETS, deleted=DELETED)
        app.query_one(BucketList).focus()
        await pilot.pause()
        shown = [line.split() for line in lines(app) if line.strip()]
        assert shown[3] == ["✓", "FileVault", "Bucket", "1", "filevault-1", "read/write", "✎", "✕"]
        assert shown[4:10] == [
            ["Recent"], ["older", "read", "only"],
            ["Others", "that", "can", "be", "listed"], ["acme-archive", "no", "access"],
            ["Deleted,", "restorable"], ["old-logs", "restore", "6", "days"],
        ]  # fmt: skip
        assert "gs://filevault-1 · read/write" in "\n".join(lines(app))


async def test_a_deleted_bucket_is_chosen_by_its_generation() -> None:
    app = Stage(BucketList)
    async with app.run_test(size=(66, 24)) as pilot:
        widget = app.query_one(BucketList)
        widget.show(BUCKETS, deleted=DELETED)
        widget.focus()
        await pilot.pause()
        await pilot.press("down", "down", "down", "down", "enter")
        y = next(y for y, line in enumerate(lines(app)) if "6 days" in line)
        await pilot.click(offset=(5, y))
        assert [message.deleted.generation for message in app.of(BucketList.RestoreWanted)] == [8, 7]


async def test_the_filter_narrows_every_part() -> None:
    app = Stage(BucketList)
    async with app.run_test(size=(66, 24)) as pilot:
        widget = app.query_one(BucketList)
        widget.show(BUCKETS, deleted=DELETED)
        widget.focus()
        await pilot.press(*"olde")
        text = "\n".join(lines(app))
        assert "Recent" in text
        assert "restorable" not in text
        await pilot.press("enter")
        assert [message.name for message in app.of(BucketList.BucketChosen)] == ["older"]


async def test_the_reason_stands_below_the_list() -> None:
    app = Stage(BucketList)
    async with app.run_test(size=(66, 24)) as pilot:
        widget = app.query_one(BucketList)
        widget.show(BUCKETS)
        widget.focus()
        await pilot.press(*"acme")
        text = "\n".join(lines(app))
        assert "gs://acme-archive · no access: not allowed" in text
        assert "F8" not in text


async def test_a_display_name_is_edited_in_its_place() -> None:
    app = Stage(BucketList)
    async with app.run_test(size=(66, 24)) as pilot:
        widget = app.query_one(BucketList)
        widget.show(BUCKETS)
        widget.focus()
        await pilot.press("f2", "ctrl+u", *"Vault", "enter")
        assert [(message.name, message.alias) for message in app.of(BucketList.Renamed)] == [("filevault-1", "Vault")]


async def test_the_signs_of_a_row_rename_and_remove() -> None:
    app = Stage(BucketList)
    async with app.run_test(size=(66, 24)) as pilot:
        widget = app.query_one(BucketList)
        widget.show(BUCKETS)
        widget.focus()
        await pilot.pause()
        y, line = next((y, line) for y, line in enumerate(lines(app)) if "✎ ✕" in line)
        await pilot.click(offset=(line.index("✕"), y))
        assert [message.name for message in app.of(BucketList.RemoveWanted)] == ["filevault-1"]
        await pilot.click(offset=(line.index("✎"), y))
        await pilot.press("ctrl+u", "enter")
        assert [message.alias for message in app.of(BucketList.Renamed)] == [""]
        await pilot.press("f8")
        assert len(app.of(BucketList.RemoveWanted)) == 2
