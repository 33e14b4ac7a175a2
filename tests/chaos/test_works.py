"""Kills, blackouts and refusals of `python -m tests.chaos`, small: the real worker, and real TCP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.localstore.server import StoreServer
from services.transfer.messages import JobItem
from tests.chaos.bed import checksums_of, difference, make_tree, stored, tree_of
from tests.chaos.proxy import Proxy
from tests.chaos.works import kill_again_and_again
from tests.services.transfer.conftest import BUCKET, FAST, OpenLab, eventually


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


async def test_a_worker_that_is_killed_at_random_moments_loses_nothing(store: StoreServer, tmp_path: Path) -> None:
    said: list[str] = []
    problems = await kill_again_and_again(store.endpoint, tmp_path, times=3, seed=2, files=40, large=1, say=said.append)
    assert problems == []
    assert "killed 3 times" in said[-1]


@pytest.mark.parametrize("how", ["dark", "refused"])
async def test_h18_h19_without_a_line_or_credentials_everything_waits_and_goes_on_by_itself(
    open_lab: OpenLab, store: StoreServer, how: str
) -> None:
    """The five minutes are two looks here; the long command waits for them."""
    with Proxy(store.endpoint) as proxy:
        lab = await open_lab(options=FAST, server=SimpleNamespace(endpoint=proxy.endpoint))
        tree = lab.folder / "t"
        make_tree(tree, 40, seed=4, large=1, large_size=1_500_000)
        assert (await lab.run("upload", JobItem(str(tree), at("a/"), tree=True))).job.state == "done"
        up = await lab.start("upload", JobItem(str(tree), at("b/"), tree=True), bandwidth=1_000_000)
        down = await lab.start("download", JobItem(at("a/"), str(lab.folder / "back"), tree=True), bandwidth=1_000_000)
        await eventually(lambda: len(lab.items(up)) > 3 and len(lab.items(down)) > 3)
        if how == "dark":
            await asyncio.to_thread(proxy.black_out, dark=True)
        else:
            proxy.refuse_as = 401
        await eventually(lambda: lab.notices())
        asked = proxy.requests
        if how == "refused":
            await eventually(lambda: proxy.requests >= asked + 2)
            proxy.refuse_as = None
        else:
            await asyncio.to_thread(proxy.black_out, dark=False)
        for job in (up, down):
            end = await lab.ended(job)
            assert (end.job.state, end.job.failed) == ("done", 0)
        assert difference(checksums_of(tree), stored(store.endpoint, BUCKET, "b/")) == ""
        assert tree_of(lab.folder / "back") == tree_of(tree)
        codes = [notice.code for notice in lab.notices()]
        assert len(codes) == 2
        assert codes[-1] == "back"
