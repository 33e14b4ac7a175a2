"""The manual page is that of the program."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from app.cli.commands import COMMANDS, make_parser
from app.cli.manual import MEANINGS, manual
from services.errors import ExitCode

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "pail.1"


def test_the_manual_says_what_the_program_says() -> None:
    assert PAGE.read_text("utf-8") == manual(), "run: python -m app.cli.manual > docs/pail.1"


def test_it_is_ascii_and_names_every_command_option_and_exit_code() -> None:
    page = manual()
    assert page.isascii()
    plain = page.replace("\\-", "-")
    for name, command in COMMANDS.items():
        assert f"pail {name}" in plain
        for flag in make_parser(command).known:
            assert flag in plain, f"{name}: {flag}"
    assert MEANINGS.keys() == set(ExitCode)


def test_the_wheel_installs_it_where_man_looks() -> None:
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"]["shared-data"] == {"docs/pail.1": "share/man/man1/pail.1"}


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_groff_has_nothing_to_say_about_it() -> None:
    done = subprocess.run(["groff", "-man", "-ww", "-z", PAGE], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
