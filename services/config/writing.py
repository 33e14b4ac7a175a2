"""Changes `config.toml`, and leaves everything else in it as the person wrote it: comments, order, spacing."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from services.config.reading import Reading, parse, read
from services.config.schema import Setting, all_settings
from services.config.showing import documented
from services.errors import LocalFileError, UsageError
from services.names import display_name
from services.paths import PRIVATE_FILE_MODE, check_owned, config_file, replace_file


def setting(key: str) -> Setting:
    """Return what is known of a setting by its dotted key; raises `UsageError`."""
    for found in all_settings():
        if found.key == key:
            return found
    raise UsageError(f"there is no setting '{display_name(key)}'", remedy="'pail config show' lists them.")


def understood(key: str, typed: str) -> Any:
    """Return the value that a person typed for a setting; raises `UsageError` that says what is wanted."""
    known = setting(key)
    value: object = typed
    try:
        if isinstance(known.default, bool):
            value = {"true": True, "false": False}.get(typed.strip().lower(), typed)
        elif isinstance(known.default, int):
            value = int(typed)
        elif isinstance(known.default, float):
            value = float(typed)
        return known.wanted.check(value)
    except ValueError as error:
        raise UsageError(
            f"'{display_name(typed)}' will not do", remedy=f"{key} takes {known.wanted.values}."
        ) from error


def change(key: str, typed: str | None) -> Reading:
    """Set a setting in the file, or take it out (None), and return what is read then.  Blocks on the disk.

    The file is made, with every setting explained, where there is none.  Raises `UsageError` for a value that is
    refused and for a file that is wrong already: nothing is written then; `LocalFileError` where it cannot be.
    """
    import tomlkit  # rarely needed: keeps start-up light

    value = None if typed is None else understood(key, typed)
    path = config_file()
    read()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            check_owned(path)
            text, mode = path.read_text(encoding="utf-8"), stat.S_IMODE(path.stat().st_mode)
        else:
            text, mode = documented(), PRIVATE_FILE_MODE
        document: Any = tomlkit.parse(text)
        section, _, name = key.partition(".")
        if value is None:
            if section in document:
                document[section].pop(name, None)
        else:
            if section not in document:
                document[section] = tomlkit.table()
            document[section][name] = value
        written = tomlkit.dumps(document).encode()
        reading = parse(written, path)
        replace_file(_real(path), written, mode)
    except OSError as error:
        raise LocalFileError(
            f"cannot write {display_name(str(path))}: {error.strerror}", remedy="Check its folder.", url=str(path)
        ) from error
    return reading


def _real(path: Path) -> Path:
    """Return the file behind a link: people keep their settings elsewhere and link to them."""
    return path.resolve() if path.is_symlink() else path
