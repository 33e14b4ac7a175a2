"""The folders that Pail uses, made private and refused when another user planted them."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from pathlib import Path
from typing import Final

from services.errors import LocalFileError, Unsafe

APP_NAME: Final = "pail"
"""Name of the folders below the XDG base folders."""

CONFIG_FILE: Final = "config.toml"
"""Name of the file of settings, in its folder."""

PRIVATE_FOLDER_MODE: Final = 0o700
"""Mode of every folder that holds state."""

PRIVATE_FILE_MODE: Final = 0o600
"""Mode of every file that holds state."""

SOCKET_PATH_LIMIT: Final = 100
"""Bytes that a Unix socket's path may have on every supported system (macOS allows 104 with the final NUL)."""


def _base_dir(variable: str, otherwise: str) -> Path:
    """Return the folder that a variable names, on macOS too, else the one that the system has for that."""
    named = os.environ.get(variable)
    if named:
        return Path(named)
    import platformdirs  # 5 ms, which those who set the variables need not pay

    found: Path = getattr(platformdirs, otherwise)()
    return found


def config_dir() -> Path:
    """Return the folder of `config.toml` (not created)."""
    return _base_dir("XDG_CONFIG_HOME", "user_config_path") / APP_NAME


def config_file() -> Path:
    """Return where the settings lie, whether or not they exist."""
    return config_dir() / CONFIG_FILE


def state_dir() -> Path:
    """Return the folder of journals, sockets, locks and logs (not created)."""
    return _base_dir("XDG_STATE_HOME", "user_state_path") / APP_NAME


def cache_dir() -> Path:
    """Return the folder of listings and other things that can be made anew (not created)."""
    return _base_dir("XDG_CACHE_HOME", "user_cache_path") / APP_NAME


def data_dir() -> Path:
    """Return the folder of the default embedded store (not created)."""
    return _base_dir("XDG_DATA_HOME", "user_data_path") / APP_NAME


def ensure_private_dir(path: Path) -> Path:
    """Create `path` (and its parents) as a folder of this user alone, and return it.

    Parents that are missing are made as private: under umask 0 whoever may write there could exchange the folder.
    Raises `Unsafe` where it is a symbolic link or belongs to somebody else (hazard 66), `LocalFileError` where it
    cannot be made.  A folder of ours with a wider mode is narrowed to 0700, whatever the umask is (hazard 59).
    """
    try:
        missing = [path, *itertools.takewhile(lambda parent: not parent.exists(), path.parents)]
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=PRIVATE_FOLDER_MODE)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise Unsafe(f"{path} is not a folder", remedy="Move it away.", url=str(path))
        if found.st_uid != os.getuid():
            raise Unsafe(
                f"{path} belongs to another user",
                remedy="Remove it, or set XDG_STATE_HOME to a folder of your own.",
                url=str(path),
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            path.chmod(PRIVATE_FOLDER_MODE)
    except OSError as error:
        raise LocalFileError(
            f"cannot use the folder {path}: {error.strerror}",
            remedy="Check its permissions, or set the XDG_* variables to another place.",
            url=str(path),
        ) from error
    return path


def check_owned(path: Path) -> None:
    """Refuse a file that another user owns or may write (hazard 66); a missing one is fine.

    A link of one's own is followed, as people keep their settings elsewhere; what it leads to is looked at.
    Raises `Unsafe`.
    """
    trusted = (os.getuid(), 0)
    try:
        link = path.lstat()
        found = path.stat() if stat.S_ISLNK(link.st_mode) and link.st_uid in trusted else link
    except FileNotFoundError:
        return
    if found.st_uid not in trusted or stat.S_IMODE(found.st_mode) & 0o022:
        raise Unsafe(
            f"{path} can be changed by other users",
            remedy=f"Check what it says, then: chown $USER '{path}' && chmod 600 '{path}'",
            url=str(path),
        )


def write_private(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically and durably, readable by this user alone.  Raises `OSError`."""
    replace_file(path, data, PRIVATE_FILE_MODE)


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Write `data` to `path` atomically and durably, with a mode.

    The temporary file is created with mode 0600 in the same folder, fsynced, renamed, and the folder is fsynced.
    Raises `OSError`.
    """
    import tempfile  # 5 ms with what it loads

    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_dir(path.parent)


def sync_dir(path: Path) -> None:
    """Make the entries of a folder durable (fsync of the folder itself).  Raises `OSError`."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def socket_path(folder: Path, name: str) -> Path:
    """Return a path for a Unix socket: in `folder`, or in a short private folder where that is too long.

    The short folder's name is derived from `folder`, so that every process finds the same one.  It is created 0700.
    """
    direct = folder / name
    if len(os.fsencode(direct)) <= SOCKET_PATH_LIMIT:
        return direct
    import hashlib  # only in the rare case of a long path: keeps start-up light

    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = ensure_private_dir(Path("/tmp") / f"pail-{os.getuid()}-{digest}")  # noqa: S108 - owner and mode are checked
    return short / name
