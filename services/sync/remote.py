"""The bucket's side: what a prefix holds, and whether something really is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from services import names
from services.errors import ObjectNotFound, PailError
from services.gcs.interface import DataPlane, ListQuery
from services.sync.entries import Problem, RemoteEntry

PAGE_SIZE: Final = 5000
"""Rows that are asked for in a page; the service may give fewer."""


@dataclass(slots=True)
class RemoteTree:
    """What a listing found."""

    entries: dict[str, RemoteEntry] = field(default_factory=dict)
    """Objects by key."""
    problems: list[Problem] = field(default_factory=list)
    """Names that no file can have."""
    pages: int = 0
    """Class A requests that it took."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The bucket's side of a pair."""

    data: DataPlane
    """The data plane."""
    bucket: str
    """Name of the bucket."""
    prefix: str
    """Empty, or ending in `/`."""

    def name(self, key: str) -> str:
        """Return the name of a key's object."""
        return self.prefix + key

    def url(self, key: str) -> names.GsUrl:
        """Return the URL of a key's object."""
        return names.GsUrl(self.bucket, self.name(key))

    async def list(self) -> RemoteTree:
        """Return all that is below the prefix; raises `PailError`, never an empty tree instead (hazard 48)."""
        tree = RemoteTree()
        token = ""
        start = len(self.prefix)
        while True:
            page = await self.data.list_page(
                self.bucket,
                ListQuery(prefix=self.prefix, page_size=PAGE_SIZE, include_trailing_delimiter=True),
                token,
            )
            tree.pages += 1
            for row in page.objects:
                key = row.name[start:]
                if not key or not row.name.startswith(self.prefix):
                    continue
                try:
                    if not _is_plain(key):
                        names.local_path(key.rstrip("/") or key)
                except PailError as error:
                    tree.problems.append(Problem(key, error.message, error.remedy))
                    continue
                tree.entries[key] = RemoteEntry(row.generation, row.size, row.crc32c, row.mtime)
            token = page.next_token
            if not token:
                return tree

    async def stat(self, key: str) -> RemoteEntry | None:
        """Ask for one object; None only where the service says that there is none (hazard 24)."""
        try:
            info = await self.data.stat(self.bucket, self.name(key))
        except ObjectNotFound:
            return None
        return RemoteEntry(info.generation, info.size, info.crc32c, info.mtime)


def _is_plain(key: str) -> bool:
    return len(key) <= names.SEGMENT_LIMIT_BYTES and key.isascii() and "%" not in key and "\0" not in key
