"""Replacing and removing local files: only what was planned on, and nothing is ever lost (hazard 29)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services import checksum
from services.errors import Unsafe
from services.sync import disk as disk_module
from services.sync import exchange
from services.sync.disk import Changed, Disk
from services.sync.entries import LocalEntry, Signature
from services.sync.ignore import Rules
from services.sync.scan import rescan, scan, signature_of
from services.transfer.partial import Partial

DAY = 86_400


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(str(tmp_path))


def signature(path: Path) -> Signature:
    return signature_of(path.stat())


def planned_on(path: Path) -> LocalEntry:
    return LocalEntry(signature(path), checksum.of(path.read_bytes()))


def arrived(disk: Disk, key: str, data: bytes, mtime: float | None = None) -> Partial:
    partial = disk.partial(key, "nonce", 7, len(data))
    partial.write([data])
    partial.verify(len(data), checksum.of(data))
    disk.secure(key, partial, mtime=mtime)
    return partial


def everything(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def in_trash(root: Path) -> list[bytes]:
    return [data for name, data in everything(root).items() if name.startswith(".pail/trash/")]


@pytest.fixture(params=["swap", "no swap"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "no swap":
        monkeypatch.setattr(exchange, "_function", lambda: None)
    return str(request.param)


def test_a_download_replaces_exactly_what_was_planned_on(disk: Disk, tmp_path: Path, system: str) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with_old = planned_on(target)
    partial = arrived(disk, "a", b"new", 1000.0)
    placed = disk.place("a", partial, with_old, copy="a.copy")
    partial.close()
    assert target.read_bytes() == b"new"
    assert placed.signature == signature(target)
    assert target.stat().st_mtime == 1000.0
    assert in_trash(tmp_path) == [b"old"]
    assert {path.name for path in tmp_path.iterdir()} == {"a", ".pail"}


def test_a_download_without_a_time_of_its_own_is_not_relied_on(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = arrived(disk, "a", b"new")
    written = signature_of(os.fstat(partial.handle)).mtime_ns
    monkeypatch.setattr(time, "time_ns", lambda: written + 1000)
    placed = disk.place("a", partial, None, copy="")
    partial.close()
    assert not placed.settled
    assert placed.signature == signature(tmp_path / "a")


def test_a_file_that_was_edited_since_is_not_replaced(disk: Disk, tmp_path: Path, system: str) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    planned = planned_on(target)
    target.write_bytes(b"edited")
    partial = arrived(disk, "a", b"new")
    with pytest.raises(Changed):
        disk.place("a", partial, planned, copy="a.copy")
    partial.discard()
    assert everything(tmp_path) == {"a": b"edited"}


def test_a_new_file_does_not_replace_one_that_appeared(disk: Disk, tmp_path: Path, system: str) -> None:
    partial = arrived(disk, "a", b"new")
    (tmp_path / "a").write_bytes(b"appeared")
    with pytest.raises(Changed):
        disk.place("a", partial, None, copy="a.copy")
    partial.discard()
    assert everything(tmp_path) == {"a": b"appeared"}


def during(monkeypatch: pytest.MonkeyPatch, name: str, edit: Callable[[], object]) -> None:
    """Have somebody edit just before a rename."""
    real = getattr(exchange, name)

    def edited(*arguments: object) -> None:
        monkeypatch.setattr(exchange, name, real)
        edit()
        real(*arguments)

    monkeypatch.setattr(exchange, name, edited)


def test_hazard_29_an_edit_in_the_moment_of_the_swap_is_kept_beside(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    partial = arrived(disk, "a", b"new")
    planned = planned_on(target)
    during(monkeypatch, "swap", lambda: target.write_bytes(b"edited"))
    placed = disk.place("a", partial, planned, copy="a.copy")
    partial.close()
    assert placed.kept == "a.copy"
    assert everything(tmp_path) == {"a": b"new", "a.copy": b"edited"}


def test_a_touch_in_the_moment_of_the_swap_is_no_edit(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    partial = arrived(disk, "a", b"new")
    planned = planned_on(target)
    during(monkeypatch, "swap", lambda: os.utime(target, ns=(5, 5)))
    placed = disk.place("a", partial, planned, copy="a.copy")
    partial.close()
    assert placed.kept == ""
    assert in_trash(tmp_path) == [b"old"]


def test_hazard_29_a_file_that_appears_in_the_moment_of_the_rename_stays(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = arrived(disk, "a", b"new")
    during(monkeypatch, "rename_new", lambda: (tmp_path / "a").write_bytes(b"appeared"))
    with pytest.raises(Changed):
        disk.place("a", partial, None, copy="a.copy")
    partial.discard()
    assert everything(tmp_path) == {"a": b"appeared"}


def test_a_delete_takes_only_what_was_planned_on(disk: Disk, tmp_path: Path) -> None:
    target = tmp_path / "d/a"
    target.parent.mkdir()
    target.write_bytes(b"x")
    planned = planned_on(target)
    target.write_bytes(b"edited")
    with pytest.raises(Changed):
        disk.remove("d/a", planned)
    assert target.read_bytes() == b"edited"
    disk.remove("d/a", planned_on(target))
    assert in_trash(tmp_path) == [b"edited"]
    with pytest.raises(Changed):
        disk.remove("d/a", planned)


def test_hazard_29_an_edit_in_the_moment_of_a_delete_comes_back(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"x")
    planned = planned_on(target)
    during(monkeypatch, "rename_away", lambda: target.write_bytes(b"edited"))
    with pytest.raises(Changed):
        disk.remove("a", planned)
    assert everything(tmp_path) == {"a": b"edited"}


def test_the_trash_holds_files_of_one_name_and_files_where_folders_were(disk: Disk, tmp_path: Path) -> None:
    for key, data in (("a", b"1"), ("a", b"2"), ("a/b", b"3"), ("a", b"4")):
        path = tmp_path / key
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        disk.remove(key, planned_on(path))
        if key == "a/b":
            disk.remove_folder("a/")
    assert sorted(in_trash(tmp_path)) == [b"1", b"2", b"3", b"4"]


def test_the_trash_is_emptied_after_thirty_days(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    disk = Disk(str(tmp_path), now=lambda: now[0])
    path = tmp_path / "a"
    path.write_bytes(b"x")
    disk.remove("a", planned_on(path))
    now[0] += 30 * DAY
    assert disk.trash.expire() == 0
    now[0] += DAY
    assert disk.trash.expire() == 1
    assert in_trash(tmp_path) == []


def test_the_trash_gives_up_its_oldest_files_where_it_holds_too_much(tmp_path: Path) -> None:
    now = [time.time()]
    disk = Disk(str(tmp_path), now=lambda: now[0], trash_bytes=250)
    for name in ("a", "b", "c"):
        path = tmp_path / name
        path.write_bytes(name.encode() * 100)
        disk.remove(name, planned_on(path))
    disk.trash.expire()
    assert len(in_trash(tmp_path)) == 3, "what was trashed just now stays"
    now[0] += 2 * 3600
    disk.trash.expire()
    assert sorted(in_trash(tmp_path)) == [b"b" * 100, b"c" * 100]


def test_a_link_in_place_of_the_trash_is_not_followed(disk: Disk, tmp_path: Path) -> None:
    outside = tmp_path.with_name(tmp_path.name + "-outside")
    outside.mkdir()
    (tmp_path / ".pail").symlink_to(outside)
    path = tmp_path / "a"
    path.write_bytes(b"x")
    with pytest.raises(Unsafe, match="is no folder"):
        disk.remove("a", planned_on(path))
    assert path.read_bytes() == b"x"
    assert not list(outside.iterdir())


def test_a_file_that_is_being_written_is_not_read_as_a_version(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"torn")

    class Writing(disk_module.Crc32c):
        def update(self, data: bytes | bytearray | memoryview) -> None:
            path.write_bytes(b"more than that")
            super().update(data)

    monkeypatch.setattr(disk_module, "Crc32c", Writing)
    with pytest.raises(Changed):
        disk.read("a")


def test_a_fresh_file_is_not_relied_on_and_a_rested_one_is(tmp_path: Path) -> None:
    second = 1_000_000_000
    assert disk_module.is_fresh(5 * second + 1, 5 * second + 2)
    assert not disk_module.is_fresh(5 * second + 1, 6 * second)
    assert disk_module.is_fresh(5 * second, 6 * second), "whole seconds hide more"
    assert not disk_module.is_fresh(9 * second, 5 * second), "a time in the future says nothing"


def test_a_folder_is_looked_at_again_alone(tmp_path: Path) -> None:
    for name in ("a", "d/b", "d/e/c", "f/g"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    tree = scan(str(tmp_path), Rules())
    (tmp_path / "d/b").write_bytes(b"longer")
    (tmp_path / "d/e/c").unlink()
    (tmp_path / "d/e").rmdir()
    (tmp_path / "d/new/deep").mkdir(parents=True)
    (tmp_path / "d/new/deep/h").write_bytes(b"x")
    (tmp_path / "f/g").unlink()
    changed = rescan(str(tmp_path), Rules(), tree, {"d/"})
    assert changed == {"d/b", "d/e/", "d/e/c", "d/new/", "d/new/deep/", "d/new/deep/h"}
    assert rescan(str(tmp_path), Rules(), tree, {"f/"}) == {"f/", "f/g"}
    assert tree.entries == scan(str(tmp_path), Rules()).entries
