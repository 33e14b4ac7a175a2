"""One transfer as the journal keeps it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final, Literal

from services.errors import PailError
from services.transfer.messages import ItemAction, TransferState, TransferView

RecordState = Literal["queued", "asking", "paused", "done", "failed", "cancelled"]
"""State in the journal.  What runs is `queued` there: after a crash it is queued again by itself."""

FINAL_STATES: Final = frozenset({"done", "failed", "cancelled"})
"""States that end a transfer."""

EXISTS: Final = "exists"
"""`TransferView.code` of a conflict that waits for an answer."""


@dataclass(slots=True)
class Record:
    """A transfer: what to do, what was seen, and what is needed to go on with it after a crash.

    The fields are the columns of the journal's table, in its order.
    """

    job: int
    """Number of the job."""
    seq: int
    """Number within the job."""
    action: ItemAction
    """What is done."""
    source: str
    """Absolute path or raw `gs://` URL."""
    target: str = ""
    """Absolute path or raw `gs://` URL; a `keep-both` changes it to the name that was chosen."""
    base: int = 0
    """Length of that part of the local path which the person named; below it no symbolic link is followed."""
    size: int = 0
    """Bytes in all."""
    state: RecordState = "queued"
    """Where it stands."""
    generation: int = 0
    """Generation of the source (or of what is to be deleted) that was seen; 0 while unknown."""
    crc32c: str = ""
    """Checksum of the source, where the service told it."""
    mtime: float | None = None
    """Modification time to keep, seconds since the epoch."""
    encoding: str = ""
    """Content-Encoding of the source object."""
    nonce: str = ""
    """Mark by which a write of ours is recognised, and name of the partial file."""
    decision: str = ""
    """What a person decided for this conflict."""
    seen: str = ""
    """The target as it was seen when the decision was asked for, or when it was replaced: a generation, or a
    fingerprint of a local file."""
    session: str = ""
    """Resumable session or rewrite token: a secret."""
    fingerprint: str = ""
    """The local source as it was when the session began."""
    attempt: int = 1
    """Which try this is."""
    reason: str = ""
    """Why it failed, waits or was skipped."""
    code: str = ""
    """The stable word of that."""
    remedy: str = ""
    """What to do about it."""
    written: int = 0
    """Generation that was written or deleted, once known."""
    skipped: int = 0
    """1 where the policy left it alone."""
    moved: int = 0
    """Bytes that had moved when it was last stopped; 0 while it runs."""

    @property
    def key(self) -> tuple[int, int]:
        """What identifies it in the journal."""
        return self.job, self.seq

    @property
    def id(self) -> str:
        """What identifies it for a person, such as `7.12`."""
        return f"{self.job}.{self.seq}"

    @property
    def replaced(self) -> int:
        """Generation of the object that was replaced at the target; 0 where there was none, or it is not done."""
        done = self.state == "done" and not self.skipped and self.target.startswith("gs://")
        return int(self.seen) if done and self.seen.isdecimal() else 0

    def fail(self, error: PailError) -> None:
        """End it with an error."""
        self.state = "failed"
        self.reason, self.code, self.remedy = error.message, error.reason, error.remedy

    def requeue(self) -> None:
        """Forget how the last try ended."""
        self.state = "queued"
        self.reason = self.code = self.remedy = ""

    def _moved(self) -> int:
        if self.skipped:
            return 0
        return self.size if self.state == "done" else self.moved

    def view(self, state: TransferState | None = None, moved: int | None = None) -> TransferView:
        """Return what is shown of it; `state` and `moved` come from whoever runs it."""
        shown: TransferState = "paused" if self.state == "asking" else self.state
        return TransferView(
            id=self.id,
            job=str(self.job),
            action="skip" if self.skipped else self.action,
            source=self.source,
            target=self.target,
            state=state or shown,
            bytes=moved if moved is not None else self._moved(),
            size=self.size,
            attempt=self.attempt,
            reason=self.reason,
            code=self.code,
            remedy=self.remedy,
            generation=self.written or self.generation,
            crc32c=self.crc32c,
            replaced=self.replaced,
        )


COLUMNS: Final = tuple(field.name for field in fields(Record))
"""Names of the columns, in order."""

_values: Final = attrgetter(*COLUMNS)
_texts: Final = attrgetter(
    *(field.name for field in fields(Record) if field.type in ("str", "ItemAction", "RecordState"))
)


def to_row(record: Record) -> tuple[Any, ...]:
    """Return the columns of a record; text is made storable by `encode_text`."""
    values: tuple[Any, ...] = _values(record)
    if "".join(_texts(record)).isascii():
        return values
    return tuple(encode_text(value) if isinstance(value, str) else value for value in values)


NEW_COLUMNS: Final = (
    "job", "seq", "action", "source", "target", "base", "size", "generation", "crc32c", "mtime", "encoding", "nonce",
)  # fmt: skip
"""Columns in which a transfer that was just planned differs from others."""

REST: Final = {
    name: value
    for name, value in zip(COLUMNS, _values(Record(0, 0, "delete", "")), strict=True)
    if name not in NEW_COLUMNS
}
"""What the others of it hold."""

_new_values: Final = attrgetter(*NEW_COLUMNS)
_rest_values: Final = attrgetter(*REST)
_REST_VALUES: Final = tuple(REST.values())


def is_new(record: Record) -> bool:
    """Tell whether `to_new` says all of a record."""
    values: tuple[Any, ...] = _rest_values(record)
    return values == _REST_VALUES


def to_new(record: Record) -> tuple[Any, ...]:
    """Return the `NEW_COLUMNS` of a record; text is made storable by `encode_text`."""
    values: tuple[Any, ...] = _new_values(record)
    if f"{record.source}{record.target}{record.crc32c}{record.encoding}".isascii():
        return values
    return tuple(encode_text(value) if isinstance(value, str) else value for value in values)


_END: Final = ("state", "size", "generation", "crc32c", "mtime", "encoding", "seen", "written")
"""Columns that a transfer which is done at its first try may have changed."""

END_COLUMNS: Final = (*_END, "job", "seq")
"""What `to_end` returns, in order."""

_end_values: Final = attrgetter(*END_COLUMNS)


def has_plain_end(record: Record) -> bool:
    """Tell whether the journal holds all of a transfer but what `to_end` returns.

    It was carried out in one request, at its first try, so that there was nothing else to keep.
    """
    return (
        record.attempt == 1
        and record.action in ("download", "delete", "upload")
        and not (record.session or record.fingerprint or record.decision or record.skipped or record.moved)
    )


def to_end(record: Record) -> tuple[Any, ...]:
    """Return what the end of a plain transfer changes, and which one it is; all of its text is ASCII or UTF-8."""
    values: tuple[Any, ...] = _end_values(record)
    return values


def from_row(row: tuple[Any, ...]) -> Record:
    """Rebuild a record from its columns."""
    values: list[Any] = [decode_text(value) if isinstance(value, bytes) else value for value in row]
    return Record(*values)


def encode_text(text: str) -> str | bytes:
    """Return `text` for SQLite: names that are not UTF-8 become a blob, for text columns refuse lone surrogates."""
    return text if text.isascii() or _is_unicode(text) else text.encode("utf-8", "surrogatepass")


def decode_text(blob: bytes) -> str:
    """Return the text of a blob that `encode_text` made."""
    return blob.decode("utf-8", "surrogatepass")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
