"""Requests and responses: what the operations see of HTTP.

`Request` and `Response` carry no trace of the server below, so that a call inside a batch is the same thing as one
that came over the wire.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from services.localstore.api_error import ApiError, bad_request

JSON_BODY_LIMIT_BYTES: Final = 16 << 20
"""Bytes that a body of metadata, or of a batch, may have."""

HEADER_SAFE: Final = re.compile(r"[\x20-\x7e\x80-\xff]*")
"""What a header's value may hold; anything else in metadata is left out of the headers."""


class Disconnected(Exception):
    """The client went away before its request was complete."""


Chunks = Callable[[], AsyncIterator[bytes]]
"""Starts the body's stream; used once."""


@dataclass(slots=True)
class Request:
    """One call, taken apart."""

    method: str
    """GET, POST and so on."""
    path: str
    """The path as it was sent, still percent-encoded: names may hold anything."""
    query: Mapping[str, str]
    """Decoded parameters; the last one of a name counts."""
    raw_query: str
    """The parameters as they were sent."""
    headers: Mapping[str, str]
    """By lower-case name."""
    stream: Chunks
    """The body."""
    base_url: str
    """Scheme and authority that the client used, for links."""
    abort: Callable[[], None] = lambda: None
    """Cuts the connection at once."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Return the body piece by piece; raises `Disconnected`."""
        return self.stream()

    async def body(self, limit: int = JSON_BODY_LIMIT_BYTES) -> bytes:
        """Return the whole body; raises `ApiError` 413 above `limit` bytes."""
        data = bytearray()
        async for chunk in self.chunks():
            data += chunk
            if len(data) > limit:
                raise ApiError(413, f"The body is larger than {limit} bytes.")
        return bytes(data)

    async def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; an empty body is an empty object."""
        return parse_json_object(await self.body())

    def flag(self, name: str) -> bool:
        """Return a boolean parameter."""
        return boolean(self.query.get(name, "false"), name)

    def every(self, name: str) -> list[str]:
        """Return all values of a repeated parameter."""
        return [value for key, value in parse_qsl(self.raw_query, keep_blank_values=True) if key == name]

    def integer(self, name: str) -> int | None:
        """Return a number parameter, None when it is missing; raises `ApiError` 400 for anything else."""
        return integer(self.query.get(name), name)


def parse_json_object(data: bytes) -> dict[str, Any]:
    """Parse a JSON object; nothing, and null, are an empty one.  Raises `ApiError` 400."""
    if not data.strip():
        return {}
    try:
        value = json.loads(data)
        # A lone surrogate (written \\ud800) is no text: it could be neither stored nor sent back.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise bad_request("Parse Error", reason="parseError") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request("Parse Error: an object was expected", reason="parseError")
    return value


def boolean(text: str, name: str) -> bool:
    """Parse `true` or `false`; raises `ApiError` 400."""
    if text.lower() in {"true", "1", ""}:
        return True
    if text.lower() in {"false", "0"}:
        return False
    raise bad_request(f"Invalid value for {name}: {text!r}", reason="invalidParameter", location=name)


def integer(text: str | None, name: str) -> int | None:
    """Parse a decimal number of 64 bits; raises `ApiError` 400."""
    if text is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,19}", text, re.ASCII) or abs(int(text)) >= 1 << 63:
        raise bad_request(f"Invalid value for {name}: {text!r}", reason="invalidParameter", location=name)
    return int(text)


def parse_query(raw: str) -> dict[str, str]:
    """Decode a query string; raises `ApiError` 400 for bytes that are not UTF-8."""
    try:
        return dict(parse_qsl(raw, keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise bad_request("The query is not valid UTF-8.", reason="invalidParameter") from error


def decode_segment(segment: str) -> str:
    """Decode one percent-encoded path segment; raises `ApiError` 400 for bytes that are not UTF-8."""
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError as error:
        raise bad_request("The name is not valid UTF-8.") from error


@dataclass(slots=True)
class Response:
    """An answer: a status, headers, and bytes or a stream of them."""

    status: int = 200
    """HTTP status."""
    headers: list[tuple[str, str]] = field(default_factory=list)
    """In order; `Content-Length` is added by whoever sends it."""
    body: bytes = b""
    """The whole body, where `stream` is None."""
    stream: AsyncIterator[bytes] | None = None
    """The body in pieces."""
    length: int | None = None
    """Bytes in `stream`; None when they are not known before."""
    close: Callable[[], Awaitable[None]] | None = None
    """Releases what `stream` holds, whether or not it was sent to its end."""


def json_response(value: Any, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Build an answer of JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, [("Content-Type", "application/json; charset=UTF-8"), *headers], body)


def empty_response(status: int = 204) -> Response:
    """Build an answer without a body."""
    return Response(status)


def error_response(error: ApiError) -> Response:
    """Build the answer for an error; 304 has no body."""
    headers = list(error.headers)
    if error.status == 304:
        return Response(304, headers)
    return Response(error.status, [("Content-Type", "application/json; charset=UTF-8"), *headers], error.body())


def add_header(headers: list[tuple[str, str]], name: str, value: object) -> None:
    """Add a header unless its value is missing or cannot stand in one."""
    text = "" if value is None else str(value)
    if text and HEADER_SAFE.fullmatch(text):
        headers.append((name, text))
