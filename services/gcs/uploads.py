"""The part of the data plane that sends bytes: small objects in one request, large ones through resumable sessions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from services.errors import SessionGone, Transient
from services.gcs.exchange import Body, Exchange, Reply, Request
from services.gcs.failures import Subject
from services.gcs.inserting import header_type, insert_of, object_resource
from services.gcs.interface import Progress, UploadStatus, Written
from services.gcs.paths import UPLOAD, bucket_path
from services.gcs.translate import object_info, precondition_params, written
from services.model import CREATE_ONLY, ObjectInfo, Precondition, WriteAttributes

SESSION_OVER: Final = frozenset({404, 410, 499})
"""Answers of a session that is unknown, expired or cancelled (cloud.google.com/storage/docs/resumable-uploads)."""

INCOMPLETE: Final = 308
"""Answer of a session that wants more."""

_RANGE: Final = re.compile(r"bytes=0-(\d+)")


class Uploads:
    """Writes of the data plane."""

    def __init__(self, wire: Exchange) -> None:
        self.wire = wire

    async def insert(
        self,
        bucket: str,
        name: str,
        data: bytes,
        *,
        attributes: WriteAttributes,
        crc32c: str,
        precondition: Precondition,
        progress: Progress | None = None,
    ) -> ObjectInfo:
        """Create an object in one request (for small ones); see `DataPlane.insert`."""
        what = insert_of(bucket, name, data, attributes, crc32c, precondition, progress=progress)
        reply = await self.wire.insert(what)
        return object_info(reply.json(what.subject))

    async def create(self, bucket: str, name: str, data: bytes, *, attributes: WriteAttributes, crc32c: str) -> Written:
        """Create a small object where nothing has its name; see `DataPlane.create`."""
        what = insert_of(bucket, name, data, attributes, crc32c, CREATE_ONLY, brief=True)
        reply = await self.wire.insert(what)
        return written(reply.json(what.subject))

    async def start_upload(
        self,
        bucket: str,
        name: str,
        *,
        size: int | None,
        attributes: WriteAttributes,
        crc32c: str,
        precondition: Precondition,
    ) -> str:
        """Start a resumable session and return its reference: a bearer secret, relative to the connection."""
        subject = Subject("write", bucket, name)
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "X-Upload-Content-Type": header_type(attributes.content_type),
        }
        if size is not None:
            headers["X-Upload-Content-Length"] = str(size)
        request = Request(
            subject,
            "POST",
            bucket_path(bucket, "o", root=UPLOAD),
            {"uploadType": "resumable", "name": name, "projection": "noAcl", **precondition_params(precondition)},
            headers,
            object_resource(name, attributes, crc32c).encode("ascii"),
            operation="objects.insert",
        )
        reply = await self.wire.send(request)
        location = urlsplit(reply.headers.get("location", ""))
        if not location.path.startswith("/") or not location.query:
            raise Transient(subject.failed("the server started no upload session"), url=subject.url)
        # The address is left out: an embedded store may be on another port when the upload goes on.
        return f"{location.path}?{location.query}"

    async def upload_part(
        self,
        session: str,
        data: bytes | memoryview | Sequence[bytes],
        *,
        offset: int,
        total: int | None,
        crc32c: str = "",
        progress: Progress | None = None,
    ) -> UploadStatus:
        """Send bytes from `offset`; see `DataPlane.upload_part`."""
        pieces = (data,) if isinstance(data, bytes | memoryview) else data
        size = sum(map(len, pieces))
        covered = f"{offset}-{offset + size - 1}" if size else "*"
        headers = {"Content-Range": f"bytes {covered}/{'*' if total is None else total}"}
        if crc32c:
            headers["X-Goog-Hash"] = f"crc32c={crc32c}"
        request = Request(
            Subject("upload"),
            "PUT",
            session,
            headers=headers,
            # requests would announce an empty iterable as chunked.
            body=Body(*pieces, progress=progress) if size else b"",
            accepted=SESSION_OVER | {INCOMPLETE},
        )
        return _status(await self.wire.send(request))

    async def upload_status(self, session: str, *, total: int | None) -> UploadStatus:
        """Ask what has arrived; raises `SessionGone` for an unknown or expired session."""
        request = Request(
            Subject("ask about an upload"),
            "PUT",
            session,
            headers={"Content-Range": f"bytes */{'*' if total is None else total}"},
            body=b"",
            repeatable=True,
            accepted=SESSION_OVER | {INCOMPLETE},
        )
        return _status(await self.wire.send(request))

    async def cancel_upload(self, session: str) -> None:
        """Abandon a session and what it holds; one that is already gone is fine."""
        request = Request(
            Subject("cancel an upload"), "DELETE", session, body=b"", repeatable=True, accepted=SESSION_OVER
        )
        await self.wire.send(request)


def _status(reply: Reply) -> UploadStatus:
    if reply.status in SESSION_OVER:
        raise SessionGone("the upload session has ended", remedy="The upload starts again with a new one.")
    if reply.status == INCOMPLETE:
        found = _RANGE.fullmatch(reply.headers.get("range", ""))
        return UploadStatus(int(found[1]) + 1 if found else 0)
    info = object_info(reply.json(Subject("upload")))
    return UploadStatus(info.size, info)
