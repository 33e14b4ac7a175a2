"""`pail sync` as a process: what it carries, says and refuses, and what is left of it after kill -9."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from tests.e2e.conftest import Pail
from tests.e2e.terminal import Terminal

Put = Callable[..., None]

PATIENCE_S = 60.0


def eventually(condition: Callable[[], Any]) -> Any:
    """Wait until a condition is true and return what it returned."""
    limit = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.02)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


@pytest.fixture
def bucket(put: Put) -> str:
    put("live")
    return "gs://live/p"


def names(pail: Pail) -> set[str]:
    return {record["name"] for record in pail("--json", "ls", "-r", "gs://live").records}


ANSWER_S = 3.0
"""Seconds for which the answer to an upload is held up."""


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(store_factory: Callable[..., StoreServer], faults: Faults) -> StoreServer:
    return store_factory(faults=faults)


@pytest.fixture
def watching(pail: Pail, folder: Path, bucket: str) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "first").write_text("x")
    process = subprocess.Popen(
        pail.command("sync", str(folder), bucket, "--watch"), env=pail.environment, stderr=subprocess.PIPE
    )
    eventually(lambda: "p/first" in names(pail))
    yield process
    process.kill()
    process.communicate()


def test_a_sync_says_what_it_did_in_sentences_and_in_records(pail: Pail, folder: Path, bucket: str) -> None:
    (folder / "a").write_text("x")
    said = pail("sync", str(folder), bucket)
    assert "Uploaded" in said.err
    (folder / "b").write_text("y")
    planned = pail("--json", "sync", str(folder), bucket, "--dry-run").records
    assert [(r["action"], r["state"]) for r in planned if r["kind"] == "item"] == [("upload", "planned")]
    done = pail("--json", "sync", str(folder), bucket).records
    assert [(r["action"], r["state"], r["target"]) for r in done if r["kind"] == "item"] == [
        ("upload", "done", "gs://live/p/b")
    ]
    assert done[-1]["kind"] == "summary"


@pytest.mark.parametrize(
    "words",
    [
        ("gs://live/p", "folder"),
        ("folder", "folder"),
        ("folder", "gs://live", "--delete"),
        ("folder", "gs://live", "--watch", "--dry-run"),
        ("folder", "gs://live", "--mode", "both"),
        ("folder", "gs://live", "--max-delete", "lots"),
        ("/", "gs://live"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(pail: Pail, words: tuple[str, ...]) -> None:
    pail("sync", *words, code=2)


def test_hazard_23_an_emptied_root_ends_with_the_safeguards_code(pail: Pail, folder: Path, bucket: str) -> None:
    (folder / "a").write_text("x")
    pail("sync", str(folder), bucket)
    (folder / "a").unlink()
    refused = pail("--yes", "sync", str(folder), bucket, code=9)
    assert "nothing was done" in refused.err
    assert names(pail) == {"p/a"}
    pail("sync", str(folder), bucket, "--max-delete", "100%")
    assert names(pail) == set()


def test_a_missing_bucket_has_its_own_code(pail: Pail, folder: Path) -> None:
    pail("sync", str(folder), "gs://nowhere", code=3)


def test_a_folder_that_is_not_there_yet_is_made_for_what_comes_down(
    pail: Pail, folder: Path, bucket: str, put: Put
) -> None:
    put("live", "p/a", b"x")
    pail("sync", str(folder / "new"), bucket)
    assert (folder / "new/a").read_bytes() == b"x"
    pail("sync", str(folder / "other"), bucket, "--mode", "push", code=1)


def test_a_live_sync_carries_changes_and_ends_in_order(
    pail: Pail, folder: Path, watching: subprocess.Popen[bytes]
) -> None:
    (folder / "sub/deep").mkdir(parents=True)
    (folder / "sub/deep/a").write_text("made while it runs")
    eventually(lambda: "p/sub/deep/a" in names(pail))
    (folder / "sub/deep/a").rename(folder / "moved")
    eventually(lambda: {"p/moved"} == names(pail) & {"p/moved", "p/sub/deep/a"})
    watching.send_signal(signal.SIGTERM)
    _, said = watching.communicate(timeout=PATIENCE_S)
    assert watching.returncode == 0
    assert b"watching" in said
    assert b"Traceback" not in said


def test_a_live_sync_logs_records_and_ends_in_order_on_sigterm(pail: Pail, folder: Path, bucket: str) -> None:
    (folder / "first").write_text("x")
    process = subprocess.Popen(
        pail.command("--json", "sync", str(folder), bucket, "--watch"),
        env=pail.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            seen.append(json.loads(line))
            if seen[-1].get("phase") == "watching":
                break
        process.send_signal(signal.SIGTERM)
        rest, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    seen += [json.loads(line) for line in rest.splitlines()]
    assert process.returncode == 0
    assert b"Traceback" not in said
    assert [one["phase"] for one in seen if one["kind"] == "state"][:2] == ["scanning", "reconciling"]
    assert all("time" in one for one in seen if one["kind"] == "state")
    assert [one["target"] for one in seen if one["kind"] == "item"] == ["gs://live/p/first"]


def test_the_first_sync_asks_at_a_terminal_before_it_deletes(
    pail: Pail, folder: Path, bucket: str, put: Put, tmp_path: Path
) -> None:
    for number in range(12):
        (folder / f"f{number}").write_text("x")
        put("live", f"p/f{number}", b"x")
    put("live", "p/extra", b"x")
    words = ("sync", str(folder), bucket, "--mode", "push", "--delete")
    terminal = Terminal("sync-asks", tmp_path)
    try:
        terminal.start(pail.command(*words), pail.environment)
        terminal.see("This first sync deletes 1 file", "extra", "[y/N]")
        terminal.keys("n", "Enter")
        terminal.see("rc=2")
        assert "p/extra" in names(pail)
    finally:
        terminal.close()
    pail(*words)
    assert "p/extra" not in names(pail)


def test_hazard_33_a_second_process_on_the_pair_is_refused_and_a_killed_one_leaves_no_lock(
    pail: Pail, folder: Path, bucket: str, watching: subprocess.Popen[bytes]
) -> None:
    assert f"process {watching.pid}" in pail("sync", str(folder), bucket, "--watch", code=1).err
    watching.kill()
    watching.wait()
    pail("sync", str(folder), bucket)


def test_hazard_35_an_overlapping_pair_is_refused(
    pail: Pail, folder: Path, watching: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (folder / "inner").mkdir()
    (tmp_path / "other").mkdir()
    assert "overlaps" in pail("sync", str(folder / "inner"), "gs://live/q", code=2).err
    assert "overlaps" in pail("sync", str(tmp_path / "other"), "gs://live/p/inner", code=2).err


def test_a_single_pass_over_a_pair_that_is_run_is_made_by_its_owner(
    pail: Pail, folder: Path, bucket: str, watching: subprocess.Popen[bytes], put: Put
) -> None:
    (found,) = pail("--json", "sync").records
    assert (found["kind"], found["pid"], found["by"]) == ("pair", watching.pid, "watch")
    put("live", "p/there", b"x")
    done = pail("--json", "sync", str(folder), bucket).records
    assert done[-1]["kind"] == "summary"
    assert (folder / "there").read_bytes() == b"x"
    assert pail("-v", "sync", str(folder), bucket, "--dry-run").err.count("Handed to pail sync --watch") == 1
    assert "in its own way" in pail("sync", str(folder), bucket, "--mode", "push", code=2).err
    assert watching.poll() is None


def test_the_screen_shows_which_process_runs_a_pair(
    pail: Pail, folder: Path, watching: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (folder / "second").write_text("y")
    eventually(lambda: "p/second" in names(pail))
    terminal = Terminal("sync-view", tmp_path)
    try:
        terminal.start(pail.command("gs://live"), pail.environment, width=120, height=30)
        terminal.see("p/")
        terminal.keys("4")
        terminal.see("watching", f"pail sync --watch {watching.pid}", "second", "class A in an hour")
        assert "pause" not in terminal.text()
        terminal.keys("q")
        terminal.see("rc=0")
    finally:
        terminal.close()
    assert watching.poll() is None


def test_the_worker_runs_a_pair_without_a_terminal_and_again_after_a_kill(
    pail: Pail, folder: Path, bucket: str
) -> None:
    (folder / "a").write_text("x")
    try:
        pail("sync", str(folder), bucket, "--resume")
        eventually(lambda: "p/a" in names(pail))
        (found,) = eventually(lambda: [one for one in pail("--json", "sync").records if one["state"] == "watching"])
        assert found["by"] == "worker"
        os.kill(found["pid"], signal.SIGKILL)
        (folder / "b").write_text("y")
        pail("sync", str(folder), "--resume")
        eventually(lambda: "p/b" in names(pail))
        (folder / "c").write_text("z")
        said = pail("sync", str(folder), bucket).err
        assert "Uploaded" in said or "nothing to do" in said
        assert "p/c" in names(pail)
        pail("sync", str(folder), "--pause")
        eventually(lambda: pail("--json", "sync").records[0]["pid"] == 0)
        pail("sync", str(folder), "--remove")
        assert pail("--json", "sync").records == []
    finally:
        pail("worker", "stop", code=None)


def test_hazard_35_a_pair_of_the_list_is_not_overlapped_while_it_rests(
    pail: Pail, folder: Path, watching: subprocess.Popen[bytes]
) -> None:
    watching.send_signal(signal.SIGTERM)
    watching.communicate(timeout=PATIENCE_S)
    (folder / "inner").mkdir()
    assert "overlaps" in pail("sync", str(folder / "inner"), "gs://live/q", code=2).err
    pail("sync", str(folder), "--remove")
    pail("sync", str(folder / "inner"), "gs://live/q")


def test_hazard_67_what_a_project_proposes_is_approved_first(
    pail: Pail, bucket: str, store: StoreServer, home: Path
) -> None:
    project = home / "project"
    (project / "assets").mkdir(parents=True)
    (project / "assets/a").write_text("x")
    (project / "pail.toml").write_text(
        f'[[sync]]\nfolder = "assets"\nurl = "gs://live/site"\nmode = "push"\nendpoint = "{store.endpoint}"\n'
    )
    (found,) = pail("--json", "sync", cwd=project).records
    assert found["proposed"]
    pail("sync", "assets", code=2, cwd=project)
    pail("sync", "assets", "--approve", cwd=project)
    pail("sync", "assets", cwd=project)
    assert names(pail) == {"site/a"}


def test_a_plan_that_a_safeguard_stops_can_be_looked_at(pail: Pail, folder: Path, bucket: str) -> None:
    (folder / "a").write_text("x")
    pail("sync", str(folder), bucket)
    (folder / "a").unlink()
    seen = pail("--json", "sync", str(folder), bucket, "--dry-run", code=9).records
    assert [(one["action"], one["state"]) for one in seen if one["kind"] == "item"] == [("delete", "planned")]


def test_a_unit_is_written_and_deleted(pail: Pail, folder: Path, bucket: str, home: Path) -> None:
    said = pail("sync", str(folder), bucket, "--install", "--mode", "push").err
    (unit,) = (home / "config/systemd/user").iterdir()
    assert f"systemctl --user enable --now {unit.name}" in said
    assert f'"--mode" "push" "{folder}" "gs://live/p/"' in unit.read_text()
    pail("sync", str(folder), bucket, "--uninstall")
    assert not unit.exists()


def test_hazard_30_killed_at_any_moment_it_loses_nothing_and_makes_no_conflict(
    pail: Pail, folder: Path, bucket: str, put: Put
) -> None:
    chance = random.Random(5)
    wanted = {}
    for turn in range(6):
        for number in range(30):
            name = f"d{number % 4}/f{number}"
            (folder / name).parent.mkdir(exist_ok=True)
            wanted[name] = f"{turn} {number}"
            (folder / name).write_text(wanted[name])
        for number in range(10):
            wanted[f"there{number}"] = f"{turn} {number}"
            put("live", f"p/there{number}", wanted[f"there{number}"].encode())
        process = subprocess.Popen(
            pail.command("-q", "sync", str(folder), bucket), env=pail.environment, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(chance.uniform(0.3, 1.2))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    pail("sync", str(folder), bucket)
    found = {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and ".pail" not in path.parts
    }
    assert found == wanted
    assert names(pail) == {f"p/{name}" for name in wanted}


def test_hazard_38_what_is_made_while_the_process_is_stopped_is_found(
    pail: Pail, folder: Path, watching: subprocess.Popen[bytes]
) -> None:
    watching.send_signal(signal.SIGSTOP)
    for number in range(400):
        path = folder / f"burst/{number % 5}/{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    watching.send_signal(signal.SIGCONT)
    eventually(lambda: len([name for name in names(pail) if name.startswith("p/burst/")]) == 400)


def test_hazard_34_two_live_processes_on_one_prefix_come_to_the_same(
    pail: Pail, folder: Path, tmp_path: Path, watching: subprocess.Popen[bytes]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    # Another machine has a memory of its own, and knows nothing of the first one's locks.
    environment = {**pail.environment, "XDG_STATE_HOME": str(tmp_path / "other-state")}
    second = subprocess.Popen(
        pail.command("sync", str(other), "gs://live/p", "--watch"), env=environment, stderr=subprocess.DEVNULL
    )
    try:
        eventually(lambda: (other / "first").exists())
        (folder / "from-one").write_text("1")
        (other / "from-two").write_text("2")
        eventually(lambda: {"p/first", "p/from-one", "p/from-two"} <= names(pail))
        eventually(lambda: (folder / "from-two").exists() and (other / "from-one").exists())
        assert (folder / "from-two").read_text() == "2"
        assert (other / "from-one").read_text() == "1"
        assert watching.poll() is None
        assert second.poll() is None
    finally:
        second.kill()
        second.wait()


def _two(folder: Path) -> None:
    """Make two files of which the second has to wait for minutes once the first has moved at a byte a second."""
    for name in ("one", "two"):
        (folder / name).write_text(name * 1000)


@pytest.mark.parametrize("where", ["--bandwidth", "the settings"])
@pytest.mark.parametrize("live", [False, True])
def test_a_limit_of_the_bandwidth_holds_a_sync_back(
    pail: Pail, folder: Path, bucket: str, home: Path, where: str, live: bool
) -> None:
    _two(folder)
    words = ["--watch"] if live else []
    if where == "--bandwidth":
        words += ["--bandwidth", "1"]
    else:
        path = Path(pail("config", "path").out.strip())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('[transfers]\nbandwidth = "1"\n')
    process = subprocess.Popen(pail.command("sync", str(folder), bucket, *words), env=pail.environment)
    try:
        eventually(lambda: names(pail))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0 if live else process.wait(PATIENCE_S) != 0
    finally:
        process.kill()
        process.wait()
    assert len(names(pail)) == 1


def test_pairs_in_the_worker_share_its_limit_of_the_bandwidth(pail: Pail, folder: Path, bucket: str) -> None:
    pail("transfers", "limit", "1")
    _two(folder)
    pail("sync", str(folder), bucket, "--resume")
    try:
        assert len(eventually(lambda: names(pail))) == 1
        pail("transfers", "limit", "off")
        eventually(lambda: names(pail) == {"p/one", "p/two"})
    finally:
        pail("sync", str(folder), "--remove")
        pail("worker", "stop")


def test_hazard_53_a_second_interruption_ends_a_watching_sync_at_once_and_nothing_is_lost(
    pail: Pail,
    folder: Path,
    bucket: str,
    watching: subprocess.Popen[bytes],
    home: Path,
    store: StoreServer,
    faults: Faults,
) -> None:
    (memory,) = (home / "state" / "pail" / "sync").glob("*.db")
    with contextlib.closing(sqlite3.connect(memory, isolation_level=None)) as db:
        eventually(lambda: not db.execute("SELECT 1 FROM intents").fetchone())
        faults.add(Fault("objects.insert", "stall", stage="after", seconds=ANSWER_S))
        (folder / "second").write_bytes(bytes(2 << 20))
        eventually(lambda: "p/second" in names(pail))
        assert db.execute("SELECT 1 FROM intents").fetchone(), "its answer is held up"
        db.execute("BEGIN IMMEDIATE")
        # What has come of an upload is written down before anything is closed: from the answer on that has to wait.
        eventually(lambda: not store._runner._server._state.tasks)
        assert "p/second" in names(pail)
        eventually(lambda: watching.poll() is not None or watching.send_signal(signal.SIGINT))
    _, said = watching.communicate(timeout=PATIENCE_S)
    assert watching.returncode == 130
    assert b"interrupted" not in said  # which the end in order says
    again = pail("--json", "sync", str(folder), bucket).records
    assert [record for record in again if record["kind"] == "item" and record["action"] != "skip"] == []
    assert names(pail) == {"p/first", "p/second"}
