"""What goes wrong outside, in our own words: answers and exceptions become `PailError`s with a cause and a remedy."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

from services.errors import (
    BucketNotFound,
    Conflict,
    Corrupt,
    Forbidden,
    NotAuthenticated,
    NotModified,
    ObjectNotFound,
    PailError,
    PreconditionFailed,
    RangeNotSatisfiable,
    RateLimited,
    Rejected,
    Retained,
    Transient,
)
from services.names import display_name

MESSAGE_LIMIT: Final = 300
"""Characters of a server's own words that are kept."""

RETRY_AFTER_LIMIT_S: Final = 3600.0
"""Seconds that a server may make us wait; more is taken for a mistake."""

_PERMISSION: Final = r"\b(?:storage|serviceusage|iam|resourcemanager)\.[A-Za-z.]+\.[A-Za-z]+\b"
_RATE_REASONS: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "slowDown", "quotaExceeded"})
_DAMAGE_REASONS: Final = frozenset({"parseError"})
_RETENTION_REASONS: Final = frozenset({"retentionPolicyNotMet", "objectUnderActiveHold"})
_RETENTION_WORDS: Final = r"(?i)retention|\bhold\b"
_CHECKSUM_WORDS: Final = r"(?i)crc32c|md5|checksum|hash"
_HIDDEN: Final = (
    r"(?i)(upload_id|x-goog-signature|(?:access|refresh|id|subject)_token|client_secret|private_key|bearer)"
    r"[\"']?[\s:=%]+[\"']?[^\s&\"',}]+"
)


class Subject(NamedTuple):
    """What a request is about, for messages."""

    doing: str
    """Completes "cannot …", such as `list` or `read`."""
    bucket: str = ""
    """Bucket it concerns; empty for none."""
    name: str = ""
    """Object or prefix; empty for the bucket itself."""
    is_object: bool = False
    """Whether a 404 that does not say what is missing means the object."""
    source_bucket: str = ""
    """The other bucket of a copy."""

    @property
    def url(self) -> str:
        """The raw `gs://` URL."""
        return f"gs://{self.bucket}/{self.name}" if self.name else f"gs://{self.bucket}" if self.bucket else ""

    @property
    def buckets(self) -> tuple[str, ...]:
        """Every bucket that it concerns, and that may want somebody to be billed."""
        return tuple(bucket for bucket in (self.bucket, self.source_bucket) if bucket)

    def failed(self, why: str) -> str:
        """Return one line that says what failed and why."""
        where = f" {display_name(self.url)}" if self.url else ""
        return f"cannot {self.doing}{where}: {why}"


class Unsent(Transient):
    """A request never left this machine: it may be sent again, whatever it would have changed."""

    reason = "unreachable"
    default_remedy = "Check the network and the address."


class Answer(NamedTuple):
    """A refusal, taken apart."""

    status: int
    """Status of HTTP."""
    reason: str
    """Google's word for it; may be empty."""
    message: str
    """The server's own words: one line, safe to show, bounded."""
    retry_after_s: float | None
    """How long it asked us to wait."""


def parse_answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Take a refusal apart: Google's JSON, or the plain text that media requests are refused with."""
    reason, message = "", ""
    try:
        error = json.loads(body)["error"]
        if isinstance(error, dict):
            message = str(error.get("message", ""))
            details = error.get("errors")
            if isinstance(details, list) and details and isinstance(details[0], dict):
                reason = str(details[0].get("reason", ""))
        else:  # the form of OAuth (RFC 6749, section 5.2)
            message = str(error)
    except (ValueError, KeyError, TypeError):
        if body.lstrip()[:5] == b"<?xml":
            reason, message = _xml_words(body)
        elif "html" not in headers.get("content-type", ""):
            message = body[: 4 * MESSAGE_LIMIT].decode("utf-8", "replace")
    return Answer(status, reason, tidy(message), _retry_after(headers.get("retry-after", "")))


def _xml_words(body: bytes) -> tuple[str, str]:
    """Return code and message of a refusal of the XML API (cloud.google.com/storage/docs/xml-api/reference-status)."""
    text = body[: 4 * MESSAGE_LIMIT].decode("utf-8", "replace")
    found = [re.search(rf"<{tag}>([^<]*)</{tag}>", text) for tag in ("Code", "Details", "Message")]
    import html  # only for such answers

    code, details, message = (html.unescape(match[1]) if match else "" for match in found)
    return code, details or message


def tidy(text: str) -> str:
    """Return the words of somebody else on one line, bounded, without secrets and safe on a terminal."""
    text = re.sub(_HIDDEN, r"\1…", " ".join(text.split()))
    return display_name(text[:MESSAGE_LIMIT]).rstrip(".")


def _retry_after(text: str) -> float | None:
    # RFC 9110, section 10.2.3: seconds, or a date.
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        import email.utils  # only for a date

        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(max(0.0, seconds), RETRY_AFTER_LIMIT_S) if seconds == seconds else None


def wants_user_project(answer: Answer) -> bool:
    """Tell whether a bucket refused because nobody was named to be billed.

    See cloud.google.com/storage/docs/requester-pays.
    """
    said = answer.message.lower()
    return answer.status == 400 and ("user project" in said or "userproject" in said or "requester pays" in said)


def from_answer(subject: Subject, answer: Answer) -> PailError:
    """Return our error for a refusal."""
    status = answer.status
    if status == 429 or (status in (403, 503) and answer.reason in _RATE_REASONS):
        return _with_delay(RateLimited, subject, "too many requests", answer)
    if status in (408, 425) or status >= 500:
        return _server_fault(subject, answer)
    known = _BY_STATUS.get(status)
    if known is not None:
        return known(subject, answer)
    return PailError(
        subject.failed(f"the server answered {status}" + (f" ({answer.message})" if answer.message else "")),
        remedy="Check that the endpoint speaks the JSON API of Google Cloud Storage.",
        url=subject.url,
    )


def _with_delay(kind: type[Transient], subject: Subject, why: str, answer: Answer) -> Transient:
    error = kind(subject.failed(why), url=subject.url)
    error.retry_after_s = answer.retry_after_s
    return error


def _server_fault(subject: Subject, answer: Answer) -> PailError:
    if answer.status in (501, 505):
        return Rejected(
            subject.failed("this server does not offer it"),
            remedy="Use another way, or another server.",
            url=subject.url,
        )
    words = answer.message or {408: "it timed out", 503: "it is overloaded", 504: "it timed out"}.get(
        answer.status, "a passing fault"
    )
    return _with_delay(Transient, subject, f"the server answered {answer.status}: {words}", answer)


def _bad_request(subject: Subject, answer: Answer) -> PailError:
    if wants_user_project(answer):
        return Rejected(
            subject.failed("the bucket bills whoever asks, and no project is known"),
            remedy="Name the project that pays with --quota-project ID.",
            url=subject.url,
        )
    if answer.reason in _DAMAGE_REASONS:
        # What we send can be parsed: a wrong bit got into it on its way.
        return Transient(subject.failed("the request arrived damaged"), url=subject.url)
    if re.search(_CHECKSUM_WORDS, answer.message):
        return Corrupt(subject.failed(answer.message), url=subject.url)
    return Rejected(
        subject.failed(answer.message or "the server calls the request invalid"),
        remedy="Correct what it names.",
        url=subject.url,
    )


def _unauthorized(subject: Subject, answer: Answer) -> PailError:
    if "no allowed resources" in answer.message.lower():
        return NotAuthenticated(
            subject.failed("no bucket is allowed for this Repl yet"),
            remedy="Restart the workspace: its sidecar was started before the bucket was created.",
            url=subject.url,
        )
    if "anonymous" in answer.message.lower():
        return NotAuthenticated(subject.failed("it is not public, and nobody is logged in"), url=subject.url)
    return NotAuthenticated(
        subject.failed("the credentials were refused" + (f" ({answer.message})" if answer.message else "")),
        url=subject.url,
    )


def _forbidden(subject: Subject, answer: Answer) -> PailError:
    if answer.reason in _RETENTION_REASONS or (
        not re.search(_PERMISSION, answer.message) and re.search(_RETENTION_WORDS, answer.message)
    ):
        return Retained(subject.failed(answer.message or "a retention policy or a hold protects it"), url=subject.url)
    if "no allowed resources" in answer.message.lower():
        return _unauthorized(subject, answer)
    permission = re.search(_PERMISSION, answer.message)
    why = (
        f"{permission.group()} is not allowed" if permission else answer.message or "these credentials do not allow it"
    )
    return Forbidden(subject.failed(why), url=subject.url)


def _missing(subject: Subject, answer: Answer) -> PailError:
    # The object's own place is taken out first: its bucket may be called "my-bucket", and servers differ in wording.
    said = answer.message.lower().replace(f"{subject.bucket}/{subject.name}".lower(), "")
    if "no such object" in said or (subject.is_object and "bucket" not in said):
        return ObjectNotFound(f"no object {display_name(subject.url)}", url=subject.url)
    bucket = f"gs://{subject.bucket}"
    return BucketNotFound(f"no bucket {display_name(bucket)}", url=bucket)


def _conflict(subject: Subject, answer: Answer) -> PailError:
    return Conflict(
        subject.failed(answer.message or "its state does not allow it"),
        remedy="Look at it again; choose another name if it is taken, empty it if it is not empty.",
        url=subject.url,
    )


def _precondition(subject: Subject, _answer: Answer) -> PailError:
    return PreconditionFailed(subject.failed("it was changed since it was seen"), url=subject.url)


def _not_modified(subject: Subject, _answer: Answer) -> PailError:
    return NotModified(subject.failed("nothing is newer"), url=subject.url)


def _bad_range(subject: Subject, _answer: Answer) -> PailError:
    return RangeNotSatisfiable(
        subject.failed("the range lies outside the object"), remedy="Ask for less; see 'pail stat'.", url=subject.url
    )


_BY_STATUS: Final = {
    304: _not_modified,
    400: _bad_request,
    401: _unauthorized,
    403: _forbidden,
    404: _missing,
    405: lambda subject, answer: Rejected(
        subject.failed(answer.message or "this server does not offer it"), remedy="Use another way.", url=subject.url
    ),
    409: _conflict,
    412: _precondition,
    413: _bad_request,
    414: _bad_request,
    416: _bad_range,
}
