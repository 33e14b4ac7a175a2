"""The contract of the data plane: copies, moves, joins, deletes, restores."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from services import checksum
from services.errors import (
    BucketNotFound,
    Conflict,
    ObjectNotFound,
    PreconditionFailed,
    Rejected,
    UsageError,
)
from services.gcs.interface import ANY, ListQuery
from services.localstore.server import StoreServer
from services.localstore.store import StoreOptions
from services.model import CREATE_ONLY, BucketSpec, ObjectInfo, Precondition, WriteAttributes
from tests.services.gcs.bench import BUCKET, HOSTILE, Bench, Connect, OnBench


class CopyContract(OnBench):
    """Changes that the service carries out by itself."""

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

    async def test_many_moves_have_one_answer_each_in_order(self, bench: Bench) -> None:
        sources = [await bench.put(name, name.encode()) for name in HOSTILE if len(name) < 256]
        items = [(info.name, info.generation, f"to/{info.name}") for info in sources]
        stale, there = await bench.put("stale"), await bench.put("there", b"mine")
        items += [("stale", stale.generation - 1, "x"), ("missing", 1, "y"), ("stale", stale.generation, "there")]
        *moved, old, missing, taken = await bench.data.move_many(BUCKET, items)
        assert [(one.name, one.crc32c) for one in moved if isinstance(one, ObjectInfo)] == [
            (f"to/{info.name}", info.crc32c) for info in sources
        ]
        assert isinstance(missing, ObjectNotFound)
        assert isinstance(old, PreconditionFailed)
        assert isinstance(taken, PreconditionFailed)
        assert await bench.names() == sorted(
            ["stale", "there", *(item[2] for item in items[: len(sources)])], key=str.encode
        )
        assert (await bench.data.stat(BUCKET, "there")).generation == there.generation
        with pytest.raises(UsageError):
            await bench.data.move_many(BUCKET, [("x", 1, "y")] * 101)

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

    async def test_real_folders_are_renamed_with_all_in_them_and_deleted_when_empty(self, bench: Bench) -> None:
        real, data = "real-folders", bench.data
        await bench.storage.control.create_bucket(BucketSpec(real, hierarchical_namespace=True))
        for name in ("a/b/", "a/c/", "taken/"):
            await data.create_folder(real, name)
        attributes = WriteAttributes()
        await data.insert(real, "a/b/x", b"", attributes=attributes, crc32c="AAAAAA==", precondition=ANY)
        seen = await data.stat_folder(real, "a/")
        with pytest.raises(PreconditionFailed):
            await data.rename_folder(real, "a/", "z/", metageneration=seen + 1)
        with pytest.raises(Conflict):
            await data.rename_folder(real, "a/", "taken/")
        with pytest.raises(ObjectNotFound):
            await data.rename_folder(real, "none/", "z/")
        operation = await data.rename_folder(real, "a/", "z y/", metageneration=seen)
        async with asyncio.timeout(20):
            while not operation.done:
                operation = await data.folder_operation(real, operation.name)
        assert (await data.list_folders(real, "z")).names == ["z y/", "z y/b/", "z y/c/"]
        with pytest.raises(ObjectNotFound):
            await data.stat_folder(real, "a/")
        with pytest.raises(Conflict):
            await data.delete_folder(real, "z y/b/")
        await data.delete_folder(real, "z y/c/")
        with pytest.raises(ObjectNotFound):
            await data.delete_folder(real, "z y/c/")
        with pytest.raises(ObjectNotFound):
            await data.folder_operation(real, "unknown")
        for call in (data.stat_folder(BUCKET, "a/"), data.list_folders(BUCKET, "")):
            with pytest.raises(Conflict):
                await call

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
