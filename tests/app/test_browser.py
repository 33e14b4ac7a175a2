"""Listings: streamed, given up when nobody waits, and not made too often."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.browser import Browser, holders
from services.errors import Forbidden
from services.gcs.interface import ListQuery
from services.model import ListPage
from tests.flows.conftest import eventually


class Pages:
    """A data plane that lists a number of pages, one at a time when `gate` is set."""

    def __init__(self, pages: int, error: Exception | None = None) -> None:
        self.pages = pages
        self.error = error
        self.asked = 0
        self.gate: asyncio.Event | None = None

    async def list_page(self, bucket: str, query: ListQuery, token: str = "") -> ListPage:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        number = int(token or 1)
        return ListPage([], [f"{query.prefix}{number}/"], "" if number == self.pages else str(number + 1))


class Feed:
    def __init__(self, patience: int = 1_000) -> None:
        self.got: list[tuple[str, bool, int | None]] = []
        self.problems: list[str] = []
        self.patience = patience

    def add_page(self, prefix: str, page: ListPage, *, final: bool, ticket: int | None = None) -> bool:
        self.got.append((page.prefixes[0], final, ticket))
        return len(self.got) < self.patience

    def fail(self, prefix: str, problem: str, remedy: str = "", *, ticket: int | None = None) -> None:
        self.problems.append(problem)


def make(pages: Pages, feed: Feed, **options: Any) -> Browser:
    return Browser(pages, "bucket", feed, **options)  # type: ignore[arg-type]


async def test_pages_arrive_one_by_one_with_their_ticket() -> None:
    pages, feed = Pages(3), Feed()
    make(pages, feed).list("a/", 7)
    await eventually(lambda: len(feed.got) == 3)
    assert feed.got == [("a/1/", False, 7), ("a/2/", False, 7), ("a/3/", True, 7)]


async def test_a_listing_that_nobody_waits_for_stops() -> None:
    pages, feed = Pages(50), Feed(patience=2)
    browser = make(pages, feed)
    browser.list("", 1)
    await eventually(lambda: len(feed.got) == 2)
    await browser.close()
    assert pages.asked == 2


async def test_leaving_gives_up_what_is_under_way() -> None:
    pages, feed = Pages(1), Feed()
    pages.gate = asyncio.Event()
    browser = make(pages, feed)
    browser.list("", 1)
    await eventually(lambda: pages.asked == 1)
    await browser.close()
    pages.gate.set()
    assert feed.got == []


async def test_a_listing_that_breaks_is_told() -> None:
    told: list[str] = []
    pages, feed = Pages(1, Forbidden("no")), Feed()
    make(pages, feed, failed=lambda prefix, error: told.append(f"{prefix}: {error.message}")).list("p/", 1)
    await eventually(lambda: told)
    assert (feed.problems, told) == (["no"], ["p/: no"])


async def test_many_changes_in_a_folder_list_it_once() -> None:
    again: list[str] = []
    browser = make(Pages(1), Feed())
    for _ in range(500):
        browser.touch("p/", again.append)
    await eventually(lambda: again)
    assert again == ["p/"]
    browser.touch("p/", again.append)
    browser.leave()
    assert again == ["p/"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a", {""}),
        ("a/b", {"", "a/"}),
        ("a/b/c", {"", "a/", "a/b/"}),
        ("a/b/", {"", "a/", "a/b/"}),
    ],
)
def test_a_change_is_seen_in_every_folder_around_it(name: str, found: set[str]) -> None:
    assert holders(name) == found
