"""Everything Google keeps about an object, line by line; and what forbids to delete it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice
from typing import Any, Final

from services.model import ObjectInfo
from services.storage_classes import class_title
from services.words import count, date_time, day, parse_moment, shown

METADATA_SHOWN: Final = 100
"""Entries of custom metadata that are listed (hazard 64)."""

_TIMES: Final = (
    ("timeCreated", "Created"),
    ("updated", "Updated"),
    ("timeFinalized", "Finalized"),
    ("timeStorageClassUpdated", "Class since"),
    ("customTime", "Custom time"),
    ("timeDeleted", "Noncurrent since"),
    ("softDeleteTime", "Deleted"),
    ("hardDeleteTime", "Restorable until"),
    ("retentionExpirationTime", "Retained until"),
)
_TEXTS: Final = (
    ("contentType", "Content type"),
    ("cacheControl", "Cache control"),
    ("contentDisposition", "Disposition"),
    ("contentLanguage", "Language"),
    ("contentEncoding", "Encoding"),
    ("crc32c", "CRC32C"),
    ("md5Hash", "MD5"),
    ("generation", "Generation"),
    ("metageneration", "Metageneration"),
    ("componentCount", "Composed of"),
    ("kmsKeyName", "Encryption key"),
    ("etag", "ETag"),
    ("mediaLink", "Media link"),
)
_ELSEWHERE: Final = frozenset(
    {"kind", "id", "selfLink", "name", "bucket", "size", "storageClass", "metadata", "retention", "acl", "owner"}
    | {"temporaryHold", "eventBasedHold", "customerEncryption"}
)
"""Fields that have their own line, or that repeat others."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One line of an object's details."""

    label: str
    """What it is, safe on a terminal."""
    value: str
    """In words, safe on a terminal and bounded."""
    copied: str = ""
    """What copying it puts on the clipboard, raw; empty where that makes no sense."""


def details(info: ObjectInfo, zone: tzinfo | None = None) -> list[Detail]:
    """Return everything Google keeps about an object, times in `zone` (None: the local one)."""
    return list(_details(info, zone))


def _details(info: ObjectInfo, zone: tzinfo | None) -> Iterator[Detail]:
    resource = info.resource
    yield Detail("Name", shown(info.name, 1024), info.name)
    yield Detail("URL", shown(info.url, 1100), info.url)
    yield Detail("Size", count(info.size, "byte"), str(info.size))
    yield Detail("Class", class_title(info.storage_class), info.storage_class)
    for key, label in _TIMES:
        if value := resource.get(key):
            moment = parse_moment(value)
            yield Detail(label, shown(value) if moment is None else date_time(moment, zone), str(value))
    if info.mtime is not None:
        yield Detail("Modified at source", date_time(info.mtime, zone), info.metadata["goog-reserved-file-mtime"])
    for key, label in _TEXTS:
        if value := resource.get(key):
            yield Detail(label, shown(value), str(value))
    yield from _protection(resource, zone)
    for key, value in islice(sorted(info.metadata.items()), METADATA_SHOWN):
        yield Detail(f"Metadata {shown(key, 60)}", shown(value), str(value))
    if (more := len(info.metadata) - METADATA_SHOWN) > 0:
        yield Detail("Metadata", f"and {count(more, 'more entry', 'more entries')}")
    yield from _the_rest(resource)


def _protection(resource: Mapping[str, Any], zone: tzinfo | None) -> Iterator[Detail]:
    if resource.get("temporaryHold") is True:
        yield Detail("Temporary hold", "on")
    if resource.get("eventBasedHold") is True:
        yield Detail("Event-based hold", "on")
    retention = resource.get("retention")
    if isinstance(retention, Mapping) and (until := parse_moment(retention.get("retainUntilTime"))) is not None:
        mode = "locked for good" if retention.get("mode") == "Locked" else "can be lifted"
        yield Detail("Own retention", f"until {date_time(until, zone)} ({mode})", str(retention["retainUntilTime"]))
    encryption = resource.get("customerEncryption")
    if isinstance(encryption, Mapping):
        key = str(encryption.get("keySha256", ""))
        yield Detail("Customer's key", f"{shown(encryption.get('encryptionAlgorithm'))}, SHA-256 {shown(key)}", key)


def _the_rest(resource: Mapping[str, Any]) -> Iterator[Detail]:
    """Yield what has no line of its own: fields that the service may add."""
    known = _ELSEWHERE.union(key for key, _ in (*_TIMES, *_TEXTS))
    for key, value in islice(sorted(resource.items()), METADATA_SHOWN):
        if key not in known and value not in (None, "", [], {}):
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            yield Detail(shown(key, 60), shown(text), text)


def protected(info: ObjectInfo, now: float, zone: tzinfo | None = None) -> str:
    """Return why an object can be neither deleted nor replaced at `now`, in one sentence; "" where nothing forbids it.

    `now` is in seconds since the epoch.  The service decides; this tells a person before the attempt.
    """
    resource = info.resource
    if resource.get("temporaryHold") is True:
        return "A temporary hold forbids to delete or replace it; release the hold first."
    if resource.get("eventBasedHold") is True:
        return "An event-based hold forbids to delete or replace it; release the hold first."
    own = resource.get("retention")
    until = [parse_moment(resource.get("retentionExpirationTime"))]
    until.append(parse_moment(own.get("retainUntilTime")) if isinstance(own, Mapping) else None)
    last = max((moment for moment in until if moment is not None), default=now)
    return f"Retention forbids to delete or replace it until {day(last, zone)}." if last > now else ""
