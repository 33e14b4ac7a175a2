"""Sub-commands that only move data load what they need: to import Google's library alone takes longer than small jobs.

What else they were seen to load for nothing is named here, so that it does not come back unnoticed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.localstore.server import StoreServer

ROOT = Path(__file__).parents[2]

HEAVY = ("google.cloud", "google.auth", "google.api_core", "requests", "urllib3", "textual")


NEEDLESS = (
    *("ctypes", "encodings.idna", "glob", "platform", "shutil", "tempfile", "tomllib", "uuid"),
    *("services.config", "services.history", "services.sync.overview", "services.sync.runner", "services.worker"),
    *("app.cli.buckets", "app.cli.cat", "app.cli.pipe", "app.cli.stat", "app.cli.sync_pairs"),
)
"""What neither lists nor transfers nor a pass of sync has a use for, where nothing is set and nothing goes wrong."""

OF_ENGINES = ("services.transfer.large", "services.transfer.parts", "services.transfer.pipe", "secrets", "hashlib")
"""What a job of small files has no use for either."""

OF_LISTS = ("services.transfer", "services.sync", "sqlite3", "google_crc32c", "mimetypes", "dataclasses")
"""What a list has no use for: it reads."""

OF_PASSES = (
    "services.transfer.run",
    "services.transfer.journal",
    "services.transfer.messages",
    "services.transfer.upload",
)
"""What a pass of sync has no use for: it has a journal and transfers of its own."""


def among(found: set[str], names: tuple[str, ...]) -> list[str]:
    """Return the modules that are one of `names`, or below one."""
    return sorted(one for one in found if any(one == name or one.startswith(f"{name}.") for name in names))


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


def test_each_command_loads_what_it_needs(endpoint: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file.txt").write_text("content")
    home = tmp_path / "home"

    def needless(*words: str, but: tuple[str, ...]) -> list[str]:
        found = imported("--endpoint", endpoint, "--yes", *words, home=home)
        assert "services.gcs.lean.wire" in found
        return among(found, (*NEEDLESS, *but))

    imported("--endpoint", endpoint, "mb", "gs://bucket", home=home)
    assert needless("cp", "-r", str(folder), "gs://bucket/up", but=OF_ENGINES) == []
    assert needless("ls", "-r", "gs://bucket", but=OF_LISTS) == []
    assert needless("cp", "-r", "gs://bucket/up", str(tmp_path / "down"), but=OF_ENGINES) == []
    assert needless("mv", "-r", "gs://bucket/up/", "gs://bucket/moved/", but=OF_ENGINES) == []
    assert needless("rm", "-r", "gs://bucket/moved/", but=OF_ENGINES) == []
    assert needless("sync", str(folder), "gs://bucket/sync", but=OF_PASSES) == []
    assert needless("sync", str(folder), "gs://bucket/sync", but=OF_PASSES) == []
    assert (tmp_path / "down" / "file.txt").read_text() == "content"
