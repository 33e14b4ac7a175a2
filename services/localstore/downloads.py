"""Downloads: whole, by range, by generation, and with gzip transcoding.

A file is opened in the same step that looks its row up, and from then on a delete or an overwrite cannot take its
bytes away: what is sent is one generation from the first byte to the last.
"""

from __future__ import annotations

import os
import re
import sqlite3
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from services.localstore import generations
from services.localstore.api_error import ApiError
from services.localstore.http import Request, Response, add_header
from services.localstore.preconditions import Preconditions
from services.localstore.properties import object_name
from services.localstore.records import ObjectRow
from services.localstore.store import Store
from services.localstore.times import http_date

CHUNK_BYTES: Final = 256 << 10
"""Bytes that are read at once and handed to the network; 64 clients at once hold 16 MiB."""

OPEN_ATTEMPTS: Final = 5
"""Times that a row is looked up anew when its file was deleted in between."""

_RANGE: Final = re.compile(r"bytes=(\d{0,40})-(\d{0,40})", re.ASCII)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(slots=True)
class _Media:
    """An object's generation, opened."""

    row: ObjectRow
    start: int
    end: int
    """One past the last byte that is wanted."""
    partial: bool
    """Whether a range was asked for and is served."""
    descriptor: int | None
    """The open file; None when `head` is all that is wanted."""
    head: bytes
    """The first piece, read in the same step."""
    transcode: bool


async def get_media(store: Store, request: Request, bucket: str, name: str) -> Response:
    """Answer with an object's content, or with its headers alone to a HEAD."""
    encoded = object_name(name)
    for _attempt in range(OPEN_ATTEMPTS):
        try:
            media = await store.database.read(lambda connection: _open(store, connection, request, bucket, encoded))
        except FileNotFoundError:
            continue
        return _respond(store, request, media)
    raise ApiError(503, "The object changes too often to be read.")


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return what a `Range` header selects of `size` bytes, as (start, end past the last); None for all.

    A header that is malformed, or asks for several ranges, is passed over, as HTTP says (RFC 9110, 14.2).  Raises
    `ApiError` 416 when nothing lies in the range.
    """
    match = _RANGE.fullmatch((header or "").replace(" ", ""))
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        raise ApiError(416, "Request range not satisfiable", headers=(("Content-Range", f"bytes */{size}"),))
    return start, end


def check_etags(request: Request, row: ObjectRow) -> None:
    """Raise `ApiError` 412 or 304 where `If-Match` or `If-None-Match` say so."""
    wanted = request.headers.get("if-match")
    if wanted is not None and not _etag_listed(wanted, row.etag):
        raise ApiError(412, "Precondition Failed", location="If-Match")
    unwanted = request.headers.get("if-none-match")
    if unwanted is not None and _etag_listed(unwanted, row.etag):
        raise ApiError(304, "Not Modified", headers=(("ETag", row.etag),))


def _etag_listed(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in {part.strip().strip('"') for part in header.split(",")}


def _open(store: Store, connection: sqlite3.Connection, request: Request, bucket: str, name: bytes) -> _Media:
    found = generations.require_bucket(connection, bucket)
    row = generations.require_object(connection, found, name, request.integer("generation"))
    Preconditions.parse(request.query).check(row.versions, read=True)
    check_etags(request, row)
    descriptor = None
    if row.blob is not None and request.method != "HEAD":
        descriptor = os.open(store.blobs.path(row.blob), os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _prepare(request, row, descriptor)
    except BaseException:
        if descriptor is not None:
            os.close(descriptor)
        raise


def _prepare(request: Request, row: ObjectRow, descriptor: int | None) -> _Media:
    """Work out what is wanted of the open file, and read its first piece."""
    transcode = _wants_decompressed(request, row)
    if transcode and descriptor is not None:
        transcode = os.pread(descriptor, 2, 0) == _GZIP_MAGIC
    span = None if transcode else parse_range(request.headers.get("range"), row.size)
    start, end = span or (0, row.size)
    head = b""
    if descriptor is not None and not transcode:
        head = os.pread(descriptor, min(CHUNK_BYTES, end - start), start)
        if start + len(head) == end:
            os.close(descriptor)
            descriptor = None
    return _Media(row, start, end, span is not None, descriptor, head, transcode)


def _wants_decompressed(request: Request, row: ObjectRow) -> bool:
    """Whether decompressive transcoding applies (cloud.google.com/storage/docs/transcoding)."""
    if row.properties.get("contentEncoding") != "gzip" or row.size == 0:
        return False
    if "no-transform" in row.properties.get("cacheControl", "").lower():
        return False
    accepted = {part.split(";")[0].strip().lower() for part in request.headers.get("accept-encoding", "").split(",")}
    return "gzip" not in accepted


def _respond(store: Store, request: Request, media: _Media) -> Response:
    headers = media_headers(media.row, transcoded=media.transcode)
    for key, value in media.row.properties.get("metadata", {}).items():
        if _HEADER_NAME.fullmatch(key):
            add_header(headers, f"X-Goog-Meta-{key}", value)
    status = 200
    if media.partial:
        status = 206
        headers.append(("Content-Range", f"bytes {media.start}-{media.end - 1}/{media.row.size}"))
    if media.transcode:
        if request.method == "HEAD":
            return Response(status, headers)
        return _streaming(store, media, headers, status, _decompressed(store, media), None)
    length = media.end - media.start
    if request.method == "HEAD":
        return Response(status, headers, length=length)
    if media.descriptor is None:
        return Response(status, headers, media.head)
    return _streaming(store, media, headers, status, _plain(store, media), length)


def _streaming(
    store: Store,
    media: _Media,
    headers: list[tuple[str, str]],
    status: int,
    stream: AsyncIterator[bytes],
    length: int | None,
) -> Response:
    async def close() -> None:
        if media.descriptor is not None:
            descriptor, media.descriptor = media.descriptor, None
            await store.in_thread(os.close, descriptor)

    return Response(status, headers, stream=stream, length=length, close=close)


def media_headers(row: ObjectRow, *, transcoded: bool = False) -> list[tuple[str, str]]:
    """Return the headers that describe a generation's content."""
    properties = row.properties
    headers: list[tuple[str, str]] = []
    add_header(headers, "Content-Type", properties.get("contentType"))
    for name, key in (
        ("Cache-Control", "cacheControl"),
        ("Content-Disposition", "contentDisposition"),
        ("Content-Language", "contentLanguage"),
    ):
        add_header(headers, name, properties.get(key))
    if transcoded:
        headers += [("Warning", "214 UploadServer gunzipped"), ("Vary", "Accept-Encoding")]
    else:
        add_header(headers, "Content-Encoding", properties.get("contentEncoding"))
        headers.append(("Accept-Ranges", "bytes"))
    hashes = f"crc32c={row.crc32c}" + (f",md5={row.md5}" if row.md5 else "")
    headers += [
        ("ETag", row.etag),
        ("Last-Modified", http_date(row.updated)),
        ("X-Goog-Generation", str(row.generation)),
        ("X-Goog-Metageneration", str(row.metageneration)),
        ("X-Goog-Hash", hashes),
        ("X-Goog-Storage-Class", properties.get("storageClass", "STANDARD")),
        ("X-Goog-Stored-Content-Length", str(row.size)),
    ]
    add_header(headers, "X-Goog-Stored-Content-Encoding", properties.get("contentEncoding") or "identity")
    if row.components is not None:
        headers.append(("X-Goog-Component-Count", str(row.components)))
    return headers


async def _plain(store: Store, media: _Media) -> AsyncIterator[bytes]:
    position = media.start + len(media.head)
    yield media.head
    media.head = b""
    while position < media.end and media.descriptor is not None:
        data = await store.in_thread(os.pread, media.descriptor, min(CHUNK_BYTES, media.end - position), position)
        if not data:
            raise OSError(f"blob {media.row.blob} is shorter than its row says")
        position += len(data)
        yield data


async def _decompressed(store: Store, media: _Media) -> AsyncIterator[bytes]:
    """Yield the gunzipped content in bounded pieces; a broken one ends the connection, never cleanly."""
    position = 0
    inflater = zlib.decompressobj(31)
    while position < media.row.size and media.descriptor is not None:
        data = await store.in_thread(os.pread, media.descriptor, CHUNK_BYTES, position)
        position += len(data)
        while data:
            piece = await store.in_thread(inflater.decompress, data, CHUNK_BYTES)
            yield piece
            data = inflater.unconsumed_tail
            if inflater.eof:
                data = inflater.unused_data
                inflater = zlib.decompressobj(31)
    yield inflater.flush()
