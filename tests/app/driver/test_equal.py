"""Whatever Textual may write: the screen is the same with the diffing in between and without it."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from app.driver.cells import clusters
from app.driver.screen import DiffScreen
from tests.app.driver.emulator import emulator, picture

WIDTH, HEIGHT = 30, 10


PIECES = [
    "a",
    "b",
    "bucket",
    " ",
    " " * 12,
    "─",
    "█",
    "漢",
    "字幕",
    "e\u0301",
    "👩\u200d👩\u200d👧",
    "🇩🇪",
    "❤\ufe0f",
    "👍🏽",
    "…",
    "é",
]
LOOKS = [
    "",
    "1",
    "2",
    "3",
    "4",
    "7",
    "9",
    "31",
    "1;38;2;10;20;30;48;2;200;1;2",
    "48;5;17",
    "38;5;200;44",
    "97;100",
    "4;44",
]

texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)


@st.composite
def updates(draw: st.DrawFn) -> str:
    """Draw one strip as Textual writes it: a place, then segments that end within the screen."""
    y = draw(st.integers(0, HEIGHT - 1))
    x = draw(st.integers(0, WIDTH - 1))
    out, at = f"\x1b[{y + 1};{x + 1}H", x
    for look, text in draw(st.lists(st.tuples(st.sampled_from(LOOKS), texts), min_size=1, max_size=4)):
        fitting = ""
        for cluster in clusters(text):
            if at + cell_len(cluster) > WIDTH:
                break
            fitting += cluster
            at += cell_len(cluster)
        if fitting:
            out += f"\x1b[{look}m{fitting}\x1b[0m" if look else fitting
    return out + ("\n" if y + 1 < HEIGHT and draw(st.booleans()) else "")


@st.composite
def scrolls(draw: st.DrawFn) -> str:
    """Draw a whole picture of numbered lines, of which the next one may show the same some rows further."""
    first = draw(st.integers(0, 12))
    name = draw(st.sampled_from(["object-", "漢字-", "x"]))
    rows = (f"{name}{(first + y) * 7919 % 10007:05d}-{first + y}" for y in range(HEIGHT - 2))
    return "\n".join(
        f"\x1b[{y + 2};1H\x1b[37;44m{row}{' ' * (WIDTH - cell_len(row))}\x1b[0m" for y, row in enumerate(rows)
    )


cursors = st.tuples(st.integers(1, HEIGHT), st.integers(1, WIDTH)).map(lambda at: f"\x1b[{at[0]};{at[1]}H")
frames = st.tuples(st.one_of(scrolls(), st.lists(updates(), max_size=6).map("".join)), cursors).map("".join)
others = st.sampled_from(
    [
        "\x1b[?25l",
        "\x1b[?25h",
        "\x1b]0;title\x07",
        "\x1b[?1000h",
        "\x1b]52;c;YQ==\x07",
        "\x1b[2J",
        "\x1b[?2026h",
        "\x1b[?2026l",
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(frames, frames, frames, others), min_size=1, max_size=8), st.booleans())
def test_every_cell_and_the_cursor_are_as_without_it(written: list[str], erases: bool) -> None:
    plain, plain_stream = emulator(WIDTH, HEIGHT)
    ours, our_stream = emulator(WIDTH, HEIGHT)
    diffing = DiffScreen(WIDTH, HEIGHT, erases=erases)
    for data in [*written, "\x1b[?2026l"]:
        plain_stream.feed(data)
        diffing.feed(data)
        our_stream.feed(diffing.take())
    assert picture(ours) == picture(plain)
    assert ours.cursor.hidden == plain.cursor.hidden
    assert ours.title == plain.title
    if written[-1].endswith("H"):
        assert (ours.cursor.x, ours.cursor.y) == (plain.cursor.x, plain.cursor.y)


@settings(max_examples=40, deadline=None)
@given(st.lists(frames, min_size=2, max_size=6), st.lists(st.integers(0, 400), max_size=6))
def test_it_does_not_matter_where_writes_are_cut_nor_how_many_are_taken_at_once(
    written: list[str], cuts: list[int]
) -> None:
    plain, plain_stream = emulator(WIDTH, HEIGHT)
    ours, our_stream = emulator(WIDTH, HEIGHT)
    diffing = DiffScreen(WIDTH, HEIGHT)
    whole = "".join(written)
    plain_stream.feed(whole)
    start = 0
    for cut in [*sorted(set(cuts)), len(whole)]:
        # Never inside a cluster: its parts are then two texts, to Textual as well.
        if start < cut and (cut >= len(whole) or whole[cut].isascii()):
            diffing.feed(whole[start:cut])
            start = cut
    our_stream.feed(diffing.take())
    assert picture(ours) == picture(plain)


@settings(max_examples=40, deadline=None)
@given(st.lists(frames, min_size=2, max_size=6), st.data())
def test_after_foreign_writes_everything_is_painted_again(written: list[str], data: st.DataObject) -> None:
    plain, plain_stream = emulator(WIDTH, HEIGHT)
    ours, our_stream = emulator(WIDTH, HEIGHT)
    diffing = DiffScreen(WIDTH, HEIGHT)
    whole = "".join(f"\x1b[{y + 1};1H{' ' * WIDTH}" for y in range(HEIGHT))
    for text in [whole, *written]:
        plain_stream.feed(text)
        diffing.feed(text)
        our_stream.feed(diffing.take())
    our_stream.feed(f"\x1b[{data.draw(st.integers(1, HEIGHT))};1Hsomebody else writes here\x1b[H")
    diffing.invalidate()
    our_stream.feed(diffing.take())
    assert picture(ours) == picture(plain)


@pytest.mark.parametrize("odd", ["👩\u200d👩\u200d👧", "🇩🇪", "❤\ufe0f", "👍🏽"])
def test_cells_after_a_cluster_stand_where_they_belong_though_the_terminal_takes_it_for_wider(odd: str) -> None:
    # pyte knows no clusters: it is a terminal that disagrees with Textual.
    disagreeing = pyte.Screen(WIDTH, 2)
    stream = pyte.Stream(disagreeing)
    diffing = DiffScreen(WIDTH, 2)
    for name in ("first", "other"):
        diffing.feed(f"\x1b[1;1H│{odd}{' ' * (10 - cell_len(odd))}│{name}\x1b[1;1H")
        stream.feed(diffing.take())
    assert [disagreeing.buffer[0][x].data for x in range(11, 17)] == list("│other")
