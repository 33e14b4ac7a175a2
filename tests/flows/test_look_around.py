"""Browsing: listing, going in and out, marks, filter, sort, help, palette, sizes."""

from __future__ import annotations

import pytest

from app.screens import layout
from services.gcs.interface import ANY
from tests.flows.conftest import BUCKET, OpenDesk, eventually
from widgets.symbols import ASCII

OBJECTS = {
    "videos/raw/intro.mp4": b"x" * 3000,
    "videos/raw/outro.mp4": b"x" * 100,
    "videos/demo.mov": b"x" * 5,
    "notes.txt": b"x",
    "readme.md": b"xy",
}


async def test_shows_the_bucket_and_its_rows(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("videos/", "notes.txt", "readme.md", BUCKET, "1 Objects", "read/write", "emulator")


async def test_enter_goes_into_a_folder_and_backspace_comes_back_to_its_row(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("videos/")
        await d.press("enter")
        await d.see("demo.mov", "raw/")
        assert d.main.desk.place.prefix == "videos/"
        await d.press("backspace")
        await d.see("notes.txt")
        await eventually(lambda: d.tree.cursor_entry and d.tree.cursor_entry.name == "videos/")


async def test_a_folder_opens_in_place(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("videos/")
        await d.press("right")
        await d.see("demo.mov", "notes.txt")
        assert d.main.desk.place.prefix == ""
        await d.press("left")
        await d.gone("demo.mov")


async def test_enter_on_an_object_opens_its_details_and_downloads_nothing(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(80, 24)) as d:
        await d.see("notes.txt")
        await d.press("down", "enter")
        await d.see("Generation", "CRC32C", "MD5")
        assert list(d.home.iterdir()) == []
        await d.press("i")
        await d.see("readme.md")


async def test_details_stand_beside_the_tree_from_100_columns(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(120, 30)) as d:
        await d.see("notes.txt", "Address")
        await d.press("i")
        await d.gone("Address")


async def test_marks_are_counted_on_the_path_line(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("notes.txt")
        await d.press("down", "space", "space")
        await d.see("2 marked")
        await d.press("escape")
        await d.gone("2 marked")


async def test_marking_by_pattern(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("notes.txt")
        await d.press("plus")
        await d.see("Mark by pattern")
        await d.press("backspace")
        await d.type("*.md")
        await d.press("enter")
        await d.see("1 marked")
        assert [entry.name for entry in d.tree.marked] == ["readme.md"]
        await d.press("asterisk")
        await eventually(lambda: [entry.name for entry in d.tree.marked] == ["videos/", "notes.txt"])


async def test_the_filter_narrows_the_rows_and_esc_shows_all_again(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("notes.txt")
        await d.press("slash")
        await d.type("note")
        await d.gone("readme.md")
        await d.press("enter")
        await d.see("notes.txt")
        await d.press("escape")
        await d.see("readme.md")


async def test_sorting_by_size(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("notes.txt")
        await d.press("comma")
        await d.see("Sort by")
        await d.press("down", "enter")
        await eventually(lambda: d.rows() == ["videos/", "readme.md", "notes.txt"])


async def test_help_lists_every_key(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        await d.press("question_mark")
        await d.see("Help: keys and commands")
        await d.press("escape")
        await d.see("This bucket is empty")


async def test_the_palette_runs_a_command_by_its_name(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("notes.txt")
        await d.press("colon")
        await d.type("settings")
        await d.see("View: Settings")
        await d.press("enter")
        await d.see("Bucket ID")


async def test_views_by_number_and_by_click(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("notes.txt")
        await d.press("2")
        await d.see("Bucket ID", "Soft delete", "[2 Settings]")
        await d.press("3")
        await d.see("[3 Transfers]")
        header = d.text().split("\n")[0]
        await d.pilot.click("#header", offset=(header.index("1 Objects"), 0))
        await d.see("notes.txt", "[1 Objects]")


async def test_hostile_names_are_shown_escaped(desk: OpenDesk) -> None:
    names = ["report [final].csv", "[/foo]", "[@click=app.quit]x[/]", "a\x1b]52;c;YQ==\x07", "b\u202eexe.txt", "]["]
    async with desk(objects=dict.fromkeys(names, b"x")) as d:
        await d.see("report [final].csv", "[@click=app.quit]x[", "a\\x1b]52;c;YQ==\\x07", "b\\u202eexe.txt")
        assert "\x1b" not in d.text()
        for name in names:
            await d.press("X")
            await d.see("Delete the")
            await d.press("escape")
            await d.press("Y", "down")
            assert d.app.return_code is None, name
        assert any("report [final].csv" in note for note in d.notes())


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (40, 10), (160, 50)])
async def test_every_supported_size_shows_rows_and_keys(desk: OpenDesk, size: tuple[int, int]) -> None:
    async with desk(objects=OBJECTS, size=size) as d:
        await d.see("notes.txt", "Upload")
        assert all(len(line.rstrip()) <= size[0] for line in d.text().split("\n"))


async def test_a_tiny_window_says_what_it_needs_and_recovers(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(39, 9)) as d:
        await d.see("Pail needs 40 × 10")
        await d.pilot.resize_terminal(20, 5)
        await d.pilot.resize_terminal(80, 24)
        await d.see("notes.txt")


async def test_a_storm_of_resizes_does_no_harm(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("notes.txt")
        for step in range(40):
            await d.pilot.resize_terminal(20 + step * 7 % 150, 4 + step * 5 % 50)
        await d.pilot.resize_terminal(100, 30)
        await d.see("notes.txt", "Upload")


async def test_ctrl_c_says_how_to_quit(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        await d.press("ctrl+c")
        assert any("q or F10" in note for note in d.notes())


async def test_q_quits(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty")
        await d.press("q")
        await eventually(lambda: d.app.return_value == 0)


async def test_a_bucket_that_is_not_there_names_the_next_key(desk: OpenDesk) -> None:
    async with desk("gs://no-such-bucket-here") as d:
        await d.see("no-such-bucket-here", "R tries again", "b chooses another bucket")


async def test_the_details_follow_once_the_cursor_rests_and_copy_by_key_and_by_mouse(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"a", "b.txt": b"b" * 2000}, size=(120, 40)) as d:
        await d.see("b.txt", "Metageneration", "MD5")
        await d.press("down")
        await d.see("2.0 KB (2,000 bytes)")
        await d.press("enter", "down", "c")
        await d.told("Copied 2000")
        x, y = next((line.index("Address"), y) for y, line in enumerate(d.text().splitlines()) if "Address" in line)
        await d.pilot.click(offset=(x + 20, y), times=2)
        await d.told(f"Copied gs://{BUCKET}/b.txt")
        await d.press("escape", "up")
        await eventually(lambda: d.tree.has_focus and d.tree.cursor_entry.name == "a.txt")
        await d.press("a")
        await d.see("Marked", "2 objects", "1 B to 2.0 KB", "All have")


async def test_a_step_of_the_cursor_alone_changes_nothing_in_the_details(
    desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(objects={f"{number}.txt": b"a" * number for number in range(9)}, size=(120, 40)) as d:
        await d.see("8.txt", "Metageneration")
        pane = d.main._details
        before = pane.facts
        with monkeypatch.context() as restless:
            restless.setattr(layout, "REST_S", 3600.0)
            await d.press(*["down"] * 5)
            assert d.tree.cursor_entry.name == "5.txt"
            assert pane.facts == before
        await d.press("down")
        await eventually(lambda: pane.facts[0].value == "6.txt" and any(f.label == "MD5" for f in pane.facts))


async def test_the_details_tell_all_of_an_object_that_was_deleted(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"a", "b.txt": b"b"}, size=(120, 40)) as d:
        await d.see("b.txt")
        await d.storage.data.delete(BUCKET, "a.txt", precondition=ANY)
        await d.press("V")
        await d.see("gone", "Restorable until", "MD5")


@pytest.mark.parametrize("keys", ["", "X", "comma", "u", "question_mark", "2", "3", "n", "m", "e"])
async def test_without_utf_8_every_sign_of_ours_is_ascii(desk: OpenDesk, keys: str) -> None:
    async with desk(objects={"docs/a": b"", "a.txt": b"a"}, symbols=ASCII) as d:
        await d.see("a.txt")
        if keys:
            await d.press("down", "space", keys)
        await eventually(lambda: not set(d.text()) & set("…·✓✗—→●▸▾“”"))


async def test_a_newcomer_gets_one_line_that_goes_away_for_good(desk: OpenDesk) -> None:
    async with desk(newcomer=True, objects={"a": b"1"}) as d:
        await d.see("New here? ? lists every key", "Esc hides this")
        await eventually(lambda: d.rows() == ["a"])
        await d.press("space")
        await d.see("1 marked")
        await d.press("escape")
        await d.gone("1 marked")
        await d.see("New here?")
        await d.press("escape")
        await d.gone("New here?")
        await eventually(lambda: "greeted" in (d.home.parent / "state" / "pail" / "screen.json").read_text())
    async with desk(newcomer=True) as d:
        await eventually(lambda: d.rows() == ["a"])
        assert "New here?" not in d.text()


async def test_the_line_for_newcomers_can_be_clicked_away(desk: OpenDesk) -> None:
    async with desk(newcomer=True) as d:
        await d.see("New here?")
        await d.pilot.click("#greeting")
        await d.gone("New here?")
