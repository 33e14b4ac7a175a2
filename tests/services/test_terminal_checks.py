"""What `pail doctor` says of terminals."""

from __future__ import annotations

import pytest

from services.doctor import Check
from services.terminal_checks import check_terminal

XTERM = {"TERM": "xterm-256color"}


def checks(environment: dict[str, str], options: dict[str, str] | None = None) -> dict[str, Check]:
    found = check_terminal(
        {**XTERM, **environment}, is_terminal=True, encoding="utf-8", ask=lambda name: (options or {}).get(name)
    )
    return {check.name: check for check in found}


@pytest.mark.parametrize(
    ("environment", "options", "state", "words"),
    [
        ({"TERM": "xterm-kitty"}, {}, "ok", "OSC 52"),
        ({"TERM_PROGRAM": "WezTerm"}, {}, "ok", "OSC 52"),
        ({"TERM_PROGRAM": "iTerm.app"}, {}, "note", "may access clipboard"),
        ({"VTE_VERSION": "7200"}, {}, "note", "Shift"),
        ({"STY": "1.x"}, {}, "note", "GNU screen"),
        ({}, {}, "note", "Try it"),
        ({"TMUX": "x"}, {"set-clipboard": "on"}, "ok", "set-clipboard on"),
        ({"TMUX": "x"}, {"set-clipboard": "external"}, "note", "tmux set -g set-clipboard on"),
        ({"TMUX": "x"}, {"set-clipboard": "off"}, "note", "tmux set -g set-clipboard on"),
        ({"TMUX": "x"}, {}, "note", "cannot be asked"),
    ],
)
def test_the_clipboard(environment: dict[str, str], options: dict[str, str], state: str, words: str) -> None:
    check = checks(environment, options)["clipboard"]
    assert check.state == state
    assert words in f"{check.detail} {check.remedy}"
    assert check.state == "ok" or check.remedy


@pytest.mark.parametrize(
    ("environment", "options", "state"),
    [
        ({}, {}, "ok"),
        ({"TMUX": "x"}, {"mouse": "on"}, "ok"),
        ({"TMUX": "x"}, {"mouse": "off"}, "note"),
        ({"TERM": "linux"}, {}, "note"),
    ],
)
def test_the_mouse(environment: dict[str, str], options: dict[str, str], state: str) -> None:
    check = checks(environment, options)["mouse"]
    assert check.state == state
    assert check.state == "ok" or check.remedy


@pytest.mark.parametrize(
    ("environment", "detail"),
    [({"NO_COLOR": "1"}, "off"), ({"COLORTERM": "truecolor"}, "million"), ({}, "256"), ({"TERM": "vt100"}, "16")],
)
def test_the_colours(environment: dict[str, str], detail: str) -> None:
    assert detail in checks(environment)["colours"].detail


def test_what_is_no_terminal_or_a_dumb_one_is_said() -> None:
    [check] = check_terminal(XTERM, is_terminal=False, encoding="utf-8", ask=lambda _: None)
    assert check.state == "note"
    assert checks({"TERM": "dumb"})["TERM"].state == "problem"
    found = check_terminal(XTERM, is_terminal=True, encoding="ISO-8859-1", ask=lambda _: None)
    assert next(check for check in found if check.name == "encoding").state == "note"
