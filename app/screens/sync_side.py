"""What the main screen answers to in the Sync view."""

from __future__ import annotations

from textual import on

from app.screens.look_side import LookSide
from widgets.sync_panel import SyncPanel


class SyncSide(LookSide):
    """The part of the main screen that is about pairs."""

    @on(SyncPanel.VerbWanted)
    def _pair_verb_wanted(self, message: SyncPanel.VerbWanted) -> None:
        self.attempt(self.syncing.control(message.verb, message.look, message.copy))

    @on(SyncPanel.CursorMoved)
    def _pair_cursor_moved(self) -> None:
        if self._view == "sync":
            self.show_keys()
