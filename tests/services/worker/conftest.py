"""Engines behind the worker's socket, in this process and in processes of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.transfer.messages import EngineClient
from services.transfer.options import Options
from services.worker.client import WorkerClient, connect
from services.worker.server import Worker
from tests.services.transfer.conftest import lab, open_lab

__all__ = ["lab", "open_lab"]


class Served(WorkerClient):
    """A client together with the worker that it talks to."""

    worker: Worker
    serving: asyncio.Task[None]

    async def close(self) -> None:
        await super().close()
        self.worker.stop()
        await self.serving


async def open_served(state: Path, options: Options) -> EngineClient:
    """Run a worker on this event loop, and connect to it through its socket."""
    ready = asyncio.Event()
    worker = Worker(state, idle_exit_s=600, options=options)
    serving = asyncio.create_task(worker.run(ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if serving.done():
        serving.result()
    client = Served(state)
    client.worker, client.serving = worker, serving
    await client.open(start=False)
    return client


@pytest.fixture
async def looker(tmp_path: Path) -> AsyncIterator[WorkerClient]:
    client = await connect(tmp_path / "state", start=False)
    yield client
    await client.close()
