"""Copies inside the store: rewrite, copy, move and compose.

Bytes are never copied for a rewrite: the new generation gets a second link to the same file. Large objects are
answered in several calls with a token all the same, because Google does so and clients have to go on asking.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from services.localstore import generations
from services.localstore.api_error import bad_request
from services.localstore.blobs import Content
from services.localstore.database import Transaction
from services.localstore.http import Request, Response, integer, json_response
from services.localstore.objects import answer, with_linked
from services.localstore.preconditions import Preconditions
from services.localstore.properties import new_properties, object_name
from services.localstore.records import BucketRow, ObjectRow, find_object, object_resource
from services.localstore.store import Store

COMPOSE_LIMIT: Final = 32
"""Sources of one compose."""

MEBIBYTE: Final = 1 << 20
"""`maxBytesRewrittenPerCall` is a multiple of it."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy that was asked for: from where, to where, under which conditions."""

    source_bucket: str
    source_name: bytes
    source_generation: int | None
    source_conditions: Preconditions
    bucket: str
    name: bytes
    conditions: Preconditions
    resource: dict[str, Any]
    """Metadata of the copy; empty: that of the source."""

    @classmethod
    async def parse(cls, request: Request, source: tuple[str, str], target: tuple[str, str]) -> _Copy:
        return cls(
            source[0],
            object_name(source[1]),
            request.integer("sourceGeneration"),
            Preconditions.parse(request.query, source=True),
            target[0],
            object_name(target[1]),
            Preconditions.parse(request.query),
            await request.json(),
        )

    def find(self, connection: sqlite3.Connection) -> ObjectRow:
        """Return the source; raises `ApiError` when the copy cannot be made as things are."""
        bucket = generations.require_bucket(connection, self.source_bucket)
        row = generations.require_object(connection, bucket, self.source_name, self.source_generation)
        self.source_conditions.check(row.versions)
        target = generations.require_bucket(connection, self.bucket)
        self.conditions.check(generations.versions(find_object(connection, target.id, self.name)))
        return row

    def commit(
        self, transaction: Transaction, content: Content, generation: int
    ) -> tuple[ObjectRow, BucketRow, ObjectRow]:
        """Make the copy, of the very generation that was linked."""
        connection = transaction.connection
        source_bucket = generations.require_bucket(connection, self.source_bucket)
        row = generations.require_object(connection, source_bucket, self.source_name, generation)
        self.source_conditions.check(row.versions)
        target = generations.require_bucket(connection, self.bucket)
        object_name(self.name.decode(), target)
        self.conditions.check(generations.versions(find_object(connection, target.id, self.name)))
        made = generations.insert(
            transaction, target, self.name, content, self._properties(row), components=row.components
        )
        return made, target, row

    def _properties(self, source: ObjectRow) -> dict[str, Any]:
        given = new_properties(self.resource)
        if set(given) - {"storageClass"}:
            given.setdefault("contentType", source.properties.get("contentType", "application/octet-stream"))
            return given
        # Holds, retention and the storage class belong to the source, not to its copy.
        left = {"temporaryHold", "eventBasedHold", "retention", "storageClass"}
        return {key: value for key, value in source.properties.items() if key not in left} | given


async def rewrite(store: Store, request: Request, bucket: str, name: str, to_bucket: str, to_name: str) -> Response:
    """Copy an object, or go on with a copy; answers a token until it is done."""
    copy = await _Copy.parse(request, (bucket, name), (to_bucket, to_name))
    limit = request.integer("maxBytesRewrittenPerCall") or store.options.rewrite_bytes_per_call
    if (limit < MEBIBYTE and "maxBytesRewrittenPerCall" in request.query) or limit < 1:
        raise bad_request("maxBytesRewrittenPerCall must be a multiple of 1 MiB.")
    source = await store.database.read(copy.find)
    token = request.query.get("rewriteToken")
    done = min(source.size, await _progress(store, token, copy, source) + limit)
    if done < source.size:
        token = await _save(store, token, copy, source, done)
        return json_response(_rewrite_resource(source.size, done, {"rewriteToken": token}))
    row, target = await _copy(store, copy, source)
    if token is not None:
        await store.write(lambda t: t.execute("DELETE FROM rewrites WHERE token = ?", (token,)).rowcount)
    resource = object_resource(row, target, request.base_url)
    return json_response(_rewrite_resource(row.size, row.size, {"resource": resource}))


async def copy_to(store: Store, request: Request, bucket: str, name: str, to_bucket: str, to_name: str) -> Response:
    """Copy an object in one call."""
    copy = await _Copy.parse(request, (bucket, name), (to_bucket, to_name))
    source = await store.database.read(copy.find)
    return answer(request, *await _copy(store, copy, source))


async def move_to(store: Store, request: Request, bucket: str, name: str, to_name: str) -> Response:
    """Rename an object within its bucket, in one step that nobody sees half of."""
    copy = await _Copy.parse(request, (bucket, name), (bucket, to_name))
    if copy.source_name == copy.name:
        raise bad_request("The source and the destination of a move are the same.")
    source = await store.database.read(copy.find)

    def work(transaction: Transaction, content: Content) -> tuple[ObjectRow, BucketRow]:
        made, found, row = copy.commit(transaction, content, source.generation)
        generations.guard(found, row, transaction.now)
        generations.displace(transaction, found, row)
        return made, found

    return answer(request, *await with_linked(store, source, work))


async def compose(store: Store, request: Request, bucket: str, name: str) -> Response:
    """Join up to 32 objects of a bucket into one."""
    body = await request.json()
    sources = body.get("sourceObjects")
    if not isinstance(sources, list) or not 0 < len(sources) <= COMPOSE_LIMIT:
        raise bad_request(f"The number of source components must be 1 to {COMPOSE_LIMIT}.")
    encoded = object_name(name)
    conditions = Preconditions.parse(request.query)
    properties = new_properties(body.get("destination") or {})

    def find(connection: sqlite3.Connection) -> list[ObjectRow]:
        found = generations.require_bucket(connection, bucket)
        conditions.check(generations.versions(find_object(connection, found.id, encoded)))
        return [_component(connection, found, source) for source in sources]

    rows = await store.database.read(find)
    properties.setdefault("contentType", rows[0].properties.get("contentType", "application/octet-stream"))
    content = await store.in_thread(store.blobs.join, [row.blob for row in rows])
    components = sum(row.components or 1 for row in rows)

    def work(transaction: Transaction) -> tuple[ObjectRow, BucketRow]:
        found = generations.require_bucket(transaction.connection, bucket)
        object_name(name, found)
        conditions.check(generations.versions(find_object(transaction.connection, found.id, encoded)))
        made = generations.insert(transaction, found, encoded, content, properties, components=components)
        return made, found

    try:
        return answer(request, *await store.write(work))
    except BaseException:
        await store.in_thread(store.blobs.remove, [content.blob])
        raise


def _component(connection: sqlite3.Connection, bucket: BucketRow, source: Any) -> ObjectRow:
    if not isinstance(source, dict):
        raise bad_request("Invalid source object")
    generation = source.get("generation")
    number = integer(str(generation), "generation") if generation is not None else None
    row = generations.require_object(connection, bucket, object_name(source.get("name")), number)
    wanted = (source.get("objectPreconditions") or {}).get("ifGenerationMatch")
    if wanted is not None:
        Preconditions(generation_match=integer(str(wanted), "ifGenerationMatch")).check(row.versions)
    return row


async def _copy(store: Store, copy: _Copy, source: ObjectRow) -> tuple[ObjectRow, BucketRow]:
    def work(transaction: Transaction, content: Content) -> tuple[ObjectRow, BucketRow]:
        made, target, _row = copy.commit(transaction, content, source.generation)
        return made, target

    return await with_linked(store, source, work)


def _signature(copy: _Copy, source: ObjectRow) -> str:
    parts = [copy.source_bucket, copy.source_name.decode(), source.generation, copy.bucket, copy.name.decode()]
    return json.dumps(parts)


async def _progress(store: Store, token: str | None, copy: _Copy, source: ObjectRow) -> int:
    """Return how far a token's copy is; raises `ApiError` 400 for a token of another copy."""
    if token is None:
        return 0
    row = await store.database.read(
        lambda connection: connection.execute("SELECT request, done FROM rewrites WHERE token = ?", (token,)).fetchone()
    )
    if row is None or row[0] != _signature(copy, source):
        raise bad_request("The rewrite token is not valid for this request.", location="rewriteToken")
    return int(row[1])


async def _save(store: Store, token: str | None, copy: _Copy, source: ObjectRow, done: int) -> str:
    name = token or secrets.token_urlsafe(32)

    def work(transaction: Transaction) -> None:
        transaction.execute(
            "INSERT INTO rewrites (token, request, done, created) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (token) DO UPDATE SET done = excluded.done",
            (name, _signature(copy, source), done, transaction.now),
        )

    await store.write(work)
    return name


def _rewrite_resource(size: int, done: int, rest: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "storage#rewriteResponse",
        "totalBytesRewritten": str(done),
        "objectSize": str(size),
        "done": done >= size,
        **rest,
    }
