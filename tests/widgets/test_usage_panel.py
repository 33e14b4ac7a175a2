"""The usage view: drill-down, sections, counting, and what may be asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import pytest
from textual.pilot import Pilot

from services.lifecycle import delete_after, move_after, patch_of
from services.model import BucketInfo
from services.multipart import Unfinished
from services.operations import OperationCounts
from services.prices import GOOGLE
from services.usage import Amount, Usage
from services.usage_report import UsageReport
from tests.widgets.support import NOW, Stage, clock, lines, row
from widgets.object_rows import Entry
from widgets.symbols import ASCII, UNICODE, Symbols
from widgets.usage_panel import UsagePanel
from widgets.usage_rows import SECTIONS, UsageState, sparkline

GB = 1_000_000_000
DAY = 86_400.0


RULE = delete_after(90, "logs/")
INFO = BucketInfo(
    "b",
    "EU",
    "multi-region",
    "STANDARD",
    NOW,
    1,
    False,
    7 * 86_400,
    True,
    "enforced",
    False,
    False,
    {},
    resource=patch_of([RULE]),
)


def counted() -> Usage:
    usage = Usage("b", now=NOW - 125, rules=(RULE, move_after(30, "NEARLINE")))
    usage.add([row("backup/2025/all.tar", 11 * GB, 400 * DAY, "application/x-tar", 3)])
    usage.add([row(f"logs/{n}", GB, 100 * DAY, "text/plain", int((NOW - 100 * DAY) * 1e6)) for n in range(4)])
    usage.add([row("top.txt", 812), row("videos/[b]x[/b]\x1b.mov", 31 * GB, 3600.0, "video/quicktime")])
    usage.add([row("gone", 6 * GB)._replace(deleted=NOW - 60)], soft_deleted=True)
    usage.complete = True
    return usage


def full(usage: Usage | None = None, **changes: Any) -> UsageState:
    report = UsageReport(usage or counted(), GOOGLE, INFO, Unfinished(3, classes={"STANDARD": Amount(3, 212_000_000)}))
    operations = OperationCounts({"objects.list": 1204, "objects.get": 310})
    return UsageState(**{"report": report, "operations": operations, **changes})


def uncounted() -> Usage:
    usage = counted()
    usage.complete = False
    return usage


@asynccontextmanager
async def panel(
    size: tuple[int, int] = (120, 30), symbols: Symbols = UNICODE, state: UsageState | None = None
) -> AsyncIterator[tuple[UsagePanel, Pilot[Any], Stage]]:
    app = Stage(lambda: UsagePanel(clock=clock, zone=UTC, symbols=symbols))
    async with app.run_test(size=size) as pilot:
        widget = app.query_one(UsagePanel)
        widget.show(state or full())
        widget.focus()
        await pilot.pause()
        yield widget, pilot, app


async def test_the_head_tells_size_count_cost_and_age() -> None:
    async with panel() as (_, _, app):
        head = lines(app)[0]
        assert head.startswith(" 46.0 GB · 7 objects · about $1.2")
        assert head.endswith("counted 2 min ago  R recount")


async def test_folders_are_shown_by_size_with_bars() -> None:
    async with panel() as (_, _, app):
        names = [line.split()[1] for line in lines(app)[4:8]]
        assert names == ["videos/", "backup/", "logs/", "objects"]
        assert lines(app)[4].split()[-3:] == ["67", "%", "1"]
        assert lines(app)[4].index("31.0 GB") + 7 == lines(app)[6].index("4.0 GB") + 6


async def test_folders_are_gone_into_and_out_of_and_the_cursor_returns() -> None:
    async with panel() as (widget, pilot, app):
        await pilot.press("j", "enter")
        assert widget.prefix == "backup/"
        assert "2025/" in "\n".join(lines(app))
        await pilot.press("j", "l")
        assert widget.prefix == "backup/2025/"
        await pilot.press("h", "backspace")
        assert widget.prefix == ""
        assert widget.rows.cursor_row is not None
        assert widget.rows.cursor_row.folder == "backup/"
        await pilot.press("h")
        assert [message.prefix for message in app.of(UsagePanel.Drilled)][-1] == ""
        widget.go("backup/2025/")
        widget.go("never/counted/")
        assert widget.prefix == "backup/2025/"


async def test_the_first_line_of_a_folder_leads_out() -> None:
    async with panel() as (widget, pilot, app):
        await pilot.double_click(widget.rows, offset=(60, 1))
        assert widget.prefix == "videos/"
        assert ".." in lines(app)[4]
        assert widget.rows.cursor == 1
        await pilot.double_click(widget.rows, offset=(60, 1))
        assert widget.prefix == ""


async def test_sections_follow_keys_and_clicks() -> None:
    async with panel() as (widget, pilot, app):
        seen = []
        for _ in SECTIONS:
            await pilot.press("]")
            seen.append(widget.section)
        assert seen == [key for key, _ in SECTIONS[1:]] + ["folders"]
        y = next(y for y, line in enumerate(lines(app)) if "Hidden" in line)
        x = lines(app)[y].index("Hidden")
        await pilot.click(offset=(x, y))
        assert widget.section == "hidden"
        text = "\n".join(lines(app))
        assert "Deleted but kept" in text
        assert "6.0 GB" in text
        assert "212 MB" in text
        assert "What that costs" in text


async def test_every_section_has_lines_and_shows_hostile_names_safely() -> None:
    async with panel() as (widget, pilot, app):
        for section, _ in SECTIONS:
            widget.show_section(section)
            await pilot.pause()
            assert widget.rows.row_total() > 0
            assert "\x1b" not in "".join(lines(app))
        widget.show_section("largest")
        await pilot.pause()
        assert "[b]x[/b]" in "\n".join(lines(app))


async def test_unfinished_uploads_are_aborted_from_their_line() -> None:
    async with panel() as (widget, pilot, app):
        widget.show_section("hidden")
        await pilot.press("j", "j")
        assert widget.cursor_kind == "uploads"
        await pilot.press("X", "enter")
        assert len(app.of(UsagePanel.AbortWanted)) == 2


async def test_rules_of_the_bucket_come_before_those_it_could_have() -> None:
    async with panel() as (widget, pilot, app):
        widget.show_section("savings")
        await pilot.pause()
        first, second = lines(app)[4:6]
        assert "delete after 90 days (logs/)" in first
        assert "saves $0.10 a month" in first
        assert "+ to Nearline after 30 days" in second
        assert "would save" in second
        await pilot.press("enter", "j", "enter")
        assert [message.rule for message in app.of(UsagePanel.RuleWanted)] == [move_after(30, "NEARLINE")]


async def test_the_session_tells_operations_their_cost_and_where_the_bill_is() -> None:
    async with panel() as (widget, pilot, app):
        widget.show_section("session")
        await pilot.pause()
        text = "\n".join(lines(app))
        assert "1,204" in text
        assert "about $0.01" in text
        await pilot.press("G", "enter")
        assert [message.link for message in app.of(UsagePanel.LinkChosen)] == [GOOGLE.usage_page]


async def test_a_count_that_something_was_deleted_from_says_so() -> None:
    async with panel(state=full(changed=True)) as (_, _, app):
        assert lines(app)[0].endswith("counted 2 min ago, changed since  R recount")
        assert "changes since are not in these numbers, R counts again" in "\n".join(lines(app))


async def test_delete_names_the_folder_or_the_object() -> None:
    async with panel() as (widget, pilot, app):
        await pilot.press("X")
        widget.show_section("oldest")
        await pilot.press("X")
        entries = [message.entry for message in app.of(UsagePanel.DeleteWanted)]
        assert entries[0] == Entry("folder", "videos/")
        assert (entries[1].kind, entries[1].name) == ("object", "backup/2025/all.tar")


async def test_counting_streams_and_can_be_cancelled_but_not_begun_twice() -> None:
    usage = Usage("b", now=NOW)
    async with panel(state=full(usage, counting=True)) as (widget, pilot, app):
        assert "counting…  Esc cancel" in lines(app)[0]
        usage.add([row("a/x", 5), row("b/x", 9)])
        widget.show(full(usage, counting=True))
        await pilot.press("j")
        usage.add([row("c/x", 7)])
        widget.show(full(usage, counting=True))
        assert widget.rows.cursor_row is not None
        assert widget.rows.cursor_row.folder == "a/"
        await pilot.press("R", "escape")
        assert len(app.of(UsagePanel.CancelWanted)) == 1
        assert not app.of(UsagePanel.RecountWanted)


async def test_a_new_count_stays_in_the_folder_as_long_as_that_is_there() -> None:
    async with panel() as (widget, pilot, app):
        widget.go("backup/2025/")
        usage = Usage("b", now=NOW)
        widget.show(full(usage, counting=True))
        assert widget.prefix == "backup/2025/"
        usage.add([row("backup/x", 5)])
        usage.complete = True
        widget.show(full(usage))
        await pilot.pause()
        assert widget.prefix == "backup/"
        assert [message.prefix for message in app.of(UsagePanel.Drilled)] == ["backup/2025/", "backup/"]


async def test_recount_is_a_key_and_a_word_to_click() -> None:
    async with panel() as (_, pilot, app):
        await pilot.press("R")
        await pilot.click(offset=(lines(app)[0].index("recount"), 0))
        assert len(app.of(UsagePanel.RecountWanted)) == 2


async def test_a_count_that_broke_is_shown_with_its_reason() -> None:
    state = full(uncounted(), problem="[b]refused[/b]", remedy="R counts again")
    async with panel(state=state) as (_, _, app):
        assert "! [b]refused[/b]" in lines(app)[0]
        assert "R counts again" in lines(app)[-1]


@pytest.mark.parametrize("size", [(40, 10), (60, 20), (80, 24), (160, 50)])
@pytest.mark.parametrize("symbols", [UNICODE, ASCII])
async def test_it_fits_every_window(size: tuple[int, int], symbols: Symbols) -> None:
    async with panel(size, symbols) as (widget, pilot, app):
        for section, _ in SECTIONS:
            widget.show_section(section)
            await pilot.pause()
            shown = lines(app)
            assert "46.0 GB" in shown[0]
            assert all(len(line) <= size[0] for line in shown)
            assert symbols is UNICODE or "".join(line[: size[0] - 1] for line in shown).isascii()


def test_a_sparkline_shows_what_is_little_too() -> None:
    assert sparkline([0, 1, 50, 100]) == "▁▂▄█"
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "▁▁"
