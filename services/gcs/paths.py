"""Paths of Google's JSON API (cloud.google.com/storage/docs/json_api/v1), with every name encoded."""

from __future__ import annotations

import functools
import re
from typing import Final
from urllib.parse import quote

API: Final = "/storage/v1"
"""Resources."""

UPLOAD: Final = "/upload/storage/v1"
"""Uploads of bytes."""

DOWNLOAD: Final = "/download/storage/v1"
"""Downloads of bytes."""

BATCH: Final = "/batch/storage/v1"
"""Many requests in one."""


_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~/-]*")
"""What nothing but the slashes of has to be encoded: most names."""


def encoded(name: str) -> str:
    """Return a name as one segment of a path."""
    if _PLAIN.fullmatch(name):
        return name.replace("/", "%2F")
    return quote(name, safe="")


def bucket_path(bucket: str, below: str = "", *, root: str = API) -> str:
    """Return the path of a bucket, or of `below` it."""
    return f"{_bucket_path(root, bucket)}/{below}" if below else _bucket_path(root, bucket)


@functools.lru_cache(64)
def _bucket_path(root: str, bucket: str) -> str:
    return f"{root}/b/{quote(bucket, safe='')}"


def folder_path(bucket: str, name: str, below: str = "") -> str:
    """Return the path of a real folder: its name is one segment."""
    return bucket_path(bucket, f"folders/{quote(name, safe='')}") + (f"/{below}" if below else "")


def object_path(bucket: str, name: str, below: str = "", *, root: str = API) -> str:
    """Return the path of an object: its name is one segment, so that no `..`, `//` or `?` of it means anything."""
    return f"{_bucket_path(root, bucket)}/o/{encoded(name)}" + (f"/{below}" if below else "")
