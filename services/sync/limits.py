"""What sync may cost and keep, as a person has set it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REQUESTS_AN_HOUR: Final = 2_000
"""Class A requests that looking at the bucket of a pair may cost in an hour, unless `config.toml` says otherwise."""

TRASH_MB: Final = 10_000
"""Megabytes (of 1,000,000 bytes) that the trash of a pair may hold, unless `config.toml` says otherwise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a pair."""

    requests_an_hour: int = REQUESTS_AN_HOUR
    """Class A requests that looking at the bucket may cost in an hour."""
    trash_bytes: int = TRASH_MB * 1_000_000
    """Bytes that the trash may hold; what is oldest goes first."""
    bandwidth: str = ""
    """What may move a second in a process of its own, as a rate or a timetable; in the worker its limit counts."""


def configured() -> Limits:
    """Return the limits that `config.toml` sets; a file that cannot be used sets none.  Blocks."""
    from services.config import load_or_defaults  # reads a file; needed once a pair runs

    config = load_or_defaults().config
    settings = config.sync
    return Limits(int(settings.requests_an_hour), int(settings.trash_mb) * 1_000_000, config.transfers.bandwidth)
