"""Many deletes or moves in one request: multipart/mixed, as cloud.google.com/storage/docs/batch describes it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final, overload

from services.errors import PailError, Transient
from services.gcs.failures import Subject, from_answer, parse_answer

BATCH_LIMIT: Final = 100
"""Requests that one batch may hold."""

_CONTENT_ID: Final = re.compile(rb"^content-id:[ \t]*<?[^>\r\n]*\+(\d{1,9})[> \t\r]*$", re.IGNORECASE | re.MULTILINE)
"""Which request a part answers: the answer to `<pail+7>` is `<response-pail+7>`."""

_DELETED: Final = b"HTTP/1.1 204 "
"""What the answer to a delete begins with, nearly always."""

_ANSWER: Final = b"\r\n\r\nHTTP/1.1 "
"""What the answer of a part begins with, after the part's own headers."""

_BOUNDARY: Final = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
"""What separates the parts (RFC 2046, section 5.1.1)."""


class Subjects(Sequence[Subject]):
    """What the requests of a batch are about: made only where something is to be said of one."""

    def __init__(self, doing: str, bucket: str, objects: Sequence[str]) -> None:
        """Say that each is `doing` (completes "cannot …") something with an object of a bucket."""
        self._doing = doing
        self._bucket = bucket
        self._objects = objects

    def __len__(self) -> int:
        return len(self._objects)

    @overload
    def __getitem__(self, index: int) -> Subject: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Subject]: ...
    def __getitem__(self, index: int | slice) -> Subject | Sequence[Subject]:
        if isinstance(index, slice):
            return Subjects(self._doing, self._bucket, self._objects[index])
        return Subject(self._doing, self._bucket, self._objects[index], is_object=True)


def encode_calls(method: str, targets: Sequence[str]) -> tuple[str, bytes]:
    """Return content type and body of a batch of requests without bodies; `targets` are paths with query, encoded."""
    boundary = f"===pail-{os.urandom(12).hex()}==="
    head = f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <pail+"
    parts = [f"{head}{index}>\r\n\r\n{method} {target} HTTP/1.1\r\n\r\n\r\n" for index, target in enumerate(targets)]
    return f'multipart/mixed; boundary="{boundary}"', ("".join(parts) + f"--{boundary}--\r\n").encode("ascii")


def decode_answers(headers: Mapping[str, str], body: bytes, subjects: Sequence[Subject]) -> list[Exception | None]:
    """Return one outcome for each subject, in order; one that got no answer is `Transient`: nobody knows."""
    if _all_deleted(headers, body, len(subjects)):
        return [None] * len(subjects)
    found = decode_bodies(headers, body, subjects)
    return [None if isinstance(answer, bytes) else answer for answer in found]


def _all_deleted(headers: Mapping[str, str], body: bytes, count: int) -> bool:
    """Tell at once whether each request has one answer and all of them are 204, as nearly always."""
    boundary = _BOUNDARY.search(headers.get("content-type", ""))
    if boundary is None or not body.count(_ANSWER) == body.count(b"\r\n\r\n" + _DELETED) == count:
        return False
    marks = _CONTENT_ID.findall(body)
    parts = body.count(b"--" + boundary[1].encode("latin-1"))
    return parts == count + 1 and len(marks) == count and set(map(int, marks)) == set(range(count))


def decode_bodies(headers: Mapping[str, str], body: bytes, subjects: Sequence[Subject]) -> list[bytes | PailError]:
    """Return for each subject, in order, what it was answered with, or why not; no answer is `Transient`."""
    outcomes: list[bytes | PailError | None] = [None] * len(subjects)
    boundary = _BOUNDARY.search(headers.get("content-type", ""))
    # Half of what a large delete costs here went into the parser of mail that Python has: these parts are plain.
    for part in body.split(b"--" + boundary[1].encode("latin-1"))[1:] if boundary else ():
        head, content = _split(part.removeprefix(b"\r").removeprefix(b"\n"))
        mark = _CONTENT_ID.search(head)
        if mark is not None and int(mark[1]) < len(subjects):
            outcomes[int(mark[1])] = _outcome(content, subjects, int(mark[1]))
    return [_missing(subjects[index]) if each is None else each for index, each in enumerate(outcomes)]


def _missing(subject: Subject) -> Transient:
    return Transient(subject.failed("the answer to it is missing"), url=subject.url)


def _split(text: bytes) -> tuple[bytes, bytes]:
    """Take lines of headers from what follows their empty line."""
    cut, mark = text.find(b"\r\n\r\n"), 4
    if cut < 0:
        cut, mark = text.find(b"\n\n"), 2
    return (text[:cut], text[cut + mark :]) if cut >= 0 else (text, b"")


def _parse(text: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers of an answer and its body; a first line without a colon is no header."""
    head, body = _split(text)
    pairs = (line.partition(":") for line in head.decode("latin-1").splitlines())
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}, body


def _outcome(content: bytes, subjects: Sequence[Subject], index: int) -> bytes | PailError:
    if content.startswith(_DELETED):
        return b""
    words = content[:64].decode("latin-1").split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdecimal():
        subject = subjects[index]
        return Transient(subject.failed("the answer to it arrived damaged"), url=subject.url)
    status = int(words[1])
    if status < 300:
        return _split(content)[1]
    headers, body = _parse(content)
    return from_answer(subjects[index], parse_answer(status, headers, body.strip()))
