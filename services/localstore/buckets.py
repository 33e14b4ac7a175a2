"""Buckets: create, list, get, patch, delete, restore, and what belongs to them."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

from services.localstore import generations
from services.localstore.api_error import ApiError, bad_request, not_found
from services.localstore.bucket_properties import check_name, new_bucket, patched_bucket, replaced_bucket
from services.localstore.database import Transaction
from services.localstore.http import Request, Response, empty_response, json_response
from services.localstore.listing import PAGE_ITEMS, decode_token, encode_token
from services.localstore.preconditions import Preconditions
from services.localstore.properties import dump
from services.localstore.records import BUCKET_COLUMNS, BucketRow, bucket_resource, etag, find_bucket
from services.localstore.store import Store

EMPTY_POLICY: Final[dict[str, Any]] = {"version": 1, "bindings": []}
"""IAM policy of a new bucket."""


async def insert(store: Store, request: Request) -> Response:
    """Create a bucket; 409 when the name is taken."""
    resource = await request.json()
    name = check_name(resource.get("name"))
    properties = new_bucket(resource, store.options.soft_delete_s, store.database.now())
    properties["project"] = request.query.get("project", "")

    def work(transaction: Transaction) -> BucketRow:
        if find_bucket(transaction.connection, name) is not None:
            raise ApiError(409, "Your previous request to create the named bucket succeeded and you already own it.")
        now = transaction.now
        generation = transaction.next_generation()
        cursor = transaction.execute(
            "INSERT INTO buckets (name, generation, metageneration, created, updated, properties, iam, iam_version)"
            " VALUES (?, ?, 1, ?, ?, ?, ?, 1)",
            (name, generation, now, now, dump(properties), json.dumps(EMPTY_POLICY)),
        )
        row_id = cursor.lastrowid or 0
        return BucketRow(row_id, name, generation, 1, now, now, None, None, properties, EMPTY_POLICY, 1)

    return _answer(await store.write(work), request)


async def get(store: Store, request: Request, bucket: str) -> Response:
    """Answer a bucket's resource; with `softDeleted`, that of a deleted generation."""
    conditions = Preconditions.parse(request.query)
    generation = request.integer("generation")
    if request.flag("softDeleted"):
        if generation is None:
            raise bad_request("Required parameter: generation", reason="required", location="generation")
        return _answer(await store.database.read(lambda c: _soft_deleted(c, bucket, generation)), request)

    def work(connection: sqlite3.Connection) -> BucketRow:
        row = generations.require_bucket(connection, bucket)
        if generation is not None and generation != row.generation:
            raise not_found(bucket)
        conditions.check((row.generation, row.metageneration), read=True)
        return row

    return _answer(await store.database.read(work), request)


async def list_buckets(store: Store, request: Request) -> Response:
    """Answer one page of the buckets."""
    prefix = request.query.get("prefix", "")
    limit = min(request.integer("maxResults") or PAGE_ITEMS, PAGE_ITEMS)
    token = request.query.get("pageToken")
    start = decode_token(token) if token else (b"", 0)
    state = "deleted IS NOT NULL AND expires > ?" if request.flag("softDeleted") else "deleted IS NULL AND ? > 0"
    now = store.database.now()

    def work(connection: sqlite3.Connection) -> list[BucketRow]:
        rows = connection.execute(
            f"SELECT {BUCKET_COLUMNS} FROM buckets WHERE {state} AND (name, generation) >= (?, ?)"  # noqa: S608
            " AND substr(name, 1, ?) = ? ORDER BY name, generation LIMIT ?",
            (now, start[0].decode(), start[1], len(prefix), prefix, limit + 1),
        )
        return [BucketRow.of(row) for row in rows]

    rows = await store.database.read(work)
    result: dict[str, Any] = {"kind": "storage#buckets"}
    if len(rows) > limit:
        result["nextPageToken"] = encode_token((rows[limit].name.encode(), rows[limit].generation))
    if rows:
        result["items"] = [bucket_resource(row, request.base_url) for row in rows[:limit]]
    return json_response(result)


async def patch(store: Store, request: Request, bucket: str) -> Response:
    """Change what the body names; null removes."""
    return await _change(store, request, bucket, replace=False)


async def update(store: Store, request: Request, bucket: str) -> Response:
    """Replace what may be set."""
    return await _change(store, request, bucket, replace=True)


async def delete(store: Store, request: Request, bucket: str) -> Response:
    """Delete an empty bucket; 409 while it has objects, live or noncurrent."""
    conditions = Preconditions.parse(request.query)

    def work(transaction: Transaction) -> None:
        row = generations.require_bucket(transaction.connection, bucket)
        conditions.check((row.generation, row.metageneration))
        if transaction.one("SELECT 1 FROM objects WHERE bucket = ? AND state < 2 LIMIT 1", (row.id,)):
            raise ApiError(409, "The bucket you tried to delete is not empty.")
        transaction.execute("DELETE FROM folders WHERE bucket = ?", (row.id,))
        if row.soft_delete_us:
            transaction.execute(
                "UPDATE buckets SET deleted = ?, expires = ? WHERE id = ?",
                (transaction.now, transaction.now + row.soft_delete_us, row.id),
            )
            return
        for (blob,) in transaction.execute("SELECT blob FROM objects WHERE bucket = ?", (row.id,)).fetchall():
            transaction.drop_blob(blob)
        transaction.execute("DELETE FROM objects WHERE bucket = ?", (row.id,))
        transaction.execute("DELETE FROM buckets WHERE id = ?", (row.id,))

    await store.write(work)
    return empty_response()


async def restore(store: Store, request: Request, bucket: str) -> Response:
    """Bring a soft-deleted bucket back; its soft-deleted objects can then be restored as well."""
    generation = request.integer("generation")
    if generation is None:
        raise bad_request("Required parameter: generation", reason="required", location="generation")

    def work(transaction: Transaction) -> BucketRow:
        if find_bucket(transaction.connection, bucket) is not None:
            raise ApiError(409, "A live bucket of this name exists.")
        row = _soft_deleted(transaction.connection, bucket, generation, transaction.now)
        row.metageneration += 1
        row.updated, row.deleted, row.expires = transaction.now, None, None
        transaction.execute(
            "UPDATE buckets SET deleted = NULL, expires = NULL, metageneration = ?, updated = ? WHERE id = ?",
            (row.metageneration, row.updated, row.id),
        )
        return row

    return _answer(await store.write(work), request)


async def storage_layout(store: Store, request: Request, bucket: str) -> Response:
    """Answer where a bucket lies and whether its namespace is hierarchical."""
    row = await store.database.read(lambda connection: generations.require_bucket(connection, bucket))
    resource = bucket_resource(row, request.base_url)
    layout: dict[str, Any] = {"kind": "storage#storageLayout", "bucket": bucket}
    for key in ("location", "locationType", "customPlacementConfig", "hierarchicalNamespace"):
        if key in resource:
            layout[key] = resource[key]
    layout.setdefault("hierarchicalNamespace", {"enabled": False})
    return json_response(layout)


async def lock_retention(store: Store, request: Request, bucket: str) -> Response:
    """Lock the retention policy for good; the metageneration seen is required."""
    if "ifMetagenerationMatch" not in request.query:
        raise bad_request("Required parameter: ifMetagenerationMatch", reason="required")
    conditions = Preconditions.parse(request.query)

    def work(transaction: Transaction) -> BucketRow:
        row = generations.require_bucket(transaction.connection, bucket)
        conditions.check((row.generation, row.metageneration))
        if "retentionPolicy" not in row.properties:
            raise bad_request("The bucket has no retention policy.")
        row.properties["retentionPolicy"]["isLocked"] = True
        _save(transaction, row)
        return row

    return _answer(await store.write(work), request)


async def get_iam(store: Store, _request: Request, bucket: str) -> Response:
    """Answer the IAM policy with its etag."""
    row = await store.database.read(lambda connection: generations.require_bucket(connection, bucket))
    return json_response(_policy(row))


async def set_iam(store: Store, request: Request, bucket: str) -> Response:
    """Replace the IAM policy; 412 when its etag is not the current one."""
    policy = await request.json()
    bindings = policy.get("bindings", [])
    if not isinstance(bindings, list) or not all(
        isinstance(item, dict) and isinstance(item.get("role"), str) for item in bindings
    ):
        raise bad_request("Invalid IAM bindings")

    def work(transaction: Transaction) -> BucketRow:
        row = generations.require_bucket(transaction.connection, bucket)
        given = policy.get("etag")
        if given is not None and given != _iam_etag(row):
            raise ApiError(412, "The policy was changed since it was read.", reason="conditionNotMet")
        row.iam = {"version": policy.get("version", 1), "bindings": bindings}
        row.iam_version += 1
        transaction.execute(
            "UPDATE buckets SET iam = ?, iam_version = ? WHERE id = ?",
            (json.dumps(row.iam, ensure_ascii=False), row.iam_version, row.id),
        )
        return row

    return json_response(_policy(await store.write(work)))


async def test_permissions(store: Store, request: Request, bucket: str) -> Response:
    """Answer that every permission asked for is granted: who has the token may do everything."""
    await store.database.read(lambda connection: generations.require_bucket(connection, bucket))
    permissions = request.every("permissions")
    return json_response({"kind": "storage#testIamPermissionsResponse", "permissions": permissions})


async def _change(store: Store, request: Request, bucket: str, *, replace: bool) -> Response:
    resource = await request.json()
    conditions = Preconditions.parse(request.query)

    def work(transaction: Transaction) -> BucketRow:
        row = generations.require_bucket(transaction.connection, bucket)
        conditions.check((row.generation, row.metageneration))
        change = replaced_bucket if replace else patched_bucket
        row.properties = change(row.properties, resource, transaction.now)
        _save(transaction, row)
        return row

    return _answer(await store.write(work), request)


def _save(transaction: Transaction, row: BucketRow) -> None:
    row.metageneration += 1
    row.updated = transaction.now
    transaction.execute(
        "UPDATE buckets SET properties = ?, metageneration = ?, updated = ? WHERE id = ?",
        (dump(row.properties), row.metageneration, row.updated, row.id),
    )


def _soft_deleted(connection: sqlite3.Connection, name: str, generation: int, now: int | None = None) -> BucketRow:
    row = connection.execute(
        f"SELECT {BUCKET_COLUMNS} FROM buckets WHERE name = ? AND generation = ? AND deleted IS NOT NULL",  # noqa: S608
        (name, generation),
    ).fetchone()
    if row is None or ((now is not None and BucketRow.of(row).expires) or 0) < (now or 0):
        raise not_found(name)
    return BucketRow.of(row)


def _iam_etag(row: BucketRow) -> str:
    return etag(row.generation, row.iam_version)


def _policy(row: BucketRow) -> dict[str, Any]:
    return {
        "kind": "storage#policy",
        "resourceId": f"projects/_/buckets/{row.name}",
        **row.iam,
        "etag": _iam_etag(row),
    }


def _answer(row: BucketRow, request: Request) -> Response:
    return json_response(bucket_resource(row, request.base_url), headers=[("ETag", etag(row.metageneration))])
