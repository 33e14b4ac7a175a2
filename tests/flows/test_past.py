"""Deleted objects and older generations: shown in place, restored, deleted for good."""

from __future__ import annotations

from services.gcs.interface import ANY
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually
from tests.flows.test_organise import has, to_row


async def gone(d: Desk, *names: str) -> None:
    for name in names:
        await d.storage.data.delete(BUCKET, name, precondition=ANY)


async def keep_versions(d: Desk) -> None:
    seen = await d.storage.control.get_bucket(BUCKET)
    await d.storage.control.patch_bucket(BUCKET, {"versioning": {"enabled": True}}, metageneration=seen.metageneration)


async def test_a_deleted_object_is_shown_and_restored(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"first", "b.txt": b"b"}) as d:
        await d.see("b.txt")
        await gone(d, "a.txt")
        await d.press("R")
        await eventually(lambda: d.rows() == ["b.txt"])
        await d.press("V")
        await eventually(lambda: d.rows() == ["a.txt", "b.txt"])
        await d.see("deleted and older ones shown", "gone")
        await to_row(d, "a.txt")
        await d.see("^r Restore")
        await d.press("X")
        await eventually(lambda: any("soft delete keeps them" in note for note in d.notes()))
        await d.press("x")
        await eventually(lambda: any("has to be restored" in note for note in d.notes()))
        await d.press("ctrl+r")
        await eventually(has(d, "a.txt", "b.txt"))
        assert await d.read("a.txt") == b"first"
        await eventually(lambda: any("Restored" in note and "1 item" in note for note in d.notes()))
        await d.press("V")
        await d.gone("gone ")
        assert d.rows() == ["a.txt", "b.txt"]


async def test_an_older_generation_replaces_the_live_one_only_after_a_question(desk: OpenDesk) -> None:
    async with desk(objects={"b.txt": b"b"}) as d:
        await d.see("b.txt")
        await keep_versions(d)
        await d.put("a.txt", b"old")
        await d.put("a.txt", b"new")
        await d.press("V")
        await eventually(lambda: d.rows() == ["a.txt", "a.txt", "b.txt"])
        await d.press("home", "ctrl+r")
        await d.see("The name has a live object", "the older one is live again")
        await d.press("s")
        await d.told("1 skipped")
        assert await d.read("a.txt") == b"new"
        await d.press("home", "ctrl+r")
        await d.see("The name has a live object")
        await d.press("r")
        await eventually(lambda: d.rows() == ["a.txt", "a.txt", "a.txt", "b.txt"])
        assert await d.read("a.txt") == b"old"


async def test_an_older_generation_is_deleted_for_good_and_the_live_one_stays(desk: OpenDesk) -> None:
    async with desk(objects={"b.txt": b"b"}) as d:
        await d.see("b.txt")
        await keep_versions(d)
        seen = await d.storage.control.get_bucket(BUCKET)
        off = {"softDeletePolicy": {"retentionDurationSeconds": "0"}}
        await d.storage.control.patch_bucket(BUCKET, off, metageneration=seen.metageneration)
        await d.put("a.txt", b"old")
        await d.put("a.txt", b"new")
        await d.press("R", "V")
        await eventually(lambda: d.rows() == ["a.txt", "a.txt", "b.txt"])
        await eventually(lambda: d.main.desk.place.settings and not d.main.desk.place.settings.soft_delete_s)
        await d.press("home", "space", "X")
        await d.see("Delete 1 older generation for good?", "This cannot be undone.")
        await d.press("right", "enter")
        await eventually(lambda: d.rows() == ["a.txt", "b.txt"])
        assert await d.read("a.txt") == b"new"


async def test_an_older_generation_that_soft_delete_keeps_is_not_called_gone_for_good(desk: OpenDesk) -> None:
    async with desk(objects={"b.txt": b"b"}) as d:
        await d.see("b.txt")
        await keep_versions(d)
        await d.put("b.txt", b"new")
        await d.press("R", "V")
        await eventually(lambda: d.rows() == ["b.txt", "b.txt"])
        await eventually(lambda: d.main.desk.place.settings and d.main.desk.place.settings.versioning)
        await d.press("home", "X")
        await d.see("Delete 1 older generation?", "It can be restored until")


async def test_marks_tell_generations_of_one_name_apart(desk: OpenDesk) -> None:
    async with desk(objects={"b.txt": b"b"}) as d:
        await d.see("b.txt")
        await keep_versions(d)
        await d.put("a.txt", b"older")
        await d.put("a.txt", b"new")
        await d.press("V")
        await eventually(lambda: d.rows() == ["a.txt", "a.txt", "b.txt"])
        await d.press("home", "space")
        await d.see("1 marked · 5 B")
        await d.press("R")
        await eventually(lambda: not d.tree.is_loading())
        assert [entry.is_past for entry in d.tree.marked] == [True]
        await d.press("a")
        await d.see("3 marked · 9 B")


async def test_all_that_was_deleted_below_a_folder_is_restored(desk: OpenDesk) -> None:
    async with desk(objects={"docs/one.txt": b"1", "docs/sub/two.txt": b"22", "b.txt": b"b"}) as d:
        await d.see("b.txt")
        await gone(d, "docs/one.txt", "docs/sub/two.txt")
        await d.press("V")
        await to_row(d, "docs/")
        await d.press("ctrl+r")
        await d.see("Restore 2 objects?", f"gs://{BUCKET}/docs/")
        await d.press("right", "enter")
        await eventually(has(d, "docs/one.txt", "docs/sub/two.txt", "b.txt"))


async def test_an_older_generation_is_compared_with_the_live_one_and_downloaded(desk: OpenDesk) -> None:
    async with desk(objects={"b.txt": b"b"}, size=(100, 30)) as d:
        await d.see("b.txt")
        await keep_versions(d)
        await d.put("a.txt", b"same\nold \x1b[31mline\n")
        await d.put("a.txt", b"same\nnew line\n")
        await d.press("V")
        await eventually(lambda: d.rows() == ["a.txt", "a.txt", "b.txt"])
        await d.press("home", "equals_sign")
        await d.see("Compare", "an older version", "live", "CRC32C", "- old \\x1b[31mline", "+ new line")
        await d.press("escape", "d")
        await d.see("Download a.txt to")
        await d.press("enter")
        await eventually(lambda: (d.home / "a.txt").exists())
        assert (d.home / "a.txt").read_bytes() == b"same\nold \x1b[31mline\n"


async def test_a_deleted_one_has_to_be_restored_to_be_read(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"old", "b.txt": b"b"}) as d:
        await d.see("b.txt")
        await gone(d, "a.txt")
        await d.put("a.txt", b"newer")
        await d.press("V")
        await eventually(lambda: d.rows() == ["a.txt", "a.txt", "b.txt"])
        await d.press("home", "equals_sign")
        await d.see("Compare", "deleted", "can be read once it is restored")
        await d.press("escape", "d")
        await d.told("can be downloaded once it is restored")
