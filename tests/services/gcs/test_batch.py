"""Answers to many deletes in one: every outcome finds its object, whatever the server writes."""

from __future__ import annotations

import json

import pytest

from services.errors import ObjectNotFound, PreconditionFailed, RateLimited, Transient
from services.gcs.batch import decode_answers
from services.gcs.failures import Subject

SUBJECTS = [Subject("delete", "b", name, is_object=True) for name in ("one", "two", "three")]


def part(index: int, status: str, body: bytes = b"", *headers: str) -> bytes:
    inner = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers))
    outer = f"Content-Type: application/http\r\nContent-ID: <response-pail+{index}>\r\n\r\n"
    return outer.encode() + inner.encode() + b"\r\n" + body


def answer(*parts: bytes, boundary: str = "batch_x=y") -> bytes:
    mark = b"--" + boundary.encode()
    return b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts) + mark + b"--\r\n"


def outcomes(body: bytes, content_type: str = "multipart/mixed; boundary=batch_x=y") -> list[type[Exception] | None]:
    found = decode_answers({"content-type": content_type}, body, SUBJECTS)
    return [None if one is None else type(one) for one in found]


def test_answers_in_any_order_find_their_objects() -> None:
    body = answer(part(2, "412 X"), part(0, "204 No Content"), part(1, "404 Not Found"))
    assert outcomes(body) == [None, ObjectNotFound, PreconditionFailed]


@pytest.mark.parametrize("content_type", ['multipart/mixed; boundary="a b"', 'Multipart/Mixed; BOUNDARY="a b"; x=y'])
def test_a_boundary_may_be_quoted(content_type: str) -> None:
    body = answer(*(part(index, "204 X") for index in range(3)), boundary="a b")
    assert outcomes(body, content_type) == [None] * 3


def test_bare_line_feeds_are_understood() -> None:
    body = answer(part(0, "204 X"), part(1, "404 X", b"Not Found"), part(2, "204 X")).replace(b"\r\n", b"\n")
    assert outcomes(body) == [None, ObjectNotFound, None]


def test_words_and_delays_of_a_refusal_are_kept() -> None:
    error = json.dumps({"error": {"code": 429, "message": "slow down", "errors": [{"reason": "rateLimitExceeded"}]}})
    body = answer(part(0, "204 X"), part(1, "204 X"), part(2, "429 X", error.encode(), "Retry-After: 7"))
    found = decode_answers({"content-type": "multipart/mixed; boundary=batch_x=y"}, body, SUBJECTS)[2]
    assert isinstance(found, RateLimited)
    assert found.retry_after_s == 7
    assert found.url == "gs://b/three"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        answer(part(7, "204 X"), b"", b"Content-ID: <response-pail+x>\r\n\r\nHTTP/1.1 204 X"),
        answer(part(0, "204 X"), boundary="other"),
        answer(*(part(index, "???") for index in range(3))),
        answer(*(part(index, "204 X").replace(b"HTTP", b"FTP") for index in range(3))),
    ],
)
def test_an_answer_that_is_missing_or_damaged_says_nothing_about_the_object(body: bytes) -> None:
    assert outcomes(body) == [Transient] * 3


def test_many_deletes_are_done_only_where_each_has_its_own_answer() -> None:
    done = [part(index, "204 No Content") for index in range(3)]
    assert outcomes(answer(*done)) == [None] * 3
    assert outcomes(answer(done[0], done[1], done[1])) == [None, None, Transient]
    assert outcomes(answer(done[0], done[1])) == [None, None, Transient]
    echo = part(2, "404 Not Found", b"see HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content")
    assert outcomes(answer(done[0], done[1], echo)) == [None, None, ObjectNotFound]
    assert outcomes(answer(*done).replace(b"pail+2>", b"pail+3>")) == [None, None, Transient]
    assert outcomes(answer(*done).replace(b"--batch_x=y\r\n", b"--batch_x=z\r\n", 1)) == [Transient, None, None]


def test_an_answer_without_a_boundary_says_nothing() -> None:
    assert outcomes(answer(part(0, "204 X")), "text/html") == [Transient] * 3
