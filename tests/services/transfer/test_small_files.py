"""Many small files: brief work gathered for a thread, downloads put in place in batches, nothing told too early."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.errors import Corrupt, DiskFull, LocalFileError, Unsafe
from services.localstore.faults import Fault
from services.transfer import durable, landing
from services.transfer.durable import make_durable
from services.transfer.gather import Gather
from services.transfer.landing import Landing, land
from services.transfer.landings import Landings
from services.transfer.messages import JobItem
from tests.services.transfer.conftest import BUCKET, Lab, eventually

UMASK = 0o022


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def landing_of(path: Path, content: bytes = b"new", base: int = 0, **changes: object) -> Landing:
    fields: dict[str, object] = {"nonce": "n" + path.name, "generation": 7, "mtime": 1e9, "replace": False} | changes
    return Landing(str(path), base, content=content, **fields)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_what_is_asked_for_in_one_turn_takes_one_turn_of_a_thread(threads: ThreadPoolExecutor) -> None:
    gather = Gather(threads, abreast=2)
    turns: list[int] = []
    work = gather._work

    def counted(loop: asyncio.AbstractEventLoop) -> None:
        turns.append(1)
        work(loop)

    gather._work = counted  # type: ignore[method-assign]
    found = await asyncio.gather(*(gather.add(lambda number=number: number * 2) for number in range(500)))
    assert found == [number * 2 for number in range(500)]
    assert len(turns) == 1


async def test_a_failure_reaches_the_one_who_asked(threads: ThreadPoolExecutor) -> None:
    gather = Gather(threads, abreast=2)
    bad, good = gather.add(lambda: 1 / 0), gather.add(lambda: 1)
    with pytest.raises(ZeroDivisionError):
        await bad
    assert await good == 1


async def test_slow_work_does_not_hold_up_what_comes_after_it(threads: ThreadPoolExecutor) -> None:
    gather = Gather(threads, abreast=2)
    gate = threading.Event()
    first, slow = gather.add(lambda: 1), gather.add(lambda: gate.wait(30))
    assert await first == 1
    assert await gather.add(lambda: 2) == 2
    assert not slow.done()
    gate.set()
    assert await slow


async def test_closed_threads_fail_what_waits(threads: ThreadPoolExecutor) -> None:
    gather = Gather(threads, abreast=1)
    threads.shutdown()
    with pytest.raises(RuntimeError):
        await gather.add(lambda: 1)


def test_a_batch_is_flushed_before_any_of_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def flush(handles: Iterator[int]) -> dict[int, OSError]:
        seen.append(names(tmp_path))
        return make_durable(handles)

    flushed: list[int] = []
    real = os.fsync
    monkeypatch.setattr(landing, "make_durable", flush)
    monkeypatch.setattr(landing.os, "fsync", lambda handle: (flushed.append(handle), real(handle)))
    batch = [landing_of(tmp_path / f"f{number}", b"%d" % number) for number in range(20)]
    land(batch, UMASK)
    assert all(one.placed and one.error is None for one in batch)
    assert len(seen) == 1
    assert len(seen[0]) == 20
    assert all(name.startswith(".pail-part-") for name in seen[0])
    assert len([one for one in flushed if one == batch[0].folder]) == 1  # the folder: once, after the names
    assert [(tmp_path / f"f{number}").read_bytes() for number in range(20)] == [b"%d" % n for n in range(20)]
    found = (tmp_path / "f3").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_mtime) == (0o644, 1e9)


def test_one_that_fails_harms_no_other(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "there").write_bytes(b"mine")
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "link").symlink_to("/tmp")
    base = len(str(tmp_path))
    batch = [
        landing_of(tmp_path / "folder", base=base, replace=True),
        landing_of(tmp_path / "there", base=base),
        landing_of(tmp_path / "link" / "x", base=base),
        landing_of(tmp_path / "old", base=base, replace=True),
        landing_of(tmp_path / "deep" / "er" / "x", base=base),
        landing_of(tmp_path / "empty", b"", base=base),
    ]
    land(batch, UMASK)
    assert [one.placed for one in batch] == [False, False, False, True, True, True]
    assert isinstance(batch[0].error, LocalFileError)
    assert batch[1].error is None  # taken: for the policy to decide
    assert isinstance(batch[2].error, Unsafe)
    assert (tmp_path / "there").read_bytes() == b"mine"
    assert (tmp_path / "old").read_bytes() == b"new"
    assert (tmp_path / "deep/er/x").read_bytes() == b"new"
    assert names(tmp_path) == ["deep", "empty", "folder", "link", "old", "there"]


def test_what_was_not_looked_at_is_replaced_only_where_it_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    os.mkfifo(tmp_path / "fifo")
    base = len(str(tmp_path))
    batch = [landing_of(tmp_path / name, base=base, replace=True) for name in ("file", "link", "fifo", "none")]
    for one in batch:
        one.looked = False
    land(batch, UMASK)
    assert [(one.placed, one.error) for one in batch] == [(True, None), (False, None), (False, None), (True, None)]
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert names(tmp_path) == ["fifo", "file", "link", "none", "victim"]


def test_what_an_earlier_process_left_is_not_followed_or_kept(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    folder = tmp_path / "in"
    folder.mkdir()
    link, rest = landing_of(folder / "a"), landing_of(folder / "b")
    (folder / link.temporary).symlink_to(outside)
    (folder / rest.temporary).write_bytes(b"half of something longer")
    land([link, rest], UMASK)
    assert outside.read_bytes() == b"precious"
    assert names(folder) == ["a", "b"]
    assert not (folder / "a").is_symlink()
    assert (folder / "b").read_bytes() == b"new"


def test_wrong_bytes_on_the_disk_never_get_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"old")

    def damage(handles: Iterator[int]) -> dict[int, OSError]:
        for handle in handles:
            os.pwrite(handle, b"X", 0)
        return {}

    monkeypatch.setattr(landing, "make_durable", damage)
    one = landing_of(old, replace=True)
    land([one], UMASK)
    assert isinstance(one.error, Corrupt)
    assert old.read_bytes() == b"old"
    assert names(tmp_path) == ["old"]


@pytest.mark.parametrize("count", [1, 10])
def test_a_disk_that_cannot_take_them_is_told_and_nothing_is_placed(
    tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "syncfs", lambda: full)
    monkeypatch.setattr(durable.os, "fsync", full)
    batch = [landing_of(tmp_path / f"f{number}") for number in range(count)]
    land(batch, UMASK)
    assert all(isinstance(one.error, DiskFull) and not one.placed for one in batch)
    assert names(tmp_path) == []


def test_without_syncfs_each_file_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(durable, "syncfs", lambda: None)
    monkeypatch.setattr(durable.os, "fsync", flushed.append)
    handles = [os.open(tmp_path / str(number), os.O_CREAT | os.O_RDWR) for number in range(5)]
    assert make_durable(handles) == {}
    for handle in handles:
        os.close(handle)
    assert flushed == handles


@pytest.mark.parametrize("release", ["4.19.0-generic", "5.7", "nonsense", ""])
def test_a_kernel_that_hides_errors_from_syncfs_is_not_asked(release: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable.os, "uname", lambda: SimpleNamespace(release=release))
    durable.syncfs.cache_clear()
    try:
        assert durable.syncfs() is None
    finally:
        durable.syncfs.cache_clear()


async def test_what_arrives_while_a_batch_is_written_makes_up_the_next(
    tmp_path: Path, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    gate = threading.Event()
    real: Callable[[list[Landing], int], None] = landing.land

    def slow(batch: list[Landing], umask: int) -> None:
        sizes.append(len(batch))
        gate.wait(30)
        real(batch, umask)

    monkeypatch.setattr(landing, "land", slow)
    landings = Landings(threads, UMASK)
    first = landings.add(landing_of(tmp_path / "first"))
    await eventually(lambda: sizes)
    others = [landings.add(landing_of(tmp_path / f"f{number}")) for number in range(landing.most_files() + 5)]
    gate.set()
    assert await first
    assert all(await asyncio.gather(*others))
    assert sizes == [1, landing.most_files(), 5]


async def test_small_downloads_under_faults_are_all_whole(lab: Lab) -> None:
    contents = {f"d/{number % 7}/f{number}": os.urandom(number) for number in range(150)}
    for name, content in contents.items():
        await lab.put(name, content)
    for number, kind in enumerate(("reset", "truncate", "corrupt", "status") * 6):
        lab.faults.add(Fault("objects.get_media", kind, skip=number * 3))
    end = await lab.run("download", JobItem(f"gs://{BUCKET}/d/", str(lab.folder / "d") + "/", tree=True))
    assert (end.job.state, end.job.done) == ("done", 150)
    found = {str(path.relative_to(lab.folder)): path.read_bytes() for path in lab.folder.rglob("*") if path.is_file()}
    assert found == contents
