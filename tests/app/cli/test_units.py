from __future__ import annotations

import argparse

import pytest

from app.cli.units import ByteRange, parse_range, parse_rate, rfc3339


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
    ("text", "rate"),
    [("24M", 24 << 20), ("500k", 500 << 10), ("1G", 1 << 30), ("1.5M", 3 << 19), ("100", 100), ("2MiB/s", 2 << 20)],
)
def test_rates_are_binary(text: str, rate: int) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "0", "-1", "fast", "1X", "M"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_rate(text)


def test_times_are_rfc3339_in_utc() -> None:
    assert rfc3339(1_700_000_000.5) == "2023-11-14T22:13:20.500Z"
    assert rfc3339(None) is None
