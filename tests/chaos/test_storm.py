"""The storms of `python -m tests.chaos`, small: the real engine over real TCP through the proxy."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from services.gcs.interface import ListQuery
from services.localstore.server import StoreServer
from services.transfer.messages import JobItem
from tests.chaos.bed import checksums_of, difference, make_tree, stored, tree_of
from tests.chaos.proxy import KINDS, Kind, Proxy, Storm
from tests.services.transfer.conftest import BUCKET, FAST, Lab, OpenLab

FILES = 60

PATIENT = FAST._replace(max_attempts=40, max_corrupt=12, backoff_s=0.002, backoff_max_s=0.02)
"""Short waits, and as many of them as a storm needs."""


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


async def behind(open_lab: OpenLab, proxy: Proxy) -> Lab:
    return await open_lab(options=PATIENT, server=SimpleNamespace(endpoint=proxy.endpoint))


async def test_through_a_storm_everything_is_bit_exact_without_a_step_by_hand(
    open_lab: OpenLab, store: StoreServer
) -> None:
    with Proxy(store.endpoint) as proxy:
        lab = await behind(open_lab, proxy)
        tree = lab.folder / "t"
        make_tree(tree, FILES, seed=5, large=1, large_size=700_000)
        sums = checksums_of(tree)
        proxy.storm = Storm(share=0.28, stalls=0.005, stall_s=0.2, seed=5)
        steps = (
            ("upload", str(tree), at("a/"), "a/"),
            ("copy", at("a/"), at("b/"), "b/"),
            ("move", at("b/"), at("c/"), "c/"),
        )
        for action, source, target, prefix in steps:
            end = await lab.run(action, JobItem(source, target, tree=True))
            assert (end.job.state, end.job.failed) == ("done", 0), lab.items(end.job.id)
            assert difference(sums, stored(store.endpoint, BUCKET, prefix)) == ""
        assert stored(store.endpoint, BUCKET, "b/") == {}
        end = await lab.run("download", JobItem(at("c/"), str(lab.folder / "back"), tree=True))
        assert end.job.state == "done"
        assert tree_of(lab.folder / "back") == tree_of(tree)
        end = await lab.run("delete", JobItem(at("c/"), tree=True))
        assert end.job.state == "done"
        assert stored(store.endpoint, BUCKET, "c/") == {}
        proxy.storm = None
        assert proxy.struck.total() > proxy.requests // 5
        assert set(proxy.struck) >= {"503", "429", "reset", "lost", "truncate", "corrupt"}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_fault_alone_is_survived(open_lab: OpenLab, store: StoreServer, kind: Kind) -> None:
    with Proxy(store.endpoint) as proxy:
        lab = await behind(open_lab, proxy)
        tree = lab.folder / "t"
        make_tree(tree, 12, seed=3)
        proxy.storm = Storm(share=0.4, stalls=0.0, seed=7, kinds=(kind,))
        up = await lab.run("upload", JobItem(str(tree), at("a/"), tree=True))
        down = await lab.run("download", JobItem(at("a/"), str(lab.folder / "back"), tree=True))
        assert [up.job.state, down.job.state] == ["done", "done"]
        assert tree_of(lab.folder / "back") == tree_of(tree)
        assert proxy.struck.total() > 3
        proxy.storm = None


async def test_a_damaged_page_of_a_listing_is_asked_for_again(open_lab: OpenLab, store: StoreServer) -> None:
    with Proxy(store.endpoint) as proxy:
        lab = await behind(open_lab, proxy)
        await lab.put("n", b"data")
        wrong = iter([b'{"kind":"storage#objects","itens":[]}'])
        proxy.answer = lambda: next(wrong, None)
        page = await lab.storage.data.list_page(BUCKET, ListQuery())
        assert [row.name for row in page.objects] == ["n"]
        assert next(wrong, None) is None


async def test_the_proxy_passes_everything_on_in_good_weather(open_lab: OpenLab, store: StoreServer) -> None:
    with Proxy(store.endpoint) as proxy:
        lab = await behind(open_lab, proxy)
        await lab.put("n", b"data")
        assert await lab.get("n") == b"data"
        assert proxy.requests >= 3
        assert proxy.struck.total() == 0
