"""Keys that are typed before the line that they are meant for is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from textual import events
from textual.widget import Widget

LONGEST_S: Final = 1.0
"""Seconds for which keys are held at the most: a line that does not come by then is not waited for."""


class TypingAhead:
    """Holds keys back between a command that opens a line and the moment that the line can take them.

    Without it they would reach what has the focus until then, where each letter is a command.
    """

    def __init__(self) -> None:
        """Hold nothing; `target` has to be set before keys are held."""
        self.target: Callable[[], Widget | None] = lambda: None
        """Returns what keys go to now."""
        self._held: list[events.Key] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def hold(self) -> None:
        """Hold keys from now on."""
        if self._held is None:
            self._held = []
            self._timer = asyncio.get_running_loop().call_later(LONGEST_S, self.release)

    def takes(self, event: events.Event) -> bool:
        """Tell whether an event was a key and is held now."""
        if self._held is None or not isinstance(event, events.Key):
            return False
        self._held.append(event)
        return True

    def release(self) -> None:
        """Hand over what was held, in the order in which it was typed, to what has the focus now."""
        held, self._held = self._held or [], None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        target = self.target()
        if target is not None:
            # Some were on their way back from the old focus already, others were not: only their times tell the order.
            for event in sorted(held, key=lambda key: key.time):
                target._forward_event(events.Key(event.key, event.character))  # noqa: SLF001 - there is no other way
