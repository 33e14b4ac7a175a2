"""An object opened in another program: a private copy, and the way back for what was changed in it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from services import checksum
from services.errors import LocalFileError, UsageError
from services.gcs.interface import DataPlane
from services.model import ObjectInfo, Precondition, WriteAttributes
from services.names import GsUrl, base_name, display_name, local_path
from services.paths import PRIVATE_FILE_MODE, ensure_private_dir, state_dir
from services.transfer.pipe import read_object, write_object

OPEN_LIMIT: Final = 64 << 20
"""Bytes of the largest object that is opened: pagers and editors hold the whole of it."""

PART: Final = 1 << 20
"""Bytes read from the copy at once."""

FOLDER: Final = "opened"
"""Folder of the copies, in the state folder."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A copy of one generation of an object, in a file of this user alone."""

    url: GsUrl
    """Where it came from."""
    info: ObjectInfo
    """The generation that was copied."""
    path: Path
    """The copy; its name ends as the object's does, for programs that go by it."""

    def forget(self) -> None:
        """Remove the copy."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


async def open_copy(data: DataPlane, url: GsUrl, *, generation: int | None = None, to_edit: bool = False) -> Opened:
    """Copy an object, verified, into a private file; what is stored gzip-encoded is decoded.

    Raises `UsageError` for one above `OPEN_LIMIT`, and with `to_edit` for one that is stored gzip-encoded;
    `LocalFileError`, and what reading objects raises.
    """
    info = await data.stat(url.bucket, url.name, generation=generation)
    is_encoded = info.content_encoding == "gzip"
    if to_edit and is_encoded:
        raise UsageError(
            f"{display_name(str(url))} is stored gzip-encoded",
            remedy="Download it with 'pail cp --decompress', edit it there, and upload it.",
            url=str(url),
        )
    if info.size > OPEN_LIMIT:
        raise UsageError(
            f"{display_name(str(url))} is too large to open: {info.size:,} bytes",
            remedy="Download it, and open it there.",
            url=str(url),
        )
    folder = await asyncio.to_thread(_make_folder)
    path = folder / local_path(base_name(url.name) or "object")
    try:
        with await asyncio.to_thread(_create, path) as file:

            async def sink(part: bytes) -> None:
                await asyncio.to_thread(file.write, part)

            await read_object(data, url, sink, generation=info.generation, decompress=is_encoded)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise LocalFileError(
            f"cannot write {display_name(str(path))}: {error.strerror}", remedy="Check the disk.", url=str(path)
        ) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Opened(url, info, path)


async def is_changed(opened: Opened) -> bool:
    """Tell whether the copy's bytes are others than the object's; raises `LocalFileError` where it is gone."""
    return await asyncio.to_thread(_crc32c, opened.path) != opened.info.crc32c


async def send_back(data: DataPlane, opened: Opened, url: GsUrl, precondition: Precondition) -> ObjectInfo:
    """Put the copy's bytes in place of the object, with all that is kept about it; raises `PreconditionFailed`."""
    info = opened.info
    attributes = WriteAttributes(
        content_type=info.content_type,
        content_encoding=info.content_encoding,
        cache_control=info.resource.get("cacheControl", ""),
        content_disposition=info.resource.get("contentDisposition", ""),
        content_language=info.resource.get("contentLanguage", ""),
        storage_class=info.storage_class,
        metadata={key: value for key, value in info.metadata.items() if not key.startswith("goog-reserved-")},
    )
    with await asyncio.to_thread(open, opened.path, "rb") as file:

        async def source(size: int) -> bytes:
            part: bytes = await asyncio.to_thread(file.read, size)
            return part

        return await write_object(data, url, source, attributes=attributes, precondition=precondition)


def _make_folder() -> Path:
    root = ensure_private_dir(ensure_private_dir(state_dir()) / FOLDER)
    return ensure_private_dir(root / secrets.token_hex(8))


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE), "wb")


def _crc32c(path: Path) -> str:
    running = checksum.Crc32c()
    try:
        with open(path, "rb") as file:
            while part := file.read(PART):
                running.update(part)
    except OSError as error:
        raise LocalFileError(
            f"cannot read {display_name(str(path))}: {error.strerror}", remedy="Nothing was uploaded.", url=str(path)
        ) from error
    return running.base64()
