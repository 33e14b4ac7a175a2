"""The wheel, installed into an empty environment of every supported Python on this machine, works from any folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.localstore.launcher import stop
from tests.e2e.terminal import Terminal

ROOT = Path(__file__).parents[2]
SUPPORTED = ("3.11", "3.12", "3.13")


def interpreters() -> Iterator[tuple[str, Path]]:
    """Yield the supported interpreters that are here: the one that runs, those on PATH, those of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in SUPPORTED:
        named = shutil.which(f"python{version}")
        candidates = [Path(named)] if named else []
        candidates += sorted(pyenv.glob(f"{version}*/bin/python"))
        if sys.version_info[:2] == tuple(map(int, version.split("."))):
            candidates.insert(0, Path(sys.executable))
        for candidate in candidates:
            # A shim of a version manager may lie on PATH and still refuse to run.
            probe = subprocess.run([candidate, "-c", "import venv, ensurepip"], capture_output=True, check=False)
            if probe.returncode == 0:
                yield version, candidate
                break


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    (built,) = folder.glob("pail_tui-*.whl")
    return built


def test_the_wheel_carries_the_packages_the_styles_and_nothing_else_at_its_top(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "app/styles.tcss" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"app", "widgets", "services", "pail_tui"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("version", "python"), [pytest.param(*found, id=found[0]) for found in interpreters()])
def test_a_fresh_environment_runs_pail_from_any_folder(wheel: Path, tmp_path: Path, version: str, python: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", environment], check=True, capture_output=True)
    installed = subprocess.run(
        [environment / "bin" / "pip", "install", "-q", wheel], capture_output=True, text=True, check=False
    )
    assert installed.returncode == 0, installed.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    home = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("STATE", "CONFIG", "DATA", "CACHE")}
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}

    def pail(*words: str) -> str:
        run = subprocess.run(
            [environment / "bin" / "pail", *words],
            cwd=elsewhere,
            env={**clean, **home, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    assert pail("--version").startswith("pail ")
    (elsewhere / "hello.txt").write_text(f"from {version}")
    store = str(tmp_path / "store")
    pail("--local", store, "mb", "gs://fresh")
    pail("--local", store, "cp", "hello.txt", "gs://fresh/")
    assert pail("--local", store, "ls", "gs://fresh") == "gs://fresh/hello.txt\n"
    assert pail("--local", store, "cat", "gs://fresh/hello.txt") == f"from {version}"
    if shutil.which("tmux"):
        # The screen's event loop works in another way on each Python (tasks start eagerly from 3.12 on).
        terminal = Terminal(f"pail-{os.getpid()}-{version}", tmp_path)
        words = [str(environment / "bin" / "pail"), "--local", store, "gs://fresh"]
        try:
            terminal.start(words, {**clean, **home, "HOME": str(tmp_path), "TERM": "xterm-256color", "LANG": "C.UTF-8"})
            terminal.see("hello.txt")
            terminal.keys("F10")
            terminal.see("rc=0")
        finally:
            terminal.close()
            stop(tmp_path / "store")
