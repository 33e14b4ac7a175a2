from __future__ import annotations

import argparse

import pytest

from app.cli.units import ByteRange, parse_bandwidth, parse_range, rfc3339


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0-0", ByteRange(0, 1)), ("3-9", ByteRange(3, 10)), ("5-", ByteRange(5, None)), ("-5", ByteRange(-5, None))],
)
def test_ranges_include_both_ends(text: str, expected: ByteRange) -> None:
    assert parse_range(text) == expected


@pytest.mark.parametrize("text", ["", "-", "5", "9-3", "a-b", "-0", "1-2-3", " 1-2", "²-3"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_range(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("24M", "24M"), ("off", ""), ("0", ""), ("08:00,2M;18:00,off", "08:00,2M 18:00,off"), ("8:00,off", "")],
)
def test_a_bandwidth_is_kept_as_text_and_empty_where_it_limits_nothing(text: str, kept: str) -> None:
    assert parse_bandwidth(text) == kept


@pytest.mark.parametrize("text", ["", "-1", "fast", "1X", "M", "25:00,1M", "08:61,1M", "Foo-08:00,1M", "08:00 1M"])
def test_what_is_no_bandwidth_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_bandwidth(text)


def test_times_are_rfc3339_in_utc() -> None:
    assert rfc3339(1_700_000_000.5) == "2023-11-14T22:13:20.500Z"
    assert rfc3339(None) is None
