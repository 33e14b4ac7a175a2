"""What sync may cost and keep, as a person has set it."""

from __future__ import annotations

from typing import Final, NamedTuple

from services.paths import config_file

REQUESTS_AN_HOUR: Final = 2_000
"""Class A requests that looking at the bucket of a pair may cost in an hour, unless `config.toml` says otherwise."""

TRASH_MB: Final = 10_000
"""Megabytes (of 1,000,000 bytes) that the trash of a pair may hold, unless `config.toml` says otherwise."""


class Limits(NamedTuple):
    """The limits of a pair."""

    requests_an_hour: int = REQUESTS_AN_HOUR
    """Class A requests that looking at the bucket may cost in an hour."""
    trash_bytes: int = TRASH_MB * 1_000_000
    """Bytes that the trash may hold; what is oldest goes first."""
    bandwidth: str = "off"
    """What may move a second in a process of its own, as a rate or a timetable; in the worker its limit counts."""


def configured() -> Limits:
    """Return the limits that `config.toml` sets; a file that cannot be used sets none.  Blocks."""
    if not config_file().exists():
        return Limits()
    from services.config import load_or_defaults  # heavy: it knows every setting there is

    config = load_or_defaults().config
    settings = config.sync
    return Limits(int(settings.requests_an_hour), int(settings.trash_mb) * 1_000_000, config.transfers.bandwidth)
