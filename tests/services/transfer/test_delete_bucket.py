"""A bucket is deleted with every generation in it: journalled, cancellable, and never half without saying so."""

from __future__ import annotations

from typing import Any

import pytest

from services.errors import UsageError
from services.gcs.interface import ListQuery
from services.localstore.faults import Fault
from services.model import Precondition
from services.transfer.messages import Control, JobFact, JobItem
from tests.services.transfer.conftest import BUCKET, FAST, Lab, OpenLab, eventually
from tests.services.transfer.doubles import changed

ALL = JobItem(f"gs://{BUCKET}/", tree=True)


async def change(lab: Lab, **settings: Any) -> None:
    info = await lab.storage.control.get_bucket(BUCKET)
    await lab.storage.control.patch_bucket(BUCKET, settings, metageneration=info.metageneration)


async def buckets(lab: Lab, *, deleted: bool = False) -> list[str]:
    return [info.name for info in (await lab.storage.control.list_buckets(soft_deleted=deleted)).buckets]


@pytest.mark.parametrize("versions", [False, True])
async def test_every_generation_goes_and_then_the_bucket(lab: Lab, versions: bool) -> None:
    await change(lab, versioning={"enabled": versions})
    for number in range(130):
        await lab.put(f"{number:03}", b"old")
        if number % 3 == 0:
            await lab.overwrite(f"{number:03}", b"newer")
    ended = (await lab.run("delete-bucket", ALL)).job
    assert (ended.state, ended.failed) == ("done", 0)
    assert ended.done == 130 + (44 if versions else 0) + 1
    assert await buckets(lab) == []
    assert await buckets(lab, deleted=True) == [BUCKET]
    assert lab.faults.calls["objects.delete"] == 0, "they go in batches, older generations too"


async def test_a_server_without_batches_is_asked_one_by_one(lab: Lab) -> None:
    await change(lab, versioning={"enabled": True})
    lab.faults.add(Fault("batch", "status", status=501, count=None))
    for name in "abc":
        await lab.put(name, b"old")
        await lab.overwrite(name, b"newer")
    await lab.put("d/e", b"live")
    assert (await lab.run("delete", JobItem(f"gs://{BUCKET}/d/", tree=True))).job.state == "done"
    ended = (await lab.run("delete-bucket", ALL)).job
    assert (ended.state, ended.failed) == ("done", 0)
    assert await buckets(lab) == []
    assert lab.faults.calls["batch"] == 1, "and is not asked for batches again"


async def test_a_restored_bucket_brings_back_what_soft_delete_kept(lab: Lab) -> None:
    await lab.put("a", b"kept")
    await lab.run("delete-bucket", ALL)
    [gone] = (await lab.storage.control.list_buckets(soft_deleted=True)).buckets
    await lab.storage.control.restore_bucket(BUCKET, gone.generation)
    [row] = (await lab.storage.data.list_page(BUCKET, ListQuery(soft_deleted=True))).objects
    await lab.storage.data.restore(BUCKET, "a", row.generation, precondition=Precondition())
    assert await lab.get("a") == b"kept"


async def test_what_arrives_meanwhile_goes_too(open_lab: OpenLab) -> None:
    lab: Lab
    late = [f"late-{number}" for number in range(3)]

    async def list_page(real: Any, bucket: str, query: ListQuery, token: str = "") -> Any:
        page = await real(bucket, query, token)
        if query.versions and late:
            await lab.put(late.pop(), b"x")
        return page

    lab = await open_lab(options=FAST._replace(open_storage=changed(list_page=list_page)))
    await lab.put("a", b"a")
    ended = (await lab.run("delete-bucket", ALL)).job
    assert (ended.state, ended.done) == ("done", 5)
    assert await buckets(lab) == []


async def test_a_bucket_that_refuses_though_nothing_is_in_it_is_given_up(lab: Lab) -> None:
    lab.faults.add(Fault("buckets.delete", "status", status=409, count=None))
    ended = (await lab.run("delete-bucket", ALL)).job
    assert (ended.state, ended.failed) == ("failed", 1)
    assert lab.faults.calls["buckets.delete"] == 2
    lab.faults.clear()
    await lab.engine.submit(Control("retry", ended.id))
    await eventually(lambda: _states(lab, ended.id)[-1] == "done")
    assert await buckets(lab) == []


async def test_a_held_object_keeps_the_bucket_until_it_is_tried_again(lab: Lab) -> None:
    await lab.put("a", b"a")
    held = await lab.put("held", b"b")
    hold = {"temporaryHold": True}
    await lab.storage.data.patch(
        BUCKET, "held", hold, generation=held.generation, precondition=Precondition(metageneration=1)
    )
    ended = (await lab.run("delete-bucket", ALL)).job
    assert (ended.state, ended.done, ended.failed) == ("failed", 1, 2)
    [last] = [item for item in lab.items(ended.id) if item.action == "delete-bucket"]
    assert last.reason == "the bucket stays: one object was not deleted"
    assert await lab.names() == ["held"]
    await lab.storage.data.patch(
        BUCKET,
        "held",
        {"temporaryHold": False},
        generation=held.generation,
        precondition=Precondition(metageneration=2),
    )
    await lab.engine.submit(Control("retry", ended.id))
    await eventually(lambda: _states(lab, ended.id)[-1] == "done")
    assert await buckets(lab) == []


def _states(lab: Lab, job: str) -> list[str]:
    return [fact.job.state for fact in lab.seen if isinstance(fact, JobFact) and fact.job.id == job]


async def test_lost_answers_are_no_failures(lab: Lab) -> None:
    await lab.put("a", b"a")
    lab.faults.add(Fault("batch", "reset", "after"))
    lab.faults.add(Fault("buckets.delete", "reset", "after"))
    assert (await lab.run("delete-bucket", ALL)).job.state == "done"
    assert await buckets(lab) == []


async def test_a_cancelled_deletion_leaves_the_bucket(lab: Lab) -> None:
    for number in range(20):
        await lab.put(f"{number}", b"x")
    lab.faults.add(Fault("batch", "stall", count=None))
    job = await lab.start("delete-bucket", ALL)
    await eventually(lambda: lab.faults.calls["batch"])
    await lab.engine.submit(Control("cancel", job))
    assert (await lab.ended(job)).job.state == "cancelled"
    assert await buckets(lab) == [BUCKET]
    assert lab.faults.calls["buckets.delete"] == 0


async def test_a_bucket_that_is_not_there_is_said(lab: Lab) -> None:
    ended = (await lab.run("delete-bucket", JobItem("gs://nobody-has-it/", tree=True))).job
    assert (ended.state, ended.code) == ("failed", "bucket-not-found")


@pytest.mark.parametrize("items", [(JobItem(f"gs://{BUCKET}/folder/", tree=True),), (ALL, ALL)])
async def test_a_job_deletes_one_whole_bucket(lab: Lab, items: tuple[JobItem, ...]) -> None:
    with pytest.raises(UsageError):
        await lab.start("delete-bucket", *items)
