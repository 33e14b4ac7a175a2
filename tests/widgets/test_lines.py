"""The lines with parts that can be clicked: path, keys, strip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transfer.messages import JobView, Snapshot
from tests.widgets.support import Stage, lines
from widgets.breadcrumb import Breadcrumb
from widgets.key_line import KeyHint, KeyLine
from widgets.transfer_strip import Moving, TransferStrip, moving

HINTS = (
    KeyHint("u", "Upload", "upload", "Up"),
    KeyHint("d", "Download", "download", "Down"),
    KeyHint("X", "Delete", "delete"),
    KeyHint("?", "Help", "help"),
)


def text(widget: Breadcrumb | KeyLine | TransferStrip, width: int) -> str:
    return "".join(part.text for part in widget.parts(width))


async def test_every_segment_of_the_path_can_be_clicked() -> None:
    app = Stage(Breadcrumb)
    async with app.run_test(size=(80, 3)) as pilot:
        bar = app.query_one(Breadcrumb)
        bar.bucket, bar.prefix, bar.marked = "filevault-1", "videos//raw/", "3 marked · 48.2 MB"
        await pilot.pause()
        shown = lines(app)[0]
        assert shown.startswith(" filevault-1 › videos › '' › raw")
        assert shown.endswith("3 marked · 48.2 MB")
        for word in ("filevault", "videos", "''", "raw"):
            await pilot.click(Breadcrumb, offset=(shown.index(word), 0))
        assert [message.prefix for message in app.of(Breadcrumb.SegmentChosen)] == [
            "",
            "videos/",
            "videos//",
            "videos//raw/",
        ]


@given(st.lists(st.text(st.sampled_from("abc日"), max_size=30), max_size=12), st.integers(10, 100), st.booleans())
def test_a_path_that_is_too_long_loses_its_middle(segments: list[str], width: int, marked: bool) -> None:
    bar = Breadcrumb()
    bar.set_reactive(Breadcrumb.bucket, "bucket")
    bar.set_reactive(Breadcrumb.prefix, "".join(f"{segment}/" for segment in segments))
    bar.set_reactive(Breadcrumb.marked, "3 marked" if marked else "")
    parts = bar.parts(width)
    assert parts[1].target == ""
    assert [part.target for part in parts if part.target is not None][-1] == bar.prefix


def test_a_narrow_path_keeps_both_ends() -> None:
    bar = Breadcrumb()
    bar.set_reactive(Breadcrumb.bucket, "filevault-1")
    bar.set_reactive(Breadcrumb.prefix, "videos/of/last/summer/at/the/sea/raw/")
    assert text(bar, 40) == " filevault-1 › … › at › the › sea › raw"
    assert text(bar, 24) == " filevault-1 › … › raw"


@given(st.integers(12, 80))
def test_no_key_is_cut(width: int) -> None:
    line = KeyLine()
    line.set_reactive(KeyLine.hints, HINTS)
    shown = text(line, width)
    assert len(shown) <= width
    assert shown.endswith(("? Help", "F1 more"))
    whole = {f"{hint.key} {label}" for hint in HINTS for label in (hint.label, hint.short) if label} | {"F1 more"}
    assert (
        set(
            shown.strip()
            .replace("  ", " ")
            .replace(" d ", "|d ")
            .replace(" X ", "|X ")
            .replace(" ? ", "|? ")
            .replace(" F1 ", "|F1 ")
            .split("|")
        )
        <= whole
    )


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, " u Upload  d Download  X Delete  ? Help"),
        (34, " u Up d Down X Delete ? Help"),
        (24, " u Up d Down F1 more"),
    ],
)
def test_keys_get_shorter_before_they_go(width: int, shown: str) -> None:
    line = KeyLine()
    line.set_reactive(KeyLine.hints, HINTS)
    assert text(line, width) == shown


def test_more_keys_than_one_can_take_in_are_not_left_out_silently() -> None:
    line = KeyLine()
    line.set_reactive(KeyLine.hints, HINTS)
    line.set_reactive(KeyLine.most, 2)
    line.set_reactive(KeyLine.more, KeyHint("?", "more", "help"))
    assert text(line, 80) == " u Upload  ? more"


async def test_keys_can_be_clicked() -> None:
    app = Stage(KeyLine)
    async with app.run_test(size=(60, 2)) as pilot:
        app.query_one(KeyLine).hints = HINTS
        await pilot.pause()
        await pilot.click(KeyLine, offset=(lines(app)[0].index("Down"), 0))
        assert [message.command_id for message in app.of(KeyLine.HintChosen)] == ["download"]


RUNNING = JobView("1", "upload", "/a", "gs://b/", "running", bytes=610, size=1_000, planned=True)
FAILED = JobView("2", "upload", "/a", "gs://b/", "failed", failed=1)
SNAPSHOT = Snapshot(jobs=(RUNNING, FAILED), running=2, rate=10.0)


async def test_the_strip_appears_only_while_something_moves_or_has_failed() -> None:
    app = Stage(TransferStrip)
    async with app.run_test(size=(80, 3)) as pilot:
        strip = app.query_one(TransferStrip)
        assert not strip.display
        strip.update(SNAPSHOT)
        await pilot.pause()
        assert lines(app)[0] == " ⠿ 2 moving  ▰▰▰▰▱▱▱▱ 61 %  10 B/s  39 s left · 1 failed (w)"
        await pilot.click(TransferStrip, offset=(4, 0))
        assert len(app.of(TransferStrip.Opened)) == 1
        strip.update(Snapshot())
        await pilot.pause()
        assert not strip.display


@pytest.mark.parametrize("width", [30, 40, 50, 60])
def test_what_needs_a_person_is_not_cut(width: int) -> None:
    strip = TransferStrip()
    strip.set_reactive(TransferStrip.state, moving(SNAPSHOT))
    assert len(text(strip, width)) <= width
    assert text(strip, width).endswith("1 failed (w)")


def test_jobs_that_wait_or_ask_are_told() -> None:
    paused = JobView("1", "copy", "a", "b", "paused", bytes=1, size=4)
    asking = JobView("2", "copy", "a", "b", "asking", conflicts=3)
    assert moving(Snapshot(jobs=(paused, asking), notice="no network")) == Moving(
        waiting=1, asking=3, done_bytes=1, all_bytes=4, notice="no network"
    )
    assert moving(Snapshot()).is_silent
