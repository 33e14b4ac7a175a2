"""Lists of objects: items and prefixes together, in byte order, in time linear in the page.

Rows come from an index in name order. Where a delimiter folds names into a prefix, the scan seeks to the first name
past that prefix, so a folder of a million objects costs one step.
"""

from __future__ import annotations

import base64
import binascii
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from services.localstore import generations
from services.localstore.api_error import bad_request
from services.localstore.fields import Mask, parse_fields, select
from services.localstore.globs import compile_glob
from services.localstore.http import Request, Response, json_response
from services.localstore.records import OBJECT_COLUMNS, BucketRow, ObjectRow, object_resource
from services.localstore.store import Store

PAGE_ITEMS: Final = 1000
"""Items and prefixes in one page, at most and by default."""

PREFIX_OWED: Final = (1 << 63) - 1
"""In a page token, in the place of a generation: what comes next is the prefix that is named like an object."""

_NAME: Final = 2
_GENERATION: Final = 3


@dataclass(slots=True)
class _Query:
    """A list request, taken apart."""

    prefix: bytes
    delimiter: bytes
    trailing: bool
    """Objects that are themselves `prefix/` are items as well."""
    folders: bool
    """Real folders that hold no object are prefixes too."""
    start: tuple[bytes, int]
    """First (name, generation) that may appear."""
    end: bytes | None
    """Names from here on are left out."""
    limit: int
    where: str
    matches: Any
    now: int


@dataclass(slots=True)
class _Page:
    """What a page holds so far."""

    rows: list[ObjectRow] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    next: tuple[bytes, int] | None = None
    """Where the next page starts."""
    bucket: BucketRow | None = None
    last_prefix: bytes | None = None
    """The prefix that was met last; everything in it is passed over."""

    def full(self, query: _Query) -> bool:
        """Whether nothing more fits: items and prefixes count together."""
        return len(self.rows) + len(self.prefixes) >= query.limit


async def list_objects(store: Store, request: Request, bucket: str) -> Response:
    """Answer one page of a bucket's objects."""
    mask = parse_fields(request.query["fields"]) if request.query.get("fields") else {}
    query = _parse(store, request)
    base_url = request.base_url

    def work(connection: sqlite3.Connection) -> dict[str, Any]:
        page = _scan(connection, generations.require_bucket(connection, bucket), query, store.options.scan_limit)
        return _render(page, base_url, mask)

    return json_response(await store.database.read(work))


def prefix_end(prefix: bytes) -> bytes | None:
    """Return the first byte string that sorts after everything with `prefix`; None when there is none."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else None


def _parse(store: Store, request: Request) -> _Query:
    parameters = request.query
    prefix = parameters.get("prefix", "").encode()
    delimiter = parameters.get("delimiter", "").encode()
    limit = request.integer("maxResults")
    if limit is not None and limit < 0:
        raise bad_request("Invalid value for maxResults", reason="invalidParameter", location="maxResults")
    soft_deleted, versions = request.flag("softDeleted"), request.flag("versions")
    if soft_deleted and versions:
        raise bad_request("softDeleted and versions cannot be used together.")
    start = max(prefix, parameters.get("startOffset", "").encode())
    ends = [end for end in (prefix_end(prefix), parameters.get("endOffset", "").encode()) if end]
    token = parameters.get("pageToken")
    position = decode_token(token) if token else (start, 0)
    glob = parameters.get("matchGlob")
    return _Query(
        prefix=prefix,
        delimiter=delimiter,
        trailing=request.flag("includeTrailingDelimiter"),
        folders=request.flag("includeFoldersAsPrefixes") and delimiter == b"/",
        start=max(position, (start, 0)),
        end=min(ends, default=None),
        limit=min(limit or PAGE_ITEMS, PAGE_ITEMS),
        where="state = 2" if soft_deleted else "state < 2" if versions else "state = 0",
        matches=compile_glob(glob) if glob else None,
        now=store.database.now(),
    )


def encode_token(position: tuple[bytes, int]) -> str:
    """Render where the next page starts."""
    return base64.urlsafe_b64encode(b"%d:%s" % (position[1], position[0])).decode()


def decode_token(token: str) -> tuple[bytes, int]:
    """Read a page token; raises `ApiError` 400."""
    try:
        generation, _, name = base64.b64decode(token, altchars=b"-_", validate=True).partition(b":")
        return name, int(generation)
    except (binascii.Error, ValueError) as error:
        raise bad_request("Invalid pageToken", reason="invalidParameter", location="pageToken") from error


def _rows(connection: sqlite3.Connection, bucket: int, query: _Query, start: tuple[bytes, int]) -> Iterator[Any]:
    """Yield rows from `start` on, lazily: what is not asked for is not read."""
    where = f"bucket = ? AND {query.where} AND name >= ?"
    parameters: list[Any] = [bucket, start[0]]
    if query.end is not None:
        where += " AND name < ?"
        parameters.append(query.end)
    if start[1]:
        where += " AND (name > ? OR generation >= ?)"
        parameters += [start[0], start[1]]
    if query.where == "state = 2":
        where += " AND expires > ?"
        parameters.append(query.now)
    order = "name" if query.where == "state = 0" else "name, generation"
    return connection.execute(f"SELECT {OBJECT_COLUMNS} FROM objects WHERE {where} ORDER BY {order}", parameters)  # noqa: S608


def _scan(connection: sqlite3.Connection, bucket: BucketRow, query: _Query, scan_limit: int) -> _Page:
    page = _Page(bucket=bucket)
    folders = _folder_prefixes(connection, bucket.id, query)
    start: tuple[bytes, int] | None = query.start
    # A prefix that is an object as well comes after all of that object's generations.
    owed = query.start[0] if query.start[1] == PREFIX_OWED else None
    scanned = 0
    while start is not None:
        rows = _rows(connection, bucket.id, query, start)
        start = None
        for row in rows:
            name, generation = row[_NAME], row[_GENERATION]
            prefix = _fold(name, query)
            if owed is not None and name != owed:
                break
            scanned += 1
            _merge_folders(page, folders, query, name)
            if prefix is not None and prefix == page.last_prefix:
                start = _past(prefix)
                break
            if page.full(query) or scanned > scan_limit:
                page.next = page.next or (name, generation)
                return page
            itself = query.trailing and prefix == name
            if (prefix is None or itself) and (query.matches is None or query.matches(name.decode())):
                page.rows.append(ObjectRow.of(row))
            if itself:
                owed = prefix
            elif prefix is not None:
                _add_prefix(page, prefix, query)
        if owed is not None:
            if page.full(query):
                page.next = (owed, PREFIX_OWED)
                return page
            _add_prefix(page, owed, query)
            start, owed = _past(owed), None
    _merge_folders(page, folders, query, None)
    return page


def _past(prefix: bytes) -> tuple[bytes, int] | None:
    end = prefix_end(prefix)
    return (end, 0) if end is not None else None


def _fold(name: bytes, query: _Query) -> bytes | None:
    """Return the prefix that a delimiter folds a name into, if it does."""
    if not query.delimiter:
        return None
    index = name.find(query.delimiter, len(query.prefix))
    return name[: index + len(query.delimiter)] if index >= 0 else None


def _add_prefix(page: _Page, prefix: bytes, query: _Query) -> None:
    if page.last_prefix == prefix:
        return
    page.last_prefix = prefix
    text = prefix.decode()
    if query.matches is None or query.matches(text):
        page.prefixes.append(text)


def _folder_prefixes(connection: sqlite3.Connection, bucket: int, query: _Query) -> list[bytes]:
    """Return real folders right below the prefix, as many as a page can show, the last first."""
    if not query.folders:
        return []
    found: list[bytes] = []
    start: bytes | None = query.start[0]
    while start is not None and len(found) <= query.limit:
        row = connection.execute(
            "SELECT name FROM folders WHERE bucket = ? AND name >= ? AND name < ? AND name != ? ORDER BY name LIMIT 1",
            (bucket, start, query.end if query.end is not None else b"\xff", query.prefix),
        ).fetchone()
        if row is None:
            break
        folded = _fold(row[0], query)
        if folded is None:
            break
        found.append(folded)
        start = prefix_end(folded)
    return found[::-1]


def _merge_folders(page: _Page, folders: list[bytes], query: _Query, before: bytes | None) -> None:
    """Move folders that sort before a name into the page."""
    while folders and (before is None or folders[-1] <= before):
        if page.full(query):
            page.next = page.next or (folders[-1], 0)
            return
        _add_prefix(page, folders.pop(), query)


def _render(page: _Page, base_url: str, mask: Mask) -> dict[str, Any]:
    result: dict[str, Any] = {"kind": "storage#objects"}
    if page.next is not None:
        result["nextPageToken"] = encode_token(page.next)
    if page.prefixes:
        result["prefixes"] = page.prefixes
    bucket = page.bucket
    if page.rows and bucket is not None and (not mask or "items" in mask or "*" in mask):
        result["items"] = [object_resource(row, bucket, base_url) for row in page.rows]
    selected: dict[str, Any] = select(result, mask)
    return selected
