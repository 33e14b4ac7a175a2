"""Paths of Google's JSON API (cloud.google.com/storage/docs/json_api/v1), with every name encoded."""

from __future__ import annotations

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


def bucket_path(bucket: str, below: str = "", *, root: str = API) -> str:
    """Return the path of a bucket, or of `below` it."""
    return f"{root}/b/{quote(bucket, safe='')}" + (f"/{below}" if below else "")


def object_path(bucket: str, name: str, below: str = "", *, root: str = API) -> str:
    """Return the path of an object: its name is one segment, so that no `..`, `//` or `?` of it means anything."""
    return f"{bucket_path(bucket, root=root)}/o/{quote(name, safe='')}" + (f"/{below}" if below else "")
