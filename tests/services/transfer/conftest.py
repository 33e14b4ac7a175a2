"""Engines over a real embedded store, and what the tests of transfers share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from services import checksum
from services.connection import Connection
from services.errors import Conflict
from services.gcs.interface import Storage
from services.gcs.open import open_storage
from services.gcs.wire import Limits
from services.localstore.faults import Faults
from services.localstore.server import StoreServer
from services.model import CREATE_ONLY, BucketSpec, ObjectInfo, WriteAttributes
from services.transfer.inprocess import open_engine
from services.transfer.messages import (
    ConflictFact,
    EngineClient,
    Fact,
    ItemFact,
    JobFact,
    JobItem,
    JobSpec,
    NoticeFact,
    SnapshotQuery,
    Submit,
    TransferView,
)
from services.transfer.options import Options
from services.transfer.scheduler import Scheduler

BUCKET = "bucket"
KIB = 1024
FAST = Options(
    small_limit=256 * KIB,
    part_size=256 * KIB,
    part_chunk=256 * KIB,
    write_size=64 * KIB,
    max_attempts=4,
    backoff_s=0.01,
    backoff_max_s=0.05,
    settle_s=0.02,
    probe_s=0.05,
    probe_limit_s=5.0,
    patience_s=60.0,
)
"""Times and sizes that make faults come and go quickly."""

IMPATIENT = Limits(stall_s=1.0, deadline_s=1.0, attempts=2, backoff_s=0.01, backoff_cap_s=0.05)
"""The same for the road to storage."""


async def open_impatient(connection: Connection) -> Storage:
    return await open_storage(connection, limits=IMPATIENT)


async def eventually(condition: Callable[[], Awaitable[Any] | Any], limit: float = 30.0) -> Any:
    """Wait until `condition` is true and return what it returned."""
    async with asyncio.timeout(limit):
        while True:
            found = condition()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.005)


@dataclass
class Lab:
    """An engine, the storage it works on, and what it told."""

    engine: EngineClient
    storage: Storage
    connection: Connection
    server: StoreServer
    faults: Faults
    folder: Path
    seen: list[Fact] = field(default_factory=list)

    def spec(self, action: str, *items: JobItem, **options: Any) -> JobSpec:
        return JobSpec(action, self.connection, items, **options)  # type: ignore[arg-type]

    async def start(self, action: str, *items: JobItem, **options: Any) -> str:
        return (await self.engine.submit(Submit(self.spec(action, *items, **options)))).id

    async def run(self, action: str, *items: JobItem, **options: Any) -> JobFact:
        return await self.ended(await self.start(action, *items, **options))

    async def ended(self, job: str, limit: float = 60.0) -> JobFact:
        return await eventually(lambda: self.end_of(job), limit)

    def end_of(self, job: str) -> JobFact | None:
        ends = [fact for fact in self.seen if isinstance(fact, JobFact) and fact.job.id == job]
        return ends[-1] if ends else None

    def items(self, job: str = "") -> list[TransferView]:
        return [f.transfer for f in self.seen if isinstance(f, ItemFact) and job in ("", f.transfer.job)]

    def notices(self) -> list[NoticeFact]:
        return [fact for fact in self.seen if isinstance(fact, NoticeFact)]

    def conflicts(self) -> list[ConflictFact]:
        return [fact for fact in self.seen if isinstance(fact, ConflictFact)]

    async def transfers(self, job: str) -> list[TransferView]:
        return list((await self.engine.snapshot(SnapshotQuery(job=job, limit=1000))).transfers)

    async def put(self, name: str, data: bytes, **attributes: Any) -> ObjectInfo:
        return await self.storage.data.insert(
            BUCKET,
            name,
            data,
            attributes=WriteAttributes(**attributes),
            crc32c=checksum.of(data),
            precondition=CREATE_ONLY,
        )

    async def overwrite(self, name: str, data: bytes) -> ObjectInfo:
        from services.model import Precondition

        return await self.storage.data.insert(
            BUCKET, name, data, attributes=WriteAttributes(), crc32c=checksum.of(data), precondition=Precondition()
        )

    async def get(self, name: str, *, bucket: str = BUCKET) -> bytes:
        async with self.storage.data.read(bucket, name) as stream:
            return b"".join([chunk async for chunk in stream])

    async def names(self, prefix: str = "", *, bucket: str = BUCKET, **query: Any) -> list[str]:
        from services.gcs.interface import ListQuery

        found: list[str] = []
        token = ""
        while True:
            page = await self.storage.data.list_page(bucket, ListQuery(prefix=prefix, **query), token)
            found += [row.name for row in page.objects]
            token = page.next_token
            if not token:
                return found

    def file(self, name: str, data: bytes = b"") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


OpenLab = Callable[..., Awaitable[Lab]]


@pytest.fixture
async def open_lab(store_factory: Callable[..., StoreServer], tmp_path: Path) -> AsyncIterator[OpenLab]:
    """Open labs: `await open_lab(options=…, state=…, server=…)`."""
    async with AsyncExitStack() as stack:

        async def start(
            *,
            options: Options = FAST,
            state: Path | None = None,
            server: StoreServer | None = None,
            faults: Faults | None = None,
            worker: bool = False,
            open_client: Callable[[Path, Options], Awaitable[EngineClient]] | None = None,
        ) -> Lab:
            faults = faults or Faults()
            if server is None:
                server = store_factory(faults=faults)
            connection = Connection(endpoint=server.endpoint, project="test")
            storage = await open_impatient(connection)
            stack.push_async_callback(storage.close)
            with suppress(Conflict):
                await storage.control.create_bucket(BucketSpec(BUCKET))
            if options.open_storage is None:
                options = options._replace(open_storage=open_impatient)
            state = state or tmp_path / "state"
            if open_client is None:
                engine: EngineClient = await open_engine(state, worker=worker, options=options)
            else:
                engine = await open_client(state, options)
            folder = tmp_path / "files"
            folder.mkdir(exist_ok=True)
            lab = Lab(engine, storage, connection, server, faults, folder)
            facts = engine.facts(items=True)

            async def listen() -> None:
                async for fact in facts:
                    lab.seen.append(fact)

            listener = asyncio.create_task(listen())

            async def stop() -> None:
                await engine.close()
                listener.cancel()
                with suppress(asyncio.CancelledError):
                    await listener

            stack.push_async_callback(stop)
            return lab

        yield start


@pytest.fixture
async def lab(open_lab: OpenLab) -> Lab:
    """Return a lab with short times."""
    return await open_lab()


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return for each task that a scheduler launches how many transfers it carries out, to begin with."""
    found: list[int] = []
    real = Scheduler.launch

    def launch(self: Scheduler, job: Any, work: Any, runs: Any, given_back: Any) -> None:
        found.append(len(runs))
        real(self, job, work, runs, given_back)

    monkeypatch.setattr(Scheduler, "launch", launch)
    return found


def some_bytes(size: int, seed: int = 1) -> bytes:
    """Return bytes that compress badly and are the same every time."""
    import random

    return random.Random(seed).randbytes(size)


__all__ = ["BUCKET", "FAST", "KIB", "Lab", "OpenLab", "eventually", "open_impatient", "os", "some_bytes"]
