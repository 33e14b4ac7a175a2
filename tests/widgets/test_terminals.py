"""Terminals of all sizes, without colours, without UTF-8, and cursors that screen readers follow."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from services.transfer.messages import Snapshot
from tests.widgets.support import STYLES, Stage, clock, lines, page, row
from tests.widgets.test_facts import BUCKETS, INFO
from tests.widgets.test_lines import HINTS, SNAPSHOT
from tests.widgets.test_transfers_panel import SNAPSHOT as TRANSFERS
from widgets.breadcrumb import Breadcrumb
from widgets.bucket_list import BucketList
from widgets.details import Details
from widgets.file_picker import FilePicker
from widgets.key_line import KeyLine
from widgets.object_rows import Entry, Order
from widgets.object_tree import ObjectTree
from widgets.settings_pane import SettingsPane
from widgets.symbols import ASCII
from widgets.transfer_strip import TransferStrip
from widgets.transfers_panel import TransfersPanel


class Everything(App[None]):
    """All widgets at once, with ASCII signs."""

    CSS_PATH = str(STYLES)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"text-quiet": "#808080"}

    def compose(self) -> ComposeResult:
        yield Breadcrumb(symbols=ASCII)
        yield ObjectTree(symbols=ASCII, clock=clock)
        yield TransfersPanel(symbols=ASCII)
        yield SettingsPane(symbols=ASCII)
        yield BucketList(symbols=ASCII)
        yield FilePicker("/", symbols=ASCII)
        yield Details(symbols=ASCII)
        yield TransferStrip(symbols=ASCII)
        yield KeyLine(symbols=ASCII)

    def fill(self) -> None:
        breadcrumb = self.query_one(Breadcrumb)
        breadcrumb.bucket, breadcrumb.prefix = "bucket", "a/b/c/日本/"
        tree = self.query_one(ObjectTree)
        tree.show("")
        tree.add_page("", page(row("日本" * 40), row("b"), prefixes=("x/",)), final=True)
        self.query_one(TransfersPanel).update(TRANSFERS)
        self.query_one(SettingsPane).show_bucket(INFO)
        self.query_one(BucketList).show(BUCKETS)
        self.query_one(Details).show_entry("b", Entry("object", "b", row("b")))
        self.query_one(TransferStrip).update(SNAPSHOT)
        self.query_one(KeyLine).hints = HINTS


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (40, 10), (300, 80)])
async def test_no_size_of_a_terminal_breaks_anything(size: tuple[int, int]) -> None:
    app = Everything()
    async with app.run_test(size=size) as pilot:
        app.fill()
        await pilot.pause()
        for width, height in ((20, 5), (160, 50), (3, 2), (80, 24), size):
            await pilot.resize_terminal(width, height)
        await pilot.press("end", "home")
        app.query_one(TransferStrip).update(Snapshot())
        await pilot.pause()
        assert len(lines(app)) == size[1]


async def test_a_terminal_without_utf_8_gets_ascii_only() -> None:
    app = Everything()
    async with app.run_test(size=(100, 200)) as pilot:
        app.fill()
        tree = app.query_one(ObjectTree)
        tree.show("")
        tree.add_page("", page(row("a" * 200), prefixes=("x/",)), final=True)
        breadcrumb = app.query_one(Breadcrumb)
        breadcrumb.prefix = "a/" * 100
        await pilot.pause()
        assert [line for line in lines(app) if not line.isascii()] == []


@given(st.text(max_size=60), st.integers(1, 90))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
async def test_a_line_is_as_wide_as_the_window_whatever_the_name(name: str, width: int) -> None:
    app = Stage(lambda: ObjectTree(clock=clock))
    async with app.run_test(size=(width, 4)) as pilot:
        tree = app.query_one(ObjectTree)
        tree.show("")
        tree.add_page("", page(row(name.replace("/", "") or "x", kind=name)), final=True)
        await pilot.pause()
        for y in range(4):
            assert tree.render_line(y).cell_length == width
            assert not any(ord(char) < 32 or ord(char) == 127 for char in tree.render_line(y).text)


async def test_without_colours_the_cursor_is_told_by_its_style(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Stage(lambda: ObjectTree(clock=clock))
    async with app.run_test(size=(60, 6)) as pilot:
        tree = app.query_one(ObjectTree)
        tree.focus()
        tree.show("")
        tree.add_page("", page(row("a"), row("b")), final=True)
        await pilot.pause()
        styles = [{bool(segment.style and segment.style.reverse) for segment in tree.render_line(y)} for y in (1, 2)]
        assert styles == [{True}, {False}]


async def test_the_terminals_cursor_follows_the_row() -> None:
    app = Stage(lambda: ObjectTree(clock=clock))
    async with app.run_test(size=(60, 6)) as pilot:
        tree = app.query_one(ObjectTree)
        tree.show("")
        tree.add_page("", page(row("a"), row("b"), row("c")), final=True)
        tree.focus()
        await pilot.press("j", "j")
        assert app.cursor_position == (1, 3)


async def test_colours_follow_the_theme() -> None:
    app = Stage(lambda: ObjectTree(clock=clock))
    async with app.run_test(size=(60, 6)) as pilot:
        tree = app.query_one(ObjectTree)
        tree.show("")
        tree.add_page("", page(row("a"), row("b")), final=True)
        await pilot.pause()
        dark = [segment.style for segment in tree.render_line(2)]
        app.theme = "textual-light"
        await pilot.pause()
        assert [segment.style for segment in tree.render_line(2)] != dark


async def test_a_tree_can_be_told_what_to_show_before_it_is_on_the_screen() -> None:
    def make() -> ObjectTree:
        tree = ObjectTree(clock=clock)
        tree.show("x/")
        tree.add_page("x/", page(row("x/a"), row("x/b", 7)), final=True)
        tree.sort_by(Order("size", descending=True))
        return tree

    app = Stage(make)
    async with app.run_test(size=(60, 6)) as pilot:
        await pilot.pause()
        assert [line.split()[0] for line in lines(app)[1:3]] == ["b", "a"]


async def test_where_the_mouse_is_can_be_ignored_over_slow_lines() -> None:
    app = Stage(lambda: ObjectTree(clock=clock))
    async with app.run_test(size=(60, 6)) as pilot:
        tree = app.query_one(ObjectTree)
        tree.follow_mouse = False
        tree.show("")
        tree.add_page("", page(row("a"), row("b")), final=True)
        await pilot.hover(ObjectTree, offset=(3, 2))
        await pilot.pause()
        assert "↓" not in lines(app)[2]
