"""Notices to the terminal itself."""

from __future__ import annotations

import pytest

from app.terminal_notice import LIMIT, WAYS, sequence
from services.config.schema import Config, all_settings


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("off", ""),
        ("bell", "\a"),
        ("osc9", "\x1b]9;Pail: Uploaded a; b\a"),
        ("osc777", "\x1b]777;notify;Pail;Uploaded a, b\a"),
    ],
)
def test_each_way_has_its_sequence(way: str, expected: str) -> None:
    assert sequence(way, "Uploaded a; b") == expected


@pytest.mark.parametrize("way", ["osc9", "osc777"])
def test_h55_a_name_cannot_end_the_sequence_or_begin_another(way: str) -> None:
    written = sequence(way, "x\a\x1b]52;c;aGk=\a\x9d\u202e\n" + "y" * 1_000)
    assert written.count("\x1b") == 1
    assert written.count("\a") == 1
    assert written.endswith("\a")
    assert "\x9d" not in written
    assert "\u202e" not in written
    assert len(written) < LIMIT + 50


def test_the_settings_know_all_ways_and_are_silent_by_themselves() -> None:
    [setting] = [each for each in all_settings() if each.key == "notify.terminal"]
    assert setting.wanted.choices == WAYS
    assert Config().notify.terminal == "off"
