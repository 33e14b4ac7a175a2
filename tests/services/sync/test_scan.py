"""The quick way through a scan decides as the careful one does."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import LocalFileError, PailError
from services.sync import aside
from services.sync import scan as scan_module
from services.sync.entries import BaseEntry, LocalEntry, RemoteEntry, Signature
from services.sync.ignore import EDITOR_PATTERNS, Rules
from services.sync.reconcile import reconcile, unchanged
from services.sync.scan import scan
from services.sync.state import NONCE_START
from services.transfer.local import PARTIAL_PREFIX
from tests.services.sync.test_reconcile import bases, locals_, remotes

NAMES = [pattern.replace("*", "x").replace("[a-px]", "o") for pattern in EDITOR_PATTERNS]


@given(
    st.one_of(st.sampled_from([*NAMES, ".pail", "%41", "a\n", "a\x7f", "a.", "x~", "x_", "4913", "49134"]), st.text())
)
def test_a_name_that_is_taken_for_plain_is_plain(name: str) -> None:
    if not scan_module._plain(name) or "/" in name:
        return
    assert not Rules().ignores(name)
    assert scan_module._segment(name) == name
    try:
        scan_module._check(name, 1024)
    except PailError as error:
        raise AssertionError(name) from error


def test_ordinary_names_are_taken_for_plain() -> None:
    for name in ("a", "a.txt", "file-000001.txt", "Makefile", "a b (1).tar.gz", "x.py"):
        assert scan_module._plain(name)
    for name in ("", ".a", "a~", "~a", "#a", "a#", "é", "a\n", "\n", "4913", "a_"):
        assert not scan_module._plain(name)


@given(bases, locals_, remotes)
def test_nothing_is_decided_about_what_counts_as_unchanged(
    base: dict[str, BaseEntry], local: dict[str, LocalEntry], remote: dict[str, RemoteEntry]
) -> None:
    moot = unchanged(base, local, remote)
    assert not [action for action in reconcile(base, local, remote).actions if action.key in moot]


def test_a_file_that_was_read_and_found_to_be_another_is_not_unchanged() -> None:
    signature = Signature(1, 2, 3, 4)
    base, remote = {"a": BaseEntry(signature, 2, "c", 5)}, {"a": RemoteEntry(5, 2, "c")}
    assert unchanged(base, {"a": LocalEntry(signature, "c")}, remote) == {"a"}
    assert unchanged(base, {"a": LocalEntry(signature, "other")}, remote) == set()


def test_a_file_as_it_was_agreed_on_is_unchanged() -> None:
    signature = Signature(1, 2, 3, 4)
    assert unchanged(
        {"a": BaseEntry(signature, 2, "c", 5)}, {"a": LocalEntry(signature)}, {"a": RemoteEntry(5, 2, "c")}
    ) == {"a"}


def _large(folder: Path) -> None:
    """Make a tree with something of everything in it."""
    for number in range(40):
        inner = folder / f"d{number % 7}" / f"e{number}"
        inner.mkdir(parents=True)
        for name in ("plain.txt", "kept.log", "~$office", "\udcff", "\u00fcber", "a%b", "line\nbreak"):
            (inner / name).write_text(f"{number}{name!a}")
        (inner / "link").symlink_to("plain.txt")
        (inner / "hollow").mkdir()
    (folder / ".pailignore").write_text("*.log\n")
    (folder / "d3" / ".pailignore").write_text("!kept.log\nplain.txt\n")
    (folder / "d5" / "e5" / f"{PARTIAL_PREFIX}{NONCE_START}0-1").write_text("half")
    os.mkfifo(folder / "d4" / "pipe")


@pytest.mark.parametrize("program", ["", "/bin/false", "/nonexistent"])
def test_two_processes_find_what_one_finds_also_where_the_second_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    _large(tmp_path)
    expected, expected_rules = scan(str(tmp_path), rules := Rules(), alone=True), rules
    heard: list[int] = []
    take = aside.Aside.answers

    def counted(self: aside.Aside, *, wait: bool) -> Any:
        answers = take(self, wait=wait)
        heard.append(len(answers))
        return answers

    monkeypatch.setattr(aside, "FROM", 1)
    monkeypatch.setattr(aside.Aside, "answers", counted)
    if program:
        monkeypatch.setattr(sys, "executable", program)
    found = scan(str(tmp_path), rules := Rules())
    assert bool(sum(heard)) is not bool(program)
    assert found.entries == expected.entries
    assert (found.ignored, found.unknown) == (expected.ignored, expected.unknown)
    assert sorted(found.partials) == sorted(expected.partials) != []
    assert set(found.problems) == set(expected.problems) != set()
    for key in found.entries:
        assert rules.ignores_path(key) == expected_rules.ignores_path(key)


def test_an_ignore_file_that_cannot_be_used_ends_a_scan_in_two_processes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _large(tmp_path)
    (tmp_path / "d6" / ".pailignore").mkdir()
    monkeypatch.setattr(aside, "FROM", 1)
    with pytest.raises(LocalFileError):
        scan(str(tmp_path), Rules())


def test_the_second_process_follows_no_link_and_says_what_it_could_not_read(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("x")
    (tmp_path / "link").symlink_to("real")
    top = os.open(tmp_path, os.O_RDONLY)
    other = aside.Aside(top)
    try:
        waiting = [(f"{name}/", f"{name}/") for name in ("real", "link", "gone", "real", "real", "real")]
        answers = []
        while waiting or other.busy:
            other.share(waiting)
            answers += other.answers(wait=True)
            if len(waiting) == 1:
                waiting.pop()
    finally:
        assert other.close() == []
        os.close(top)
    said = {path: (code, [row[0] for row in rows]) for (_, path), (code, rows) in answers}
    assert said["real/"] == (0, ["a"])
    assert said["gone/"] == (errno.ENOENT, [])
    assert said["link/"][0] in (errno.ENOTDIR, errno.ELOOP)


def test_hazard_57_a_link_that_takes_the_place_of_a_folder_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("x")
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    look = scan_module._Look.folder

    def swapped(self: Any, folder: str, path: str) -> Any:
        if folder:
            (root / "folder").rmdir()
            (root / "folder").symlink_to(tmp_path / "elsewhere")
        return look(self, folder, path)

    monkeypatch.setattr(scan_module._Look, "folder", swapped)
    found = scan(str(root), Rules(), alone=True)
    assert found.entries == {}
    assert found.unknown == {"folder/"}
