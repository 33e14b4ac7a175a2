"""The bench of the contracts: an open storage over a store of its own, whose faults can be planted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from services import checksum
from services.gcs.interface import ANY, DataPlane, ListQuery, Storage
from services.gcs.wire import Limits
from services.localstore.faults import Faults
from services.localstore.server import StoreServer
from services.localstore.store import StoreOptions
from services.model import BucketSpec, ObjectInfo, WriteAttributes

BUCKET = "contract"

QUICK = Limits(connect_s=5, answer_s=5, stall_s=1, deadline_s=10, attempts=4, backoff_s=0.001, backoff_cap_s=0.002)
"""Limits with which a fault is over at once."""

HOSTILE = [
    "a/../b",
    "//x",
    "/",
    "dir/",
    "?#%&=+ ;",
    "%2e%2e%2Fx",
    "..x/..",
    "\x1b]0;title\x07",
    "\u202egpj.exe",
    "e\u0301",
    "\u00e9",
    "a" * 1024,
    "\U0001f600" * 256,
    "\ufeff\u200b",
    "'\"<>\\|*",
    "~-._",
    "[@click=app.quit]",
]
"""Names that somebody will use one day, and that mean something to a path, a terminal or a parser."""

Connect = Callable[..., Awaitable[Storage]]


@dataclass
class Bench:
    """An open storage over a store whose faults can be planted."""

    storage: Storage
    data: DataPlane
    faults: Faults
    server: StoreServer

    async def put(self, name: str, data: bytes = b"content", **attributes: object) -> ObjectInfo:
        return await self.data.insert(
            BUCKET,
            name,
            data,
            attributes=WriteAttributes(**attributes),  # type: ignore[arg-type]
            crc32c=checksum.of(data),
            precondition=ANY,
        )

    async def get(self, name: str, **options: int | None) -> bytes:
        async with self.data.read(BUCKET, name, **options) as stream:  # type: ignore[arg-type]
            return b"".join([piece async for piece in stream])

    async def names(self, **query: object) -> list[str]:
        page = await self.data.list_page(BUCKET, ListQuery(**query))  # type: ignore[arg-type]
        return [row.name for row in page.objects]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the store, on its own thread, has come so far."""
    while True:
        if condition():
            return
        await asyncio.sleep(0.001)


class OnBench:
    """Fixtures of a contract; `connect(endpoint, limits)` is the subclass's."""

    @pytest.fixture
    def connect(self) -> Connect:
        raise NotImplementedError

    @pytest.fixture
    async def bench(self, connect: Connect, store_factory: Callable[..., StoreServer]) -> AsyncIterator[Bench]:
        async with self.running(connect, store_factory) as bench:
            yield bench

    @asynccontextmanager
    async def running(
        self,
        connect: Connect,
        store_factory: Callable[..., StoreServer],
        *,
        limits: Limits = QUICK,
        options: StoreOptions | None = None,
    ) -> AsyncIterator[Bench]:
        faults = Faults()
        server = store_factory(faults=faults, options=options or StoreOptions())
        async with await connect(server.endpoint, limits) as storage:
            await storage.control.create_bucket(BucketSpec(BUCKET))
            yield Bench(storage, storage.data, faults, server)
