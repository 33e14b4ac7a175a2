"""What is left out to spare the line to the terminal."""

from __future__ import annotations

import pytest

from app.line import REMOTE_LINE, THIN, WIDE, LineMode, line_mode

SSH = {"SSH_CONNECTION": "192.0.2.1 5 192.0.2.2 22"}


@pytest.mark.parametrize(
    ("setting", "environment", "asked", "mode"),
    [
        ("auto", {}, False, WIDE),
        ("auto", SSH, False, REMOTE_LINE),
        ("auto", {"SSH_CONNECTION": ""}, False, WIDE),
        ("off", SSH, False, WIDE),
        ("on", {}, False, THIN),
        ("off", {}, True, THIN),
    ],
)
def test_the_option_wins_then_the_setting_then_the_place(
    setting: str, environment: dict[str, str], asked: bool, mode: LineMode
) -> None:
    assert line_mode(setting, environment, asked=asked) == mode
