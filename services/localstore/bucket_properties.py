"""What clients may say about a bucket, checked and completed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, Final

from services.localstore.api_error import ApiError, bad_request
from services.localstore.properties import storage_class
from services.localstore.times import rfc3339

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", re.ASCII)
_LABEL_KEY: Final = re.compile(r"[^\WA-Z0-9_][^\WA-Z]*(?:[\w-])*")
_KEPT: Final = (
    "acl",
    "autoclass",
    "billing",
    "cors",
    "customPlacementConfig",
    "defaultEventBasedHold",
    "defaultObjectAcl",
    "encryption",
    "iamConfiguration",
    "ipFilter",
    "labels",
    "lifecycle",
    "logging",
    "objectRetention",
    "retentionPolicy",
    "rpo",
    "softDeletePolicy",
    "storageClass",
    "versioning",
    "website",
)
"""Properties that can be set at creation and changed later."""

SOFT_DELETE_SECONDS: Final = (7 * 86_400, 90 * 86_400)
"""Shortest and longest soft-delete duration, beside 0 for none."""

LABELS_LIMIT: Final = 64
"""Labels on one bucket."""


def check_name(name: Any) -> str:
    """Check a new bucket's name (cloud.google.com/storage/docs/buckets#naming); raises `ApiError` 400."""
    if not isinstance(name, str) or not name:
        raise bad_request("Required", reason="required", location="name")
    parts = name.split(".")
    valid = (
        _NAME.fullmatch(name)
        and all(0 < len(part) <= 63 and part[0] != "-" and part[-1] != "-" for part in parts)
        and not (name.startswith("goog") or "google" in name or "g00gle" in name)
        and not _is_address(name)
    )
    if not valid:
        raise bad_request(f"Invalid bucket name: {name[:100]!r}", location="name")
    return name


def new_bucket(resource: dict[str, Any], soft_delete_s: int, now: int) -> dict[str, Any]:
    """Return the properties of a new bucket, with Google's defaults; raises `ApiError` 400."""
    location = resource.get("location") or "US"
    if not isinstance(location, str) or not re.fullmatch(r"[A-Za-z0-9-]{2,40}", location, re.ASCII):
        raise bad_request(f"Invalid location: {str(location)[:100]!r}", location="location")
    properties: dict[str, Any] = {"location": location.upper(), "storageClass": "STANDARD"}
    hierarchical = resource.get("hierarchicalNamespace")
    if isinstance(hierarchical, dict) and hierarchical.get("enabled"):
        properties["hierarchicalNamespace"] = {"enabled": True}
    given = {key: resource[key] for key in _KEPT if resource.get(key) is not None}
    given.setdefault("softDeletePolicy", {"retentionDurationSeconds": str(soft_delete_s)})
    given.setdefault("iamConfiguration", {})
    return _merged(properties, given, now)


def patched_bucket(properties: dict[str, Any], patch: dict[str, Any], now: int) -> dict[str, Any]:
    """Merge a patch: null removes; raises `ApiError`."""
    _guard_fixed(properties, patch)
    return _merged(dict(properties), {key: patch[key] for key in _KEPT if key in patch}, now)


def replaced_bucket(properties: dict[str, Any], resource: dict[str, Any], now: int) -> dict[str, Any]:
    """Return what an update (PUT) leaves; raises `ApiError`."""
    keep = {"storageClass", "iamConfiguration", "softDeletePolicy", "rpo"}
    _guard_fixed(properties, {"retentionPolicy": None, **resource})
    kept = {key: value for key, value in properties.items() if key not in _KEPT or key in keep}
    return _merged(kept, {key: resource[key] for key in _KEPT if key in resource}, now)


def _guard_fixed(properties: dict[str, Any], patch: dict[str, Any]) -> None:
    location = patch.get("location")
    if location is not None and str(location).upper() != properties["location"]:
        raise bad_request("A bucket's location cannot be changed.", location="location")
    wanted = patch.get("hierarchicalNamespace")
    if wanted is not None and bool(wanted.get("enabled")) != ("hierarchicalNamespace" in properties):
        raise bad_request("The hierarchical namespace can be chosen at creation only.")
    policy = properties.get("retentionPolicy", {})
    if policy.get("isLocked") and "retentionPolicy" in patch:
        wanted = patch["retentionPolicy"] or {}
        if int(wanted.get("retentionPeriod", 0)) < int(policy["retentionPeriod"]):
            raise ApiError(403, "A locked retention policy cannot be removed or shortened.")


def _merged(properties: dict[str, Any], changes: dict[str, Any], now: int) -> dict[str, Any]:
    for key, value in changes.items():
        if key == "labels" and isinstance(value, dict):
            value = {**properties.get("labels", {}), **value}
            value = {name: item for name, item in value.items() if item is not None} or None
        elif key in {"iamConfiguration", "softDeletePolicy"}:
            value = {**properties.get(key, {}), **(value or {})}
        if value is None or (value == {} and key in {"labels", "lifecycle"}):
            properties.pop(key, None)
        else:
            properties[key] = _CHECKS.get(key, _as_given)(value, now)
    if properties.get("versioning", {}).get("enabled") and "hierarchicalNamespace" in properties:
        raise bad_request("Object versioning is not available with a hierarchical namespace.")
    uniform = properties["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"]
    if "hierarchicalNamespace" in properties and not uniform:
        raise bad_request("A hierarchical namespace requires uniform bucket-level access.")
    properties.setdefault("storageClass", "STANDARD")
    return properties


def _as_given(value: Any, _now: int) -> Any:
    return value


def _check_class(value: Any, _now: int) -> str:
    return storage_class(value)


def _check_switch(value: Any, _now: int) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("enabled", False), bool):
        raise bad_request(f"Invalid value: {str(value)[:100]!r}")
    return value


def _check_labels(value: Any, _now: int) -> dict[str, str]:
    valid = isinstance(value, dict) and all(
        _LABEL_KEY.fullmatch(key) and len(key) <= 63 and isinstance(item, str) and len(item) <= 63
        for key, item in value.items()
    )
    if not valid or len(value) > LABELS_LIMIT:
        raise bad_request("Invalid labels", location="labels")
    return dict(value)


def _check_soft_delete(value: dict[str, Any], now: int) -> dict[str, Any]:
    try:
        seconds = int(value.get("retentionDurationSeconds", 0))
    except (TypeError, ValueError):
        seconds = -1
    shortest, longest = SOFT_DELETE_SECONDS
    if seconds and not shortest <= seconds <= longest:
        raise bad_request(f"A soft-delete duration is 0, or {shortest} to {longest} seconds.")
    policy = {"retentionDurationSeconds": str(seconds)}
    if seconds:
        policy["effectiveTime"] = rfc3339(now)
    return policy


def _check_retention(value: Any, now: int) -> dict[str, Any]:
    try:
        seconds = int(value["retentionPeriod"])
    except (TypeError, KeyError, ValueError) as error:
        raise bad_request("Invalid retentionPolicy") from error
    if not 0 < seconds < 3_155_760_000:
        raise bad_request("A retention period is positive and less than 100 years.")
    policy = {"retentionPeriod": str(seconds), "effectiveTime": value.get("effectiveTime") or rfc3339(now)}
    return policy | ({"isLocked": True} if value.get("isLocked") else {})


def _check_access(value: dict[str, Any], now: int) -> dict[str, Any]:
    """Complete `iamConfiguration`; `bucketPolicyOnly` is the old name of uniform access, and mirrors it."""
    uniform = value.get("uniformBucketLevelAccess") or value.get("bucketPolicyOnly") or {}
    if not isinstance(uniform, dict):
        raise bad_request("Invalid iamConfiguration")
    prevention = value.get("publicAccessPrevention", "inherited")
    if prevention not in {"inherited", "enforced", "unspecified"}:
        raise bad_request("Invalid publicAccessPrevention")
    access: dict[str, Any] = {"enabled": bool(uniform.get("enabled"))}
    if access["enabled"]:
        access["lockedTime"] = uniform.get("lockedTime") or rfc3339(now + 90 * 86_400 * 1_000_000)
    if prevention == "unspecified":
        prevention = "inherited"
    return {
        "bucketPolicyOnly": dict(access),
        "uniformBucketLevelAccess": access,
        "publicAccessPrevention": prevention,
    }


_CHECKS: Final[dict[str, Callable[[Any, int], Any]]] = {
    "storageClass": _check_class,
    "versioning": _check_switch,
    "autoclass": _check_switch,
    "labels": _check_labels,
    "softDeletePolicy": _check_soft_delete,
    "retentionPolicy": _check_retention,
    "iamConfiguration": _check_access,
}


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
