"""Usage: totals agree however the listing is cut, memory is bounded, a count can be cancelled and gone on with."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import usage as usage_module
from services import usage_cache
from services.connection import Connection
from services.errors import Forbidden, Transient
from services.gcs.interface import ListQuery
from services.lifecycle import delete_after, delete_versions_after, keep_versions, move_after
from services.model import ListPage, ObjectRow
from services.usage import AGE_LABELS, OTHERS, TOP, Share, Usage
from services.usage_count import Count, count
from tests.services.samples import DAY, NOW, Listing, row_of

names = st.from_regex(r"([abé]{1,2}/{1,2}){0,4}[abc]{0,2}", fullmatch=True).filter(bool)
rows = st.lists(
    st.builds(
        row_of,
        names,
        st.integers(0, 10**9),
        age_days=st.floats(0, 900),
        storage_class=st.sampled_from(["STANDARD", "NEARLINE"]),
        content_type=st.sampled_from(["text/plain", "text/plain; charset=utf-8", ""]),
    ),
    unique_by=lambda row: row.name,
    max_size=40,
)


def below(found: list[ObjectRow], prefix: str) -> tuple[int, int]:
    fit = [row for row in found if row.name.startswith(prefix)]
    return len(fit), sum(row.size for row in fit)


@given(rows, st.sampled_from(["", "a/", "a", "b//"]), st.integers(1, 7))
async def test_every_folder_has_the_sum_of_what_lies_below_it(
    found: list[ObjectRow], prefix: str, page_size: int
) -> None:
    usage = await count(Listing(found, page_size=page_size), "b", prefix, now=NOW)  # type: ignore[arg-type]
    for share in usage.walk():
        assert (share.objects, share.size) == below(found, share.prefix), share
        shares = usage.children(share.prefix)
        assert sum(each.objects for each in shares) == share.objects
        assert sum(each.size for each in shares) == share.size
    live = usage.amount()
    assert usage.complete
    assert (live.objects, live.size) == below(found, prefix)
    assert sum(age.size for age in usage.ages) == live.size
    assert sum(kind.objects for kind in usage.types.values()) == live.objects
    assert set(usage.types) <= {"text/plain", ""}


@given(rows)
def test_the_largest_and_oldest_are_those(found: list[ObjectRow]) -> None:
    usage = Usage("b", now=NOW)
    usage.add(found)
    assert [row.size for row in usage.largest] == sorted((row.size for row in found), reverse=True)[:TOP]
    assert [row.generation for row in usage.oldest] == sorted(row.generation for row in found)[:TOP]


def test_the_drill_down_is_sorted_by_size_and_names_what_lies_directly_there() -> None:
    usage = Usage("b", now=NOW)
    usage.add([row_of("logs/1", 5), row_of("logs/2", 6), row_of("top", 7), row_of("videos/raw/x", 90)])
    assert usage.children() == [
        Share("folder", "videos/", 1, 90),
        Share("folder", "logs/", 2, 11),
        Share("objects", "", 1, 7),
    ]
    assert usage.children("videos/") == [Share("folder", "videos/raw/", 1, 90)]
    assert usage.children("nowhere/") == []
    assert usage.children(limit=1)[-1] == Share("others", "", 2, 11)


def test_only_the_largest_folders_are_named_and_of_equal_ones_the_first() -> None:
    usage = Usage("b", now=NOW)
    usage.add([row_of(f"{number}/x", size) for number, size in enumerate((5, 9, 5, 1, 5))])
    assert usage.children(limit=3) == [
        Share("folder", "1/", 1, 9),
        Share("folder", "0/", 1, 5),
        Share("folder", "2/", 1, 5),
        Share("others", "", 2, 6),
    ]


def test_ages_classes_and_kinds_are_told_apart() -> None:
    usage = Usage("b", now=NOW)
    usage.add([row_of("a", 1, age_days=0.5), row_of("b", 2, age_days=1), row_of("c", 4, age_days=5000)])
    usage.add([row_of("d", 8, deleted=NOW), row_of("e", 16, storage_class="ARCHIVE")])
    usage.add([row_of("f", 32, deleted=NOW)], soft_deleted=True)
    assert {AGE_LABELS[index]: age.size for index, age in enumerate(usage.ages) if age.size} == {
        "under a day": 17,
        "under a week": 2,
        "older": 4,
    }
    assert {state: usage.amount(state).size for state in usage.classes} == {
        "live": 23,
        "noncurrent": 8,
        "soft-deleted": 32,
    }
    assert usage.classes["live"]["ARCHIVE"].size == 16


def test_memory_is_bounded_by_folders_depth_and_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_module, "FOLDERS_LIMIT", 100)
    usage = Usage("b", now=NOW)
    usage.add([row_of(f"d{number:04}/x", 1, content_type=f"t/{number}") for number in range(1_000)])
    usage.add([row_of("d0000/" + "/" * 1_000, 5)])
    assert len(usage.folders) == 100
    assert len(usage.types) == usage_module.TYPES_LIMIT + 1
    assert usage.types[OTHERS].objects == 1_001 - usage_module.TYPES_LIMIT
    assert usage.children()[-1] == Share("others", "", 901, 901)
    assert usage.children("d0000/") == [Share("objects", "d0000/", 1, 1), Share("others", "d0000/", 1, 5)]


def test_a_name_of_a_thousand_slashes_makes_few_folders() -> None:
    usage = Usage("b", now=NOW)
    usage.add([row_of("/" * 1_024, 5)])
    assert len(usage.folders) == usage_module.DEPTH_LIMIT + 1
    assert usage.amount().size == 5


async def test_hidden_generations_are_counted_apart() -> None:
    listing = Listing([row_of("a", 1), row_of("b", 2)])
    listing.noncurrent = [row_of("a", 10, generation=1, deleted=NOW), row_of("a", 20, generation=2, deleted=NOW)]
    listing.soft_deleted = [row_of("z", 100, deleted=NOW)]
    usage = await count(listing, "b", now=NOW)  # type: ignore[arg-type]
    assert [usage.amount(state).size for state in ("live", "noncurrent", "soft-deleted")] == [3, 30, 100]
    assert usage.unseen == set()
    only_live = await count(listing, "b", now=NOW, versions=False)  # type: ignore[arg-type]
    assert only_live.amount().size == 3
    assert only_live.unseen == {"noncurrent", "soft-deleted"}


class NoSoftDelete(Listing):
    async def list_page(self, bucket: str, query: ListQuery, token: str = "") -> ListPage:
        if query.soft_deleted:
            raise Forbidden("no")
        return await super().list_page(bucket, query, token)


async def test_what_may_not_be_listed_stays_unseen() -> None:
    usage = await count(NoSoftDelete([row_of("a", 1)]), "b", now=NOW)  # type: ignore[arg-type]
    assert (usage.complete, usage.unseen) == (True, {"soft-deleted"})


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.integers(1, 4))
async def test_what_a_rule_would_touch_does_not_depend_on_the_pages(generations: list[int], page_size: int) -> None:
    listing = Listing([row_of(f"n{index}", 1) for index in range(len(generations))], page_size=page_size)
    for index, number in enumerate(generations):
        listing.noncurrent += [row_of(f"n{index}", 1, generation=each, deleted=NOW) for each in range(1, number)]
    counted = Count(listing, "b", now=NOW, rules=[keep_versions(2)])  # type: ignore[arg-type]
    usage = await counted.run()
    expected = sum(max(0, number - 2) for number in generations)
    assert sum(amount.objects for amount in usage.touched[0].values()) == expected


def test_rules_are_estimated_by_class() -> None:
    usage = Usage("b", now=NOW, rules=(delete_after(30), move_after(1, "ARCHIVE"), delete_versions_after(1)))
    usage.add([row_of("a", 1, age_days=40), row_of("b", 2, age_days=2, storage_class="NEARLINE"), row_of("c", 4)])
    assert [{key: amount.size for key, amount in table.items()} for table in usage.touched] == [
        {"STANDARD": 1},
        {"STANDARD": 1, "NEARLINE": 2},
        {},
    ]


class Faulty(Listing):
    """Fails, or waits for ever, at one of its pages."""

    def __init__(self, found: list[ObjectRow], *, at: int, hang: bool) -> None:
        super().__init__(found, page_size=3)
        self.left = at
        self.hang = hang
        self.reached = asyncio.Event()

    async def list_page(self, bucket: str, query: ListQuery, token: str = "") -> ListPage:
        self.left -= 1
        if self.left == 0:
            self.reached.set()
            if self.hang:
                await asyncio.Event().wait()
            raise Transient("away")
        return await super().list_page(bucket, query, token)


@pytest.mark.parametrize("hang", [False, True], ids=["failed", "cancelled"])
@pytest.mark.parametrize("at", range(1, 14))
async def test_a_count_that_was_broken_off_goes_on_and_counts_nothing_twice(at: int, hang: bool) -> None:
    found = [row_of(f"{folder}/{number}", 1) for folder in "abcdef" for number in range(4)]
    listing = Faulty(found, at=at, hang=hang)
    counted = Count(listing, "b", now=NOW)  # type: ignore[arg-type]
    task = asyncio.create_task(counted.run())
    await asyncio.wait([task, asyncio.create_task(listing.reached.wait())], return_when=asyncio.FIRST_COMPLETED)
    if hang:
        task.cancel()
    await asyncio.wait([task])
    assert not counted.usage.complete
    usage = await counted.run()
    assert usage.amount().objects == 24
    assert {share.prefix: share.objects for share in usage.children()} == dict.fromkeys(
        (f"{folder}/" for folder in "abcdef"), 4
    )


async def test_ranges_are_listed_side_by_side_and_cover_every_name_once() -> None:
    seen: Counter[str] = Counter()

    class Watching(Listing):
        async def list_page(self, bucket: str, query: ListQuery, token: str = "") -> ListPage:
            page = await super().list_page(bucket, query, token)
            if not query.delimiter:
                seen.update(row.name for row in page.objects)
            return page

    found = [row_of(f"only/{folder:03}/{number}") for folder in range(70) for number in range(3)]
    found += [row_of("a"), row_of("only/x"), row_of("zzz")]
    listing = Watching(found, page_size=50)
    await count(listing, "b", "only/", now=NOW)  # type: ignore[arg-type]
    assert set(seen.values()) == {1}
    assert len(seen) == 211
    assert len({query.start_offset for query in listing.queries}) > 8


@given(found=rows)
def test_a_kept_count_comes_back_as_it_was(found: list[ObjectRow], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        usage = Usage("b", "a", NOW, (delete_after(3),), complete=True)
        usage.add([row for row in found if row.name.startswith("a")])
        usage_cache.save(Connection(), usage)
        kept = usage_cache.load(Connection(), "b", "a", NOW + 120)
    assert kept is not None
    assert kept.age_s == 120
    again = kept.usage
    assert list(again.walk()) == list(usage.walk())
    assert all(again.children(share.prefix) == usage.children(share.prefix) for share in usage.walk())
    assert (again.classes, again.ages, again.types, again.touched) == (
        usage.classes,
        usage.ages,
        usage.types,
        usage.touched,
    )
    assert (again.largest, again.oldest, again.rules) == (usage.largest, usage.oldest, usage.rules)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return usage_cache.cache_folder()


def kept_usage(bucket: str = "b") -> Usage:
    usage = Usage(bucket, now=NOW, complete=True)
    usage.add([row_of(f"d{number}/{bucket}", number) for number in range(9)])
    return usage


def test_h59_kept_counts_are_private_and_few(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_cache, "FILES_LIMIT", 3)
    monkeypatch.setattr(usage_cache, "FOLDERS_KEPT", 5)
    for number in range(6):
        usage_cache.save(Connection(), kept_usage(f"bucket-{number}"))
    files = list(cache.iterdir())
    assert len(files) == 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert cache.stat().st_mode & 0o777 == 0o700
    kept = usage_cache.load(Connection(), "bucket-5", "", NOW)
    assert kept is not None
    assert kept.usage.children()[-1] == Share("others", "", 5, 0 + 1 + 2 + 3 + 4)


def test_an_unfinished_count_and_another_connection_are_not_mixed_up(cache: Path) -> None:
    usage_cache.save(Connection(), Usage("b", now=NOW))
    assert usage_cache.load(Connection(), "b", "", NOW) is None
    usage_cache.save(Connection(), kept_usage())
    assert usage_cache.load(Connection(project="other"), "b", "", NOW) is None
    assert usage_cache.load(Connection(), "b", "d1/", NOW) is None
    usage_cache.forget(Connection(), "b")
    assert usage_cache.load(Connection(), "b", "", NOW) is None
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'{"format":1}', b'{"format":2}', b"\xff", b"[" * 100_000])
def test_h66_a_file_that_is_damaged_or_planted_is_as_if_it_were_not_there(cache: Path, data: bytes) -> None:
    usage_cache.save(Connection(), kept_usage())
    (file,) = cache.iterdir()
    good: Any = file.read_bytes()
    file.write_bytes(data)
    assert usage_cache.load(Connection(), "b", "", NOW) is None
    file.write_bytes(good.replace(b'"folders":[', b'"folders":[["x/y/",1,1,1,1],'))
    assert usage_cache.load(Connection(), "b", "", NOW) is None
    file.write_bytes(good)
    file.chmod(0o666)
    assert usage_cache.load(Connection(), "b", "", NOW) is None


def test_a_clock_that_went_back_makes_no_negative_age(cache: Path) -> None:
    usage_cache.save(Connection(), kept_usage())
    kept = usage_cache.load(Connection(), "b", "", NOW - DAY)
    assert kept is not None
    assert kept.age_s == 0
    assert cache.is_dir()
