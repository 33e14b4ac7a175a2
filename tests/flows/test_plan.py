"""The plan of a job: shown before it begins where that was asked for."""

from __future__ import annotations

from pathlib import Path

from textual import events

from tests.flows.conftest import OpenDesk, eventually

OBJECTS = {"docs/a.txt": b"1234", "docs/b.txt": b"12345678", "c.txt": b"c"}


async def test_an_upload_shows_sizes_operations_and_cost_and_begins_only_when_it_is_told_to(
    desk: OpenDesk, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(7):
        (folder / f"{number}.txt").write_bytes(b"x" * 1000)
    async with desk(size=(100, 30)) as d:
        await d.see("This bucket is empty")
        await d.press("P")
        await d.told("shows its plan first")
        for answer, objects in ((("enter",), 0), (("right", "enter"), 7)):
            if objects:
                await d.press("P")
            d.app.screen.post_message(events.Paste(str(folder)))
            await d.see("Upload 1 pasted path?")
            await d.press("enter")
            await d.see("Plan: upload", "7 items, 7.0 KB", "7 class A, 0 class B operations: under $0.01", "and more")
            await d.press(*answer)
            await d.gone("Plan: upload")
            if objects:
                await eventually(lambda: [job.state for job in d.main.desk.bridge.snapshot.jobs] == ["done"])
            assert len(await d.names()) == objects


async def test_a_delete_and_a_download_of_a_folder_are_planned_from_its_listing(desk: OpenDesk) -> None:
    async with desk(size=(80, 24), objects=OBJECTS) as d:
        await d.see("docs/")
        await d.press("P", "D")
        await d.see("Download")
        await d.press("enter")
        await d.see("Plan: download", "2 items, 12 B", "2 class B")
        await d.press("escape")
        await d.gone("Plan: download")
        await d.press("P", "X")
        await d.see("Delete the folder docs/?")
        await d.press("right", "enter")
        await d.see("Plan: delete", "2 items", "2 free operations")
        await d.press("n")
        await d.gone("Plan: delete")
        assert len(await d.names()) == 3


async def test_the_plan_can_be_called_off(desk: OpenDesk) -> None:
    async with desk(size=(80, 24), objects=OBJECTS) as d:
        await d.see("docs/")
        await d.press("P", "P")
        await d.told("begins at once again")
        assert not d.main.desk.plan_next
