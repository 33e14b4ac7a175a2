"""The store and the worker that Pail starts by itself: found wherever Pail lies, whatever lies where it is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.localstore.launcher import stop
from tests.e2e.conftest import TIMEOUT_S, wait_for

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the sources in a place that no interpreter knows."""
    folder = tmp_path / "check out"
    for package in ("app", "services", "widgets"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "styles.tcss", folder)
    return folder


class Uninstalled:
    """Pail in an environment that has its libraries, but not Pail."""

    def __init__(self, home: Path) -> None:
        venv.create(home / "venv", symlinks=True)
        self.python = home / "venv" / "bin" / "python"
        (packages,) = (home / "venv").glob("lib/python*/site-packages")
        for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
            for entry in Path(place).iterdir():
                # A .pth file, or a finder, is what an editable installation consists of.
                if "pail" not in entry.name and entry.name not in {"app", "services", "widgets", "__pycache__"}:
                    (packages / entry.name).symlink_to(entry)
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "XDG_"))},
            **{f"XDG_{kind}_HOME": str(home / kind) for kind in ("STATE", "CONFIG", "DATA", "CACHE")},
            "HOME": str(home),
        }

    def __call__(self, folder: Path, *words: str, options: tuple[str, ...] = ()) -> str:
        """Run a command in `folder` and return its standard output."""
        done = subprocess.run(
            [self.python, *options, "-m", "app", *words],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Uninstalled]:
    """Return Pail without installation; what it started is stopped at the end."""
    uninstalled = Uninstalled(tmp_path)
    yield uninstalled
    stop(tmp_path / "store")


def test_a_checkout_that_is_not_installed_starts_its_store_and_its_worker(
    run: Uninstalled, checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"moved")
    local = ("--local", str(tmp_path / "store"))
    run(checkout, *local, "mb", "gs://bucket")
    run(checkout, *local, "cp", "--detach", str(tmp_path / "file"), "gs://bucket/")
    wait_for(lambda: '"done"' in run(checkout, "--json", "transfers"))
    assert run(checkout, *local, "cat", "gs://bucket/file") == "moved"
    run(checkout, "worker", "stop")


def test_what_lies_where_pail_is_started_is_never_run_instead(run: Uninstalled, checkout: Path, tmp_path: Path) -> None:
    trap = tmp_path / "project"
    (trap / "services").mkdir(parents=True)
    for name in ("services/__init__.py", "json.py", "asyncio.py"):
        (trap / name).write_text("raise SystemExit('the wrong module')\n")
    (trap / "file").write_bytes(b"moved")
    local = ("--local", str(tmp_path / "store"))
    # Like the installed command: Pail is on the path, the folder where it is started is not.
    run.environment["PYTHONPATH"] = str(checkout)

    def pail(*words: str) -> str:
        return run(trap, *words, options=("-P",))

    pail(*local, "mb", "gs://bucket")
    pail(*local, "cp", "--detach", "file", "gs://bucket/")
    wait_for(lambda: '"done"' in pail("--json", "transfers"))
    pail("worker", "stop")
