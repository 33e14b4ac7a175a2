"""Which operation a request is: paths of the JSON API, of uploads and downloads, and `GET /BUCKET/OBJECT`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from services.localstore import (
    batch,
    buckets,
    downloads,
    folder_operations,
    listing,
    objects,
    resumable,
    rewrite,
    uploads,
    xml_uploads,
)
from services.localstore.api_error import ApiError, bad_request
from services.localstore.fields import parse_fields, select
from services.localstore.http import Request, Response, decode_segment, json_response
from services.localstore.store import Store

Handler = Callable[..., Awaitable[Response]]
"""Takes the store, the request and the decoded names of the path."""


@dataclass(frozen=True, slots=True)
class Route:
    """An operation and the names it is about."""

    operation: str
    """Such as `objects.insert`; faults are planted by it."""
    handler: Handler
    names: tuple[str, ...] = ()
    """Decoded path parameters."""


def _table(*rows: tuple[str, str, str, Handler]) -> dict[tuple[str, int], list[tuple[list[str], str, Handler]]]:
    table: dict[tuple[str, int], list[tuple[list[str], str, Handler]]] = {}
    for method, pattern, operation, handler in rows:
        parts = pattern.split("/")
        table.setdefault((method, len(parts)), []).append((parts, operation, handler))
    return table


_JSON: Final = _table(
    ("GET", "b", "buckets.list", buckets.list_buckets),
    ("POST", "b", "buckets.insert", buckets.insert),
    ("GET", "b/*", "buckets.get", buckets.get),
    ("PATCH", "b/*", "buckets.patch", buckets.patch),
    ("PUT", "b/*", "buckets.update", buckets.update),
    ("DELETE", "b/*", "buckets.delete", buckets.delete),
    ("POST", "b/*/restore", "buckets.restore", buckets.restore),
    ("GET", "b/*/storageLayout", "buckets.get_storage_layout", buckets.storage_layout),
    ("POST", "b/*/lockRetentionPolicy", "buckets.lock_retention_policy", buckets.lock_retention),
    ("GET", "b/*/iam", "buckets.get_iam_policy", buckets.get_iam),
    ("PUT", "b/*/iam", "buckets.set_iam_policy", buckets.set_iam),
    ("GET", "b/*/iam/testPermissions", "buckets.test_iam_permissions", buckets.test_permissions),
    ("GET", "b/*/o", "objects.list", listing.list_objects),
    ("GET", "b/*/o/*", "objects.get", objects.get),
    ("PATCH", "b/*/o/*", "objects.patch", objects.patch),
    ("PUT", "b/*/o/*", "objects.update", objects.update),
    ("DELETE", "b/*/o/*", "objects.delete", objects.delete),
    ("POST", "b/*/o/*/restore", "objects.restore", objects.restore),
    ("POST", "b/*/o/*/compose", "objects.compose", rewrite.compose),
    ("POST", "b/*/o/*/moveTo/o/*", "objects.move", rewrite.move_to),
    ("POST", "b/*/o/*/rewriteTo/b/*/o/*", "objects.rewrite", rewrite.rewrite),
    ("POST", "b/*/o/*/copyTo/b/*/o/*", "objects.copy", rewrite.copy_to),
    ("GET", "b/*/folders", "folders.list", folder_operations.list_folders),
    ("POST", "b/*/folders", "folders.insert", folder_operations.insert),
    ("GET", "b/*/folders/*", "folders.get", folder_operations.get),
    ("DELETE", "b/*/folders/*", "folders.delete", folder_operations.delete),
    ("POST", "b/*/folders/*/renameTo/folders/*", "folders.rename", folder_operations.rename),
    ("GET", "b/*/operations/*", "operations.get", folder_operations.operation),
)

_UPLOAD_PREFIXES: Final = ("/upload/storage/v1/", "/resumable/upload/storage/v1/")
_JSON_PREFIXES: Final = ("/storage/v1/", "/storage/v1beta2/")


def resolve(request: Request) -> Route:
    """Return the operation of a request; raises `ApiError` 404 or 405 where there is none."""
    path = request.path
    for prefix in _UPLOAD_PREFIXES:
        if path.startswith(prefix):
            return _upload(request, path.removeprefix(prefix).split("/"))
    if path.startswith("/download/storage/v1/"):
        return _media(request, path.removeprefix("/download/storage/v1/").split("/"))
    for prefix in _JSON_PREFIXES:
        if path.startswith(prefix):
            return _json(request, path.removeprefix(prefix).split("/"))
    if path == "/b" or path.startswith("/b/"):
        return _json(request, path[1:].split("/"))
    return _plain(request, path)


async def dispatch(store: Store, route: Route, request: Request) -> Response:
    """Run an operation; raises `ApiError`."""
    if any(name.startswith("x-goog-encryption-") for name in request.headers):
        raise bad_request("The embedded store does not support customer-supplied encryption keys.")
    return await route.handler(store, request, *route.names)


async def dispatch_call(store: Store, request: Request) -> Response:
    """Run one call of a batch, with its own `fields`."""
    route = resolve(request)
    return apply_fields(route, request, await dispatch(store, route, request))


def apply_fields(route: Route, request: Request, response: Response) -> Response:
    """Leave of a JSON answer what `fields` selects; raises `ApiError` 400 for a bad selection."""
    # A list has selected already, while it was built: it is too long to be parsed again.
    fields = request.query.get("fields") if route.operation != "objects.list" else None
    is_json = ("Content-Type", "application/json; charset=UTF-8") in response.headers
    if not fields or not response.body or response.stream is not None or response.status >= 300 or not is_json:
        return response
    selected: Any = select(json.loads(response.body), parse_fields(fields))
    headers = [header for header in response.headers if header[0] != "Content-Type"]
    return json_response(selected, status=response.status, headers=headers)


def _json(request: Request, segments: list[str]) -> Route:
    if request.method in {"GET", "HEAD"} and request.query.get("alt") == "media":
        return _media(request, segments)
    for pattern, operation, handler in _JSON.get((request.method, len(segments)), ()):
        if all(part in ("*", segment) for part, segment in zip(pattern, segments, strict=True)):
            return Route(operation, handler, _names(pattern, segments))
    raise _unknown(request)


def _names(pattern: list[str], segments: list[str]) -> tuple[str, ...]:
    names = tuple(decode_segment(segment) for part, segment in zip(pattern, segments, strict=True) if part == "*")
    if not all(names):
        raise ApiError(404, "Not Found")
    return names


def _media(request: Request, segments: list[str]) -> Route:
    pattern = ["b", "*", "o", "*"]
    matches = len(segments) == 4 and segments[0] == "b" and segments[2] == "o"
    if not matches or request.method not in {"GET", "HEAD"}:
        raise _unknown(request)
    return Route("objects.get_media", downloads.get_media, _names(pattern, segments))


def _upload(request: Request, segments: list[str]) -> Route:
    if len(segments) != 3 or segments[0] != "b" or segments[2] != "o":
        raise _unknown(request)
    names = _names(["b", "*", "o"], segments)
    upload_id = request.query.get("upload_id")
    if upload_id is not None:
        return _session(request, upload_id)
    if request.method != "POST":
        raise _unknown(request)
    kind = request.query.get("uploadType") or request.query.get("upload_protocol")
    if kind == "media":
        return Route("objects.insert", uploads.insert_media, names)
    if kind == "multipart":
        return Route("objects.insert", uploads.insert_multipart, names)
    if kind == "resumable":
        return Route("uploads.start", resumable.start, names)
    raise bad_request("Invalid uploadType", location="uploadType")


def _session(request: Request, upload_id: str) -> Route:
    if request.method in {"PUT", "POST"}:
        return Route("uploads.put", resumable.put, (upload_id,))
    if request.method == "DELETE":
        return Route("uploads.cancel", resumable.cancel, (upload_id,))
    raise _unknown(request)


async def _batch(store: Store, request: Request) -> Response:
    async def call(inner: Request) -> Response:
        return await dispatch_call(store, inner)

    return await batch.run(request, call)


def _plain(request: Request, path: str) -> Route:
    """`/batch`, and the paths of the XML API that clients download from."""
    if request.method == "POST" and (path == "/batch" or path.startswith("/batch/storage/")):
        return Route("batch", _batch)
    bucket, _, name = path.removeprefix("/").partition("/")
    if bucket and (route := _xml_upload(request, decode_segment(bucket), decode_segment(name))) is not None:
        return route
    if request.method in {"GET", "HEAD"} and bucket and name:
        return Route("objects.get_media", downloads.get_media, (decode_segment(bucket), decode_segment(name)))
    raise _unknown(request)


def _xml_upload(request: Request, bucket: str, name: str) -> Route | None:
    """Return the operation on multipart uploads that a path of the XML API asks for, if it does."""
    key = request.query.get("uploadId")
    if not name:
        is_list = request.method == "GET" and "uploads" in request.query
        return Route("multipart.list", xml_uploads.list_uploads, (bucket,)) if is_list else None
    if key is not None and request.method in _XML_BY_KEY:
        operation, handler = _XML_BY_KEY[request.method]
        return Route(operation, handler, (bucket, name, key))
    if request.method == "POST" and "uploads" in request.query:
        return Route("multipart.initiate", xml_uploads.initiate, (bucket, name))
    return None


_XML_BY_KEY: Final[dict[str, tuple[str, Handler]]] = {
    "PUT": ("multipart.put_part", xml_uploads.put_part),
    "GET": ("multipart.list_parts", xml_uploads.list_parts),
    "POST": ("multipart.complete", xml_uploads.complete),
    "DELETE": ("multipart.abort", xml_uploads.abort),
}


def _unknown(request: Request) -> ApiError:
    if request.method not in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}:
        return ApiError(405, "Method Not Allowed")
    return ApiError(404, "Not Found")
