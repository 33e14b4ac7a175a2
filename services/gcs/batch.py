"""Many deletes in one request: multipart/mixed, as cloud.google.com/storage/docs/batch describes it."""

from __future__ import annotations

import email.parser
import email.policy
import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from services.errors import PailError, Transient
from services.gcs.failures import Subject, from_answer, parse_answer

BATCH_LIMIT: Final = 100
"""Requests that one batch may hold."""


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
    head = f"Content-Type: {headers.get('content-type', '')}\r\n\r\n".encode("latin-1", "replace")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    for part in message.iter_parts() if message.is_multipart() else ():
        index = _index(str(part.get("Content-ID", "")))
        if index is not None and index < len(subjects):
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                outcomes[index] = _outcome(content, subjects[index])
    return outcomes


def _index(content_id: str) -> int | None:
    # The answer to <pail+7> is <response-pail+7>.
    number = content_id.strip(" <>").rpartition("+")[2]
    return int(number) if number.isdecimal() else None


def _outcome(content: bytes, subject: Subject) -> PailError | None:
    head, _, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = head.decode("latin-1").split("\n")
    words = lines[0].split(maxsplit=2)
    if len(words) < 2 or not words[1].isdecimal():
        return Transient(subject.failed("the answer to it arrived damaged"), url=subject.url)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    status = int(words[1])
    return None if status < 300 else from_answer(subject, parse_answer(status, headers, body.strip()))
