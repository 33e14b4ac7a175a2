"""Real folders that hold nothing: found beside the listing of a tree's objects, which does not tell of them."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

from services.errors import PailError, Transient
from services.gcs.interface import DataPlane
from services.names import GsUrl


class HollowFolders:
    """Follows a listing of objects in byte order with one of the folders; of each a page is in memory.

    Where folders are not real, and where they may not be listed, there are none.
    """

    def __init__(self, data: DataPlane, url: GsUrl) -> None:
        """Look at and below a prefix."""
        self._data = data
        self._url = url
        self._names: deque[str] = deque()
        self._token = ""
        self._ended = False

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
                page = await self._data.list_folders(self._url.bucket, self._url.name, self._token)
            except Transient:
                raise
            except PailError:
                self._ended = True
                break
            self._names += page.names
            self._token = page.next_token
            self._ended = not self._token
        return bool(self._names)
