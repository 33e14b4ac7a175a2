"""Unfinished multipart uploads, which only the XML API lists.

See cloud.google.com/storage/docs/xml-api/get-bucket-uploads.  Paths are `/BUCKET` and `/BUCKET/OBJECT` of
the same server; names are asked for in their URL encoding, since XML cannot hold every character that a name can.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from services.errors import ObjectNotFound, Transient
from services.gcs.exchange import Exchange, Request
from services.gcs.failures import Subject
from services.model import MultipartPage, MultipartUpload
from services.words import parse_moment

if TYPE_CHECKING:
    from xml.etree import ElementTree

GONE: Final = 404
"""Status of an upload that was finished or aborted meanwhile."""


class MultipartUploads:
    """Multipart uploads of the data plane."""

    wire: Exchange
    """What carries the requests."""

    async def list_multipart_uploads(self, bucket: str, *, prefix: str = "", token: str = "") -> MultipartPage:
        """Return one page of the multipart uploads that were begun and not finished."""
        subject = Subject("list the unfinished uploads of", bucket)
        params: dict[str, str | list[str]] = {"encoding-type": "url"}
        if prefix:
            params["prefix"] = prefix
        if token:
            params["key-marker"], params["upload-id-marker"] = json.loads(token)
        request = Request(
            subject, "GET", f"{_bucket(bucket)}?uploads", params, repeatable=True, operation="multipart.list"
        )
        root = _parse(subject, (await self.wire.send(request)).body, "ListMultipartUploadsResult")
        in_url = _text(root, "EncodingType") == "url"
        uploads = [
            MultipartUpload(
                _name(_text(each, "Key"), in_url=in_url),
                _text(each, "UploadId"),
                parse_moment(_text(each, "Initiated")),
                _text(each, "StorageClass"),
            )
            for each in _all(root, "Upload")
        ]
        next_token = ""
        if _text(root, "IsTruncated") == "true" and uploads:
            marker = _name(_text(root, "NextKeyMarker"), in_url=in_url) or uploads[-1].name
            next_token = json.dumps([marker, _text(root, "NextUploadIdMarker") or uploads[-1].upload_id])
        return MultipartPage([upload for upload in uploads if upload.upload_id], next_token)

    async def multipart_size(self, bucket: str, upload: MultipartUpload) -> int:
        """Return the bytes of an unfinished upload's parts; 0 where it is gone by now."""
        subject = Subject("list the parts of", bucket, upload.name, is_object=True)
        size, marker = 0, ""
        while True:
            params: dict[str, str | list[str]] = {"uploadId": upload.upload_id}
            if marker:
                params["part-number-marker"] = marker
            path = f"{_bucket(bucket)}/{quote(upload.name, safe='')}"
            request = Request(subject, "GET", path, params, repeatable=True, operation="multipart.listParts")
            try:
                reply = await self.wire.send(request)
            except ObjectNotFound:
                return 0
            root = _parse(subject, reply.body, "ListPartsResult")
            size += sum(int(text) for part in _all(root, "Part") if (text := _text(part, "Size")).isdecimal())
            following = _text(root, "NextPartNumberMarker")
            if _text(root, "IsTruncated") != "true" or following in ("", marker):
                return size
            marker = following

    async def abort_multipart_upload(self, bucket: str, upload: MultipartUpload) -> None:
        """Abandon an unfinished upload and delete its parts; one that is gone is fine."""
        subject = Subject("abort the upload of", bucket, upload.name, is_object=True)
        path = f"{_bucket(bucket)}/{quote(upload.name, safe='')}"
        params: dict[str, str | list[str]] = {"uploadId": upload.upload_id}
        accepted = frozenset({GONE})
        await self.wire.send(
            Request(subject, "DELETE", path, params, repeatable=True, accepted=accepted, operation="multipart.abort")
        )


def _bucket(bucket: str) -> str:
    return f"/{quote(bucket, safe='')}"


def _parse(subject: Subject, body: bytes, root: str) -> ElementTree.Element:
    """Return the document; raises `Transient` for anything else, a document type with its entities included."""
    from xml.etree import ElementTree  # 3 ms, for what few commands do

    found = None
    if b"<!" not in body:  # what could expand without end, or read files, begins so; answers have none of it
        try:
            found = ElementTree.fromstring(body)  # noqa: S314 - as above
        except ElementTree.ParseError:
            found = None
    if found is None or _tag(found) != root:
        raise Transient(
            subject.failed("the answer is not what a storage server sends"),
            remedy="Check that no login page of the network stands in between, then try again.",
            url=subject.url,
        )
    return found


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(element: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    return (child for child in element if _tag(child) == tag)


def _text(element: ElementTree.Element, tag: str) -> str:
    return next((child.text or "" for child in _all(element, tag)), "")


def _name(text: str, *, in_url: bool) -> str:
    return unquote(text, errors="surrogateescape") if in_url else text
