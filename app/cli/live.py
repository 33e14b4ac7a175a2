"""One line on the terminal that is redrawn in place; nothing at all where standard error is not a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Final

from app.cli.output import Output, write_error

INTERVAL_S: Final = 0.125
"""Seconds between two redraws: eight a second at the most."""


class LiveLine:
    """A line of progress."""

    def __init__(self, output: Output, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.enabled = sys.stderr.isatty() and not output.quiet and os.environ.get("TERM") != "dumb"
        """Whether anything is drawn."""
        self._clock = clock
        self._due = 0.0
        self._drawn = False

    def show(self, text: str) -> None:
        """Draw `text` (printable ASCII), cut to the width of the terminal, unless it was drawn just now."""
        now = self._clock()
        if not self.enabled or now < self._due:
            return
        self._due = now + INTERVAL_S
        self._drawn = True
        import shutil  # 3 ms with what it loads; only where somebody looks on

        width = shutil.get_terminal_size().columns - 1
        write_error(f"\r{text[:width]}\x1b[K")

    def clear(self) -> None:
        """Take the line away, so that an ordinary line can be printed."""
        if self._drawn:
            self._drawn = False
            self._due = 0.0
            write_error("\r\x1b[K")
