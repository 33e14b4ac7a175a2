"""What an uploaded object gets besides its bytes: its type, the file's time, and our mark."""

from __future__ import annotations

import mimetypes
import os
from typing import Final

from services.model import WriteAttributes
from services.transfer.run import Run
from services.transfer.target import NONCE_KEY

MTIME_KEY: Final = "goog-reserved-file-mtime"
"""Metadata key of the modification time, whole seconds, as gsutil and gcloud write it."""

DEFAULT_TYPE: Final = "application/octet-stream"
"""Type of what the name says nothing about."""

_BUILT_IN: Final = dict(mimetypes.types_map)
"""Types that Python knows by itself: the same on every machine, and at hand without reading the system's files."""

_ENCODINGS: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
"""Types of compressed files: they are stored as what they are, not as an encoding of something else."""


def attributes_of(run: Run) -> WriteAttributes:
    """Return what the new object gets besides its bytes."""
    metadata = {NONCE_KEY: run.record.nonce}
    if run.record.mtime is not None and run.record.mtime >= 0:
        metadata[MTIME_KEY] = str(int(run.record.mtime))
    return WriteAttributes(content_type=content_type(run.record.target), metadata=metadata)


def content_type(name: str) -> str:
    """Return the MIME type that a name suggests; for endings that Python does not know the system's files are asked."""
    name = name.rpartition("/")[2]
    known = _BUILT_IN.get(os.path.splitext(name)[1].lower())  # noqa: PTH122 - of every file
    if known is not None:
        return known
    kind, encoding = mimetypes.guess_type(name, strict=False)
    if encoding:
        return _ENCODINGS.get(encoding, DEFAULT_TYPE)
    return kind or DEFAULT_TYPE
