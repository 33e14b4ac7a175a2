"""Heads and chunks of HTTP/1.1: what is taken, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gcs.lean.head import Chunks, parse_head


def head(*lines: str) -> bytes:
    return "\r\n".join(lines).encode("latin-1")


def test_a_head_is_taken_apart() -> None:
    found = parse_head(head("HTTP/1.1 206 Partial Content", "Content-Length: 5", "X-Goog-Hash: crc32c=AA==", "Range:x"))
    assert (found.status, found.length, found.chunked, found.keep) == (206, 5, False, True)
    assert found.headers == {"content-length": "5", "x-goog-hash": "crc32c=AA==", "range": "x"}


def test_headers_that_come_twice_are_joined() -> None:
    found = parse_head(
        head("HTTP/1.1 200 OK", "X-Goog-Hash: crc32c=AA==", "x-goog-hash: md5=BB==", "Content-Length: 0")
    )
    assert found.headers["x-goog-hash"] == "crc32c=AA==, md5=BB=="


@pytest.mark.parametrize(
    ("lines", "length", "chunked", "keep"),
    [
        (["HTTP/1.1 204 X"], 0, False, True),
        (["HTTP/1.1 304 X", "Content-Length: 7"], 0, False, True),
        (["HTTP/1.1 100 X"], 0, False, True),
        (["HTTP/1.1 200 X"], None, False, False),
        (["HTTP/1.1 200 X", "Transfer-Encoding: chunked"], None, True, True),
        (["HTTP/1.1 200 X", "Transfer-Encoding: chunked", "Content-Length: 3"], None, True, True),
        (["HTTP/1.1 200 X", "Content-Length: 3, 3"], 3, False, True),
        (["HTTP/1.1 200 X", "Content-Length: 3", "Connection: close"], 3, False, False),
        (["HTTP/1.0 200 X", "Content-Length: 3"], 3, False, False),
        (["HTTP/1.0 200 X", "Content-Length: 3", "Connection: Keep-Alive"], 3, False, True),
    ],
)
def test_the_end_of_the_body_is_known(lines: list[str], length: int | None, *, chunked: bool, keep: bool) -> None:
    found = parse_head(head(*lines))
    assert (found.length, found.chunked, found.keep) == (length, chunked, keep)


@pytest.mark.parametrize(
    "lines",
    [
        ["SSH-2.0-OpenSSH"],
        ["HTTP/2 200"],
        ["HTTP/1.1 2x0 OK"],
        ["HTTP/1.1 200 OK", "no colon"],
        ["HTTP/1.1 200 OK", ": nothing"],
        ["HTTP/1.1 200 OK", "A: b", " folded"],
        ["HTTP/1.1 200 OK", "Content-Length : 5"],
        ["HTTP/1.1 200 OK", "A: b\nContent-Length: 5"],
        ["HTTP/1.1 200 OK", "A: b\0"],
        ["HTTP/1.1 200 OK", "Content-Length: 5, 6"],
        ["HTTP/1.1 200 OK", "Content-Length: -1"],
        ["HTTP/1.1 200 OK", "Content-Length: +1"],
        ["HTTP/1.1 200 OK", "Content-Length: ٣"],
        ["HTTP/1.1 200 OK", f"Content-Length: {'9' * 19}"],
        ["HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked"],
    ],
)
def test_what_is_odd_is_refused(lines: list[str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_head("\r\n".join(lines).encode("utf-8"))


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.data())
def test_chunks_are_decoded_however_they_are_cut(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(b"%x;note=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nTrailer: x\r\n\r\nREST"
    chunks = Chunks()
    found = []
    while not chunks.done:
        size = data.draw(st.integers(1, max(1, len(whole))))
        found += chunks.feed(whole[:size])
        whole = whole[size:]
    assert b"".join(found) == b"".join(pieces)
    assert chunks.rest + whole == b"REST"


@pytest.mark.parametrize(
    "text",
    [b"x\r\n", b"\r\n", b"-1\r\n", b"5\n", b"1\r\nab\r\n", b"1\r\na\r\r\n", b"ffffffffffffffff\r\n", b"1" * 5000],
)
def test_malformed_chunks_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Chunks().feed(text)
