"""Other people's changes: what is on the screen is listed again now and then, and shown anew only where it differs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from app.browser import Browser
from app.presence import Presence
from services.errors import PailError
from widgets.object_tree import ObjectTree

PATIENCE: Final = 4.0
"""The longer nobody touches a key, the rarer the looks: one after that share of the time since the last touch."""

ASLEEP_S: Final = 600.0
"""Seconds without a key or a mouse event after which nobody is taken to look; the next one wakes the watch up."""

COST_SHARE: Final = 10.0
"""A look that took long is followed by a rest of that many times as long."""

WORST_S: Final = 60.0
"""Seconds between two looks at the most while they fail."""


class Watch:
    """Compares the open folders on the screen with the bucket; costs one request for each, and no byte of output.

    While deleted objects and older generations are shown, three requests.
    """

    def __init__(
        self,
        tree: ObjectTree,
        browser: Callable[[], Browser | None],
        visible: Callable[[], bool],
        presence: Presence,
        *,
        every_s: float,
    ) -> None:
        """Watch what `tree` shows through the browser of the moment, while `visible` says that it can be seen."""
        self._tree = tree
        self._browser = browser
        self._visible = visible
        self._presence = presence
        self._every_s = every_s

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        wait = self._every_s
        while True:
            await asyncio.sleep(wait)
            idle = self._presence.idle_s
            wait = max(self._every_s, min(idle / PATIENCE, WORST_S))
            browser = self._browser()
            if browser is None or idle > ASLEEP_S or not self._visible():
                wait = self._every_s
                continue
            started = time.monotonic()
            try:
                await self._look(browser)
            except PailError:  # nobody asked for this look: what a person asks for says what is wrong
                wait = WORST_S
            wait = max(wait, min((time.monotonic() - started) * COST_SHARE, WORST_S))

    async def _look(self, browser: Browser) -> None:
        for prefix in self._tree.folders_in_view():
            start = self._tree.window_start(prefix)
            page = await browser.peek(prefix, start)
            if browser is not self._browser():
                return
            if self._tree.differs(prefix, page, start, past=browser.with_past) or (
                browser.with_past and await self._past_differs(browser, prefix, start)
            ):
                self._tree.refresh_folder(prefix)

    async def _past_differs(self, browser: Browser, prefix: str, start: str) -> bool:
        """Tell whether others have deleted older generations for good, or made new ones."""
        older, deleted = await browser.peek_past(prefix, start)
        if browser is not self._browser() or not browser.with_past:
            return False
        kept = browser.is_soft_deleted
        return self._tree.past_differs(prefix, deleted, start, kept) or self._tree.past_differs(
            prefix, older, start, lambda row: not kept(row)
        )
