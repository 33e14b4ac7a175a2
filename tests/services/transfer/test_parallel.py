"""Very large files in parallel parts: composed under the target's precondition, resumed, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import checksum
from services.errors import Forbidden, Rejected
from services.gcs.interface import UploadStatus
from services.localstore.faults import Fault, Faults
from services.model import ObjectInfo
from services.transfer.messages import Answer, Control, JobItem
from services.transfer.parts import COMPOSE_LIMIT, LARGEST, MIB, PREFIX, SMALLEST, Plan, is_plan, joined_crc, part_bytes
from services.transfer.streams import Streams
from tests.services.transfer.conftest import BUCKET, FAST, KIB, Lab, OpenLab, eventually, some_bytes
from tests.services.transfer.doubles import changed

ALWAYS = FAST._replace(parallel_uploads="always", parallel_from=1024 * KIB, smallest_part=512 * KIB)
"""Parts of two chunks, for files from 1 MiB on."""

SIZE = 3 * 1024 * KIB + 100
"""Seven parts, the last one of 100 bytes."""


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


@pytest.fixture
async def lab(open_lab: OpenLab) -> Lab:
    return await open_lab(options=ALWAYS)


@pytest.fixture
def data() -> bytes:
    return some_bytes(SIZE)


async def patched(lab: Lab, **changes: Any) -> None:
    info = await lab.storage.control.get_bucket(BUCKET)
    await lab.storage.control.patch_bucket(BUCKET, changes, metageneration=info.metageneration)


async def nothing_left(lab: Lab) -> None:
    assert await lab.names(PREFIX) == []


# What needs no storage.


@given(st.lists(st.binary(max_size=300), max_size=9))
def test_checksums_of_parts_join_to_that_of_the_whole(pieces: list[bytes]) -> None:
    joined = joined_crc([(checksum.decode(checksum.of(piece)), len(piece)) for piece in pieces])
    assert checksum.encode(joined) == checksum.of(b"".join(pieces))


@given(st.integers(1, 6 << 40))
def test_parts_cover_the_file_and_are_as_many_as_one_compose_joins(size: int) -> None:
    each = part_bytes(size)
    count = -(-size // each)
    assert SMALLEST <= each <= LARGEST
    assert count <= COMPOSE_LIMIT or each == LARGEST
    assert each == SMALLEST or each % MIB == 0


@given(st.integers(1, 5000), st.integers(1, 700), st.lists(st.integers(0, 2**32 - 1), max_size=20))
def test_a_plan_survives_the_journal(size: int, each: int, sums: list[int]) -> None:
    plan = Plan(size, each, seen=7, spare="s?upload_id=1")
    for part, crc in zip(plan.parts, sums, strict=False):
        part.session = "x"
        if crc % 2:
            part.finish(crc, crc)
    assert is_plan(plan.text())
    found = Plan.from_text(plan.text())
    assert (found.size, found.each, found.seen, found.tag, found.spare) == (size, each, 7, plan.tag, plan.spare)
    assert [(p.start, p.end, p.session, p.generation) for p in found.parts] == [
        (p.start, p.end, p.session, p.generation) for p in plan.parts
    ]
    assert [p.crc.value for p in found.parts if p.done] == [p.crc.value for p in plan.parts if p.done]
    assert found.parts[-1].end == size


class Line:
    """A line that carries `rate` for each stream and `most` in all, on a clock of its own."""

    def __init__(self, rate: float, most: float) -> None:
        self.rate, self.most = rate, most
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def drive(self, streams: Streams, chunks: int = 200) -> None:
        streams.began()
        for _ in range(chunks):
            self.now += 4.0 / min(self.most, self.rate * streams.wanted)
            streams.ended(4)


@pytest.mark.parametrize(
    ("rate", "most", "faster", "wanted"),
    [(25.0, 10_000.0, True, 12), (25.0, 100.0, True, 4), (25.0, 25.0, False, 1), (25.0, 29.0, False, 2)],
)
def test_there_are_more_streams_while_that_moves_more(rate: float, most: float, faster: bool, wanted: int) -> None:
    line = Line(rate, most)
    streams = Streams(12, rate, line.clock)
    line.drive(streams)
    assert streams.faster is faster
    assert streams.wanted == wanted


def test_after_a_fault_there_are_fewer_streams() -> None:
    streams = Streams(12)
    Line(25.0, 10_000.0).drive(streams)
    before = streams.wanted
    streams.broke_off()
    assert 1 <= streams.wanted < before


# Whole uploads.


async def test_a_large_file_goes_up_in_parts_and_is_composed(lab: Lab, data: bytes) -> None:
    end = await lab.run("upload", JobItem(str(lab.file("big.txt", data)), at("big.txt")))
    assert end.job.state == "done", end.job.reason
    assert await lab.get("big.txt") == data
    assert lab.faults.calls["uploads.start"] == 7
    assert lab.faults.calls["objects.compose"] == 1
    info = await lab.storage.data.stat(BUCKET, "big.txt")
    assert info.crc32c == checksum.of(data) == lab.items()[0].crc32c
    assert info.content_type == "text/plain"
    assert "goog-reserved-file-mtime" in info.metadata
    await nothing_left(lab)


async def test_many_parts_are_composed_in_steps(open_lab: OpenLab) -> None:
    lab = await open_lab(options=ALWAYS._replace(smallest_part=256 * KIB))
    lab.faults.clear()
    data = some_bytes(9 * 1024 * KIB)
    plan_bytes = 256 * KIB
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.transfer.parallel.part_bytes", lambda *_: plan_bytes)
        end = await lab.run("upload", JobItem(str(lab.file("big", data)), at("big")))
    assert end.job.state == "done", end.job.reason
    assert await lab.get("big") == data
    # 36 parts: two steps, and the last one.
    assert lab.faults.calls["objects.compose"] == 3
    await nothing_left(lab)


async def test_a_step_that_an_earlier_process_made_is_used(open_lab: OpenLab) -> None:
    lab = await open_lab(options=ALWAYS)
    lab.faults.add(Fault("objects.compose", "status", "after", count=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.transfer.parallel.part_bytes", lambda *_: 256 * KIB)
        end = await lab.run("upload", JobItem(str(lab.file("big", some_bytes(9 * 1024 * KIB))), at("big")))
    assert end.job.state == "done", end.job.reason
    assert lab.faults.calls["objects.compose"] == 4
    await nothing_left(lab)


@pytest.mark.parametrize("operation", ["uploads.start", "uploads.put", "objects.compose"])
@pytest.mark.parametrize("stage", ["before", "after"])
@pytest.mark.parametrize("action", ["status", "reset"])
async def test_lost_requests_and_answers_make_one_right_object(
    lab: Lab, data: bytes, operation: str, stage: Any, action: Any
) -> None:
    lab.faults.add(Fault(operation, action, stage, skip=1 if operation != "objects.compose" else 0))
    end = await lab.run("upload", JobItem(str(lab.file("big", data)), at("big")))
    assert end.job.state == "done", end.job.reason
    assert await lab.get("big") == data
    assert len(await lab.names("big", versions=True)) == 1
    await nothing_left(lab)


@pytest.mark.parametrize("seed", range(4))
async def test_a_storm_of_faults_ends_in_one_right_object(open_lab: OpenLab, data: bytes, seed: int) -> None:
    faults = Faults(seed=seed)
    lab = await open_lab(options=ALWAYS._replace(max_attempts=30, max_corrupt=30), faults=faults)
    for action, stage in (("status", "before"), ("status", "after"), ("reset", "before"), ("reset", "after")):
        for operation in ("uploads.start", "uploads.put", "objects.compose", "objects.get", "objects.list", "batch"):
            faults.add(Fault(operation, action, stage, count=None, probability=0.07))  # type: ignore[arg-type]
    end = await lab.run("upload", JobItem(str(lab.file("big", data)), at("big")))
    faults.clear()
    assert end.job.state == "done", end.job.reason
    assert await lab.get("big") == data
    assert len(await lab.names("big", versions=True)) == 1
    await nothing_left(lab)


async def test_h06_a_lost_answer_to_the_compose_is_read_back_and_nothing_is_composed_twice(
    lab: Lab, data: bytes
) -> None:
    lab.faults.add(Fault("objects.compose", "reset", "after"))
    await lab.put("big", b"old")
    lab.faults.calls.clear()
    end = await lab.run("upload", JobItem(str(lab.file("big", data)), at("big")))
    assert end.job.state == "done", end.job.reason
    assert lab.faults.calls["objects.compose"] == 1
    assert await lab.get("big") == data


async def test_a_target_that_somebody_changed_meanwhile_is_not_overwritten(lab: Lab, data: bytes) -> None:
    await lab.put("big", b"old")
    lab.faults.add(Fault("objects.compose", "latency", "before", seconds=0.5))
    job = await lab.start("upload", JobItem(str(lab.file("big", data)), at("big")))
    await eventually(lambda: lab.faults.calls["objects.compose"])
    await lab.overwrite("big", b"theirs")
    end = await lab.ended(job)
    assert end.job.state == "failed"
    assert lab.items(job)[0].code == "precondition-failed"
    assert await lab.get("big") == b"theirs"
    await eventually(lambda: gone(lab))


async def gone(lab: Lab) -> bool:
    return await lab.names(PREFIX) == []


@pytest.mark.parametrize(("policy", "expected"), [("replace", True), ("skip", False)])
async def test_a_target_that_comes_meanwhile_is_asked_about_and_the_parts_wait_for_the_answer(
    lab: Lab, data: bytes, policy: Any, expected: bool
) -> None:
    lab.faults.add(Fault("objects.compose", "latency", "before", seconds=0.5))
    job = await lab.start("upload", JobItem(str(lab.file("big", data)), at("big")), conflict="ask")
    await eventually(lambda: lab.faults.calls["objects.compose"])
    await lab.put("big", b"theirs")
    await eventually(lab.conflicts)
    puts = lab.faults.calls["uploads.put"]
    await lab.engine.submit(Answer(job, policy))
    assert (await lab.ended(job)).job.state == "done"
    assert (await lab.get("big") == data) is expected
    assert lab.faults.calls["uploads.put"] == puts
    await eventually(lambda: gone(lab))


async def test_h10_a_file_that_changes_is_uploaded_again_and_never_torn(open_lab: OpenLab, data: bytes) -> None:
    other = some_bytes(SIZE, 2)
    path: Path

    async def upload_part(real: Callable[..., Awaitable[UploadStatus]], *args: Any, **kwargs: Any) -> UploadStatus:
        nonlocal touched
        if not touched:
            touched = True
            await asyncio.to_thread(path.write_bytes, other)
        return await real(*args, **kwargs)

    touched = False
    lab = await open_lab(options=ALWAYS._replace(open_storage=changed(upload_part=upload_part)))
    path = lab.file("big", data)
    end = await lab.run("upload", JobItem(str(path), at("big")))
    assert end.job.state == "done", end.job.reason
    assert await lab.get("big") == other
    await nothing_left(lab)


async def test_h09_a_part_that_arrives_damaged_is_the_only_one_that_is_sent_again(open_lab: OpenLab) -> None:
    data = some_bytes(SIZE)
    struck = 0
    sent: Counter[bytes] = Counter()

    async def upload_part(
        real: Callable[..., Awaitable[UploadStatus]], session: str, pieces: Any, **kwargs: Any
    ) -> UploadStatus:
        nonlocal struck
        if kwargs["offset"] == 0:
            sent[b"".join(pieces)[:64]] += 1
        if kwargs["offset"] == 0 and not struck:
            struck = 1
            pieces = [b"X" * len(piece) for piece in pieces]
        return await real(session, pieces, **kwargs)

    lab = await open_lab(options=ALWAYS._replace(open_storage=changed(upload_part=upload_part)))
    end = await lab.run("upload", JobItem(str(lab.file("big", data)), at("big")))
    assert end.job.state == "done", end.job.reason
    assert await lab.get("big") == data
    assert lab.faults.calls["uploads.start"] == 8
    assert len(sent) == 7
    assert sorted(sent.values()) == [1] * 6 + [2]
    await nothing_left(lab)


@pytest.mark.parametrize("error", [Rejected("no compose here"), Forbidden("no")])
async def test_where_nothing_can_be_composed_it_goes_up_in_one_stream(
    open_lab: OpenLab, data: bytes, error: Exception
) -> None:
    async def compose(_: Any, *_args: Any, **_kwargs: Any) -> ObjectInfo:
        raise error

    lab = await open_lab(options=ALWAYS._replace(open_storage=changed(compose=compose)))
    end = await lab.run("upload", JobItem(str(lab.file("big", data)), at("big")))
    assert end.job.state == "done", end.job.reason
    assert await lab.get("big") == data
    await nothing_left(lab)


async def test_a_cancelled_upload_leaves_no_part_and_no_session(lab: Lab, data: bytes) -> None:
    lab.faults.add(Fault("objects.compose", "stall", "before", count=None))
    job = await lab.start("upload", JobItem(str(lab.file("big", data)), at("big")))
    await eventually(lambda: lab.faults.calls["objects.compose"])
    assert len(await lab.names(PREFIX)) == 7
    await lab.engine.submit(Control("cancel", job))
    assert (await lab.ended(job)).job.state == "cancelled"
    await eventually(lambda: gone(lab))
    assert await lab.names("big") == []


@pytest.mark.parametrize("worker", [True, False])
async def test_parts_that_could_not_be_removed_are_removed_at_the_next_start(
    open_lab: OpenLab, data: bytes, worker: bool
) -> None:
    lab = await open_lab(options=ALWAYS, worker=worker)
    lab.faults.add(Fault("objects.compose", "stall", "before", count=None))
    job = await lab.start("upload", JobItem(str(lab.file("big", data)), at("big")))
    await eventually(lambda: lab.faults.calls["objects.compose"])
    lab.faults.add(Fault("batch", "status", "before", count=None))
    lab.faults.add(Fault("objects.list", "status", "before", status=403, count=None))
    lab.faults.add(Fault("objects.delete", "status", "before", count=None))
    await lab.engine.submit(Control("cancel", job))
    assert (await lab.ended(job)).job.state == "cancelled"
    await lab.engine.close()
    lab.faults.clear()
    assert len(await lab.names(PREFIX)) == 7
    again = await open_lab(options=ALWAYS, worker=True, server=lab.server, faults=lab.faults)
    await eventually(lambda: gone(again))


async def test_an_upload_goes_on_with_its_parts_after_a_restart(open_lab: OpenLab, data: bytes, tmp_path: Path) -> None:
    state = tmp_path / "shared"
    lab = await open_lab(options=ALWAYS, state=state, worker=True)
    lab.faults.add(Fault("uploads.put", "stall", "before", skip=9, count=None, seconds=2))
    await lab.start("upload", JobItem(str(lab.file("big", data)), at("big")))
    await eventually(lambda: lab.faults.calls["uploads.put"] >= 10)
    await lab.engine.close()
    lab.faults.clear()
    starts, puts = lab.faults.calls["uploads.start"], lab.faults.calls["uploads.put"]
    again = await open_lab(options=ALWAYS, state=state, worker=True, server=lab.server, faults=lab.faults)
    await eventually(lambda: again.items() and again.items()[0].state == "done")
    assert await again.get("big") == data
    assert lab.faults.calls["uploads.start"] <= 7
    assert starts <= lab.faults.calls["uploads.start"]
    # Thirteen chunks in all, and nothing that had arrived is sent again: at most one chunk and one question a stream.
    assert lab.faults.calls["uploads.put"] - puts <= 13 - 9 + 2 * 2 + 2
    await nothing_left(again)


# When it is done, and when not.

AUTO = ALWAYS._replace(parallel_uploads="auto", parallel_worth_s=0.0)
"""Parts wherever the bucket allows them; that two streams carry more is for the trial to find out."""


async def test_the_single_stream_goes_on_where_parts_are_not_faster(
    open_lab: OpenLab, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.transfer.streams.FASTER", 1e9)
    lab = await open_lab(options=AUTO)
    end = await lab.run("upload", JobItem(str(lab.file("big", data)), at("big")))
    assert end.job.state == "done", end.job.reason
    assert await lab.get("big") == data
    assert lab.faults.calls["objects.compose"] == 0
    # One session of its own, and those of the trial.
    assert 2 <= lab.faults.calls["uploads.start"] <= 5
    await nothing_left(lab)


async def test_a_trial_that_pays_ends_in_parts(open_lab: OpenLab, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.transfer.streams.FASTER", 0.0)
    lab = await open_lab(options=AUTO)
    end = await lab.run("upload", JobItem(str(lab.file("big", data)), at("big")))
    assert end.job.state == "done", end.job.reason
    assert await lab.get("big") == data
    assert lab.faults.calls["objects.compose"] == 1
    assert lab.faults.calls["uploads.start"] == 8
    assert lab.faults.calls["uploads.cancel"] == 1
    await nothing_left(lab)


@pytest.mark.parametrize(
    "settings",
    [{"versioning": {"enabled": True}}, {"storageClass": "NEARLINE"}, {"defaultEventBasedHold": True}],
)
async def test_nothing_is_tried_where_parts_would_cost_or_stay(
    open_lab: OpenLab, data: bytes, settings: dict[str, Any]
) -> None:
    lab = await open_lab(options=AUTO)
    await patched(lab, **settings)
    end = await lab.run("upload", JobItem(str(lab.file("big", data)), at("big")))
    assert end.job.state == "done", end.job.reason
    assert lab.faults.calls["objects.compose"] == 0
    assert lab.faults.calls["uploads.start"] == 1


async def test_never_means_never(open_lab: OpenLab, data: bytes) -> None:
    lab = await open_lab(options=AUTO)
    end = await lab.run("upload", JobItem(str(lab.file("big", data)), at("big")), parallel_uploads="never")
    assert end.job.state == "done"
    assert lab.faults.calls["uploads.start"] == 1
    assert lab.faults.calls["buckets.get"] == 0


async def test_a_line_that_is_known_is_not_measured_again(
    open_lab: OpenLab, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.transfer.streams.FASTER", 0.0)
    lab = await open_lab(options=AUTO)
    for name in ("one", "two"):
        assert (await lab.run("upload", JobItem(str(lab.file(name, data)), at(name)))).job.state == "done"
    assert lab.faults.calls["uploads.cancel"] == 1
    assert lab.faults.calls["objects.compose"] == 2
    assert lab.faults.calls["buckets.get"] == 1
