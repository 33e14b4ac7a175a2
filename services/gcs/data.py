"""The data plane over Google's JSON API: lists, reads, copies, deletes; uploads are in `services.gcs.uploads`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from services.errors import PailError, RangeNotSatisfiable, Rejected, Transient, UsageError
from services.gcs.batch import BATCH_LIMIT, Subjects, decode_answers, decode_bodies, encode_calls
from services.gcs.body import StoredBody
from services.gcs.exchange import STORED, Reply, Request, encode_query
from services.gcs.failures import Subject
from services.gcs.folders import Folders
from services.gcs.interface import Fetched, ListQuery, RewriteStatus
from services.gcs.multipart import MultipartUploads
from services.gcs.paths import BATCH, DOWNLOAD, bucket_path, encoded, object_path
from services.gcs.translate import (
    BRIEF_FIELDS,
    DAMAGE,
    ROW_FIELDS,
    SLIM_FIELDS,
    TIMELESS_FIELDS,
    VERSION_FIELDS,
    attribute_fields,
    brief_page,
    list_page,
    object_info,
    precondition_params,
    rewrite_status,
    slim_page,
    version_rows,
)
from services.gcs.uploads import Uploads
from services.model import BriefPage, ListPage, ObjectInfo, Precondition, VersionPage, WriteAttributes
from services.names import check_object_name

JSON_HEADERS = {"Content-Type": "application/json; charset=UTF-8"}
"""Headers of a request whose body is JSON."""

MOVED_FIELDS = "bucket,name,size,generation,metageneration,crc32c"
"""What is asked for of an object that was moved along with others."""

COMPOSE_LIMIT = 32
"""Sources of one compose request."""


def json_body(resource: Mapping[str, Any]) -> bytes:
    """Return a resource as it is sent."""
    return json.dumps(resource, ensure_ascii=True).encode("ascii")


def whole(params: Mapping[str, Any]) -> dict[str, str]:
    """Return query parameters without those that are empty or None."""
    return {key: str(value) for key, value in params.items() if value not in ("", None)}


class GoogleData(Uploads, Folders, MultipartUploads):
    """Objects (`DataPlane`)."""

    async def list_page(self, bucket: str, query: ListQuery, token: str = "") -> ListPage:
        """Return one page, following `token`."""
        fields, read = (SLIM_FIELDS, slim_page) if query.slim else (ROW_FIELDS, list_page)
        return await self.wire.parsed(_list_request(bucket, query, token, fields), read)

    async def list_brief(self, bucket: str, query: ListQuery, token: str = "") -> BriefPage:
        """Return one page with only what is printed of each object; the query has no delimiter."""
        return await self.wire.parsed(_list_request(bucket, query, token, BRIEF_FIELDS), brief_page)

    async def list_versions(self, bucket: str, query: ListQuery, token: str = "", *, known: bytes = b"") -> VersionPage:
        """Return one page to be compared; where the answer has the `known` digest, that is all that is said."""
        import hashlib  # 1 ms that only comparisons are worth

        request = _list_request(bucket, query, token, TIMELESS_FIELDS if query.timeless else VERSION_FIELDS)

        def read(reply: Reply) -> VersionPage:
            digest = hashlib.blake2b(reply.body, digest_size=16).digest()
            if digest == known:
                return VersionPage(None, "", digest)
            return VersionPage(*version_rows(reply.json(request.subject)), digest)

        return await self.wire.answered(request, read)

    async def stat(
        self, bucket: str, name: str, *, generation: int | None = None, soft_deleted: bool = False
    ) -> ObjectInfo:
        """Return what is known of the live object, of one generation, or of a `soft_deleted` one."""
        subject = Subject("look at", bucket, name, is_object=True)
        params = whole({"generation": generation, "softDeleted": _flag(soft_deleted), "projection": "noAcl"})
        request = Request(
            subject, "GET", object_path(bucket, _checked(name)), params, repeatable=True, operation="objects.get"
        )
        return await self.wire.parsed(request, object_info)

    @asynccontextmanager
    async def read(
        self, bucket: str, name: str, *, generation: int | None = None, start: int = 0, end: int | None = None
    ) -> AsyncIterator[StoredBody]:
        """Open the stored bytes `start` to `end` (exclusive, None: to the end); see `DataPlane.read`."""
        subject = Subject("read", bucket, name, is_object=True)
        wanted = _range(subject, start, end)
        request = Request(
            subject,
            "GET",
            object_path(bucket, _checked(name), root=DOWNLOAD),
            whole({"alt": "media", "generation": generation}),
            {**STORED, **wanted},
            repeatable=True,
            operation="objects.get",
        )
        body = await self.wire.open_body(request)
        try:
            if wanted and body.status != 206:
                raise PailError(
                    subject.failed("the server ignores ranges"), remedy="Read the whole object.", url=subject.url
                )
            yield body
        finally:
            await body.close()

    def fetch(self, bucket: str, name: str, *, generation: int | None = None) -> Coroutine[Any, Any, Fetched]:
        """Return a small object whole, as stored."""
        return self.wire.fetch(bucket, _checked(name), generation)

    async def rewrite(
        self,
        source_bucket: str,
        source: str,
        source_generation: int,
        bucket: str,
        name: str,
        *,
        precondition: Precondition,
        attributes: Mapping[str, Any] | None = None,
        token: str = "",
    ) -> RewriteStatus:
        """Copy one generation on the server; call again with the token until `done` is set."""
        subject = Subject("copy to", bucket, name, is_object=True, source_bucket=source_bucket)
        target = object_path(bucket, _checked(name)).removeprefix("/storage/v1/")
        params = whole({"sourceGeneration": source_generation, "rewriteToken": token, "projection": "noAcl"})
        request = Request(
            subject,
            "POST",
            object_path(source_bucket, _checked(source), f"rewriteTo/{target}"),
            params | precondition_params(precondition),
            JSON_HEADERS,
            json_body(attributes or {}),
            operation="objects.rewrite",
        )
        return rewrite_status(await self.wire.resource(request))

    async def move(
        self, bucket: str, source: str, source_generation: int, name: str, *, precondition: Precondition
    ) -> ObjectInfo:
        """Rename atomically within a bucket; raises `Rejected` where the service has no atomic move."""
        subject = Subject("move", bucket, source, is_object=True)
        request = Request(
            subject,
            "POST",
            object_path(bucket, _checked(source), f"moveTo/o/{quote(_checked(name), safe='')}"),
            {"ifSourceGenerationMatch": str(source_generation), **precondition_params(precondition)},
            operation="objects.move",
        )
        return object_info(await self.wire.resource(request))

    async def move_many(self, bucket: str, items: list[tuple[str, int, str]]) -> list[ObjectInfo | PailError]:
        """Rename up to 100 (name, generation seen, new name) atomically, onto names that nothing has."""
        if len(items) > BATCH_LIMIT:
            raise UsageError(f"a batch has at most {BATCH_LIMIT} moves, not {len(items)}")
        # What is compared is all that is asked for: a hundred whole resources would be 80 KB to parse.
        fixed = {"ifGenerationMatch": "0", "fields": MOVED_FIELDS, **whole({"userProject": self.wire.payer(bucket)})}
        root, query = bucket_path(bucket, "o"), encode_query(fixed)
        targets = [
            f"{root}/{_segment(source)}/moveTo/o/{_segment(name)}?ifSourceGenerationMatch={generation}&{query}"
            for source, generation, name in items
        ]
        subjects = Subjects("move", bucket, [source for source, _generation, _name in items])
        content_type, body = encode_calls("POST", targets)
        request = Request(
            Subject("move within", bucket), "POST", BATCH, headers={"Content-Type": content_type}, body=body
        )
        self.wire.operations.add("objects.move", len(items))
        reply = await self.wire.send(request)
        answers = decode_bodies(reply.headers, reply.body, subjects)
        return [
            answer if isinstance(answer, PailError) else _moved(answer, subjects, index)
            for index, answer in enumerate(answers)
        ]

    async def compose(
        self,
        bucket: str,
        sources: list[tuple[str, int]],
        name: str,
        *,
        attributes: WriteAttributes,
        precondition: Precondition,
    ) -> ObjectInfo:
        """Join at most 32 (name, generation) into one object."""
        subject = Subject("join parts into", bucket, name, is_object=True)
        if not 1 <= len(sources) <= COMPOSE_LIMIT:
            raise UsageError(
                subject.failed(f"1 to {COMPOSE_LIMIT} parts can be joined at once, not {len(sources)}"),
                remedy="Join them in steps.",
                url=subject.url,
            )
        body = {
            "kind": "storage#composeRequest",
            "destination": attribute_fields(attributes),
            "sourceObjects": [{"name": part, "generation": str(generation)} for part, generation in sources],
        }
        request = Request(
            subject,
            "POST",
            object_path(bucket, _checked(name), "compose"),
            precondition_params(precondition),
            JSON_HEADERS,
            json_body(body),
            operation="objects.compose",
        )
        return object_info(await self.wire.resource(request))

    async def patch(
        self, bucket: str, name: str, changes: Mapping[str, Any], *, generation: int, precondition: Precondition
    ) -> ObjectInfo:
        """Change metadata of one generation; a value of None removes a field."""
        subject = Subject("change", bucket, name, is_object=True)
        request = Request(
            subject,
            "PATCH",
            object_path(bucket, _checked(name)),
            {"generation": str(generation), "projection": "noAcl", **precondition_params(precondition)},
            JSON_HEADERS,
            json_body(changes),
            operation="objects.patch",
        )
        return object_info(await self.wire.resource(request))

    async def delete(
        self, bucket: str, name: str, *, generation: int | None = None, precondition: Precondition
    ) -> None:
        """Delete the live object under a precondition, or exactly one `generation` (also a noncurrent one)."""
        subject = Subject("delete", bucket, name, is_object=True)
        params = whole({"generation": generation}) | precondition_params(precondition)
        await self.wire.send(
            Request(subject, "DELETE", object_path(bucket, _checked(name)), params, operation="objects.delete")
        )

    async def delete_many(
        self, bucket: str, items: list[tuple[str, int]], *, exact: bool = False
    ) -> list[Exception | None]:
        """Delete up to 100 (name, generation seen) in one request; one answer an item, in order.

        The generation is a precondition: a newer object stays, and in a bucket with versions the old one is kept.
        With `exact` that generation alone goes, live or noncurrent, and no version is kept of it.
        """
        if not items:
            return []
        if len(items) > BATCH_LIMIT:
            raise UsageError(f"a batch has at most {BATCH_LIMIT} deletes, not {len(items)}")
        payer = encode_query(whole({"userProject": self.wire.payer(bucket)}))
        root, query = bucket_path(bucket, "o"), f"&{payer}" if payer else ""
        key = "generation" if exact else "ifGenerationMatch"
        targets = [f"{root}/{_segment(name)}?{key}={generation}{query}" for name, generation in items]
        subjects = Subjects("delete", bucket, [name for name, _generation in items])
        content_type, body = encode_calls("DELETE", targets)
        request = Request(
            Subject("delete from", bucket),
            "POST",
            BATCH,
            headers={"Content-Type": content_type},
            body=body,
        )
        self.wire.operations.add("objects.delete", len(items))
        reply = await self.wire.send(request)
        return decode_answers(reply.headers, reply.body, subjects)

    async def restore(self, bucket: str, name: str, generation: int, *, precondition: Precondition) -> ObjectInfo:
        """Bring a soft-deleted generation back as a new live one."""
        subject = Subject("restore", bucket, name, is_object=True)
        params = {"generation": str(generation), "projection": "noAcl", **precondition_params(precondition)}
        request = Request(
            subject, "POST", object_path(bucket, _checked(name), "restore"), params, operation="objects.restore"
        )
        return object_info(await self.wire.resource(request))

    async def create_folder(self, bucket: str, name: str) -> None:
        """Create a real folder, and those above it, in a bucket with a hierarchical namespace."""
        subject = Subject("create the folder", bucket, name)
        if not name.endswith("/"):
            raise Rejected(subject.failed("a folder's name ends with '/'"), remedy="Add it.", url=subject.url)
        await self.wire.send(
            Request(
                subject,
                "POST",
                bucket_path(bucket, "folders"),
                {"recursive": "true"},
                JSON_HEADERS,
                json_body({"name": name}),
                operation="folders.insert",
            )
        )


def _moved(body: bytes, subjects: Subjects, index: int) -> ObjectInfo | PailError:
    """Return what an answer of a batch says of a moved object; `Transient` where it is damaged."""
    try:
        return object_info(json.loads(body))
    except (Transient, *DAMAGE):
        subject = subjects[index]
        return Transient(subject.failed("the answer to it arrived damaged"), url=subject.url)


def _list_request(bucket: str, query: ListQuery, token: str, fields: str) -> Request:
    params = {
        "prefix": query.prefix,
        "delimiter": query.delimiter,
        "maxResults": query.page_size,
        "startOffset": query.start_offset,
        "endOffset": query.end_offset,
        "matchGlob": query.match_glob,
        "versions": _flag(query.versions),
        "softDeleted": _flag(query.soft_deleted),
        "includeTrailingDelimiter": _flag(query.include_trailing_delimiter),
        "includeFoldersAsPrefixes": _flag(query.include_folders_as_prefixes),
        "pageToken": token,
        "projection": "noAcl",
        "fields": fields,
        "prettyPrint": "false",
    }
    subject = Subject("list", bucket, query.prefix)
    return Request(subject, "GET", bucket_path(bucket, "o"), whole(params), repeatable=True, operation="objects.list")


def _flag(value: bool) -> str:
    return "true" if value else ""


def _checked(name: str) -> str:
    # What the service would refuse, or a path would mean something else by, never leaves.
    check_object_name(name)
    return name


def _segment(name: str) -> str:
    """Return a name as a segment of a path; one that the service would refuse never leaves."""
    check_object_name(name)
    return encoded(name)


def _range(subject: Subject, start: int, end: int | None) -> dict[str, str]:
    """Return the Range header (RFC 9110, section 14.1.2: the last position is inclusive)."""
    if start < 0:
        if end is not None:
            raise UsageError(subject.failed("a range that counts from the end has no end of its own"), url=subject.url)
        return {"Range": f"bytes={start}"}
    if end is not None and end <= start:
        raise RangeNotSatisfiable(
            subject.failed(f"the range {start} to {end} holds nothing"), remedy="Ask for at least one byte."
        )
    if not start and end is None:
        return {}
    return {"Range": f"bytes={start}-" + ("" if end is None else str(end - 1))}
