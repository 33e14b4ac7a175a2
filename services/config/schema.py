"""The settings of `config.toml`: frozen sections, each field with its default, a check and a sentence for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, Final

from services.prices import GOOGLE, REPLIT, PriceTable, from_config
from services.sync.limits import REQUESTS_AN_HOUR, TRASH_MB
from services.transfer.timetable import EXAMPLE, LONGEST, parse_timetable

Check = Callable[[object], Any]
"""Returns the value as the section keeps it; raises `ValueError` that says what is wanted, to follow `it must be`."""

_META: Final = "setting"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a setting takes, and what it means."""

    check: Check
    """Turns what TOML holds into the value."""
    values: str
    """What may be written, for people: `auto, on or off`."""
    meaning: str
    """One sentence."""
    choices: tuple[str, ...] = ()
    """All values, where they can be counted."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the file, as documents and forms need it."""

    key: str
    """Dotted: `screen.theme`."""
    default: Any
    """Its value where nothing sets it."""
    wanted: Wanted
    """What it takes."""


def choice(default: str, choices: tuple[str, ...], meaning: str) -> Any:
    """Return a field that takes one of a few words."""
    words = f"{', '.join(choices[:-1])} or {choices[-1]}"

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(words)
        return value

    return field(default=default, metadata={_META: Wanted(check, words, meaning, choices)})


def switch(default: bool, meaning: str) -> Any:
    """Return a field that is true or false."""

    def check(value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value

    return field(default=default, metadata={_META: Wanted(check, "true or false", meaning, ("true", "false"))})


def number(default: float, least: float, most: float, unit: str, meaning: str) -> Any:
    """Return a field that takes a number of some unit, between two limits, both included."""
    words = f"a number of {unit} from {least:g} to {most:g}"

    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(words)
        return value if isinstance(default, int) and isinstance(value, int) else float(value)

    if not math.isfinite(default):
        raise ValueError("a default is a finite number")
    return field(default=default, metadata={_META: Wanted(check, words, meaning)})


def text(default: str, meaning: str, *, check: Check | None = None, values: str = "a text", limit: int = 200) -> Any:
    """Return a field that takes a printable text of at most `limit` characters, which `check` may look at closer."""

    def short(value: object) -> Any:
        if not isinstance(value, str) or len(value) > limit or not value.isprintable():
            raise ValueError(values)
        return check(value) if check else value

    return field(default=default, metadata={_META: Wanted(short, values, meaning)})


@dataclass(frozen=True, slots=True)
class Screen:
    """`[screen]`: what the interactive screen looks like."""

    theme: str = text(
        "", "Name of the theme; without it, the one that was chosen last on the screen.", values="a theme's name"
    )
    symbols: str = choice(
        "auto", ("auto", "unicode", "ascii"), "Signs in lists and frames; auto asks the terminal's language settings."
    )
    low_bandwidth: str = choice(
        "auto",
        ("auto", "on", "off"),
        "Spare the line to the terminal: auto does so over SSH (no reports of the pointer's moves, progress twice a "
        "second), on also takes the 16 colours of the terminal.",
    )
    look_s: float = number(
        5.0, 2, 3600, "seconds", "Time between two looks for other people's changes, at the least; each is a listing."
    )


PRESETS: Final = ("pail", "vim", "mc")
"""Sets of keys to begin with."""


@dataclass(frozen=True, slots=True)
class KeySettings:
    """`[keys]`: a preset, and keys of one's own by the id of a command; which commands there are, the screen knows."""

    preset: str = choice(
        "pail", PRESETS, "The keys to begin with: Pail's own, or with those of vim or of Midnight Commander."
    )
    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys as they are written, by command; an empty tuple leaves the command without one."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Line of the file by command."""


@dataclass(frozen=True, slots=True)
class Sync:
    """`[sync]`: what keeping folders in step may cost and keep."""

    requests_an_hour: int = number(
        REQUESTS_AN_HOUR, 60, 100_000, "requests", "Class A requests that looking at a pair's bucket may cost an hour."
    )
    trash_mb: int = number(TRASH_MB, 1, 10_000_000, "megabytes", "What the trash of a pair may hold; the oldest goes.")


def _times(value: object) -> str:
    return parse_timetable(str(value)).text


@dataclass(frozen=True, slots=True)
class Transfers:
    """`[transfers]`: how data moves."""

    parallel_uploads: str = choice(
        "auto",
        ("auto", "always", "never"),
        "Send files of 128 MiB and more in parts side by side, which are then joined: auto does so where one stream is "
        "the limit of the line and the bucket is of class STANDARD without versions, retention or holds. Soft delete "
        "keeps the removed parts, and bills them, for its days.",
    )
    bandwidth: str = text(
        "off",
        "What everything together may move a second, as a rate (2M), off, or a timetable as rclone takes it "
        "('08:00,2M 18:00,off', 'Mon-08:00,2M Fri-18:00,off'), by this machine's clock. 'pail transfers limit' changes "
        "it while the worker runs.",
        check=_times,
        values=EXAMPLE,
        limit=LONGEST,
    )
    nice: int = number(
        10, 0, 19, "steps", "How far the worker steps back behind other programs of this machine; 0 not at all."
    )


@dataclass(frozen=True, slots=True)
class Notify:
    """`[notify]`: what the terminal is told when a long job ends, besides the note on the screen."""

    terminal: str = choice(
        "off",
        ("off", "bell", "osc9", "osc777"),
        "How the terminal is told: by its bell, or by a notice of the desktop (osc9: iTerm2, kitty, WezTerm, Windows "
        "Terminal; osc777: foot, urxvt, GNOME's terminal where it was built with it).",
    )
    after_s: float = number(30, 0, 86_400, "seconds", "How long a job has to have lasted for that.")


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; those that nothing sets have their defaults."""

    screen: Screen = field(default_factory=Screen)
    """The table `[screen]`."""
    keys: KeySettings = field(default_factory=KeySettings)
    """The table `[keys]`."""
    sync: Sync = field(default_factory=Sync)
    """The table `[sync]`."""
    transfers: Transfers = field(default_factory=Transfers)
    """The table `[transfers]`."""
    notify: Notify = field(default_factory=Notify)
    """The table `[notify]`."""
    prices: Mapping[str, Any] = field(default_factory=dict)
    """The table `[prices]`, checked; see `services.prices.from_config`."""

    def price_table(self, *, replit: bool = False) -> PriceTable:
        """Return the prices of the provider that bills, as the file changes them."""
        return from_config(REPLIT if replit else GOOGLE, self.prices)

    def value(self, key: str) -> Any:
        """Return the value of a setting by its dotted key; raises `AttributeError` for one that there is not."""
        section, _, name = key.partition(".")
        return getattr(getattr(self, section), name)


SECTIONS: Final[Mapping[str, type[Any]]] = {"screen": Screen, "transfers": Transfers, "sync": Sync, "notify": Notify}
"""The tables whose keys are known one by one; `[keys]` and `[prices]` besides them are checked as a whole."""

TABLES: Final = (*SECTIONS, "keys", "prices")
"""Every table that the file may have."""


def wanted(section: str) -> Mapping[str, Wanted]:
    """Return what each key of a table takes, in the order in which documents list them."""
    return {entry.name: _meta(entry) for entry in fields(SECTIONS[section])}


def all_settings() -> Iterator[Setting]:
    """Yield every single setting, table by table."""
    for section, kind in {**SECTIONS, "keys": KeySettings}.items():
        for entry in fields(kind):
            if _META in entry.metadata:
                yield Setting(f"{section}.{entry.name}", entry.default, _meta(entry))


def _meta(entry: Field[Any]) -> Wanted:
    found: Wanted = entry.metadata[_META]
    return found
