"""Batches: up to 100 calls without media in one `multipart/mixed` request."""

from __future__ import annotations

import asyncio
import http
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from services.localstore.api_error import ApiError, bad_request
from services.localstore.http import Request, Response, parse_query
from services.localstore.multipart import boundary_of, parse_headers

CALLS_LIMIT: Final = 100
"""Calls in one batch."""

Dispatch = Callable[[Request], Awaitable[Response]]
"""Runs one call; errors are answers as well."""


async def run(request: Request, dispatch: Dispatch) -> Response:
    """Run the calls of a batch side by side and answer them in order."""
    boundary = boundary_of(request.headers.get("content-type", ""), "mixed")
    parts = _split(await request.body(), boundary)
    if len(parts) > CALLS_LIMIT:
        raise bad_request(f"A batch may hold {CALLS_LIMIT} calls, this one has {len(parts)}.")
    answers = await asyncio.gather(*(_call(request, part, dispatch) for part in parts))
    mark = f"batch_{secrets.token_hex(16)}"
    body = b"".join(b"--%s\r\n%s\r\n" % (mark.encode(), answer) for answer in answers)
    body += b"--%s--\r\n" % mark.encode()
    return Response(200, [("Content-Type", f"multipart/mixed; boundary={mark}")], body)


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    """Return the parts between the delimiters, without the line ends around them."""
    pieces = (b"\n" + body).split(b"\n--" + boundary)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise bad_request("Failed to parse batch request, error: missing delimiter")
    return [piece.split(b"\n", 1)[-1] for piece in pieces[1:-1]]


async def _call(outer: Request, part: bytes, dispatch: Dispatch) -> bytes:
    headers, call = parse_headers(part)
    try:
        answer = await dispatch(_parse_call(outer, call))
    except ApiError as error:
        answer = Response(error.status, [("Content-Type", "application/json; charset=UTF-8")], error.body())
    content_id = headers.get("content-id", "")
    if content_id.startswith("<"):
        content_id = f"<response-{content_id[1:]}"
    phrase = http.HTTPStatus(answer.status).phrase if answer.status in set(http.HTTPStatus) else ""
    lines = ["Content-Type: application/http"]
    if content_id:
        lines.append(f"Content-ID: {content_id}")
    lines += ["", f"HTTP/1.1 {answer.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines += [f"Content-Length: {len(answer.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + answer.body


def _parse_call(outer: Request, call: bytes) -> Request:
    line, _, rest = call.lstrip(b"\r\n").partition(b"\n")
    words = line.decode("latin-1").strip().split(" ")
    if len(words) < 2:
        raise bad_request("Failed to parse batch request, error: missing request line")
    method, target = words[0].upper(), words[1]
    if "://" in target.split("?")[0]:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path, _, raw_query = target.partition("?")
    if path.startswith(("/upload/", "/resumable/", "/download/", "/batch")) or "alt=media" in raw_query.split("&"):
        raise bad_request("A batch may not hold media or batches.")
    headers, body = parse_headers(rest)
    length = headers.get("content-length", "")
    body = body[: int(length)] if length.isdecimal() else body.removesuffix(b"\n").removesuffix(b"\r")

    async def stream() -> AsyncIterator[bytes]:
        yield body

    return Request(method, path, parse_query(raw_query), raw_query, headers, stream, outer.base_url)
