"""Hazards 24 and 43 to 49: what the service, the disk or the machine refuses, by number."""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import replace
from typing import Any

import pytest

from services.errors import DiskFull, Forbidden, Retained, Safeguard
from services.model import BucketSpec, VersionPage
from services.sync.controller import Controller
from services.sync.disk import Disk
from services.sync.live import Live
from services.sync.remote import Prefix
from services.sync.state import State
from services.sync.watch import Hints
from services.transfer import local
from tests.services.sync.conftest import Machine, at_once, no_sleep
from tests.services.sync.test_live import NEVER_POLLS
from tests.services.transfer.conftest import eventually
from tests.services.transfer.doubles import Changed


def over(box: Machine, **methods: Any) -> Machine:
    """Return the machine with some methods of its data plane replaced."""
    return replace(box, data=Changed(box.data, methods))


@pytest.mark.parametrize("left", [0, 1, 6])
async def test_hazard_24_an_empty_or_broken_listing_deletes_nothing(box: Machine, left: int) -> None:
    for number in range(12):
        box.write(str(number), f"content {number}")
    await box.sync()

    async def broken(real: Any, *arguments: Any, **options: Any) -> VersionPage:
        page: VersionPage = await real(*arguments, **options)
        return page._replace(objects=(page.objects or [])[:left])

    with pytest.raises(Safeguard, match="lacks objects that are there"):
        await over(box, list_versions=broken).sync()
    assert len(box.files()) == len(await box.objects()) == 12
    assert box.trash() == []


async def test_hazard_24_few_absences_are_asked_for_one_by_one(box: Machine) -> None:
    for name in "abcd":
        box.write(name, name)
    await box.sync()
    await box.remove("a")

    async def broken(real: Any, *arguments: Any, **options: Any) -> VersionPage:
        page: VersionPage = await real(*arguments, **options)
        return page._replace(objects=[row for row in page.objects or () if row[0] != "p/b"])

    await over(box, list_versions=broken).sync()
    assert set(box.files()) == {"b", "c", "d"}


async def test_hazard_43_of_names_that_the_disk_takes_for_one_the_first_is_kept(
    box: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Disk, "folds_names", lambda _: True)
    for name in ("Readme", "README", "other"):
        await box.put(name, f"content of {name}")
    result = await box.sync()
    assert set(box.files()) in ({"Readme", "other"}, {"README", "other"})
    assert len(result.problems) == 1
    again = await box.sync()
    assert not again.items
    assert set(await box.objects()) == {"Readme", "README", "other"}


async def test_hazard_45_placeholders_go_both_ways_in_a_bucket_with_real_folders(box: Machine) -> None:
    await box.storage.control.create_bucket(BucketSpec("real", hierarchical_namespace=True))
    pair = box.pair._replace(bucket="real")
    box = replace(box, pair=pair)
    (box.folder / "here").mkdir()
    box.write("a", "x")
    await box.sync()
    names = [row.name for row in (await box.data.list_page("real", _all())).objects]
    assert names == ["p/a", "p/here/"]
    (box.folder / "here").rmdir()
    await box.sync()
    assert [row.name for row in (await box.data.list_page("real", _all())).objects] == ["p/a"]
    again = await box.sync()
    assert not again.items


def _all() -> Any:
    from services.gcs.interface import ListQuery

    return ListQuery(include_trailing_delimiter=True)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
async def test_hazard_46_a_disk_that_takes_nothing_pauses_the_sync_and_keeps_what_is_there(
    box: Machine, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    box.write("a", "first")
    box.write("b", "x")
    await box.sync()
    await box.put("a", "edited there")
    box.write("c", "made here")

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(local.os, "pwrite", refuse)
        result = await box.sync()
    assert isinstance(result.stopped, DiskFull)
    assert os.strerror(code) in result.stopped.message
    assert box.read("a") == "first"
    await box.sync()
    assert box.files() == {"a": "edited there", "b": "x", "c": "made here"} == await box.objects()


@pytest.mark.parametrize("seconds", [120, 8 * 3600])
async def test_hazard_47_after_a_suspension_everything_is_looked_at_before_anything_is_deleted(
    box: Machine, seconds: int
) -> None:
    for name in "abc":
        box.write(name, name)
    now = [0.0]
    state = State.open(box.database, box.pair.identity)
    passes: list[str] = []

    class Watched(Controller):
        async def run_pass(self, **options: Any) -> Any:
            passes.append("all")
            return await super().run_pass(**options)

        async def run_remote(self, **options: Any) -> Any:
            passes.append("remote")
            return await super().run_remote(**options)

    controller = Watched(
        box.pair, Disk(box.pair.root), Prefix(box.data, box.pair.bucket, box.pair.prefix), state,
        on_disk=at_once, sleep=no_sleep,
    )  # fmt: skip
    hints = Hints(lambda: now[0])
    times = replace(NEVER_POLLS, poll_s=100, poll_most_s=100)
    live = Live(controller, times=times, hints=hints, watch=False)
    task = asyncio.create_task(live.run())
    await eventually(lambda: passes == ["all"])
    await eventually(lambda: len(state.load()) == 3)
    # While the machine slept the file was edited (nobody told) and its object deleted; then a listing is due as well.
    box.write("a", "edited while it slept")
    await box.remove("a")
    await box.remove("b")
    now[0] += seconds
    hints.flood("")
    await eventually(lambda: len(passes) > 1 and set(box.files()) == {"a", "c"})
    live.stop()
    await task
    state.close()
    assert passes[1] == "all"
    assert (await box.objects())["a"] == "edited while it slept"


async def test_hazard_48_a_listing_that_is_forbidden_halts(box: Machine) -> None:
    box.write("a", "x")
    await box.sync()

    async def forbidden(*_: Any, **__: Any) -> Any:
        raise Forbidden("no permission to list")

    with pytest.raises(Forbidden):
        await over(box, list_versions=forbidden).sync()
    assert box.files() == {"a": "x"} == await box.objects()


async def test_hazard_49_a_delete_that_a_retention_forbids_is_reported_once(box: Machine) -> None:
    for name in "abc":
        box.write(name, name)
    await box.sync()
    (box.folder / "a").unlink()
    asked: list[str] = []

    async def held(real: Any, bucket: str, name: str, **options: Any) -> Any:
        asked.append(name)
        raise Retained(f"{name} is under a retention policy")

    state = State.open(box.database, box.pair.identity)
    controller = Controller(
        box.pair, Disk(box.pair.root), Prefix(over(box, delete=held).data, box.pair.bucket, box.pair.prefix), state,
        on_disk=at_once, sleep=no_sleep,
    )  # fmt: skip
    first = await controller.sync()
    assert [(item.state, type(item.error)) for item in first.items] == [("failed", Retained)]
    for _ in range(3):
        assert not (await controller.sync()).items
    assert asked == ["p/a"]
    state.close()
    assert set(await box.objects()) == {"a", "b", "c"}
