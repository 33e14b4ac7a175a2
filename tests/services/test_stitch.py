"""Listings in stretches: whatever is cut where, every name comes once and in order, and nothing runs on alone."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import stitch
from services.cuts import Span, ahead, leading, middle
from services.errors import Transient
from services.gcs.interface import ListQuery
from services.model import ListPage
from services.stitch import in_order
from tests.services.samples import Listing, row_of

NAMES = st.lists(
    st.from_regex(r"([ab0]/){0,2}[a-c0-9Z\u00e9\U0001f600]{1,4}", fullmatch=True), unique=True, max_size=80
)


class Slow(Listing):
    """Answers after some turns of the loop, different ones for each request, and can fail."""

    running = most = 0
    bad = ""

    async def list_page(self, bucket: str, query: ListQuery, token: str = "") -> ListPage:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            for _ in range(crc32(f"{query.start_offset}/{token}".encode()) % 7):
                await asyncio.sleep(0)
            page = await super().list_page(bucket, query, token)
            if self.bad and any(row.name == self.bad for row in page.objects):
                raise Transient("away")
            return page
        finally:
            self.running -= 1


@pytest.fixture
def many_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stitch, "LANE_S", 1e-12)


async def names_of(listing: Slow, query: ListQuery, *, hold: int = 64) -> list[str]:
    pages = [page async for page in in_order(partial(listing.list_page, "b"), query, hold=hold)]
    assert listing.running == 0
    return [row.name for page in pages for row in page.objects]


@given(NAMES, st.integers(1, 5), st.sampled_from(["", "a", "a/", "0/b"]), st.integers(1, 20))
async def test_every_name_comes_once_and_in_order(names: list[str], size: int, prefix: str, hold: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stitch, "LANE_S", 1e-12)
        listing = Slow([row_of(name) for name in names], page_size=size)
        wanted = sorted((name for name in names if name.startswith(prefix)), key=str.encode)
        assert await names_of(listing, ListQuery(prefix=prefix), hold=hold) == wanted
        end = ListQuery(prefix=prefix, end_offset="b")
        assert await names_of(listing, end, hold=hold) == [name for name in wanted if name < "b"]


@pytest.mark.usefixtures("many_lanes")
async def test_a_long_listing_is_fetched_side_by_side_with_few_pages_more_than_it_has() -> None:
    listing = Slow([row_of(f"data/{number // 20:03d}/file-{number:05d}") for number in range(2000)], page_size=10)
    assert len(await names_of(listing, ListQuery(prefix="data/"), hold=1000)) == 2000
    assert listing.most > 8
    assert len(listing.queries) < 1.5 * 200


@pytest.mark.usefixtures("many_lanes")
async def test_names_that_do_not_count_up_are_fetched_side_by_side_too() -> None:
    names = [
        f"photos/{year}/{month:02d}/IMG_{number}" for year in range(10) for month in range(12) for number in range(9)
    ]
    listing = Slow([row_of(name) for name in names], page_size=3)
    assert await names_of(listing, ListQuery(prefix="photos/"), hold=100) == sorted(names)
    assert listing.most > 8
    assert len(listing.queries) < 3 * 360


@pytest.mark.usefixtures("many_lanes")
async def test_a_short_listing_costs_no_request_more_and_the_first_page_only_one() -> None:
    listing = Slow([row_of(f"{number}") for number in range(6)], page_size=2)
    assert len(await names_of(listing, ListQuery())) == 6
    assert len(listing.queries) == 3
    folded = Slow([row_of(f"{number}/x") for number in range(40)], page_size=2)
    pages = in_order(partial(folded.list_page, "b"), ListQuery(delimiter="/"), hold=9)
    async with aclosing(pages):
        await anext(pages)
        assert len(folded.queries) == 1
        assert sum([len(page.prefixes) async for page in pages]) == 38
    assert folded.most == 1


@pytest.mark.usefixtures("many_lanes")
async def test_a_failure_ends_all_and_so_does_leaving() -> None:
    listing = Slow([row_of(f"{number:03d}") for number in range(400)], page_size=2)
    listing.bad = "250"
    with pytest.raises(Transient):
        await names_of(listing, ListQuery())
    assert listing.running == 0
    listing.bad = ""
    pages = in_order(partial(listing.list_page, "b"), ListQuery(), hold=50)
    async with aclosing(pages):
        for _ in range(5):
            await anext(pages)
    assert listing.running == 0
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.usefixtures("many_lanes")
async def test_a_reader_that_rests_stops_the_listing_before_memory_fills() -> None:
    listing = Slow([row_of(f"{number:05d}") for number in range(20_000)], page_size=1)
    pages = in_order(partial(listing.list_page, "b"), ListQuery(), hold=20)
    async with aclosing(pages):
        for _ in range(stitch.CHAIN + 1):
            await anext(pages)
        for _ in range(3000):
            await asyncio.sleep(0)
        assert len(listing.queries) < 2 * 20 + 3 * stitch.MOST_LANES


@given(NAMES.filter(lambda names: len(names) > 2), st.integers(1, 5), st.integers(1, 9))
def test_a_cut_ahead_lies_behind_the_place_or_is_no_cut(names: list[str], pages: int, far: int) -> None:
    first, last, place = sorted(names)[:3]
    cut = ahead(place, Span(first, last, pages), far)
    assert cut.isascii()
    assert all(char not in cut for char in "\r\n")


def test_a_cut_ahead_counts_as_names_do() -> None:
    assert ahead("d/0002/f-0002999", Span("d/0000/f-0000000", "d/0002/f-0002999", 3), 4) == "d/0006"
    assert ahead("d/0009/f-0009999", Span("d/0000/f-0000000", "d/0009/f-0009999", 10), 4) == "d/0013"
    assert ahead("f-0002999", Span("f-0000000", "f-0002999", 3), 4) == "f-0006999"
    assert ahead("0b", Span("00", "0b", 3), 1) == "0f"
    assert ahead("0f", Span("00", "0f", 4), 1) == "13"
    assert ahead("9998", Span("9990", "9998", 1), 4) == ""
    assert ahead("e/1", Span("d/0", "d/1", 1), 4) == ""
    assert ahead("a/~", Span("a/!", "a/~", 1), 4) == ""
    assert ahead("b", Span("a", "ab", 1), 1) == ""


def test_cuts_lie_behind_what_names_share_and_in_the_middle_of_what_is_usual() -> None:
    assert leading("d/00/a", "d/00/z", "", 0) == ["e", "d/1", "d/01", "d/00/{"]
    assert leading("d/00/a", "d/00/z", "d/1", 2) == ["d/01", "d/00/{"]
    assert middle("d/0123", "d/1") == "d/05"
    assert middle("d/0123", "d/04") == "d/02"
    assert middle("", "") == middle("zzz", "{") == middle("9", "A") == ""
