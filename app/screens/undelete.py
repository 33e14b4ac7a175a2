"""What of a restored bucket comes back with it: all that soft delete has kept, or what was emptied out of it last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button

from app.screens.dialog import Dialog, Label, button
from services.words import day
from widgets import formats

HOW_TOLD: Final = "A bucket is deleted empty, so only such times tell what was in it at the end."
"""What the service does not say."""


class RestoreObjectsDialog(Dialog[float]):
    """Asks which deleted objects to restore; answers from which moment on, 0 for all."""

    def __init__(self, deleted: Sequence[float], since: float | None, *, more: bool, zone: tzinfo | None) -> None:
        """Offer objects by the moments at which they were `deleted`.

        The bucket was emptied from `since` on (None where nobody can tell); `more` were not looked at.
        """
        last = 0 if since is None else sum(moment >= since for moment in deleted)
        self._parted = 0 < last < len(deleted)
        self._since = since if last else None
        self._one = len(deleted) == 1
        self._all = f"{formats.count(len(deleted), 'object')}{' or more' if more else ''}"
        self._last = f"{formats.count(last, 'object')}{' or more' if more else ''}"
        self._before = formats.count(len(deleted) - last, "other")
        self._zone = zone
        super().__init__(f"Restore {self._last if self._parted else self._all} in it, too?")

    def body(self) -> ComposeResult:
        """Yield what is known of them."""
        for line in self._lines():
            yield Label(line, classes="dialog-text")

    def _lines(self) -> tuple[str, ...]:
        they = "It was" if self._one else "They were"
        if self._since is None:
            return (f"{they} deleted, and soft delete has kept {'it' if self._one else 'them'}.", HOW_TOLD)
        then = datetime.fromtimestamp(self._since, UTC).astimezone(self._zone)
        moment = f"{day(self._since, self._zone)}, {then:%H:%M}"
        span = f"on {moment}" if self._one else f"from {moment} on"
        when = f"{they} deleted {span}, when the bucket was emptied."
        return (when, f"{self._before} had been deleted before that.", HOW_TOLD) if self._parted else (when,)

    def buttons(self) -> ComposeResult:
        """Yield Cancel, and the ways on."""
        yield button("Cancel", "leave")
        if self._parted:
            yield button(f"Restore {self._last}", "last", main=True)
            yield button(f"All {self._all}", "go")
        else:
            yield button("Restore", "go", main=True)

    @on(Button.Pressed, "#last")
    def _last_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(self._since or 0.0)

    @on(Button.Pressed, "#go")
    def _all_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(0.0)
