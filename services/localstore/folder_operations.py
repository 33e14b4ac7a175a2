"""Folders of buckets with a hierarchical namespace: list, create, get, delete, and rename in one step."""

from __future__ import annotations

import secrets
import sqlite3
from typing import Any, Final
from urllib.parse import quote

from services.localstore import generations
from services.localstore.api_error import ApiError, bad_request
from services.localstore.database import Transaction
from services.localstore.folders import ensure_parents, parents
from services.localstore.http import Request, Response, empty_response, json_response
from services.localstore.listing import PAGE_ITEMS, decode_token, encode_token, prefix_end
from services.localstore.preconditions import Preconditions
from services.localstore.properties import object_name
from services.localstore.records import OBJECT_COLUMNS, BucketRow, ObjectRow
from services.localstore.store import Store
from services.localstore.times import rfc3339

OPERATIONS_KEPT: Final = 1000
"""Renames whose ends can be asked for; older ones are forgotten, as all are when the store ends."""

_COLUMNS = "id, name, metageneration, created, updated"


async def insert(store: Store, request: Request, bucket: str) -> Response:
    """Create a folder; its parents must exist unless `recursive` is set."""
    resource = await request.json()
    recursive = request.flag("recursive")

    def work(transaction: Transaction) -> tuple[BucketRow, Any]:
        found = _hierarchical(transaction.connection, bucket)
        name = _name(resource.get("name"), found)
        if _find(transaction.connection, found.id, name):
            raise ApiError(409, "The folder you tried to create already exists.")
        above = parents(name)[:-1]
        if above and not recursive and not _find(transaction.connection, found.id, above[-1]):
            raise ApiError(404, "The parent folder does not exist.")
        ensure_parents(transaction, found.id, name)
        return found, _find(transaction.connection, found.id, name)

    found, row = await store.write(work)
    return json_response(_resource(found, row, request.base_url))


async def get(store: Store, request: Request, bucket: str, folder: str) -> Response:
    """Answer a folder's resource."""
    conditions = Preconditions.parse(request.query)

    def work(connection: sqlite3.Connection) -> tuple[BucketRow, Any]:
        found = _hierarchical(connection, bucket)
        row = _require(connection, found, _name(folder, found))
        conditions.check((0, row[2]), read=True)
        return found, row

    found, row = await store.database.read(work)
    return json_response(_resource(found, row, request.base_url))


async def list_folders(store: Store, request: Request, bucket: str) -> Response:
    """Answer one page of the folders, in name order."""
    prefix = request.query.get("prefix", "").encode()
    limit = min(request.integer("pageSize") or request.integer("maxResults") or PAGE_ITEMS, PAGE_ITEMS)
    token = request.query.get("pageToken")
    delimiter = request.query.get("delimiter", "").encode()
    start = max(prefix, request.query.get("startOffset", "").encode(), decode_token(token)[0] if token else b"")
    end = prefix_end(prefix) or b"\xff"

    def work(connection: sqlite3.Connection) -> tuple[BucketRow, list[Any], bytes | None]:
        found = _hierarchical(connection, bucket)
        rows: list[Any] = []
        for row in connection.execute(
            f"SELECT {_COLUMNS} FROM folders WHERE bucket = ? AND name >= ? AND name < ? ORDER BY name",  # noqa: S608
            (found.id, start, end),
        ):
            if delimiter and delimiter in row[1][len(prefix) : -1]:
                continue
            if len(rows) == limit:
                return found, rows, row[1]
            rows.append(row)
        return found, rows, None

    found, rows, following = await store.database.read(work)
    result: dict[str, Any] = {"kind": "storage#folders"}
    if following is not None:
        result["nextPageToken"] = encode_token((following, 0))
    if rows:
        result["items"] = [_resource(found, row, request.base_url) for row in rows]
    return json_response(result)


async def delete(store: Store, request: Request, bucket: str, folder: str) -> Response:
    """Delete an empty folder; 409 while something is in it."""
    conditions = Preconditions.parse(request.query)

    def work(transaction: Transaction) -> None:
        found = _hierarchical(transaction.connection, bucket)
        name = _name(folder, found)
        row = _require(transaction.connection, found, name)
        conditions.check((0, row[2]))
        span = (found.id, name, prefix_end(name))
        inside = transaction.one(
            "SELECT 1 FROM folders WHERE bucket = ? AND name > ? AND name < ? LIMIT 1", span
        ) or transaction.one(
            "SELECT 1 FROM objects WHERE bucket = ? AND name >= ? AND name < ? AND state < 2 LIMIT 1", span
        )
        if inside:
            raise ApiError(409, "The folder you tried to delete is not empty.")
        transaction.execute("DELETE FROM folders WHERE id = ?", (row[0],))

    await store.write(work)
    return empty_response()


async def rename(store: Store, request: Request, bucket: str, folder: str, target: str) -> Response:
    """Rename a folder with everything in it, in one transaction."""
    conditions = Preconditions.parse(request.query, source=True)

    def work(transaction: Transaction) -> tuple[BucketRow, Any]:
        found = _hierarchical(transaction.connection, bucket)
        old, new = _name(folder, found), _name(target, found)
        conditions.check((0, _require(transaction.connection, found, old)[2]))
        if new.startswith(old) or _find(transaction.connection, found.id, new):
            raise ApiError(409, "The destination folder exists, or lies in the folder itself.")
        _check_renamed(transaction, found, old, new)
        ensure_parents(transaction, found.id, new[: new.rstrip(b"/").rfind(b"/") + 1])
        span = (found.id, old, prefix_end(old))
        for table, state in (("folders", ""), ("objects", " AND state < 2")):
            transaction.execute(
                f"UPDATE {table} SET name = CAST(? || substr(name, ?) AS BLOB), metageneration = metageneration + 1,"  # noqa: S608
                f" updated = ? WHERE bucket = ? AND name >= ? AND name < ?{state}",
                (new, len(old) + 1, transaction.now, *span),
            )
        return found, _find(transaction.connection, found.id, new)

    found, row = await store.write(work)
    name = secrets.token_hex(8)
    operation = {"kind": "storage#operation", "name": f"projects/_/buckets/{bucket}/operations/{name}"}
    while len(store.operations) >= OPERATIONS_KEPT:
        store.operations.pop(next(iter(store.operations)))
    store.operations[bucket, name] = {**operation, "done": True, "response": _resource(found, row, request.base_url)}
    # As with Google the end is asked for: it may come later than the answer.
    return json_response({**operation, "done": False})


async def operation(store: Store, _: Request, bucket: str, name: str) -> Response:
    """Answer how a rename stands."""
    found = store.operations.get((bucket, name))
    if found is None:
        raise ApiError(404, "The operation does not exist.")
    return json_response(found)


def _check_renamed(transaction: Transaction, bucket: BucketRow, old: bytes, new: bytes) -> None:
    """Refuse a rename that a hold or a limit of names forbids."""
    rows = transaction.execute(
        f"SELECT {OBJECT_COLUMNS} FROM objects WHERE bucket = ? AND name >= ? AND name < ? AND state = 0",  # noqa: S608
        (bucket.id, old, prefix_end(old)),
    )
    for row in map(ObjectRow.of, rows):
        generations.guard(bucket, row, transaction.now)
        object_name((new + row.name[len(old) :]).decode(), bucket)


def _hierarchical(connection: sqlite3.Connection, bucket: str) -> BucketRow:
    found = generations.require_bucket(connection, bucket)
    if not found.hierarchical:
        raise ApiError(409, "The bucket does not support hierarchical namespace.")
    return found


def _name(text: Any, bucket: BucketRow) -> bytes:
    if not isinstance(text, str) or not text.strip("/"):
        raise bad_request("Required", reason="required", location="name")
    return object_name(text if text.endswith("/") else f"{text}/", bucket)


def _find(connection: sqlite3.Connection, bucket: int, name: bytes) -> Any:
    return connection.execute(
        f"SELECT {_COLUMNS} FROM folders WHERE bucket = ? AND name = ?",  # noqa: S608 - constants only
        (bucket, name),
    ).fetchone()


def _require(connection: sqlite3.Connection, bucket: BucketRow, name: bytes) -> Any:
    row = _find(connection, bucket.id, name)
    if row is None:
        raise ApiError(404, "The specified folder does not exist.")
    return row


def _resource(bucket: BucketRow, row: Any, base_url: str) -> dict[str, Any]:
    name = row[1].decode()
    return {
        "kind": "storage#folder",
        "id": f"{bucket.name}/{name}",
        "selfLink": f"{base_url}/storage/v1/b/{bucket.name}/folders/{quote(name, safe='')}",
        "bucket": bucket.name,
        "name": name,
        "metageneration": str(row[2]),
        "createTime": rfc3339(row[3]),
        "updateTime": rfc3339(row[4]),
    }
