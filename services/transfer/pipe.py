"""Objects to and from a pipe: bytes in order, none twice, verified, with nothing to go back to."""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services import checksum
from services.errors import Corrupt, NotAuthenticated, ObjectNotFound, PreconditionFailed, SessionGone, Transient
from services.gcs.interface import DataPlane, UploadStatus
from services.model import ObjectInfo, Precondition, WriteAttributes
from services.names import GsUrl, display_name

PART_BYTES: Final = 8 * 1024 * 1024
"""Bytes of a part that is read from the pipe and kept until the service has it."""

ATTEMPTS: Final = 6
"""Tries without a single further byte before a transfer gives up."""

FIRST_DELAY_S: Final = 0.5
"""Seconds before the second try; doubled for each further one, with jitter."""

Sink = Callable[[bytes], Awaitable[None]]
"""Takes the bytes in order; waits until the reader has taken them."""

Source = Callable[[int], Awaitable[bytes]]
"""Returns exactly so many bytes, fewer only at the end."""

Sleep = Callable[[float], Awaitable[None]]
"""Waits for seconds."""


@dataclass(slots=True)
class _Patience:
    """Counts tries that brought nothing, and waits longer after each."""

    sleep: Sleep
    tries: int = 0

    def progress(self) -> None:
        """Start anew: bytes have moved."""
        self.tries = 0

    async def wait(self, error: Transient) -> None:
        """Wait before the next try; raises `error` when there were enough."""
        self.tries += 1
        if self.tries >= ATTEMPTS:
            raise error
        delay = FIRST_DELAY_S * 2 ** (self.tries - 1) * random.uniform(0.5, 1.0)
        await self.sleep(max(delay, error.retry_after_s or 0.0))


async def read_object(
    data: DataPlane,
    url: GsUrl,
    sink: Sink,
    *,
    generation: int | None = None,
    start: int = 0,
    end: int | None = None,
    decompress: bool = False,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Send the stored bytes of an object, or a range of them, to `sink`.

    A broken connection is taken up where it broke, at the generation that was begun (hazard 3).  A whole object is
    compared with its CRC32C at the end; the bytes are out by then, so `Corrupt` only tells that they were wrong.
    `decompress` decodes a gzip-encoded object; its stored bytes are what is verified (hazard 20).
    """
    whole = start == 0 and end is None
    running = checksum.Crc32c()
    patience = _Patience(sleep)
    received = 0
    expected = ""
    decoder: _Gunzip | None = None
    stop = -1
    while start != stop:
        resumed = received > 0 or generation is not None
        try:
            async with data.read(url.bucket, url.name, generation=generation, start=start, end=end) as stream:
                if received == 0:
                    generation, expected = stream.generation, stream.crc32c
                    if start < 0:
                        start = max(0, stream.size + start)
                    stop = stream.size if end is None else min(end, stream.size)
                    decoder = _Gunzip(url) if decompress and stream.content_encoding == "gzip" else None
                async for chunk in stream:
                    received += len(chunk)
                    start += len(chunk)
                    patience.progress()
                    running.update(chunk)
                    await sink(decoder.feed(chunk) if decoder else chunk)
            break
        except Transient as error:
            await patience.wait(error)
        except ObjectNotFound as error:
            if not resumed or received == 0:
                raise
            raise PreconditionFailed(
                f"{display_name(str(url))} was replaced while it was read",
                remedy="Run it again to read the new one.",
                url=str(url),
            ) from error
    if whole and expected and running.base64() != expected:
        raise Corrupt(
            f"{display_name(str(url))}: the bytes that were printed do not match the object's CRC32C",
            remedy="Throw them away and try again; if it stays, the object itself is damaged.",
            url=str(url),
        )
    if decoder:
        decoder.finish()


class _Gunzip:
    """Decodes gzip, with any number of members."""

    def __init__(self, url: GsUrl) -> None:
        self._url = url
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._fresh = True

    def feed(self, data: bytes) -> bytes:
        """Return what `data` decodes to; raises `Corrupt`."""
        out = []
        try:
            while data:
                if self._inner.eof:
                    self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)
                out.append(self._inner.decompress(data))
                self._fresh = False
                data = self._inner.unused_data
        except zlib.error as error:
            raise self._corrupt() from error
        return b"".join(out)

    def finish(self) -> None:
        """Raise `Corrupt` where the last member is cut off."""
        if not self._fresh and not self._inner.eof:
            raise self._corrupt()

    def _corrupt(self) -> Corrupt:
        return Corrupt(
            f"{display_name(str(self._url))} is marked as gzip and is not",
            remedy="Leave out --decompress to get the stored bytes.",
            url=str(self._url),
        )


@dataclass(slots=True)
class _Upload:
    """A resumable upload of unknown size."""

    data: DataPlane
    url: GsUrl
    attributes: WriteAttributes
    precondition: Precondition
    patience: _Patience
    session: str = ""
    offset: int = 0
    running: checksum.Crc32c = field(default_factory=checksum.Crc32c)

    async def send(self, part: bytes, *, last: bool) -> ObjectInfo | None:
        """Send one part, again where it got lost; returns the object after the last one."""
        base = self.offset
        total = base + len(part) if last else None
        self.running.update(part)
        expected = self.running.base64() if last else ""
        sent = 0
        while True:
            try:
                status = await self.data.upload_part(
                    self.session, memoryview(part)[sent:], offset=base + sent, total=total, crc32c=expected
                )
            except Transient as error:
                status = await self._ask(total, error)
            if status.done is not None:
                return status.done
            if not base <= status.received <= base + len(part):
                raise Corrupt(
                    f"the service lost track of the upload of {display_name(str(self.url))}",
                    remedy="Run it again; nothing was put in place.",
                    url=str(self.url),
                )
            if status.received - base > sent:
                self.patience.progress()
            sent = status.received - base
            self.offset = status.received
            if sent == len(part) and not last:
                return None

    async def _ask(self, total: int | None, error: Transient) -> UploadStatus:
        """Ask what has arrived after an answer was lost."""
        while True:
            await self.patience.wait(error)
            try:
                return await self.data.upload_status(self.session, total=total)
            except Transient as again:
                error = again


class Begun(NamedTuple):
    """An upload that an earlier process began and did not end, of a source that can be read again from the middle."""

    session: str
    """Its session: a secret."""
    offset: int
    """Bytes that have arrived; the source goes on behind them."""
    crc: int
    """CRC32C of those."""


async def write_object(
    data: DataPlane,
    url: GsUrl,
    source: Source,
    *,
    attributes: WriteAttributes,
    precondition: Precondition,
    progress: Callable[[int], None] = lambda _: None,
    sleep: Sleep = asyncio.sleep,
    begun: Begun | None = None,
    started: Callable[[str], Awaitable[None]] | None = None,
) -> ObjectInfo:
    """Create an object from a pipe of unknown length and return it, its CRC32C compared with what was read.

    One part is in memory while the next is read.  When it fails or is cancelled nothing is put in place and the
    session is given up: a pipe cannot be read again.  A source that can be is gone on with as `begun` says; then
    `started` is told each new session before its first byte, and a session that still stands outlives a passing fault.
    """
    part = await source(PART_BYTES)
    if begun is None and len(part) < PART_BYTES:
        info = await _write_small(data, url, part, attributes, precondition, _Patience(sleep))
        progress(len(part))
        return info
    if begun is None:
        session = await data.start_upload(
            url.bucket, url.name, size=None, attributes=attributes, crc32c="", precondition=precondition
        )
        if started is not None:
            await started(session)
        begun = Begun(session, 0, 0)
    running = checksum.Crc32c(begun.crc)
    upload = _Upload(data, url, attributes, precondition, _Patience(sleep), begun.session, begun.offset, running)
    try:
        while True:
            following = await source(PART_BYTES)
            done = await upload.send(part, last=not following)
            progress(len(part))
            if done is not None:
                break
            part = following
    except SessionGone as error:
        raise Transient(
            f"the upload of {display_name(str(url))} was given up by the service",
            remedy="Run it again; nothing was put in place.",
            url=str(url),
        ) from error
    except BaseException as error:
        if started is None or not isinstance(error, Transient | NotAuthenticated | asyncio.CancelledError):
            await asyncio.shield(data.cancel_upload(begun.session))
        raise
    if done.crc32c and done.crc32c != upload.running.base64():
        await data.delete(url.bucket, url.name, precondition=Precondition(generation=done.generation))
        raise Corrupt(f"{display_name(str(url))} arrived damaged and was removed", url=str(url))
    return done


async def _write_small(
    data: DataPlane,
    url: GsUrl,
    body: bytes,
    attributes: WriteAttributes,
    precondition: Precondition,
    patience: _Patience,
) -> ObjectInfo:
    """Create an object in one request; after a lost answer, look whether it is there (hazard 6)."""
    crc32c = checksum.of(body)
    while True:
        try:
            return await data.insert(
                url.bucket, url.name, body, attributes=attributes, crc32c=crc32c, precondition=precondition
            )
        except Transient as error:
            lost: Transient | PreconditionFailed = error
            await patience.wait(error)
        except PreconditionFailed as error:
            if not patience.tries:
                raise
            lost = error
        found = await _find_own(data, url, attributes, crc32c)
        if found is not None:
            return found
        if isinstance(lost, PreconditionFailed):
            raise lost


async def _find_own(data: DataPlane, url: GsUrl, attributes: WriteAttributes, crc32c: str) -> ObjectInfo | None:
    """Return the object if it is the one that was sent: its bytes and its nonce."""
    try:
        info = await data.stat(url.bucket, url.name)
    except ObjectNotFound:
        return None
    ours = all(info.metadata.get(key) == value for key, value in attributes.metadata.items())
    return info if ours and info.crc32c == crc32c else None


def with_nonce(attributes: WriteAttributes, key: str, nonce: str) -> WriteAttributes:
    """Return `attributes` with a mark by which a lost answer is recognised."""
    return attributes._replace(metadata={**attributes.metadata, key: nonce})
