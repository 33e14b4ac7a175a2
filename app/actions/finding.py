"""Finding below the folder that is shown: the search runs here, and what it brings goes to the panel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from typing import Final

from app.actions.places import PlaceActions
from app.desk import Desk
from services.errors import PailError
from services.find import FindQuery, find
from services.model import ObjectRow
from services.names import is_gs_url, parse_gs_url
from services.transfer.messages import TransferView
from widgets.find_panel import FindPanel
from widgets.object_rows import Entry, holder_of

GATHER_S: Final = 0.1
"""Seconds for which finds are gathered before they are shown: a page comes every few milliseconds."""

FINDS_LIMIT: Final = 100_000
"""Finds that are shown; a search that has more ends there, and says so."""


class FindActions:
    """Runs one search at a time for the panel of the main screen."""

    def __init__(self, desk: Desk, places: PlaceActions, panel: FindPanel) -> None:
        self._desk = desk
        self._places = places
        self._panel = panel
        self._task: asyncio.Task[None] | None = None
        self._bucket = ""
        self._folders: tuple[str, ...] = ()

    async def do_find(self) -> None:
        """Show the search below the folder that is shown; the last one, where one has just come from it."""
        place = self._desk.place
        panel = self._panel
        same = self._bucket == place.bucket and place.prefix in self._folders
        if not same:
            self.leave()
            self._bucket, self._folders = place.bucket, (place.prefix,)
            panel.begin(place.prefix)
        self._desk.show_view("find")
        if same and panel.finds.row_total():
            panel.finds.focus()

    def search(self, query: FindQuery, ticket: int) -> None:
        """Begin a search; an older one is given up."""
        self.cancel()
        self._task = asyncio.create_task(self._search(self._bucket, query, ticket), name="search")
        self._desk.show_keys()

    def cancel(self) -> None:
        """Give up the search that is under way; what it found stays."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def leave(self) -> None:
        """Give up the search and forget where it was: another bucket or connection is opened."""
        self.cancel()
        self._panel.stop()
        self._bucket, self._folders = "", ()

    async def _search(self, bucket: str, query: FindQuery, ticket: int) -> None:
        panel, desk = self._panel, self._desk
        loop = asyncio.get_running_loop()
        gathered: list[ObjectRow] = []
        found = scanned = 0
        shown_at = -GATHER_S
        problem = ""
        try:
            async with aclosing(find(desk.session.storage.data, bucket, query, now=desk.surroundings.now())) as pages:
                async for page in pages:
                    gathered += page.rows
                    scanned = page.scanned
                    if found + len(gathered) >= FINDS_LIMIT:
                        problem = f"stopped at {FINDS_LIMIT:,} finds: narrow the search with another word"
                        break
                    if loop.time() - shown_at >= GATHER_S:
                        panel.add(gathered, scanned, ticket=ticket)
                        found, gathered, shown_at = found + len(gathered), [], loop.time()
        except PailError as error:
            problem = f"{error.message}. {error.remedy}" if error.remedy else error.message
        panel.add(gathered[: FINDS_LIMIT - found], scanned, ticket=ticket)
        panel.finish(ticket=ticket, problem=problem)
        desk.show_keys()

    def open(self, entry: Entry) -> None:
        """Show a find in its folder, with the cursor on it; the search can be returned to from there."""
        folder = holder_of(entry.name)
        self._folders = (*self._folders[:1], folder)
        self._desk.show_view("objects")
        self._places.go(folder, focus_on=entry)

    def touched(self, transfers: Iterable[TransferView]) -> None:
        """Take finds off the list that were deleted or moved."""
        urls = [
            parse_gs_url(transfer.source)
            for transfer in transfers
            if transfer.action in ("delete", "move") and transfer.state == "done" and is_gs_url(transfer.source)
        ]
        names = {url.name for url in urls if url.bucket == self._bucket}
        if names:
            self._panel.forget(names)
