"""The object tree as a person meets it: keys, mouse, listings that stream in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from tests.widgets.support import Stage, clock, lines, page, row, until
from widgets.object_rows import Entry, Order
from widgets.object_tree import ObjectTree
from widgets.symbols import ASCII, UNICODE, Symbols

TOP = page(row("a", 5), row("b.txt", 812, 3 * 3600), row("c.mov", 41_600_000, 300), prefixes=("a/", "dir/"))


@asynccontextmanager
async def tree(
    size: tuple[int, int] = (80, 24), symbols: Symbols = UNICODE, *, fill: bool = True
) -> AsyncIterator[tuple[ObjectTree, Pilot[Any], Stage]]:
    app = Stage(lambda: ObjectTree(clock=clock, zone=UTC, symbols=symbols))
    async with app.run_test(size=size) as pilot:
        widget = app.query_one(ObjectTree)
        widget.focus()
        widget.show("")
        if fill:
            widget.add_page("", TOP, final=True)
        await pilot.pause()
        yield widget, pilot, app


def names(widget: ObjectTree) -> list[str]:
    entries = [widget._model.entry_at(index) for index in range(widget.row_total())]
    return [entry.name if entry else "hint" for entry in entries]


async def test_folders_come_first_and_sizes_and_times_are_aligned() -> None:
    async with tree() as (_, _, app):
        shown = lines(app)
        assert shown[0].split() == ["Name", "▴", "Size", "Modified"]
        assert shown[1].startswith(" ▸ a/")
        assert shown[4].split() == ["b.txt", "812", "B", "3", "h", "ago"]
        assert shown[4].index("812 B") + 5 == shown[5].index("41.6 MB") + 7
        assert "↓ ✕" in shown[1]


@pytest.mark.parametrize(
    ("width", "titles"),
    [(40, ["Name", "▴", "Size"]), (80, ["Name", "▴", "Size", "Modified"]), (20, ["Name", "▴"])],
)
async def test_columns_give_way_in_narrow_windows(width: int, titles: list[str]) -> None:
    async with tree((width, 10)) as (_, _, app):
        assert lines(app)[0].split() == titles


async def test_type_is_shown_where_there_is_room() -> None:
    async with tree((120, 10)) as (_, _, app):
        assert lines(app)[0].split()[-1] == "Type"
        assert lines(app)[3].endswith("text/plain")


async def test_a_folder_asks_for_its_listing_once_and_opens_in_place() -> None:
    async with tree() as (widget, pilot, app):
        app.heard.clear()
        await pilot.press("right")
        [wanted] = app.of(ObjectTree.Wanted)
        assert wanted.prefix == "a/"
        assert "loading…" in lines(app)[2]
        assert widget.add_page("a/", page(row("a/b")), final=True, ticket=wanted.ticket)
        await pilot.press("left", "right")
        assert names(widget) == ["a/", "a/b", "dir/", "a", "b.txt", "c.mov"]
        assert len(app.of(ObjectTree.Wanted)) == 1


async def test_a_cursor_on_the_loading_line_gets_the_first_row_that_comes() -> None:
    async with tree((80, 10)) as (widget, pilot, _):
        await pilot.press("l", "l")
        assert widget.cursor_entry is None
        widget.add_page("a/", page(*(row(f"a/{n:03}") for n in range(200)), prefixes=("a/x/",)), final=False)
        assert widget.cursor_entry == Entry("folder", "a/x/")
        widget.add_page("a/", page(row("a/y"), prefixes=("a/y/",)), final=True)
        await pilot.pause()
        assert widget.cursor_entry == Entry("folder", "a/x/")
        assert widget.scroll_y == 0


async def test_pages_of_an_older_listing_are_refused() -> None:
    async with tree() as (widget, _, _):
        assert not widget.add_page("", page(row("late")), final=True)
        widget.show("dir/")
        assert not widget.add_page("dir/", page(row("dir/x")), final=True, ticket=1)
        assert not widget.add_page("elsewhere/", page(row("x")), final=True)


async def test_left_closes_then_goes_to_the_parent() -> None:
    async with tree() as (widget, pilot, _):
        await pilot.press("l")
        widget.add_page("a/", page(row("a/b"), row("a/c")), final=True)
        await pilot.press("j", "j", "h")
        assert widget.cursor_entry == Entry("folder", "a/")
        await pilot.press("h")
        assert names(widget)[:2] == ["a/", "dir/"]


async def test_enter_and_double_click_open() -> None:
    async with tree() as (_, pilot, app):
        await pilot.press("enter")
        await pilot.double_click(ObjectTree, offset=(10, 4))
        opened = [(message.kind, message.name) for message in app.of(ObjectTree.Opened)]
        assert opened == [("folder", "a/"), ("object", "b.txt")]


async def test_the_signs_at_the_end_of_a_row_can_be_clicked() -> None:
    async with tree() as (_, pilot, app):
        await pilot.hover(ObjectTree, offset=(5, 4))
        line = lines(app)[4]
        await pilot.click(ObjectTree, offset=(line.index("↓"), 4))
        await pilot.click(ObjectTree, offset=(line.index("✕"), 4))
        assert [message.entry.name for message in app.of(ObjectTree.DownloadWanted)] == ["b.txt"]
        assert [message.entry.generation for message in app.of(ObjectTree.DeleteWanted)] == [1]


async def test_a_double_click_on_a_sign_acts_once() -> None:
    async with tree() as (_, pilot, app):
        await pilot.hover(ObjectTree, offset=(5, 4))
        line = lines(app)[4]
        await pilot.double_click(ObjectTree, offset=(line.index("✕"), 4))
        await pilot.double_click(ObjectTree, offset=(1, 2))
        assert len(app.of(ObjectTree.DeleteWanted)) == 1
        assert app.of(ObjectTree.Opened) == []
        assert [message.prefix for message in app.of(ObjectTree.Wanted)] == ["", "dir/"]


async def test_a_click_on_the_sign_of_a_folder_opens_it() -> None:
    async with tree() as (_, pilot, app):
        await pilot.click(ObjectTree, offset=(1, 2))
        assert app.of(ObjectTree.Wanted)[-1].prefix == "dir/"


async def test_marks_are_counted_and_survive_sorting() -> None:
    async with tree() as (widget, pilot, app):
        await pilot.press("j", "j", "space", "space")
        assert [entry.name for entry in widget.marked] == ["a", "b.txt"]
        assert widget.marked_totals.bytes == 817
        widget.sort_by(Order("size", descending=True))
        await pilot.pause()
        assert names(widget) == ["a/", "dir/", "c.mov", "b.txt", "a"]
        assert widget.cursor_entry == Entry("object", "c.mov", TOP.objects[2])
        assert [entry.name for entry in widget.marked] == ["a", "b.txt"]
        assert [line[0] for line in lines(app)[1:6]] == [" ", " ", " ", "●", "●"]
        await pilot.press("escape")
        assert widget.marked == []


async def test_a_marked_folder_stands_for_all_below_it() -> None:
    async with tree() as (widget, pilot, app):
        await pilot.press("right")
        widget.add_page("a/", page(row("a/b"), row("a/c")), final=True)
        await pilot.press("j", "space", "k", "k", "space", "space")
        assert widget.marked == [Entry("folder", "a/")]
        assert [line[0] for line in lines(app)[1:5]] == ["●", "○", "○", " "]


async def test_a_range_is_marked_from_anchor_to_cursor() -> None:
    async with tree() as (widget, pilot, _):
        await pilot.press("j", "j", "v", "j", "j", "v")
        assert [entry.name for entry in widget.marked] == ["a", "b.txt", "c.mov"]
        await pilot.press("escape", "v", "k", "escape")
        assert widget.marked == []


async def test_shift_click_and_ctrl_click_mark() -> None:
    async with tree() as (widget, pilot, _):
        await pilot.click(ObjectTree, offset=(5, 3))
        await pilot.click(ObjectTree, offset=(5, 5), shift=True)
        await pilot.click(ObjectTree, offset=(5, 4), control=True)
        assert [entry.name for entry in widget.marked] == ["a", "c.mov"]


async def test_a_refresh_keeps_cursor_marks_and_open_folders() -> None:
    async with tree() as (widget, pilot, app):
        await pilot.press("right")
        widget.add_page("a/", page(row("a/b")), final=True)
        await pilot.press("end", "space")
        widget.refresh_folder("")
        assert names(widget)[-1] == "c.mov"
        changed = row("c.mov", 7, generation=2)
        widget.add_page("", page(row("0"), prefixes=("a/",)), final=False)
        widget.add_page("", page(changed, prefixes=("z/",)), final=True)
        await pilot.pause()
        assert names(widget) == ["a/", "a/b", "z/", "0", "c.mov"]
        assert widget.cursor_entry == Entry("object", "c.mov", changed)
        assert widget.marked == [Entry("object", "c.mov", changed)]
        assert widget.marked_totals.bytes == 7
        widget.refresh_folder("")
        widget.add_page("", page(row("0")), final=True)
        await pilot.pause()
        assert widget.marked == []
        assert names(widget) == ["0"]
        assert app.of(ObjectTree.MarksChanged)[-1].totals.entries == 0


async def test_rows_that_arrive_above_do_not_move_what_is_looked_at() -> None:
    async with tree((80, 12), fill=False) as (widget, pilot, app):
        widget.add_page("", page(*(row(f"o{index:03}") for index in range(100))), final=False)
        await pilot.pause()
        await pilot.press("pagedown", "pagedown", "j")
        under, before = widget.cursor_entry, lines(app)
        widget.add_page("", page(row("p"), prefixes=("x/", "y/", "z/")), final=True)
        await pilot.pause()
        assert widget.cursor_entry == under
        assert [line[:20] for line in lines(app)[1:]] == [line[:20] for line in before[1:]]


async def test_empty_failed_and_filtered_states_name_the_next_key() -> None:
    async with tree(fill=False) as (widget, pilot, app):
        widget.add_page("", page(), final=True)
        await pilot.pause()
        assert "This bucket is empty. u upload · n folder" in lines(app)[1]
        widget.refresh_folder()
        widget.fail("", "permission denied", "Ask for storage.objects.list.")
        await pilot.pause()
        assert "! permission denied  Ask for storage.objects.list.  enter retry" in lines(app)[1]
        app.heard.clear()
        await pilot.press("enter")
        assert [message.prefix for message in app.of(ObjectTree.Wanted)] == [""]
        widget.add_page("", TOP, final=True)
        widget.filter_text = "B.T"
        await pilot.pause()
        assert names(widget) == ["b.txt"]
        widget.filter_text = "nothing like it"
        await pilot.pause()
        assert "Nothing here matches" in lines(app)[1]


async def test_uploads_go_into_the_folder_of_the_cursor() -> None:
    async with tree() as (widget, pilot, _):
        assert widget.target_prefix == ""
        await pilot.press("right")
        assert widget.target_prefix == "a/"
        widget.add_page("a/", page(row("a/b")), final=True)
        await pilot.press("j")
        assert widget.cursor_entry is not None
        assert widget.cursor_entry.name == "a/b"
        assert widget.target_prefix == "a/"


async def test_hostile_names_never_reach_the_screen_raw() -> None:
    evil = ["[bold]x", "[@click=app.quit]x", "\x1b]52;c;AAAA\x07", "a\u202eb", "c:\\d"]
    async with tree((100, 20), fill=False) as (widget, pilot, app):
        widget.add_page("", page(*(row(name, kind="\x1b[2J") for name in sorted(evil)), prefixes=("[/",)), final=True)
        await pilot.pause()
        text = "\n".join(lines(app))
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "▸ [/" in text
        assert "[bold]x" in text
        assert "[@click=app.quit]x" in text
        assert "\\x1b]52;c;AAAA\\x07" in text
        assert "\\x1b[2J" in text


async def test_ascii_terminals_get_ascii_signs() -> None:
    async with tree(symbols=ASCII) as (_, pilot, app):
        await pilot.press("space")
        assert "\n".join(lines(app)).isascii()
        assert lines(app)[1].startswith("*> a/")


async def test_heads_sort_when_clicked_and_long_lists_sort_in_a_thread() -> None:
    async with tree(fill=False) as (widget, pilot, app):
        widget.add_page("", page(*(row(f"o{n:05}", n * 7919 % 10_007) for n in range(10_000))), final=True)
        await pilot.pause()
        await pilot.click(ObjectTree, offset=(lines(app)[0].index("Size"), 0))
        assert app.of(ObjectTree.SortChanged)[0].order == Order("size", descending=True)
        await until(pilot, lambda: not widget._arranging)
        sizes = [item.size for item in widget._model.root.objects]
        assert [widget._model.rows[0].size, widget._model.rows[-1].size] == [max(sizes), min(sizes)]  # type: ignore[union-attr]


async def test_a_long_folder_that_is_refreshed_gets_into_its_order_again() -> None:
    async with tree(fill=False) as (widget, pilot, _):
        first = page(*(row(f"o{n:05}", n * 7919 % 10_007) for n in range(6_000)))
        widget.add_page("", first, final=True)
        widget.sort_by(Order("size"))
        await until(pilot, lambda: not widget._arranging)
        await pilot.press("end")
        largest = widget.cursor_entry
        widget.refresh_folder("")
        widget.add_page("", first, final=False)
        widget.add_page("", page(row("p", 20_000)), final=True)
        await until(pilot, lambda: not widget._arranging)
        shown = [item.size for item in widget._model.rows]  # type: ignore[union-attr]
        assert shown == sorted(shown)
        assert widget.cursor_entry == largest
        assert widget.row_total() == 6_001


async def test_moving_the_cursor_draws_two_lines_only() -> None:
    async with tree((80, 24), fill=False) as (widget, pilot, _):
        widget.add_page("", page(*(row(f"o{n:05}") for n in range(1_000))), final=True)
        await pilot.press("j")
        await pilot.pause()
        drawn: list[int] = []
        draw = widget._row

        def count(index: int, *rest: Any) -> Any:
            drawn.append(index)
            return draw(index, *rest)

        widget._row = count  # type: ignore[method-assign]
        await pilot.press("j")
        await pilot.pause()
        assert sorted(drawn) == [1, 2]


async def test_going_up_puts_the_cursor_on_the_folder_that_was_left() -> None:
    async with tree() as (widget, pilot, _):
        widget.show("", focus_on=Entry("folder", "dir/"))
        widget.add_page("", page(prefixes=("a/",)), final=False)
        widget.add_page("", page(prefixes=("dir/",)), final=True)
        await pilot.pause()
        assert widget.cursor_entry == Entry("folder", "dir/")


async def test_the_wheel_scrolls_without_moving_the_cursor() -> None:
    async with tree((80, 10), fill=False) as (widget, pilot, app):
        widget.add_page("", page(*(row(f"o{n:05}") for n in range(1_000))), final=True)
        await pilot.pause()
        await pilot._post_mouse_events([events.MouseScrollDown], ObjectTree)
        await pilot.pause()
        assert widget.scroll_y > 0
        assert widget.cursor == 0
        assert lines(app)[0].split()[0] == "Name"


async def test_generations_that_are_gone_are_told_apart_and_keep_the_cursor() -> None:
    async with tree((100, 12)) as (widget, pilot, app):
        old = [row("x.txt", generation=n)._replace(deleted=clock() - 7200) for n in (10_001, 10_002)]
        widget.show("")
        widget.add_page("", page(*old, row("x.txt", generation=10_003)), final=True)
        await pilot.press("j")
        shown = lines(app)
        assert "x.txt  gone 2 h ago · gen …0001" in shown[1]
        assert "gen …0002" in shown[2]
        assert "gone" not in shown[3]
        widget.refresh_folder("")
        widget.add_page("", page(row("a"), *old, row("x.txt", generation=10_003)), final=True)
        entry = widget.cursor_entry
        assert entry is not None
        assert (entry.generation, entry.is_past) == (10_002, True)
