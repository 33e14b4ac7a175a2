"""The picker of local files: keys, mouse, hostile names, folders that cannot be read."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.widgets.support import Stage, clock, lines, until
from widgets.file_listing import absolute, complete, make_folder, read_folder
from widgets.file_picker import FilePicker, PickerMode, PickerStatus


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, text in (("b.txt", "12345"), ("a.mov", "x" * 2_000), (".hidden", ""), ("[bold]\x1b[2J", "")):
        (tmp_path / name).write_text(text)
    (tmp_path / "Pictures" / "raw").mkdir(parents=True)
    (tmp_path / "link").symlink_to("b.txt")
    os.mkfifo(tmp_path / "pipe")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("")
    return tmp_path


@asynccontextmanager
async def picker(home: Path, mode: PickerMode = "upload") -> AsyncIterator[tuple[FilePicker, Pilot[Any], Stage]]:
    app = Stage(lambda: FilePicker(str(home), mode=mode, clock=clock, zone=UTC))
    async with app.run_test(size=(90, 24)) as pilot:
        widget = app.query_one(FilePicker)
        await until(pilot, lambda: bool(widget._listing.rows))
        await pilot.pause()
        yield widget, pilot, app


def test_a_folder_is_read_without_following_or_opening_anything(home: Path) -> None:
    listing = read_folder(str(home))
    rows = {row.name: row for row in listing.rows}
    assert rows["b.txt"][1:3] == ("file", 5)
    assert rows["Pictures"].kind == "folder"
    assert rows["link"].reason == "symbolic link: not followed"
    assert rows["pipe"].reason == "named pipe"
    assert rows[os.fsdecode(b"caf\xe9.txt")].reason == "its name is not UTF-8"
    assert listing.rows[0].name == "Pictures"


def test_what_cannot_be_read_is_said(home: Path) -> None:
    assert read_folder(str(home / "nowhere")).problem.endswith("cannot be read: no such file or directory")
    assert read_folder(str(home / "b.txt")).problem.endswith("not a directory")


def test_paths_are_completed_and_made_absolute(home: Path) -> None:
    assert complete("Pi", str(home)) == "Pictures/"
    assert complete(f"{home}/Pictures/r", "/") == f"{home}/Pictures/raw/"
    assert complete("b", str(home)) == ""
    assert absolute("~", "/x") == str(Path.home())
    assert absolute("../y", "/x/z") == "/x/y"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "nul\0"])
def test_bad_folder_names_are_refused(home: Path, name: str) -> None:
    assert make_folder(str(home), name)[0] == ""
    assert make_folder(str(home), name)[1]


async def test_files_and_folders_are_selected_by_space_across_folders(home: Path) -> None:
    (home / "Pictures" / "one.jpg").write_text("123")
    async with picker(home) as (widget, pilot, app):
        await pilot.press("space", "b", ".", "space", "escape")
        assert widget.selected == (str(home / "Pictures"), str(home / "b.txt"))
        assert "1 file, 5 B · 1 folder selected" in "\n".join(lines(app))
        await pilot.press("home", "right")
        await until(pilot, lambda: widget.path == str(home / "Pictures"))
        await pilot.press("down", "space", "enter")
        [chosen] = app.of(FilePicker.Chosen)
        assert chosen.paths == (str(home / "Pictures"), str(home / "b.txt"), str(home / "Pictures" / "one.jpg"))


async def test_enter_opens_a_folder_and_takes_a_file(home: Path) -> None:
    async with picker(home) as (widget, pilot, app):
        await pilot.press("enter")
        await until(pilot, lambda: widget.path == str(home / "Pictures"))
        await pilot.press("left")
        await until(pilot, lambda: widget.path == str(home))
        assert widget._list.cursor_row()[0] == "Pictures"  # type: ignore[index]
        await pilot.press("a", ".", "m", "enter")
        assert [message.paths for message in app.of(FilePicker.Chosen)] == [(str(home / "a.mov"),)]


async def test_what_cannot_be_uploaded_is_shown_with_its_reason_and_not_taken(home: Path) -> None:
    async with picker(home) as (widget, pilot, app):
        text = "\n".join(lines(app))
        assert "link  symbolic link: not followed" in text
        assert "caf\\udce9.txt  its name is not UTF-8" in text
        assert "[bold]\\x1b[2J" in text
        assert "\x1b" not in text
        assert ".hidden" not in text
        await pilot.press("p", "i", "p", "e", "space", "enter")
        assert widget.selected == ()
        assert app.of(FilePicker.Chosen) == []
        assert widget.query_one(PickerStatus).problem == "pipe: named pipe"
        await pilot.press("escape", "ctrl+t")
        assert ".hidden" in "\n".join(lines(app))


async def test_the_path_can_be_typed_and_completed(home: Path) -> None:
    async with picker(home) as (widget, pilot, _):
        field = widget.query_one("#picker-path", Input)
        await pilot.press("ctrl+l")
        field.value = f"{home}/Pi"
        field.cursor_position = len(field.value)
        await until(pilot, lambda: bool(field._suggestion))
        await pilot.press("tab")
        assert field.value == f"{home}/Pictures/"
        await pilot.press("enter")
        await until(pilot, lambda: widget.path == str(home / "Pictures"))
        await pilot.press("ctrl+l")
        field.value = "nowhere"
        await pilot.press("enter")
        await until(pilot, lambda: "there is no" in widget.query_one(PickerStatus).problem)
        assert widget.path == str(home / "Pictures")


async def test_a_folder_is_chosen_or_made_for_downloads(home: Path) -> None:
    async with picker(home, "folder") as (widget, pilot, app):
        await pilot.press("home", "enter")
        assert [message.paths for message in app.of(FilePicker.Chosen)] == [(str(home),)]
        await pilot.press("down", "enter")
        await pilot.press(*"new", "enter")
        await until(pilot, lambda: widget.path == str(home / "new"))
        assert (home / "new").is_dir()
        assert "b.txt" not in "\n".join(lines(app))


async def test_a_broken_folder_keeps_what_is_shown(home: Path) -> None:
    async with picker(home) as (widget, pilot, _):
        widget.go_to(str(home / "gone"))
        await until(pilot, lambda: bool(widget.query_one(PickerStatus).problem))
        assert widget.path == str(home)


async def test_the_mouse_selects_and_opens(home: Path) -> None:
    async with picker(home) as (widget, pilot, app):
        shown = lines(app)
        at = next(y for y, line in enumerate(shown) if "b.txt" in line)
        await pilot.click(FilePicker, offset=(0, at))
        await pilot.click(FilePicker, offset=(5, at - 1), control=True)
        assert str(home / "b.txt") in widget.selected
        assert len(widget.selected) == 2
        await pilot.double_click(FilePicker, offset=(5, at))
        assert len(app.of(FilePicker.Chosen)[0].paths) == 2
