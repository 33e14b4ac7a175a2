"""Resumable uploads (cloud.google.com/storage/docs/performing-resumable-uploads).

A session's id is a bearer secret: the table keeps only its SHA-256. What a 308 acknowledges is flushed, and counted in
the table, before it is sent, so it is still there after a crash. The partial file is linked into place and removed only
after the commit, so that a crash in between leaves the session as it was.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from services.localstore.api_error import ApiError, bad_request
from services.localstore.blobs import COPY_CHUNK_BYTES, Content, Hasher, write_all
from services.localstore.database import Transaction
from services.localstore.fields import parse_fields
from services.localstore.http import Disconnected, Request, Response, json_response
from services.localstore.receive import FLUSH_BYTES, Checksums
from services.localstore.records import ObjectRow, object_resource
from services.localstore.sessions import session_file
from services.localstore.store import Store
from services.localstore.uploads import InsertPlan, plan_insert

PART_BYTES: Final = 256 << 10
"""Parts before the last one are multiples of this."""

_RANGE: Final = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.ASCII)


@dataclass(slots=True)
class Session:
    """One row of `uploads`."""

    id: int
    bucket: str
    name: str
    state: str
    """`active`, `done`, or `gone` (cancelled, or failed for good)."""
    received: int
    """Bytes that are safe."""
    total: int | None
    """Size that was announced, if any."""
    created: int
    request: str
    result: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """What a request's `Content-Range` says it carries."""

    start: int
    """First byte."""
    end: int | None
    """One past the last byte; None when the request doesn't say how much it brings."""
    total: int | None
    """Size of the whole, if it is known by now."""
    query: bool = False
    """It carries nothing, and asks how far the upload is."""

    @property
    def final(self) -> bool:
        """Whether the upload is complete after this part."""
        return self.end is None or (self.total is not None and self.end >= self.total)


async def start(store: Store, request: Request, bucket: str) -> Response:
    """Open a session and answer where to send the content."""
    resource = await request.json()
    plan = plan_insert(request, bucket, resource, request.headers.get("x-upload-content-type"))
    announced = request.headers.get("x-upload-content-length")
    if announced is not None and not re.fullmatch(r"\d{1,18}", announced, re.ASCII):
        raise bad_request("Invalid X-Upload-Content-Length.")
    total = int(announced) if announced else None
    await store.database.read(plan.check)
    secret = secrets.token_urlsafe(48)

    def add(transaction: Transaction) -> None:
        transaction.execute(
            "INSERT INTO uploads (secret, bucket, name, state, received, total, created, request)"
            " VALUES (?, ?, ?, 'active', 0, ?, ?, ?)",
            (_digest(secret), bucket, plan.name.encode(), total, transaction.now, plan.to_json()),
        )

    await store.write(add)
    fields = f"&fields={quote(request.query['fields'])}" if "fields" in request.query else ""
    if fields:
        parse_fields(request.query["fields"])
    location = (
        f"{request.base_url}/upload/storage/v1/b/{quote(bucket, safe='')}/o"
        f"?uploadType=resumable&upload_id={secret}{fields}"
    )
    return Response(200, [("Location", location), ("X-GUploader-UploadID", secret)])


async def cancel(store: Store, _request: Request, upload_id: str) -> Response:
    """Forget a session and its bytes; answers 499, as Google does."""
    session = await _find(store, upload_id)
    async with store.sessions.use(session.id):
        await _retire(store, session)
    return Response(499)


async def put(store: Store, request: Request, upload_id: str) -> Response:
    """Take a part, or answer how far the upload is."""
    part = _parse_part(request)
    session = await _find(store, upload_id)
    async with store.sessions.use(session.id) as turn:
        session = await _find(store, upload_id)
        if session.state == "gone":
            raise ApiError(410, "The upload session is gone.")
        if session.state == "done":
            return _done(session)
        _check_total(session, part)
        checksums = Checksums.parse({}, request.headers)
        if part.query:
            if part.total is None or session.received != part.total:
                return _incomplete(request, session.received)
            return await _finish(store, request, session, checksums)
        if part.start > session.received:
            raise ApiError(
                503,
                f"Invalid request.  According to the Content-Range header, the upload offset is {part.start}"
                f" byte(s), which exceeds already uploaded size of {session.received} byte(s).",
            )
        if turn.superseded:
            request.abort()
            raise Disconnected
        with turn.reading(request.abort):
            received = await _append(store, request, session, part)
        if not part.final:
            return _incomplete(request, received)
        session.received = received
        return await _finish(store, request, session, checksums)


def _parse_part(request: Request) -> Part:
    header = request.headers.get("content-range")
    if header is None:
        length = request.headers.get("content-length")
        end = int(length) if length is not None else None
        return Part(0, end, end)
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        raise bad_request(f"Failed to parse Content-Range header: {header[:100]!r}")
    total = None if match[3] == "*" else int(match[3])
    if match[1] is None:
        return Part(0, 0, total, query=True)
    start, end = int(match[1]), int(match[2]) + 1
    if end <= start or (total is not None and end > total):
        raise bad_request("Invalid Content-Range.")
    _check_length(request.headers.get("content-length"), start, end)
    if (total is None or end < total) and end - start < PART_BYTES:
        raise bad_request(
            f"Invalid request.  The number of bytes uploaded is required to be equal or greater than {PART_BYTES},"
            " except for the final request (it's recommended to be the exact multiple of"
            f" {PART_BYTES}).  The received request contained {end - start} bytes, which does not meet this"
            " requirement."
        )
    return Part(start, end, total)


def _check_length(length: str | None, start: int, end: int) -> None:
    if length is not None and int(length) != end - start:
        raise bad_request(
            f"Invalid request.  There were {length} byte(s) in the request body.  There should have been"
            f" {end - start} byte(s) (starting at offset {start} and ending at offset {end - 1}) according to the"
            " Content-Range header."
        )


def _check_total(session: Session, part: Part) -> None:
    beyond = part.end is not None and session.total is not None and part.end > session.total
    if beyond or (None not in (part.total, session.total) and part.total != session.total):
        raise bad_request(
            f"Invalid request.  The size {part.total if part.total is not None else part.end} is not the"
            f" {session.total} byte(s) that were announced."
        )


async def _append(store: Store, request: Request, session: Session, part: Part) -> int:
    """Write a part's new bytes and return how many of the upload are safe."""
    target = _PartialFile(store, session, part)
    try:
        await target.open()
        async for chunk in request.chunks():
            await target.add(chunk)
        await target.flush()
    except Disconnected:
        await target.flush()
        await _record(store, session, part, await target.settle(final=False))
        raise
    finally:
        await target.close()
    complete = part.end is None or target.position == part.end
    received = await target.settle(final=part.final and complete)
    await _record(store, session, part, received)
    if not complete:
        raise bad_request("The request's body is shorter than its Content-Range says.")
    return received


async def _record(store: Store, session: Session, part: Part, received: int) -> None:
    total = session.total if session.total is not None else part.total

    def update(transaction: Transaction) -> None:
        transaction.execute("UPDATE uploads SET received = ?, total = ? WHERE id = ?", (received, total, session.id))

    await store.write(update)


class _PartialFile:
    """The bytes of a session while one request appends to them."""

    def __init__(self, store: Store, session: Session, part: Part) -> None:
        self._store = store
        self._session = session
        self._path = store.blobs.partial_path(session_file(session.id))
        self._skip = session.received - part.start
        self._end = part.end
        self._limit = session.total
        self._descriptor = -1
        self._hasher = Hasher()
        self._gathered: list[bytes] = []
        self._pending = 0
        self.position = session.received
        """Bytes of the upload that are here, counting those that are still gathered."""

    async def open(self) -> None:
        """Open the file at what is safe of it."""
        known = self._store.sessions.hashers.pop(self._session.id, None)
        self._hasher = await self._store.in_thread(self._open, known)

    async def add(self, chunk: bytes) -> None:
        """Take the next piece of the body; bytes that are safe already are passed over."""
        if self._skip:
            passed = min(self._skip, len(chunk))
            self._skip -= passed
            chunk = chunk[passed:]
        if not chunk:
            return
        self.position += len(chunk)
        limits = [limit for limit in (self._end, self._limit) if limit is not None]
        if limits and self.position > min(limits):
            raise bad_request("The request's body is longer than its Content-Range or the announced size says.")
        self._gathered.append(chunk)
        self._pending += len(chunk)
        if self._pending >= FLUSH_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Write what was gathered."""
        data = b"".join(self._gathered)
        self._gathered.clear()
        self._pending = 0
        if data:
            await self._store.in_thread(self._write, data)

    async def settle(self, *, final: bool) -> int:
        """Make the file durable; before the end it keeps whole multiples of 256 KiB, as Google does."""
        received = self.position if final else self.position - self.position % PART_BYTES
        received = max(received, self._session.received)
        await self._store.in_thread(_truncate_and_flush, self._path, received)
        if received == self._hasher.size:
            self._store.sessions.hashers[self._session.id] = self._hasher
        return received

    async def close(self) -> None:
        """Close the file; harmless where it was never opened."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            await self._store.in_thread(os.close, descriptor)

    def _open(self, known: Hasher | None) -> Hasher:
        received = self._session.received
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._descriptor, received)
        hasher = known if known is not None and known.size == received else hash_file(self._path, received)
        os.lseek(self._descriptor, received, os.SEEK_SET)
        return hasher

    def _write(self, data: bytes) -> None:
        self._hasher.update(data)
        write_all(self._descriptor, data)


def hash_file(path: Path, size: int) -> Hasher:
    """Compute the checksums of a file's first `size` bytes."""
    hasher = Hasher()
    with path.open("rb") as file:
        while hasher.size < size and (data := file.read(min(COPY_CHUNK_BYTES, size - hasher.size))):
            hasher.update(data)
    return hasher


def _truncate_and_flush(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)
        os.fsync(file.fileno())


async def _finish(store: Store, request: Request, session: Session, checksums: Checksums) -> Response:
    plan = InsertPlan.from_json(session.bucket, session.name, session.request)
    try:
        content = await _content(store, session)
    except FileNotFoundError as error:
        raise ApiError(410, "The bytes of the upload session are gone.") from error
    base_url = request.base_url

    def commit(transaction: Transaction) -> tuple[ObjectRow, dict[str, Any]]:
        row, bucket = plan.commit(transaction, content)
        resource = object_resource(row, bucket, base_url)
        transaction.execute(
            "UPDATE uploads SET state = 'done', received = ?, total = ?, result = ? WHERE id = ?",
            (row.size, row.size, _dump(resource), session.id),
        )
        return row, resource

    try:
        checksums.over(plan.checksums).verify(content.crc32c, content.md5)
        row, resource = await store.write(commit)
    except ApiError:
        await store.in_thread(store.blobs.remove, [content.blob])
        await _retire(store, session)
        raise
    except Exception:
        await store.in_thread(store.blobs.remove, [content.blob])
        raise
    store.sessions.hashers.pop(session.id, None)
    await store.in_thread(_unlink, store.blobs.partial_path(session_file(session.id)))
    return json_response(resource, headers=[("ETag", row.etag)])


async def _content(store: Store, session: Session) -> Content:
    path = store.blobs.partial_path(session_file(session.id))
    hasher = store.sessions.hashers.get(session.id)

    def link() -> Content:
        if session.received == 0:
            path.unlink(missing_ok=True)
            empty = Hasher()
            return Content(None, 0, empty.crc32c, empty.md5)
        complete = hasher if hasher and hasher.size == session.received else hash_file(path, session.received)
        return store.blobs.adopt_link(path, complete)

    return await store.in_thread(link)


def _dump(resource: dict[str, Any]) -> str:
    return json_response(resource).body.decode()


def _done(session: Session) -> Response:
    headers = [("Content-Type", "application/json; charset=UTF-8")]
    return Response(200, headers, (session.result or "{}").encode())


def _incomplete(request: Request, received: int) -> Response:
    """Say how far it is: with 308, or in disguise for clients whose HTTP library would take that for a redirect."""
    headers = [("Range", f"bytes=0-{received - 1}")] if received else []
    if request.headers.get("x-guploader-no-308", "").lower() == "yes":
        return Response(200, [*headers, ("X-HTTP-Status-Code-Override", "308")])
    return Response(308, headers)


async def _retire(store: Store, session: Session) -> None:
    def update(transaction: Transaction) -> None:
        transaction.execute("UPDATE uploads SET state = 'gone' WHERE id = ? AND state = 'active'", (session.id,))

    await store.write(update)
    store.sessions.hashers.pop(session.id, None)
    await store.in_thread(_unlink, store.blobs.partial_path(session_file(session.id)))


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _find(store: Store, upload_id: str) -> Session:
    """Return a session; raises `ApiError` 404 for an unknown one and 410 for one that is over a week old."""
    row = await store.database.read(
        lambda connection: connection.execute(
            "SELECT id, bucket, name, state, received, total, created, request, result FROM uploads WHERE secret = ?",
            (_digest(upload_id),),
        ).fetchone()
    )
    if row is None:
        raise ApiError(404, "No such upload session.")
    session = Session(row[0], row[1], row[2].decode(), *row[3:])
    age = store.database.now() - session.created
    if age > store.options.session_lifetime_s * 1_000_000:
        raise ApiError(410, "The upload session has expired.")
    return session


def _digest(upload_id: str) -> str:
    return hashlib.sha256(upload_id.encode()).hexdigest()
