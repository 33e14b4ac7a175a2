"""`config.toml`: what a person has set, read once, with every mistake named by its line."""

from __future__ import annotations

from services.config.reading import (
    THEMES_FOLDER,
    Reading,
    load,
    load_or_defaults,
    parse,
    read,
)
from services.config.schema import Config, KeySettings, Setting, all_settings
from services.paths import CONFIG_FILE, config_file

__all__ = [
    "CONFIG_FILE",
    "THEMES_FOLDER",
    "Config",
    "KeySettings",
    "Reading",
    "Setting",
    "all_settings",
    "config_file",
    "load",
    "load_or_defaults",
    "parse",
    "read",
]
