"""Spans, sizes and switches are read as people type them, and anything else is refused with an example."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import UsageError
from services.quantities import is_none, is_off, parse_period, parse_size, parse_switch
from services.words import period


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30min", 1800), ("36h", 129_600), ("7d", 604_800), (" 2 Weeks ", 1_209_600), ("1.5 d", 129_600)],
)
def test_a_span_is_read(text: str, seconds: int) -> None:
    assert parse_period(text) == seconds


@given(st.integers(1, 10**9))
def test_a_span_is_read_as_it_is_shown(seconds: int) -> None:
    assert parse_period(period(seconds).replace(",", "")) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("812", 812), ("10M", 10 << 20), ("10MiB", 10 << 20), ("10MB", 10_000_000), ("1.5g", 3 << 29), ("5 B", 5)],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(("text", "on"), [("on", True), ("YES", True), ("false", False), (" off ", False)])
def test_a_switch_is_read(text: str, on: bool) -> None:
    assert parse_switch(text) is on
    assert is_off(text) is is_none(text) is not on


def test_nothing_typed_is_none_but_not_off() -> None:
    assert is_none(" ")
    assert not is_off(" ")


@pytest.mark.parametrize("parse", [parse_period, parse_size, parse_switch])
@pytest.mark.parametrize("text", ["", "x", "-1d", "7", "1m1", "１d", "\x1b[31m", "9" * 5000 + "d", "nan", "1e9"])
def test_what_is_none_is_refused_with_an_example(parse: Callable[[str], object], text: str) -> None:
    if parse is parse_size and text == "7":
        return
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert "\x1b" not in caught.value.message
    assert caught.value.remedy
