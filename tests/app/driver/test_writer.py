"""The thread between Textual and a terminal that is slow, stuck or gone."""

from __future__ import annotations

import io
import os
import threading
import time
from pathlib import Path

from app.driver.writer import PENDING_WRITES, FrameWriter


class Stuck(io.StringIO):
    """A terminal that stops reading until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        assert self.go_on.wait(30)
        return super().write(text)


def test_what_was_written_is_there_when_it_stops() -> None:
    file = io.StringIO()
    writer = FrameWriter(file, 20, 3)
    writer.start()
    writer.write("\x1b[?25l\x1b[1;1Hhello\x1b[1;1H")
    writer.stop()
    assert file.getvalue() == "\x1b[?25l\x1b[Hhello\r"
    assert not writer.is_alive()


def test_a_terminal_that_does_not_read_holds_nobody_up_and_then_gets_the_newest_picture_only() -> None:
    file = Stuck()
    writer = FrameWriter(file, 20, 3)
    writer.start()
    writer.write("\x1b[?25l\x1b[1;1Hpicture 0000\x1b[1;1H")
    assert file.reached.wait(30)
    for number in range(1, 10 * PENDING_WRITES):  # would block for good if it waited
        writer.write(f"\x1b[1;1Hpicture {number:04d}\x1b[1;1H")
    file.go_on.set()
    writer.stop()
    assert file.getvalue() == "\x1b[?25l\x1b[Hpicture 0000\r\x1b[9C299\r"


def test_a_terminal_that_is_gone_ends_the_thread_and_later_writes_are_dropped() -> None:
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as file:
        os.close(reading)
        writer = FrameWriter(file, 20, 3)
        writer.start()
        writer.write("\x1b[?25l\x1b[1;1Hhello\x1b[1;1H")
        writer.join(30)
        assert not writer.is_alive()
        writer.write("x" * 100)
        writer.stop()
        with open(Path(os.devnull), "w") as nowhere:  # what the file still buffers has no reader
            os.dup2(nowhere.fileno(), writing)


def test_another_size_reaches_the_picture_in_the_order_it_was_told() -> None:
    file = io.StringIO()
    writer = FrameWriter(file, 20, 3)
    writer.start()
    writer.write("\x1b[?25l\x1b[1;1Hhello\x1b[1;1H")
    deadline = time.monotonic() + 30
    while not file.getvalue():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    writer.resize(20, 3)
    writer.write("\x1b[1;1H")
    writer.stop()
    assert file.getvalue() == "\x1b[?25l\x1b[Hhello\r\x1b[Hhello\r"
