"""The store seen by a client that nobody here wrote: rclone."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from services.localstore.server import StoreServer

pytestmark = pytest.mark.skipif(shutil.which("rclone") is None, reason="rclone is not installed")

FILES = {
    "a b#?.txt": 10,
    "dir/deep/ü%2F.bin": 70_000,
    "dir/empty": 0,
    "dir/[x].md": 300,
    # Above rclone's chunk of 8 MiB: a resumable upload in parts.
    "large.bin": 20_000_000,
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, size in FILES.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.Random(size).randbytes(size))
    return tmp_path / "source"


@pytest.fixture
def rclone(store: StoreServer, tmp_path: Path) -> Callable[..., str]:
    (tmp_path / "rclone.conf").touch()

    def run(*arguments: str | Path) -> str:
        options = ["--gcs-endpoint", store.endpoint, "--gcs-anonymous", "--gcs-project-number", "1"]
        options += ["--config", str(tmp_path / "rclone.conf"), "--retries", "1", "--low-level-retries", "1"]
        done = subprocess.run(
            ["rclone", *options, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=os.environ | {"HOME": str(tmp_path)},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("mkdir", ":gcs:bucket")
    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_rclone_copies_up_and_down(rclone: Callable[..., str], source: Path, tmp_path: Path) -> None:
    rclone("copy", source, ":gcs:bucket/up")
    listed = {line.split(maxsplit=3)[3]: int(line.split()[0]) for line in rclone("lsl", ":gcs:bucket/up").splitlines()}
    assert listed == FILES
    rclone("check", source, ":gcs:bucket/up")
    rclone("copy", ":gcs:bucket/up", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(source)


def test_rclone_syncs_moves_and_deletes(rclone: Callable[..., str], source: Path, tmp_path: Path) -> None:
    rclone("copy", source, ":gcs:bucket/up")
    (source / "dir/empty").unlink()
    (source / "dir/new").write_bytes(b"new")
    (source / "a b#?.txt").write_bytes(b"changed")
    rclone("sync", source, ":gcs:bucket/up")
    rclone("move", ":gcs:bucket/up", ":gcs:bucket/moved")
    assert rclone("lsf", "-R", "--files-only", ":gcs:bucket/up") == ""
    rclone("copy", ":gcs:bucket/moved", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(source)
    rclone("delete", ":gcs:bucket")
    assert rclone("lsf", "-R", "--files-only", ":gcs:bucket") == ""
