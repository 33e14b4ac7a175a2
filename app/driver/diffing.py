"""Textual's driver for Linux and macOS, writing only what changed."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from app.driver.choice import erases_in_colour
from app.driver.writer import FrameWriter

ANY_MOVE_OFF: Final = "\x1b[?1003l"
"""No reports of moves without a button (xterm's any-event tracking)."""

DRAGS_ON: Final = "\x1b[?1002h"
"""Reports of clicks, and of moves while a button is down (xterm's button-event tracking)."""

DRAGS_OFF: Final = "\x1b[?1002l"
"""No such reports."""


class DiffingDriver(LinuxDriver):
    """Powers display and input; sends cells that changed instead of lines that were drawn."""

    _frames: FrameWriter | None = None

    def start_application_mode(self) -> None:
        """Take over the terminal; of what it shows nothing is known."""
        if self._frames is None:
            assert self._file is not None, "there is a terminal, so there is a standard error"
            self._frames = FrameWriter(self._file, *super()._get_terminal_size(), erases=erases_in_colour())
            self._frames.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def write(self, data: str) -> None:
        """Hand over what Textual draws; never waits for the terminal."""
        if self._frames is not None:  # else the terminal is lent to another program; all is painted after it
            self._frames.write(data)

    def _enable_mouse_support(self) -> None:
        """Ask for every move of the pointer only where the screen wants them: each is answered with bytes."""
        super()._enable_mouse_support()
        if self._mouse and not getattr(self._app, "hover", True):
            self.write(f"{ANY_MOVE_OFF}{DRAGS_ON}")

    def _disable_mouse_support(self) -> None:
        """Leave no mode of the mouse behind."""
        if self._mouse:
            self.write(DRAGS_OFF)
        super()._disable_mouse_support()

    def invalidate(self) -> None:
        """Paint everything again with the next picture: somebody else may have written to the terminal."""
        self._resized(*super()._get_terminal_size())

    def close(self) -> None:
        """Write what is left; the next start begins anew."""
        if self._frames is not None:
            self._frames.stop()
            self._frames = None
        super().close()

    def _get_terminal_size(self) -> tuple[int, int]:
        """Learn of every new size before Textual does: it asks here when the window changed."""
        size = super()._get_terminal_size()
        self._resized(*size)
        return size

    def process_message(self, message: Message) -> None:
        """Learn of sizes that the terminal reports in band."""
        if isinstance(message, events.Resize):
            self._resized(*message.size)
        super().process_message(message)

    def _resized(self, width: int, height: int) -> None:
        if self._frames is not None:
            self._frames.resize(width, height)
