"""The interface to storage, in two halves; nothing above it knows a library's objects, threads or blocking calls.

Every method is a coroutine that may be cancelled.  Every failure is a `services.errors.PailError`: `BucketNotFound`,
`ObjectNotFound`, `PreconditionFailed`, `Forbidden`, `Retained`, `NotAuthenticated`, `RateLimited`, `Transient`,
`SessionGone`, `RangeNotSatisfiable`, `Rejected`, `Corrupt`.

Retries: reads (lists, stats, the opening of a read) are retried inside, with backoff and jitter, within the deadline
of the implementation.  Changes are sent ONCE: after a `Transient` the caller does not know whether the change was
carried out, and reads back before it decides (generation, CRC32C, nonce).  Only a change that never left this machine
(connection refused, name not resolved) and one that was refused with 429 or 401 may be sent again inside.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, Self

from services.errors import PailError
from services.model import (
    BriefPage,
    BucketInfo,
    BucketPage,
    BucketSpec,
    FolderOperation,
    FolderPage,
    IamPolicy,
    ListPage,
    MultipartPage,
    MultipartUpload,
    ObjectInfo,
    Precondition,
    VersionPage,
    WriteAttributes,
)
from services.operations import OperationCounter

PART_MULTIPLE: Final = 256 * 1024
"""Bytes of which every part but the last of a resumable upload is a multiple."""

ANY: Final = Precondition()
"""No precondition: for reads."""

Progress = Callable[[int], None]
"""Called with the number of further bytes that were handed to the network; from any thread, so it must be cheap."""


class ListQuery(NamedTuple):
    """What to list of a bucket."""

    prefix: str = ""
    """Only names that begin with it."""
    delimiter: str = ""
    """`/` folds what lies deeper into prefixes; empty lists everything."""
    page_size: int = 1000
    """Rows wanted in a page; the service may return fewer."""
    start_offset: str = ""
    """Only names at or after it, in byte order."""
    end_offset: str = ""
    """Only names before it, in byte order; empty for no end."""
    match_glob: str = ""
    """Google's glob, evaluated by the service."""
    versions: bool = False
    """Noncurrent generations too."""
    soft_deleted: bool = False
    """Soft-deleted objects only."""
    include_trailing_delimiter: bool = False
    """List `dir/` objects among the objects as well as among the prefixes."""
    include_folders_as_prefixes: bool = False
    """In a bucket with real folders: list the empty ones too."""
    slim: bool = False
    """Of each object only what transfers need to know: name, size, generation, CRC32C, the file's time, encoding."""
    timeless: bool = False
    """Without the times of files, where objects are only compared: they are a third of what has to be read."""


class ReadStream(Protocol):
    """The body of an object while it is downloaded: what the answer said of it, and its bytes as stored."""

    @property
    def generation(self) -> int:
        """Generation that is being read."""

    @property
    def size(self) -> int:
        """Bytes of the whole object as stored."""

    @property
    def crc32c(self) -> str:
        """Base64 CRC32C of the whole object as stored; empty where the answer had none."""

    @property
    def content_encoding(self) -> str:
        """Encoding of the stored bytes, which arrive undecoded."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes in order; raises `Transient` when the connection breaks or stalls before the end."""

    async def fill(self, view: memoryview, came: Callable[[int], None]) -> int:
        """Receive into `view` and return how many bytes: fewer than fit only where the body ends or breaks off there.

        Where none came the body has ended, or `Transient` says why not.  `came` is told of bytes as they come.  A body
        is either iterated over or read in this way.
        """


class Fetched(NamedTuple):
    """A small object: what the answer said of it, as of a `ReadStream`, and its bytes as stored."""

    generation: int
    """Generation that was read."""
    size: int
    """Bytes of the object as stored."""
    crc32c: str
    """Base64 CRC32C of the object as stored; empty where the answer had none."""
    content_encoding: str
    """Encoding of the stored bytes."""
    content: bytes
    """The bytes."""


class Written(NamedTuple):
    """What the answer said of an object that was created."""

    bucket: str
    """Its bucket."""
    name: str
    """Its name."""
    size: int
    """Bytes as stored."""
    generation: int
    """Generation that was written."""
    crc32c: str
    """Base64 CRC32C of the stored bytes."""


class UploadStatus(NamedTuple):
    """Where a resumable session stands."""

    received: int
    """Bytes that have arrived and are kept (0 where the answer had no Range, hazard 14)."""
    done: ObjectInfo | None = None
    """The finished object, once all has arrived."""


class RewriteStatus(NamedTuple):
    """Where a server-side copy stands."""

    token: str
    """To go on with; empty when it is done."""
    rewritten: int
    """Bytes copied so far."""
    size: int
    """Bytes of the source."""
    done: ObjectInfo | None = None
    """The copy, once it is complete."""


class DataPlane(Protocol):
    """Objects: lists, reads, writes, copies, deletes."""

    async def list_page(self, bucket: str, query: ListQuery, token: str = "") -> ListPage:
        """Return one page, following `token`."""

    async def list_brief(self, bucket: str, query: ListQuery, token: str = "") -> BriefPage:
        """Return one page with only what is printed of each object; the query has no delimiter."""

    async def list_versions(self, bucket: str, query: ListQuery, token: str = "", *, known: bytes = b"") -> VersionPage:
        """Return one page with what tells versions of each object apart; the query has no delimiter.

        Where the answer is byte for byte the one whose digest is `known`, nothing but that is said.
        """

    async def stat(
        self, bucket: str, name: str, *, generation: int | None = None, soft_deleted: bool = False
    ) -> ObjectInfo:
        """Return what is known of the live object, or of one generation.

        `soft_deleted` looks for `generation` among what was deleted and can be restored, and nowhere else.
        """

    def read(
        self, bucket: str, name: str, *, generation: int | None = None, start: int = 0, end: int | None = None
    ) -> AbstractAsyncContextManager[ReadStream]:
        """Open the stored bytes `start` to `end` (exclusive, None: to the end); a negative `start` counts from the end.

        Nothing is decoded (gzip stays gzip).  The connection is given up after 30 s without a byte (`Transient`,
        hazard 15).  Leaving the context early closes the connection.
        """

    async def fetch(self, bucket: str, name: str, *, generation: int | None = None) -> Fetched:
        """Return a small object whole, as stored; what arrives damaged on the way is not noticed here."""

    async def insert(
        self,
        bucket: str,
        name: str,
        data: bytes,
        *,
        attributes: WriteAttributes,
        crc32c: str,
        precondition: Precondition,
        progress: Progress | None = None,
    ) -> ObjectInfo:
        """Create an object in one request (for small ones); the service verifies `crc32c` before it commits."""

    async def create(self, bucket: str, name: str, data: bytes, *, attributes: WriteAttributes, crc32c: str) -> Written:
        """Create a small object where nothing has its name; the answer tells no more than has to be compared."""

    async def start_upload(
        self,
        bucket: str,
        name: str,
        *,
        size: int | None,
        attributes: WriteAttributes,
        crc32c: str,
        precondition: Precondition,
    ) -> str:
        """Start a resumable session and return its reference: a bearer secret, relative to the connection.

        `crc32c` may be empty where it is not known yet; the caller then compares it with the finished object.
        """

    async def upload_part(
        self,
        session: str,
        data: bytes | memoryview | Sequence[bytes],
        *,
        offset: int,
        total: int | None,
        crc32c: str = "",
        progress: Progress | None = None,
    ) -> UploadStatus:
        """Send bytes, whole or in pieces, from `offset`.

        They end on a multiple of 256 KiB unless they end the object (`total` is known).  `crc32c` (of the whole
        object) may accompany the last part so that the service refuses a mismatch.
        """

    async def upload_status(self, session: str, *, total: int | None) -> UploadStatus:
        """Ask what has arrived; raises `SessionGone` for an unknown or expired session."""

    async def cancel_upload(self, session: str) -> None:
        """Abandon a session and what it holds; one that is already gone is fine."""

    async def rewrite(
        self,
        source_bucket: str,
        source: str,
        source_generation: int,
        bucket: str,
        name: str,
        *,
        precondition: Precondition,
        attributes: Mapping[str, Any] | None = None,
        token: str = "",
    ) -> RewriteStatus:
        """Copy one generation on the server; call again with the token until `done` is set.

        `attributes` (JSON resource fields) replace the source's metadata; None keeps it.
        """

    async def move(
        self, bucket: str, source: str, source_generation: int, name: str, *, precondition: Precondition
    ) -> ObjectInfo:
        """Rename atomically within a bucket; raises `Rejected` where the service has no atomic move."""

    async def move_many(self, bucket: str, items: list[tuple[str, int, str]]) -> list[ObjectInfo | PailError]:
        """Rename up to 100 (name, generation seen, new name) in one request; one answer an item, in order.

        Each is renamed atomically, and only where nothing has the new name.  What has no answer is `Transient`.
        """

    async def compose(
        self,
        bucket: str,
        sources: list[tuple[str, int]],
        name: str,
        *,
        attributes: WriteAttributes,
        precondition: Precondition,
    ) -> ObjectInfo:
        """Join at most 32 (name, generation) into one object."""

    async def patch(
        self, bucket: str, name: str, changes: Mapping[str, Any], *, generation: int, precondition: Precondition
    ) -> ObjectInfo:
        """Change metadata of one generation; a value of None removes a field."""

    async def delete(
        self, bucket: str, name: str, *, generation: int | None = None, precondition: Precondition
    ) -> None:
        """Delete the live object under a precondition, or exactly one `generation` (also a noncurrent one)."""

    async def delete_many(
        self, bucket: str, items: list[tuple[str, int]], *, exact: bool = False
    ) -> list[Exception | None]:
        """Delete up to 100 (name, generation seen) in one request; one answer an item, in order.

        The generation has to be the live one; with `exact` just that generation goes, also a noncurrent one, and none
        is left behind in its place.
        """

    async def restore(self, bucket: str, name: str, generation: int, *, precondition: Precondition) -> ObjectInfo:
        """Bring a soft-deleted generation back as a new live one."""

    async def create_folder(self, bucket: str, name: str) -> None:
        """Create a real folder (`name` ends with `/`) in a bucket with a hierarchical namespace."""

    async def stat_folder(self, bucket: str, name: str) -> int:
        """Return the metageneration of a real folder; raises `ObjectNotFound`, or `Conflict` in a flat bucket."""

    async def list_folders(self, bucket: str, prefix: str, token: str = "") -> FolderPage:
        """Return one page of the real folders at and below a prefix, in order; raises `Conflict` in a flat bucket."""

    async def delete_folder(self, bucket: str, name: str) -> None:
        """Delete an empty real folder; raises `Conflict` where something is in it, `ObjectNotFound`."""

    async def rename_folder(
        self, bucket: str, source: str, target: str, *, metageneration: int | None = None
    ) -> FolderOperation:
        """Begin to rename a real folder with all that is in it, in one step; raises `Conflict` where the target exists.

        It is over once `folder_operation` says so; until then the answer may say that it is not done.
        """

    async def folder_operation(self, bucket: str, operation: str) -> FolderOperation:
        """Ask how a rename stands; raises what it failed with, `ObjectNotFound` where it is known no longer."""

    async def list_multipart_uploads(self, bucket: str, *, prefix: str = "", token: str = "") -> MultipartPage:
        """Return one page of the multipart uploads that were begun and not finished (the XML API's, not sessions)."""

    async def multipart_size(self, bucket: str, upload: MultipartUpload) -> int:
        """Return the bytes of an unfinished upload's parts; 0 where it is gone by now."""

    async def abort_multipart_upload(self, bucket: str, upload: MultipartUpload) -> None:
        """Abandon an unfinished upload and delete its parts; one that is gone is fine."""


class ControlPlane(Protocol):
    """Buckets: lists, settings, access, signing."""

    async def list_buckets(self, *, token: str = "", prefix: str = "", soft_deleted: bool = False) -> BucketPage:
        """Return one page of the project's buckets."""

    async def create_bucket(self, spec: BucketSpec) -> BucketInfo:
        """Create a bucket; raises `Conflict` where the name is taken."""

    async def get_bucket(self, bucket: str) -> BucketInfo:
        """Return the settings of a bucket."""

    async def patch_bucket(self, bucket: str, changes: Mapping[str, Any], *, metageneration: int) -> BucketInfo:
        """Change settings that were seen at `metageneration`; only sent fields change, None removes one."""

    async def delete_bucket(self, bucket: str, *, metageneration: int | None = None) -> None:
        """Delete an empty bucket; raises `Conflict` where it is not empty."""

    async def restore_bucket(self, bucket: str, generation: int) -> BucketInfo:
        """Bring a soft-deleted bucket back."""

    async def is_hierarchical(self, bucket: str) -> bool:
        """Tell whether folders are real (storageLayout: allowed even where reading the settings is not)."""

    async def get_policy(self, bucket: str) -> IamPolicy:
        """Return who may do what (policy version 3, with conditions)."""

    async def set_policy(self, bucket: str, policy: IamPolicy) -> IamPolicy:
        """Replace the policy that was seen with this etag; raises `PreconditionFailed` if it changed since."""

    async def test_permissions(self, bucket: str, permissions: list[str]) -> frozenset[str]:
        """Return those of `permissions` that these credentials have."""

    async def sign_url(self, bucket: str, name: str, *, method: str, expires_s: int) -> str:
        """Return a V4 signed URL, valid for `expires_s` seconds (at most seven days): a secret."""


class Storage(Protocol):
    """Both halves over one connection."""

    @property
    def control(self) -> ControlPlane:
        """Buckets."""

    @property
    def data(self) -> DataPlane:
        """Objects."""

    @property
    def operations(self) -> OperationCounter:
        """What was asked of the service so far, by what it is billed as."""

    async def close(self) -> None:
        """Close connections and threads."""

    async def __aenter__(self) -> Self:
        """Enter; returns itself."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
