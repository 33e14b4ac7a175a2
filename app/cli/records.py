"""The JSON records of buckets, prefixes and objects: the field names that scripts rely on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from app.cli.units import rfc3339

if TYPE_CHECKING:
    from services.model import BucketInfo, ObjectInfo, ObjectRow
    from services.transfer.messages import TransferView

_CAPITAL: Final = r"(?<=[a-z0-9])([A-Z])"

_RENAMED: Final = frozenset({"kind", "id", "name", "bucket", "selfLink", "mediaLink", "size", "updated", "timeCreated"})
"""Fields of Google's resource that are not repeated: addresses, and those that have a field of ours."""


def object_record(bucket: str, row: ObjectRow) -> dict[str, Any]:
    """Return the fields of an object in a listing."""
    return {
        "url": f"gs://{bucket}/{row.name}",
        "name": row.name,
        "size": row.size,
        "updated": rfc3339(row.updated),
        "generation": str(row.generation),
        "metageneration": str(row.metageneration),
        "crc32c": row.crc32c,
        "content_type": row.content_type,
        "storage_class": row.storage_class,
    }


def prefix_record(bucket: str, prefix: str) -> dict[str, Any]:
    """Return the fields of a prefix."""
    return {"url": f"gs://{bucket}/{prefix}", "name": prefix}


def stat_record(info: ObjectInfo) -> dict[str, Any]:
    """Return the fields of an object with all the rest that Google keeps."""
    fields = object_record(info.bucket, info.row())
    fields |= {
        "created": rfc3339(info.created),
        "mtime": rfc3339(info.mtime),
        "md5": info.md5,
        "content_encoding": info.content_encoding,
        "metadata": dict(info.metadata),
    }
    return _with_rest(fields, info.resource, known={"md5Hash"})


def bucket_record(
    name: str, *, alias: str = "", current: bool = False, attached: bool = False, access: str = "unknown"
) -> dict[str, Any]:
    """Return the fields of a bucket in a list."""
    return {
        "url": f"gs://{name}",
        "name": name,
        "alias": alias,
        "current": current,
        "attached": attached,
        "access": access,
    }


def bucket_settings_record(info: BucketInfo) -> dict[str, Any]:
    """Return the settings of a bucket."""
    fields: dict[str, Any] = {
        "url": f"gs://{info.name}",
        "name": info.name,
        "location": info.location,
        "location_type": info.location_type,
        "storage_class": info.storage_class,
        "created": rfc3339(info.created),
        "metageneration": str(info.metageneration),
        "versioning": info.versioning,
        "soft_delete_seconds": info.soft_delete_s,
        "uniform_access": info.uniform_access,
        "public_access_prevention": info.public_access_prevention,
        "hierarchical_namespace": info.hierarchical_namespace,
        "requester_pays": info.requester_pays,
        "labels": dict(info.labels),
    }
    return fields


def _with_rest(fields: dict[str, Any], resource: Any, *, known: set[str]) -> dict[str, Any]:
    """Add what else the service sent, in our spelling; values as it sent them."""
    for key, value in resource.items():
        ours = re.sub(_CAPITAL, r"_\1", key).lower()
        if key not in _RENAMED and key not in known and ours not in fields:
            fields[ours] = value
    return fields


def item_record(transfer: TransferView, state: str) -> dict[str, Any]:
    """Return the fields of an item of a job: what was done with one object."""
    return {
        "action": transfer.action,
        "source": transfer.source,
        "target": transfer.target,
        "size": transfer.size,
        "generation": str(transfer.generation) if transfer.generation else "",
        "crc32c": transfer.crc32c,
        "state": state,
        "reason": transfer.reason,
    }


def transfer_record(transfer: TransferView) -> dict[str, Any]:
    """Return the fields of a transfer in the queue."""
    return {
        "id": transfer.id,
        "job": transfer.job,
        "action": transfer.action,
        "source": transfer.source,
        "target": transfer.target,
        "bytes": transfer.bytes,
        "size": transfer.size,
        "rate": round(transfer.rate),
        "state": transfer.state,
        "attempt": transfer.attempt,
        "reason": transfer.reason,
    }
