"""Real folders that hold nothing: found beside the listing of a tree's objects, which does not tell of them."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

from services.errors import PailError, Transient
from services.gcs.interface import DataPlane
from services.model import FolderPage
from services.names import GsUrl


class HollowFolders:
    """Follows a listing of objects in byte order with one of the folders; of each a page is in memory.

    Where folders are not real, and where they may not be listed, there are none.
    """

    def __init__(self, data: DataPlane, url: GsUrl) -> None:
        """Look at and below a prefix, from now on: whoever made it closes it."""
        self._data = data
        self._url = url
        self._names: deque[str] = deque()
        self._ended = False
        self._found = False
        # Asked beside the objects' first page: one after the other is a round trip more before anything moves.
        self._coming = asyncio.ensure_future(self._page(""))

    async def close(self) -> None:
        """Give up what is under way."""
        self._coming.cancel()
        await asyncio.gather(self._coming, return_exceptions=True)

    async def any(self) -> bool:
        """Tell whether there is a real folder, empty or not, or may be: where the service did not answer."""
        try:
            await self._has_next()
        except Transient:
            return True
        return self._found

    async def _page(self, token: str) -> FolderPage:
        return await self._data.list_folders(self._url.bucket, self._url.name, token)

    async def among(self, objects: Sequence[str]) -> list[str]:
        """Return the innermost empty folders up to the last of the next objects' names; raises `Transient`."""
        found: list[str] = []
        while await self._has_next() and (place := bisect_left(objects, self._names[0])) < len(objects):
            folder = self._take()
            if folder and not objects[place].startswith(folder):
                found.append(folder)
        return found

    async def rest(self) -> list[str]:
        """Return those after all objects, once the listing has ended; raises `Transient`."""
        found: list[str] = []
        while await self._has_next():
            if folder := self._take():
                found.append(folder)
        return found

    def _take(self) -> str:
        """Take the next folder off the front; returns an empty text where another one lies in it."""
        folder = self._names.popleft()
        return "" if self._names and self._names[0].startswith(folder) else folder

    async def _has_next(self) -> bool:
        # Whether a folder is an innermost one is told by the one after it.
        while len(self._names) < 2 and not self._ended:
            try:
                page = await self._coming
            except Transient:
                raise
            except PailError:
                self._ended = True
                break
            self._names += page.names
            self._found = self._found or bool(page.names)
            self._ended = not page.next_token
            if not self._ended:
                self._coming = asyncio.ensure_future(self._page(page.next_token))
        return bool(self._names)
