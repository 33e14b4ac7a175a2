"""What is written to the terminal, in examples."""

from __future__ import annotations

import pytest

from app.driver.choice import PLAIN_DRIVER, TEXTUAL_DRIVER, driver_class, erases_in_colour
from app.driver.diffing import DiffingDriver
from app.driver.screen import DiffScreen
from app.driver.styles import PLAIN, applied, change, linked


def shown(*written: str, width: int = 40, height: int = 6) -> tuple[DiffScreen, str]:
    """Return a screen on which that was written and taken, and what was taken last."""
    screen = DiffScreen(width, height)
    screen.feed("\x1b[?25l")
    text = screen.take()
    for data in written:
        screen.feed(data)
        text = screen.take()
    return screen, text


def test_the_same_picture_again_writes_nothing() -> None:
    frame = "\x1b[1;1H\x1b[31mhello\x1b[0m\n\x1b[2;1Hworld\x1b[1;1H"
    assert shown(frame, frame)[1] == ""


def test_one_changed_cell_is_one_move_and_one_character() -> None:
    assert shown("\x1b[1;1Hhello\x1b[1;1H", "\x1b[1;1Hhexlo\x1b[1;1H")[1] == "\x1b[2Cx\r"


def test_near_changes_are_bridged_by_writing_what_stands_between() -> None:
    assert shown("\x1b[1;1Habcde\x1b[1;1H", "\x1b[1;1HXbcdX\x1b[1;1H")[1] == "XbcdX\r"


def test_a_moved_cursor_is_one_move() -> None:
    assert shown("\x1b[1;1Hhello\x1b[1;1H", "\x1b[3;5H")[1] == "\x1b[3;5H"


def test_long_blanks_are_erased_in_their_background() -> None:
    assert shown("\x1b[1;1H" + "x" * 30 + "\x1b[1;1H", f"\x1b[1;1H\x1b[44m{' ' * 30}\x1b[0m\x1b[1;1H")[1] == (
        "\x1b[44m\x1b[30X\x1b[m"
    )


def test_a_block_that_moved_is_moved_by_the_terminal() -> None:
    def lines(first: int) -> str:
        rows = (f"{(first + y) * 7919**9 % 10**45:050d} the name" for y in range(20))
        return "\n".join(f"\x1b[{y + 3};1H{row}" for y, row in enumerate(rows)) + "\x1b[1;1H"

    _, written = shown(lines(1), lines(2), width=59, height=24)
    assert "\x1b[3;22r\x1b[3H\x1b[1M\x1b[r" in written
    assert len(written) < 150


@pytest.mark.parametrize(
    "sequence",
    [
        "\x1b]0;title\x07", "\x1b]52;c;YQ==\x1b\\", "\x1b[?1000h", "\x1b[?2004l", "\x1b[>25u", "\x1b[<u",
        "\x1b[?2026$p", "\x07", "\x1b[c", "\x1b]22;pointer\x07",
    ],
)  # fmt: skip
def test_sequences_without_an_effect_on_cells_are_passed_on_and_nothing_is_painted_again(sequence: str) -> None:
    assert shown("\x1b[1;1Hhello\x1b[1;1H", sequence)[1] == sequence


def test_a_sequence_that_is_cut_is_held_until_it_is_whole() -> None:
    screen, text = shown("\x1b[1;1Hhello\x1b[1;1H", "\x1b]52;c;YW")
    assert text == ""
    screen.feed("Fh\x1b")
    assert screen.take() == ""
    screen.feed("\\")
    assert screen.take() == "\x1b]52;c;YWFh\x1b\\"


@pytest.mark.parametrize("sequence", ["\x1b[?1049h", "\x1b[?1049l", "\x1b[2J", "\x1b[5S", "\x1bc", "\x1b[2;5r", "\t"])
def test_after_a_sequence_that_may_change_cells_nothing_is_known(sequence: str) -> None:
    frame = "\x1b[1;1Hhello\x1b[1;1H"
    screen, text = shown(frame, sequence)
    assert text == sequence
    screen.feed(frame)
    assert screen.take() == "\x1b[Hhello\r"


def test_what_was_drawn_before_such_a_sequence_is_painted_before_it() -> None:
    assert shown("\x1b[1;1Hhello\x1b[1;1H\x1b[2J")[1] == "\x1b[Hhello\r\x1b[2J"


def test_leaving_the_alternate_screen_moves_no_cursor() -> None:
    assert shown("\x1b[?1049h", "\x1b[1;1Hhello", "\x1b[?1049l\x1b[?25h")[1] == "\x1b[?1049l\x1b[?25h"


def test_a_picture_waits_until_it_is_whole_and_is_marked_as_one() -> None:
    screen, text = shown("\x1b[?2026h", "\x1b[1;1Hhello")
    assert text == ""
    screen.feed("\x1b[?2026l")
    assert screen.take() == "\x1b[?2026h\x1b[Hhello\x1b[?2026l"


def test_a_visible_cursor_does_not_run_over_the_screen() -> None:
    assert shown("\x1b[?25h", "\x1b[1;1Hhello\x1b[2;2H")[1] == "\x1b[?25l\x1b[Hhello\x1b[2;2H\x1b[?25h"


def test_another_size_paints_all_that_fits() -> None:
    screen, _ = shown("\x1b[1;1Hhello\n\x1b[2;1Hworld\x1b[1;1H")
    screen.resize(4, 1)
    screen.feed("\x1b[1;1Hhelp\x1b[1;1H")
    assert screen.take() == "\x1b[Hhelp\r".replace("\r", "\x1b[H")


def test_a_hyperlink_stays_around_its_text() -> None:
    link = "\x1b]8;id=1;https://example.org\x1b\\"
    assert shown(f"\x1b[1;1H{link}here\x1b]8;;\x1b\\ no\x1b[1;1H")[1] == (f"{link}\x1b[Hhere\x1b]8;;\x1b\\ no\r")


def test_looks_change_in_few_bytes() -> None:
    bold_red = applied(PLAIN, "1;31")
    assert change(bold_red, applied(bold_red, "22")) == "\x1b[22m"
    assert change(bold_red, PLAIN) == "\x1b[m"
    assert change(bold_red, applied(bold_red, "38;2;1;2;3")) == "\x1b[38;2;1;2;3m"
    assert applied(applied(PLAIN, "1;2;4;38;5;3;48;2;1;2;3"), "22;24;39;49") == PLAIN
    assert change(applied(PLAIN, "1;2"), applied(PLAIN, "1")) == "\x1b[0;1m"
    assert change(linked(PLAIN, ";https://a"), PLAIN) == "\x1b]8;;\x1b\\"
    assert change(applied(PLAIN, "4:3"), applied(PLAIN, "31")) == "\x1b[0;31m"


def test_the_driver_gives_way_to_the_switch_to_textuals_variable_and_to_other_systems() -> None:
    assert driver_class({}, "linux") is DiffingDriver
    assert driver_class({}, "darwin") is DiffingDriver
    assert driver_class({PLAIN_DRIVER: "0"}, "linux") is DiffingDriver
    assert driver_class({PLAIN_DRIVER: "1"}, "linux") is None
    assert driver_class({TEXTUAL_DRIVER: "some.module:Driver"}, "linux") is None
    assert driver_class({}, "win32") is None


def test_gnu_screen_is_not_asked_to_erase_in_colour() -> None:
    assert not erases_in_colour({"TERM": "screen-256color"})
    assert erases_in_colour({"TERM": "screen-256color", "TMUX": "/tmp/tmux-0/default,1,0"})
    assert erases_in_colour({"TERM": "xterm-256color"})
