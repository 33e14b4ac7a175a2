"""From JSON resources to our data types and back; nothing here touches the network."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final

from services.errors import Transient
from services.gcs.interface import RewriteStatus, Written
from services.model import (
    MTIME_LIMIT,
    BriefPage,
    BucketInfo,
    BucketPage,
    BucketSpec,
    IamBinding,
    IamPolicy,
    ListPage,
    ObjectInfo,
    ObjectRow,
    Precondition,
    VersionRow,
    WriteAttributes,
    parse_mtime,
)

Resource = Mapping[str, Any]
"""A JSON object as the service sent it."""

ROW_FIELDS: Final = (
    "kind,nextPageToken,prefixes,items(name,size,updated,generation,metageneration,crc32c,contentType,storageClass,"
    "contentEncoding,timeDeleted,softDeleteTime,metadata/goog-reserved-file-mtime)"
)
"""What a listing asks for: about a fifth of the bytes of whole resources."""

BRIEF_FIELDS: Final = "kind,nextPageToken,prefixes,items(name,size,updated,storageClass)"
"""What a listing asks for that is only printed: half the bytes of one that is worked with."""

VERSION_FIELDS: Final = (
    "kind,nextPageToken,prefixes,items(name,size,generation,crc32c,metadata/goog-reserved-file-mtime)"
)
"""What a listing asks for that is compared with what was there before."""

TIMELESS_FIELDS: Final = "kind,nextPageToken,prefixes,items(name,size,generation,crc32c)"
"""The same where nobody asks for the times of files."""

SLIM_FIELDS: Final = (
    "kind,nextPageToken,prefixes,items(name,size,generation,crc32c,contentEncoding,metadata/goog-reserved-file-mtime)"
)
"""What a listing asks for of which transfers are made."""

_MOMENT_LENGTH: Final = len("2026-01-01T00:00:00.000Z")
"""Characters of a time as the service writes it."""

_new: Final = tuple.__new__
"""Makes a named tuple from a plain one, in half the time."""

_brief_values: Final = itemgetter("name", "size", "updated", "storageClass")
_version_values: Final = itemgetter("name", "size", "generation", "crc32c")

_LIST_KEYS: Final = frozenset({"kind", "nextPageToken", "prefixes", "items", "selfLink", "etag"})
"""All that a page of a listing may hold.  Another key is a damaged answer: one flipped bit in `items` would otherwise
read as an empty bucket (hazard 24)."""

DAMAGE: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What a resource raises that is not what the service sends: a key, a type, a number or a time is wrong."""


def timestamp(text: Any) -> float:
    """Return seconds since the epoch for a time of RFC 3339; 0 for none.  Raises `ValueError`."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def list_page(resource: Resource) -> ListPage:
    """Return a page of a listing; raises `Transient` for an answer that is not one."""
    if resource.get("kind") != "storage#objects" or not _LIST_KEYS.issuperset(resource):
        raise Transient("the listing arrived damaged")
    try:
        return ListPage(
            [_row(item) for item in resource.get("items", ())],
            [_text(prefix) for prefix in resource.get("prefixes", ())],
            str(resource.get("nextPageToken", "")),
        )
    except DAMAGE as error:
        raise Transient("the listing arrived damaged") from error


def brief_page(resource: Resource) -> BriefPage:
    """Return a page of a listing that is only printed; raises `Transient` for an answer that is not one."""
    if resource.get("kind") != "storage#objects" or not _LIST_KEYS.issuperset(resource):
        raise Transient("the listing arrived damaged")
    items = resource.get("items", ())
    try:
        try:
            rows = list(map(_brief_values, items))
        except KeyError:  # another server may leave out what is no use without
            rows = [
                (item["name"], item["size"], item.get("updated", ""), item.get("storageClass", "")) for item in items
            ]
        # Column by column, for most of a long listing's time is spent here; `join` refuses what is not a text.
        names, sizes, moments, classes = zip(*rows, strict=True) if rows else ((), (), (), ())
        "".join(names)
        "".join(classes)
        digits = "".join(sizes)
        if rows and not (digits.isdecimal() and digits.isascii() and all(sizes)):
            raise ValueError("a size is not a number")
        if not {_MOMENT_LENGTH}.issuperset(map(len, moments)):
            rows = [(name, size, _milliseconds(moment), kind) for name, size, moment, kind in rows]
        return BriefPage(rows, str(resource.get("nextPageToken", "")))
    except DAMAGE as error:
        raise Transient("the listing arrived damaged") from error


def version_rows(resource: Resource) -> tuple[list[VersionRow], str]:
    """Return the objects of a page that is compared, and the next token; raises `Transient` for another answer."""
    if resource.get("kind") != "storage#objects" or not _LIST_KEYS.issuperset(resource):
        raise Transient("the listing arrived damaged")
    items = resource.get("items", ())
    try:
        try:
            rows = list(map(_version_values, items))
        except KeyError:  # another server may keep no checksum
            rows = [(item["name"], item["size"], item["generation"], item.get("crc32c", "")) for item in items]
        stamps = [
            metadata.get("goog-reserved-file-mtime", "") if (metadata := item.get("metadata")) else "" for item in items
        ]
        # Column by column, for many such pages are read again and again; `join` refuses what is not a text.
        names, sizes, generations, checksums = zip(*rows, strict=True) if rows else ((), (), (), ())
        "".join(names)
        "".join(checksums)
        if len("".join(stamps)) > MTIME_LIMIT * len(stamps):
            stamps = [stamp if len(stamp) <= MTIME_LIMIT else "" for stamp in stamps]
        for column in (sizes, generations):
            digits = "".join(column)
            if rows and not (digits.isdecimal() and digits.isascii()):
                raise ValueError("not a number")
        found = list(zip(names, map(int, sizes), map(int, generations), checksums, stamps, strict=True))
        return found, str(resource.get("nextPageToken", ""))
    except DAMAGE as error:
        raise Transient("the listing arrived damaged") from error


def slim_page(resource: Resource) -> ListPage:
    """Return a page of what transfers need to know; raises `Transient` for an answer that is not one."""
    rows, token = version_rows(resource)
    try:
        encodings = [item.get("contentEncoding", "") for item in resource.get("items", ())]
        "".join(encodings)
        objects = [
            _new(ObjectRow, (name, size, 0.0, generation, 1, crc32c, "", "", parse_mtime(stamp), encoding, None))
            for (name, size, generation, crc32c, stamp), encoding in zip(rows, encodings, strict=True)
        ]
        return ListPage(objects, [_text(prefix) for prefix in resource.get("prefixes", ())], token)
    except DAMAGE as error:
        raise Transient("the listing arrived damaged") from error


def _milliseconds(text: str) -> str:
    """Return a time as the service writes it, for one that was written another way; nothing for none."""
    if not text:
        return text
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(value: Any) -> str:
    """Return a text that others will rely upon; raises `TypeError` for anything else."""
    if type(value) is not str:
        raise TypeError(f"not a text: {type(value).__name__}")
    return value


def _row(item: Resource) -> ObjectRow:
    metadata = item.get("metadata")
    deleted = item.get("softDeleteTime") or item.get("timeDeleted")
    return ObjectRow(
        _text(item["name"]),
        int(item["size"]),
        timestamp(item.get("updated")),
        int(item["generation"]),
        int(item.get("metageneration", 1)),
        _text(item.get("crc32c", "")),
        item.get("contentType", ""),
        item.get("storageClass", ""),
        parse_mtime(metadata.get("goog-reserved-file-mtime")) if metadata else None,
        item.get("contentEncoding", ""),
        timestamp(deleted) if deleted else None,
    )


def object_info(resource: Resource) -> ObjectInfo:
    """Return an object; raises `Transient` for an answer that is not one."""
    try:
        return ObjectInfo(
            bucket=_text(resource["bucket"]),
            name=_text(resource["name"]),
            size=int(resource["size"]),
            generation=int(resource["generation"]),
            metageneration=int(resource.get("metageneration", 1)),
            updated=timestamp(resource.get("updated")),
            created=timestamp(resource.get("timeCreated")),
            crc32c=_text(resource.get("crc32c", "")),
            md5=resource.get("md5Hash", ""),
            content_type=resource.get("contentType", ""),
            content_encoding=resource.get("contentEncoding", ""),
            storage_class=resource.get("storageClass", ""),
            metadata={key: _text(value) for key, value in (resource.get("metadata") or {}).items()},
            resource=resource,
        )
    except DAMAGE as error:
        raise Transient("the answer about the object arrived damaged") from error


def written(resource: Resource) -> Written:
    """Return what is compared of a new object; raises `Transient` for an answer that is not about one."""
    try:
        return Written(
            _text(resource["bucket"]),
            _text(resource["name"]),
            int(resource["size"]),
            int(resource["generation"]),
            _text(resource.get("crc32c", "")),
        )
    except DAMAGE as error:
        raise Transient("the answer about the object arrived damaged") from error


def rewrite_status(resource: Resource) -> RewriteStatus:
    """Return where a rewrite stands; raises `Transient` for an answer that is not one."""
    try:
        done = resource["done"] is True
        return RewriteStatus(
            token="" if done else str(resource["rewriteToken"]),
            rewritten=int(resource["totalBytesRewritten"]),
            size=int(resource["objectSize"]),
            done=object_info(resource["resource"]) if done else None,
        )
    except DAMAGE as error:
        raise Transient("the answer about the copy arrived damaged") from error


def bucket_info(resource: Resource) -> BucketInfo:
    """Return a bucket; raises `Transient` for an answer that is not one."""
    try:
        iam = resource.get("iamConfiguration") or {}
        hard_delete, deleted = resource.get("hardDeleteTime"), resource.get("softDeleteTime")
        return BucketInfo(
            name=_text(resource["name"]),
            location=resource.get("location", ""),
            location_type=resource.get("locationType", ""),
            storage_class=resource.get("storageClass", ""),
            created=timestamp(resource.get("timeCreated")),
            metageneration=int(resource.get("metageneration", 1)),
            versioning=_enabled(resource, "versioning"),
            soft_delete_s=int((resource.get("softDeletePolicy") or {}).get("retentionDurationSeconds", 0)),
            uniform_access=_enabled(iam, "uniformBucketLevelAccess"),
            public_access_prevention=iam.get("publicAccessPrevention", "inherited"),
            hierarchical_namespace=_enabled(resource, "hierarchicalNamespace"),
            requester_pays=bool((resource.get("billing") or {}).get("requesterPays", False)),
            labels={key: _text(value) for key, value in (resource.get("labels") or {}).items()},
            generation=int(resource.get("generation", 0)),
            hard_delete=timestamp(hard_delete) if hard_delete else None,
            deleted=timestamp(deleted) if deleted else None,
            resource=resource,
        )
    except DAMAGE as error:
        raise Transient("the answer about the bucket arrived damaged") from error


def _enabled(resource: Resource, key: str) -> bool:
    return bool((resource.get(key) or {}).get("enabled", False))


def bucket_page(resource: Resource) -> BucketPage:
    """Return a page of the list of buckets; raises `Transient` for an answer that is not one."""
    if resource.get("kind") != "storage#buckets":
        raise Transient("the list of buckets arrived damaged")
    try:
        buckets = [bucket_info(item) for item in resource.get("items", ())]
    except DAMAGE as error:
        raise Transient("the list of buckets arrived damaged") from error
    return BucketPage(buckets, str(resource.get("nextPageToken", "")))


def bucket_resource(spec: BucketSpec) -> dict[str, Any]:
    """Return the body of a request that creates a bucket."""
    resource: dict[str, Any] = {
        "name": spec.name,
        "location": spec.location,
        "storageClass": spec.storage_class,
        "iamConfiguration": {
            "uniformBucketLevelAccess": {"enabled": spec.uniform_access},
            "publicAccessPrevention": spec.public_access_prevention,
        },
    }
    if spec.labels:
        resource["labels"] = dict(spec.labels)
    if spec.hierarchical_namespace:
        resource["hierarchicalNamespace"] = {"enabled": True}
    return resource


def policy(resource: Resource) -> IamPolicy:
    """Return an access policy; raises `Transient` for an answer that is not one."""
    try:
        return IamPolicy(
            etag=_text(resource.get("etag", "")),
            bindings=tuple(
                IamBinding(one["role"], tuple(one.get("members", ())), one.get("condition"))
                for one in resource.get("bindings", ())
            ),
            version=int(resource.get("version", 1)),
        )
    except DAMAGE as error:
        raise Transient("the answer about access arrived damaged") from error


def policy_resource(policy: IamPolicy) -> dict[str, Any]:
    """Return the body of a request that replaces an access policy.

    Version 3 is what carries conditions, and is accepted without any (cloud.google.com/iam/docs/policies#versions).
    """
    bindings: list[dict[str, Any]] = []
    for one in policy.bindings:
        binding: dict[str, Any] = {"role": one.role, "members": list(one.members)}
        if one.condition:
            binding["condition"] = dict(one.condition)
        bindings.append(binding)
    return {"kind": "storage#policy", "version": 3, "etag": policy.etag, "bindings": bindings}


def attribute_fields(attributes: WriteAttributes) -> dict[str, Any]:
    """Return the fields of a resource that a new object gets; empty ones are left to the service."""
    fields: dict[str, Any] = {
        "contentType": attributes.content_type,
        "contentEncoding": attributes.content_encoding,
        "cacheControl": attributes.cache_control,
        "contentDisposition": attributes.content_disposition,
        "contentLanguage": attributes.content_language,
        "storageClass": attributes.storage_class,
        "metadata": dict(attributes.metadata),
    }
    return {key: value for key, value in fields.items() if value}


def precondition_params(precondition: Precondition, *, prefix: str = "if") -> dict[str, str]:
    """Return the query parameters of a precondition; `prefix` is `ifSource` for the source of a copy."""
    found = {
        f"{prefix}GenerationMatch": precondition.generation,
        f"{prefix}MetagenerationMatch": precondition.metageneration,
        f"{prefix}GenerationNotMatch": precondition.not_generation,
        f"{prefix}MetagenerationNotMatch": precondition.not_metageneration,
    }
    return {key: str(value) for key, value in found.items() if value is not None}
