"""Objects: metadata, delete and restore."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from services.localstore import generations
from services.localstore.api_error import ApiError, bad_request
from services.localstore.blobs import Content
from services.localstore.database import Transaction
from services.localstore.downloads import check_etags
from services.localstore.http import Request, Response, empty_response, json_response
from services.localstore.preconditions import Preconditions
from services.localstore.properties import dump, object_name, patched, replaced
from services.localstore.records import (
    BucketRow,
    ObjectRow,
    find_object,
    find_soft_deleted,
    object_resource,
)
from services.localstore.store import Store
from services.localstore.times import parse_rfc3339
from services.localstore.uploads import object_headers

LinkedWork = Callable[[Transaction, Content], tuple[ObjectRow, BucketRow]]
"""Makes a new generation of content that was linked for it."""


async def get(store: Store, request: Request, bucket: str, name: str) -> Response:
    """Answer an object's resource; with `softDeleted`, that of a deleted generation."""
    encoded = object_name(name)
    generation = request.integer("generation")
    conditions = Preconditions.parse(request.query)
    soft_deleted = request.flag("softDeleted")
    if soft_deleted and generation is None:
        raise bad_request("Required parameter: generation", reason="required", location="generation")

    def work(connection: sqlite3.Connection) -> tuple[ObjectRow, BucketRow]:
        found = generations.require_bucket(connection, bucket)
        if soft_deleted and generation is not None:
            row = _require_soft_deleted(connection, found, encoded, generation, store.database.now())
        else:
            row = generations.require_object(connection, found, encoded, generation)
        conditions.check(row.versions, read=True)
        check_etags(request, row)
        return row, found

    return answer(request, *await store.database.read(work))


async def patch(store: Store, request: Request, bucket: str, name: str) -> Response:
    """Change what the body names; null removes."""
    return await _change(store, request, bucket, name, replace=False)


async def update(store: Store, request: Request, bucket: str, name: str) -> Response:
    """Replace what may be set."""
    return await _change(store, request, bucket, name, replace=True)


async def delete(store: Store, request: Request, bucket: str, name: str) -> Response:
    """Delete the live generation, or exactly the one that is named."""
    encoded = object_name(name)
    generation = request.integer("generation")
    conditions = Preconditions.parse(request.query)

    def work(transaction: Transaction) -> None:
        found = generations.require_bucket(transaction.connection, bucket)
        row = generations.require_object(transaction.connection, found, encoded, generation)
        conditions.check(row.versions)
        check_etags(request, row)
        generations.guard(found, row, transaction.now)
        if generation is None:
            generations.displace(transaction, found, row)
        else:
            generations.remove(transaction, found, row)

    await store.write(work)
    return empty_response()


async def restore(store: Store, request: Request, bucket: str, name: str) -> Response:
    """Make a soft-deleted generation's content and metadata live again, as a new generation."""
    encoded = object_name(name)
    generation = request.integer("generation")
    if generation is None:
        raise bad_request("Required parameter: generation", reason="required", location="generation")
    conditions = Preconditions.parse(request.query)

    def find(connection: sqlite3.Connection) -> ObjectRow:
        found = generations.require_bucket(connection, bucket)
        return _require_soft_deleted(connection, found, encoded, generation, store.database.now())

    source = await store.database.read(find)

    def work(transaction: Transaction, content: Content) -> tuple[ObjectRow, BucketRow]:
        found = generations.require_bucket(transaction.connection, bucket)
        row = _require_soft_deleted(transaction.connection, found, encoded, generation, transaction.now)
        current = find_object(transaction.connection, found.id, encoded)
        conditions.check(generations.versions(current))
        made = generations.insert(transaction, found, encoded, content, row.properties, components=row.components)
        return made, found

    return answer(request, *await with_linked(store, source, work))


async def with_linked(store: Store, source: ObjectRow, work: LinkedWork) -> tuple[ObjectRow, BucketRow]:
    """Give a generation's bytes a file of their own and run `work` with it; without success it goes away again."""
    try:
        blob = await store.in_thread(store.blobs.link, source.blob)
    except FileNotFoundError as error:
        raise ApiError(404, "The source was deleted.") from error
    content = Content(blob, source.size, source.crc32c, source.md5)
    try:
        return await store.write(lambda transaction: work(transaction, content))
    except BaseException:
        await store.in_thread(store.blobs.remove, [blob])
        raise


def answer(request: Request, row: ObjectRow, bucket: BucketRow) -> Response:
    """Build the answer that is an object's resource."""
    return json_response(object_resource(row, bucket, request.base_url), headers=object_headers(row))


async def _change(store: Store, request: Request, bucket: str, name: str, *, replace: bool) -> Response:
    encoded = object_name(name)
    generation = request.integer("generation")
    conditions = Preconditions.parse(request.query)
    resource = await request.json()
    override = request.flag("overrideUnlockedRetention")

    def work(transaction: Transaction) -> tuple[ObjectRow, BucketRow]:
        found = generations.require_bucket(transaction.connection, bucket)
        row = generations.require_object(transaction.connection, found, encoded, generation)
        conditions.check(row.versions)
        check_etags(request, row)
        before = row.properties
        row.properties = (replaced if replace else patched)(before, resource)
        if not override:
            _guard_unlocked_retention(before, row)
        if before.get("eventBasedHold") and not row.properties.get("eventBasedHold"):
            row.released = transaction.now
        row.metageneration += 1
        row.updated = transaction.now
        transaction.execute(
            "UPDATE objects SET properties = ?, metageneration = ?, updated = ?, released = ? WHERE id = ?",
            (dump(row.properties), row.metageneration, row.updated, row.released, row.id),
        )
        return row, found

    return answer(request, *await store.write(work))


def _guard_unlocked_retention(before: dict[str, object], row: ObjectRow) -> None:
    """Refuse to shorten a retention without `overrideUnlockedRetention`."""
    old, new = before.get("retention"), row.properties.get("retention")
    if not isinstance(old, dict):
        return
    if new is None or parse_rfc3339(new["retainUntilTime"], "retention") < parse_rfc3339(
        old["retainUntilTime"], "retention"
    ):
        raise ApiError(403, "To reduce a retention, overrideUnlockedRetention=true is required.")


def _require_soft_deleted(
    connection: sqlite3.Connection, bucket: BucketRow, name: bytes, generation: int, now: int
) -> ObjectRow:
    row = find_soft_deleted(connection, bucket.id, name, generation, now)
    if row is None:
        raise generations.missing(bucket, name, generation)
    return row
