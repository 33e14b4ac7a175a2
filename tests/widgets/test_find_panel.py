"""Finding: a search checked while it is typed, finds that stream in, and what can be done with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.widgets.support import Stage, clock, lines, row
from widgets.find_list import FindList
from widgets.find_panel import FindPanel
from widgets.marks import Totals
from widgets.symbols import ASCII, UNICODE, Symbols


@asynccontextmanager
async def panel(
    size: tuple[int, int] = (90, 20), symbols: Symbols = UNICODE
) -> AsyncIterator[tuple[FindPanel, Pilot[Any], Stage]]:
    app = Stage(lambda: FindPanel("videos/", clock=clock, zone=UTC, symbols=symbols))
    async with app.run_test(size=size) as pilot:
        widget = app.query_one(FindPanel)
        widget.focus()
        await pilot.pause()
        yield widget, pilot, app


FINDS = [row("videos/a.mp4", 50), row("videos/deep/[b]\x1b.mp4", 3_100_000), row("videos/z.mp4", 7)]


async def found(widget: FindPanel, pilot: Pilot[Any]) -> None:
    await pilot.press(*"*.mp4", "enter")
    assert widget.add(FINDS, 1_000, ticket=1)
    await pilot.pause()


async def test_what_is_wrong_is_said_while_it_is_typed() -> None:
    async with panel() as (_, pilot, app):
        assert "in videos/" in lines(app)[1]
        await pilot.press(*">10Q")
        assert "neither a size nor an age" in lines(app)[1]
        await pilot.press("enter")
        assert not app.of(FindPanel.SearchWanted)
        await pilot.press("backspace", "M", "enter")
        [wanted] = app.of(FindPanel.SearchWanted)
        assert wanted.query.text == ">10M"
        assert wanted.query.prefix == "videos/"


async def test_finds_stream_in_and_are_counted() -> None:
    async with panel() as (widget, pilot, app):
        await found(widget, pilot)
        assert "searching… 3 found · 1,000 objects looked at" in lines(app)[1]
        assert any("deep/[b]" in line for line in lines(app))
        assert "\x1b" not in "".join(lines(app))
        widget.finish(ticket=1)
        await pilot.pause()
        assert lines(app)[1].startswith(" 3 found")
        assert not widget.add(FINDS, 2_000, ticket=1)


async def test_a_new_search_refuses_pages_of_the_old_one() -> None:
    async with panel() as (widget, pilot, _):
        await found(widget, pilot)
        await pilot.press("R")
        assert not widget.add(FINDS, 5, ticket=1)
        assert widget.add(FINDS[:1], 5, ticket=2)
        assert widget.finds.row_total() == 1


async def test_escape_unmarks_then_cancels_then_leaves() -> None:
    async with panel() as (widget, pilot, app):
        await found(widget, pilot)
        await pilot.press("space", "escape")
        assert not widget.finds.marked_totals.objects
        assert not app.of(FindPanel.CancelWanted)
        await pilot.press("escape")
        assert len(app.of(FindPanel.CancelWanted)) == 1
        await pilot.press("escape")
        assert len(app.of(FindPanel.Left)) == 1


async def test_finds_are_marked_like_any_rows() -> None:
    async with panel() as (widget, pilot, _):
        await found(widget, pilot)
        assert [entry.name for entry in widget.finds.selection] == ["videos/a.mp4"]
        await pilot.press("space", "space")
        names = ["videos/a.mp4", "videos/deep/[b]\x1b.mp4"]
        assert [entry.name for entry in widget.finds.selection] == names
        assert widget.finds.marked_totals == Totals(2, 0, 3_100_050)
        widget.finds.invert_marks()
        assert [entry.name for entry in widget.finds.selection] == ["videos/z.mp4"]
        assert widget.finds.mark_matching("a*") == 1
        assert widget.finds.mark_matching("z*", marked=False) == 1
        assert [entry.name for entry in widget.finds.selection] == ["videos/a.mp4"]
        await pilot.press("g", "v", "G", "v")
        assert widget.finds.marked_totals.objects == 3


async def test_the_mouse_marks_as_in_the_tree() -> None:
    async with panel() as (widget, pilot, _):
        await found(widget, pilot)
        await pilot.click(widget.finds, offset=(5, 1), control=True)
        await pilot.click(widget.finds, offset=(5, 3), shift=True)
        assert widget.finds.marked_totals.objects == 3
        await pilot.click(widget.finds, offset=(5, 2), control=True)
        assert [entry.name for entry in widget.finds.selection] == ["videos/a.mp4", "videos/z.mp4"]


async def test_the_signs_of_a_row_are_clicked() -> None:
    async with panel() as (widget, pilot, app):
        await found(widget, pilot)
        line = next(line for line in lines(app) if "a.mp4" in line)
        await pilot.click(widget.finds, offset=(line.index("↓"), 1))
        await pilot.hover(widget.finds, offset=(5, 3))
        await pilot.click(widget.finds, offset=(line.index("✕"), 3))
        assert [message.entry.name for message in app.of(FindList.DownloadWanted)] == ["videos/a.mp4"]
        assert [message.entry.name for message in app.of(FindList.DeleteWanted)] == ["videos/z.mp4"]


async def test_what_is_gone_leaves_the_list_and_the_marks() -> None:
    async with panel() as (widget, pilot, app):
        await found(widget, pilot)
        await pilot.press("a", "G")
        widget.forget({"videos/a.mp4", "videos/elsewhere"})
        await pilot.pause()
        assert widget.finds.marked_totals.objects == 2
        assert [entry.name for entry in widget.finds.selection][-1] == "videos/z.mp4"
        assert widget.finds.cursor == 1
        assert "2 found" in lines(app)[1]


async def test_a_changed_query_ends_the_search() -> None:
    async with panel() as (widget, pilot, app):
        await found(widget, pilot)
        await pilot.press("slash", "x")
        assert len(app.of(FindPanel.CancelWanted)) == 1
        assert not widget.add(FINDS, 2_000, ticket=1)
        assert widget.finds.row_total() == 3
        await pilot.press("down", "space")
        assert widget.finds.marked_totals.objects == 1


async def test_a_find_is_shown_in_its_folder_by_enter_and_double_click() -> None:
    async with panel() as (widget, pilot, app):
        await found(widget, pilot)
        await pilot.press("enter")
        await pilot.double_click(widget.finds, offset=(5, 3))
        assert [message.entry.name for message in app.of(FindPanel.Opened)] == ["videos/a.mp4", "videos/z.mp4"]


async def test_a_click_on_a_head_sorts_and_the_cursor_stays_on_its_row() -> None:
    async with panel() as (widget, pilot, _):
        await found(widget, pilot)
        await pilot.click(widget.finds, offset=(widget.finds.placed[1].x + 5, 0))
        entry = widget.finds.entry_at(widget.finds.cursor)
        assert entry is not None
        assert (entry.name, widget.finds.cursor) == ("videos/a.mp4", 1)
        widget.add([row("videos/huge.mp4", 10**9)], 2_000, ticket=1)
        assert widget.finds.cursor == 2


async def test_a_search_that_breaks_says_why_and_keeps_what_it_found() -> None:
    async with panel() as (widget, pilot, app):
        await found(widget, pilot)
        widget.finish(ticket=1, problem="[b]refused")
        await pilot.pause()
        assert "! [b]refused" in lines(app)[1]
        assert widget.finds.row_total() == 3


@pytest.mark.parametrize("size", [(40, 10), (160, 50)])
@pytest.mark.parametrize("symbols", [UNICODE, ASCII])
async def test_it_fits_every_window(size: tuple[int, int], symbols: Symbols) -> None:
    async with panel(size, symbols) as (widget, pilot, app):
        await found(widget, pilot)
        assert "a.mp4" in "\n".join(lines(app))
        assert symbols is UNICODE or "".join(line[: size[0] - 1] for line in lines(app)[2:]).isascii()
