"""Reads `config.toml` once, and names every mistake with its line."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from services import paths
from services.config.lines import line_of, lines_of
from services.config.schema import PRESETS, SECTIONS, TABLES, Config, KeySettings, wanted
from services.errors import LocalFileError, PailError, UsageError
from services.names import display_name

THEMES_FOLDER: Final = "themes"
"""Name of the folder of a person's own themes, beside the file."""

SIZE_LIMIT: Final = 1 << 20
"""Bytes of the file that are read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, and where it stands."""

    config: Config = field(default_factory=Config)
    """The settings."""
    origins: Mapping[str, int] = field(default_factory=dict)
    """Line of each setting that the file sets, by its dotted key; empty without a file."""
    problem: PailError | None = None
    """Why the file was not taken; only from `load_or_defaults`."""


def load() -> Config:
    """Return what the file says; the defaults where there is none.  Blocks on the disk.

    Raises `UsageError` that names the line for what is no TOML, an unknown key or a wrong value; `LocalFileError` where
    it cannot be read, `Unsafe` where others could have written it (hazard 66).
    """
    return read().config


def load_or_defaults() -> Reading:
    """Return what the file says, or the defaults and what is wrong with it: a screen starts all the same."""
    try:
        return read()
    except PailError as error:
        return Reading(problem=error)


def read() -> Reading:
    """Return what the file says, with the lines; raises as `load` does.  Blocks on the disk."""
    path = paths.config_file()
    try:
        paths.check_owned(path)
        with open(path, "rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        return Reading()
    except OSError as error:
        raise LocalFileError(
            f"cannot read {display_name(str(path))}: {error.strerror}", remedy="Check its permissions.", url=str(path)
        ) from error
    if len(data) > SIZE_LIMIT:
        raise _wrong(path, None, "it is too large", "Move it away.")
    return parse(data, path)


def parse(data: bytes, path: Path) -> Reading:
    """Return the settings that the bytes of a file hold; raises `UsageError` as `load` does."""
    try:
        text = data.decode()
        document = tomllib.loads(text)
    except ValueError as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"it is no TOML: {error}"
        raise _wrong(path, None, display_name(why), "Correct that line.") from error
    lines = lines_of(text)
    sections: dict[str, Any] = {}
    for name, table in document.items():
        line = line_of(lines, (name,))
        if name not in TABLES:
            raise _unknown(path, line, name, TABLES)
        if not isinstance(table, dict):
            raise _wrong(path, line, f"'{name}' is not a table", f"Write it as [{name}].")
        if name == "keys":
            sections[name] = _keys(table, lines, path)
        else:
            sections[name] = _section(name, table, lines, path) if name in SECTIONS else table
    config = Config(**sections)
    try:
        config.price_table()
    except UsageError as error:
        key = error.message.split(" ")[0].split(".")
        raise _wrong(path, line_of(lines, key), error.message, error.remedy) from error
    origins = {".".join(key): line_of(lines, key) or 0 for key, _ in leaves((), document)}
    return Reading(config, origins)


def leaves(key: tuple[str, ...], value: object) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value below a table that is no table itself, with the parts of its key."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves((*key, name), inner)
    else:
        yield key, value


def _section(name: str, table: Mapping[str, Any], lines: Mapping[tuple[str, ...], int], path: Path) -> Any:
    known = wanted(name)
    values: dict[str, Any] = {}
    for key, value in table.items():
        line = line_of(lines, (name, key))
        if key not in known:
            raise _unknown(path, line, f"{name}.{key}", [f"{name}.{other}" for other in known])
        try:
            values[key] = known[key].check(value)
        except ValueError as error:
            raise _wrong(path, line, f"{name}.{key} must be {error}", "Correct that line, or take it out.") from error
    return SECTIONS[name](**values)


def _keys(table: Mapping[str, Any], lines: Mapping[tuple[str, ...], int], path: Path) -> KeySettings:
    own: dict[str, tuple[str, ...]] = {}
    for name, value in table.items():
        line = line_of(lines, ("keys", name))
        if name == "preset":
            if value not in PRESETS:
                raise _wrong(path, line, f"keys.preset must be one of {', '.join(PRESETS)}", "Correct that line.")
            continue
        written = [value] if isinstance(value, str) else value
        if not isinstance(written, list) or not all(isinstance(key, str) and key.isprintable() for key in written):
            why = f"keys.{display_name(name)} must be a key or a list of keys"
            raise _wrong(path, line, why, f'Write it like {name} = "ctrl+k", or ["k", "f5"].')
        own[name] = tuple(written)
    return KeySettings(table.get("preset", "pail"), own, {name: lines.get(("keys", name), 0) for name in own})


def _unknown(path: Path, line: int | None, key: str, known: Sequence[str]) -> UsageError:
    near = difflib.get_close_matches(key, known, 1)
    meant = f"Did you mean {near[0]}? " if near else ""
    return _wrong(path, line, f"there is no setting '{display_name(key)}'", f"{meant}{_list(known)}")


def _list(known: Iterable[str]) -> str:
    return f"There are: {', '.join(known)}."


def _wrong(path: Path, line: int | None, why: str, remedy: str) -> UsageError:
    where = f"line {line}: " if line else ""
    return UsageError(f"{display_name(str(path))}: {where}{why}", remedy=remedy, url=str(path))
