"""What every implementation of the data plane has to do, over real HTTP against the embedded store.

A test module subclasses `DataPlaneContract` and gives it a fixture `connect` that opens a `Storage`.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from services import checksum
from services.errors import (
    BucketNotFound,
    Conflict,
    Corrupt,
    NotModified,
    ObjectNotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
    RateLimited,
    Rejected,
    Retained,
    SessionGone,
    Transient,
    UsageError,
)
from services.gcs.interface import ANY, PART_MULTIPLE, DataPlane, ListQuery, Storage
from services.gcs.wire import Limits
from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from services.localstore.store import StoreOptions
from services.model import CREATE_ONLY, BucketSpec, ObjectInfo, Precondition, WriteAttributes

BUCKET = "contract"

QUICK = Limits(connect_s=5, answer_s=5, stall_s=1, deadline_s=10, attempts=4, backoff_s=0.001, backoff_cap_s=0.002)
"""Limits with which a fault is over at once."""

HOSTILE = [
    "a/../b",
    "//x",
    "/",
    "dir/",
    "?#%&=+ ;",
    "%2e%2e%2Fx",
    "..x/..",
    "\x1b]0;title\x07",
    "\u202egpj.exe",
    "e\u0301",
    "\u00e9",
    "a" * 1024,
    "\U0001f600" * 256,
    "\ufeff\u200b",
    "'\"<>\\|*",
    "~-._",
    "[@click=app.quit]",
]
"""Names that somebody will use one day, and that mean something to a path, a terminal or a parser."""

Connect = Callable[..., Awaitable[Storage]]


@dataclass
class Bench:
    """An open storage over a store whose faults can be planted."""

    storage: Storage
    data: DataPlane
    faults: Faults
    server: StoreServer

    async def put(self, name: str, data: bytes = b"content", **attributes: object) -> ObjectInfo:
        return await self.data.insert(
            BUCKET,
            name,
            data,
            attributes=WriteAttributes(**attributes),  # type: ignore[arg-type]
            crc32c=checksum.of(data),
            precondition=ANY,
        )

    async def get(self, name: str, **options: int | None) -> bytes:
        async with self.data.read(BUCKET, name, **options) as stream:  # type: ignore[arg-type]
            return b"".join([piece async for piece in stream])

    async def names(self, **query: object) -> list[str]:
        page = await self.data.list_page(BUCKET, ListQuery(**query))  # type: ignore[arg-type]
        return [row.name for row in page.objects]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the store, on its own thread, has come so far."""
    while True:
        if condition():
            return
        await asyncio.sleep(0.001)


class DataPlaneContract:
    """The contract; `connect(endpoint, limits)` is the subclass's."""

    @pytest.fixture
    def connect(self) -> Connect:
        raise NotImplementedError

    @pytest.fixture
    async def bench(self, connect: Connect, store_factory: Callable[..., StoreServer]) -> AsyncIterator[Bench]:
        async with self.running(connect, store_factory) as bench:
            yield bench

    @asynccontextmanager
    async def running(
        self,
        connect: Connect,
        store_factory: Callable[..., StoreServer],
        *,
        limits: Limits = QUICK,
        options: StoreOptions | None = None,
    ) -> AsyncIterator[Bench]:
        faults = Faults()
        server = store_factory(faults=faults, options=options or StoreOptions())
        async with await connect(server.endpoint, limits) as storage:
            await storage.control.create_bucket(BucketSpec(BUCKET))
            yield Bench(storage, storage.data, faults, server)

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
        assert replace(found, resource={}) == replace(written, resource={})
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

    # Preconditions.

    async def test_creating_only_does_not_replace(self, bench: Bench) -> None:
        first = await bench.put("name", b"first")
        with pytest.raises(PreconditionFailed):
            await bench.data.insert(
                BUCKET,
                "name",
                b"second",
                attributes=WriteAttributes(),
                crc32c=checksum.of(b"second"),
                precondition=CREATE_ONLY,
            )
        with pytest.raises(PreconditionFailed):
            await bench.data.start_upload(
                BUCKET, "name", size=1, attributes=WriteAttributes(), crc32c="", precondition=CREATE_ONLY
            )
        assert (await bench.data.stat(BUCKET, "name")).generation == first.generation

    async def test_only_what_was_seen_is_deleted_patched_copied_and_moved(self, bench: Bench) -> None:
        seen = await bench.put("name", b"old")
        now = await bench.put("name", b"new")
        stale = Precondition(generation=seen.generation)
        with pytest.raises(PreconditionFailed):
            await bench.data.delete(BUCKET, "name", precondition=stale)
        with pytest.raises((PreconditionFailed, ObjectNotFound)):
            await bench.data.patch(
                BUCKET, "name", {"contentType": "a/b"}, generation=seen.generation, precondition=stale
            )
        with pytest.raises(ObjectNotFound):
            await bench.data.rewrite(BUCKET, "name", seen.generation, BUCKET, "copy", precondition=CREATE_ONLY)
        with pytest.raises(PreconditionFailed):
            await bench.data.move(BUCKET, "name", seen.generation, "moved", precondition=CREATE_ONLY)
        assert [row.generation for row in (await bench.data.list_page(BUCKET, ListQuery())).objects] == [now.generation]

    async def test_nothing_newer_is_an_answer_of_its_own(self, bench: Bench) -> None:
        info = await bench.put("name")
        with pytest.raises((NotModified, PreconditionFailed)):
            await bench.data.delete(BUCKET, "name", precondition=Precondition(not_generation=info.generation))

    async def test_metadata_changes_field_by_field(self, bench: Bench) -> None:
        info = await bench.put("name", metadata={"keep": "1", "drop": "2"}, cache_control="no-store")
        changed = await bench.data.patch(
            BUCKET,
            "name",
            {"metadata": {"drop": None, "new": "3"}, "cacheControl": None, "contentType": "text/plain"},
            generation=info.generation,
            precondition=Precondition(metageneration=info.metageneration),
        )
        assert changed.metadata == {"keep": "1", "new": "3"}
        assert (changed.content_type, changed.resource.get("cacheControl")) == ("text/plain", None)
        assert (changed.generation, changed.metageneration) == (info.generation, info.metageneration + 1)
        with pytest.raises(PreconditionFailed):
            await bench.data.patch(
                BUCKET,
                "name",
                {},
                generation=info.generation,
                precondition=Precondition(metageneration=info.metageneration),
            )

    async def test_h9_bytes_that_do_not_match_their_checksum_are_refused(self, bench: Bench) -> None:
        wrong = checksum.of(b"other")
        with pytest.raises(Corrupt):
            await bench.data.insert(
                BUCKET, "name", b"bytes", attributes=WriteAttributes(), crc32c=wrong, precondition=ANY
            )
        for at_start, at_end in ((wrong, ""), ("", wrong)):
            session = await bench.data.start_upload(
                BUCKET, "name", size=5, attributes=WriteAttributes(), crc32c=at_start, precondition=ANY
            )
            with pytest.raises(Corrupt):
                await bench.data.upload_part(session, b"bytes", offset=0, total=5, crc32c=at_end)
        with pytest.raises(ObjectNotFound):
            await bench.data.stat(BUCKET, "name")

    async def test_h49_what_a_hold_protects_is_said_to_be_protected(self, bench: Bench) -> None:
        info = await bench.put("name")
        await bench.data.patch(BUCKET, "name", {"temporaryHold": True}, generation=info.generation, precondition=ANY)
        with pytest.raises(Retained):
            await bench.data.delete(BUCKET, "name", precondition=ANY)
        with pytest.raises(Retained):
            await bench.put("name", b"new")
        (outcome,) = await bench.data.delete_many(BUCKET, [("name", info.generation)])
        assert isinstance(outcome, Retained)

    # Resumable sessions.

    async def test_an_upload_in_parts_arrives_and_tells_how_far_it_is(self, bench: Bench) -> None:
        data = bytes(range(256)) * 2048 + b"tail"
        counted: list[int] = []
        session = await bench.data.start_upload(
            BUCKET,
            "big",
            size=None,
            attributes=WriteAttributes(content_type="a/b", metadata={"k": "v"}),
            crc32c="",
            precondition=CREATE_ONLY,
        )
        assert session.startswith("/")
        assert (await bench.data.upload_status(session, total=None)).received == 0
        status = await bench.data.upload_part(
            session, memoryview(data)[:PART_MULTIPLE], offset=0, total=None, progress=counted.append
        )
        assert (status.received, status.done) == (PART_MULTIPLE, None)
        assert (await bench.data.upload_status(session, total=None)).received == PART_MULTIPLE
        status = await bench.data.upload_part(
            session,
            data[PART_MULTIPLE:],
            offset=PART_MULTIPLE,
            total=len(data),
            crc32c=checksum.of(data),
            progress=counted.append,
        )
        assert status.done is not None
        assert (status.received, status.done.size, status.done.crc32c) == (len(data), len(data), checksum.of(data))
        assert (status.done.content_type, status.done.metadata) == ("a/b", {"k": "v"})
        assert sum(counted) == len(data)
        assert len(counted) >= 4
        assert await bench.get("big") == data
        again = await bench.data.upload_status(session, total=len(data))
        assert again.done is not None
        assert again.done.generation == status.done.generation

    async def test_an_overlap_is_accepted_and_a_gap_is_not(self, bench: Bench) -> None:
        data = bytes(2 * PART_MULTIPLE)
        session = await bench.data.start_upload(
            BUCKET, "big", size=len(data), attributes=WriteAttributes(), crc32c="", precondition=ANY
        )
        await bench.data.upload_part(session, data[:PART_MULTIPLE], offset=0, total=len(data))
        with pytest.raises((Rejected, Transient)):
            await bench.data.upload_part(session, data[:1], offset=len(data) - 1, total=len(data))
        status = await bench.data.upload_part(session, data, offset=0, total=len(data))
        assert status.done is not None

    async def test_h13_a_session_that_is_gone_is_said_to_be(self, bench: Bench) -> None:
        session = await bench.data.start_upload(
            BUCKET, "big", size=9, attributes=WriteAttributes(), crc32c="", precondition=ANY
        )
        await bench.data.cancel_upload(session)
        await bench.data.cancel_upload(session)
        for reference in (session, session + "x"):
            with pytest.raises(SessionGone) as caught:
                await bench.data.upload_status(reference, total=9)
            with pytest.raises(SessionGone):
                await bench.data.upload_part(reference, b"123456789", offset=0, total=9)
            assert "upload_id" not in str(caught.value) + caught.value.remedy + caught.value.url

    async def test_h7_a_lost_answer_to_the_last_part_is_found_out_by_asking(self, bench: Bench) -> None:
        session = await bench.data.start_upload(
            BUCKET, "big", size=4, attributes=WriteAttributes(), crc32c="", precondition=CREATE_ONLY
        )
        bench.faults.add(Fault("uploads.put", "reset", "after"))
        with pytest.raises(Transient) as caught:
            await bench.data.upload_part(session, b"data", offset=0, total=4)
        assert "upload_id" not in str(caught.value)
        status = await bench.data.upload_status(session, total=4)
        assert status.done is not None
        assert status.done.size == 4

    # Copies, moves, joins, deletes, restores.

    async def test_a_copy_keeps_or_replaces_the_metadata(self, bench: Bench) -> None:
        source = await bench.put("source", b"bytes", content_type="text/plain", metadata={"k": "v"})
        kept = await bench.data.rewrite(BUCKET, "source", source.generation, BUCKET, "kept", precondition=CREATE_ONLY)
        changed = await bench.data.rewrite(
            BUCKET,
            "source",
            source.generation,
            BUCKET,
            "changed",
            precondition=CREATE_ONLY,
            attributes={"contentType": "image/png", "metadata": {"n": "1"}},
        )
        assert kept.done is not None
        assert changed.done is not None
        assert (kept.token, kept.rewritten, kept.size) == ("", 5, 5)
        assert (kept.done.content_type, kept.done.metadata) == ("text/plain", {"k": "v"})
        assert (changed.done.content_type, changed.done.metadata) == ("image/png", {"n": "1"})
        assert kept.done.crc32c == changed.done.crc32c == source.crc32c

    async def test_a_large_copy_goes_on_with_its_token(
        self, connect: Connect, store_factory: Callable[..., StoreServer]
    ) -> None:
        options = StoreOptions(rewrite_bytes_per_call=1 << 20)
        async with self.running(connect, store_factory, options=options) as bench:
            data = bytes(3 << 20)
            source = await bench.put("source", data)
            token, progress = "", []
            while True:
                status = await bench.data.rewrite(
                    BUCKET, "source", source.generation, BUCKET, "copy", precondition=CREATE_ONLY, token=token
                )
                progress.append(status.rewritten)
                token = status.token
                if status.done is not None:
                    break
            assert len(progress) > 1
            assert progress == sorted(progress)
            assert status.done.crc32c == source.crc32c

    async def test_a_move_is_one_step(self, bench: Bench) -> None:
        source = await bench.put("source", b"bytes", metadata={"k": "v"})
        moved = await bench.data.move(BUCKET, "source", source.generation, "target", precondition=CREATE_ONLY)
        assert (moved.name, moved.crc32c, moved.metadata) == ("target", source.crc32c, {"k": "v"})
        assert await bench.names() == ["target"]
        with pytest.raises(ObjectNotFound):
            await bench.data.move(BUCKET, "source", source.generation, "other", precondition=CREATE_ONLY)

    async def test_parts_are_joined_in_order(self, bench: Bench) -> None:
        parts = [(name, (await bench.put(name, name.encode())).generation) for name in ("b", "a", "c")]
        joined = await bench.data.compose(
            BUCKET, parts, "all", attributes=WriteAttributes(content_type="a/b"), precondition=CREATE_ONLY
        )
        assert (joined.crc32c, joined.md5, joined.content_type) == (checksum.of(b"bac"), "", "a/b")
        assert await bench.get("all") == b"bac"
        with pytest.raises(UsageError):
            await bench.data.compose(BUCKET, [], "none", attributes=WriteAttributes(), precondition=ANY)
        stale = [("a", parts[1][1] + 1)]
        with pytest.raises((PreconditionFailed, ObjectNotFound)):
            await bench.data.compose(BUCKET, stale, "none", attributes=WriteAttributes(), precondition=ANY)

    async def test_many_deletes_have_one_answer_each_in_order(self, bench: Bench) -> None:
        items = [(name, (await bench.put(name)).generation) for name in HOSTILE]
        newer = await bench.put("kept")
        items.insert(3, ("kept", newer.generation - 1))
        items.insert(5, ("missing", 1))
        outcomes = await bench.data.delete_many(BUCKET, items)
        assert isinstance(outcomes[3], PreconditionFailed)
        assert isinstance(outcomes[5], ObjectNotFound)
        assert [outcome for index, outcome in enumerate(outcomes) if index not in (3, 5)] == [None] * len(HOSTILE)
        assert await bench.names() == ["kept"]
        assert bench.faults.calls["batch"] == 1
        assert await bench.data.delete_many(BUCKET, []) == []
        with pytest.raises(UsageError):
            await bench.data.delete_many(BUCKET, [("x", 1)] * 101)

    async def test_a_deleted_object_is_restored_and_a_lost_one_is_not(self, bench: Bench) -> None:
        info = await bench.put("name", b"bytes")
        await bench.data.delete(BUCKET, "name", precondition=Precondition(generation=info.generation))
        with pytest.raises(ObjectNotFound):
            await bench.data.delete(BUCKET, "name", precondition=ANY)
        restored = await bench.data.restore(BUCKET, "name", info.generation, precondition=CREATE_ONLY)
        assert restored.generation != info.generation
        assert await bench.get("name") == b"bytes"
        with pytest.raises(ObjectNotFound):
            await bench.data.restore(BUCKET, "never", 1, precondition=CREATE_ONLY)

    async def test_real_folders_are_created_where_there_are_any(self, bench: Bench) -> None:
        await bench.storage.control.create_bucket(BucketSpec("real-folders", hierarchical_namespace=True))
        await bench.data.create_folder("real-folders", "a/b/")
        query = ListQuery(delimiter="/", include_folders_as_prefixes=True)
        assert (await bench.data.list_page("real-folders", query)).prefixes == ["a/"]
        with pytest.raises(Conflict):
            await bench.data.create_folder("real-folders", "a/b/")
        with pytest.raises(Rejected):
            await bench.data.create_folder("real-folders", "a")
        with pytest.raises((Rejected, Conflict)):
            await bench.data.create_folder(BUCKET, "a/")

    async def test_a_missing_bucket_is_told_from_a_missing_object(self, bench: Bench) -> None:
        attributes = WriteAttributes()
        source = await bench.put("source")
        for call in (
            bench.data.list_page("nowhere", ListQuery()),
            bench.data.stat("nowhere", "x"),
            bench.data.insert("nowhere", "x", b"", attributes=attributes, crc32c="AAAAAA==", precondition=ANY),
            bench.data.start_upload("nowhere", "x", size=1, attributes=attributes, crc32c="", precondition=ANY),
            bench.data.rewrite(BUCKET, "source", source.generation, "nowhere", "x", precondition=ANY),
        ):
            with pytest.raises(BucketNotFound) as no_bucket:
                await call
            assert no_bucket.value.url == "gs://nowhere"
        for call in (bench.data.stat(BUCKET, "x"), bench.data.delete(BUCKET, "x", precondition=ANY), bench.get("x")):
            with pytest.raises(ObjectNotFound) as no_object:
                await call
            assert no_object.value.url == f"gs://{BUCKET}/x"

    # Faults.

    @pytest.mark.parametrize(
        "fault",
        [
            Fault("*", "status", status=503, count=2),
            Fault("*", "status", status=500),
            Fault("*", "status", status=408),
            Fault("*", "status", status=429, count=2),
            Fault("*", "reset"),
            Fault("*", "reset", "after"),
        ],
    )
    async def test_reads_are_tried_again(self, bench: Bench, fault: Fault) -> None:
        await bench.put("name", b"bytes")
        for operation, call in (
            ("objects.list", bench.names),
            ("objects.get", lambda: bench.data.stat(BUCKET, "name")),
            ("objects.get_media", lambda: bench.get("name")),
            ("buckets.get", lambda: bench.storage.control.get_bucket(BUCKET)),
        ):
            before = bench.faults.calls[operation]
            bench.faults.add(replace(fault, operation=operation))
            assert await call()
            assert bench.faults.calls[operation] == before + 1 + (fault.count or 0)

    async def test_reads_are_given_up_in_the_end(self, bench: Bench) -> None:
        bench.faults.add(Fault("objects.list", "status", status=503, count=None))
        with pytest.raises(Transient):
            await bench.names()
        assert bench.faults.calls["objects.list"] == QUICK.attempts

    @pytest.mark.parametrize(
        ("action", "stage"), [("status", "before"), ("status", "after"), ("reset", "before"), ("reset", "after")]
    )
    async def test_h6_h8_a_change_whose_answer_was_lost_is_sent_once(
        self, bench: Bench, action: str, stage: str
    ) -> None:
        info = await bench.put("name")
        seen = Precondition(generation=info.generation)
        attributes = WriteAttributes()
        for operation, call in (
            ("objects.insert", lambda: bench.put("other")),
            (
                "uploads.start",
                lambda: bench.data.start_upload(
                    BUCKET, "x", size=1, attributes=attributes, crc32c="", precondition=ANY
                ),
            ),
            (
                "objects.patch",
                lambda: bench.data.patch(BUCKET, "name", {}, generation=info.generation, precondition=ANY),
            ),
            (
                "objects.rewrite",
                lambda: bench.data.rewrite(BUCKET, "name", info.generation, BUCKET, "c", precondition=ANY),
            ),
            (
                "objects.compose",
                lambda: bench.data.compose(
                    BUCKET, [("name", info.generation)], "j", attributes=attributes, precondition=ANY
                ),
            ),
            ("batch", lambda: bench.data.delete_many(BUCKET, [("missing", 1)])),
            ("objects.move", lambda: bench.data.move(BUCKET, "name", info.generation, "m", precondition=ANY)),
            (
                "objects.delete",
                lambda: bench.data.delete(
                    BUCKET, "m" if stage == "after" else "name", precondition=seen if stage == "before" else ANY
                ),
            ),
        ):
            before = bench.faults.calls[operation]
            bench.faults.add(Fault(operation, action, stage))  # type: ignore[arg-type]
            with pytest.raises(Transient) as caught:
                await call()
            assert not isinstance(caught.value, RateLimited)
            assert bench.faults.calls[operation] == before + 1, operation

    async def test_h17_a_change_that_was_refused_for_its_rate_is_sent_again_after_the_pause(self, bench: Bench) -> None:
        bench.faults.add(Fault("objects.insert", "status", status=429, count=2))
        counted: list[int] = []
        data = bytes(100_000)
        await bench.data.insert(
            BUCKET,
            "name",
            data,
            attributes=WriteAttributes(),
            crc32c=checksum.of(data),
            precondition=CREATE_ONLY,
            progress=counted.append,
        )
        assert bench.faults.calls["objects.insert"] == 3
        assert sum(counted) == len(data), "no byte counts twice"

    async def test_h17_a_pause_that_is_too_long_to_wait_for_is_handed_on(self, bench: Bench) -> None:
        bench.faults.add(Fault("objects.list", "status", status=429, retry_after="77"))
        with pytest.raises(RateLimited) as caught:
            await bench.names()
        assert caught.value.retry_after_s == 77
        assert bench.faults.calls["objects.list"] == 1

    @pytest.mark.parametrize(
        "fault",
        [
            Fault("objects.get_media", "truncate", "response", at=300_000),
            Fault("objects.get_media", "reset", "response", at=300_000),
            Fault("objects.get_media", "stall", "response", at=300_000),
        ],
    )
    async def test_h2_h15_a_body_that_ends_early_breaks_or_stalls_is_never_taken_for_whole(
        self, bench: Bench, fault: Fault
    ) -> None:
        data = bytes(range(256)) * 4096
        await bench.put("big", data)
        bench.faults.add(fault)
        got = bytearray()

        async def read() -> None:
            async with bench.data.read(BUCKET, "big") as stream:
                async for piece in stream:
                    got.extend(piece)

        with pytest.raises(Transient):
            await read()
        assert 0 < len(got) < len(data)
        assert data.startswith(got)
        assert await bench.get("big", start=len(got)) == data[len(got) :], "what is missing can be asked for"

    async def test_a_wrong_byte_differs_from_the_checksum_that_came_with_it(self, bench: Bench) -> None:
        await bench.put("name", b"0123456789")
        bench.faults.add(Fault("objects.get_media", "corrupt", "response", at=4))
        async with bench.data.read(BUCKET, "name") as stream:
            got = b"".join([piece async for piece in stream])
            assert checksum.of(got) != stream.crc32c

    async def test_h24_a_damaged_listing_is_never_an_empty_one(self, bench: Bench) -> None:
        await bench.put("name")
        page = await bench.data.list_page(BUCKET, ListQuery())
        assert page.objects
        for at in range(0, 200, 3):
            bench.faults.clear()
            bench.faults.add(Fault("objects.list", "corrupt", "response", at=at))
            try:
                damaged = await bench.data.list_page(BUCKET, ListQuery())
            except Transient:
                continue
            assert damaged.objects, f"one wrong byte at {at} emptied the listing"

    async def test_an_object_replaced_while_it_is_read_is_not_mixed(self, bench: Bench) -> None:
        old, new = b"o" * 3_000_000, b"n" * 3_000_000
        info = await bench.put("name", old)
        async with bench.data.read(BUCKET, "name", generation=info.generation) as stream:
            pieces = aiter(stream)
            got = await anext(pieces)
            await bench.put("name", new)
            try:
                async for piece in pieces:
                    got += piece
            except Transient:
                pass
        assert set(got) == set(b"o")

    # Concurrency and cancelling.

    async def test_64_bodies_are_read_while_others_are_listed_and_written(self, bench: Bench) -> None:
        contents = {f"name-{number:03}": bytes([number]) * 100_000 for number in range(64)}
        await asyncio.gather(*(bench.put(name, data) for name, data in contents.items()))
        async with asyncio.TaskGroup() as group:
            reads = {name: group.create_task(bench.get(name)) for name in contents}
            lists = [group.create_task(bench.names(prefix="name-")) for _ in range(8)]
        assert {name: read.result() for name, read in reads.items()} == contents
        assert all(task.result() == sorted(contents) for task in lists)

    async def test_h16_cancelling_a_read_that_stalls_comes_back_at_once_and_closes_the_connection(
        self, connect: Connect, store_factory: Callable[..., StoreServer]
    ) -> None:
        async with self.running(connect, store_factory, limits=replace(QUICK, stall_s=120)) as bench:
            await bench.put("big", bytes(1_000_000))
            bench.faults.add(Fault("objects.get_media", "stall", "response", at=300_000))
            started = asyncio.Event()

            async def read() -> None:
                async with bench.data.read(BUCKET, "big") as stream:
                    async for _piece in stream:
                        started.set()

            task = asyncio.create_task(read())
            await started.wait()
            task.cancel()
            async with asyncio.timeout(20):
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await bench.names() == ["big"]

    async def test_leaving_a_body_early_leaves_the_storage_usable(self, bench: Bench) -> None:
        await bench.put("big", bytes(5_000_000))
        for _ in range(5):
            async with bench.data.read(BUCKET, "big") as stream:
                assert await anext(aiter(stream))
        async with bench.data.read(BUCKET, "big"):
            pass
        assert len(await bench.get("big")) == 5_000_000

    async def test_cancelling_a_request_that_is_never_answered_comes_back_at_once(
        self, connect: Connect, store_factory: Callable[..., StoreServer]
    ) -> None:
        async with self.running(connect, store_factory, limits=replace(QUICK, answer_s=120)) as bench:
            bench.faults.add(Fault("objects.get", "stall"))
            task = asyncio.create_task(bench.data.stat(BUCKET, "x"))
            await until(lambda: bench.faults.struck["objects.get"] > 0)
            task.cancel()
            async with asyncio.timeout(20):
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await bench.names() == []

    async def test_closing_ends_what_is_under_way(
        self, connect: Connect, store_factory: Callable[..., StoreServer]
    ) -> None:
        async with self.running(connect, store_factory, limits=replace(QUICK, answer_s=120, stall_s=120)) as bench:
            await bench.put("big", bytes(1_000_000))
            bench.faults.add(Fault("objects.get", "stall"))
            bench.faults.add(Fault("objects.get_media", "stall", "response", at=300_000))
            tasks = [asyncio.create_task(bench.data.stat(BUCKET, "big")), asyncio.create_task(bench.get("big"))]
            await until(lambda: min(bench.faults.struck[name] for name in ("objects.get", "objects.get_media")) > 0)
            async with asyncio.timeout(20):
                await bench.storage.close()
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(outcome, Exception) for outcome in outcomes)
