"""Pairs over a real embedded store and a real folder, run pass by pass."""

from __future__ import annotations

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
from services.gcs.interface import DataPlane, ListQuery, Storage
from services.localstore.faults import Faults
from services.localstore.server import StoreServer
from services.model import BucketSpec, ObjectInfo, Precondition, WriteAttributes
from services.sync.controller import Controller, Listener, Result
from services.sync.disk import Disk
from services.sync.pair import Pair
from services.sync.remote import Prefix
from services.sync.state import State
from tests.services.transfer.conftest import open_impatient

BUCKET = "bucket"


async def at_once(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a blocking function where it is called."""
    return function(*arguments)


async def no_sleep(_seconds: float) -> None:
    """Let no time pass."""


@dataclass
class Machine:
    """One machine's side of a pair."""

    folder: Path
    storage: Storage
    database: Path
    pair: Pair
    name: str
    data: DataPlane
    notices: list[str] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)

    async def sync(self, *, dry_run: bool = False, **changes: Any) -> Result:
        """Run a process's whole life: open the memory, sync, close."""
        pair = self.pair._replace(**changes)
        state = State.open(self.database, pair.identity)
        try:
            controller = Controller(
                pair,
                Disk(pair.root, prefix=pair.prefix),
                Prefix(self.data, pair.bucket, pair.prefix, timeless=pair.mode == "push"),
                state,
                on_disk=at_once,
                machine=self.name,
                sleep=no_sleep,
                listener=Listener(on_notice=self.notices.append, on_phase=lambda phase, _: self.phases.append(phase)),
            )
            return await controller.sync(dry_run=dry_run)
        finally:
            state.close()

    def write(self, name: str, data: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def files(self) -> dict[str, str]:
        """Return every file but Pail's own, with its content."""
        found = {}
        for folder, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if name != ".pail"]
            for name in names:
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink():
                    found[str(path.relative_to(self.folder))] = path.read_bytes().decode("utf-8", "replace")
        return found

    def trash(self) -> list[str]:
        """Return the contents of everything in the trash."""
        return sorted(path.read_text() for path in (self.folder / ".pail").rglob("*") if path.is_file())

    async def put(self, key: str, data: bytes | str) -> ObjectInfo:
        """Write an object past the engine, as another program does."""
        body = data.encode() if isinstance(data, str) else data
        return await self.storage.data.insert(
            BUCKET,
            self.pair.prefix + key,
            body,
            attributes=WriteAttributes(),
            crc32c=checksum.of(body),
            precondition=Precondition(),
        )

    async def remove(self, key: str) -> None:
        await self.storage.data.delete(BUCKET, self.pair.prefix + key, precondition=Precondition())

    async def objects(self) -> dict[str, str]:
        """Return every object below the prefix, with its content."""
        found = {}
        page = await self.storage.data.list_page(BUCKET, ListQuery(prefix=self.pair.prefix, page_size=5000))
        for row in page.objects:
            async with self.storage.data.read(BUCKET, row.name) as stream:
                body = b"".join([chunk async for chunk in stream])
            found[row.name[len(self.pair.prefix) :]] = body.decode("utf-8", "replace")
        return found


OpenMachine = Callable[..., Awaitable[Machine]]


@pytest.fixture
async def open_machine(store_factory: Callable[..., StoreServer], tmp_path: Path) -> AsyncIterator[OpenMachine]:
    """Open machines on one store: `await open_machine("name", mode=…)`."""
    async with AsyncExitStack() as stack:
        servers: list[StoreServer] = []

        async def start(name: str = "box", *, faults: Faults | None = None, **options: Any) -> Machine:
            if not servers:
                servers.append(store_factory(faults=faults or Faults()))
            connection = Connection(endpoint=servers[0].endpoint, project="test")
            storage = await open_impatient(connection)
            stack.push_async_callback(storage.close)
            with suppress(Conflict):
                await storage.control.create_bucket(BucketSpec(BUCKET))
            folder = tmp_path / name / "folder"
            folder.mkdir(parents=True)
            pair = Pair(str(folder), BUCKET, options.pop("prefix", "p/"), connection, **options)
            return Machine(folder, storage, tmp_path / name / "state.db", pair, name, storage.data)

        yield start


@pytest.fixture
async def box(open_machine: OpenMachine) -> Machine:
    """Return one machine with a two-way pair."""
    return await open_machine()
