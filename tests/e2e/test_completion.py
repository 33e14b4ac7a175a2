"""Completion in real shells: commands, options, and URLs of a bucket."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Pail
from tests.e2e.terminal import Terminal

Put = Callable[..., None]

START = {
    "bash": "bash --norc -i",
    "zsh": "zsh -f -i",
    "fish": "fish --no-config",
}
LOAD = {
    "bash": "source {script}",
    "zsh": 'autoload -Uz compinit && compinit -u -d {folder}/dump && eval "$(<{script})"',
    "fish": "source {script}",
}


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(f"complete-{os.getpid()}-{tmp_path.name[-12:]}", tmp_path)
    yield terminal
    terminal.close()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
@pytest.mark.parametrize("shell", START)
def test_words_options_and_urls_are_completed(
    shell: str, pail: Pail, put: Put, terminal: Terminal, tmp_path: Path
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed; the gate installs it")
    put("shelf-one")
    put("shelf-one", "photos/cat.jpg", b"1")
    put("shelf-one", "readme.txt", b"2")
    script = tmp_path / f"pail.{shell}"
    script.write_bytes(pail("completion", shell).raw)
    # The scripts call `pail`: the one under test, on the store of this test.
    program = tmp_path / "bin" / "pail"
    program.parent.mkdir()
    words = " ".join(f"'{word}'" for word in pail.command())
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    program.chmod(0o755)
    environment = {**pail.environment, "PATH": f"{program.parent}:{os.environ['PATH']}", "TERM": "xterm-256color"}
    terminal.start(START[shell].split(), environment, width=100)
    terminal.keys(LOAD[shell].format(script=script, folder=tmp_path) + "; echo loa''ded", "Enter")
    terminal.see("loaded")
    for typed, completed in (
        ("pail doc", "pail doctor"),
        ("pail cp --no-cl", "pail cp --no-clobber"),
        ("pail stat gs://shelf-one/ph", "pail stat gs://shelf-one/photos/"),
        ("pail stat gs://shelf-one/re", "pail stat gs://shelf-one/readme.txt"),
        ("pail ls gs://she", "pail ls gs://shelf-one"),
    ):
        terminal.keys("C-c")
        terminal.keys("C-l")
        terminal.keys("-l", typed)
        terminal.see(typed)
        terminal.keys("Tab")
        terminal.see(completed)
