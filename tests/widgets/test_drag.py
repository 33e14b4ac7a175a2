"""Dragging rows onto folders, path segments and buckets, and renaming in place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import pytest
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input

from tests.widgets.support import Stage, clock, drag, lines, mouse, page, row, until
from widgets.breadcrumb import Breadcrumb
from widgets.bucket_list import BucketEntry, BucketList
from widgets.drag import DragLabel, DropTarget, movable
from widgets.header_line import HeaderLine
from widgets.object_rows import Entry
from widgets.object_tree import ObjectTree
from widgets.rename_line import RenameLine

PREFIX = "videos/raw/"
TOP = page(*(row(f"{PREFIX}{n}.mov") for n in "abcdef"), prefixes=(f"{PREFIX}2024/", f"{PREFIX}2025/"))


class Selector(ModalScreen[None]):
    def compose(self) -> ComposeResult:
        yield BucketList(classes="dropdown")

    def on_mount(self) -> None:
        self.query_one(BucketList).show(
            [BucketEntry("here", current=True), BucketEntry("other"), BucketEntry("locked", ability="read only")]
        )


class Desk(Stage):
    """Header, path and tree, as on the main screen."""

    def compose(self) -> ComposeResult:
        yield HeaderLine()
        path = Breadcrumb()
        path.bucket, path.prefix = "here", PREFIX
        yield path
        yield from super().compose()

    def on_header_line_bucket_wanted(self) -> None:
        if not isinstance(self.screen, Selector):
            self.push_screen(Selector())


@asynccontextmanager
async def desk(size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[ObjectTree, Pilot[Any], Desk]]:
    app = Desk(lambda: ObjectTree(clock=clock, zone=UTC))
    async with app.run_test(size=size) as pilot:
        tree = app.query_one(ObjectTree)
        app.query_one(HeaderLine).change(bucket="here", views=(("objects", "1", "Objects"),))
        tree.focus()
        tree.drag.spring_s = 0.01
        tree.show(PREFIX)
        tree.add_page(PREFIX, TOP, final=True)
        await pilot.pause()
        yield tree, pilot, app


def at(app: Stage, text: str) -> tuple[int, int]:
    """Where a text stands on the screen."""
    return next((line.index(text) + 1, y) for y, line in enumerate(lines(app)) if text in line)


def drops(app: Stage) -> list[tuple[list[str], DropTarget]]:
    return [([entry.name for entry in message.entries], message.target) for message in app.of(ObjectTree.Dropped)]


def label(app: Stage) -> str:
    found = list(app.screen.query(DragLabel))
    return str(found[0].render()).strip() if found else ""


@pytest.mark.parametrize("size", [(40, 14), (80, 24), (120, 40)])
async def test_a_row_is_dropped_on_a_folder_in_the_tree(size: tuple[int, int]) -> None:
    async with desk(size) as (_, pilot, app):
        await drag(pilot, at(app, "b.mov"), at(app, "2025/"), drop=False)
        assert label(app) == "b.mov → 2025/"
        assert "b.mov → 2025/" in "\n".join(lines(app))
        await mouse(pilot, events.MouseUp, *at(app, "2025/"))
        assert drops(app) == [([f"{PREFIX}b.mov"], DropTarget(f"{PREFIX}2025/"))]
        await pilot.pause()
        assert not app.query(DragLabel)
        assert isinstance(app.focused, ObjectTree)


async def test_all_marked_rows_go_along_with_a_marked_one() -> None:
    async with desk() as (tree, pilot, app):
        tree.set_marks([Entry("object", f"{PREFIX}{n}.mov", row(f"{PREFIX}{n}.mov")) for n in "bcd"])
        await drag(pilot, at(app, "c.mov"), at(app, "2024/"), drop=False)
        assert label(app) == "3 objects → 2024/"
        await mouse(pilot, events.MouseUp, *at(app, "2024/"))
        assert drops(app) == [([f"{PREFIX}{n}.mov" for n in "bcd"], DropTarget(f"{PREFIX}2024/"))]


async def test_any_segment_of_the_path_takes_a_drop() -> None:
    async with desk() as (_, pilot, app):
        await drag(pilot, at(app, "b.mov"), at(app, "videos"))
        await drag(pilot, at(app, "2024/"), at(app, "here ›"))
        assert drops(app) == [
            ([f"{PREFIX}b.mov"], DropTarget("videos/")),
            ([f"{PREFIX}2024/"], DropTarget("")),
        ]


async def test_what_would_change_nothing_is_no_target() -> None:
    async with desk() as (_, pilot, app):
        for start, end in (("b.mov", "c.mov"), ("b.mov", "raw"), ("2024/", "2024/")):
            place = at(app, end)
            await drag(pilot, at(app, start), (place[0] + 4, place[1]), drop=False)
            assert "→" not in label(app)
            await mouse(pilot, events.MouseUp, place[0] + 4, place[1])
        assert drops(app) == []


def test_nothing_moves_into_itself_or_where_it_is() -> None:
    folder, inside = Entry("folder", "a/"), Entry("object", "a/x", row("a/x"))
    assert movable([folder], DropTarget("a/")) == ()
    assert movable([folder], DropTarget("a/b/")) == ()
    assert movable([folder], DropTarget("ab/")) == (folder,)
    assert movable([folder], DropTarget("")) == ()
    assert movable([inside], DropTarget("a/")) == ()
    assert movable([inside, Entry("object", "b", row("b"))], DropTarget("a/")) == (Entry("object", "b", row("b")),)
    assert movable([folder], DropTarget("a/", "other")) == (folder,)


async def test_escape_gives_a_drag_up_and_the_release_clicks_nothing() -> None:
    async with desk() as (tree, pilot, app):
        await drag(pilot, at(app, "b.mov"), at(app, "2025/"), drop=False)
        await pilot.press("escape")
        assert not app.query(DragLabel)
        cursor = tree.cursor
        await mouse(pilot, events.MouseUp, *at(app, "2025/"))
        await mouse(pilot, events.Click, *at(app, "2025/"))
        assert (tree.cursor, drops(app)) == (cursor, [])
        assert isinstance(app.focused, ObjectTree)


async def test_keys_do_nothing_while_something_is_dragged() -> None:
    async with desk() as (tree, pilot, app):
        await drag(pilot, at(app, "b.mov"), at(app, "2025/"), drop=False)
        await pilot.press("space", "j")
        assert not tree.marked
        assert label(app)


async def test_an_unsteady_click_is_a_click() -> None:
    async with desk() as (tree, pilot, app):
        x, y = at(app, "c.mov")
        await drag(pilot, (x, y), (x + 1, y))
        await mouse(pilot, events.Click, x + 1, y)
        assert tree.cursor_entry is not None
        assert tree.cursor_entry.name == f"{PREFIX}c.mov"
        assert not app.query(DragLabel)
        await pilot.double_click(ObjectTree, offset=(x, tree.cursor + 1))
        assert len(app.of(ObjectTree.Opened)) == 1


async def test_a_lost_release_drops_nothing() -> None:
    async with desk() as (_, pilot, app):
        await drag(pilot, at(app, "b.mov"), at(app, "2025/"), drop=False)
        await mouse(pilot, events.MouseMove, 3, 8, button=0)
        await pilot.pause()
        assert not app.query(DragLabel)
        assert drops(app) == []


async def test_a_folder_springs_open_and_takes_the_drop_below() -> None:
    async with desk() as (tree, pilot, app):
        await drag(pilot, at(app, "b.mov"), at(app, "2024/"), drop=False)
        await until(pilot, lambda: any(message.prefix == f"{PREFIX}2024/" for message in app.of(ObjectTree.Wanted)))
        tree.add_page(f"{PREFIX}2024/", page(prefixes=(f"{PREFIX}2024/may/",)), final=True)
        await pilot.pause()
        await mouse(pilot, events.MouseMove, *at(app, "may/"))
        await mouse(pilot, events.MouseUp, *at(app, "may/"))
        assert drops(app) == [([f"{PREFIX}b.mov"], DropTarget(f"{PREFIX}2024/may/"))]


async def test_the_list_scrolls_at_its_edges() -> None:
    async with desk() as (tree, pilot, _):
        tree.show("")
        tree.add_page("", page(*(row(f"{n:04}") for n in range(100))), final=True)
        await pilot.pause()
        await drag(pilot, (5, 5), (5, 23), drop=False)
        await until(pilot, lambda: tree.scroll_y > 3)
        await mouse(pilot, events.MouseMove, 5, 3)
        await until(pilot, lambda: tree.scroll_y == 0)
        await pilot.press("escape")


async def test_the_chip_springs_the_selector_open_and_a_bucket_takes_the_drop() -> None:
    async with desk((120, 40)) as (_, pilot, app):
        await drag(pilot, at(app, "b.mov"), at(app, "✓ here"), drop=False)
        await until(pilot, lambda: isinstance(app.screen, Selector) and bool(app.screen.query(DragLabel)))
        await until(pilot, lambda: app.mouse_captured is not None)
        x, y = at(app, "other")
        await mouse(pilot, events.MouseMove, x, y - 1)
        assert label(app) == "b.mov"
        await mouse(pilot, events.MouseMove, x, y)
        assert label(app) == "b.mov → gs://other/"
        await mouse(pilot, events.MouseMove, *at(app, "locked"))
        assert label(app) == "b.mov ✕ read only"
        await mouse(pilot, events.MouseMove, x, y)
        await mouse(pilot, events.MouseUp, x, y)
        assert drops(app) == [([f"{PREFIX}b.mov"], DropTarget("", "other"))]
        await pilot.pause()
        assert not app.screen.query(DragLabel)


async def test_a_name_is_edited_in_its_place() -> None:
    async with desk() as (tree, pilot, app):
        await pilot.press("j", "j", "j")
        await tree.rename_entry()
        await pilot.pause()
        field = app.query_one(RenameLine).query_one(Input)
        assert field.selected_text == "b"
        assert field.region.offset == (tree.region.x + 3, at(app, "b.mov")[1])
        await pilot.press("x", "/")
        assert "A name has no slash" in "\n".join(lines(app))
        await pilot.press("enter")
        assert not app.of(ObjectTree.Renamed)
        await pilot.press("backspace", "enter")
        [renamed] = app.of(ObjectTree.Renamed)
        assert (renamed.entry.name, renamed.new_name) == (f"{PREFIX}b.mov", "x.mov")
        await pilot.pause()
        assert not app.query(RenameLine)
        assert isinstance(app.focused, ObjectTree)


async def test_a_name_that_is_taken_is_refused_and_escape_leaves_it() -> None:
    async with desk() as (tree, pilot, app):
        await pilot.press("j", "j", "j")
        await tree.rename_entry()
        await pilot.pause()
        await pilot.press("c", "enter")
        assert "There is an object of that name." in "\n".join(lines(app))
        await pilot.press("escape")
        await pilot.pause()
        assert not app.query(RenameLine)
        assert not app.of(ObjectTree.Renamed)


async def test_a_hostile_name_is_edited_in_its_safe_form() -> None:
    async with desk() as (tree, pilot, app):
        tree.show("")
        tree.add_page("", page(row("a\x1b]0;[b].txt")), final=True)
        await pilot.pause()
        await tree.rename_entry()
        await pilot.pause()
        assert "\x1b" not in app.query_one(RenameLine).query_one(Input).value
        await pilot.press("enter")
        assert not app.of(ObjectTree.Renamed)
