"""Rows of buckets and objects, and the resources that clients see of them."""

from __future__ import annotations

import base64
import json
import sqlite3
import zlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from services.localstore.schema import LIVE, NONCURRENT, SOFT_DELETED
from services.localstore.times import MICROSECONDS, rfc3339

OBJECT_COLUMNS: Final = (
    "id, bucket, name, generation, metageneration, state, size, blob, crc32c, md5, components,"
    " created, updated, classified, deleted, expires, released, properties"
)
"""What `ObjectRow` is made of, in order."""

BUCKET_COLUMNS: Final = (
    "id, name, generation, metageneration, created, updated, deleted, expires, properties, iam, iam_version"
)
"""What `BucketRow` is made of, in order."""

_MULTI_REGIONS: Final = frozenset({"US", "EU", "ASIA"})
_DUAL_REGIONS: Final = frozenset({"NAM4", "EUR4", "EUR5", "EUR7", "EUR8", "ASIA1"})


@dataclass(slots=True)
class BucketRow:
    """One bucket."""

    id: int
    name: str
    generation: int
    metageneration: int
    created: int
    updated: int
    deleted: int | None
    expires: int | None
    properties: dict[str, Any]
    iam: dict[str, Any]
    iam_version: int

    @classmethod
    def of(cls, row: Any) -> BucketRow:
        """Build one from `BUCKET_COLUMNS`."""
        columns: list[Any] = [*row[:8], json.loads(row[8]), json.loads(row[9]), row[10]]
        return cls(*columns)

    @property
    def versioning(self) -> bool:
        """Whether noncurrent generations are kept."""
        return bool(self.properties.get("versioning", {}).get("enabled"))

    @property
    def hierarchical(self) -> bool:
        """Whether it has real folders."""
        return bool(self.properties.get("hierarchicalNamespace", {}).get("enabled"))

    @property
    def soft_delete_us(self) -> int:
        """Microseconds that deleted generations can be restored; 0: not at all."""
        policy = self.properties.get("softDeletePolicy", {})
        return int(policy.get("retentionDurationSeconds", 0)) * MICROSECONDS

    @property
    def retention_us(self) -> int:
        """Microseconds that its retention policy asks for; 0: none."""
        return int(self.properties.get("retentionPolicy", {}).get("retentionPeriod", 0)) * MICROSECONDS


@dataclass(slots=True)
class ObjectRow:
    """One generation of an object."""

    id: int
    bucket: int
    name: bytes
    generation: int
    metageneration: int
    state: int
    size: int
    blob: int | None
    crc32c: str
    md5: str | None
    components: int | None
    created: int
    updated: int
    classified: int
    deleted: int | None
    expires: int | None
    released: int | None
    properties: dict[str, Any]

    @classmethod
    def of(cls, row: Any) -> ObjectRow:
        """Build one from `OBJECT_COLUMNS`."""
        columns: list[Any] = [*row[:17], json.loads(row[17])]
        return cls(*columns)

    @property
    def versions(self) -> tuple[int, int]:
        """Generation and metageneration, for preconditions."""
        return self.generation, self.metageneration

    @property
    def etag(self) -> str:
        """Changes whenever the content or the metadata does."""
        return etag(self.generation, self.metageneration)


def etag(*parts: int) -> str:
    """Build an opaque tag of numbers."""
    return base64.b64encode("/".join(map(str, parts)).encode()).decode()


def object_path(bucket: str, name: str) -> str:
    """Return `b/BUCKET/o/NAME` with the name fully escaped."""
    return f"b/{quote(bucket, safe='')}/o/{quote(name, safe='')}"


def location_type(location: str) -> str:
    """Return `multi-region`, `dual-region` or `region`."""
    if location in _MULTI_REGIONS:
        return "multi-region"
    return "dual-region" if location in _DUAL_REGIONS else "region"


def project_number(project: str) -> str:
    """Return a stable number for a project's name; a number stays what it is."""
    return project if project.isdecimal() else str(100_000_000_000 + zlib.crc32(project.encode()))


def bucket_resource(row: BucketRow, base_url: str) -> dict[str, Any]:
    """Build the resource of a bucket."""
    properties = dict(row.properties)
    location = properties["location"]
    resource: dict[str, Any] = {
        "kind": "storage#bucket",
        "selfLink": f"{base_url}/storage/v1/b/{row.name}",
        "id": row.name,
        "name": row.name,
        "projectNumber": project_number(properties.pop("project", "")),
        "generation": str(row.generation),
        "metageneration": str(row.metageneration),
        "etag": etag(row.metageneration),
        "timeCreated": rfc3339(row.created),
        "updated": rfc3339(row.updated),
        "locationType": location_type(location),
        **properties,
    }
    if resource["locationType"] != "region":
        resource.setdefault("rpo", "DEFAULT")
    if row.deleted is not None and row.expires is not None:
        resource["softDeleteTime"] = rfc3339(row.deleted)
        resource["hardDeleteTime"] = rfc3339(row.expires)
    return resource


def object_resource(row: ObjectRow, bucket: BucketRow, base_url: str) -> dict[str, Any]:
    """Build the resource of an object's generation."""
    name = row.name.decode()
    path = object_path(bucket.name, name)
    resource: dict[str, Any] = {
        "kind": "storage#object",
        "id": f"{bucket.name}/{name}/{row.generation}",
        "selfLink": f"{base_url}/storage/v1/{path}",
        "mediaLink": f"{base_url}/download/storage/v1/{path}?generation={row.generation}&alt=media",
        "name": name,
        "bucket": bucket.name,
        "generation": str(row.generation),
        "metageneration": str(row.metageneration),
        **row.properties,
        "size": str(row.size),
        "crc32c": row.crc32c,
        "etag": row.etag,
        "timeCreated": rfc3339(row.created),
        "updated": rfc3339(row.updated),
        "timeStorageClassUpdated": rfc3339(row.classified),
        "timeFinalized": rfc3339(row.created),
    }
    if row.md5 is not None:
        resource["md5Hash"] = row.md5
    if row.components is not None:
        resource["componentCount"] = row.components
    _add_times(resource, row, bucket)
    return resource


def _add_times(resource: dict[str, Any], row: ObjectRow, bucket: BucketRow) -> None:
    if row.state == NONCURRENT and row.deleted is not None:
        resource["timeDeleted"] = rfc3339(row.deleted)
    if row.state == SOFT_DELETED and row.deleted is not None and row.expires is not None:
        resource["softDeleteTime"] = rfc3339(row.deleted)
        resource["hardDeleteTime"] = rfc3339(row.expires)
    if row.state == LIVE and bucket.retention_us and not row.properties.get("eventBasedHold"):
        resource["retentionExpirationTime"] = rfc3339((row.released or row.created) + bucket.retention_us)


def find_bucket(connection: sqlite3.Connection, name: str) -> BucketRow | None:
    """Return the live bucket of a name."""
    row = connection.execute(
        f"SELECT {BUCKET_COLUMNS} FROM buckets WHERE name = ? AND deleted IS NULL",  # noqa: S608 - constants only
        (name,),
    ).fetchone()
    return BucketRow.of(row) if row else None


def find_object(
    connection: sqlite3.Connection, bucket: int, name: bytes, generation: int | None = None
) -> ObjectRow | None:
    """Return the live generation of a name, or exactly the one asked for (live or noncurrent)."""
    if generation is None:
        where, parameters = "state = 0", (bucket, name)
    else:
        where, parameters = "state < 2 AND generation = ?", (bucket, name, generation)  # type: ignore[assignment]
    return _one_object(connection, where, parameters)


def find_soft_deleted(
    connection: sqlite3.Connection, bucket: int, name: bytes, generation: int, now: int
) -> ObjectRow | None:
    """Return a soft-deleted generation that can still be restored."""
    return _one_object(connection, "state = 2 AND generation = ? AND expires > ?", (bucket, name, generation, now))


def _one_object(connection: sqlite3.Connection, where: str, parameters: tuple[Any, ...]) -> ObjectRow | None:
    row = connection.execute(
        f"SELECT {OBJECT_COLUMNS} FROM objects WHERE bucket = ? AND name = ? AND {where}",  # noqa: S608
        parameters,
    ).fetchone()
    return ObjectRow.of(row) if row else None
