"""The contract of the data plane: what is written comes back, and is listed."""

from __future__ import annotations

import gzip
import itertools
from datetime import datetime

import pytest

from services import checksum
from services.errors import (
    ObjectNotFound,
    RangeNotSatisfiable,
    Rejected,
    UsageError,
)
from services.gcs.interface import ANY, ListQuery
from services.model import CREATE_ONLY, ObjectRow, WriteAttributes
from tests.services.gcs.bench import BUCKET, HOSTILE, Bench, OnBench


class ReadContract(OnBench):
    """Reads and lists."""

    # What is written comes back.

    async def test_an_object_comes_back_as_it_was_written(self, bench: Bench) -> None:
        data = bytes(range(256)) * 100
        written = await bench.put(
            "name",
            data,
            content_type="text/x-\u00fc",
            cache_control="no-store",
            content_disposition="attachment",
            content_language="de",
            metadata={"goog-reserved-file-mtime": "12.5", "k\u00e9y": "v\u00e4lue"},
        )
        found = await bench.data.stat(BUCKET, "name")
        assert found._replace(resource={}) == written._replace(resource={})
        assert (found.size, found.crc32c, found.mtime) == (len(data), checksum.of(data), 12.5)
        assert found.content_type == "text/x-\u00fc"
        assert found.metadata["k\u00e9y"] == "v\u00e4lue"
        assert found.resource["cacheControl"] == "no-store"
        assert await bench.get("name") == data

    @pytest.mark.parametrize("name", HOSTILE)
    async def test_h55_h56_hostile_names_are_only_names(self, bench: Bench, name: str) -> None:
        await bench.put("bystander", b"untouched")
        written = await bench.put(name, name.encode())
        assert written.name == name
        assert (await bench.data.stat(BUCKET, name)).generation == written.generation
        assert await bench.get(name) == name.encode()
        assert name in await bench.names(prefix=name)
        session = await bench.data.start_upload(
            BUCKET, name, size=0, attributes=WriteAttributes(), crc32c="", precondition=ANY
        )
        status = await bench.data.upload_part(session, b"", offset=0, total=0)
        assert status.done is not None
        assert (status.done.name, status.done.size) == (name, 0)
        copy = await bench.data.rewrite(BUCKET, name, status.done.generation, BUCKET, "copy", precondition=CREATE_ONLY)
        assert copy.done is not None
        if not name.endswith("/"):
            moved = await bench.data.move(BUCKET, "copy", copy.done.generation, "x" + name[:-1], precondition=ANY)
            assert moved.name == "x" + name[:-1]
        assert await bench.data.delete_many(BUCKET, [(name, status.done.generation)]) == [None]
        with pytest.raises(ObjectNotFound):
            await bench.data.stat(BUCKET, name)
        assert await bench.get("bystander") == b"untouched"

    @pytest.mark.parametrize(
        "name", ["", ".", "..", "a\nb", "a\rb", "x" * 1025, "\ud800", ".well-known/acme-challenge/x"]
    )
    async def test_names_that_the_service_refuses_never_leave(self, bench: Bench, name: str) -> None:
        before = sum(bench.faults.calls.values())
        for call in (
            bench.data.stat(BUCKET, name),
            bench.put(name),
            bench.data.delete(BUCKET, name, precondition=ANY),
            bench.data.delete_many(BUCKET, [(name, 1)]),
            bench.get(name),
        ):
            with pytest.raises(Rejected):
                await call
        assert sum(bench.faults.calls.values()) == before

    @pytest.mark.parametrize(
        ("start", "end", "expected"),
        [
            (0, None, "0123456789"),
            (3, None, "3456789"),
            (3, 5, "34"),
            (0, 1, "0"),
            (-4, None, "6789"),
            (-99, None, "0123456789"),
            (8, 99, "89"),
        ],
    )
    async def test_ranges_are_read(self, bench: Bench, start: int, end: int | None, expected: str) -> None:
        info = await bench.put("digits", b"0123456789")
        async with bench.data.read(BUCKET, "digits", start=start, end=end) as stream:
            assert (stream.generation, stream.size, stream.crc32c) == (info.generation, 10, info.crc32c)
            assert b"".join([piece async for piece in stream]) == expected.encode()

    @pytest.mark.parametrize("size", [1, 7, 30_000, 1_000_000])
    async def test_a_body_fills_memory_of_the_caller(self, bench: Bench, size: int) -> None:
        data = bytes(range(256)) * (3 if size < 100 else 1000)
        await bench.put("name", data)
        found, counted, view = bytearray(), [], memoryview(bytearray(size))
        async with bench.data.read(BUCKET, "name") as stream:
            while count := await stream.fill(view, counted.append):
                assert count == size or len(found) + count == len(data)
                found += view[:count]
        assert found == data
        assert sum(counted) == len(data)

    @pytest.mark.parametrize(("start", "end"), [(10, None), (99, None), (5, 5), (7, 3)])
    async def test_ranges_outside_the_object_are_said_to_be(self, bench: Bench, start: int, end: int | None) -> None:
        await bench.put("digits", b"0123456789")
        with pytest.raises(RangeNotSatisfiable):
            await bench.get("digits", start=start, end=end)

    async def test_a_range_from_the_end_with_an_end_makes_no_sense(self, bench: Bench) -> None:
        with pytest.raises(UsageError):
            await bench.get("digits", start=-3, end=5)

    async def test_an_empty_object_is_read(self, bench: Bench) -> None:
        await bench.put("empty", b"")
        assert await bench.get("empty") == b""

    async def test_h20_gzip_arrives_as_it_is_stored(self, bench: Bench) -> None:
        packed = gzip.compress(b"text " * 1000)
        await bench.put("packed", packed, content_encoding="gzip", content_type="text/plain")
        async with bench.data.read(BUCKET, "packed") as stream:
            assert (stream.content_encoding, stream.size, stream.crc32c) == ("gzip", len(packed), checksum.of(packed))
            assert b"".join([piece async for piece in stream]) == packed
        assert await bench.get("packed", start=2, end=9) == packed[2:9]

    async def test_a_generation_that_was_replaced_is_not_read_instead_of_the_new_one(self, bench: Bench) -> None:
        old = await bench.put("name", b"old")
        new = await bench.put("name", b"new")
        assert await bench.get("name", generation=new.generation) == b"new"
        for call in (
            bench.get("name", generation=old.generation),
            bench.data.stat(BUCKET, "name", generation=old.generation),
        ):
            with pytest.raises(ObjectNotFound):
                await call

    # Lists.

    async def test_pages_follow_each_other_in_byte_order(self, bench: Bench) -> None:
        names = sorted(["a", "a/1", "a/2", "b", "c/1", "\u00e9", "\U0001f600", "z"], key=str.encode)
        for name in names:
            await bench.put(name)
        found: list[str] = []
        token = ""
        for _ in itertools.count():
            page = await bench.data.list_page(BUCKET, ListQuery(page_size=3), token)
            assert len(page.objects) <= 3
            found += [row.name for row in page.objects]
            token = page.next_token
            if not token:
                break
        assert found == names

    async def test_a_delimiter_folds_what_lies_deeper(self, bench: Bench) -> None:
        for name in ("a", "a/", "a/1", "a/b/2", "c/3", "//x"):
            await bench.put(name)
        page = await bench.data.list_page(BUCKET, ListQuery(delimiter="/"))
        assert ([row.name for row in page.objects], page.prefixes) == (["a"], ["/", "a/", "c/"])
        page = await bench.data.list_page(BUCKET, ListQuery(delimiter="/", include_trailing_delimiter=True))
        assert [row.name for row in page.objects] == ["a", "a/"]
        page = await bench.data.list_page(BUCKET, ListQuery(prefix="a/", delimiter="/"))
        assert ([row.name for row in page.objects], page.prefixes) == (["a/", "a/1"], ["a/b/"])

    async def test_offsets_and_globs_select(self, bench: Bench) -> None:
        for name in ("a.txt", "b.txt", "c.png", "d/e.txt"):
            await bench.put(name)
        assert await bench.names(start_offset="b", end_offset="d") == ["b.txt", "c.png"]
        assert await bench.names(match_glob="*.txt") == ["a.txt", "b.txt"]
        assert await bench.names(match_glob="**.txt") == ["a.txt", "b.txt", "d/e.txt"]

    async def test_a_row_says_what_a_list_needs(self, bench: Bench) -> None:
        info = await bench.put("name", b"x", content_type="text/plain", metadata={"goog-reserved-file-mtime": "7"})
        page = await bench.data.list_page(BUCKET, ListQuery())
        assert page.objects == [info.row()]
        assert page.objects[0].mtime == 7.0

    async def test_old_generations_and_deleted_objects_are_listed_when_asked_for(self, bench: Bench) -> None:
        bucket = await bench.storage.control.get_bucket(BUCKET)
        await bench.storage.control.patch_bucket(
            BUCKET, {"versioning": {"enabled": True}}, metageneration=bucket.metageneration
        )
        old = await bench.put("name", b"old")
        new = await bench.put("name", b"new")
        page = await bench.data.list_page(BUCKET, ListQuery(versions=True))
        assert [(row.generation, row.deleted is not None) for row in page.objects] == [
            (old.generation, True),
            (new.generation, False),
        ]
        assert await bench.get("name", generation=old.generation) == b"old"
        await bench.data.delete(BUCKET, "name", generation=old.generation, precondition=ANY)
        page = await bench.data.list_page(BUCKET, ListQuery(soft_deleted=True))
        assert [row.generation for row in page.objects] == [old.generation]
        assert page.objects[0].deleted is not None

    async def test_a_brief_page_says_what_is_printed(self, bench: Bench) -> None:
        info = await bench.put("name", b"xyz")
        await bench.put("other")
        page = await bench.data.list_brief(BUCKET, ListQuery(page_size=1))
        (row,) = page.objects
        assert (row[0], row[1], row[3]) == ("name", "3", "STANDARD")
        assert datetime.fromisoformat(row[2]).timestamp() == info.updated
        (other,) = (await bench.data.list_brief(BUCKET, ListQuery(page_size=1), page.next_token)).objects
        assert other[0] == "other"

    async def test_a_page_that_is_compared_is_read_only_where_it_is_another_one(self, bench: Bench) -> None:
        info = await bench.put("name", b"xyz", metadata={"goog-reserved-file-mtime": "12"})
        await bench.put("other")
        query = ListQuery(page_size=1)
        first = await bench.data.list_versions(BUCKET, query)
        assert first.objects == [("name", 3, info.generation, info.crc32c, "12")]
        again = await bench.data.list_versions(BUCKET, query, known=first.digest)
        assert again == (None, "", first.digest)
        second = await bench.data.list_versions(BUCKET, query, first.next_token, known=first.digest)
        assert [row[0] for row in second.objects or ()] == ["other"]
        await bench.put("name", b"new")
        changed = await bench.data.list_versions(BUCKET, query, known=first.digest)
        assert [row[1] for row in changed.objects or ()] == [3]
        assert changed.digest != first.digest

    async def test_a_page_that_is_compared_may_leave_out_the_times_of_files(self, bench: Bench) -> None:
        info = await bench.put("name", b"xyz", metadata={"goog-reserved-file-mtime": "12"})
        page = await bench.data.list_versions(BUCKET, ListQuery(timeless=True))
        assert page.objects == [("name", 3, info.generation, info.crc32c, "")]

    async def test_a_slim_page_says_what_transfers_need_to_know(self, bench: Bench) -> None:
        info = await bench.put("a", b"xyz", metadata={"goog-reserved-file-mtime": "12"}, content_encoding="gzip")
        other = await bench.put("b/c")
        page = await bench.data.list_page(BUCKET, ListQuery(page_size=1, slim=True))
        assert page.objects == [ObjectRow("a", 3, 0.0, info.generation, 1, info.crc32c, "", "", 12.0, "gzip")]
        page = await bench.data.list_page(BUCKET, ListQuery(page_size=1, slim=True), page.next_token)
        assert [(row.name, row.generation, row.mtime) for row in page.objects] == [("b/c", other.generation, None)]
        assert (await bench.data.list_page(BUCKET, ListQuery(delimiter="/", slim=True))).prefixes == ["b/"]

    async def test_a_small_object_is_fetched_whole_as_stored(self, bench: Bench) -> None:
        packed = gzip.compress(b"text " * 100)
        old = await bench.put("packed", b"old")
        info = await bench.put("packed", packed, content_encoding="gzip", content_type="text/plain")
        found = await bench.data.fetch(BUCKET, "packed", generation=info.generation)
        assert found == (info.generation, len(packed), checksum.of(packed), "gzip", packed)
        assert (await bench.data.fetch(BUCKET, (await bench.put("none", b"")).name)).content == b""
        with pytest.raises(ObjectNotFound):
            await bench.data.fetch(BUCKET, "packed", generation=old.generation)
