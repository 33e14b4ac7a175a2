"""A bucket that exists in memory only: strongly consistent inside, and seen through a network that is not."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from services import checksum
from services.errors import Corrupt, ObjectNotFound, PreconditionFailed, Rejected, SessionGone, Transient
from services.gcs.body import Filling
from services.gcs.interface import ListQuery, RewriteStatus, UploadStatus
from services.model import ObjectInfo, Precondition, VersionPage, WriteAttributes

BUCKET = "bucket"
HISTORY = 6
"""Listings of the past that a stale answer may come from."""


@dataclass
class Session:
    """A resumable upload at the service."""

    name: str
    metadata: dict[str, str]
    precondition: Precondition
    body: bytes = b""
    done: ObjectInfo | None = None


@dataclass
class Objects:
    """What the service holds."""

    sessions: dict[str, Session] = field(default_factory=dict)
    begun: int = 0
    """Sessions there ever were."""

    live: dict[str, ObjectInfo] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)
    """Bytes by generation, of those that are gone as well."""
    generation: int = 1_000
    moves: bool = True
    """Whether the service knows the atomic move."""
    past: deque[dict[str, ObjectInfo]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    late: list[Callable[[], object]] = field(default_factory=list)
    """Requests whose sender has given up on them and that are still under way."""
    seconds: float = 1_800_000_000.0

    def check(self, name: str, precondition: Precondition) -> None:
        there = self.live.get(name)
        if precondition.generation is not None and precondition.generation != (there.generation if there else 0):
            if there is None and precondition.generation:
                raise PreconditionFailed("no such generation")
            raise PreconditionFailed("another generation is there")

    def put(self, name: str, body: bytes, metadata: dict[str, str], precondition: Precondition) -> ObjectInfo:
        self.check(name, precondition)
        self.past.append(dict(self.live))
        self.generation += 1
        self.seconds += 1
        info = ObjectInfo(
            bucket=BUCKET, name=name, size=len(body), generation=self.generation, metageneration=1,
            updated=self.seconds, created=self.seconds, crc32c=checksum.of(body), md5="", content_type="",
            content_encoding="", storage_class="STANDARD", metadata=metadata,
        )  # fmt: skip
        self.live[name] = info
        self.bodies[info.generation] = body
        return info

    def delete(self, name: str, precondition: Precondition) -> None:
        if name not in self.live:
            raise ObjectNotFound(f"{name} is gone")
        self.check(name, precondition)
        self.past.append(dict(self.live))
        del self.live[name]

    def move(self, source: str, generation: int, name: str, precondition: Precondition) -> ObjectInfo:
        info = self.copy(source, generation, name, precondition)
        del self.live[source]
        return info

    def copy(self, source: str, generation: int, name: str, precondition: Precondition) -> ObjectInfo:
        there = self.live.get(source)
        if there is None or there.generation != generation:
            raise ObjectNotFound(f"{source} is gone")
        return self.put(name, self.bodies[generation], dict(there.metadata), precondition)

    def take_part(self, name: str, data: bytes, offset: int, total: int | None, crc32c: str) -> UploadStatus:
        """Take in a part; what was taken before is left out, as the service does."""
        session = self.sessions.get(name)
        if session is None:
            raise SessionGone("there is no such session")
        if session.done is None and offset <= len(session.body):
            session.body += data[len(session.body) - offset :]
            if total is not None and len(session.body) == total:
                if crc32c and crc32c != checksum.of(session.body):
                    del self.sessions[name]
                    raise Corrupt("the checksum is another one")
                session.done = self.put(session.name, session.body, session.metadata, session.precondition)
        return UploadStatus(len(session.body), session.done)

    def arrive(self) -> None:
        """Have the oldest request that was given up on arrive."""
        request = self.late.pop(0)
        try:
            request()
        except (Corrupt, ObjectNotFound, PreconditionFailed, SessionGone):
            return


@dataclass
class Stream(Filling):
    generation: int
    size: int
    crc32c: str
    body: bytes
    broken: bool
    content_encoding: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        half = len(self.body) // 2
        if self.body[:half]:
            yield self.body[:half]
        if self.broken:
            raise Transient("the connection broke")
        yield self.body[half:]


class Network:
    """The data plane of one process: every request may be lost, late or unanswered, every listing stale or broken."""

    def __init__(self, objects: Objects, *, ask: Callable[[str], Any], fault: Callable[[str], str]) -> None:
        self._objects = objects
        self._ask = ask
        """Comes to a point at which others act and the process may end."""
        self._fault = fault
        """Returns what goes wrong with a request, or nothing."""
        self.deletes = 0
        """Objects that were asked to be deleted."""

    async def _change(self, kind: str, request: Callable[[], Any]) -> Any:
        await self._ask(kind)
        fault = self._fault("change")
        if fault == "refused":
            raise Transient("no connection")
        if fault == "late":
            self._objects.late.append(request)
            raise Transient("no answer in time")
        done = request()
        await self._ask(kind)
        if fault == "lost":
            raise Transient("the answer was lost")
        return done

    async def list_versions(self, bucket: str, query: ListQuery, token: str = "", *, known: bytes = b"") -> VersionPage:
        await self._ask("list")
        fault = self._fault("list")
        if fault == "refused":
            raise Transient("no connection")
        live = self._objects.live
        if fault == "stale" and self._objects.past:
            live = self._objects.past[0]
        names = sorted(name for name in live if name.startswith(query.prefix))
        if fault == "empty":
            names = []
        elif fault == "broken":
            names = names[::2]
        # Two pages, so that others can act between them.
        page = names[: len(names) // 2] if not token else names[len(names) // 2 :]
        if fault == "stale":
            page = names if not token else []
        rows = [(name, live[name].size, live[name].generation, live[name].crc32c, "") for name in page]
        await self._ask("list")
        following = "" if token else "more"
        digest = repr((rows, following)).encode()
        return VersionPage(None, "", digest) if digest == known else VersionPage(rows, following, digest)

    async def stat(self, bucket: str, name: str, *, generation: int | None = None) -> ObjectInfo:
        await self._ask("stat")
        if self._fault("stat") == "refused":
            raise Transient("no connection")
        found = self._objects.live.get(name)
        if found is None:
            raise ObjectNotFound(f"{name} is not there")
        await self._ask("stat")
        return found

    @asynccontextmanager
    async def read(
        self, bucket: str, name: str, *, generation: int | None = None, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Stream]:
        await self._ask("read")
        fault = self._fault("read")
        if fault == "refused":
            raise Transient("no connection")
        found = self._objects.live.get(name)
        if found is None or (generation is not None and found.generation != generation):
            raise ObjectNotFound(f"{name} is not there")
        body = self._objects.bodies[found.generation][start:end]
        if fault == "wrong" and body:
            body = body[:-1] + bytes([body[-1] ^ 1])
        await self._ask("read")
        yield Stream(found.generation, found.size, found.crc32c, body, fault == "broken")

    async def insert(
        self, bucket: str, name: str, data: bytes, *, attributes: WriteAttributes, crc32c: str,
        precondition: Precondition, progress: object = None,
    ) -> ObjectInfo:  # fmt: skip
        body, metadata = bytes(data), dict(attributes.metadata)
        assert base64.b64decode(crc32c) == base64.b64decode(checksum.of(body))
        done: ObjectInfo = await self._change("insert", lambda: self._objects.put(name, body, metadata, precondition))
        return done

    async def start_upload(
        self, bucket: str, name: str, *, size: int | None, attributes: WriteAttributes, crc32c: str,
        precondition: Precondition,
    ) -> str:  # fmt: skip
        def start() -> str:
            self._objects.check(name, precondition)
            self._objects.begun += 1
            session = f"session-{self._objects.begun}"
            self._objects.sessions[session] = Session(name, dict(attributes.metadata), precondition)
            return session

        done: str = await self._change("start", start)
        return done

    async def upload_part(
        self, session: str, data: bytes | memoryview, *, offset: int, total: int | None, crc32c: str = "",
        progress: object = None,
    ) -> UploadStatus:  # fmt: skip
        body = bytes(data)
        done: UploadStatus = await self._change(
            "part", lambda: self._objects.take_part(session, body, offset, total, crc32c)
        )
        return done

    async def upload_status(self, session: str, *, total: int | None) -> UploadStatus:
        await self._ask("status")
        if self._fault("stat") == "refused":
            raise Transient("no connection")
        found = self._objects.sessions.get(session)
        if found is None:
            raise SessionGone("there is no such session")
        return UploadStatus(len(found.body), found.done)

    async def cancel_upload(self, session: str) -> None:
        await self._ask("cancel")
        self._objects.sessions.pop(session, None)

    async def delete(
        self, bucket: str, name: str, *, generation: int | None = None, precondition: Precondition
    ) -> None:
        self.deletes += 1
        await self._change("delete", lambda: self._objects.delete(name, precondition))

    async def move(
        self, bucket: str, source: str, source_generation: int, name: str, *, precondition: Precondition
    ) -> ObjectInfo:
        if not self._objects.moves:
            raise Rejected("there is no such method")
        done: ObjectInfo = await self._change(
            "move", lambda: self._objects.move(source, source_generation, name, precondition)
        )
        return done

    async def rewrite(
        self, source_bucket: str, source: str, source_generation: int, bucket: str, name: str, *,
        precondition: Precondition, attributes: object = None, token: str = "",
    ) -> RewriteStatus:  # fmt: skip
        done: ObjectInfo = await self._change(
            "rewrite", lambda: self._objects.copy(source, source_generation, name, precondition)
        )
        return RewriteStatus("", done.size, done.size, done)
