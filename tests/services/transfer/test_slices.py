"""Large downloads in slices: several at a time, one generation, resumed where each slice was."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services import checksum
from services.errors import LocalFileError
from services.gcs.interface import ReadStream
from services.localstore.faults import Fault
from services.transfer import slices
from services.transfer.local import PARTIAL_PREFIX
from services.transfer.messages import Control, JobItem, SetBandwidth
from services.transfer.receive import share
from services.transfer.slices import SlicedPartial, open_sliced, slice_size
from tests.services.transfer.conftest import BUCKET, FAST, KIB, Lab, OpenLab, eventually, some_bytes
from tests.services.transfer.doubles import changed
from tests.services.transfer.test_commands import at, command, finish, journals

MIB = 1024 * KIB
SLICED = FAST._replace(sliced=2 * MIB, streams=3)


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make slices of a MiB."""
    monkeypatch.setattr(slices, "SLICE", MIB)


def reopened(path: Path, size: int) -> SlicedPartial:
    return open_sliced(str(path), 0, "nonce", 5, size)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_slices_cover_every_byte_once_whatever_the_size() -> None:
    for size in (1, 32 * MIB, 32 * MIB + 1, 10**9, 5 * 2**40):
        each = slice_size(size)
        assert each % MIB == 0
        assert -(-size // each) <= max(slices.MOST, 1)


def test_what_was_written_and_counted_is_taken_up_again(tmp_path: Path) -> None:
    data = some_bytes(3 * MIB + 7)
    path = tmp_path / "big"
    first = reopened(path, len(data))
    first.write(first.slices[2], [data[2 * MIB : 2 * MIB + 1000]])
    first.write(first.slices[0], [data[:500], data[500:MIB]])
    os.pwrite(first.part.handle, b"not counted", MIB)
    first.part.close()
    second = reopened(path, len(data))
    assert [one.done for one in second.slices] == [MIB, 0, 1000, 0]
    for one in second.slices:
        second.write(one, [data[one.offset : one.end]] if not one.whole else [])
    whole = second.joined()
    whole.verify(len(data), checksum.of(data))
    whole.close()
    third = reopened(path, len(data))  # killed after it was joined
    assert third.done == len(data)
    assert third.joined().finish(mtime=None, umask=0o077, replace=False)
    third.part.close()
    assert path.read_bytes() == data
    assert left(tmp_path) == ["big"]


@pytest.mark.parametrize("damage", ["magic", "count", "short"])
def test_a_table_that_does_not_fit_is_not_believed(tmp_path: Path, damage: str) -> None:
    size = 3 * MIB
    first = reopened(tmp_path / "big", size)
    first.write(first.slices[1], [b"x" * 1000])
    if damage == "magic":
        os.pwrite(first.part.handle, b"?", size)
    elif damage == "count":
        os.pwrite(first.part.handle, b"\xff" * 8, size + 16)
    else:
        os.ftruncate(first.part.handle, size + 20)
    first.part.close()
    second = reopened(tmp_path / "big", size)
    assert second.done == 0
    second.part.close()


def test_another_file_in_the_place_of_the_unfinished_one_is_refused(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    (tmp_path / f"{PARTIAL_PREFIX}nonces-5").hardlink_to(precious)
    with pytest.raises(LocalFileError):
        reopened(tmp_path / "big", 3 * MIB)
    assert precious.read_bytes() == b"precious"


async def test_slices_come_side_by_side_and_are_joined(open_lab: OpenLab) -> None:
    under_way, most, ranges = 0, 0, []

    @asynccontextmanager
    async def read(real: Any, bucket: str, name: str, **options: Any) -> AsyncIterator[ReadStream]:
        nonlocal under_way, most
        ranges.append((options["start"], options["end"]))
        under_way += 1
        most = max(most, under_way)
        try:
            async with real(bucket, name, **options) as stream:
                await eventually(lambda: most > 1 or len(ranges) > 5)
                yield stream
        finally:
            under_way -= 1

    lab = await open_lab(options=SLICED._replace(open_storage=changed(read=read)))
    data = some_bytes(5 * MIB + 11)
    info = await lab.put("a", data)
    end = await lab.run("download", JobItem(at("a"), str(lab.folder / "a")))
    assert (end.job.state, end.job.bytes) == ("done", len(data))
    assert (lab.folder / "a").read_bytes() == data
    assert sorted(ranges) == [(start, min(start + MIB, len(data))) for start in range(0, len(data), MIB)]
    assert 1 < most <= 3
    assert lab.items()[0].crc32c == info.crc32c
    assert left(lab.folder) == ["a"]


@pytest.mark.parametrize(("large", "expected"), [(0, 8), (1, 8), (2, 4), (3, 2), (4, 2), (9, 2)])
def test_several_large_downloads_share_the_streams_that_one_may_have(large: int, expected: int) -> None:
    assert share(8, large) == expected


async def test_h01_h02_faults_on_slices_are_found_and_mended(open_lab: OpenLab) -> None:
    lab = await open_lab(options=SLICED)
    data = some_bytes(6 * MIB)
    await lab.put("a", data)
    for number, (action, stage) in enumerate(
        (("reset", "response"), ("truncate", "response"), ("corrupt", "response"), ("status", "before"))
    ):
        lab.faults.add(Fault("objects.get_media", action, stage, at=300_000, skip=number * 2))  # type: ignore[arg-type]
    assert (await lab.run("download", JobItem(at("a"), str(lab.folder / "a")))).job.state == "done"
    assert lab.faults.struck["objects.get_media"] == 4
    assert (lab.folder / "a").read_bytes() == data
    assert left(lab.folder) == ["a"]


async def test_h03_an_object_that_is_overwritten_between_slices_is_never_mixed(open_lab: OpenLab) -> None:
    lab = await open_lab(options=SLICED)
    await lab.put("a", b"1" * 6 * MIB)
    await lab.engine.submit(SetBandwidth(MIB))
    job = await lab.start("download", JobItem(at("a"), str(lab.folder / "a")))

    async def some_moved() -> bool:
        return any(view.bytes > 100 * KIB for view in await lab.transfers(job))

    await eventually(some_moved)
    await lab.engine.submit(Control("pause", job))
    newer = await lab.overwrite("a", b"2" * 4 * MIB)
    await lab.engine.submit(SetBandwidth(0))
    await lab.engine.submit(Control("resume", job))
    assert (await lab.ended(job)).job.state == "done"
    assert (lab.folder / "a").read_bytes() == b"2" * 4 * MIB
    assert lab.items()[0].generation == newer.generation
    assert left(lab.folder) == ["a"]


async def test_a_cancelled_sliced_download_leaves_nothing(open_lab: OpenLab) -> None:
    lab = await open_lab(options=SLICED)
    await lab.put("a", some_bytes(4 * MIB))
    await lab.engine.submit(SetBandwidth(200 * KIB))
    job = await lab.start("download", JobItem(at("a"), str(lab.folder / "a")))
    await eventually(lambda: left(lab.folder))
    await lab.engine.submit(Control("cancel", job))
    await lab.ended(job)
    await eventually(lambda: left(lab.folder) == [])


async def test_h05_a_sliced_download_that_was_killed_goes_on_where_each_slice_was(lab: Lab, tmp_path: Path) -> None:
    state = tmp_path / "other-state"
    data = some_bytes(72 * MIB)  # above the real limit: the command has options of its own
    await lab.put("a", data)
    target = lab.folder / "out" / "a"
    item = JobItem(at("a"), str(target))
    first = command(state, lab, item, action="download", bandwidth=24 * MIB)

    def counted() -> int:
        for path in target.parent.glob(f"{PARTIAL_PREFIX}*") if target.parent.exists() else ():
            table = path.read_bytes()[len(data) + 16 :]
            return sum(int.from_bytes(table[at : at + 8]) for at in range(0, len(table), 8))
        return 0

    await eventually(lambda: counted() > 16 * MIB)
    first.send_signal(signal.SIGKILL)
    await finish(first)
    before = counted()
    assert not target.exists()
    sent: list[int] = []
    second = command(state, lab, item, action="download", bandwidth=24 * MIB)

    def there() -> bool:
        sent.append(counted())
        return target.exists()

    await eventually(there)
    assert await finish(second) == b"done\n"
    assert target.read_bytes() == data
    assert min(count for count in sent if count) >= before  # nothing that was counted was fetched again
    assert left(target.parent) == ["a"]
    assert journals(state) == []
    assert await lab.names(bucket=BUCKET) == ["a"]
