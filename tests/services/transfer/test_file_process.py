"""The process for files: the same ends as on a thread, nothing lost when it or its starter dies, never lingering."""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.errors import Busy, DiskFull
from services.file_lock import FileLock
from services.transfer import file_process, landing, landings
from services.transfer.file_process import FileProcess
from services.transfer.journal import Journal, files_lock, free_journals, settled
from services.transfer.landing import Landing, land
from services.transfer.messages import Control, JobItem
from tests.services.transfer.conftest import BUCKET, FAST, Lab, OpenLab, eventually
from tests.services.transfer.test_lanes import filled, found, tree
from tests.services.transfer.test_small_files import UMASK, landing_of, names

ROOT = Path(__file__).parents[3]


def until(condition: Callable[[], Any], limit_s: float = 30.0) -> Any:
    end = time.monotonic() + limit_s
    while not (seen := condition()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.002)
    return seen


def gone(pid: int) -> bool:
    """Tell whether a process has ended, also where nobody has asked for its end yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def started(lock: Path) -> FileProcess:
    """Start a process and wait until it has said that it is ready."""
    process = FileProcess(lock, UMASK)
    process.start()
    assert process.pid
    until(lambda: process.land([], 0))
    return process


@pytest.fixture
def aside(tmp_path: Path) -> Iterator[FileProcess]:
    process = started(tmp_path / "aside.files")
    yield process
    process.close()


def size_of(batch: list[Landing]) -> int:
    return sum(len(one.content) for one in batch)


def awkward(folder: Path) -> list[Landing]:
    """Return files to put in place below `folder`, most of which cannot be."""
    folder.mkdir()
    (folder / "folder").mkdir()
    (folder / "there").write_bytes(b"mine")
    (folder / "link").symlink_to("/tmp")
    (folder / "old").write_bytes(b"old")
    (folder / "victim").write_bytes(b"precious")
    (folder / "to victim").symlink_to(folder / "victim")
    os.mkfifo(folder / "fifo")
    base = len(str(folder))
    batch = [
        landing_of(folder / "folder", base=base, replace=True),
        landing_of(folder / "there", base=base),
        landing_of(folder / "there" / "below", base=base),
        landing_of(folder / "link" / "x", base=base),
        landing_of(folder / "old", base=base, replace=True),
        landing_of(folder / "to victim", base=base, replace=True, looked=False),
        landing_of(folder / "fifo", base=base, replace=True, looked=False),
        landing_of(folder / ("n" * 300), base=base),
        landing_of(folder / ".." / "x", base=base),
        landing_of(folder / "deep" / "er" / "x", base=base),
        landing_of(folder / "empty", b"", base=base),
        landing_of(folder / os.fsdecode(b"not utf-8 \xff"), base=base),
        landing_of(folder / "no time", base=base, mtime=None),
        landing_of(folder / "large", bytes(100_000), base=base),
        landing_of(folder / "larger than allowed", bytes(300_000), base=base),
    ]
    batch.append(Landing("/proc/nobody/may/write/here", 5, "n", 1, b"x", None, replace=False))
    return batch


def outcome(batch: list[Landing], folder: Path) -> list[Any]:
    ends = [(one.placed, type(one.error), str(one.error).replace(str(folder), "")) for one in batch]
    files = {
        str(path.relative_to(folder)): (stat.S_IFMT(path.lstat().st_mode), path.is_file() and path.read_bytes())
        for path in sorted(folder.rglob("*"))
    }
    return [ends, files]


def test_it_does_what_a_thread_does_and_says_what_a_thread_says(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        here, there = awkward(tmp_path / "here"), awkward(tmp_path / "there")
        aside = started(tmp_path / "aside.files")
        land(here, UMASK)
        assert aside.land(there, size_of(there))
        aside.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert outcome(there, tmp_path / "there") == outcome(here, tmp_path / "here")
    assert sum(one.placed for one in there) == 6
    assert "File too large" in str(there[-2].error)
    found = (tmp_path / "there" / "large").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_mtime) == (0o666 & ~UMASK, 1e9)


def test_wrong_bytes_are_told_as_such(tmp_path: Path, aside: FileProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    one = landing_of(tmp_path / "f")
    monkeypatch.setattr(landing, "_holds", lambda handle, content: False)
    land([one], UMASK)
    here = one.fault, str(one.error)
    assert one.fault == (landing.CORRUPT, 0, "")
    answers = [(False, one.fault)]
    monkeypatch.setattr(aside._ear, "receive", lambda: (answers, memoryview(b"")))
    assert aside.land([one], size_of([one]))
    assert (one.fault, str(one.error)) == here


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
async def test_a_full_disk_pauses_the_job(open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    used = watched(monkeypatch)
    small = tmp_path / "small"
    small.mkdir()
    if await asyncio.to_thread(run, "mount", "-t", "tmpfs", "-o", "size=400k", "none", str(small)):
        pytest.skip("nothing can be mounted here")
    try:
        lab = await open_lab()
        for number in range(80):
            await lab.put(f"d/{number:03}", os.urandom(9000))
        await until_ready(lab)
        used.clear()
        job = await lab.start("download", JobItem(f"gs://{BUCKET}/d/", str(small), tree=True))

        async def halted() -> bool:
            view = (await lab.engine.snapshot()).jobs[0]
            return view.state == "paused" and view.code == DiskFull.reason

        await eventually(halted)
        assert used
        assert not await asyncio.to_thread(run, "mount", "-o", "remount,size=4m", str(small))
        await lab.engine.submit(Control("resume", job))
        assert (await lab.ended(job)).job.done == 80
        assert [path.stat().st_size for path in small.iterdir()] == [9000] * 80
    finally:
        assert not await asyncio.to_thread(run, "umount", "-l", str(small))


def run(*command: str) -> int:
    return subprocess.run(command, capture_output=True).returncode


def watched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the size of each batch that the process put in place."""
    used: list[int] = []
    real = FileProcess.land

    def counted(self: FileProcess, batch: list[Landing], size: int) -> bool:
        done = real(self, batch, size)
        if done:
            used.append(len(batch))
        return done

    monkeypatch.setattr(FileProcess, "land", counted)
    return used


async def until_ready(lab: Lab) -> FileProcess:
    """Start an engine's process for files before there is anything to do."""
    process: FileProcess = lab.engine._files  # type: ignore[attr-defined]
    process.asked = True
    await asyncio.to_thread(process.start)
    await eventually(lambda: process.land([], 0))
    return process


@pytest.mark.parametrize("worker", [False, True])
async def test_many_small_downloads_go_through_it(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, worker: bool
) -> None:
    before = {child.pid for child in psutil.Process().children()}  # what other tests left
    monkeypatch.setattr(file_process, "AHEAD", 1)
    monkeypatch.setattr(file_process, "has_spare_core", lambda: True)
    monkeypatch.setattr(landings, "REST_S", 0.05)
    used = watched(monkeypatch)
    lab = await open_lab(worker=worker)
    contents = await filled(lab, "d", 200)
    await until_ready(lab)
    used.clear()
    end = await lab.run("download", tree(lab, "d"))
    assert (end.job.state, end.job.done) == ("done", 200)
    assert found(lab, "d") == contents
    assert sum(used) == 200
    process: FileProcess = lab.engine._files  # type: ignore[attr-defined]
    await eventually(lambda: not process.pid)  # nothing is left to do
    assert not list((tmp_path / "state").rglob("*.files"))
    await filled(lab, "e", 100)
    await lab.run("download", tree(lab, "e"))
    assert process.asked  # and it comes again
    await lab.engine.close()
    assert not process.pid
    assert {child.pid for child in psutil.Process().children()} <= before
    assert not list((tmp_path / "state").rglob("*.files"))


async def test_few_small_downloads_do_without_it(open_lab: OpenLab) -> None:
    lab = await open_lab()
    await filled(lab, "d", 20)
    await lab.run("download", tree(lab, "d"))
    assert not lab.engine._files.asked  # type: ignore[attr-defined]


async def test_its_death_costs_nothing_but_itself(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lab = await open_lab()
    contents = await filled(lab, "d", 300)
    process = await until_ready(lab)
    real = FileProcess.land

    def killed(self: FileProcess, batch: list[Landing], size: int) -> bool:
        if self.pid:
            killer = threading.Timer(random.random() * 0.002, os.kill, (self.pid, signal.SIGKILL))
            killer.start()
            killer.join()
        return real(self, batch, size)

    monkeypatch.setattr(FileProcess, "land", killed)
    end = await lab.run("download", tree(lab, "d"))
    assert (end.job.state, end.job.done, end.job.conflicts, end.job.skipped) == ("done", 300, 0, 0)
    assert found(lab, "d") == contents
    assert not process.pid
    assert all(view.attempt == 1 for view in lab.items())


def test_what_it_had_at_hand_is_done_once_more(tmp_path: Path) -> None:
    for turn in range(25):
        folder = tmp_path / str(turn)
        folder.mkdir()
        aside = started(tmp_path / "aside.files")
        batch = [landing_of(folder / f"f{number}", os.urandom(3000), base=len(str(folder))) for number in range(100)]
        killer = threading.Timer(turn * 0.0002, os.kill, (aside.pid, signal.SIGKILL))
        killer.start()
        done = aside.land(batch, size_of(batch))
        killer.join()
        if not done:
            land(batch, UMASK)
        assert all(one.placed and one.error is None for one in batch)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
            Path(one.path).name: one.content for one in batch
        }
        aside.close()


def test_what_it_may_have_done_is_told_from_what_others_did(tmp_path: Path) -> None:
    base = len(str(tmp_path))
    batch = [landing_of(tmp_path / name, b"new", base=base) for name in ("done", "half", "theirs", "link", "longer")]
    (tmp_path / "done").write_bytes(b"new")
    (tmp_path / batch[1].temporary).write_bytes(b"new")
    (tmp_path / "half").hardlink_to(tmp_path / batch[1].temporary)
    (tmp_path / "theirs").write_bytes(b"not")
    (tmp_path / "link").symlink_to(tmp_path / "done")
    (tmp_path / "longer").write_bytes(b"newer")
    for one in batch:
        one.again = True
    land(batch, UMASK)
    assert [(one.placed, one.error) for one in batch] == [
        (True, None), (True, None), (False, None), (False, None), (False, None),
    ]  # fmt: skip
    assert names(tmp_path) == ["done", "half", "link", "longer", "theirs"]
    assert (tmp_path / "theirs").read_bytes() == b"not"


async def test_where_it_cannot_be_started_threads_do_its_work(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_process, "AHEAD", 1)
    monkeypatch.setattr(file_process, "has_spare_core", lambda: True)
    monkeypatch.setattr(file_process, "bare_command", lambda *_: ["/nowhere/python"])
    lab = await open_lab()
    contents = await filled(lab, "d", 100)
    end = await lab.run("download", tree(lab, "d"))
    assert end.job.done == 100
    assert found(lab, "d") == contents
    assert not list(lab.engine.journal.path.parent.glob("*.files"))  # type: ignore[attr-defined]


def test_one_that_never_comes_up_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_process, "bare_command", lambda *_: ["/bin/sleep", "600"])
    aside = FileProcess(tmp_path / "aside.files", UMASK)
    aside.start()
    one = landing_of(tmp_path / "f")
    assert not aside.land([one], 3)
    assert not one.again
    pid = aside.pid
    aside.close()
    assert gone(pid)


def test_one_that_talks_nonsense_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside = started(tmp_path / "aside.files")
    pid, one = aside.pid, landing_of(tmp_path / "f")
    monkeypatch.setattr(aside._ear, "receive", lambda: ([], memoryview(b"")))
    assert not aside.land([one], 3)
    assert one.again
    assert gone(pid)
    assert not aside.pays(10**9)
    land([one], UMASK)
    assert one.placed


@pytest.mark.parametrize(
    ("cores", "running", "ahead", "pays"),
    [
        ({0}, 1, 10**6, False),
        ({0, 1}, 2, 10**6, True),
        ({0, 1}, 3, 10**6, False),
        ({0, 1}, 1, 999, False),
        ({0, 1}, 1, 1000, True),
    ],
)
def test_it_is_worth_its_start_with_a_core_and_work_for_it(
    cores: set[int], running: int, ahead: int, pays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores, raising=False)
    monkeypatch.setattr(file_process, "running", lambda: running)
    process = FileProcess(tmp_path / "l", UMASK)
    assert process.pays(ahead) == pays
    assert not (pays and process.pays(ahead))  # once


@pytest.mark.parametrize(
    ("told", "average", "running"),
    [("0.20 0.18 0.12 3/109 4711\n", 9.0, 3), ("nonsense", 0.5, 1.5), (None, 0.5, 1.5), (None, None, 1)],
)
def test_how_many_run_is_what_the_system_tells(
    told: str | None, average: float | None, running: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_late() -> tuple[float, float, float]:
        if average is None:
            raise OSError("it cannot be told")
        return average, 0.0, 0.0

    if told is not None:
        (tmp_path / "load").write_text(told)
    monkeypatch.setattr(file_process, "LOAD", tmp_path / "load")
    monkeypatch.setattr(os, "getloadavg", of_late)
    assert file_process.running() == running


def test_the_terminal_interrupts_only_its_starter(aside: FileProcess) -> None:
    assert os.getpgid(aside.pid) == aside.pid != os.getpgrp()


def test_it_is_as_polite_as_its_starter(aside: FileProcess) -> None:
    assert os.getpriority(os.PRIO_PROCESS, aside.pid) == os.getpriority(os.PRIO_PROCESS, 0)


def test_it_loads_nothing_that_it_does_not_need() -> None:
    code = (
        f"import sys; sys.path.append({str(ROOT)!r}); import services.transfer.file_server;"
        "print(*({'asyncio', 'dataclasses', 'typing', 're', 'pathlib', 'contextlib', 'sqlite3'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


STARTER = """
import os, signal, sys, threading, time
sys.path.insert(0, {root!r})
from pathlib import Path
from services.transfer import file_process
from services.transfer.file_process import FileProcess
from services.file_lock import FileLock
from services.transfer.journal import files_lock
from services.transfer.landing import Landing
send, sent = file_process._send, threading.Event()
def counted(*what):
    send(*what)
    sent.set()
file_process._send = counted
journal, folder = Path(sys.argv[1]), sys.argv[2]
lock = FileLock(journal.with_suffix(".lock"))
assert lock.acquire()
aside = FileProcess(files_lock(journal), 0o022)
aside.start()
while not aside.land([], 0):
    time.sleep(0.001)
sent.clear()
os.kill(aside.pid, signal.SIGSTOP)
batch = [Landing(f"{{folder}}/f{{n}}", len(folder), "nonce%d" % n, 7, b"x" * 500, 1e9, False) for n in range(60)]
threading.Thread(target=aside.land, args=(batch, 500 * 60)).start()
sent.wait()  # 30 KiB, which the system holds
print(aside.pid, flush=True)
time.sleep(600)
"""


PR_SET_CHILD_SUBREAPER = 36
"""Linux: orphans below this process become its children (man 2 PR_SET_CHILD_SUBREAPER)."""


def adopt_orphans(adopt: bool) -> None:
    """Have what is orphaned here stay in this session: where it is stopped, it would be hung up otherwise."""
    if sys.platform != "linux":
        pytest.skip("only Linux lets a process adopt")
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0) == 0


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[tuple[Path, Path, int]]:
    """A journal whose owner was killed, the folder for its files, and the process that still has a batch at hand."""
    journal, folder = tmp_path / "j" / "run-1.db", tmp_path / "files"
    journal.parent.mkdir(mode=0o700)
    folder.mkdir()
    code = STARTER.format(root=str(ROOT))
    adopt_orphans(True)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(journal), str(folder)], stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.kill()
    try:
        yield journal, folder, pid
    finally:
        if not gone(pid):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        adopt_orphans(False)


async def test_whoever_goes_on_waits_for_what_a_killed_process_has_at_hand(orphan: tuple[Path, Path, int]) -> None:
    journal, folder, pid = orphan
    lock = FileLock(journal.with_suffix(".lock"))
    assert lock.acquire()  # of the owner nothing is left
    lock.release()
    assert not settled(files_lock(journal), 0.0)
    opening = asyncio.create_task(Journal.open(journal))
    await eventually(lambda: not _is_free(journal))  # it has the lock, and waits
    assert not opening.done()
    os.kill(pid, signal.SIGCONT)
    async with await opening:
        assert gone(pid)
        assert len(names(folder)) == 60  # all of what it had at hand, and nothing half
        assert not any(name.startswith(".") for name in names(folder))
        assert not files_lock(journal).exists()


def _is_free(journal: Path) -> bool:
    lock = FileLock(journal.with_suffix(".lock"))
    free = lock.acquire()
    lock.release()
    return free


async def test_one_that_does_not_end_keeps_its_journal(
    orphan: tuple[Path, Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, _, pid = orphan
    journal.touch(0o600)
    real = settled
    monkeypatch.setattr("services.transfer.journal.settled", lambda path: real(path, 0.0))
    assert free_journals(journal.parent) == []
    with pytest.raises(Busy):
        await Journal.open(journal)
    os.kill(pid, signal.SIGKILL)
    until(lambda: real(files_lock(journal), 0.0))
    ((path, lock),) = free_journals(journal.parent)
    assert path == journal
    lock.release()


async def test_pausing_waits_for_what_it_has_at_hand(open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = await open_lab(options=FAST)
    contents = await filled(lab, "d", 200)
    process = await until_ready(lab)
    used = watched(monkeypatch)
    os.kill(process.pid, signal.SIGSTOP)
    job = await lab.start("download", tree(lab, "d"))
    await eventually(process._door.locked)
    await lab.engine.submit(Control("pause", job))
    os.kill(process.pid, signal.SIGCONT)

    async def rests() -> bool:
        return not (await lab.engine.snapshot()).running

    await eventually(rests)
    view = (await lab.engine.snapshot()).jobs[0]
    assert view.state == "paused"
    assert used
    assert set(found(lab, "d").items()) <= set(contents.items())
    await lab.engine.submit(Control("resume", job))
    assert (await lab.ended(job)).job.done == 200
    assert found(lab, "d") == contents
