"""`pail sync` as a process: what it carries, says and refuses, and what is left of it after kill -9."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Pail

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


def test_hazard_33_a_second_process_on_the_pair_is_refused_and_a_killed_one_leaves_no_lock(
    pail: Pail, folder: Path, bucket: str, watching: subprocess.Popen[bytes]
) -> None:
    assert f"process {watching.pid}" in pail("sync", str(folder), bucket, code=1).err
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
