"""The data types of storage, free of any library: what lists, stats and settings return."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
"""No labels, metadata or parameters: one for all, as nobody can write to it."""


class ObjectRow(NamedTuple):
    """One object in a listing: slim, because a listing may hold a million of them."""

    name: str
    """Full name in the bucket, raw (not for display)."""
    size: int
    """Bytes as stored."""
    updated: float
    """Seconds since the epoch of the last change of content or metadata."""
    generation: int
    """Version of the content."""
    metageneration: int
    """Version of the metadata of this generation."""
    crc32c: str
    """Base64 of the big-endian CRC32C of the stored bytes; empty where the service gave none."""
    content_type: str
    """MIME type as stored; may be empty."""
    storage_class: str
    """Such as `STANDARD`."""
    mtime: float | None = None
    """Modification time of the local source (metadata `goog-reserved-file-mtime`), seconds since the epoch."""
    content_encoding: str = ""
    """`gzip` for objects that are stored compressed."""
    deleted: float | None = None
    """When this generation became noncurrent or was soft-deleted; None for live ones."""


class ListPage(NamedTuple):
    """One page of a listing: objects and prefixes, each in byte order of their names."""

    objects: list[ObjectRow]
    """The objects of this page."""
    prefixes: list[str]
    """Full prefixes, each ending in the delimiter; empty without a delimiter."""
    next_token: str
    """Token of the next page; empty on the last one."""


BriefRow = tuple[str, str, str, str]
"""What a list that is only printed says of an object, as the service sent it: its full name (raw), its bytes in decimal
digits, the time of its last change of RFC 3339 in UTC, its storage class."""


class BriefPage(NamedTuple):
    """One page of a listing that is only printed."""

    objects: list[BriefRow]
    """The objects of this page, in byte order of their names."""
    next_token: str
    """Token of the next page; empty on the last one."""


VersionRow = tuple[str, int, int, str, str]
"""What is needed to tell versions of an object apart: its full name (raw), its bytes, its generation, its CRC32C, and
the raw text of `goog-reserved-file-mtime` (empty for none)."""


class VersionPage(NamedTuple):
    """One page of a listing that is compared with what was there before."""

    objects: list[VersionRow] | None
    """The objects of this page, in byte order of their names; None where the answer is the known one."""
    next_token: str
    """Token of the next page; empty on the last one, and where the answer is the known one."""
    digest: bytes
    """Digest of the answer as it came."""


class ObjectInfo(NamedTuple):
    """Everything Google keeps about one generation of an object."""

    bucket: str
    """Name of the bucket."""
    name: str
    """Full name, raw."""
    size: int
    """Bytes as stored."""
    generation: int
    """Version of the content."""
    metageneration: int
    """Version of the metadata of this generation."""
    updated: float
    """Seconds since the epoch of the last change of content or metadata."""
    created: float
    """Seconds since the epoch of this generation's creation."""
    crc32c: str
    """Base64 of the big-endian CRC32C of the stored bytes."""
    md5: str
    """Base64 of the MD5; empty for composite objects."""
    content_type: str
    """MIME type; may be empty."""
    content_encoding: str
    """`gzip` for objects that are stored compressed; else usually empty."""
    storage_class: str
    """Such as `STANDARD`."""
    metadata: Mapping[str, str] = NOTHING
    """Custom metadata."""
    resource: Mapping[str, Any] = NOTHING
    """The whole JSON resource as the service sent it, for what has no field here."""

    @property
    def url(self) -> str:
        """The `gs://` URL, raw."""
        return f"gs://{self.bucket}/{self.name}"

    @property
    def mtime(self) -> float | None:
        """Modification time of the local source, seconds since the epoch, if it was kept and is sane."""
        return parse_mtime(self.metadata.get("goog-reserved-file-mtime"))

    def row(self) -> ObjectRow:
        """Return the slim form that listings use."""
        return ObjectRow(
            self.name,
            self.size,
            self.updated,
            self.generation,
            self.metageneration,
            self.crc32c,
            self.content_type,
            self.storage_class,
            self.mtime,
            self.content_encoding,
        )


MTIME_LIMIT: Final = 32
"""Characters that a modification time in metadata may have: others put there what they like (hazard 64)."""


def parse_mtime(text: str | None) -> float | None:
    """Parse the value of `goog-reserved-file-mtime` (decimal seconds); None for what is absent or hostile.

    Bounded to what a file system can hold (hazard 64): the years 1970 to about 9999.
    """
    if not text or len(text) > MTIME_LIMIT:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 253_402_300_800 else None


class MultipartUpload(NamedTuple):
    """A multipart upload of the XML API that is not finished: billed, and in no listing of objects."""

    name: str
    """Name of the object that it would become, raw."""
    upload_id: str
    """Tells it from other uploads of the same name."""
    started: float | None
    """Seconds since the epoch; None where the service did not say."""
    storage_class: str
    """Class of its parts; may be empty."""


class MultipartPage(NamedTuple):
    """One page of the unfinished multipart uploads."""

    uploads: list[MultipartUpload]
    """In byte order of their names."""
    next_token: str
    """Token of the next page; empty on the last one."""


class FolderPage(NamedTuple):
    """One page of the real folders of a hierarchical namespace."""

    names: list[str]
    """Full names, each with its trailing `/`, in byte order."""
    next_token: str
    """Token of the next page; empty on the last one."""


class FolderOperation(NamedTuple):
    """A rename of a real folder, which may take longer than one request."""

    name: str
    """What it is asked about by."""
    done: bool
    """Whether it is over, and has worked."""


class BucketInfo(NamedTuple):
    """A bucket and its settings."""

    name: str
    """Its name, which is its ID in Replit as well."""
    location: str
    """Such as `EU` or `EUROPE-WEST1`; empty where reading the settings is forbidden."""
    location_type: str
    """`multi-region`, `dual-region` or `region`."""
    storage_class: str
    """Default class of new objects."""
    created: float
    """Seconds since the epoch."""
    metageneration: int
    """Version of the settings."""
    versioning: bool
    """Whether older generations are kept."""
    soft_delete_s: int
    """Seconds for which deleted objects can be restored; 0 where soft delete is off."""
    uniform_access: bool
    """Whether only IAM decides (no ACLs)."""
    public_access_prevention: str
    """`enforced` or `inherited`."""
    hierarchical_namespace: bool
    """Whether folders are real."""
    requester_pays: bool
    """Whether requests are billed to the one who asks."""
    labels: Mapping[str, str] = NOTHING
    """Labels of the bucket."""
    generation: int = 0
    """Version of the bucket itself, needed to restore a soft-deleted one."""
    hard_delete: float | None = None
    """Until when a soft-deleted bucket can be restored, seconds since the epoch."""
    deleted: float | None = None
    """When a soft-deleted bucket was deleted, seconds since the epoch."""
    resource: Mapping[str, Any] = NOTHING
    """The whole JSON resource as the service sent it."""


class BucketPage(NamedTuple):
    """One page of the list of buckets."""

    buckets: list[BucketInfo]
    """In byte order of their names."""
    next_token: str
    """Token of the next page; empty on the last one."""


class BucketSpec(NamedTuple):
    """What a new bucket should be."""

    name: str
    """Globally unique; 3 to 63 characters."""
    location: str = "US"
    """Region, dual-region or multi-region; fixed for ever."""
    storage_class: str = "STANDARD"
    """Default class of new objects."""
    hierarchical_namespace: bool = False
    """Real folders; fixed for ever, and needs uniform access."""
    uniform_access: bool = True
    """Only IAM decides."""
    public_access_prevention: str = "enforced"
    """`enforced` or `inherited`."""
    labels: Mapping[str, str] = NOTHING
    """Labels."""


class IamPolicy(NamedTuple):
    """Who may do what on a bucket."""

    etag: str
    """What a change has to carry so that nobody else's change is overwritten."""
    bindings: tuple[IamBinding, ...]
    """Roles with their members."""
    version: int = 3
    """Version of the policy format; 3 carries conditions."""


class IamBinding(NamedTuple):
    """One role and who has it."""

    role: str
    """Such as `roles/storage.objectViewer`."""
    members: tuple[str, ...]
    """Such as `user:ada@example.com`, in order."""
    condition: Mapping[str, str] | None = None
    """`title`, `description` and `expression`, if the grant is conditional."""


class Precondition(NamedTuple):
    """What has to hold for a request to be carried out; None means "whatever".

    `generation=0` means "only if there is no live object of that name".
    """

    generation: int | None = None
    """ifGenerationMatch."""
    metageneration: int | None = None
    """ifMetagenerationMatch."""
    not_generation: int | None = None
    """ifGenerationNotMatch."""
    not_metageneration: int | None = None
    """ifMetagenerationNotMatch."""


CREATE_ONLY = Precondition(generation=0)
"""Succeeds only where no live object has the name."""


class WriteAttributes(NamedTuple):
    """What a new object gets besides its bytes."""

    content_type: str = "application/octet-stream"
    """MIME type."""
    content_encoding: str = ""
    """`gzip` for bytes that are compressed."""
    cache_control: str = ""
    """Cache-Control of downloads."""
    content_disposition: str = ""
    """Content-Disposition of downloads."""
    content_language: str = ""
    """Content-Language."""
    storage_class: str = ""
    """Class; empty for the bucket's default."""
    metadata: Mapping[str, str] = NOTHING
    """Custom metadata (`goog-reserved-file-mtime`, our nonce)."""


Ability = Literal["read/write", "read only", "write only", "no access", "unknown"]
"""What these credentials may do with a bucket, in a person's words."""
