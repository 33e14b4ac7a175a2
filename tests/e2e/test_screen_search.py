"""Finding and usage on the screen as it is installed, in a real terminal."""

from __future__ import annotations

import re

import pytest

from tests.e2e.conftest import Pail
from tests.e2e.terminal import Terminal
from tests.e2e.test_screen import Put, no_worker_left, pytestmark, screen, terminal, terminals

__all__ = ["no_worker_left", "pytestmark", "terminal", "terminals"]


@pytest.fixture
def filled(pail: Pail, put: Put) -> Pail:
    put("look-bucket")
    for number in range(40):
        put("look-bucket", f"logs/{2020 + number % 4}/day-{number:02}.log", b"x" * (100 + number))
    put("look-bucket", "photos/cat.png", b"x" * 5_000)
    return pail


def test_finds_are_deleted_and_the_rest_is_counted(filled: Pail, terminal: Terminal) -> None:
    terminal.start(*screen(filled, "gs://look-bucket"), width=110)
    terminal.see("logs/", "photos/", "Rename")
    terminal.keys("C-f")
    terminal.see("in the whole bucket")
    terminal.keys("-l", "*.log >130")
    terminal.keys("Enter")
    terminal.see("9 found · 41 objects looked at", "logs/2023/day-39.log")
    terminal.keys("a", "X")
    terminal.see("Delete 9 objects?", "1.2 KB")
    terminal.keys("Right", "Enter")
    terminal.see("0 found")
    terminal.keys("Escape")
    terminal.see("[1 Objects]", "photos/")
    terminal.keys("5")
    terminal.see("counted just now", "32 objects", "photos/", "58 %")
    terminal.keys("j", "Enter")
    terminal.see("look-bucket › logs", "2020/")
    terminal.keys("[")
    terminal.see("Class A", "with the worker's")
    asked = re.search(r"Class A +(\d+)", terminal.text())
    assert asked is not None
    assert int(asked[1]) > 0
    terminal.keys("q")
    terminal.see("rc=0")
