"""Real flows, seen through the cell-diffing driver and through Textual's own output: every cell is the same.

What Textual writes goes to one terminal emulator as it is, and through the diffing to a second one; after every write
the two are compared, cell by cell with attributes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.drivers.headless_driver import HeadlessDriver

from app.driver.screen import DiffScreen
from app.themes import LOOKS
from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from services.sync.host import SyncHost
from tests.app.driver.emulator import emulator, picture, row
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually
from widgets.symbols import ASCII

NAMES = (
    "Überblick.txt",
    "\u65e5\u672c\u8a9e-\u5b57\u5e55.srt",
    "e\u0301te\u0301.txt",
    "family-\U0001f468\u200d\U0001f469\u200d\U0001f467.png",
    "flags-\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7.svg",
    "heart-\u2764\ufe0f.txt",
    "thumb-\U0001f44d\U0001f3fd.txt",
    "\U0001f4e6.tar",
)
"""Wide, combining, joined and flag characters."""

OBJECTS = dict.fromkeys(NAMES, b"x") | {f"logs/{n:03}.log": b"x" * n for n in range(5)}
ROWS = {f"object-{number * 7919 % 1000:03}.bin": b"x" * number for number in range(70)}

ANOTHER = "\x1b[2J\x1b[3;1Ha program of its own, \x1b[31mand its words\x1b[m"
"""What another program leaves on a terminal that it was lent."""


class BothDriver(HeadlessDriver):
    """Feeds a terminal as Textual writes, and another one with what the diffing makes of it."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.width, self.height = self._get_terminal_size()
        self.plain, self._plain_stream = emulator(self.width, self.height)
        self.ours, self._our_stream = emulator(self.width, self.height)
        self.diffing = DiffScreen(self.width, self.height)
        self.compared = 0
        self.plain_bytes = 0
        self.our_bytes = 0
        self.differences: list[str] = []

    @property
    def is_headless(self) -> bool:
        return False

    @property
    def can_suspend(self) -> bool:
        return True

    def start_application_mode(self) -> None:
        self.diffing = DiffScreen(self.width, self.height)
        self.write("\x1b[?1049h")
        super().start_application_mode()

    def stop_application_mode(self) -> None:
        self.write("\x1b[?1049l")

    def close(self) -> None:
        self.foreign(ANOTHER)

    def foreign(self, data: str) -> None:
        """Let somebody else write to both terminals."""
        self._plain_stream.feed(data)
        self._our_stream.feed(data)

    def _get_terminal_size(self) -> tuple[int, int]:
        size = super()._get_terminal_size()
        if hasattr(self, "diffing"):
            self.resize(*size)
        return size

    def process_message(self, message: Any) -> None:
        if isinstance(message, events.Resize):
            self.resize(*message.size)
        super().process_message(message)

    def resize(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.plain.resize(height, width)
        self.ours.resize(height, width)
        self.diffing.resize(width, height)

    def write(self, data: str) -> None:
        self._plain_stream.feed(data)
        self.diffing.feed(data)
        written = self.diffing.take()
        self._our_stream.feed(written)
        self.plain_bytes += len(data.encode())
        self.our_bytes += len(written.encode())
        self.compare(data)

    def compare(self, data: str) -> None:
        self.compared += 1
        touched = self.ours.dirty | self.plain.dirty
        self.ours.dirty.clear()
        self.plain.dirty.clear()
        for y in sorted(touched & set(range(self.height))):
            was, wanted = row(self.ours, y), row(self.plain, y)
            if was != wanted:
                x = next(x for x in range(len(wanted)) if was[x] != wanted[x])
                self.differences.append(f"write {self.compared}: ({x}, {y}) {was[x]} instead of {wanted[x]}")
        places = [(screen.cursor.x, screen.cursor.y, screen.cursor.hidden) for screen in (self.ours, self.plain)]
        if data.endswith("H") and places[0] != places[1]:
            self.differences.append(f"write {self.compared}: the cursor is at {places[0]} instead of {places[1]}")


@pytest.fixture(autouse=True)
def both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.drivers.headless_driver.HeadlessDriver", BothDriver)


def driver_of(d: Desk) -> BothDriver:
    driver = d.app._driver
    assert isinstance(driver, BothDriver)
    return driver


def shown(d: Desk) -> str:
    screen = driver_of(d).ours
    return "\n".join("".join(screen.buffer[y][x].data for x in range(screen.columns)) for y in range(screen.lines))


async def see(d: Desk, *texts: str) -> None:
    """Wait until the texts stand on the terminal itself."""
    try:
        await eventually(lambda: all(text in shown(d) for text in texts))
    except TimeoutError:
        raise AssertionError(f"{texts} not on the terminal:\n{shown(d)}") from None


async def resize(d: Desk, width: int, height: int) -> None:
    driver_of(d).resize(width, height)
    await d.pilot.resize_terminal(width, height)


def same(d: Desk, frames: int) -> None:
    driver = driver_of(d)
    assert driver.differences == []
    assert picture(driver.ours) == picture(driver.plain)
    assert driver.compared > frames
    assert 0 < driver.our_bytes < driver.plain_bytes / 2


async def test_browsing_marking_filtering_and_dialogs(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS | ROWS, size=(100, 24)) as d:
        await see(d, "logs/", "object-")
        await d.press(*["down"] * 14, "pagedown", "pageup", "end", "home", *["up"] * 3)
        await d.press("space", "space", "asterisk", "escape", "v", "down", "down", "escape", "i", "i")
        await d.press("slash", *"object-1", "enter")
        await see(d, "object-1")
        await d.press("escape", "escape")
        for key, words in (("n", "folder"), ("question_mark", "Help"), ("comma", "Sort"), ("colon", "Upload")):
            await d.press(key)
            await see(d, words)
            await d.press("escape")
        await d.press("end", "X")
        await see(d, "Delete")
        await d.press("tab", "escape", "r", *"abc", "escape", "m")
        await see(d, "Move")
        await d.press("escape", "home", "right", "down", "left", "enter", "backspace", "tab", "tab")
        same(d, 60)


async def test_names_of_odd_width_in_every_view_that_shows_them(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(120, 30)) as d:
        await see(d, "Überblick.txt", "flags-")
        for _ in OBJECTS:
            await d.press("down")
            await d.pilot.pause(0.25)  # the details follow the cursor once it rests
        await d.press("home", "down", "y", "X")
        await see(d, "Delete")
        await d.press("escape", "slash", *"flags", "enter", "escape", "escape")
        same(d, 20)


async def test_views_sizes_themes_and_the_selector(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(100, 30)) as d:
        await see(d, "Überblick.txt")
        for key, words in (("2", "Versioning"), ("3", "[3"), ("4", "[4"), ("5", "counted"), ("1", "Überblick")):
            await d.press(key)
            await see(d, words)
        await d.press("b")
        await see(d, "Create new bucket", BUCKET)
        await d.press("down", "escape")
        for width, height in ((60, 20), (40, 10), (20, 5), (120, 40), (81, 25)):
            await resize(d, width, height)
            await see(d, "logs/" if width >= 40 and height >= 10 else "40")
            await d.press("down")
        for look in LOOKS:
            d.app.theme = look.name
            await d.pilot.pause()
            await d.press("down")
        same(d, 40)


async def test_in_ascii_and_on_a_terminal_that_was_lent(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(80, 24), symbols=ASCII) as d:
        await see(d, "logs/")
        await d.press("down", "space", "n")
        await see(d, "folder")
        await d.press("escape")
        with d.app.lend_terminal():
            assert "a program of its own" in shown(d)
        await see(d, "logs/")
        await d.press("down")
        assert "program of its own" not in shown(d)
        same(d, 5)


class TestWhileSomethingMoves:
    """Over a store that is slow on purpose."""

    @pytest.fixture
    def faults(self) -> Faults:
        return Faults(Fault("objects.insert", "latency", seconds=0.2, count=None))

    @pytest.fixture
    def store(self, store_factory: Callable[..., StoreServer], faults: Faults) -> StoreServer:
        return store_factory(faults=faults)

    async def test_transfers_in_the_strip_in_their_view_and_in_notes(self, desk: OpenDesk, tmp_path: Path) -> None:
        folder = tmp_path / "many"
        folder.mkdir()
        for number in range(60):
            (folder / f"{number:02}-\u5b57\u5e55.txt").write_bytes(b"x" * 100)
        async with desk(size=(100, 30)) as d:
            await see(d, "This bucket is empty")
            d.app.screen.post_message(events.Paste(str(folder)))
            await see(d, "Upload 1 pasted path?")
            await d.press("enter")
            await see(d, "moving")
            await d.press("w")
            await see(d, "[3 Transfers]", "upload")
            await d.press("right", "down", "full_stop", "full_stop", "1")
            await see(d, "many/")
            await d.press("3")
            await see(d, "done")
            same(d, 30)


async def test_a_pair_is_made_and_planned(desk: OpenDesk, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    host = SyncHost(tmp_path / "state" / "pail", look_s=0.05)
    host.start()
    request.addfinalizer(lambda: host.stop(30))
    site = tmp_path / "home" / "site"
    site.mkdir()
    for name in ("a.txt", "\u5b57.txt"):
        (site / name).write_text(name)
    async with desk(size=(120, 30)) as d:
        await see(d, "This bucket is empty")
        await d.press("s")
        await see(d, "Keep a folder and a part of a bucket")
        await d.type("~/site")
        await d.press("tab", "tab", "p")
        d.app.screen.query_one("#submit").focus()
        await d.press("enter")
        await see(d, "2 to upload", "The first sync")
        await d.press("down", "space", "escape", "4")
        await see(d, "[4")
        same(d, 15)
