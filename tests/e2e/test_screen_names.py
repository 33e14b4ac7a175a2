"""Hostile names on the real screen: whatever is done with them, no raw byte of them reaches the terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e import hostile
from tests.e2e.conftest import Pail
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")

FOLDER = "evil\x1b]0;owned\x07\u202e"
NAME = "x\x1b]52;c;aGk=\x07\u009b31m\u200b.txt"
SHOWN = "x\\x1b]52;c;aGk=\\x07"

RAW = (b"\x1b]0;owned", b"\x1b]0;x", b"\x1b]52;c;aGk=", "\u202e".encode(), "\u200b".encode(), "\u009b".encode())
"""What must never be sent: a title, a clipboard, letters that reorder or hide, an 8-bit CSI."""


@pytest.fixture
def terminal(pail: Pail, tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(f"names-{os.getpid()}-{tmp_path.name[-12:]}", tmp_path)
    yield opened
    opened.close()
    stop = pail.command("worker", "stop", connected=False)
    subprocess.run(stop, env=pail.environment, capture_output=True, check=False)


def test_h55_no_view_dialog_title_or_note_sends_a_raw_name(
    pail: Pail, put: Callable[..., None], terminal: Terminal
) -> None:
    put("evil-bucket")
    for name in hostile.ALL:
        put("evil-bucket", name, b"x")
    put("evil-bucket", f"{FOLDER}/{NAME}", b"x")
    settings = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLORTERM": "truecolor", "PYTHONWARNINGS": "default"}
    terminal.start(pail.command("gs://evil-bucket"), {**pail.environment, **settings}, width=140, height=50)
    terminal.see("a\\x1b]0;x\\x07b", "read/write")
    terminal.keys("Escape", "/")
    terminal.see("filter the rows")
    terminal.keys("-l", "evil")
    terminal.keys("Enter")
    terminal.wait(lambda: "sp ace.txt" not in terminal.text())
    terminal.keys("Enter")
    terminal.see("Nothing here matches")
    terminal.keys("Escape")
    terminal.see(SHOWN, "Address")
    for key, words, leave in (
        ("C-g", "A letter goes there", "Escape"),
        ("X", "Delete the object", "Escape"),
        ("C", "Python", "Escape"),
        ("e", "Content type", "Escape"),
        ("L", "works without", "Escape"),
        ("m", "open, close", "Escape"),
        ("b", "Create new bucket", "Escape"),
    ):
        terminal.keys(key)
        terminal.see(words)
        terminal.keys(leave)
        terminal.wait(lambda words=words: words not in terminal.text())  # else tmux makes alt and a letter of both keys
        terminal.see(SHOWN, "? more")
    terminal.keys("Y")
    terminal.see("Copied")
    terminal.keys("y")
    terminal.keys("BSpace")
    terminal.see("sp ace.txt")
    terminal.keys("p")  # a copy of it: the worker's fact, the strip, the transfers
    terminal.keys("3")
    terminal.see("copy", "done")
    terminal.keys("4")
    terminal.see("No pair yet")
    terminal.keys("5")
    terminal.see("counted", "evil")
    terminal.keys("1")
    terminal.see(SHOWN, "? more")
    terminal.keys("C-f")
    terminal.see("report *.csv d")
    terminal.keys("-l", "*.txt")
    terminal.keys("Enter")
    terminal.see("found", SHOWN)
    terminal.keys(":")
    terminal.see("command, view")
    terminal.keys("-l", "recent evil")
    terminal.see("Recent: gs://evil-bucket/")
    terminal.keys("Escape")
    sent = terminal.raw.read_bytes()
    assert [raw for raw in RAW if raw in sent] == []
    title = terminal.tmux("display", "-p", "#{pane_title}")
    assert "owned" not in title
    terminal.keys("q")
