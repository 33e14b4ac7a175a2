"""What an uploaded object gets besides its bytes: its type, the file's time, and our mark."""

from __future__ import annotations

import mimetypes
from typing import Final

from services.model import WriteAttributes
from services.transfer.run import Run
from services.transfer.target import NONCE_KEY

MTIME_KEY: Final = "goog-reserved-file-mtime"
"""Metadata key of the modification time, whole seconds, as gsutil and gcloud write it."""

DEFAULT_TYPE: Final = "application/octet-stream"
"""Type of what the name says nothing about."""

_ENCODINGS: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
"""Types of compressed files: they are stored as what they are, not as an encoding of something else."""


def attributes_of(run: Run) -> WriteAttributes:
    """Return what the new object gets besides its bytes."""
    metadata = {NONCE_KEY: run.record.nonce}
    if run.record.mtime is not None and run.record.mtime >= 0:
        metadata[MTIME_KEY] = str(int(run.record.mtime))
    return WriteAttributes(content_type=content_type(run.record.target), metadata=metadata)


def content_type(name: str) -> str:
    """Return the MIME type that a name suggests."""
    kind, encoding = mimetypes.guess_type(name.rpartition("/")[2], strict=False)
    if encoding:
        return _ENCODINGS.get(encoding, DEFAULT_TYPE)
    return kind or DEFAULT_TYPE
