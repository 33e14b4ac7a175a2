"""The bucket's side: what a prefix holds, and whether something really is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services import names
from services.errors import ObjectNotFound, PailError
from services.gcs.interface import DataPlane, ListQuery
from services.model import VersionRow
from services.sync.entries import Problem, RemoteEntry
from services.transfer.metadata import MTIME_KEY

PAGE_SIZE: Final = 5000
"""Rows that are asked for in a page; the service may give fewer."""

_new: Final = tuple.__new__
"""Makes a named tuple from a plain one, in half the time."""


@dataclass(slots=True)
class RemoteTree:
    """What a listing found."""

    entries: dict[str, RemoteEntry] = field(default_factory=dict)
    """Objects by key."""
    problems: list[Problem] = field(default_factory=list)
    """Names that no file can have."""
    pages: int = 0
    """Class A requests that it took."""


class _Page(NamedTuple):
    """What was made of a page: the same answer to the same question need not be read again."""

    digest: bytes
    next_token: str
    keys: Sequence[str]
    entries: Sequence[RemoteEntry]
    problems: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class Prefix:
    """The bucket's side of a pair."""

    data: DataPlane
    """The data plane."""
    bucket: str
    """Name of the bucket."""
    prefix: str
    """Empty, or ending in `/`."""
    timeless: bool = False
    """Whether nothing is ever downloaded, so that nobody asks for the times of files."""
    _pages: dict[str, _Page] = field(default_factory=dict, compare=False, repr=False)
    """The pages of the last whole listing, by the token that each was asked for with."""

    def name(self, key: str) -> str:
        """Return the name of a key's object."""
        return self.prefix + key

    def url(self, key: str) -> names.GsUrl:
        """Return the URL of a key's object."""
        return names.GsUrl(self.bucket, self.name(key))

    async def list(self) -> RemoteTree:
        """Return all that is below the prefix; raises `PailError`, never an empty tree instead (hazard 48).

        Where a page is the one of the listing before, its entries are the very same objects.
        """
        tree, pages, token = RemoteTree(), {}, ""
        query = ListQuery(
            prefix=self.prefix, page_size=PAGE_SIZE, include_trailing_delimiter=True, timeless=self.timeless
        )
        while True:
            page = self._pages.get(token)
            found = await self.data.list_versions(self.bucket, query, token, known=page.digest if page else b"")
            if page is None or found.objects is not None:
                page = self._read(found.objects or (), found.next_token, found.digest)
            tree.pages += 1
            tree.entries.update(zip(page.keys, page.entries, strict=True))
            tree.problems += page.problems
            pages[token] = page
            token = page.next_token
            if not token:
                break
        self._pages.clear()
        self._pages.update(pages)
        return tree

    def _read(self, rows: Sequence[VersionRow], next_token: str, digest: bytes) -> _Page:
        start, prefix = len(self.prefix), self.prefix
        keys: list[str] = []
        entries: list[RemoteEntry] = []
        problems: list[Problem] = []
        for name, size, generation, crc32c, stamp in rows:
            key = name[start:]
            if not key or not name.startswith(prefix):
                continue
            try:
                if not _is_plain(key):
                    names.local_path(key.rstrip("/") or key)
            except PailError as error:
                problems.append(Problem(key, error.message, error.remedy))
                continue
            keys.append(key)
            entries.append(_new(RemoteEntry, (generation, size, crc32c, stamp)))
        return _Page(digest, next_token, keys, entries, problems)

    async def stat(self, key: str) -> RemoteEntry | None:
        """Ask for one object; None only where the service says that there is none (hazard 24)."""
        try:
            info = await self.data.stat(self.bucket, self.name(key))
        except ObjectNotFound:
            return None
        return RemoteEntry(info.generation, info.size, info.crc32c, info.metadata.get(MTIME_KEY, ""))


def _is_plain(key: str) -> bool:
    return len(key) <= names.SEGMENT_LIMIT_BYTES and key.isascii() and "%" not in key and "\0" not in key
