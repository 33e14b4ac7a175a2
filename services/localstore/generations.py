"""How generations come and go; every function runs inside the writer's transaction.

A live generation is displaced by an overwrite or a delete: under versioning it becomes noncurrent, else it is
soft-deleted where the bucket's policy says so, else its row goes, and its blob after the commit.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from services.localstore.api_error import ApiError, not_found
from services.localstore.blobs import Content
from services.localstore.database import Transaction
from services.localstore.folders import ensure_parents
from services.localstore.properties import dump
from services.localstore.records import BucketRow, ObjectRow, find_bucket, find_object
from services.localstore.schema import LIVE, NONCURRENT, SOFT_DELETED
from services.localstore.times import parse_rfc3339, rfc3339


def require_bucket(connection: sqlite3.Connection, name: str) -> BucketRow:
    """Return the live bucket of a name; raises `ApiError` 404."""
    bucket = find_bucket(connection, name)
    if bucket is None:
        raise not_found(name)
    return bucket


def require_object(
    connection: sqlite3.Connection, bucket: BucketRow, name: bytes, generation: int | None = None
) -> ObjectRow:
    """Return a generation of a name; raises `ApiError` 404."""
    row = find_object(connection, bucket.id, name, generation)
    if row is None:
        raise missing(bucket, name, generation)
    return row


def missing(bucket: BucketRow, name: bytes, generation: int | None = None) -> ApiError:
    """Build the 404 for an object."""
    suffix = "" if generation is None else f"#{generation}"
    return not_found(f"{bucket.name}/{name.decode()}{suffix}")


def versions(row: ObjectRow | None) -> tuple[int, int] | None:
    """Return what preconditions are checked against."""
    return None if row is None else row.versions


def guard(bucket: BucketRow, row: ObjectRow, now: int) -> None:
    """Raise `ApiError` 403 when a hold or a retention protects a generation."""
    subject = f"Object '{bucket.name}/{row.name.decode()}'"
    for key, kind in (("temporaryHold", "Temporary"), ("eventBasedHold", "Event-Based")):
        if row.properties.get(key):
            raise ApiError(
                403,
                f"{subject} is under active {kind} hold and cannot be deleted, overwritten or archived"
                " until hold is removed.",
                reason="forbidden",
            )
    until = (row.released or row.created) + bucket.retention_us if bucket.retention_us else 0
    retention = row.properties.get("retention")
    if retention:
        until = max(until, parse_rfc3339(retention["retainUntilTime"], "retention"))
    if until > now:
        raise ApiError(
            403,
            f"{subject} is subject to bucket's retention policy or object retention and cannot be deleted or"
            f" overwritten until {rfc3339(until)}",
            reason="retentionPolicyNotMet",
        )


def insert(
    transaction: Transaction,
    bucket: BucketRow,
    name: bytes,
    content: Content,
    properties: dict[str, Any],
    *,
    components: int | None = None,
) -> ObjectRow:
    """Make `content` the live generation of `name`, displacing the one that was; raises `ApiError` 403."""
    current = find_object(transaction.connection, bucket.id, name)
    if current is not None:
        guard(bucket, current, transaction.now)
        displace(transaction, bucket, current)
    if bucket.hierarchical:
        ensure_parents(transaction, bucket.id, name)
    properties = {"storageClass": bucket.properties.get("storageClass", "STANDARD"), **properties}
    if bucket.properties.get("defaultEventBasedHold"):
        properties.setdefault("eventBasedHold", True)
    now = transaction.now
    row = ObjectRow(
        id=0,
        bucket=bucket.id,
        name=name,
        generation=transaction.next_generation(),
        metageneration=1,
        state=LIVE,
        size=content.size,
        blob=content.blob,
        crc32c=content.crc32c,
        md5=content.md5,
        components=components,
        created=now,
        updated=now,
        classified=now,
        deleted=None,
        expires=None,
        released=None,
        properties=properties,
    )
    add(transaction, row)
    return row


def add(transaction: Transaction, row: ObjectRow) -> None:
    """Write the row of a new generation."""
    cursor = transaction.execute(
        "INSERT INTO objects (bucket, name, generation, metageneration, state, size, blob, crc32c, md5, components,"
        " created, updated, classified, deleted, expires, released, properties)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row.bucket,
            row.name,
            row.generation,
            row.metageneration,
            row.state,
            row.size,
            row.blob,
            row.crc32c,
            row.md5,
            row.components,
            row.created,
            row.updated,
            row.classified,
            row.deleted,
            row.expires,
            row.released,
            dump(row.properties),
        ),
    )
    row.id = cursor.lastrowid or 0


def displace(transaction: Transaction, bucket: BucketRow, row: ObjectRow) -> None:
    """Take a live generation out of the way of its name."""
    if bucket.versioning:
        transaction.execute(
            "UPDATE objects SET state = ?, deleted = ? WHERE id = ?", (NONCURRENT, transaction.now, row.id)
        )
    else:
        remove(transaction, bucket, row)


def remove(transaction: Transaction, bucket: BucketRow, row: ObjectRow) -> None:
    """Soft-delete a generation where the bucket's policy says so, else delete it for good."""
    if bucket.soft_delete_us:
        transaction.execute(
            "UPDATE objects SET state = ?, deleted = ?, expires = ? WHERE id = ?",
            (SOFT_DELETED, transaction.now, transaction.now + bucket.soft_delete_us, row.id),
        )
    else:
        transaction.execute("DELETE FROM objects WHERE id = ?", (row.id,))
        transaction.drop_blob(row.blob)
