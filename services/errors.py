"""The errors of Pail: each says what failed, why, and what to do."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes of the command line."""

    OK = 0
    FAILED = 1
    USAGE = 2
    BUCKET_NOT_FOUND = 3
    OBJECT_NOT_FOUND = 4
    GAVE_UP = 5
    SOME_FAILED = 6
    NOT_ALLOWED = 7
    PRECONDITION = 8
    SAFEGUARD = 9
    INTERRUPTED = 130


class PailError(Exception):
    """A failure that a person can understand and act on.

    `message` is one line that says what failed and why, `remedy` one line that says what to do (empty where the
    class has a better default than nothing), `url` the `gs://` URL or the path it is about.  None of them holds a
    secret: tokens, signed URLs and resumable session URIs stay out.  Names in `message` have passed
    `names.display_name`; `url` is raw and is escaped by whoever shows it.
    """

    reason: ClassVar[str] = "failed"
    """A stable word for scripts."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    """What the process ends with when nothing else is known."""

    default_remedy: ClassVar[str] = ""
    """What to do, where the raiser does not know better."""

    def __init__(self, message: str, *, remedy: str = "", url: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.default_remedy
        self.url = url

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the keyword fields when an error crosses a process boundary."""
        return (_rebuild, (type(self), self.message, self.remedy, self.url))


def _rebuild(kind: type[PailError], message: str, remedy: str, url: str) -> PailError:
    return kind(message, remedy=remedy, url=url)


class UsageError(PailError):
    """The request makes no sense as it was written."""

    reason = "usage"
    exit_code = ExitCode.USAGE
    default_remedy = "See 'pail --help'."


class NotFound(PailError):
    """Something that was named does not exist."""

    reason = "not-found"


class BucketNotFound(NotFound):
    """The bucket, or the prefix, does not exist."""

    reason = "bucket-not-found"
    exit_code = ExitCode.BUCKET_NOT_FOUND
    default_remedy = "Check the name; 'pail buckets' lists the buckets you can see."


class ObjectNotFound(NotFound):
    """The object, or the generation of it that was asked for, does not exist."""

    reason = "object-not-found"
    exit_code = ExitCode.OBJECT_NOT_FOUND
    default_remedy = "Check the name; 'pail ls' lists what is there."


class Conflict(PailError):
    """The service refuses because of the state something is in: a bucket that exists, or is not empty."""

    reason = "conflict"


class PreconditionFailed(PailError):
    """Someone else changed the object or the bucket since it was seen."""

    reason = "precondition-failed"
    exit_code = ExitCode.PRECONDITION
    default_remedy = "Look at it again, then repeat what you wanted."


class NotModified(PailError):
    """The answer to a read with an if-not-match precondition: nothing is newer."""

    reason = "not-modified"


class Forbidden(PailError):
    """The credentials are known and do not allow this."""

    reason = "forbidden"
    exit_code = ExitCode.NOT_ALLOWED
    default_remedy = "Ask the owner of the bucket for the permission, or use other credentials."


class Retained(Forbidden):
    """A hold or a retention policy forbids to change or delete this object; trying again does not help."""

    reason = "retained"
    default_remedy = "Wait for the retention to end, or have the hold released."


class NotAuthenticated(PailError):
    """There are no credentials, or they were refused."""

    reason = "no-credentials"
    exit_code = ExitCode.NOT_ALLOWED
    default_remedy = "Run 'gcloud auth application-default login', or use --credentials, --anonymous or --local."


class Transient(PailError):
    """A passing fault: the network, an overloaded service, a time limit.  Trying again may help."""

    reason = "transient"
    exit_code = ExitCode.GAVE_UP
    default_remedy = "Try again in a moment."

    retry_after_s: float | None = None
    """Seconds the service asked to wait, if it did."""


class RateLimited(Transient):
    """The service asks for fewer requests (429, or 503 with slow-down)."""

    reason = "rate-limited"


class SessionGone(PailError):
    """A resumable session has expired or was cancelled; a new one has to be started."""

    reason = "session-gone"


class RangeNotSatisfiable(PailError):
    """The range that was asked for lies outside the object."""

    reason = "bad-range"


class Rejected(PailError):
    """The service calls the request invalid (400): a name, a value, a setting."""

    reason = "rejected"


class Corrupt(PailError):
    """Bytes are not what their checksum says."""

    reason = "checksum-mismatch"
    default_remedy = "Nothing was put in place. Try again; if it stays, the source itself is damaged."


class UnmappableName(PailError):
    """A name that has no counterpart on the other side."""

    reason = "unmappable-name"
    default_remedy = "Rename it, or leave it out with --exclude."


class LocalFileError(PailError):
    """A local file or folder cannot be read, written or used."""

    reason = "local-file"


class SourceChanged(LocalFileError):
    """A local file changed while it was uploaded."""

    reason = "source-changed"
    default_remedy = "It is uploaded again once it no longer changes."


class DiskFull(LocalFileError):
    """There is no room (or no permission to write) on the local disk; the job waits for it."""

    reason = "disk-full"
    default_remedy = "Make room on the disk, then resume."


class Busy(PailError):
    """Another process holds the lock of what is needed."""

    reason = "busy"


class Unsafe(PailError):
    """Something is not trustworthy: a file that another user owns, a token that would travel in clear."""

    reason = "unsafe"


class Safeguard(PailError):
    """A safeguard stopped this before anything was lost."""

    reason = "safeguard"
    exit_code = ExitCode.SAFEGUARD


class NeedsConfirmation(PailError):
    """Nobody was there to confirm a destructive request."""

    reason = "needs-confirmation"
    exit_code = ExitCode.USAGE
    default_remedy = "Repeat it with --yes, or at a terminal."


class SomeFailed(PailError):
    """Some items of a job failed; the rest is done."""

    reason = "some-failed"
    exit_code = ExitCode.SOME_FAILED


class Interrupted(PailError):
    """A person stopped it."""

    reason = "interrupted"
    exit_code = ExitCode.INTERRUPTED
    default_remedy = "What can be resumed will be: repeat the command, or see 'pail transfers'."
