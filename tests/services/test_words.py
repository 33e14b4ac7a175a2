"""Words: counts, spans and dates read as a person writes them, and foreign values are bounded (hazard 64)."""

from __future__ import annotations

from datetime import UTC

import pytest

from services.words import count, day, joined, parse_moment, period, shown


@pytest.mark.parametrize(("number", "text"), [(0, "0 objects"), (1, "1 object"), (8112, "8,112 objects")])
def test_a_count_agrees_with_its_noun(number: int, text: str) -> None:
    assert count(number, "object") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 seconds"), (604_800, "7 days"), (86_400, "1 day"), (129_600, "36 hours"), (90, "90 seconds")],
)
def test_a_period_is_written_in_the_largest_unit_that_divides_it(seconds: int, text: str) -> None:
    assert period(seconds) == text


def test_a_day_is_english_in_any_locale_and_never_fails() -> None:
    assert day(1_795_910_400, UTC) == "29 Nov 2026"
    assert day(1e30, UTC) == "a day beyond every calendar"


@pytest.mark.parametrize("text", [None, 5, "", "soon", "2026-13-01T00:00:00Z", "x" * 10_000])
def test_what_is_no_moment_is_none(text: object) -> None:
    assert parse_moment(text) is None


def test_a_moment_without_zone_is_utc() -> None:
    assert parse_moment("2026-11-29T08:00:00Z") == parse_moment("2026-11-29T08:00:00") == 1_795_939_200


def test_h64_a_foreign_value_is_escaped_and_cut() -> None:
    assert shown("a\x1b]0;x") == "a\\x1b]0;x"
    assert len(shown("x" * 1_000_000)) < 300
    assert "1,000,000 characters" in shown("x" * 1_000_000)


@pytest.mark.parametrize(
    ("parts", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_words_are_joined(parts: list[str], text: str) -> None:
    assert joined(parts) == text
