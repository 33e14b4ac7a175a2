"""Keys that are typed before what they are meant for has the focus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from textual import events
from textual.widget import Widget

from widgets.rename_line import RenameLine

LONGEST_S: Final = 1.0
"""Seconds for which keys are held at the most: a line that does not come by then is not waited for."""


ANSWERS: Final = frozenset({"enter", "escape"})
"""Keys that end a line over a row: what is typed after them is meant for the rows, unless the line stays."""


class TypingAhead:
    """Holds keys back between a key that opens or ends a line and the moment that the focus is where it belongs.

    Without it they would reach what has the focus until then: a list, where each letter is a command, or a line that
    is being taken away.
    """

    def __init__(self) -> None:
        """Hold nothing; `target` has to be set before keys are held."""
        self.target: Callable[[], Widget | None] = lambda: None
        """Returns what keys go to now."""
        self._held: list[events.Key] | None = None
        self._from_anywhere = False
        self._timer: asyncio.TimerHandle | None = None

    def hold(self) -> None:
        """Hold keys from now on, also those that the old focus has passed on and not yet acted upon."""
        self._begin()
        self._from_anywhere = True

    def _begin(self) -> None:
        if self._held is None:
            self._held = []
            self._from_anywhere = False
            self._timer = asyncio.get_running_loop().call_later(LONGEST_S, self.release)

    def takes(self, event: events.Event) -> bool:
        """Tell whether an event was a key and is held now."""
        if not isinstance(event, events.Key):
            return False
        # A line acts upon some of its keys, Enter among them, only when they have come back here.
        if self._held is not None and (self._from_anywhere or not event.is_forwarded):
            self._held.append(event)
            return True
        if not event.is_forwarded and self._ends_line(event, self.target()):
            self._begin()
        return False

    def release(self) -> None:
        """Hand over what was held, in the order in which it was typed, to what has the focus now."""
        held, self._held = self._held or [], None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        target = self.target()
        if target is None:
            return
        # Some were on their way back from the old focus already, others were not: only their times tell the order.
        held.sort(key=lambda key: key.time)
        for place, event in enumerate(held, 1):
            target._forward_event(events.Key(event.key, event.character))  # noqa: SLF001 - there is no other way
            if self._ends_line(event, target):
                self._begin()
                self._held = held[place:]
                return

    @staticmethod
    def _ends_line(event: events.Key, target: Widget | None) -> bool:
        return event.key in ANSWERS and target is not None and isinstance(target.parent, RenameLine)
