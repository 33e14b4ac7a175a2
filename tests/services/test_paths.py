"""Folders and files of state: private whatever the umask is, refused where another user planted them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import paths
from services.errors import LocalFileError, Unsafe


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Files are created as widely as the caller asks."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("open_umask")
def test_h59_missing_parents_are_made_private_too(tmp_path: Path) -> None:
    paths.ensure_private_dir(tmp_path / "share" / "pail" / "store")
    assert [mode(tmp_path / name) for name in ("share", "share/pail")] == [0o700, 0o700]


@pytest.mark.usefixtures("open_umask")
def test_h59_folders_and_files_are_private_under_umask_0(tmp_path: Path) -> None:
    folder = paths.ensure_private_dir(tmp_path / "state" / "pail")
    paths.write_private(folder / "token", b"secret")
    assert (mode(folder), mode(folder / "token")) == (0o700, 0o600)
    assert [(entry.name, entry.read_bytes()) for entry in folder.iterdir()] == [("token", b"secret")]


def test_h59_a_folder_of_ours_that_was_too_open_is_narrowed(tmp_path: Path) -> None:
    folder = tmp_path / "pail"
    folder.mkdir()
    folder.chmod(0o777)
    paths.ensure_private_dir(folder)
    assert mode(folder) == 0o700


def test_h66_a_symbolic_link_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "pail").symlink_to(tmp_path / "theirs")
    with pytest.raises(Unsafe, match="not a folder"):
        paths.ensure_private_dir(tmp_path / "pail")


def test_h66_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pail").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(Unsafe, match="another user"):
        paths.ensure_private_dir(tmp_path / "pail")


def test_h66_a_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    paths.check_owned(config)
    config.write_text("")
    config.chmod(0o600)
    paths.check_owned(config)
    config.chmod(0o622)
    with pytest.raises(Unsafe, match="other users"):
        paths.check_owned(config)


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalFileError, match="cannot use the folder") as caught:
        paths.ensure_private_dir(tmp_path / "file" / "pail")
    assert "XDG" in caught.value.remedy


def test_a_failed_private_write_leaves_the_old_file_and_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    paths.write_private(tmp_path / "f", b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            paths.write_private(tmp_path / "f", b"new")
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("f", b"old")]


def test_a_socket_path_that_is_too_long_moves_to_a_short_private_folder(tmp_path: Path) -> None:
    near = paths.socket_path(Path("/x"), "worker.sock")
    deep = tmp_path / ("d" * 120)
    far = paths.socket_path(deep, "worker.sock")
    try:
        assert near == Path("/x/worker.sock")
        assert len(os.fsencode(far)) <= paths.SOCKET_PATH_LIMIT
        assert far == paths.socket_path(deep, "worker.sock")
        assert mode(far.parent) == 0o700
    finally:
        far.parent.rmdir()


def test_the_xdg_variables_decide_where_things_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, function in (
        ("XDG_CONFIG_HOME", paths.config_dir),
        ("XDG_STATE_HOME", paths.state_dir),
        ("XDG_CACHE_HOME", paths.cache_dir),
        ("XDG_DATA_HOME", paths.data_dir),
    ):
        monkeypatch.setenv(variable, str(tmp_path / variable))
        assert function() == tmp_path / variable / "pail"
