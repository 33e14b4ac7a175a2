"""Searching: what is typed is what is found, in bounded time, and a search can be left at any moment."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import Transient, UsageError
from services.find import HELP, find, parse_find
from services.gcs.interface import ListQuery
from services.model import ListPage
from services.ranges import pages
from tests.services.samples import NOW, Listing, row_of

ROWS = [
    row_of("docs/Report 2025.csv", 5 << 20, age_days=40, content_type="text/csv"),
    row_of("docs/report.md", 500, age_days=1, content_type="text/markdown; charset=utf-8"),
    row_of("docs/deep/er/notes.md", 10, age_days=400),
    row_of("img/a.png", 20 << 20, age_days=3, content_type="image/png"),
    row_of("img/b.PNG", 1 << 30, age_days=30, content_type="IMAGE/PNG", storage_class="NEARLINE"),
    row_of("img/", 0, age_days=3, content_type="application/x-directory"),
    row_of("top\\slash.md", 0),
]


def found(text: str, prefix: str = "") -> list[str]:
    query = parse_find(text, prefix)
    return [row.name for row in ROWS if row.name.startswith(prefix) and query.matches(row, NOW)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("report", ["docs/Report 2025.csv", "docs/report.md"]),
        ("Report", ["docs/Report 2025.csv"]),
        ('"port 2"', ["docs/Report 2025.csv"]),
        ("*.md", ["docs/report.md", "docs/deep/er/notes.md", "top\\slash.md"]),
        ("docs/*.md", ["docs/report.md"]),
        ("docs/**/*.md", ["docs/report.md", "docs/deep/er/notes.md"]),
        ("**er/*", ["docs/deep/er/notes.md"]),
        ("top\\", ["top\\slash.md"]),
        (">10M", ["img/a.png", "img/b.PNG"]),
        (">=20M <1G", ["img/a.png"]),
        ("<=1GiB >20M", ["img/b.PNG"]),
        (">39d", ["docs/Report 2025.csv", "docs/deep/er/notes.md"]),
        ("<2d *.md", ["docs/report.md", "top\\slash.md"]),
        (">=30d <41d", ["docs/Report 2025.csv", "img/b.PNG"]),
        ("type:image", ["img/a.png", "img/b.PNG"]),
        ("type:text/markdown", ["docs/report.md"]),
        ("TYPE:image/* class:Nearline", ["img/b.PNG"]),
        ("img", ["img/a.png", "img/b.PNG", "img/"]),
        ("zz", []),
    ],
)
def test_what_is_typed_is_found(text: str, names: list[str]) -> None:
    assert found(text) == names


def test_names_are_matched_below_the_prefix_only() -> None:
    assert found("docs", "docs/") == []
    assert found("*.md", "docs/") == ["docs/report.md", "docs/deep/er/notes.md"]
    assert found("er/*", "docs/deep/") == ["docs/deep/er/notes.md"]
    assert found("<1", "img/") == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing to search"),
        ("   ", "nothing to search"),
        ('"open', "quote"),
        (">", None),
        (">big", "neither a size nor an age"),
        ("<10x", "neither a size nor an age"),
        (">5 y", None),
        ("type:", "names no type"),
        ("class:warm", "not a storage class"),
        ("x" * 2000, "at most 1,024"),
        (">\x1b[31m", "neither a size nor an age"),
    ],
)
def test_what_makes_no_sense_is_refused_by_word(text: str, why: str | None) -> None:
    if why is None:
        assert parse_find(text).tests or text
        return
    with pytest.raises(UsageError, match=why) as caught:
        parse_find(text)
    assert caught.value.remedy
    assert "\x1b" not in caught.value.message


def test_the_example_of_the_help_can_be_typed() -> None:
    assert len(parse_find(HELP).tests) == len(HELP.split())


@given(st.text(max_size=40))
def test_any_text_is_either_a_search_or_refused_politely(text: str) -> None:
    try:
        query = parse_find(text)
    except UsageError:
        return
    assert [query.matches(row, NOW) for row in ROWS]


@given(st.lists(st.from_regex(r"([ab]/){0,2}[ab]{1,3}", fullmatch=True), unique=True, max_size=30), st.integers(1, 6))
async def test_a_search_finds_every_match_once_however_the_listing_is_cut(names: list[str], page_size: int) -> None:
    listing = Listing([row_of(name) for name in names], page_size=page_size)
    results = [page async for page in find(listing, "b", parse_find("a*"), now=NOW)]  # type: ignore[arg-type]
    hits = [row.name for page in results for row in page.rows]
    assert sorted(hits) == sorted(name for name in names if name.rpartition("/")[2].startswith("a"))
    assert results[-1].scanned == len(names)


class Watched(Listing):
    """Counts what is under way, and can fail or hang at a name."""

    running = 0
    most = 0
    bad = ""
    hang = False

    async def list_page(self, bucket: str, query: ListQuery, token: str = "") -> ListPage:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(0)
            page = await super().list_page(bucket, query, token)
            if self.bad and any(row.name == self.bad for row in page.objects):
                if self.hang:
                    await asyncio.Event().wait()
                raise Transient("away")
            return page
        finally:
            self.running -= 1


MANY = [row_of(f"{folder:02}/{number}") for folder in range(40) for number in range(10)]


async def test_ranges_are_listed_side_by_side_and_a_failure_ends_them_all() -> None:
    listing = Watched(MANY, page_size=50)
    assert sum([len(page.objects) async for page in pages(listing, "b", ListQuery())]) == 400  # type: ignore[arg-type]
    assert 1 < listing.most <= 8
    listing.bad = "20/3"
    with pytest.raises(Transient):
        [page async for page in pages(listing, "b", ListQuery())]  # type: ignore[arg-type]
    assert listing.running == 0


async def test_leaving_a_search_early_stops_the_listing() -> None:
    listing = Watched(MANY, page_size=50)
    listing.bad, listing.hang = "39/1", True
    async with aclosing(find(listing, "b", parse_find("*"), now=NOW)) as results:  # type: ignore[arg-type]
        async for page in results:
            assert page.rows
            break
    assert listing.running == 0
    assert len(asyncio.all_tasks()) == 1


async def test_a_consumer_that_rests_stops_the_listing_before_memory_fills() -> None:
    listing = Watched(MANY, page_size=1)
    async with aclosing(pages(listing, "b", ListQuery())) as results:  # type: ignore[arg-type]
        await anext(results)
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(listing.queries) < 30
