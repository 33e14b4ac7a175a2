"""The contract of the data plane: preconditions, and uploads in parts."""

from __future__ import annotations

import pytest

from services import checksum
from services.errors import (
    Corrupt,
    NotModified,
    ObjectNotFound,
    PreconditionFailed,
    Rejected,
    Retained,
    SessionGone,
    Transient,
)
from services.gcs.interface import ANY, PART_MULTIPLE, ListQuery
from services.localstore.faults import Fault
from services.model import CREATE_ONLY, Precondition, WriteAttributes
from tests.services.gcs.bench import BUCKET, Bench, OnBench


class WriteContract(OnBench):
    """Changes under preconditions, and resumable sessions."""

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
