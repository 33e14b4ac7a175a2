"""The keys that Pail knows in an object's metadata, and the types that it gives to objects."""

from __future__ import annotations

import mimetypes
import os
from typing import Final

NONCE_KEY: Final = "pail-nonce"
"""Metadata key by which an upload of ours is recognised after a lost answer."""

FOLDER_TYPE: Final = "application/x-www-form-urlencoded;charset=UTF-8"
"""Type that Google's console gives the placeholder of a folder."""

MTIME_KEY: Final = "goog-reserved-file-mtime"
"""Metadata key of the modification time, whole seconds, as gsutil and gcloud write it."""

DEFAULT_TYPE: Final = "application/octet-stream"
"""Type of what the name says nothing about."""

_BUILT_IN: Final = dict(mimetypes.types_map)
"""Types that Python knows by itself: the same on every machine, and at hand without reading the system's files."""

_ENCODINGS: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
"""Types of compressed files: they are stored as what they are, not as an encoding of something else."""


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
