"""What a start takes of its connection, and gives back."""

from __future__ import annotations

import time

from services.transfer.line import Line
from services.transfer.run import Run


class Turn:
    """What one start takes of its connection, until it is given back."""

    def __init__(self, line: Line, runs: list[Run], *, large: bool) -> None:
        self._line = line
        self._runs = runs
        self._large = large
        self._since = time.monotonic()
        self._over = False
        line.under_way += 1
        line.large += large

    def end(self) -> None:
        """Give it back; a second time does nothing."""
        if self._over:
            return
        self._over = True
        self._line.under_way -= 1
        self._line.large -= self._large
        run = self._runs[0]
        # What failed, was stopped or had to wait says nothing about the line; nor does one that takes minutes.
        if not (self._large or run.intent or run.waiting or run.record.state in ("failed", "asking")):
            moved = sum(run.moved for run in self._runs) if run.record.action in ("upload", "download") else 0
            self._line.pace.ended(moved, time.monotonic() - self._since, len(self._runs))
