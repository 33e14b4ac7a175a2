"""The detached store: found, started, stopped, and gone when idle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from services.errors import PailError
from services.localstore import launcher
from services.localstore.folder import is_locked, read_run_file, write_run_file
from tests.services.localstore.raw import eventually


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "store"
    launcher.stop(tmp_path / "store")


def test_a_store_is_started_once_and_found_again(folder: Path) -> None:
    assert launcher.running(folder) is None
    first = launcher.ensure_running(folder)
    assert first.token
    assert launcher.ensure_running(folder) == first == launcher.running(folder)


def test_many_who_start_it_at_once_share_one(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _index: launcher.ensure_running(folder), range(8)))
    assert len(found) == 1


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])


def test_one_that_was_started_in_vain_does_not_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow one would take the folder the moment the one that everybody uses leaves."""
    started: list[subprocess.Popen[bytes]] = []
    start = launcher._start

    def lose(directory: Path) -> subprocess.Popen[bytes]:
        start(directory)
        eventually(lambda: read_run_file(directory) is not None)
        started.append(sleeper())
        return started[0]

    monkeypatch.setattr(launcher, "_start", lose)
    assert launcher.ensure_running(folder) == launcher.running(folder)
    (late,) = started
    assert late.wait(20) == -signal.SIGTERM


def test_stopping_stops_also_the_one_that_took_over_meanwhile(folder: Path) -> None:
    launcher.ensure_running(folder)
    successor = read_run_file(folder)
    assert successor is not None
    first = sleeper()
    write_run_file(folder, replace(successor, pid=first.pid))

    def take_over() -> None:
        first.wait()
        write_run_file(folder, successor)

    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(take_over)
        assert launcher.stop(folder) is True
        taken.result()
    assert not is_locked(folder)


def test_it_takes_its_last_port_again_with_a_new_token(folder: Path) -> None:
    first = launcher.ensure_running(folder)
    assert launcher.stop(folder) is True
    assert launcher.running(folder) is None
    assert launcher.stop(folder) is False
    second = launcher.ensure_running(folder)
    assert second.endpoint == first.endpoint
    assert second.token != first.token


def test_it_comes_back_after_a_kill(folder: Path) -> None:
    launcher.ensure_running(folder)
    run = read_run_file(folder)
    assert run is not None
    os.kill(run.pid, signal.SIGKILL)
    eventually(lambda: not is_locked(folder))
    assert launcher.running(folder) is None
    assert launcher.ensure_running(folder).token != run.token


def test_the_token_is_in_no_argument_no_log_and_no_representation(folder: Path) -> None:
    address = launcher.ensure_running(folder)
    run = read_run_file(folder)
    assert run is not None
    assert address.token is not None
    assert all(address.token not in word for word in psutil.Process(run.pid).cmdline())
    assert address.token not in (folder / launcher.LOG_FILE).read_text()
    assert address.token not in repr(address)


def test_it_is_detached_from_the_terminal(folder: Path) -> None:
    launcher.ensure_running(folder)
    run = read_run_file(folder)
    assert run is not None
    assert os.getsid(run.pid) == run.pid


def test_a_store_that_cannot_start_says_where_to_look(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "metadata.sqlite").write_bytes(b"not a database, but long enough to be taken for a broken one" * 20)
    with pytest.raises(PailError) as caught:
        launcher.ensure_running(folder)
    assert "store.log" in caught.value.remedy


def serve(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.localstore", str(folder), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(folder: Path, number: signal.Signals) -> None:
    with serve(folder, "--open") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == ""
    assert not (folder / "run.json").exists()


def test_it_leaves_when_nobody_comes(folder: Path) -> None:
    with serve(folder, "--idle-exit", "0.2") as process:
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert not is_locked(folder)


def test_a_second_one_in_the_foreground_is_refused_in_words(folder: Path) -> None:
    launcher.ensure_running(folder)
    with serve(folder) as process:
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert output == ""
    assert "another store is running" in errors
    assert "Traceback" not in errors
