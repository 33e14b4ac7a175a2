"""The contract of the data plane: faults, concurrency, cancelling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from services import checksum
from services.errors import BucketNotFound, PreconditionFailed, RateLimited, Transient
from services.gcs.interface import ANY, ListQuery
from services.localstore.faults import Fault
from services.localstore.server import StoreServer
from services.model import CREATE_ONLY, Precondition, WriteAttributes
from tests.services.gcs.bench import BUCKET, QUICK, Bench, Connect, OnBench, until


class FaultContract(OnBench):
    """What comes of a network that fails."""

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
        async with self.running(connect, store_factory, limits=QUICK._replace(stall_s=120)) as bench:
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
        async with self.running(connect, store_factory, limits=QUICK._replace(answer_s=120)) as bench:
            bench.faults.add(Fault("objects.get", "stall"))
            task = asyncio.create_task(bench.data.stat(BUCKET, "x"))
            await until(lambda: bench.faults.struck["objects.get"] > 0)
            task.cancel()
            async with asyncio.timeout(20):
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await bench.names() == []

    async def test_cancelling_an_upload_that_nobody_takes_comes_back_at_once(
        self, connect: Connect, store_factory: Callable[..., StoreServer]
    ) -> None:
        async with self.running(connect, store_factory, limits=QUICK._replace(connect_s=120, answer_s=120)) as bench:
            data = bytes(32 << 20)  # more than the sockets hold between them
            session = await bench.data.start_upload(
                BUCKET, "big", size=len(data), attributes=WriteAttributes(), crc32c="", precondition=ANY
            )
            bench.faults.add(Fault("uploads.put", "stall", "request", at=100_000, seconds=0.5))
            task = asyncio.create_task(bench.data.upload_part(session, data, offset=0, total=len(data)))
            await until(lambda: bench.faults.struck["uploads.put"] > 0)
            task.cancel()
            async with asyncio.timeout(20):
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await bench.names() == []

    async def test_a_refusal_that_comes_before_the_body_was_taken_is_still_heard(self, bench: Bench) -> None:
        data = bytes(8 << 20)
        await bench.put("name")
        with pytest.raises(PreconditionFailed):
            await bench.data.insert(
                BUCKET,
                "name",
                data,
                attributes=WriteAttributes(),
                crc32c=checksum.of(data),
                precondition=CREATE_ONLY,
            )
        with pytest.raises(BucketNotFound):
            await bench.data.insert(
                "nowhere", "name", data, attributes=WriteAttributes(), crc32c=checksum.of(data), precondition=ANY
            )
        assert (await bench.data.stat(BUCKET, "name")).size == len(b"content")

    async def test_closing_ends_what_is_under_way(
        self, connect: Connect, store_factory: Callable[..., StoreServer]
    ) -> None:
        async with self.running(connect, store_factory, limits=QUICK._replace(answer_s=120, stall_s=120)) as bench:
            await bench.put("big", bytes(1_000_000))
            bench.faults.add(Fault("objects.get", "stall"))
            bench.faults.add(Fault("objects.get_media", "stall", "response", at=300_000))
            tasks = [asyncio.create_task(bench.data.stat(BUCKET, "big")), asyncio.create_task(bench.get("big"))]
            await until(lambda: min(bench.faults.struck[name] for name in ("objects.get", "objects.get_media")) > 0)
            async with asyncio.timeout(20):
                await bench.storage.close()
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(outcome, Exception) for outcome in outcomes)
