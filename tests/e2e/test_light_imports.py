"""Sub-commands that only move data never load Google's library: its import alone takes longer than small jobs do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.localstore.server import StoreServer

ROOT = Path(__file__).parents[2]

HEAVY = ("google.cloud", "google.auth", "google.api_core", "requests", "urllib3", "textual")


def imported(*words: str, home: Path) -> set[str]:
    """Run a command and return the modules that it imported, one way or another."""
    environment = {f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "STATE", "CACHE", "DATA")}
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app", *words],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "HOME": str(home), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, "\n".join(line for line in run.stderr.splitlines() if "import time:" not in line)
    return {line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if "import time:" in line}


@pytest.fixture
def endpoint(tmp_path: Path) -> object:
    with StoreServer(tmp_path / "store", open_access=True) as server:
        yield server.endpoint


def test_moving_data_loads_no_library(endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    home = tmp_path / "home"
    for words in (
        ["mb", "gs://bucket"],
        ["cp", str(tmp_path / "file"), "gs://bucket/a"],
        ["ls", "-l", "gs://bucket"],
        ["cat", "gs://bucket/a"],
        ["cp", "gs://bucket/a", str(tmp_path / "back")],
        ["mv", "gs://bucket/a", "gs://bucket/b"],
        ["rm", "gs://bucket/b"],
    ):
        found = imported("--endpoint", endpoint, *words, home=home)
        assert "services.gcs.lean.wire" in found
        heavy = [name for name in found if name.startswith(HEAVY)]
        assert heavy == [], words
    assert (tmp_path / "back").read_text() == "content"
