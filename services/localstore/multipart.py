"""`multipart/related` bodies: a small part of metadata, then the content, which streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import Message
from typing import Final

from services.localstore.api_error import ApiError, bad_request
from services.localstore.http import Request

METADATA_LIMIT_BYTES: Final = 1 << 20
"""Bytes that the first part and the headers of the second may have together."""


def boundary_of(content_type: str, kind: str) -> bytes:
    """Return the boundary of a `multipart/KIND` type; raises `ApiError` 400."""
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_param("boundary")
    if message.get_content_type() != f"multipart/{kind}" or not isinstance(boundary, str) or not boundary:
        raise bad_request(f"A Content-Type of multipart/{kind} with a boundary is required.")
    # gsutil's library quotes it as Python does.
    if len(boundary) > 2 and boundary[0] == boundary[-1] == "'":
        boundary = boundary[1:-1]
    return boundary.encode("latin-1", "replace")


def parse_headers(block: bytes) -> tuple[dict[str, str], bytes]:
    """Split a part into its headers, by lower-case name, and what follows them."""
    if block.startswith((b"\r\n", b"\n")):
        return {}, block.removeprefix(b"\r").removeprefix(b"\n")
    ends = [(block.find(mark), mark) for mark in (b"\r\n\r\n", b"\n\n") if mark in block]
    if not ends:
        return {}, block
    end, mark = min(ends)
    headers = {}
    for line in block[:end].split(b"\n"):
        name, _, value = line.decode("latin-1").strip().partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers, block[end + len(mark) :]


class RelatedBody:
    """Reads the two parts of an upload."""

    def __init__(self, request: Request) -> None:
        self._delimiter = b"--" + boundary_of(request.headers.get("content-type", ""), "related")
        self._chunks = request.chunks()
        self._buffer = b""
        self._newline = b"\r\n"

    async def metadata(self) -> bytes:
        """Return the first part's content."""
        await self._until(self._delimiter)
        part = await self._until(self._delimiter)
        # What precedes a delimiter is the line end that belongs to it.
        return parse_headers(_after_line(part))[1].removesuffix(b"\n").removesuffix(b"\r")

    async def media_type(self) -> str | None:
        """Return the second part's content type; the content comes next."""
        while b"\n" not in self._buffer:
            await self._more()
        line, self._buffer = self._buffer.split(b"\n", 1)
        # gsutil ends its lines with a bare LF.
        self._newline = b"\r\n" if line.endswith(b"\r") else b"\n"
        if line.strip():
            raise bad_request("The multipart body has no second part.")
        while not self._buffer.startswith((b"\r\n", b"\n")) and not (
            b"\r\n\r\n" in self._buffer or b"\n\n" in self._buffer
        ):
            await self._more()
        headers, self._buffer = parse_headers(self._buffer)
        if headers.get("content-transfer-encoding", "binary").lower() not in {"binary", "8bit", "7bit"}:
            raise bad_request("The content of an upload must be sent as binary.")
        return headers.get("content-type")

    async def content(self) -> AsyncIterator[bytes]:
        """Yield the content up to the closing delimiter; raises `ApiError` 400 when there is none."""
        end = self._newline + self._delimiter
        # An empty content may be followed by its delimiter at once.
        skip = len(self._newline)
        buffer, self._buffer = self._newline + self._buffer, b""
        while (index := buffer.find(end)) < 0:
            keep = len(end) - 1
            if len(buffer) - keep > skip:
                yield buffer[skip : len(buffer) - keep]
                skip, buffer = 0, buffer[len(buffer) - keep :]
            chunk = await anext(self._chunks, None)
            if chunk is None:
                raise bad_request("The multipart body ends without its closing delimiter.")
            buffer += chunk
        if index > skip:
            yield buffer[skip:index]
        async for _rest in self._chunks:
            pass

    async def _until(self, mark: bytes) -> bytes:
        while (index := self._buffer.find(mark)) < 0:
            await self._more()
        found, self._buffer = self._buffer[:index], self._buffer[index + len(mark) :]
        return found

    async def _more(self) -> None:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            raise bad_request("The multipart body ends too early.")
        self._buffer += chunk
        if len(self._buffer) > METADATA_LIMIT_BYTES + len(chunk):
            raise ApiError(413, "The metadata part is too large.")


def _after_line(part: bytes) -> bytes:
    return part.split(b"\n", 1)[1] if b"\n" in part else part
