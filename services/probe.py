"""One small GET with a hard time limit, straight to an address: for sidecars and metadata servers.

Proxies are not asked and no redirect is followed: both would carry the question off this machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

ANSWER_LIMIT: Final = 64 * 1024
"""Bytes of an answer that are read."""


class ProbeFailed(Exception):
    """Nobody answered, or not in time, or not in HTTP; the words complete "the server …"."""


class ProbeAnswer(NamedTuple):
    """What was answered."""

    status: int
    """Status of HTTP."""
    headers: Mapping[str, str]
    """Headers, their names in lower case."""
    body: bytes
    """The body."""


async def get(url: str, *, limit_s: float, headers: Mapping[str, str] | None = None) -> ProbeAnswer:
    """Return the answer to a GET of an http URL within `limit_s` seconds in all; raises `ProbeFailed`."""
    parts = urlsplit(url)
    # HTTP/1.0: the answer ends where the connection does, and nobody sends chunks.
    lines = [f"GET {parts.path} HTTP/1.0", f"Host: {parts.netloc}", "Accept: */*"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
    try:
        async with asyncio.timeout(limit_s):
            raw = await _exchange(parts.hostname or "", parts.port or 80, request)
    except TimeoutError:
        raise ProbeFailed(f"does not answer within {limit_s:g} s") from None
    except OSError:
        raise ProbeFailed("is not there") from None
    return _parse(raw)


async def _exchange(host: str, port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        answer = bytearray()
        while len(answer) < ANSWER_LIMIT and (piece := await reader.read(ANSWER_LIMIT - len(answer))):
            answer += piece
            if _is_complete(answer):
                break
        return bytes(answer)
    finally:
        writer.transport.abort()


def _is_complete(answer: bytearray) -> bool:
    """Tell whether the announced length has arrived: not every server closes the connection after it."""
    head, separator, body = bytes(answer).partition(b"\r\n\r\n")
    length = _headers(head).get("content-length", "")
    return bool(separator) and length.isdecimal() and len(body) >= int(length)


def _parse(raw: bytes) -> ProbeAnswer:
    head, separator, body = raw.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(maxsplit=2)
    if not separator or len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ProbeFailed("does not speak HTTP")
    return ProbeAnswer(int(words[1]), _headers(head), body)


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines}
