"""Data that several tests of the services share: buckets from their JSON, rows, and a listing in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.gcs.interface import ListQuery
from services.model import BucketInfo, ListPage, ObjectInfo, ObjectRow
from services.words import parse_moment

DAY = 86_400
NOW = 1_795_305_600.0
"""22 Nov 2026, UTC."""


def bucket_of(resource: Mapping[str, Any]) -> BucketInfo:
    """A bucket as the control plane would return it for a JSON resource."""
    access = resource.get("iamConfiguration", {})
    return BucketInfo(
        name=resource.get("name", "media-1"),
        location=resource.get("location", "EU"),
        location_type=resource.get("locationType", "multi-region"),
        storage_class=resource.get("storageClass", "STANDARD"),
        created=parse_moment(resource.get("timeCreated")) or 0.0,
        metageneration=3,
        versioning=resource.get("versioning", {}).get("enabled", False),
        soft_delete_s=int(resource.get("softDeletePolicy", {}).get("retentionDurationSeconds", 0)),
        uniform_access=access.get("uniformBucketLevelAccess", {}).get("enabled", False),
        public_access_prevention=access.get("publicAccessPrevention", "inherited"),
        hierarchical_namespace=resource.get("hierarchicalNamespace", {}).get("enabled", False),
        requester_pays=resource.get("billing", {}).get("requesterPays", False),
        labels=resource.get("labels", {}),
        resource=resource,
    )


def row_of(name: str, size: int = 10, *, age_days: float = 0, **changes: Any) -> ObjectRow:
    """A row that was created and last changed `age_days` before `NOW`."""
    made = NOW - age_days * DAY
    return ObjectRow(name, size, made, int(made * 1e6), 1, "AAAAAA==", "text/plain", "STANDARD")._replace(**changes)


def info_of(resource: Mapping[str, Any]) -> ObjectInfo:
    """An object as the data plane would return it for a JSON resource."""
    return ObjectInfo(
        bucket=resource.get("bucket", "media-1"),
        name=resource.get("name", "a.txt"),
        size=int(resource.get("size", 0)),
        generation=int(resource.get("generation", 1)),
        metageneration=int(resource.get("metageneration", 1)),
        updated=parse_moment(resource.get("updated")) or 0.0,
        created=parse_moment(resource.get("timeCreated")) or 0.0,
        crc32c=resource.get("crc32c", ""),
        md5=resource.get("md5Hash", ""),
        content_type=resource.get("contentType", ""),
        content_encoding=resource.get("contentEncoding", ""),
        storage_class=resource.get("storageClass", "STANDARD"),
        metadata=resource.get("metadata", {}),
        resource=resource,
    )


class Listing:
    """A data plane that only lists: live, noncurrent and soft-deleted rows, paged and cut as the service does it."""

    def __init__(self, rows: Iterable[ObjectRow], *, page_size: int = 2) -> None:
        self.live = sorted((row for row in rows if row.deleted is None), key=lambda row: row.name.encode())
        self.noncurrent: list[ObjectRow] = []
        self.soft_deleted: list[ObjectRow] = []
        self.page_size = page_size
        self.queries: list[ListQuery] = []

    async def list_page(self, bucket: str, query: ListQuery, token: str = "") -> ListPage:
        self.queries.append(query)
        rows = self.soft_deleted if query.soft_deleted else self.live + (self.noncurrent if query.versions else [])
        entries: dict[tuple[bytes, int], ObjectRow | str] = {}
        for row in rows:
            name = row.name.encode()
            if not row.name.startswith(query.prefix) or name < query.start_offset.encode():
                continue
            if query.end_offset and name >= query.end_offset.encode():
                continue
            head, found, _ = row.name[len(query.prefix) :].partition(query.delimiter or "\0\0")
            folder = query.prefix + head + query.delimiter
            entries[(folder.encode(), 0) if found else (name, row.generation)] = folder if found else row
        keys = sorted(entries)
        start = int(token or 0)
        page = [entries[key] for key in keys[start : start + self.page_size]]
        more = str(start + self.page_size) if start + self.page_size < len(keys) else ""
        return ListPage([e for e in page if isinstance(e, ObjectRow)], [e for e in page if isinstance(e, str)], more)
