"""Large uploads of a pair go on where a process that ended has left them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services import checksum
from services.localstore.faults import Fault, Faults
from services.sync.state import State
from services.transfer.pipe import PART_BYTES
from tests.services.sync.conftest import Machine, OpenMachine
from tests.services.transfer.conftest import eventually, some_bytes

SIZE = 4 * PART_BYTES + 100
"""Five parts."""


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def box(open_machine: OpenMachine, faults: Faults) -> Machine:
    return await open_machine(faults=faults)


async def interrupted(box: Machine, faults: Faults, *, parts: int) -> None:
    """Sync until so many parts have arrived, and end without another word to the service."""
    fault = Fault("uploads.put", "stall", "before", skip=parts, count=None, seconds=2)
    faults.add(fault)
    task = asyncio.create_task(box.sync())
    await eventually(lambda: faults.calls["uploads.put"] > parts)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    faults.clear()
    faults.calls.clear()


def kept(box: Machine, key: str) -> Any:
    state = State.open(box.database, box.pair.identity)
    try:
        return state.session(key)
    finally:
        state.close()


async def crc_of(box: Machine, key: str) -> str:
    return (await box.storage.data.stat("bucket", box.pair.prefix + key)).crc32c


async def test_an_upload_goes_on_and_sends_nothing_twice(box: Machine, faults: Faults) -> None:
    data = some_bytes(SIZE)
    box.write("big", data)
    await interrupted(box, faults, parts=3)
    assert kept(box, "big") is not None
    result = await box.sync()
    assert not [item for item in result.items if item.state == "failed"]
    assert await crc_of(box, "big") == checksum.of(data)
    assert faults.calls["uploads.start"] == 0
    # The two parts that were missing, and a question.
    assert faults.calls["uploads.put"] == 3
    assert kept(box, "big") is None
    assert faults.calls["uploads.cancel"] == 0
    again = await box.sync()
    assert not again.items


async def test_a_file_that_changed_meanwhile_is_uploaded_anew(box: Machine, faults: Faults) -> None:
    box.write("big", some_bytes(SIZE))
    await interrupted(box, faults, parts=2)
    other = some_bytes(SIZE, 2)
    box.write("big", other)
    await box.sync()
    assert await crc_of(box, "big") == checksum.of(other)
    assert (faults.calls["uploads.start"], faults.calls["uploads.cancel"]) == (1, 1)


async def test_an_object_that_came_meanwhile_is_not_overwritten(box: Machine, faults: Faults) -> None:
    box.write("big", some_bytes(SIZE))
    await interrupted(box, faults, parts=2)
    await box.put("big", "theirs")
    await box.sync()
    assert "theirs" in (await box.objects()).values()
    assert "theirs" in box.files().values()


async def test_a_session_that_is_gone_is_begun_anew(box: Machine, faults: Faults) -> None:
    data = some_bytes(SIZE)
    box.write("big", data)
    await interrupted(box, faults, parts=2)
    await box.storage.data.cancel_upload(kept(box, "big").session)
    await box.sync()
    assert await crc_of(box, "big") == checksum.of(data)
    assert faults.calls["uploads.start"] == 1


async def test_the_answer_to_the_last_part_is_read_back_by_the_next_process(box: Machine, faults: Faults) -> None:
    data = some_bytes(SIZE)
    box.write("big", data)
    faults.add(Fault("uploads.put", "stall", "after", skip=4, count=None, seconds=2))
    task = asyncio.create_task(box.sync())
    await eventually(lambda: faults.calls["uploads.put"] > 4)

    async def there() -> bool:
        return "big" in await box.objects()

    await eventually(there)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    faults.clear()
    faults.calls.clear()
    result = await box.sync()
    assert not [item for item in result.items if item.state == "failed"]
    assert faults.calls["uploads.start"] == 0
    assert await crc_of(box, "big") == checksum.of(data)
    assert list(await box.objects()) == ["big"]


async def test_what_was_edited_within_a_tick_of_the_clock_is_sent_anew(
    box: Machine, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its signature says that it is the file which the session was begun with, its bytes do not."""
    path = box.write("big", some_bytes(SIZE))
    await interrupted(box, faults, parts=2)
    data, mark = some_bytes(SIZE, seed=2), kept(box, "big").mark
    path.write_bytes(data)
    monkeypatch.setattr("services.transfer.local.fingerprint", lambda _found: mark)
    await box.sync()
    assert await crc_of(box, "big") == checksum.of(data)
