"""The systemd unit of a pair: what it runs, with any path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
