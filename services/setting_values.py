"""How each setting of a bucket is shown and typed: the functions behind the table in `services.settings`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from services import lifecycle
from services.errors import UsageError
from services.model import BucketInfo
from services.names import bucket_name_problem, parse_gs_url
from services.quantities import is_none, is_off, parse_period, parse_switch
from services.storage_classes import class_title, parse_class
from services.words import DAY_S, day, joined, parse_moment, period, shown

SOFT_DELETE_DAYS: Final = (7, 90)
"""Shortest and longest soft delete, in days (cloud.google.com/storage/docs/soft-delete)."""

RETENTION_LIMIT_S: Final = 3_155_760_000
"""Seconds of the longest retention: 100 years (cloud.google.com/storage/docs/bucket-lock)."""

LABELS_LIMIT: Final = 64
"""Labels that a bucket may have (cloud.google.com/storage/docs/tags-and-labels)."""

MAIN_PAGE: Final = ("website", "mainPageSuffix")
"""Where the resource keeps the main page."""

NOT_FOUND_PAGE: Final = ("website", "notFoundPage")
"""Where the resource keeps the page for what is not found."""

CUMULATIVE: Final = frozenset({"labels", "lifecycle"})
"""Settings that may be given several times in one command, each adding or removing one thing."""

_LABEL_KEY: Final = re.compile(r"[^\W\d_A-Z][^\WA-Z]*(?:-[^\WA-Z]*)*")
_LABEL_VALUE: Final = re.compile(r"(?:[^\WA-Z]|-)*")
_KMS_KEY: Final = re.compile(r"projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+")
_CORS_FIELDS: Final = {"origin": list, "method": list, "responseHeader": list, "maxAgeSeconds": int}
_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "*"})


def at(bucket: BucketInfo, *path: str) -> Any:
    """Return a value deep in a bucket's JSON resource; None where a step is missing."""
    value: Any = bucket.resource
    for step in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def patched(bucket: BucketInfo, patch: Mapping[str, Any]) -> BucketInfo:
    """Return the bucket as a patch would leave its resource, so that further changes build on it (RFC 7396)."""
    resource = _merged(bucket.resource, patch)
    labels = resource.get("labels")
    return bucket._replace(resource=resource, labels=labels if isinstance(labels, dict) else {})


def _merged(resource: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(resource)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            inner = merged.get(key)
            merged[key] = _merged(inner if isinstance(inner, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def switch(text: str, _bucket: BucketInfo, path: tuple[str, ...]) -> dict[str, Any]:
    """Return the change of one boolean."""
    value: Any = parse_switch(text)
    for step in reversed(path):
        value = {step: value}
    return {str(key): inner for key, inner in value.items()}


def parse_versioning(text: str, bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of versioning."""
    on = parse_switch(text)
    if on and bucket.hierarchical_namespace:
        raise UsageError("a bucket with real folders has no versioning", remedy="Use soft delete instead.")
    return {"versioning": {"enabled": on}}


def show_soft_delete(bucket: BucketInfo) -> str:
    """Return the time of soft delete in words."""
    return period(bucket.soft_delete_s) if bucket.soft_delete_s else "off"


def type_soft_delete(bucket: BucketInfo) -> str:
    """Return the time of soft delete as it is typed."""
    return _typed_period(bucket.soft_delete_s)


def _typed_period(seconds: int) -> str:
    if not seconds:
        return "off"
    return f"{seconds // DAY_S}d" if seconds % DAY_S == 0 else f"{seconds}s"


def parse_soft_delete(text: str, _bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of soft delete: off, or 7 to 90 days."""
    seconds = 0 if is_off(text) else parse_period(text)
    shortest, longest = SOFT_DELETE_DAYS
    if seconds and not shortest * DAY_S <= seconds <= longest * DAY_S:
        raise UsageError(
            f"soft delete is off, or {shortest} to {longest} days", remedy="Write off, or a span such as 7d or 30d."
        )
    return {"softDeletePolicy": {"retentionDurationSeconds": str(seconds)}}


def parse_default_class(text: str, bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of the default class."""
    if at(bucket, "autoclass", "enabled") is True:
        raise UsageError("autoclass chooses the class of every object", remedy="Turn it off first: autoclass=off")
    return {"storageClass": parse_class(text)}


def show_autoclass(bucket: BucketInfo) -> str:
    """Return in words whether Google chooses classes, and how far down."""
    if at(bucket, "autoclass", "enabled") is not True:
        return "off"
    return f"on, down to {class_title(str(at(bucket, 'autoclass', 'terminalStorageClass') or 'NEARLINE'))}"


def type_autoclass(bucket: BucketInfo) -> str:
    """Return autoclass as it is typed."""
    if at(bucket, "autoclass", "enabled") is not True:
        return "off"
    return str(at(bucket, "autoclass", "terminalStorageClass") or "NEARLINE").lower()


def parse_autoclass(text: str, _bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of autoclass: off, on, or the coldest class it may choose."""
    word = text.strip().lower()
    if word in ("nearline", "archive"):
        return {"autoclass": {"enabled": True, "terminalStorageClass": word.upper()}}
    return {"autoclass": {"enabled": parse_switch(text)}}


def show_lifecycle(bucket: BucketInfo) -> str:
    """Return all rules in words."""
    return "; ".join(lifecycle.words(rule) for rule in lifecycle.rules_of(bucket.resource)) or "none"


def type_lifecycle(bucket: BucketInfo) -> str:
    """Return the rules as JSON, which is how a whole list is typed."""
    return json.dumps([dict(rule.resource) for rule in lifecycle.rules_of(bucket.resource)])


def parse_lifecycle(text: str, bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of the rules: `+RULE`, `-RULE` in words, `-N` by number, `off`, or all of them as JSON."""
    rules = lifecycle.rules_of(bucket.resource)
    text = text.strip()
    if is_off(text):
        return lifecycle.patch_of(())
    if text.startswith(("[", "{")):
        return lifecycle.patch_of(_json_rules(text))
    if text.startswith("-"):
        return lifecycle.patch_of(lifecycle.without_rule(rules, _named_rule(rules, text[1:].strip())))
    return lifecycle.patch_of(lifecycle.with_rule(rules, lifecycle.parse_rule(text.removeprefix("+"))))


def _named_rule(rules: tuple[lifecycle.Rule, ...], name: str) -> lifecycle.Rule:
    if name.isascii() and name.isdigit() and 1 <= int(name[:9]) <= len(rules):
        return rules[int(name[:9]) - 1]
    for rule in rules:
        if lifecycle.words(rule).lower() == name.lower():
            return rule
    there = "; ".join(f"{number} {lifecycle.words(rule)}" for number, rule in enumerate(rules, 1)) or "none"
    raise UsageError(f"there is no rule '{shown(name, 80)}'", remedy=f"The rules are: {there}.")


def _json_rules(text: str) -> list[lifecycle.Rule]:
    data = _json(text)
    if isinstance(data, dict):
        data = data.get(
            "rule", data.get("lifecycle", {}).get("rule") if isinstance(data.get("lifecycle"), dict) else None
        )
    good = isinstance(data, list) and all(
        isinstance(rule, dict) and isinstance(rule.get("action"), dict) and isinstance(rule.get("condition"), dict)
        for rule in data
    )
    if not good:
        remedy = 'Write it as [{"action": {"type": "Delete"}, "condition": {"age": 90}}].'
        raise UsageError("lifecycle rules are a JSON list of objects with an action and a condition", remedy=remedy)
    return [lifecycle.Rule(rule) for rule in data]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"that is not JSON: {shown(error, 120)}", remedy="Check the brackets and quotes.") from error


def parse_public_access(text: str, _bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of public access prevention."""
    word = text.strip().lower()
    if word not in ("prevented", "enforced", "inherited", "allowed"):
        remedy = "Write prevented, or inherited (then roles and the organisation decide)."
        raise UsageError(f"'{shown(text, 40)}' says nothing about public access", remedy=remedy)
    value = "enforced" if word in ("prevented", "enforced") else "inherited"
    return {"iamConfiguration": {"publicAccessPrevention": value}}


def show_uniform_access(bucket: BucketInfo) -> str:
    """Return in words whether only roles decide, and until when that can be taken back."""
    if not bucket.uniform_access:
        return "off"
    locked = parse_moment(at(bucket, "iamConfiguration", "uniformBucketLevelAccess", "lockedTime"))
    return f"on (can be turned off until {day(locked)})" if locked is not None else "on"


def parse_uniform_access(text: str, bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of uniform access."""
    on = parse_switch(text)
    if not on and bucket.hierarchical_namespace:
        raise UsageError("a bucket with real folders needs uniform access", remedy="It stays on.")
    return {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": on}}}


def show_labels(bucket: BucketInfo) -> str:
    """Return the labels as `key=value` pairs."""
    return ", ".join(f"{shown(key)}={shown(value)}" for key, value in sorted(bucket.labels.items())) or "none"


def type_labels(bucket: BucketInfo) -> str:
    """Return the labels as they are typed."""
    return ",".join(f"{key}={value}" for key, value in sorted(bucket.labels.items()))


def parse_labels(text: str, bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of labels: `+k=v` adds, `-k` removes, `k=v,…` replaces all, `off` clears; commas between."""
    parts = [] if is_none(text) else [part.strip() for part in text.split(",") if part.strip()]
    relative = [part for part in parts if part[0] in "+-"]
    if relative and len(relative) != len(parts):
        raise UsageError("some labels have a + or -, some do not", remedy="Write +k=v or -k for each, or k=v for all.")
    wanted: dict[str, str | None] = {} if relative else dict.fromkeys(bucket.labels)
    for part in parts:
        key, equals, value = part.lstrip("+").removeprefix("-" if relative else "").partition("=")
        if part.startswith("-"):
            wanted[key] = None
            continue
        if not equals:
            raise UsageError(f"the label '{shown(part, 80)}' has no value", remedy="Write it as team=media.")
        _check_label(key, value)
        wanted[key] = value
    left = {key for key in {*bucket.labels, *wanted} if wanted.get(key, bucket.labels.get(key)) is not None}
    if len(left) > LABELS_LIMIT:
        raise UsageError(f"a bucket has at most {LABELS_LIMIT} labels", remedy="Remove one first.")
    return {"labels": wanted} if wanted else {}


def _check_label(key: str, value: str) -> None:
    if not _LABEL_KEY.fullmatch(key) or len(key) > 63 or not _LABEL_VALUE.fullmatch(value) or len(value) > 63:
        raise UsageError(
            f"'{shown(key, 80)}={shown(value, 80)}' is not a label",
            remedy="Lower-case letters, digits, - and _, at most 63 each; the key begins with a letter.",
        )


def show_cors(bucket: BucketInfo) -> str:
    """Return the rules for other origins in words."""
    rules = at(bucket, "cors")
    if not isinstance(rules, list) or not rules:
        return "none"
    return "; ".join(_cors_words(rule) for rule in rules if isinstance(rule, Mapping))


def _cors_words(rule: Mapping[str, Any]) -> str:
    parts = {key: [shown(item, 80) for item in items] for key, items in rule.items() if isinstance(items, list)}
    age = rule.get("maxAgeSeconds")
    kept = f", kept for {period(age)}" if isinstance(age, int) and age > 0 else ""
    return f"{', '.join(parts.get('method', ['nothing']))} from {joined(parts.get('origin', ['nowhere']))}{kept}"


def type_cors(bucket: BucketInfo) -> str:
    """Return the rules for other origins as JSON."""
    rules = at(bucket, "cors")
    return json.dumps(rules if isinstance(rules, list) else [])


def parse_cors(text: str, _bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of CORS: JSON as `gcloud storage buckets update --cors-file` takes it, or off."""
    rules = [] if is_off(text) else _json(text)
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise UsageError("CORS is a JSON list of objects", remedy='Write it as [{"origin": ["*"], "method": ["GET"]}].')
    for rule in rules:
        for key, value in rule.items():
            _check_cors_field(key, value)
    return {"cors": rules or None}


def _check_cors_field(key: str, value: object) -> None:
    kind = _CORS_FIELDS.get(key)
    good = kind is not None and isinstance(value, kind) and not isinstance(value, bool)
    if good and isinstance(value, list):
        good = all(isinstance(item, str) and item for item in value)
        if good and key == "method":
            good = _METHODS.issuperset(value)
    if not good:
        raise UsageError(
            f"'{shown(key, 40)}' of a CORS rule cannot be {shown(json.dumps(value), 80)}",
            remedy="origin, method and responseHeader are lists of texts; maxAgeSeconds is a number.",
        )


def show_retention(bucket: BucketInfo) -> str:
    """Return the retention in words, and whether it is locked."""
    seconds = _retention_s(bucket)
    if not seconds:
        return "off"
    return f"{period(seconds)}{' (locked for good)' if at(bucket, 'retentionPolicy', 'isLocked') is True else ''}"


def type_retention(bucket: BucketInfo) -> str:
    """Return the retention as it is typed."""
    return _typed_period(_retention_s(bucket))


def _retention_s(bucket: BucketInfo) -> int:
    text = str(at(bucket, "retentionPolicy", "retentionPeriod") or "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def parse_retention(text: str, bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of the retention: off, or a span of up to 100 years."""
    seconds = 0 if is_off(text) else parse_period(text)
    if seconds >= RETENTION_LIMIT_S:
        raise UsageError("a retention lasts at most 100 years", remedy="Write off, or a span such as 30d or 7y.")
    if at(bucket, "retentionPolicy", "isLocked") is True and seconds < _retention_s(bucket):
        raise UsageError("the retention is locked for good", remedy="It can only get longer.")
    return {"retentionPolicy": {"retentionPeriod": str(seconds)} if seconds else None}


def website(text: str, bucket: BucketInfo, *, main_page: bool) -> dict[str, Any]:
    """Return the change of one page of the website; the other one is sent along as it is."""
    pages = {MAIN_PAGE[1]: at(bucket, *MAIN_PAGE), NOT_FOUND_PAGE[1]: at(bucket, *NOT_FOUND_PAGE)}
    name = text.strip()
    if "\n" in name or "\r" in name or name.startswith("/"):
        raise UsageError(f"'{shown(name, 80)}' is not an object's name", remedy="Write it as index.html.")
    pages[MAIN_PAGE[1] if main_page else NOT_FOUND_PAGE[1]] = None if is_none(name) else name
    kept = {key: page for key, page in pages.items() if page}
    return {"website": (pages if kept else None)}


def show_rpo(bucket: BucketInfo) -> str:
    """Return how fast a dual-region replicates."""
    return "turbo" if at(bucket, "rpo") == "ASYNC_TURBO" else "default"


def parse_rpo(text: str, bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of the replication."""
    word = text.strip().lower().removeprefix("async_")
    if word not in ("default", "turbo"):
        raise UsageError(f"'{shown(text, 40)}' is not a replication", remedy="Write default or turbo.")
    if word == "turbo" and bucket.location_type not in ("dual-region", ""):
        raise UsageError("only a dual-region has turbo replication", remedy="It is chosen with the location, for ever.")
    return {"rpo": "ASYNC_TURBO" if word == "turbo" else "DEFAULT"}


def show_logging(bucket: BucketInfo) -> str:
    """Return where access logs go."""
    return shown(type_logging(bucket)) or "off"


def type_logging(bucket: BucketInfo) -> str:
    """Return where access logs go, as it is typed."""
    target, prefix = at(bucket, "logging", "logBucket"), at(bucket, "logging", "logObjectPrefix")
    return f"gs://{target}{f'/{prefix}' if prefix else ''}" if target else ""


def parse_logging(text: str, _bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of access logs: off, or the bucket (and prefix) that gets them."""
    if is_none(text):
        return {"logging": None}
    target = parse_gs_url(text.strip())
    if why := bucket_name_problem(target.bucket):
        raise UsageError(f"'{shown(target.bucket, 80)}' is not a bucket: {why}", remedy="Write it as gs://my-logs.")
    return {"logging": {"logBucket": target.bucket, "logObjectPrefix": target.name}}


def parse_kms_key(text: str, _bucket: BucketInfo) -> dict[str, Any]:
    """Return the change of the default encryption key: its full name, or off for Google's own."""
    if is_none(text):
        return {"encryption": None}
    if not _KMS_KEY.fullmatch(text.strip()):
        remedy = "Write it as projects/P/locations/L/keyRings/R/cryptoKeys/K."
        raise UsageError(f"'{shown(text, 80)}' is not the name of a key", remedy=remedy)
    return {"encryption": {"defaultKmsKeyName": text.strip()}}
