"""`config.toml`: what a person has set, read once, with every mistake named by its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from services import paths
from services.errors import LocalFileError, UsageError
from services.names import display_name
from services.prices import GOOGLE, REPLIT, PriceTable, from_config

CONFIG_FILE: Final = "config.toml"
"""Name of the file, in the folder of settings."""

SIZE_LIMIT: Final = 1 << 20
"""Bytes of the file that are read."""

_SECTIONS: Final = ("prices",)
"""The tables that the file may have."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; those that the file does not name have their defaults."""

    prices: Mapping[str, Any] = field(default_factory=dict)
    """The table `[prices]`, checked; see `services.prices.from_config`."""

    def price_table(self, *, replit: bool = False) -> PriceTable:
        """Return the prices of the provider that bills, as the file changes them."""
        return from_config(REPLIT if replit else GOOGLE, self.prices)


def config_file() -> Path:
    """Return where the file lies, whether or not it exists."""
    return paths.config_dir() / CONFIG_FILE


def load() -> Config:
    """Return what the file says; the defaults where there is none.  Blocks on the disk.

    Raises `UsageError` that names the line for what is no TOML, an unknown key or a wrong value; `LocalFileError` where
    it cannot be read, `Unsafe` where others could have written it (hazard 66).
    """
    path = config_file()
    try:
        paths.check_owned(path)
        with open(path, "rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise LocalFileError(
            f"cannot read {display_name(str(path))}: {error.strerror}", remedy="Check its permissions.", url=str(path)
        ) from error
    if len(data) > SIZE_LIMIT:
        raise _wrong(path, "it is too large", "Move it away.")
    return parse(data, path)


def parse(data: bytes, path: Path) -> Config:
    """Return the settings that the bytes of a file hold; raises `UsageError` as `load` does."""
    try:
        text = data.decode()
        document = tomllib.loads(text)
    except ValueError as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"it is no TOML: {error}"
        raise _wrong(path, display_name(why), "Correct that line.") from error
    for key, value in document.items():
        if key not in _SECTIONS:
            raise _wrong(path, f"{_at(text, key)}there is no setting '{display_name(key)}'", _known())
        if not isinstance(value, dict):
            raise _wrong(path, f"{_at(text, key)}'{key}' is not a table", f"Write it as [{key}].")
    config = Config(document.get("prices", {}))
    try:
        config.price_table()
    except UsageError as error:
        found = re.match(r"prices\.(\S+)", error.message)
        last = found[1].rpartition(".")[2] if found else "prices"
        raise _wrong(path, f"{_at(text, last)}{error.message}", error.remedy) from error
    return config


def _known() -> str:
    return f"The tables are: {', '.join(f'[{section}]' for section in _SECTIONS)}."


def _at(text: str, key: str) -> str:
    """Return `line 7: ` for the line where a key is first written; "" where it cannot be found."""
    pattern = re.compile(rf"(?:^|[\s\[.\"'{{,]){re.escape(key)}[\s\].\"'=]")
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.search(line.partition("#")[0] + " "):
            return f"line {number}: "
    return ""


def _wrong(path: Path, why: str, remedy: str) -> UsageError:
    return UsageError(f"{display_name(str(path))}: {why}", remedy=remedy, url=str(path))
