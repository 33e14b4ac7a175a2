"""What the measuring server keeps: objects in memory, and the JSON that listings are answered with."""

from __future__ import annotations

import base64
import bisect
import hashlib
import itertools
import json
from dataclasses import dataclass, field
from typing import Any, Final

import google_crc32c

from services import checksum

UPDATED: Final = "2026-01-01T00:00:00.000Z"
"""Every object's time: reading a clock is no part of what is measured."""

_generations = itertools.count(1_700_000_000_000_000)


@dataclass(slots=True)
class Stored:
    """An object: its bytes in the pieces in which they came."""

    name: str
    """Its name."""
    content_type: str = "application/octet-stream"
    """MIME type."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Custom metadata."""
    pieces: list[bytes | memoryview] = field(default_factory=list)
    """Its bytes."""
    size: int = 0
    """How many they are."""
    crc: int = 0
    """Their CRC32C, computed while they come in."""
    generation: int = field(default_factory=lambda: next(_generations))
    """Version of the content."""
    rows: dict[str, bytes] = field(default_factory=dict)
    """The JSON of it in a listing, made once for each choice of fields."""
    md5: str = ""
    """Their MD5 in base64, once `digest` has computed it; the service tells it of all that was not composed."""
    composed: bool = False
    """Whether it was made of others."""

    def take(self, piece: bytes) -> None:
        """Take further bytes."""
        self.pieces.append(piece)
        self.size += len(piece)
        self.crc = google_crc32c.extend(self.crc, piece)

    def keep(self, piece: memoryview, crc: int) -> None:
        """Take further bytes that lie where they stay, and the checksum of all so far."""
        self.pieces.append(piece)
        self.size += len(piece)
        self.crc = crc

    def digest(self) -> None:
        """Compute the MD5 of its bytes."""
        if self.composed or self.md5:
            return
        whole = hashlib.md5(usedforsecurity=False)
        for piece in self.pieces:
            whole.update(piece)
        self.md5 = base64.b64encode(whole.digest()).decode()
        self.rows.clear()

    def again(self, name: str) -> Stored:
        """Return the same object under another name, a generation of its own."""
        fields = self.content_type, self.metadata, self.pieces, self.size, self.crc
        return Stored(name, *fields, md5=self.md5, composed=self.composed)

    def resource(self, bucket: str, base: str) -> dict[str, Any]:
        """Return what GCS says of an object; `base` is the address that media are linked with."""
        path = json_quote(self.name)
        found: dict[str, Any] = {
            "kind": "storage#object",
            "id": f"{bucket}/{self.name}/{self.generation}",
            "selfLink": f"{base}/storage/v1/b/{bucket}/o/{path}",
            "mediaLink": f"{base}/download/storage/v1/b/{bucket}/o/{path}?generation={self.generation}&alt=media",
            "name": self.name,
            "bucket": bucket,
            "generation": str(self.generation),
            "metageneration": "1",
            "contentType": self.content_type,
            "storageClass": "STANDARD",
            "size": str(self.size),
            "crc32c": checksum.encode(self.crc),
            "etag": "CAE=",
            "timeCreated": UPDATED,
            "updated": UPDATED,
            "timeStorageClassUpdated": UPDATED,
        }
        if self.md5:
            found["md5Hash"] = self.md5
        if self.metadata:
            found["metadata"] = self.metadata
        return found


def json_quote(name: str) -> str:
    """Return a name as one segment of a path."""
    from urllib.parse import quote

    return quote(name, safe="")


class Bucket:
    """Objects by name, and pages of listings that were asked for before."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.objects: dict[str, Stored] = {}
        self._names: list[str] | None = None
        self._pages: dict[str, bytes] = {}

    def put(self, stored: Stored) -> None:
        """Put an object in place."""
        if self._names is not None and stored.name not in self.objects:
            bisect.insort(self._names, stored.name)
        self.objects[stored.name] = stored
        self._pages.clear()

    def compose(self, name: str, sources: list[str], metadata: dict[str, str]) -> Stored | None:
        """Join objects into one; None where one of them does not exist."""
        made = Stored(name, metadata=metadata, composed=True)
        for source in sources:
            part = self.objects.get(source)
            if part is None:
                return None
            made.crc = checksum.combine(made.crc, part.crc, part.size)
            made.pieces += part.pieces
            made.size += part.size
        self.put(made)
        return made

    def digest(self) -> None:
        """Compute the MD5 of all objects."""
        for stored in self.objects.values():
            stored.digest()
        self._pages.clear()

    def remove(self, name: str) -> bool:
        """Remove an object; False where there is none."""
        if self.objects.pop(name, None) is None:
            return False
        if self._names is not None:
            del self._names[bisect.bisect_left(self._names, name)]
        self._pages.clear()
        return True

    def page(self, key: str, query: dict[str, str], base: str) -> bytes:
        """Return a page of a listing; the same question is answered from memory until something changes."""
        found = self._pages.get(key)
        if found is None:
            found = self._pages[key] = self._make_page(query, base)
        return found

    def _make_page(self, query: dict[str, str], base: str) -> bytes:
        if self._names is None:
            self._names = sorted(self.objects, key=str.encode)
        names = self._names
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        limit = min(int(query.get("maxResults") or 1000), 5000)
        if not delimiter:
            return self._plain_page(names, query, limit, base)
        index = bisect.bisect_left(names, max(prefix, query.get("startOffset", ""), query.get("pageToken", "")))
        end = query.get("endOffset", "")
        items: list[bytes] = []
        prefixes: list[str] = []
        token = ""
        fields = query.get("fields", "")
        while index < len(names) and names[index].startswith(prefix) and not (end and names[index] >= end):
            name = names[index]
            if len(items) + len(prefixes) == limit:
                token = name
                break
            cut = name.find(delimiter, len(prefix))
            if cut >= 0:
                folder = name[: cut + len(delimiter)]
                prefixes.append(folder)
                index = bisect.bisect_left(names, folder + "\U0010ffff", index)
            else:
                items += self._rows([name], fields, base)
                index += 1
        return _page(items, prefixes, token)

    def _plain_page(self, names: list[str], query: dict[str, str], limit: int, base: str) -> bytes:
        """Return a page of names that are not folded: rows that were rendered once, joined."""
        prefix, end = query.get("prefix", ""), query.get("endOffset", "")
        start = bisect.bisect_left(names, max(prefix, query.get("startOffset", ""), query.get("pageToken", "")))
        stop = bisect.bisect_left(names, f"{prefix}\U0010ffff", start)
        stop = min(stop, bisect.bisect_left(names, end)) if end else stop
        last = min(stop, start + limit)
        rows = self._rows(names[start:last], query.get("fields", ""), base)
        return _page(rows, [], names[last] if last < stop else "")

    def _rows(self, names: list[str], fields: str, base: str) -> list[bytes]:
        """Return the JSON of objects: it stays as it is while others come and go."""
        found = []
        for name in names:
            stored = self.objects[name]
            row = stored.rows.get(fields)
            if row is None:
                row = stored.rows[fields] = _row(stored.resource(self.name, base), _wanted(fields))
            found.append(row)
        return found


def _wanted(fields: str) -> set[str] | None:
    """Return the keys of an item that are asked for; None for all."""
    if "items(" not in fields:
        return None
    wanted = set(fields.partition("items(")[2].partition(")")[0].split(","))
    return wanted | ({"metadata"} if any(one.startswith("metadata/") for one in wanted) else set())


def _row(resource: dict[str, Any], wanted: set[str] | None) -> bytes:
    if wanted is not None:
        resource = {key: value for key, value in resource.items() if key in wanted}
    return json.dumps(resource, separators=(",", ":")).encode()


def _page(items: list[bytes], prefixes: list[str], token: str) -> bytes:
    page: dict[str, Any] = {"kind": "storage#objects"}
    if token:
        page["nextPageToken"] = token
    if prefixes:
        page["prefixes"] = prefixes
    head = json.dumps(page, separators=(",", ":")).encode()
    return head[:-1] + b',"items":[' + b",".join(items) + b"]}" if items else head
