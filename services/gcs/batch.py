"""Many deletes in one request: multipart/mixed, as cloud.google.com/storage/docs/batch describes it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from services.errors import PailError, Transient
from services.gcs.failures import Subject, from_answer, parse_answer

BATCH_LIMIT: Final = 100
"""Requests that one batch may hold."""

_BOUNDARY: Final = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
"""What separates the parts (RFC 2046, section 5.1.1)."""


def encode_deletes(targets: Sequence[str]) -> tuple[str, bytes]:
    """Return content type and body of a batch that deletes; `targets` are paths with their query, encoded."""
    boundary = f"===pail-{secrets.token_hex(12)}==="
    parts = [
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: <pail+{index}>\r\n\r\nDELETE {target} HTTP/1.1\r\n\r\n\r\n"
        for index, target in enumerate(targets)
    ]
    return f'multipart/mixed; boundary="{boundary}"', ("".join(parts) + f"--{boundary}--\r\n").encode("ascii")


def decode_answers(headers: Mapping[str, str], body: bytes, subjects: Sequence[Subject]) -> list[Exception | None]:
    """Return one outcome for each subject, in order; one that got no answer is `Transient`: nobody knows."""
    outcomes: list[Exception | None] = [
        Transient(subject.failed("the answer to it is missing"), url=subject.url) for subject in subjects
    ]
    boundary = _BOUNDARY.search(headers.get("content-type", ""))
    # Half of what a large delete costs here went into the parser of mail that Python has: these parts are plain.
    for part in body.split(b"--" + boundary[1].encode("latin-1"))[1:] if boundary else ():
        part_headers, content = _parse(part.removeprefix(b"\r").removeprefix(b"\n"))
        index = _index(part_headers.get("content-id", ""))
        if index is not None and index < len(subjects):
            outcomes[index] = _outcome(content, subjects[index])
    return outcomes


def _parse(text: bytes) -> tuple[dict[str, str], bytes]:
    """Take lines of headers from what follows their empty line; a first line without a colon is no header."""
    cut, mark = text.find(b"\r\n\r\n"), 4
    if cut < 0:
        cut, mark = text.find(b"\n\n"), 2
    head = text[:cut] if cut >= 0 else text
    pairs = (line.partition(":") for line in head.decode("latin-1").splitlines())
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}, text[len(head) + mark :]


def _index(content_id: str) -> int | None:
    # The answer to <pail+7> is <response-pail+7>.
    number = content_id.strip(" <>").rpartition("+")[2]
    return int(number) if number.isdecimal() else None


def _outcome(content: bytes, subject: Subject) -> PailError | None:
    words = content[:64].decode("latin-1").split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdecimal():
        return Transient(subject.failed("the answer to it arrived damaged"), url=subject.url)
    status = int(words[1])
    if status < 300:
        return None
    headers, body = _parse(content)
    return from_answer(subject, parse_answer(status, headers, body.strip()))
