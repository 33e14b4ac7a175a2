"""A listing in order, fetched as stretches of the name space side by side: one listing is a chain of round trips.

The first pages come one after the other.  Where they take long to come and there are more, the rest of the name space
is cut at names that follow from those that came (`services.cuts`): some pages behind what is under way, as far as names
count up; else behind each leading part of the last name, and in the middle of whatever takes longest.  What lies behind
a cut may turn out to be empty: every request is a page of the listing all the same.  Pages are handed over in order,
and what waits for its turn is bounded.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final, Generic, TypeVar

from services.cuts import Span, ahead, leading, middle
from services.gcs.interface import ListQuery
from services.model import BriefPage, ListPage

CHAIN: Final = 3
"""Pages that are fetched one after the other before anything is cut: most listings have ended by then."""

MOST_LANES: Final = 48
"""Requests under way at the most."""

LANE_S: Final = 0.001
"""Seconds of a page's way for each lane: about what it costs here to take in a page and print it."""

FRONT: Final = 8
"""Unfinished stretches from the next one on that are fetched even while as much is held as may be."""

LONGEST: Final = 8
"""Pages for which a stretch is cut off at the most: fewer where little is held, for all but the front has to wait."""

GUESSES: Final = 4
"""Stretches that may be under way, to begin with, of which nothing has shown yet that there is anything in them."""

DISTRUST: Final = 2
"""The same where many of them had little in them."""

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
    way_s = math.inf

    async def fetched(token: str) -> P:
        nonlocal way_s
        begun = time.monotonic()
        page = await fetch(query, token)
        way_s = min(way_s, time.monotonic() - begun)
        return page

    page = await fetched("")
    first = page.objects[0][0] if page.objects else ""
    number, filled = 1, int(bool(page.objects))
    # Where the service looks through names that it does not show there is nothing to cut at.
    while page.next_token and (number < CHAIN or not page.objects or query.delimiter):
        coming = asyncio.ensure_future(fetched(page.next_token))
        try:
            await asyncio.sleep(0)  # the question leaves before whoever works on this page holds the loop
            yield page
            page = await coming
        finally:
            if not coming.cancel() and not coming.cancelled():
                coming.exception()  # whoever stopped early does not want to hear of it
        first = first or (page.objects[0][0] if page.objects else "")
        number, filled = number + 1, filled + bool(page.objects)
    if not page.next_token:
        yield page
        return
    lanes = max(2, min(MOST_LANES, round(way_s / LANE_S)))
    stitching = _Stitching(fetch, query, hold, lanes)
    try:
        stitching.begin(Span(first, page.objects[-1][0], filled), page)
        await asyncio.sleep(0)
        yield page
        async for found in stitching.pages():
            yield found
    finally:
        await stitching.close()


class _Stretch(Generic[P]):
    """Part of the name space, listed from its beginning on."""

    def __init__(self, query: ListQuery, reached: str, seen: Span, parent: _Stretch[P] | None = None) -> None:
        self.query = query
        self.end = query.end_offset
        """Names from here on belong to others; earlier than the query's end where it was cut after that was sent."""
        self.token = ""
        self.reached = reached
        """Last name that came, or where it begins."""
        self.seen = seen
        """Names before it, by which it is told how far those in it are apart."""
        self.first = ""
        """Its first name, once that came."""
        self.pages = 0
        """Pages of it that had something in them."""
        self.parent: _Stretch[P] | None = parent
        """What it was cut from, until its first page is there."""
        self.guessed = False
        """Where it begins was told by how far names are apart, and its first page is not there yet."""
        self.guess: tuple[str, Span | None] | None = None
        """Where it is best cut, and what tells so; None once that may have changed."""
        self.waiting: deque[P] = deque()
        """Pages that wait for their turn."""
        self.sent = False
        """Something of it was asked for: its query cannot change any more."""
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
        self.poor, self.guess = 0, None
        if rows:
            self.first = self.first or rows[0][0]
            self.reached = rows[-1][0]
            self.pages += 1
            self.waiting.append(page)

    def spans(self, pages: int) -> list[Span]:
        """Return by what it can be told how far names in it are apart, the best first: its own ones, once they tell."""
        if not self.pages:
            return [self.seen]
        own = Span(self.first, self.reached, self.pages)
        return [own, self.seen] if self.pages > pages else [self.seen, own]


class _Stitching(Generic[P]):
    """The stretches of one listing, in order, and what is under way of them."""

    def __init__(self, fetch: Fetch[P], query: ListQuery, hold: int, lanes: int) -> None:
        self._fetch: Fetch[P] = fetch
        self._query = query
        self._hold = hold
        self._lanes = lanes
        self._length = max(1, min(LONGEST, hold // lanes))
        self._stretches: deque[_Stretch[P]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = 0
        self._full = 0
        self._guesses = 0
        self._trust = GUESSES
        self._news = asyncio.Event()
        self._fault: BaseException | None = None

    def begin(self, seen: Span, page: P) -> None:
        """Begin with what follows the names that were seen and their last page."""
        rest: _Stretch[P] = _Stretch(self._query, seen.last, seen)
        rest.token, rest.sent = page.next_token, True
        self._full = len(page.objects)
        self._stretches.append(rest)
        if self._guess(rest)[1] is None:
            self._distrust()
        self._start()

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
        left, place, cut = self._reach(), -1, ""
        span: Span | None = None
        for index, stretch in enumerate(self._stretches):
            if stretch.whole:
                continue
            if not left:
                break
            left -= 1
            if not stretch.fetching:
                return stretch
            if not cut:
                place, (cut, span) = index, self._where(stretch)
        return self._cut(place, cut, span) if cut else None

    def _where(self, stretch: _Stretch[P]) -> tuple[str, Span | None]:
        """Return where a stretch may be cut now, and what tells so; an empty text for nowhere."""
        if stretch.guess is None:
            stretch.guess = self._guess(stretch)
        cut, span = stretch.guess
        outlived = stretch.pages > self._length
        if span is not None and not stretch.poor:
            if self._guesses < self._trust and (self._trust > DISTRUST or outlived):
                return cut, span
            if self._trust > DISTRUST or not (cut or outlived):
                return "", None
        if stretch.parent is not None or stretch.trying >= ABREAST or stretch.poor >= POOR:
            return "", None
        cut = middle(stretch.reached, stretch.end)
        if not cut:
            stretch.poor = POOR
        return cut, None

    def _guess(self, stretch: _Stretch[P]) -> tuple[str, Span | None]:
        """Return a cut some pages behind where a stretch is, and by which names; an empty text if it has no more."""
        for span in stretch.spans(self._length):
            cut = ahead(stretch.reached, span, self._length)
            if cut > stretch.reached and cut.startswith(self._query.prefix):
                # What is left has to be worth a stretch of its own.
                worth = not stretch.end or max(cut, ahead(cut, span, self._length / 2)) < stretch.end
                return cut if worth else "", span
        return "", None

    def _reach(self) -> int:
        """Return how many stretches may be fetched: fewer the more is held, so that a slow reader stops it all."""
        if self._held < self._hold:
            return len(self._stretches)
        if self._held < 2 * self._hold:
            return FRONT
        return int(not next(one.waiting for one in self._stretches if one.waiting or not one.whole))

    def _cut(self, index: int, cut: str, span: Span | None) -> _Stretch[P]:
        stretch = self._stretches[index]
        query = self._query._replace(start_offset=cut, end_offset=stretch.end)
        piece = _Stretch(query, cut, span or stretch.seen, stretch)
        piece.guessed = span is not None
        self._guesses += piece.guessed
        stretch.end, stretch.guess = cut, None
        if not stretch.sent:
            stretch.query = stretch.query._replace(end_offset=cut)
        stretch.trying += 1
        self._stretches.insert(index + 1, piece)
        return piece

    def _send(self, stretch: _Stretch[P]) -> None:
        stretch.fetching = True
        task = asyncio.create_task(self._take(stretch))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _take(self, stretch: _Stretch[P]) -> None:
        stretch.sent = True
        page = await self._fetch(stretch.query, stretch.token)
        before = len(stretch.waiting)
        stretch.take(page)
        self._held += len(stretch.waiting) - before
        stretch.fetching = False
        if not page.next_token:
            self._nothing_after(page, stretch.query)
        parent, stretch.parent = stretch.parent, None
        if parent is None:
            return
        parent.trying -= 1
        little = stretch.whole and (not stretch.waiting or len(stretch.waiting[-1].objects) < self._full / 2)
        if not stretch.guessed:
            parent.poor += stretch.whole
            return
        stretch.guessed = False
        parent.poor += little
        self._guesses -= 1
        if not little:
            self._trust = min(MOST_LANES, self._trust + 1)
        elif self._trust > DISTRUST:
            self._trust = max(DISTRUST, self._trust // 2)
            if self._trust == DISTRUST:
                self._distrust()

    def _distrust(self) -> None:
        """Cut the last stretch where nothing tells how far names are apart: what they have in common has an end."""
        self._trust = DISTRUST
        last, place = self._stretches[-1], len(self._stretches) - 1
        cuts = leading(last.seen.first, last.reached, last.end, len(self._query.prefix))
        for cut in [] if last.whole else cuts[: self._lanes]:
            self._cut(place, cut, None)

    def _nothing_after(self, page: P, query: ListQuery) -> None:
        """Note what the last page of a query tells of stretches that were cut off after it was sent: they are empty."""
        last = page.objects[-1][0] if page.objects else query.start_offset
        for stretch in self._stretches:
            start = stretch.query.start_offset
            if start > last and not stretch.token and (start < query.end_offset or not query.end_offset):
                stretch.whole = True

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fault = self._fault or error
        self._news.set()
        if self._fault is None:
            self._start()
