"""Numbers and times as they are written on the screens."""

from __future__ import annotations

import itertools
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.widgets.support import NOW
from widgets import formats
from widgets.cells import cut_end, cut_middle, cut_start, fit, fit_spans, spans_width
from widgets.columns import Column, place
from widgets.sorting import CHUNK, gentle_sort
from widgets.symbols import ASCII, UNICODE, symbols_for, terminal_symbols


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (999, "999 B"),
        (1_000, "1.0 KB"),
        (41_600_000, "41.6 MB"),
        (99_949, "99.9 KB"),
        (99_950, "100 KB"),
        (999_499, "999 KB"),
        (999_500, "1.0 MB"),
        (5 * 10**12, "5.0 TB"),
        (2**63, "9.2 EB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert formats.size(count) == text


@given(st.integers(0, 10**18))
def test_a_size_never_needs_more_than_its_column(count: int) -> None:
    assert len(formats.size(count)) <= 8
    assert not formats.size(count).startswith("1000")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (12.4, "12 s"),
        (59.6, "1 min"),
        (75, "1 min 15 s"),
        (840, "14 min"),
        (7_500, "2 h 5 min"),
        (7_200, "2 h"),
        (3 * 86_400 + 4 * 3_600, "3 d 4 h"),
        (1e12, "> 999 d"),
        (-5, "0 s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (0, "just now"),
        (-30, "just now"),
        (59, "just now"),
        (300, "5 min ago"),
        (3 * 3_600, "3 h ago"),
        (25 * 3_600, "yesterday"),
        (2 * 86_400, "2 days ago"),
        (8 * 86_400, "last week"),
        (20 * 86_400, "2 weeks ago"),
        (28 * 86_400, "2026-10-25"),
        (-3_600, "2026-11-22"),
        (NOW + 1, "?"),
        (NOW - 1e15, "?"),
    ],
)
def test_relative_times(ago: float, text: str) -> None:
    assert formats.relative_time(NOW - ago, NOW, UTC) == text


@given(st.floats(allow_nan=False))
def test_any_time_can_be_written_in_its_column(then: float) -> None:
    assert len(formats.relative_time(then, NOW, UTC)) <= 12


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_only_what_was_verified_shows_100_percent(done: int, total: int) -> None:
    assert 0 <= formats.percent(done, total) <= 99
    assert formats.percent(done, total, complete=True) == 100
    assert "▱" in formats.bar(done, total, 7, "▰", "▱")
    assert formats.bar(done, total, 7, "▰", "▱", complete=True) == "▰" * 7


def test_periods_and_counts() -> None:
    assert [formats.period(seconds) for seconds in (604_800, 86_400, 129_600, 90, 0)] == [
        "7 days",
        "1 day",
        "36 h",
        "90 s",
        "0 s",
    ]
    assert [formats.count(number, "object") for number in (0, 1, 8_112)] == ["0 objects", "1 object", "8,112 objects"]
    assert formats.rate(38_400_000) == "38.4 MB/s"


TEXT = st.text(st.sampled_from("ab/日本é👍 "), max_size=40)


@given(TEXT, st.integers(0, 30))
def test_cut_text_never_takes_more_cells_than_there_are(text: str, width: int) -> None:
    for cut in (cut_end, cut_middle, cut_start):
        shorter = cut(text, width)
        assert cell_len(shorter) <= width
        assert shorter == text or cell_len(text) > width
    assert cell_len(fit(text, width)) == width
    assert spans_width(fit_spans([(text, ""), (text, "x")], width)) == width


def test_cutting_the_middle_keeps_the_extension() -> None:
    assert cut_middle("a-very-long-name-of-a-file.tar.gz", 20).endswith(".gz")
    assert cut_start("/home/ada/pictures", 10) == "…/pictures"


@given(st.integers(1, 200))
def test_columns_never_overlap_and_end_within_the_table(width: int) -> None:
    columns = (Column("a", "A"), Column("b", "B", 8), Column("c", "C", 12, from_width=50))
    placed = place(columns, width, left=1)
    assert placed[0].column.key == "a"
    for one, other in itertools.pairwise(placed):
        assert one.x + one.width < other.x
    assert len(placed) == 1 or placed[-1].x + placed[-1].width <= width - 1


@given(st.lists(st.integers(0, 5), max_size=50), st.booleans(), st.integers(1, 3))
def test_sorting_gently_is_sorting(seeds: list[int], descending: bool, spread: int) -> None:
    rows = [(seed * 7919 + index) % (10**spread) for index, seed in enumerate(seeds * (CHUNK // 20))]
    pairs = list(enumerate(rows))
    assert gentle_sort(pairs, lambda pair: pair[1], descending=descending) == sorted(
        pairs, key=lambda pair: pair[1], reverse=descending
    )


@pytest.mark.parametrize(
    ("environ", "unicode"),
    [
        ({}, True),
        ({"LANG": "C"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False),
        ({"LANG": "de_DE.UTF-8"}, True),
        ({"LANG": "de_DE.ISO-8859-1@euro"}, False),
        ({"LANG": "C", "LC_ALL": "C.utf8"}, True),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, False),
        ({"LC_CTYPE": "C.UTF-8"}, True),
    ],
)
def test_the_signs_follow_the_locale(environ: dict[str, str], unicode: bool) -> None:
    assert terminal_symbols(environ) is (UNICODE if unicode else ASCII)


def test_unknown_encodings_get_ascii() -> None:
    assert symbols_for("klingon") is ASCII
    signs = [name for name in ASCII.__slots__ if name != "spark"]
    assert all(getattr(ASCII, name).isascii() and len(getattr(ASCII, name)) == 1 for name in signs)
    assert all(cell_len(getattr(UNICODE, name)) == 1 for name in signs)
    assert ASCII.spark.isascii()
    assert [cell_len(step) for step in UNICODE.spark] == [1] * len(ASCII.spark)
