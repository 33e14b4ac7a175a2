"""Heads of HTTP/1.1 answers, and bodies in chunks (RFC 9112), taken apart strictly."""

from __future__ import annotations

from typing import Final, NamedTuple

HEAD_LIMIT: Final = 64 * 1024
"""Bytes that the head of an answer may have."""

LINE_LIMIT: Final = 4 * 1024
"""Bytes that the line before a chunk, or one after the last chunk, may have."""

KNOWN_LINES: Final = 256
"""Lines of headers that are remembered: most of an answer's are those of the one before."""

KNOWN_LENGTH: Final = 128
"""Characters of a line that is remembered."""

_COMMON: Final = frozenset(
    {
        "accept-ranges",
        "cache-control",
        "content-length",
        "content-type",
        "server",
        "vary",
        "x-goog-metageneration",
        "x-goog-storage-class",
        "x-goog-stored-content-encoding",
        "x-goog-stored-content-length",
    }
)
"""Headers whose lines come again and again, and hold no secret."""

_known: dict[str, tuple[str, str]] = {}

_NO_BODY: Final = frozenset({204, 304})


class Head(NamedTuple):
    """The head of an answer."""

    status: int
    """Status of HTTP."""
    headers: dict[str, str]
    """By name in lower case; those that came several times are joined by commas (RFC 9110, section 5.3)."""
    length: int | None
    """Bytes of the body; None where only its chunks, or the end of the connection, tell."""
    chunked: bool
    """Whether the body comes in chunks."""
    keep: bool
    """Whether the connection may carry another request afterwards."""


def parse_head(raw: bytes) -> Head:
    """Return the head of an answer, given without its empty line; raises `ValueError` for what is not one."""
    lines = raw.decode("latin-1").split("\r\n")
    status_line = lines[0]
    if status_line[:7] != "HTTP/1." or status_line[8:9] != " " or not status_line[9:12].isdecimal():
        raise ValueError("not an answer of HTTP/1")
    status = int(status_line[9:12])
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, value = _known.get(line) or _header(line)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    chunked = "transfer-encoding" in headers
    if chunked and headers["transfer-encoding"].lower() != "chunked":
        raise ValueError("the body is in an unknown transfer coding")
    length = None if chunked else _length(headers.get("content-length"))
    if status in _NO_BODY or status < 200:
        chunked, length = False, 0
    wish = headers.get("connection", "").lower()
    keep = "close" not in wish and (status_line[7] != "0" or "keep-alive" in wish)
    return Head(status, headers, length, chunked, keep and (chunked or length is not None))


def _header(line: str) -> tuple[str, str]:
    """Return name and value of a header; raises `ValueError` where it is malformed."""
    name, colon, value = line.partition(":")
    # A folded line begins with a space and a name never does (RFC 9112, section 5.2).
    if not colon or not name or name[0] in " \t" or name[-1] in " \t" or "\n" in line or "\0" in line:
        raise ValueError("a header is malformed")
    found = name.lower(), value.strip(" \t")
    if found[0] in _COMMON and len(line) < KNOWN_LENGTH:
        if len(_known) >= KNOWN_LINES:
            _known.clear()
        _known[line] = found
    return found


def _length(text: str | None) -> int | None:
    if text is None:
        return None
    if len(text) <= 18 and text.isascii() and text.isdecimal():
        return int(text)
    values = {value.strip() for value in text.split(",")}
    value = values.pop()
    if values or not (value.isascii() and value.isdecimal()) or len(value) > 18:
        raise ValueError("the length of the body is malformed")
    return int(value)


class Chunks:
    """A body in chunks (RFC 9112, section 7.1), decoded as it comes in."""

    __slots__ = ("_left", "_line", "_where", "done", "rest")

    def __init__(self) -> None:
        self.done = False
        """Whether the last chunk and its trailer have come."""
        self.rest = b""
        """What came after the end."""
        self._where = "size"
        self._left = 0
        self._line = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the pieces of the body that `data` holds; raises `ValueError` where it is malformed."""
        found: list[bytes] = []
        position = 0
        while position < len(data) and not self.done:
            if self._where == "data":
                piece = data[position : position + self._left]
                position += len(piece)
                self._left -= len(piece)
                found.append(piece)
                if not self._left:
                    self._where = "end"
                continue
            cut = data.find(b"\n", position)
            self._line += data[position : cut + 1 or None]
            if len(self._line) > LINE_LIMIT:
                raise ValueError("a line between chunks is too long")
            if cut < 0:
                return found
            position = cut + 1
            line, self._line = self._line, b""
            if not line.endswith(b"\r\n"):
                raise ValueError("a line between chunks is malformed")
            self._take_line(line[:-2])
        self.rest = data[position:]
        return found

    def _take_line(self, line: bytes) -> None:
        if self._where == "size":
            digits = line.partition(b";")[0].strip(b" \t")
            if not digits or len(digits) > 15 or digits.strip(b"0123456789abcdefABCDEF"):
                raise ValueError("the size of a chunk is malformed")
            self._left = int(digits, 16)
            self._where = "data" if self._left else "trailer"
        elif self._where == "end":
            if line:
                raise ValueError("a chunk is longer than it said")
            self._where = "size"
        elif not line:  # the empty line after the trailer
            self.done = True
