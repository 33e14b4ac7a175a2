"""A folder of 5,000 objects that moves while its worker is killed again and again, at 30 ms a request.

`python -m pytest -s -m soak -o timeout=600 tests/services/worker/test_soak.py`; docs/chaos.md has its last result.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.gcs.interface import ListQuery
from services.localstore.faults import Fault
from services.lookup import pages
from services.model import BucketSpec
from services.transfer.messages import JobItem
from services.transfer.options import Options
from services.worker.client import WorkerClient, connect, nobody_serves, status, stop
from tests.services.transfer.conftest import BUCKET, Lab, OpenLab, eventually

OBJECTS = 5_000
KILLS = 6
REQUEST_S = 0.03
SLOW = ("objects.move", "objects.rewrite", "objects.delete", "objects.list", "objects.get", "batch")

pytestmark = pytest.mark.soak


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def far(open_lab: OpenLab, state: Path) -> AsyncIterator[Lab]:
    async def detached(folder: Path, _: Options) -> WorkerClient:
        return await connect(folder)

    lab = await open_lab(open_client=detached, state=state)
    yield lab
    await lab.engine.close()
    await stop(state)


async def listed(lab: Lab, bucket: str, prefix: str) -> dict[str, tuple[int, str]]:
    """Return size and checksum of every object below a prefix, by its name there."""
    found = {}
    async for page in pages(lab.storage.data, bucket, ListQuery(prefix)):
        found.update({row.name.removeprefix(prefix): (row.size, row.crc32c) for row in page.objects})
    return found


@pytest.mark.parametrize("target", [BUCKET, "another"])
async def test_every_object_is_there_or_here_whenever_the_worker_is_killed(far: Lab, state: Path, target: str) -> None:
    if target != BUCKET:
        await far.storage.control.create_bucket(BucketSpec(target))
    slots = asyncio.Semaphore(32)

    async def put(number: int) -> None:
        async with slots:
            await far.put(f"from/{number % 50:02}/{number:04}", b"%d" % number * (1 + number % 9))

    await asyncio.gather(*map(put, range(OBJECTS)))
    before = await listed(far, BUCKET, "from/")
    assert len(before) == OBJECTS
    for operation in SLOW:
        far.faults.add(Fault(operation, "latency", seconds=REQUEST_S, count=None))
    rng = random.Random(5_000)
    started = time.monotonic()
    job = await far.start("move", JobItem(f"gs://{BUCKET}/from/", f"gs://{target}/to/", tree=True))
    killed: list[int] = []
    for moment in sorted(rng.sample(range(OBJECTS * 9 // 10), KILLS)):
        await eventually(lambda moment=moment: far.end_of(job) or len(far.items(job)) >= moment, 120.0)
        if far.end_of(job) is not None:
            break
        pid = (await status(state)).pid
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: nobody_serves(state))
        here, there = await listed(far, BUCKET, "from/"), await listed(far, target, "to/")
        assert here | there == before
        killed.append(len(there))
    ended = (await far.ended(job, 300.0)).job
    print(f"\n{OBJECTS:,} objects to {target}: killed at {killed} moved, {time.monotonic() - started:.1f} s in all")
    assert (ended.state, ended.done, ended.failed) == ("done", OBJECTS, 0)
    assert len(killed) >= KILLS // 2
    assert await listed(far, BUCKET, "from/") == {}
    assert await listed(far, target, "to/") == before
