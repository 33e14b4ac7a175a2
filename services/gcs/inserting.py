"""A small object on its way into a bucket: its resource and its bytes, in one request."""

from __future__ import annotations

import functools
import json
import os
from typing import Final, NamedTuple

from services.gcs.exchange import Body, Request, encode_query
from services.gcs.failures import Subject
from services.gcs.interface import Progress
from services.gcs.paths import UPLOAD, bucket_path, encoded
from services.gcs.translate import attribute_fields, precondition_params
from services.model import Precondition, WriteAttributes
from services.names import check_object_name

BRIEF_FIELDS: Final = "bucket,name,size,generation,crc32c"
"""What an answer is asked to tell of the new object where the rest is of no interest."""


class Insert(NamedTuple):
    """What creates an object in one request."""

    bucket: str
    """Bucket of the object."""
    name: str
    """Its name."""
    data: bytes
    """Its bytes."""
    path: str
    """Path and query of the request."""
    resource: str
    """What else is said of the object: JSON, all of it ASCII."""
    media_type: str
    """Content type of the bytes, safe in a header."""
    progress: Progress | None
    """Told of bytes as they leave."""

    @property
    def subject(self) -> Subject:
        """What it is about, for messages."""
        return Subject("write", self.bucket, self.name)

    def frame(self, boundary: str) -> tuple[str, str]:
        """Return what precedes the bytes in the body, and what follows them."""
        head = f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{self.resource}\r\n"
        return f"{head}--{boundary}\r\nContent-Type: {self.media_type}\r\n\r\n", f"\r\n--{boundary}--\r\n"

    def request(self) -> Request:
        """Return the request."""
        boundary = new_boundary()
        head, tail = self.frame(boundary)
        return Request(
            self.subject,
            "POST",
            self.path,
            headers={"Content-Type": related(boundary)},
            body=Body(head.encode("ascii"), self.data, tail.encode("ascii"), counted=1, progress=self.progress),
            operation="objects.insert",
        )


def insert_of(
    bucket: str,
    name: str,
    data: bytes,
    attributes: WriteAttributes,
    crc32c: str,
    precondition: Precondition,
    *,
    brief: bool = False,
    progress: Progress | None = None,
) -> Insert:
    """Return what creates an object; raises `Rejected` for a name that none can have."""
    resource = object_resource(name, attributes, crc32c)
    query = f"uploadType=multipart&name={encoded(name)}&{_conditions(precondition, brief)}"
    path = f"{bucket_path(bucket, 'o', root=UPLOAD)}?{query}"
    return Insert(bucket, name, data, path, resource, header_type(attributes.content_type), progress)


def new_boundary() -> str:
    """Return what parts of a body are kept apart by: nobody can have put it into a file."""
    return f"pail-{os.urandom(16).hex()}"


def related(boundary: str) -> str:
    """Return the content type of a body with these parts."""
    return f"multipart/related; boundary={boundary}"


def object_resource(name: str, attributes: WriteAttributes, crc32c: str) -> str:
    """Return the JSON resource of a new object; raises `Rejected` for a name that none can have."""
    check_object_name(name)
    resource = {"name": name, **attribute_fields(attributes)}
    if crc32c:
        resource["crc32c"] = crc32c
    return json.dumps(resource)


def header_type(value: str) -> str:
    """Return a content type that is safe in a header; the true one travels in the JSON resource."""
    return value if value.isascii() and value.isprintable() and value else "application/octet-stream"


@functools.lru_cache(64)
def _conditions(precondition: Precondition, brief: bool) -> str:
    """Return the rest of a query: few are different."""
    asked = {"fields": BRIEF_FIELDS, "prettyPrint": "false"} if brief else {"projection": "noAcl"}
    return encode_query({**asked, **precondition_params(precondition)})
