"""Upload, download, delete, new folder, conflicts: through dialogs and a real engine, onto a real disk and store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual import events

from services.gcs.interface import ANY
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"aaa")
    (folder / "sub" / "b [x].txt").write_bytes(b"bbb")
    return folder


async def paste(d: Desk, text: str) -> None:
    d.app.screen.post_message(events.Paste(text))
    await d.pilot.pause()


async def test_pasted_paths_are_uploaded_into_the_cursors_folder(desk: OpenDesk, files: Path) -> None:
    async with desk(objects={"docs/old.txt": b"x"}) as d:
        await d.see("docs/")
        await d.press("right")
        await d.see("old.txt")
        await paste(d, f"'{files}/a.txt' {(files / 'sub').as_uri()}")
        await d.see("Upload 2 pasted paths?", "docs/")
        await d.press("enter")
        await eventually(_names(d, "docs/a.txt", "docs/old.txt", "docs/sub/b [x].txt"))
        await d.see("a.txt", "sub/")


async def test_paths_of_another_machine_are_named_as_such(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        await paste(d, "/home/laptop-user/photo one.jpg")
        await d.see("These paths are not here", "Not on this machine", "photo one.jpg")
        await d.press("escape")
        await d.gone("Not on this machine")


async def test_pasted_text_that_is_no_path_does_nothing(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        await paste(d, "hello there")
        await eventually(lambda: any("names no path" in note for note in d.notes()))


async def test_files_are_chosen_and_uploaded_into_an_edited_folder(desk: OpenDesk, files: Path) -> None:
    async with desk() as d:
        (d.home / "one.bin").write_bytes(b"1" * 1000)
        await d.see("This bucket is empty")
        await d.press("u")
        await d.see("Upload files", "one.bin")
        await d.press("shift+tab", "shift+tab")
        await eventually(lambda: d.app.focused is not None and d.app.focused.id == "prefix")
        await d.type("in/here")
        await d.press("enter", "tab")
        await eventually(lambda: type(d.app.focused).__name__ == "FileList")
        await d.type("one")
        await d.press("enter")
        await eventually(_names(d, "in/here/one.bin"))
        await d.see("in/")


async def test_a_download_asks_for_the_folder_once_and_remembers_it(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"first", "b.txt": b"second"}) as d:
        await d.see("a.txt")
        await d.press("d")
        await d.see("Download a.txt to…")
        await d.press("enter")
        await eventually(lambda: (d.home / "a.txt").exists())
        assert (d.home / "a.txt").read_bytes() == b"first"
        await d.press("down", "d")
        await eventually(lambda: (d.home / "b.txt").exists())


async def test_a_folder_is_downloaded_under_its_name(desk: OpenDesk) -> None:
    async with desk(objects={"docs/x/1.txt": b"1", "docs/2.txt": b"22"}) as d:
        await d.see("docs/")
        await d.press("D")
        await d.see("Download docs/ to…")
        await d.press("enter")
        await eventually(lambda: (d.home / "docs/x/1.txt").exists() and (d.home / "docs/2.txt").exists())


@pytest.mark.parametrize(
    ("key", "kept", "others"),
    [("r", b"from the bucket", 0), ("s", b"local", 0), ("k", b"local", 1)],
)
async def test_a_file_that_exists_is_asked_about(desk: OpenDesk, key: str, kept: bytes, others: int) -> None:
    async with desk(objects={"a.txt": b"from the bucket"}) as d:
        (d.home / "a.txt").write_bytes(b"local")
        await d.see("a.txt")
        await d.press("d")
        await d.see("Download a.txt to…")
        await d.press("enter")
        await d.see("exists already", "Replace", "Keep both", "Skip")
        await d.press(key)
        await eventually(lambda: [job.state for job in d.main.desk.bridge.snapshot.jobs] == ["done"])
        assert (d.home / "a.txt").read_bytes() == kept
        assert len(list(d.home.glob("a*.txt"))) == 1 + others


async def test_one_answer_decides_all_conflicts(desk: OpenDesk) -> None:
    names = [f"f{number}.txt" for number in range(5)]
    async with desk(objects=dict.fromkeys(names, b"new")) as d:
        for name in names:
            (d.home / name).write_bytes(b"old")
        await d.see("f4.txt")
        await d.press("a", "d")
        await d.see("Download 5 objects to…")
        await d.press("enter")
        await d.see("exist already", "The same for all")
        await d.press("r")
        await eventually(lambda: all((d.home / name).read_bytes() == b"new" for name in names))


async def test_a_question_that_was_left_open_is_answered_later(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"new"}) as d:
        (d.home / "a.txt").write_bytes(b"old")
        await d.see("a.txt")
        await d.press("d")
        await d.see("Download a.txt to…")
        await d.press("enter")
        await d.see("exists already")
        await d.press("escape")
        await d.see("to decide (w)")
        await d.press("w")
        await d.see("[3 Transfers]", "decide")
        await d.press("enter")
        await d.see("exists already")
        await d.press("r")
        await eventually(lambda: (d.home / "a.txt").read_bytes() == b"new")


async def test_enter_twice_never_deletes(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"x"}) as d:
        await d.see("a.txt")
        await d.press("X")
        await d.see("Delete the object a.txt?", f"gs://{BUCKET}/a.txt", "1 object, 1 B", "It can be restored until")
        await d.press("enter", "enter")
        await d.gone("Delete the object")
        assert await d.names() == ["a.txt"]


async def test_marked_objects_and_folders_are_deleted_after_counting(desk: OpenDesk) -> None:
    objects = {"a.txt": b"x", "keep.txt": b"k", **{f"dir/{number}": b"12" for number in range(30)}}
    async with desk(objects=objects) as d:
        await d.see("keep.txt")
        await d.press("space", "space", "X")
        await d.see("Delete 1 object and 1 folder?", "31 objects, 61 B")
        await d.press("right", "enter")
        await eventually(_names(d, "keep.txt"))
        await d.gone("dir/")
        await d.see("keep.txt")


async def test_a_delete_that_is_for_good_says_so(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"x"}) as d:
        seen = await d.storage.control.get_bucket(BUCKET)
        change = {"softDeletePolicy": {"retentionDurationSeconds": "0"}}
        await d.storage.control.patch_bucket(BUCKET, change, metageneration=seen.metageneration)
        await d.press("R")
        await eventually(lambda: d.main.desk.place.settings and not d.main.desk.place.settings.soft_delete_s)
        await d.press("X")
        await d.see("This cannot be undone.")


async def test_a_new_folder_appears(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        await d.press("n")
        await d.see("New folder")
        await d.type("my folder")
        await d.see(f"gs://{BUCKET}/my folder/")
        await d.press("enter")
        await d.see("my folder/")
        assert await d.names() == ["my folder/"]


async def test_a_folder_name_that_cannot_be_is_refused_while_typed(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        await d.press("n", "slash", "enter")
        await d.see("type a name")
        assert await d.names() == []


async def test_a_failed_job_is_told_and_can_be_tried_again(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"x"}) as d:
        await d.see("a.txt")
        await d.press("d")
        await d.see("Download a.txt to…")
        await d.storage.data.delete(BUCKET, "a.txt", precondition=ANY)
        await d.press("enter")
        await d.see("1 failed (w)")
        assert any("w shows it" in note for note in d.notes())
        await d.press("w")
        await d.see("failed", "Retry")
        await d.put("a.txt", b"y")
        await d.press("X")
        await d.gone("1 failed")


async def test_the_strip_and_the_transfers_show_what_was_done(desk: OpenDesk, files: Path) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        await paste(d, str(files))
        await d.see("Upload 1 pasted path?")
        await d.press("enter")
        await eventually(_names(d, "files/a.txt", "files/sub/b [x].txt"))
        await d.press("3")
        await d.see("upload", "done")
        await d.press("X")
        await eventually(lambda: not d.main.desk.bridge.snapshot.jobs)


def _names(d: Desk, *names: str) -> Callable[[], Awaitable[bool]]:
    async def same() -> bool:
        return await d.names() == list(names)

    return same


async def test_paths_are_pasted_into_the_picker_and_notes_wait_until_it_has_closed(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"a"}) as d:
        (d.home / "new.txt").write_bytes(b"new")
        await d.see("a.txt")
        await d.press("u")
        await d.see("Upload files and folders")
        d.app.notify("something ended")
        d.app.post_message(events.Paste(str(d.home / "new.txt")))
        await d.see("Upload 1 pasted path?")
        await d.press("escape")
        await d.gone("pasted path")
        assert not d.notes()
        d.app.post_message(events.Paste(str(d.home / "new.txt")))
        await d.see("Upload 1 pasted path?")
        await d.press("enter")
        await d.see("new.txt")
        await d.told("something ended")
        assert await d.read("new.txt") == b"new"


async def test_what_was_done_is_shown_as_a_command(desk: OpenDesk) -> None:
    async with desk(objects={"a b.txt": b"1", "c": b"2"}, size=(120, 40)) as d:
        await eventually(lambda: len(d.rows()) == 2)
        await d.press("dollar_sign")
        assert len(d.app.screen_stack) == 2, "nothing was done yet"
        await d.press("X")
        await d.see("Delete")
        await d.press("right", "enter")
        await eventually(lambda: d.rows() == ["c"])
        await d.press("dollar_sign")
        await d.see("The same as a command", "gcloud storage rm 'gs://flow-bucket/a b.txt'")
        await d.press("c")
        await eventually(lambda: d.app.clipboard == "gcloud storage rm 'gs://flow-bucket/a b.txt'")
        await d.press("right")
        await d.see("pail rm 'gs://flow-bucket/a b.txt'")
