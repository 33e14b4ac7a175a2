"""The storage classes of objects: what they are called, what they are for, and how long they bind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.errors import UsageError
from services.words import shown


@dataclass(frozen=True, slots=True)
class StorageClass:
    """A class that new objects and rewrites may ask for (cloud.google.com/storage/docs/storage-classes)."""

    name: str
    """As the service writes it."""
    title: str
    """For a person."""
    meaning: str
    """What it is for, in one line."""
    minimum_days: int
    """Days that are billed even if an object is deleted, replaced or moved to another class sooner."""


CLASSES: Final = (
    StorageClass("STANDARD", "Standard", "for data in use; nothing to pay for reading it", 0),
    StorageClass("NEARLINE", "Nearline", "for data read less than once a month; kept for at least 30 days", 30),
    StorageClass("COLDLINE", "Coldline", "for data read less than once a quarter; kept for at least 90 days", 90),
    StorageClass("ARCHIVE", "Archive", "for data read less than once a year; kept for at least 365 days", 365),
)
"""From the hottest to the coldest."""

_LEGACY: Final = {"MULTI_REGIONAL": "STANDARD", "REGIONAL": "STANDARD", "DURABLE_REDUCED_AVAILABILITY": "STANDARD"}
_BY_NAME: Final = {known.name: known for known in CLASSES}
_RANK: Final = {known.name: rank for rank, known in enumerate(CLASSES)}


def class_title(name: str) -> str:
    """Return what a person calls a class: `Nearline`; an unknown one as the service wrote it, made safe."""
    known = _BY_NAME.get(name)
    return known.title if known else shown(name, 40)


def base_class(name: str) -> str:
    """Return the class that a legacy class is billed and ranked as: `REGIONAL` → `STANDARD`; others unchanged."""
    return _LEGACY.get(name, name)


def is_colder(name: str, than: str) -> bool:
    """Tell whether a class is colder than another one; False where either is unknown."""
    rank, other = _RANK.get(base_class(name)), _RANK.get(base_class(than))
    return rank is not None and other is not None and rank > other


def minimum_days(name: str) -> int:
    """Return the days for which an object of a class is billed at the least."""
    known = _BY_NAME.get(base_class(name))
    return known.minimum_days if known else 0


def parse_class(text: str) -> str:
    """Return the service's name of a class written in any case; raises `UsageError`."""
    name = text.strip().upper()
    if name in _BY_NAME:
        return name
    titles = ", ".join(known.title for known in CLASSES)
    raise UsageError(f"'{shown(text, 40)}' is not a storage class", remedy=f"One of: {titles}.")
