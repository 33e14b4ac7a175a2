"""One suite over both transports: an engine in this process, and one behind the worker's socket."""

from __future__ import annotations

import asyncio

import pytest

from services.errors import NotFound, PailError, UsageError
from services.localstore.faults import Fault
from services.transfer.messages import Answer, Control, JobItem, SetBandwidth, Snapshot, SnapshotQuery, Submit
from tests.services.transfer.conftest import BUCKET, KIB, Lab, OpenLab, eventually, some_bytes
from tests.services.worker.conftest import open_served


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


@pytest.fixture(params=["in-process", "socket"])
async def either(request: pytest.FixtureRequest, open_lab: OpenLab) -> Lab:
    return await open_lab(open_client=open_served if request.param == "socket" else None)


async def test_a_job_is_taken_carried_out_and_reported(either: Lab) -> None:
    path = either.file("a b", b"x" * 100)
    end = await either.run("upload", JobItem(str(path), at("a b")), origin="test")
    assert (end.job.state, end.job.items, end.job.bytes, end.job.origin) == ("done", 1, 100, "test")
    assert [(item.action, item.state, item.size) for item in either.items(end.job.id)] == [("upload", "done", 100)]
    assert await either.get("a b") == b"x" * 100


async def test_failures_name_the_item_the_cause_and_the_remedy(either: Lab) -> None:
    end = await either.run("download", JobItem(at("none"), str(either.folder / "x")))
    assert (end.job.state, end.job.failed) == ("failed", 1)
    item = either.items(end.job.id)[0]
    assert (item.state, item.code) == ("failed", "object-not-found")
    assert item.reason
    assert item.remedy


async def test_nonsense_is_refused_when_it_is_submitted(either: Lab) -> None:
    with pytest.raises(UsageError):
        await either.start("upload")
    with pytest.raises(UsageError):
        await either.start("upload", JobItem("relative", at("x")))
    with pytest.raises(UsageError):
        await either.start("copy", JobItem(at("a/"), at("a/b/"), tree=True))
    with pytest.raises(NotFound):
        await either.engine.submit(Control("pause", "999"))
    assert (await either.engine.snapshot()).jobs == ()


async def test_a_dry_run_names_every_item_and_changes_nothing(either: Lab) -> None:
    either.file("t/a", b"1")
    either.file("t/b", b"22")
    end = await either.run("upload", JobItem(str(either.folder / "t"), at("t/"), tree=True), dry_run=True)
    assert (end.job.state, end.job.items, end.job.size) == ("done", 2, 3)
    assert sorted((item.target, item.state) for item in either.items(end.job.id)) == [
        (at("t/a"), "queued"),
        (at("t/b"), "queued"),
    ]
    assert await either.names() == []
    assert (await either.engine.snapshot()).jobs == ()


async def test_pause_and_resume_a_job(either: Lab) -> None:
    data = some_bytes(3 * 1024 * KIB)
    path = either.file("big", data)
    job = await either.start("upload", JobItem(str(path), at("big")), bandwidth=2 * 1024 * KIB)
    await eventually(lambda: moved(either, job))
    assert (await either.engine.submit(Control("pause", job))).affected == 1

    async def at_rest() -> bool:
        # The job is called paused at once, what runs of it once it has let go.
        paused = await state_is(either, job, "paused")
        return paused is not None and paused.transfers[0].state == "paused" and paused.transfers[0].bytes > 0

    await eventually(at_rest)
    assert (await either.engine.submit(Control("resume", job))).affected == 1
    assert (await either.ended(job)).job.state == "done"
    assert await either.get("big") == data


async def test_pause_and_resume_one_transfer_while_others_go_on(either: Lab) -> None:
    path = either.file("big", some_bytes(2048 * KIB))
    other = either.file("small", b"s")
    await either.engine.submit(SetBandwidth(1024 * KIB))
    job = await either.start("upload", JobItem(str(path), at("big")), JobItem(str(other), at("small")))
    await eventually(lambda: either.items(job))
    big = next(view.id for view in await either.transfers(job) if view.size > 1)
    assert (await either.engine.submit(Control("pause", big))).affected == 1
    await eventually(lambda: state_is(either, job, "paused"))
    assert [item.target for item in either.items(job)] == [at("small")]
    await either.engine.submit(SetBandwidth(0))
    assert (await either.engine.submit(Control("resume", big))).affected == 1
    assert (await either.ended(job)).job.done == 2


async def test_a_cancelled_upload_leaves_nothing(either: Lab) -> None:
    path = either.file("big", some_bytes(2048 * KIB))
    job = await either.start("upload", JobItem(str(path), at("big")), bandwidth=256 * KIB)
    await eventually(lambda: moved(either, job))
    assert (await either.engine.submit(Control("cancel", job))).affected == 1
    assert (await either.ended(job)).job.state == "cancelled"
    await eventually(lambda: either.faults.calls["uploads.cancel"] == 1)
    assert await either.names() == []
    assert [view.state for view in await either.transfers(job)] == ["cancelled"]


async def test_a_cancelled_download_leaves_nothing(either: Lab) -> None:
    await either.put("big", some_bytes(2048 * KIB))
    job = await either.start("download", JobItem(at("big"), str(either.folder / "big")), bandwidth=256 * KIB)
    await eventually(lambda: moved(either, job))
    await either.engine.submit(Control("cancel", (await either.transfers(job))[0].id))
    await either.ended(job)
    await eventually(lambda: list(either.folder.iterdir()) == [])


async def test_retry_dismiss_and_the_history(either: Lab) -> None:
    target = either.folder / "x"
    end = await either.run("download", JobItem(at("late"), str(target)))
    assert end.job.state == "failed"
    await either.put("late", b"now it is there")
    either.seen.clear()
    assert (await either.engine.submit(Control("retry", end.job.id))).affected == 1
    assert (await either.ended(end.job.id)).job.state == "done"
    assert target.read_bytes() == b"now it is there"
    assert [job.state for job in (await either.engine.snapshot()).jobs] == ["done"]
    assert (await either.engine.submit(Control("dismiss"))).affected == 1
    assert (await either.engine.snapshot()).jobs == ()


@pytest.mark.parametrize(("policy", "content"), [("replace", b"new"), ("skip", b"old"), ("keep-both", b"old")])
async def test_a_conflict_asks_while_the_rest_goes_on(either: Lab, policy: str, content: bytes) -> None:
    await either.put("p/a.txt", b"old")
    either.file("t/a.txt", b"new")
    either.file("t/b.txt", b"b")
    job = await either.start("upload", JobItem(str(either.folder / "t"), at("p/"), tree=True), conflict="ask")
    await eventually(either.conflicts)
    asked = await eventually(lambda: state_is(either, job, "asking"))
    assert [job.conflicts for job in asked.jobs] == [1]
    assert either.conflicts()[0].examples[0].target == at("p/a.txt")
    assert await either.get("p/b.txt") == b"b"
    assert (await either.engine.submit(Answer(job, policy))).affected == 1  # type: ignore[arg-type]
    assert (await either.ended(job)).job.state == "done"
    assert await either.get("p/a.txt") == content
    assert ("p/a (1).txt" in await either.names()) is (policy == "keep-both")


async def test_a_snapshot_shows_the_window_that_was_asked_for(either: Lab) -> None:
    for number in range(30):
        either.file(f"t/{number:02}", b"x")
    end = await either.run("upload", JobItem(str(either.folder / "t"), at("t/"), tree=True))
    window = await either.engine.snapshot(SnapshotQuery(job=end.job.id, offset=10, limit=5))
    assert window.total == 30
    assert [view.target for view in window.transfers] == [at(f"t/{number}") for number in range(10, 15)]


async def test_the_bandwidth_limit_holds_and_can_be_changed(either: Lab) -> None:
    await either.engine.submit(SetBandwidth(64 * KIB))
    assert (await either.engine.snapshot()).bandwidth == 64 * KIB
    path = either.file("big", some_bytes(600 * KIB))
    job = await either.start("upload", JobItem(str(path), at("big")))
    await eventually(lambda: moved(either, job))
    assert either.end_of(job) is None
    await either.engine.submit(SetBandwidth(0))
    assert (await either.ended(job)).job.state == "done"


async def test_two_listeners_hear_the_same_facts(either: Lab) -> None:
    heard = []
    facts = either.engine.facts()

    async def listen() -> None:
        async for fact in facts:
            heard.append(fact)  # noqa: PERF401 - looked at while they come

    listener = asyncio.create_task(listen())
    end = await either.run("make-folder", JobItem("", at("f/")))
    await eventually(lambda: heard)
    assert heard == [end]
    await either.engine.close()
    await listener
    with pytest.raises(PailError):
        await either.engine.submit(Submit(either.spec("make-folder", JobItem("", at("g/")))))


async def test_h16_a_stalled_transfer_is_cancelled_at_once_and_harms_no_other(either: Lab) -> None:
    await either.put("a", some_bytes(600 * KIB))
    await either.put("b", b"b")
    either.faults.add(Fault("objects.get_media", "stall", "response", at=200 * KIB, count=None))
    job = await either.start("download", JobItem(at("a"), str(either.folder / "a")))
    await eventually(lambda: moved(either, job))
    end = await either.run("download", JobItem(at("b"), str(either.folder / "b")))
    assert end.job.state == "done"
    assert either.end_of(job) is None
    await either.engine.submit(Control("cancel", job))
    assert (await either.ended(job, 2)).job.state == "cancelled"


async def test_answers_and_retries_while_everything_runs_lose_no_count(either: Lab) -> None:
    for number in range(60):
        await either.put(f"p/{number}", b"old")
        either.file(f"t/{number}", b"new")
        either.file(f"t/x{number}", b"x")
    job = await either.start("upload", JobItem(str(either.folder / "t"), at("p/"), tree=True), conflict="ask")
    while not either.end_of(job):
        for view in await either.transfers(job):
            if view.code == "exists" and view.state == "paused":
                await either.engine.submit(Answer(job, "replace", view.id))
    end = await either.ended(job)
    assert (end.job.state, end.job.items, end.job.done, end.job.conflicts) == ("done", 120, 120, 0)
    assert end.job.bytes == end.job.size == 240


async def moved(lab: Lab, job: str) -> bool:
    return any(view.bytes for view in await lab.transfers(job))


async def state_is(lab: Lab, job: str, state: str) -> Snapshot | None:
    found = await lab.engine.snapshot(SnapshotQuery(job=job))
    return found if [view.state for view in found.jobs if view.id == job] == [state] else None
