"""The systemd unit of a pair: what it runs, with any path."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.sync import GRACE_S
from services.sync.unit import Unit, remove_unit, unit_for, write_unit

HOSTILE = 'a "b" $HOME %h \\x41\n[Service]\nExecStart=/bin/false; é'


def unit(root: str = "/home/ada/notes", **environment: str) -> Unit:
    words = ("--endpoint", "http://127.0.0.1:1")
    return unit_for(root, "gs://b/p/", words, program=("/usr/bin/python3", "-m", "app"), environment=environment)


def read_back(text: str, *, command: bool) -> list[str]:
    """Split a line as systemd does: quoted words, C escapes, `%%`, and in commands `$$`."""
    words = []
    for quoted in re.findall(r'"((?:[^"\\]|\\.)*)"', text):
        raw = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), quoted.encode())
        plain = raw.decode().replace("%%", "%")
        words.append(plain.replace("$$", "$") if command else plain)
    return words


def line(made: Unit, start: str) -> str:
    return next(one for one in made.text.splitlines() if one.startswith(start))


@pytest.mark.parametrize("root", ["/home/ada/notes", f"/home/{HOSTILE}"])
def test_the_command_comes_back_as_it_was_whatever_the_folder_is_called(root: str) -> None:
    made = unit(root)
    assert read_back(line(made, "ExecStart="), command=True) == [
        *("/usr/bin/python3", "-m", "app", "sync", "--watch", "--json"),
        *("--endpoint", "http://127.0.0.1:1", root, "gs://b/p/"),
    ]
    assert made.text.count("ExecStart=") - root.count("ExecStart=") == 1 or "\nExecStart=/bin/false" not in made.text
    assert [one for one in made.text.splitlines() if one.startswith("[")] == ["[Unit]", "[Service]", "[Install]"]
    assert made.text.isascii() or "é" in line(made, "Description=")


def test_it_keeps_where_things_are_and_no_password() -> None:
    made = unit(XDG_STATE_HOME="/a$b", HTTPS_PROXY="http://me:secret@proxy:1", HOME="/home/ada", TOKEN="t0ken")
    assert read_back(line(made, "Environment="), command=False) == ["XDG_STATE_HOME=/a$b"]
    assert "secret" not in made.text
    assert "t0ken" not in made.text


def test_a_halt_is_not_tried_again() -> None:
    assert line(unit(), "RestartPreventExitStatus=") == "RestartPreventExitStatus=2 7 9"


def test_it_is_written_and_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = unit()
    write_unit(made)
    assert (tmp_path / "systemd/user" / made.path.name).read_text() == made.text
    assert remove_unit(made)
    assert not remove_unit(made)


needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def complaints(made: Unit, folder: Path) -> str:
    """Return what systemd says of a unit."""
    path = folder / made.path.name
    path.write_text(made.text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(path)],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode or path.stem in done.stderr else ""


@needs_systemd
@pytest.mark.parametrize("root", ["/home/ada/notes", f"/home/{HOSTILE}", "/home/\udcff"])
def test_systemd_takes_the_unit_whatever_the_folder_is_called(root: str, tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": f"/x{HOSTILE}"}
    made = unit_for(
        root, f"gs://b/{HOSTILE}", (f"--exclude={HOSTILE}",), program=(sys.executable,), environment=environment
    )
    assert complaints(made, tmp_path) == ""


@needs_systemd
@pytest.mark.parametrize("name", ["plain", "a b", 'q"q', "$HOME", "${X}", "%h", "back\\slash", "it's", "tab\t", "@é;&"])
def test_systemd_finds_the_program_wherever_it_lies(name: str, tmp_path: Path) -> None:
    program = tmp_path / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert complaints(unit_of(program), tmp_path) == ""
    words = read_back(line(unit_of(program), "ExecStart="), command=True)
    shell = ["/bin/sh", "-c", 'exec "$@"', "sh"] if words[0] == "/bin/sh" else []
    assert words[: len(shell) + 2] == [*shell, str(program), "sync"]


def unit_of(program: Path) -> Unit:
    return unit_for("/home/ada", "gs://b/p/", (), program=(str(program),), environment={})


@needs_systemd
def test_systemd_misses_a_program_that_is_not_there(tmp_path: Path) -> None:
    assert "not executable" in complaints(unit_of(tmp_path / "gone"), tmp_path)


def test_a_shell_hands_every_word_on(tmp_path: Path) -> None:
    program = tmp_path / "it's $HOME"
    program.write_text('#!/bin/sh\nprintf "%s\\0" "$@"\n')
    program.chmod(0o755)
    made = unit_for(HOSTILE, "gs://b/p/", (), program=(str(program),), environment={})
    words = read_back(line(made, "ExecStart="), command=True)
    said = subprocess.run(words, capture_output=True, check=True).stdout.decode().split("\0")
    assert said[:-1] == ["sync", "--watch", "--json", HOSTILE, "gs://b/p/"]


def test_it_is_stopped_as_a_watch_ends_in_order() -> None:
    """SIGTERM to the process, time enough for what is under way, and exit 0 is no failure."""
    made = unit()
    assert line(made, "Restart=") == "Restart=on-failure"
    assert float(line(made, "TimeoutStopSec=").partition("=")[2]) > GRACE_S
    assert not [
        one for one in made.text.splitlines() if one.startswith(("KillSignal=", "KillMode=", "SuccessExitStatus="))
    ]
