"""What the service refuses: listing buckets, listing objects, reading settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from services.model import BucketSpec
from tests.flows.conftest import BUCKET, OpenDesk, eventually
from widgets.symbols import ASCII


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(store_factory: Callable[..., StoreServer], faults: Faults) -> StoreServer:
    return store_factory(faults=faults)


async def test_credentials_that_may_not_list_buckets_open_one_by_name(desk: OpenDesk, faults: Faults) -> None:
    faults.add(Fault("buckets.list", "status", status=403, count=None))
    async with desk("", objects={"a.txt": b"x"}) as d:
        await d.see("No bucket is open", "may not list buckets")
        await d.press("b")
        await d.see("Add an existing bucket", "may not list buckets")
        await d.press("down", "enter")
        await d.see("Its name or gs:// URL")
        await d.type(BUCKET)
        await d.press("enter")
        await d.see("a.txt")


async def test_a_listing_that_is_refused_names_the_next_key_and_r_tries_again(desk: OpenDesk, faults: Faults) -> None:
    faults.add(Fault("objects.list", "status", status=403, count=None))
    async with desk(objects={"a.txt": b"x"}) as d:
        await d.see("R tries again", "b chooses another bucket")
        faults.clear()
        await d.press("R")
        await d.see("a.txt", "Upload")


async def test_a_bucket_that_does_not_exist_offers_nothing_that_would_write_into_it(desk: OpenDesk) -> None:
    async with desk("gs://flow-bucket-2") as d:
        await d.see("b chooses another bucket")
        await eventually(lambda: "Upload" not in d.text().splitlines()[-1])
        assert "Folder" not in d.text().splitlines()[-1]
        await d.storage.control.create_bucket(BucketSpec("flow-bucket-2", "EU"))
        await d.press("R")
        await d.see("mpty. u upload")
        await eventually(lambda: "u Upload" in d.text().splitlines()[-1])


async def test_unreadable_settings_leave_the_objects_usable(desk: OpenDesk, faults: Faults) -> None:
    faults.add(Fault("buckets.get", "status", status=403, count=None))
    async with desk(objects={"a.txt": b"x"}) as d:
        await d.see("a.txt")
        await d.press("2")
        await d.see("Bucket ID", "Settings")
        await d.press("1", "X")
        await d.see("Delete the object a.txt?", "! ")
        await d.press("right", "enter")
        await eventually(lambda: d.rows() == [])


async def test_a_terminal_without_unicode_gets_ascii(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"x"}, symbols=ASCII) as d:
        await d.see("a.txt", f"v * {BUCKET}")
        await d.press("X")
        await d.see("+----")
