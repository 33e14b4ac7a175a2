"""Multipart uploads of the XML API (cloud.google.com/storage/docs/multipart-uploads): `?uploads` and `?uploadId=`.

Parts lie in place as blobs from the moment when they are acknowledged; completing an upload joins them into a new one.
Unfinished uploads stay until somebody aborts them, as Google's do, since that is what makes them worth finding.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from services.localstore import generations
from services.localstore.api_error import ApiError, bad_request
from services.localstore.blobs import Content
from services.localstore.database import Transaction
from services.localstore.http import Request, Response
from services.localstore.properties import dump, new_properties, object_name
from services.localstore.receive import Checksums, receive
from services.localstore.records import BucketRow, ObjectRow
from services.localstore.store import Store
from services.localstore.times import rfc3339
from services.localstore.uploads import DEFAULT_CONTENT_TYPE

PARTS_LIMIT: Final = 10_000
"""Highest number of a part."""

PART_BYTES_MIN: Final = 5 << 20
"""Bytes that every part but the last one has at least."""

PAGE_LIMIT: Final = 1000
"""Uploads, or parts, in one page of a list."""

NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
"""Namespace of the answers; the service uses this one."""

_HEADERS: Final = {
    "content-type": "contentType",
    "content-encoding": "contentEncoding",
    "content-disposition": "contentDisposition",
    "content-language": "contentLanguage",
    "cache-control": "cacheControl",
    "x-goog-storage-class": "storageClass",
}
_META: Final = "x-goog-meta-"
_PART: Final = re.compile(
    rb"<Part>\s*(?:<ETag>(?P<e1>[^<]*)</ETag>\s*)?<PartNumber>\s*(?P<n>\d{1,5})\s*</PartNumber>"
    rb"\s*(?:<ETag>(?P<e2>[^<]*)</ETag>\s*)?</Part>"
)


@dataclass(frozen=True, slots=True)
class _Upload:
    """One row of `multipart_uploads`."""

    id: int
    key: str
    bucket: int
    name: bytes
    created: int
    properties: str


async def initiate(store: Store, request: Request, bucket: str, name: str) -> Response:
    """Open an upload and answer its id."""
    encoded = object_name(name)
    properties = dump(new_properties(_resource(request.headers)))
    key = secrets.token_urlsafe(32)

    def work(transaction: Transaction) -> None:
        found = generations.require_bucket(transaction.connection, bucket)
        transaction.execute(
            "INSERT INTO multipart_uploads (key, bucket, name, created, properties) VALUES (?, ?, ?, ?, ?)",
            (key, found.id, object_name(name, found), transaction.now, properties),
        )

    await store.write(work)
    return _xml(
        "InitiateMultipartUploadResult",
        f"<Bucket>{escape(bucket)}</Bucket><Key>{_text(encoded)}</Key><UploadId>{key}</UploadId>",
    )


async def put_part(store: Store, request: Request, bucket: str, name: str, key: str) -> Response:
    """Take a part; a later one with the same number replaces it."""
    number = request.integer("partNumber")
    if number is None or not 1 <= number <= PARTS_LIMIT:
        raise bad_request(f"Part number must be an integer between 1 and {PARTS_LIMIT}.", location="partNumber")
    await store.database.read(lambda connection: _require(connection, bucket, name, key))
    content = await receive(store, request.chunks())

    def work(transaction: Transaction) -> None:
        upload = _require(transaction.connection, bucket, name, key)
        old = transaction.one("SELECT blob FROM multipart_parts WHERE upload = ? AND number = ?", (upload.id, number))
        if old is not None:
            transaction.drop_blob(old[0])
        transaction.execute(
            "INSERT OR REPLACE INTO multipart_parts (upload, number, blob, size, md5, created)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (upload.id, number, content.blob, content.size, content.md5, transaction.now),
        )

    try:
        Checksums.parse({}, request.headers).verify(content.crc32c, content.md5)
        await store.write(work)
    except Exception:
        await store.in_thread(store.blobs.remove, [content.blob])
        raise
    return Response(200, [("ETag", f'"{content.md5}"'), ("x-goog-hash", f"crc32c={content.crc32c}")])


async def list_parts(store: Store, request: Request, bucket: str, name: str, key: str) -> Response:
    """Answer the parts that are here, in order."""
    after = request.integer("part-number-marker") or 0
    limit = _limit(request, "max-parts")

    def work(connection: sqlite3.Connection) -> list[Any]:
        upload = _require(connection, bucket, name, key)
        return connection.execute(
            "SELECT number, size, md5, created FROM multipart_parts WHERE upload = ? AND number > ?"
            " ORDER BY number LIMIT ?",
            (upload.id, after, limit + 1),
        ).fetchall()

    rows = await store.database.read(work)
    more, rows = len(rows) > limit, rows[:limit]
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><LastModified>{rfc3339(created)}</LastModified>"
        f'<ETag>"{md5}"</ETag><Size>{size}</Size></Part>'
        for number, size, md5, created in rows
    )
    marker = f"<NextPartNumberMarker>{rows[-1][0]}</NextPartNumberMarker>" if more else ""
    return _xml(
        "ListPartsResult",
        f"<Bucket>{escape(bucket)}</Bucket><Key>{_text(name.encode())}</Key><UploadId>{escape(key)}</UploadId>"
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{marker}{parts}",
    )


async def abort(store: Store, _request: Request, bucket: str, name: str, key: str) -> Response:
    """Forget an upload and its parts."""

    def work(transaction: Transaction) -> None:
        _drop(transaction, _require(transaction.connection, bucket, name, key))

    await store.write(work)
    return Response(204)


async def complete(store: Store, request: Request, bucket: str, name: str, key: str) -> Response:
    """Join the parts that the body names, in their order, into a new live generation."""
    wanted = [
        (int(match["n"]), (match["e1"] or match["e2"] or b"").decode("latin-1").replace("&quot;", '"').strip('" '))
        for match in _PART.finditer(await request.body())
    ]
    if not wanted or [number for number, _ in wanted] != sorted({number for number, _ in wanted}):
        raise bad_request("The parts are missing, or not in ascending order.", reason="InvalidPartOrder")
    blobs = await store.database.read(lambda connection: _chosen(connection, bucket, name, key, wanted))
    try:
        content = await store.in_thread(store.blobs.join, blobs)
    except FileNotFoundError as error:
        raise ApiError(404, "The upload was aborted, or one of its parts was replaced.") from error

    def work(transaction: Transaction) -> tuple[int, str]:
        upload = _require(transaction.connection, bucket, name, key)
        found = generations.require_bucket(transaction.connection, bucket)
        row = _insert(transaction, found, upload, content, len(wanted))
        _drop(transaction, upload)
        return row.generation, row.etag

    try:
        generation, etag = await store.write(work)
    except BaseException:
        await store.in_thread(store.blobs.remove, [content.blob])
        raise
    answer = _xml(
        "CompleteMultipartUploadResult",
        f"<Bucket>{escape(bucket)}</Bucket><Key>{_text(name.encode())}</Key><ETag>{escape(etag)}</ETag>",
    )
    answer.headers.append(("x-goog-generation", str(generation)))
    return answer


async def list_uploads(store: Store, request: Request, bucket: str) -> Response:
    """Answer the uploads of a bucket that are not finished, by name and then by id."""
    query = request.query
    prefix, marker, id_marker = (
        query.get(parameter, "").encode() for parameter in ("prefix", "key-marker", "upload-id-marker")
    )
    limit = _limit(request, "max-uploads")
    in_url = query.get("encoding-type") == "url"

    def work(connection: sqlite3.Connection) -> list[Any]:
        found = generations.require_bucket(connection, bucket)
        return connection.execute(
            "SELECT key, name, created, properties FROM multipart_uploads WHERE bucket = :bucket"
            " AND substr(name, 1, :length) = :prefix"
            " AND (name > :marker OR (name = :marker AND :id != '' AND key > :id)) ORDER BY name, key LIMIT :limit",
            {
                "bucket": found.id,
                "length": len(prefix),
                "prefix": prefix,
                "marker": marker,
                "id": id_marker.decode(),
                "limit": limit + 1,
            },
        ).fetchall()

    rows = await store.database.read(work)
    more, rows = len(rows) > limit, rows[:limit]
    uploads = "".join(
        f"<Upload><Key>{_text(name, in_url=in_url)}</Key><UploadId>{key}</UploadId>"
        f"<StorageClass>{escape(_class(properties))}</StorageClass><Initiated>{rfc3339(created)}</Initiated></Upload>"
        for key, name, created, properties in rows
    )
    next_ = (
        f"<NextKeyMarker>{_text(rows[-1][1], in_url=in_url)}</NextKeyMarker>"
        f"<NextUploadIdMarker>{rows[-1][0]}</NextUploadIdMarker>"
        if more
        else ""
    )
    encoding = "<EncodingType>url</EncodingType>" if in_url else ""
    return _xml(
        "ListMultipartUploadsResult",
        f"<Bucket>{escape(bucket)}</Bucket>{encoding}<IsTruncated>{str(more).lower()}</IsTruncated>{next_}{uploads}",
    )


def _resource(headers: Mapping[str, str]) -> dict[str, Any]:
    resource: dict[str, Any] = {field: headers[name] for name, field in _HEADERS.items() if headers.get(name)}
    resource.setdefault("contentType", DEFAULT_CONTENT_TYPE)
    metadata = {name.removeprefix(_META): value for name, value in headers.items() if name.startswith(_META)}
    return resource | ({"metadata": metadata} if metadata else {})


def _require(connection: sqlite3.Connection, bucket: str, name: str, key: str) -> _Upload:
    found = generations.require_bucket(connection, bucket)
    row = connection.execute(
        "SELECT id, key, bucket, name, created, properties FROM multipart_uploads"
        " WHERE key = ? AND bucket = ? AND name = ?",
        (key, found.id, object_name(name)),
    ).fetchone()
    if row is None:
        raise ApiError(404, "The requested upload was not found.")
    return _Upload(*row)


def _chosen(
    connection: sqlite3.Connection, bucket: str, name: str, key: str, wanted: list[tuple[int, str]]
) -> list[int | None]:
    upload = _require(connection, bucket, name, key)
    rows = connection.execute("SELECT number, blob, size, md5 FROM multipart_parts WHERE upload = ?", (upload.id,))
    here = {number: (blob, size, md5) for number, blob, size, md5 in rows}
    for number, etag in wanted:
        if number not in here or (etag and etag != here[number][2]):
            raise bad_request(f"Part {number} is not there, or not what its ETag says.", reason="InvalidPart")
    if any(here[number][1] < PART_BYTES_MIN for number, _ in wanted[:-1]):
        raise bad_request(f"A part but the last one has fewer than {PART_BYTES_MIN} bytes.", reason="EntityTooSmall")
    return [here[number][0] for number, _ in wanted]


def _insert(
    transaction: Transaction, bucket: BucketRow, upload: _Upload, content: Content, components: int
) -> ObjectRow:
    return generations.insert(
        transaction, bucket, upload.name, content, json.loads(upload.properties), components=components
    )


def _drop(transaction: Transaction, upload: _Upload) -> None:
    for (blob,) in transaction.execute("SELECT blob FROM multipart_parts WHERE upload = ?", (upload.id,)).fetchall():
        transaction.drop_blob(blob)
    transaction.execute("DELETE FROM multipart_parts WHERE upload = ?", (upload.id,))
    transaction.execute("DELETE FROM multipart_uploads WHERE id = ?", (upload.id,))


def _class(properties: str) -> str:
    return str(json.loads(properties).get("storageClass", "STANDARD"))


def _limit(request: Request, parameter: str) -> int:
    return min(PAGE_LIMIT, max(1, request.integer(parameter) or PAGE_LIMIT))


def _text(name: bytes, *, in_url: bool = False) -> str:
    """Return a name as text of XML; what XML cannot hold at all is seen only with `encoding-type=url`."""
    if in_url:
        return quote(name)
    return escape("".join(char if char.isprintable() or char in "\t\n\r" else "?" for char in name.decode()))


def _xml(root: str, inner: str) -> Response:
    body = f"<?xml version='1.0' encoding='UTF-8'?><{root} xmlns='{NAMESPACE}'>{inner}</{root}>"
    return Response(200, [("Content-Type", "application/xml; charset=UTF-8")], body.encode())
