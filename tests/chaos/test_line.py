"""Hazards of the line that need one: answers without a range, stalls, drips, overwrites under a read."""

from __future__ import annotations

from types import SimpleNamespace

from services.gcs.exchange import Limits
from services.localstore.faults import Fault
from services.localstore.server import StoreServer
from services.model import Precondition, WriteAttributes
from services.transfer.messages import Control, JobItem, SetBandwidth
from services.transfer.options import Options
from tests.chaos.proxy import Proxy
from tests.services.transfer.conftest import BUCKET, FAST, KIB, Lab, OpenLab, eventually, some_bytes


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


async def test_h14_a_308_without_a_range_starts_at_the_first_byte(lab: Lab) -> None:
    data = some_bytes(700 * KIB)
    lab.faults.add(Fault("uploads.put", "reset", "before"))
    end = await lab.run("upload", JobItem(str(lab.file("a", data)), at("a")))
    assert end.job.state == "done"
    # The part that never arrived, the question that nothing had (308 without Range), three parts from byte 0 on.
    assert lab.faults.calls["uploads.put"] == 5
    assert lab.faults.calls["uploads.start"] == 1
    assert await lab.get("a") == data


async def test_h14_an_upload_of_which_nothing_arrived_says_so(lab: Lab) -> None:
    session = await lab.storage.data.start_upload(
        BUCKET, "a", size=600 * KIB, attributes=WriteAttributes(), crc32c="", precondition=Precondition()
    )
    status = await lab.storage.data.upload_status(session, total=600 * KIB)
    assert (status.received, status.done) == (0, None)


async def test_h15_a_body_that_stalls_is_given_up_and_resumed_where_it_stopped(lab: Lab) -> None:
    data = some_bytes(900 * KIB)
    await lab.put("a", data)
    lab.faults.add(Fault("objects.get_media", "stall", "response", at=500 * KIB))
    end = await lab.run("download", JobItem(at("a"), str(lab.folder / "a")))
    assert end.job.state == "done"
    assert (lab.folder / "a").read_bytes() == data
    assert lab.faults.calls["objects.get_media"] == 2
    assert Limits().stall_s <= 30


async def test_h15_what_came_before_a_break_is_kept_also_where_little_came(open_lab: OpenLab) -> None:
    lab = await open_lab(options=FAST._replace(write_size=1024 * KIB))
    data = some_bytes(900 * KIB)
    await lab.put("a", data)
    lab.faults.add(Fault("objects.get_media", "reset", "response", at=200 * KIB, count=4))
    end = await lab.run("download", JobItem(at("a"), str(lab.folder / "a")))
    assert end.job.state == "done"
    assert (lab.folder / "a").read_bytes() == data
    assert lab.faults.calls["objects.get_media"] == 5


async def test_h16_a_drip_shows_harms_no_other_and_is_cancelled_at_once(open_lab: OpenLab, store: StoreServer) -> None:
    with Proxy(store.endpoint) as proxy:
        lab = await open_lab(options=FAST, server=SimpleNamespace(endpoint=proxy.endpoint))
        await lab.put("slow", some_bytes(600 * KIB))
        for number in range(20):
            await lab.put(f"t/{number}", b"quick")
        proxy.drips = lambda first: b"/slow" in first and b"alt=media" in first
        slow = await lab.start("download", JobItem(at("slow"), str(lab.folder / "slow")))

        async def dripping() -> bool:
            return any(0 < view.rate < 100 * KIB for view in await lab.transfers(slow))

        await eventually(dripping)
        end = await lab.run("download", JobItem(at("t/"), str(lab.folder / "t"), tree=True))
        assert (end.job.state, end.job.done) == ("done", 20)
        assert lab.end_of(slow) is None
        await lab.engine.submit(Control("cancel", slow))
        assert (await lab.ended(slow, 5)).job.state == "cancelled"
        assert [path.name for path in lab.folder.iterdir()] == ["t"]


async def test_h03_an_object_overwritten_under_a_read_is_one_version_and_no_mixture(lab: Lab) -> None:
    old, new = b"1" * 900 * KIB, b"2" * 900 * KIB
    await lab.put("a", old)
    await lab.engine.submit(SetBandwidth(300 * KIB))
    job = await lab.start("download", JobItem(at("a"), str(lab.folder / "a")))

    async def under_way() -> bool:
        return any(view.bytes > 100 * KIB for view in await lab.transfers(job))

    await eventually(under_way)
    await lab.overwrite("a", new)
    await lab.engine.submit(SetBandwidth(0))
    assert (await lab.ended(job)).job.state == "done"
    assert (lab.folder / "a").read_bytes() in (old, new)


def test_h18_a_returned_line_is_found_within_fifteen_seconds() -> None:
    """A look that began in the dark ends by its limit; the next one finds the line."""
    options = Options()
    assert options.probe_limit_s + options.probe_s <= 15
    assert options.patience_s is None
