"""Choosing a folder to move to: in the tree, by typing, in another bucket, or a new one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual import on
from textual.pilot import Pilot

from tests.widgets.support import Stage, lines, page, row
from widgets.destination_picker import DestinationPicker
from widgets.symbols import ASCII, UNICODE, Symbols

FOLDERS = {"": ("logs/", "videos/"), "videos/": ("videos/cut/", "videos/raw/"), "videos/raw/": ("videos/raw/[b]\x1b/",)}


class Feeder(Stage):
    """Answers every listing as a screen does."""

    @on(DestinationPicker.Wanted)
    def _answer(self, message: DestinationPicker.Wanted) -> None:
        picker = self.query_one(DestinationPicker)
        found = FOLDERS.get(message.prefix, ()) if message.bucket == "b-1" else ("there/",) * (not message.prefix)
        picker.add_page(message.prefix, page(row("x"), prefixes=found), final=True, ticket=message.ticket)


def refuse(bucket: str, prefix: str) -> str:
    return "A folder does not go into itself." if (bucket, prefix) == ("b-1", "videos/cut/") else ""


@asynccontextmanager
async def picker(
    prefix: str = "videos/raw/", size: tuple[int, int] = (60, 20), symbols: Symbols = UNICODE
) -> AsyncIterator[tuple[DestinationPicker, Pilot[Any], Stage]]:
    app = Feeder(lambda: DestinationPicker("b-1", prefix, buckets=("b-1", "b-2"), refuse=refuse, symbols=symbols))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        yield app.query_one(DestinationPicker), pilot, app


def chosen(app: Stage) -> list[tuple[str, str]]:
    return [(message.bucket, message.prefix) for message in app.of(DestinationPicker.Chosen)]


async def test_enter_takes_the_preselected_folder_which_the_tree_shows() -> None:
    async with picker() as (widget, pilot, app):
        assert widget.folders.cursor_entry is not None
        assert widget.folders.cursor_entry.name == "videos/raw/"
        await pilot.press("enter")
        assert chosen(app) == [("b-1", "videos/raw/")]


async def test_the_tree_has_folders_only_and_any_can_be_chosen() -> None:
    async with picker() as (widget, pilot, app):
        assert widget.folders.row_total() == 4
        await pilot.press("down", "h", "h", "k", "enter")
        assert chosen(app) == [("b-1", "logs/")]
        await pilot.press("k", "enter")
        assert chosen(app)[1] == ("b-1", "")


async def test_a_double_click_chooses_and_the_sign_opens() -> None:
    async with picker("") as (_, pilot, app):
        y = next(y for y, line in enumerate(lines(app)) if "videos" in line)
        await pilot.click(offset=(1, y))
        await pilot.pause()
        y = next(y for y, line in enumerate(lines(app)) if "raw" in line)
        await pilot.double_click(offset=(8, y))
        assert chosen(app) == [("b-1", "videos/raw/")]


async def test_a_typed_path_is_completed_and_gets_its_slash() -> None:
    async with picker("") as (_, pilot, app):
        await pilot.press(*"vid")
        await pilot.pause()
        await pilot.press("right", "enter")
        await pilot.press(*"new", "enter")
        assert chosen(app) == [("b-1", "videos/"), ("b-1", "videos/new/")]


async def test_a_url_leads_to_another_bucket() -> None:
    async with picker("") as (_, pilot, app):
        await pilot.press(*"gs://b-9/x", "enter")
        assert chosen(app) == [("b-9", "x/")]


async def test_what_is_refused_is_told() -> None:
    async with picker("videos/cut/") as (_, pilot, app):
        await pilot.press("enter")
        assert not chosen(app)
        assert "does not go into itself" in "\n".join(lines(app))


async def test_a_new_folder_is_named_below_the_one_that_is_shown() -> None:
    async with picker() as (_, pilot, app):
        await pilot.press("ctrl+n", *"may", "enter", "enter")
        assert chosen(app) == [("b-1", "videos/raw/may/")]


async def test_another_bucket_can_be_switched_to() -> None:
    async with picker() as (_, pilot, app):
        await pilot.press("ctrl+b", "down", "enter")
        await pilot.pause()
        assert app.of(DestinationPicker.Wanted)[-1].bucket == "b-2"
        await pilot.press("down", "enter")
        assert chosen(app) == [("b-2", "there/")]


async def test_a_filter_narrows_the_folders_and_escape_ends_it() -> None:
    async with picker("") as (widget, pilot, _):
        await pilot.press("down", "slash", *"log", "enter")
        assert widget.folders.row_total() == 1
        await pilot.press("slash", "escape")
        assert widget.folders.row_total() == 2


async def test_a_hostile_folder_is_shown_safely_and_chosen_as_it_is() -> None:
    async with picker() as (_, pilot, app):
        await pilot.press("down", "l")
        await pilot.pause()
        await pilot.press("l", "enter")
        assert "\x1b" not in "".join(lines(app))
        assert chosen(app) == [("b-1", "videos/raw/[b]\x1b/")]


async def test_a_broken_listing_says_so_and_can_be_tried_again() -> None:
    async with picker("") as (widget, pilot, app):
        widget.folders.refresh_folder("")
        widget.fail("", "refused", "ask")
        await pilot.pause()
        assert "refused" in "\n".join(lines(app)) or widget.folders.row_total() == 2


@pytest.mark.parametrize("size", [(40, 10), (160, 50)])
async def test_it_fits_every_window(size: tuple[int, int]) -> None:
    async with picker(size=size, symbols=ASCII) as (_, _, app):
        assert "gs://b-1/" in lines(app)[0]
        assert "raw/" in "\n".join(lines(app))
        assert "".join(line[: size[0] - 1] for line in lines(app)).isascii()
