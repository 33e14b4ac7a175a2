"""A listing in order, fetched as stretches of the name space side by side: one listing is a chain of round trips.

The first pages come one after the other.  Where they take long to come and there are more, the rest of the name space
is cut at names that follow from those that came: first behind each leading part of the last name, later in the middle
of whatever takes longest.  A cut need not be a name, and what lies behind it may turn out to be empty: every request is
a page of the listing all the same.  Pages are handed over in order, and what waits for its turn is bounded.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final, Generic, TypeVar

from services.gcs.interface import ListQuery
from services.model import BriefPage, ListPage

CHAIN: Final = 3
"""Pages that are fetched one after the other before anything is cut: most listings have ended by then."""

MOST_LANES: Final = 48
"""Requests under way at the most."""

LANE_S: Final = 0.001
"""Seconds of a page's way for each lane: about what it costs here to take in a page and print it."""

FRONT: Final = 8
"""Stretches from the next one on that are fetched even while as much is held as may be."""

POOR: Final = 3
"""Cuts with little behind them after which a stretch is only cut again once it has grown by a page."""

ABREAST: Final = 2
"""Cuts of one stretch that are being tried at a time."""


P = TypeVar("P", ListPage, BriefPage)
"""A page: of rows that begin with their name."""

Fetch = Callable[[ListQuery, str], Awaitable[P]]
"""Returns one page of a query."""


async def in_order(fetch: Fetch[P], query: ListQuery, *, hold: int) -> AsyncGenerator[P]:
    """Yield the pages of a listing in order; about `hold` of them wait for their turn at the most.

    One with a delimiter is not cut: it is short, and a cut inside a prefix would show that twice.

    Raises what `fetch` raises.  Leaving the iteration early (`aclose`) cancels what is under way.
    """
    way_s = 0.0

    async def fetched(token: str) -> P:
        nonlocal way_s
        begun = time.monotonic()
        page = await fetch(query, token)
        way_s = time.monotonic() - begun
        return page

    page = await fetched("")
    first = page.objects[0][0] if page.objects else ""
    number = 1
    # Where the service looks through names that it does not show there is nothing to cut at.
    while page.next_token and (number < CHAIN or not page.objects or query.delimiter):
        ahead = asyncio.ensure_future(fetched(page.next_token))
        try:
            yield page
            page = await ahead
        finally:
            if not ahead.cancel() and not ahead.cancelled():
                ahead.exception()  # whoever stopped early does not want to hear of it
        first = first or (page.objects[0][0] if page.objects else "")
        number += 1
    yield page
    if not page.next_token:
        return
    lanes = max(2, min(MOST_LANES, round(way_s / LANE_S)))
    stitching = _Stitching(fetch, query, hold, lanes)
    try:
        stitching.begin(first, page)
        async for found in stitching.pages():
            yield found
    finally:
        await stitching.close()


class _Stretch(Generic[P]):
    """Part of the name space, listed from its beginning on."""

    def __init__(self, query: ListQuery, reached: str, parent: _Stretch[P] | None = None) -> None:
        self.query = query
        self.end = query.end_offset
        """Names from here on belong to others; earlier than the query's end once it was cut."""
        self.token = ""
        self.reached = reached
        """Last name that came, or where it begins."""
        self.parent: _Stretch[P] | None = parent
        """What it was cut from, until its first page is there."""
        self.waiting: deque[P] = deque()
        """Pages that wait for their turn."""
        self.fetching = False
        self.whole = False
        """Everything has come."""
        self.trying = 0
        """Cuts of it whose first page is under way."""
        self.poor = 0
        """Cuts of it with little behind them since it last grew."""

    def take(self, page: P) -> None:
        """Take in the next page."""
        rows = page.objects
        if self.end and rows and rows[-1][0] >= self.end:
            rows = [row for row in rows if row[0] < self.end]
            page = page._replace(objects=rows, next_token="")
        self.token = page.next_token
        self.whole = not self.token
        self.poor = 0
        if rows:
            self.reached = rows[-1][0]
            self.waiting.append(page)


class _Stitching(Generic[P]):
    """The stretches of one listing, in order, and what is under way of them."""

    def __init__(self, fetch: Fetch[P], query: ListQuery, hold: int, lanes: int) -> None:
        self._fetch: Fetch[P] = fetch
        self._query = query
        self._hold = hold
        self._lanes = lanes
        self._stretches: deque[_Stretch[P]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = 0
        self._news = asyncio.Event()
        self._fault: BaseException | None = None

    def begin(self, first: str, page: P) -> None:
        """Cut what follows a page behind each leading part that the names so far have in common."""
        last: str = page.objects[-1][0]
        rest: _Stretch[P] = _Stretch(self._query, last)
        rest.token = page.next_token
        self._stretches.append(rest)
        for cut in leading_cuts(first, last, self._query.end_offset, len(self._query.prefix))[: self._lanes]:
            self._cut(0, cut)

    async def pages(self) -> AsyncGenerator[P]:
        """Yield the pages in order."""
        stretches = self._stretches
        while stretches:
            self._start()
            front = stretches[0]
            if front.waiting:
                self._held -= 1
                yield front.waiting.popleft()
                await asyncio.sleep(0)  # what has arrived is taken in, and more is asked for
            elif front.whole:
                stretches.popleft()
            else:
                self._news.clear()
                await self._news.wait()
            if self._fault is not None:
                raise self._fault

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self) -> None:
        while len(self._tasks) < self._lanes and (stretch := self._next()) is not None:
            self._send(stretch)

    def _next(self) -> _Stretch[P] | None:
        """Return what is fetched next: the nearest that rests, else a piece cut off the nearest that can be cut."""
        reach = self._reach()
        cut_at = -1
        for index, stretch in enumerate(self._stretches):
            if index >= reach:
                break
            if stretch.whole:
                continue
            if not stretch.fetching:
                return stretch
            if cut_at < 0 and stretch.parent is None and stretch.trying < ABREAST and stretch.poor < POOR:
                cut_at = index
        if cut_at < 0:
            return None
        stretch = self._stretches[cut_at]
        cut = middle(stretch.reached, stretch.end)
        if not cut:
            stretch.poor = POOR
            return self._next()
        return self._cut(cut_at, cut)

    def _reach(self) -> int:
        """Return how many stretches may be fetched: fewer the more is held, so that a slow reader stops it all."""
        if self._held < self._hold:
            return len(self._stretches)
        return FRONT if self._held < 2 * self._hold else int(not self._stretches[0].waiting)

    def _cut(self, index: int, cut: str) -> _Stretch[P]:
        stretch = self._stretches[index]
        piece = _Stretch(self._query._replace(start_offset=cut, end_offset=stretch.end), cut, stretch)
        stretch.end = cut
        stretch.trying += 1
        self._stretches.insert(index + 1, piece)
        return piece

    def _send(self, stretch: _Stretch[P]) -> None:
        stretch.fetching = True
        task = asyncio.create_task(self._take(stretch))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _take(self, stretch: _Stretch[P]) -> None:
        page = await self._fetch(stretch.query, stretch.token)
        before = len(stretch.waiting)
        stretch.take(page)
        self._held += len(stretch.waiting) - before
        stretch.fetching = False
        parent, stretch.parent = stretch.parent, None
        if parent is not None:
            parent.trying -= 1
            if stretch.whole:
                parent.poor += 1

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fault = self._fault or error
        self._news.set()
        if self._fault is None:
            self._start()


def leading_cuts(first: str, last: str, end: str, fixed: int) -> list[str]:
    """Return cuts behind `last`, each behind all names that begin as it does, the farthest first.

    Only parts count that all names from `first` to `last` begin with: what differs among them is nearer than a page.
    The `fixed` leading characters are those of every name.
    """
    shared = _shared(first, last)
    found = []
    for index in range(fixed, min(shared + 1, len(last))):
        if last[index].isascii() and last[index].isalnum():
            cut = last[:index] + chr(ord(last[index]) + 1)
            if not end or cut < end:
                found.append(cut)
    return found


def middle(low: str, high: str) -> str:
    """Return a cut between two names, where the characters that are usual at that place have their middle.

    `high` is empty where there is no end.  An empty text is returned where nothing can be said.
    """
    same = _shared(low, high)
    for index in range(same, len(low)):
        char = low[index]
        top = "9" if "0" <= char <= "9" else "z" if "a" <= char <= "z" else "Z" if "A" <= char <= "Z" else ""
        if not top:
            continue
        if index == same and index < len(high):
            top = min(top, chr(ord(high[index]) - 1))
        if top > char:
            return low[:index] + chr((ord(char) + ord(top) + 1) // 2)
    return ""


def _shared(one: str, other: str) -> int:
    """Return how many characters two names begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
