"""Everything at once: a service that fails a quarter of all requests, in every way."""

from __future__ import annotations

import random

import pytest

from services.localstore.faults import Fault, Faults
from services.transfer.messages import JobItem
from tests.services.transfer.conftest import BUCKET, FAST, KIB, OpenLab, some_bytes
from tests.services.transfer.test_basics import tree_of

FILES = 120


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


def storm() -> list[Fault]:
    """Return faults of every kind, each now and then, on everything that transfers do."""
    operations = (
        "objects.insert",
        "objects.get",
        "objects.list",
        "objects.get_media",
        "objects.delete",
        "objects.move",
        "uploads.start",
        "uploads.put",
        "batch",
    )
    often: dict[str, object] = {"count": None, "probability": 0.06}
    faults = [
        fault
        for operation in operations
        for fault in (
            Fault(operation, "status", "before", status=503, **often),  # type: ignore[arg-type]
            Fault(operation, "status", "after", status=503, **often),  # type: ignore[arg-type]
            Fault(operation, "reset", "after", **often),  # type: ignore[arg-type]
            Fault(operation, "status", "before", status=429, retry_after="0", **often),  # type: ignore[arg-type]
        )
    ]
    faults.append(Fault("objects.get_media", "truncate", "response", at=20 * KIB, **often))  # type: ignore[arg-type]
    faults.append(Fault("objects.get_media", "corrupt", "response", at=10, count=None, probability=0.02))
    return faults


@pytest.mark.parametrize("seed", [1, 2])
async def test_under_a_storm_of_faults_all_is_bit_exact_and_nothing_is_doubled(open_lab: OpenLab, seed: int) -> None:
    faults = Faults(seed=seed)
    options = FAST._replace(max_attempts=40, max_corrupt=10, backoff_s=0.002, backoff_max_s=0.01)
    lab = await open_lab(options=options, faults=faults)
    info = await lab.storage.control.get_bucket(BUCKET)
    await lab.storage.control.patch_bucket(
        BUCKET, {"versioning": {"enabled": True}}, metageneration=info.metageneration
    )
    chance = random.Random(seed)
    for number in range(FILES):
        size = chance.choice([0, 1, 4000, 30_000, 30_000, 300_000, 700_000])
        lab.file(f"t/d{number % 7}/f{number}", some_bytes(size, number))
    for fault in storm():
        faults.add(fault)
    up = await lab.run("upload", JobItem(str(lab.folder / "t"), at("t/"), tree=True))
    assert (up.job.state, up.job.done) == ("done", FILES)
    moved = await lab.run("move", JobItem(at("t/"), at("u/"), tree=True))
    assert (moved.job.state, moved.job.done) == ("done", FILES)
    down = await lab.run("download", JobItem(at("u/"), str(lab.folder / "back"), tree=True))
    assert (down.job.state, down.job.done) == ("done", FILES)
    assert tree_of(lab.folder / "back") == tree_of(lab.folder / "t")
    gone = await lab.run("delete", JobItem(at("u/"), tree=True))
    faults.clear()
    assert (gone.job.state, gone.job.done) == ("done", FILES)
    assert await lab.names() == []
    # With versions kept, every object was written exactly once under each of its names.
    assert len(await lab.names(versions=True)) == 2 * FILES
    assert sum(faults.struck.values()) > 50
