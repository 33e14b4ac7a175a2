"""Moves in batches: each object is renamed once, whatever becomes of the request or of its answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.errors import PailError, RateLimited, Rejected, Transient
from services.model import ObjectInfo
from services.transfer.messages import Control, JobItem
from tests.services.transfer.conftest import BUCKET, FAST, Lab, OpenLab, eventually
from tests.services.transfer.doubles import changed

NAMES = [f"t/{number}" for number in range(8)]

Items = list[tuple[str, int, str]]
Answers = list[ObjectInfo | PailError]


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


async def filled(open_lab: OpenLab, **methods: Any) -> Lab:
    lab = await open_lab(options=FAST._replace(open_storage=changed(**methods)))
    for name in NAMES:
        await lab.put(name, name.encode())
    return lab


async def moved(lab: Lab, **options: Any) -> None:
    """Move the folder, and see that every object is there once, with its bytes."""
    end = await lab.run("move", JobItem(at("t/"), at("u/"), tree=True), **options)
    assert (end.job.state, end.job.done, end.job.failed) == ("done", 8, 0)
    assert await lab.names() == [name.replace("t/", "u/") for name in NAMES]
    for name in NAMES:
        assert await lab.get(name.replace("t/", "u/")) == name.encode()


async def test_a_folder_is_moved_in_one_request(open_lab: OpenLab) -> None:
    sizes: list[int] = []

    async def move_many(real: Any, bucket: str, items: Items) -> Answers:
        sizes.append(len(items))
        answers: Answers = await real(bucket, items)
        return answers

    await moved(await filled(open_lab, move_many=move_many))
    assert sizes == [8]


async def test_a_lost_answer_is_read_back_and_nothing_is_moved_twice(open_lab: OpenLab) -> None:
    async def move_many(real: Any, bucket: str, items: Items) -> Answers:
        await real(bucket, items[:5])
        raise Transient("the answer was lost")

    await moved(await filled(open_lab, move_many=move_many))


@pytest.mark.parametrize("lost", [False, True])
async def test_an_object_that_a_wrong_bit_gave_another_name_gets_its_own(open_lab: OpenLab, lost: bool) -> None:
    """The target's name is all of a request that no precondition protects; a second answer may be lost on the way."""
    again: list[str] = []

    async def move_many(real: Any, bucket: str, items: Items) -> Answers:
        source, generation, name = items[3]
        answers: Answers = await real(bucket, [*items[:3], (source, generation, f"{name[:-1]}#"), *items[4:]])
        return answers

    async def move(real: Any, bucket: str, source: str, *words: Any, **options: Any) -> ObjectInfo:
        info: ObjectInfo = await real(bucket, source, *words, **options)
        again.append(source)
        if lost:
            raise Transient("the answer was lost")
        return info

    await moved(await filled(open_lab, move_many=move_many, move=move))
    assert again == ["u/#"]


async def test_a_name_that_only_the_answer_has_wrong_is_no_name(open_lab: OpenLab) -> None:
    async def move_many(real: Any, bucket: str, items: Items) -> Answers:
        answers: Answers = await real(bucket, items)
        assert isinstance(answers[3], ObjectInfo)
        answers[3] = answers[3]._replace(name="u/#")
        return answers

    await moved(await filled(open_lab, move_many=move_many))


@pytest.mark.parametrize("fault", [Transient("nobody knows"), RateLimited("slow down"), Rejected("no such method")])
async def test_what_was_not_moved_is_moved_on_its_own(open_lab: OpenLab, fault: PailError) -> None:
    async def move_many(real: Any, bucket: str, items: Items) -> Answers:
        answers: Answers = await real(bucket, items[::2])
        return [answers[index // 2] if index % 2 == 0 else fault for index in range(len(items))]

    await moved(await filled(open_lab, move_many=move_many))


async def test_a_server_without_batches_is_asked_once(open_lab: OpenLab) -> None:
    asked = 0

    async def move_many(real: Any, bucket: str, items: Items) -> Answers:
        nonlocal asked
        asked += 1
        raise Rejected("no batches here")

    lab = await filled(open_lab, move_many=move_many)
    await moved(lab)
    await lab.put("v/1", b"1")
    await lab.put("v/2", b"2")
    assert (await lab.run("move", JobItem(at("v/"), at("w/"), tree=True))).job.state == "done"
    assert asked == 1


@pytest.mark.parametrize(("conflict", "kept"), [("replace", b"t/3"), ("skip", b"mine"), ("keep-both", b"mine")])
async def test_a_target_that_exists_is_treated_as_was_asked(open_lab: OpenLab, conflict: str, kept: bytes) -> None:
    lab = await filled(open_lab)
    await lab.put("u/3", b"mine")
    end = await lab.run("move", JobItem(at("t/"), at("u/"), tree=True), conflict=conflict)
    assert (end.job.state, end.job.skipped) == ("done", int(conflict == "skip"))
    assert await lab.get("u/3") == kept
    assert ("t/3" in await lab.names()) is (conflict == "skip")
    assert len(await lab.names("u/")) == (9 if conflict == "keep-both" else 8)


async def test_a_source_that_changed_stays_where_it_is(open_lab: OpenLab) -> None:
    lab: Lab

    async def move_many(real: Any, bucket: str, items: Items) -> Answers:
        await lab.overwrite("t/3", b"newer")
        answers: Answers = await real(bucket, items)
        return answers

    lab = await filled(open_lab, move_many=move_many)
    end = await lab.run("move", JobItem(at("t/"), at("u/"), tree=True))
    assert end.job.done + end.job.failed == 8
    there = set(await lab.names())
    assert ("t/3" in there) != ("u/3" in there)
    assert await lab.get("t/3" if "t/3" in there else "u/3") == b"newer"


async def test_a_pause_while_the_answer_is_on_its_way_loses_nothing(open_lab: OpenLab) -> None:
    waits = asyncio.Event()

    async def move_many(real: Any, bucket: str, items: Items) -> Answers:
        answers: Answers = await real(bucket, items)
        if not waits.is_set():
            waits.set()
            await asyncio.Event().wait()
        return answers

    lab = await filled(open_lab, move_many=move_many)
    job = await lab.start("move", JobItem(at("t/"), at("u/"), tree=True))
    await asyncio.wait_for(waits.wait(), 30)
    await lab.engine.submit(Control("pause", f"{job}.3"))
    end = lab.ended(job)

    async def paused() -> bool:
        states = [one.state for one in await lab.transfers(job)]
        return states.count("paused") == 1 and states.count("done") == 7

    await eventually(paused)
    await lab.engine.submit(Control("resume", job))
    assert (await end).job.state == "done"
    assert await lab.names() == [name.replace("t/", "u/") for name in NAMES]
