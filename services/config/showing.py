"""`config.toml` for people: what is in force and where it came from, and a documented file to begin with."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from services.config.reading import Reading, leaves
from services.config.schema import SECTIONS, Setting, all_settings

WIDTH: Final = 100
"""Columns of the comments in the documented file."""


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting as it is in force."""

    key: str
    """Dotted: `screen.theme`."""
    value: Any
    """What is in force; texts may come from the file: show them as TOML writes them."""
    default: Any
    """What would be without the file."""
    origin: str
    """`default`, or `line 7` of the file."""
    meaning: str
    """One sentence."""


def effective(reading: Reading) -> Iterator[Effective]:
    """Yield every setting in force; the prices that the file changes come last, as they are written there."""
    for setting in all_settings():
        value = reading.config.value(setting.key)
        yield Effective(setting.key, value, setting.default, _origin(reading, setting.key), setting.wanted.meaning)
    keys = reading.config.keys
    for name, own in keys.own.items():
        yield Effective(f"keys.{name}", list(own), None, _origin(reading, f"keys.{name}"), "Keys of your own.")
    for parts, value in leaves(("prices",), reading.config.prices):
        key = ".".join(parts)
        yield Effective(key, value, None, _origin(reading, key), "A price of your own.")


def written(value: object) -> str:
    """Return a text, a truth value, a number or a list of these as TOML 1.0 writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for DEL, which TOML wants escaped too.
        return json.dumps(value, ensure_ascii=not value.isprintable()).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else repr(value)


def documented() -> str:
    """Return a `config.toml` in which every setting stands with its default and its sentence, commented out."""
    parts = ["# Settings of Pail. Every line that begins with '#' shows a default; take the '#' away to change it.\n"]
    settings = list(all_settings())
    for section in (*SECTIONS, "keys"):
        parts.append(f"\n[{section}]\n")
        parts += [_commented(setting) for setting in settings if setting.key.startswith(f"{section}.")]
    parts.append(KEYS)
    parts.append(PRICES)
    return "".join(parts)


KEYS: Final = """\
# Then keys of your own, by command: a key or a list of keys; [] leaves a command without one.
# upload = ["u", "ctrl+k"]
# download = "f11"
"""
"""How keys are written; see `app.registry.keymap`."""

PRICES: Final = """
[prices]
# Your own prices, in place of the list prices that 'pail usage' and the Usage view reckon with.
# currency = "$"
# as_of = "my contract"
# storage.europe-west3.STANDARD = 0.02   # for a GiB and month; a location, or region, dual-region, multi-region
# class_a.region.STANDARD = 0.005        # for 1,000 operations that list or change
# class_b.region.STANDARD = 0.0004       # for 1,000 operations that read
"""
"""How prices are written; see `services.prices.from_config`."""


def _commented(setting: Setting) -> str:
    name = setting.key.partition(".")[2]
    said = textwrap.wrap(f"{setting.wanted.meaning} Takes {setting.wanted.values}.", WIDTH - 2)
    return "".join(f"# {line}\n" for line in said) + f"# {name} = {written(setting.default)}\n"


def _origin(reading: Reading, key: str) -> str:
    line = reading.origins.get(key)
    return f"line {line}" if line else "default"
