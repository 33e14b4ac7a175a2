"""What clients may say about an object: names, metadata, and how a patch changes it."""

from __future__ import annotations

import json
from typing import Any, Final

from services.localstore.api_error import ApiError, bad_request
from services.localstore.records import BucketRow
from services.localstore.times import parse_rfc3339, rfc3339

NAME_LIMIT_BYTES: Final = 1024
"""Bytes of UTF-8 in an object's name (cloud.google.com/storage/docs/objects#naming)."""

HIERARCHICAL_LIMIT_BYTES: Final = 512
"""Bytes of a folder's path, and of the name after it, in a bucket with a hierarchical namespace."""

METADATA_LIMIT_BYTES: Final = 8192
"""Bytes of all custom metadata together (cloud.google.com/storage/quotas#objects)."""

STORAGE_CLASSES: Final = frozenset(
    {"STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE", "MULTI_REGIONAL", "REGIONAL", "DURABLE_REDUCED_AVAILABILITY"}
)
"""The classes that Google knows, with the old ones."""

_TEXTS: Final = ("contentType", "cacheControl", "contentDisposition", "contentEncoding", "contentLanguage")
_HOLDS: Final = ("temporaryHold", "eventBasedHold")
_PATCHABLE: Final = (*_TEXTS, *_HOLDS, "metadata", "customTime", "retention", "contexts")


def object_name(name: Any, bucket: BucketRow | None = None) -> bytes:
    """Check a name and return its bytes; raises `ApiError` 400."""
    if not isinstance(name, str) or not name:
        raise bad_request("Required", reason="required", location="name")
    try:
        encoded = name.encode()
    except UnicodeEncodeError as error:
        raise bad_request("The object's name is not valid UTF-8.") from error
    reserved = name in {".", ".."} or name.startswith(".well-known/acme-challenge/")
    if len(encoded) > NAME_LIMIT_BYTES or reserved or "\r" in name or "\n" in name:
        raise bad_request(f"Invalid object name: {name[:100]!r}", location="name")
    if bucket is not None and bucket.hierarchical:
        folder, _, base = encoded.rpartition(b"/")
        if max(len(folder), len(base)) > HIERARCHICAL_LIMIT_BYTES:
            raise bad_request("A folder or a base name is longer than 512 bytes.", location="name")
    return encoded


def storage_class(value: Any) -> str:
    """Check a storage class; raises `ApiError` 400."""
    if value not in STORAGE_CLASSES:
        raise bad_request(f"Invalid storage class: {value!r}", location="storageClass")
    return str(value)


def new_properties(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the checked properties of a new object; raises `ApiError` 400."""
    properties = {key: resource[key] for key in _PATCHABLE if resource.get(key) is not None}
    if resource.get("storageClass") is not None:
        properties["storageClass"] = storage_class(resource["storageClass"])
    return _checked(properties)


def patched(properties: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Merge a patch: null removes, `metadata` and `contexts` are merged key by key; raises `ApiError`."""
    result = dict(properties)
    for key in _PATCHABLE:
        if key not in patch:
            continue
        value = patch[key]
        if key in {"metadata", "contexts"} and isinstance(value, dict):
            merged = {**result.get(key, {}), **value}
            value = {name: item for name, item in merged.items() if item is not None} or None
        _guard_change(key, result.get(key), value)
        if value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return _checked(result)


def replaced(properties: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
    """Return what an update (PUT) leaves: what it does not name is gone; raises `ApiError`."""
    cleared = {*_TEXTS, *_HOLDS, "metadata", "contexts"}
    return patched({key: value for key, value in properties.items() if key not in cleared}, resource)


def _guard_change(key: str, old: Any, new: Any) -> None:
    """Refuse what would weaken a promise: a custom time that goes back, a locked retention that shrinks."""
    if key == "customTime" and old is not None and (new is None or parse_rfc3339(new, key) < parse_rfc3339(old, key)):
        raise bad_request("customTime cannot be removed or set to an earlier time.", location=key)
    if key == "retention" and old is not None and old.get("mode") == "Locked":
        until = (new or {}).get("retainUntilTime")
        shorter = until is None or parse_rfc3339(until, key) < parse_rfc3339(old["retainUntilTime"], key)
        if shorter or (new or {}).get("mode") != "Locked":
            raise ApiError(403, "A locked object retention cannot be reduced or removed.")


def _checked(properties: dict[str, Any]) -> dict[str, Any]:
    for key in _TEXTS:
        if not isinstance(properties.get(key, ""), str):
            raise bad_request(f"Invalid value for {key}", location=key)
    for key in _HOLDS:
        if not isinstance(properties.get(key, False), bool):
            raise bad_request(f"Invalid value for {key}", location=key)
    if "customTime" in properties:
        properties["customTime"] = rfc3339(parse_rfc3339(properties["customTime"], "customTime"))
    _check_metadata(properties)
    if not isinstance(properties.get("contexts", {}), dict):
        raise bad_request("Invalid value for contexts", location="contexts")
    if "retention" in properties:
        _check_retention(properties)
    return properties


def _check_metadata(properties: dict[str, Any]) -> None:
    metadata = properties.get("metadata", {})
    if not isinstance(metadata, dict) or not all(isinstance(item, str) for item in metadata.values()):
        raise bad_request("Custom metadata must map names to strings.", location="metadata")
    size = sum(len(key.encode()) + len(item.encode()) for key, item in metadata.items())
    if size > METADATA_LIMIT_BYTES:
        raise bad_request(f"Custom metadata has {size} bytes, {METADATA_LIMIT_BYTES} are allowed.", location="metadata")
    if not metadata:
        properties.pop("metadata", None)


def _check_retention(properties: dict[str, Any]) -> None:
    retention = properties["retention"]
    if not isinstance(retention, dict) or (retention and retention.get("mode") not in {"Locked", "Unlocked"}):
        raise bad_request("Invalid retention", location="retention")
    if not retention:
        del properties["retention"]
        return
    until = rfc3339(parse_rfc3339(retention.get("retainUntilTime"), "retention.retainUntilTime"))
    properties["retention"] = {"mode": retention["mode"], "retainUntilTime": until}


def dump(properties: dict[str, Any]) -> str:
    """Render properties for their column."""
    return json.dumps(properties, ensure_ascii=False, separators=(",", ":"))
