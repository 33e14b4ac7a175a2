"""What the real program writes to a terminal of 120×40 for what a person does: counted, not timed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.localstore.server import StoreServer
from services.localstore.store import StoreOptions
from tests.e2e.conftest import Pail
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")

Put = Callable[..., None]

ROWS = 150
"""Rows of the list: more than three screens, so that steps scroll."""

QUIET_S = 0.6
"""Seconds without a byte after which an action counts as painted; longer than the details wait for the cursor."""


BUDGETS = {
    "cursor down and details": 700,
    "cursor down, scrolling included": 300,
    "page down": 1500,
    "page up": 1500,
    "focus": 3000,
    "dialog": 4000,
}
"""Bytes of one action."""


OLD_S = 400 * 86_400
"""Seconds; more than a year."""

A_SECOND = {1: 500, 4: 1000}
"""Bytes a second while so many files are transferred."""


class Line:
    """The screen in a terminal, and how much it has written."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def written(self) -> int:
        """Return the bytes written so far, once nothing more comes."""
        size, since = -1, time.monotonic()
        while time.monotonic() - since < QUIET_S:
            now = self._terminal.raw.stat().st_size
            if now != size:
                size, since = now, time.monotonic()
            time.sleep(0.02)
        return size

    def mean(self, key: str, times: int, *, rest: bool = False) -> float:
        """Return the bytes of a key's action, each painted by itself; with `rest`, each after the last has settled."""
        begun = self.written()
        for _ in range(times):
            before = self._terminal.raw.stat().st_size
            self._terminal.keys(key)
            self._terminal.wait(lambda before=before: self._terminal.raw.stat().st_size > before)
            if rest:
                self.written()
        return (self.written() - begun) / times

    def rate(self, changes: int) -> float:
        """Return the bytes a second over so many changes of the screen, the first ones not counted."""
        self._changes(2)  # what the last key painted may still be on its way into the file
        begun, first = time.monotonic(), self._terminal.raw.stat().st_size
        return (self._changes(changes) - first) / (time.monotonic() - begun)

    def _changes(self, count: int) -> int:
        """Return the bytes written so far, once more has come so many times."""
        size = self._terminal.raw.stat().st_size
        for _ in range(count):
            self._terminal.wait(lambda size=size: self._terminal.raw.stat().st_size > size)
            size = self._terminal.raw.stat().st_size
        return size

    def keys(self, *keys: str) -> None:
        self._terminal.keys(*keys)

    def see(self, *texts: str) -> None:
        self._terminal.see(*texts)


@pytest.fixture
def store(store_factory: Callable[..., StoreServer]) -> StoreServer:
    """Return a store whose objects are so old that they are shown with their date: ages change every minute."""
    return store_factory(options=StoreOptions(clock=lambda: time.time() - OLD_S))


@pytest.fixture
def line(pail: Pail, put: Put, tmp_path: Path) -> Iterator[Line]:
    put("bytes-1")
    for number in range(ROWS):
        put("bytes-1", f"f{number:04d}", b"x")
    terminal = Terminal(f"bytes-{os.getpid()}-{tmp_path.name[-12:]}", tmp_path)
    settings = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLORTERM": "truecolor", "PYTHONWARNINGS": "default"}
    terminal.start(pail.command("gs://bytes-1"), {**pail.environment, **settings}, width=120, height=40)
    terminal.see("f0000", "f0020", "Upload", "Address")
    terminal.keys("Escape")  # the line for newcomers
    terminal.wait(lambda: "New here?" not in terminal.text())
    yield Line(terminal)
    terminal.keys("q")
    terminal.close()
    stop = pail.command("worker", "stop", connected=False)
    subprocess.run(stop, env=pail.environment, capture_output=True, check=False)


def test_actions_stay_within_their_bytes(line: Line) -> None:
    line.mean("Down", 1)
    # The means hold what the details write once the cursor rests: 400 bytes at the most, after every press.
    figures = {"cursor down and details": line.mean("Down", 5, rest=True), "focus": line.mean("Tab", 6)}
    figures["dialog"] = line.mean("n", 1)
    line.mean("Escape", 1)
    line.mean("i", 1)  # without details a step is painted alike on fast and slow machines
    figures |= {"page down": line.mean("PageDown", 3), "page up": line.mean("PageUp", 3)}
    figures["cursor down, scrolling included"] = line.mean("Down", 45, rest=True)
    assert {name: figure for name, figure in figures.items() if not 0 < figure <= BUDGETS[name]} == {}, figures
    assert figures.keys() == BUDGETS.keys()


@pytest.mark.parametrize("files", [1, 4])
def test_running_transfers_stay_within_their_bytes(line: Line, pail: Pail, tmp_path: Path, files: int) -> None:
    paths = [tmp_path / f"big-{number}.bin" for number in range(files)]
    for path in paths:
        path.touch()
        os.truncate(path, (1 << 30) // files)
    pail("cp", "--detach", "--bandwidth", "8M", *map(str, paths), "gs://bytes-1/up/")
    line.see(f"{files} moving")
    assert 0 < line.rate(12) <= A_SECOND[files]
    line.keys("3")  # where each transfer has a line of its own
    line.see("[3 Transfers]", *(path.name for path in paths))
    assert 0 < line.rate(12) <= A_SECOND[files]
