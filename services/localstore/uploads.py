"""Uploads in one request: `uploadType=media` and `uploadType=multipart`.

A new generation exists from the moment when its row is committed; until then nothing of it can be seen, and whatever
goes wrong leaves nothing but a file that is removed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from services.localstore import generations
from services.localstore.api_error import bad_request
from services.localstore.blobs import Content
from services.localstore.database import Transaction
from services.localstore.http import Request, Response, json_response, parse_json_object
from services.localstore.multipart import RelatedBody
from services.localstore.preconditions import Preconditions
from services.localstore.properties import new_properties, object_name
from services.localstore.receive import FLUSH_BYTES, Checksums, receive
from services.localstore.records import BucketRow, ObjectRow, find_object, object_resource
from services.localstore.store import Store

DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"
"""What an object is when nobody says."""


@dataclass(frozen=True, slots=True)
class InsertPlan:
    """What an upload will become, once its content is here."""

    bucket: str
    """Name of the bucket."""
    name: str
    """Name of the object."""
    properties: dict[str, Any]
    """Checked properties."""
    preconditions: Preconditions
    """Checked before the content is taken, and again in the transaction that makes it visible."""
    checksums: Checksums
    """What the content must have."""

    def check(self, connection: Any) -> BucketRow:
        """Raise `ApiError` when the upload cannot succeed as things are."""
        bucket = generations.require_bucket(connection, self.bucket)
        name = object_name(self.name, bucket)
        current = find_object(connection, bucket.id, name)
        self.preconditions.check(generations.versions(current))
        return bucket

    def commit(self, transaction: Transaction, content: Content) -> tuple[ObjectRow, BucketRow]:
        """Make the content the live generation; raises `ApiError` when the preconditions no longer hold."""
        bucket = self.check(transaction.connection)
        name = object_name(self.name, bucket)
        return generations.insert(transaction, bucket, name, content, self.properties), bucket

    def to_json(self) -> str:
        """Render it for the row of a resumable session."""
        conditions = self.preconditions
        return json.dumps(
            {
                "properties": self.properties,
                "preconditions": [
                    conditions.generation_match,
                    conditions.generation_not_match,
                    conditions.metageneration_match,
                    conditions.metageneration_not_match,
                ],
                "checksums": [self.checksums.crc32c, self.checksums.md5],
            }
        )

    @classmethod
    def from_json(cls, bucket: str, name: str, text: str) -> InsertPlan:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        conditions = Preconditions(*data["preconditions"])
        return cls(bucket, name, data["properties"], conditions, Checksums(*data["checksums"]))


def plan_insert(request: Request, bucket: str, resource: dict[str, Any], media_type: str | None) -> InsertPlan:
    """Put together what an upload's parameters and metadata say; raises `ApiError` 400."""
    name = request.query.get("name") or resource.get("name")
    object_name(name)
    given = resource.get("bucket")
    if given is not None and given != bucket:
        raise bad_request("The bucket in the metadata is not the one in the URL.", location="bucket")
    if "contentEncoding" in request.query:
        resource = {**resource, "contentEncoding": request.query["contentEncoding"]}
    properties = new_properties(resource)
    properties.setdefault("contentType", media_type or DEFAULT_CONTENT_TYPE)
    checksums = Checksums.parse(resource, request.headers)
    return InsertPlan(bucket, str(name), properties, Preconditions.parse(request.query), checksums)


async def insert_media(store: Store, request: Request, bucket: str) -> Response:
    """Take an upload whose body is the content."""
    plan = plan_insert(request, bucket, {}, request.headers.get("content-type"))
    await _check_early(store, request, plan)
    return await _commit(store, request, plan, await receive(store, request.chunks()))


async def insert_multipart(store: Store, request: Request, bucket: str) -> Response:
    """Take an upload whose body is metadata and content."""
    body = RelatedBody(request)
    resource = parse_json_object(await body.metadata())
    plan = plan_insert(request, bucket, resource, await body.media_type())
    await _check_early(store, request, plan)
    return await _commit(store, request, plan, await receive(store, body.content()))


async def _check_early(store: Store, request: Request, plan: InsertPlan) -> None:
    """Refuse a large body before it is sent; a small one is checked once, when it is committed."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > FLUSH_BYTES:
        await store.database.read(plan.check)


async def _commit(store: Store, request: Request, plan: InsertPlan, content: Content) -> Response:
    try:
        plan.checksums.verify(content.crc32c, content.md5)
        row, bucket = await store.write(lambda transaction: plan.commit(transaction, content))
    except Exception:
        await store.in_thread(store.blobs.remove, [content.blob])
        raise
    return json_response(object_resource(row, bucket, request.base_url), headers=object_headers(row))


def object_headers(row: ObjectRow) -> list[tuple[str, str]]:
    """Return the headers that answers about one generation carry."""
    return [("ETag", row.etag)]
