"""The Sync view: pairs are made, planned, watched, decided, paused and removed, by keys and by mouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Button

from services.connection import Connection
from services.localstore.server import StoreServer
from services.names import GsUrl
from services.sync.host import SyncHost
from services.sync.live import Times
from services.sync.pair import Pair, make_pair
from services.sync.pairs import KeptPair, PairList
from tests.flows.conftest import BUCKET, URL, Desk, OpenDesk, eventually
from widgets.symbols import ASCII

QUICK = Times(settle_s=0.05, poll_s=0.2, poll_most_s=0.4, rescan_s=600, retry_s=0.05, wait_s=0.05)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pail"


@pytest.fixture
def host(state: Path) -> Iterator[SyncHost]:
    """Run what the worker runs."""
    running = SyncHost(state, look_s=0.05, times=QUICK)
    running.start()
    yield running
    running.stop(30)


@pytest.fixture
def site(desk: OpenDesk, tmp_path: Path) -> Path:
    """Return a folder with two files and one that is ignored, in the home of `desk`."""
    made = tmp_path / "home" / "site"
    made.mkdir()
    for name in ("a.txt", "b.txt", "c~"):
        (made / name).write_text(name)
    return made


@pytest.fixture
def pair(site: Path, store: StoreServer) -> Pair:
    return make_pair(site, GsUrl(BUCKET, "p"), Connection(endpoint=store.endpoint, project="flows"))


async def push(d: Desk, identifier: str) -> None:
    """Press a button of the dialog by its key."""
    d.app.screen.query_one(f"#{identifier}", Button).focus()
    await d.press("enter")


async def click_on(d: Desk, text: str, part: str = "") -> None:
    """Click on a text of the screen, or on a part of its line."""
    for y, line in enumerate(d.text().splitlines()):
        if text in line:
            await d.pilot.click(offset=(line.index(part or text), y))
            await d.pilot.pause()
            return
    raise AssertionError(f"{text!r} is not on the screen:\n{d.text()}")


async def show(d: Desk) -> None:
    """Show the pairs, once the bucket is there."""
    await d.see(f"{BUCKET} ")
    await eventually(lambda: "Connecting" not in d.text() and d.main.desk.place.bucket)
    await d.press("4")
    await d.see("[4")


def write(pair: Pair, name: str, text: str) -> None:
    Path(pair.root, name).write_text(text)


def read(pair: Pair, name: str) -> str:
    return Path(pair.root, name).read_text()


def delete(pair: Pair, name: str) -> None:
    Path(pair.root, name).unlink()


async def holds(d: Desk, *names: str) -> None:
    """Wait until the bucket holds exactly these objects."""

    async def there() -> bool:
        return await d.names() == list(names)

    await eventually(there)


async def test_a_pair_is_made_by_keys_and_nothing_moves_before_its_plan(
    desk: OpenDesk, site: Path, host: SyncHost, state: Path
) -> None:
    async with desk(size=(120, 40)) as d:
        await d.see("This bucket is empty")
        await d.press("s")
        await d.see("Keep a folder and a part of a bucket", "(*) two-way", "deletes go both ways")
        await d.type("~/site")
        await d.press("tab", "tab")
        await d.type("p")  # after gs://flow-bucket/
        await d.press("tab", "tab", "down")
        await d.see("(*) push", "also delete in the bucket")
        await d.press("up")
        await push(d, "submit")
        await d.see("2 to upload", "The first sync", "1 file or folder ignored")
        assert await d.names() == []
        await d.press("down", "down", "space")
        await d.see("1 of 2 ticked")
        await push(d, "go")
        await d.see("watching", "1 left out by you", "1 ignored")
        await holds(d, "p/a.txt")
        (kept,) = PairList.of(state).load()
        assert (kept.pair.root, kept.pair.url, kept.on, kept.ask) == (str(site), f"{URL}/p/", True, False)
        (site / "new.txt").write_text("x")
        await holds(d, "p/a.txt", "p/new.txt")
        await d.see("new.txt", "new here", "class A in an hour")
        (site / "b.txt").write_text("edited")
        await holds(d, "p/a.txt", "p/b.txt", "p/new.txt")
        await d.gone("left out by you")


async def test_a_pair_that_overlaps_is_refused_in_the_form(desk: OpenDesk, pair: Pair, state: Path) -> None:
    PairList.of(state).add(KeptPair(pair, on=False))
    async with desk(size=(80, 24)) as d:
        await d.see("This bucket is empty")
        await d.press("s")
        await d.type("~/site/inner")
        await push(d, "submit")
        await d.see("overlaps")
        await d.press("escape", "4")
        await d.see("~/site", "paused")


async def test_by_mouse_a_pair_is_paused_resumed_and_removed(
    desk: OpenDesk, pair: Pair, state: Path, host: SyncHost
) -> None:
    PairList.of(state).add(KeptPair(pair))
    async with desk(size=(120, 30)) as d:
        await d.see("p/")
        await click_on(d, "4 Sync")
        await d.see("watching", "pause")
        await click_on(d, "~/site", "pause")
        await d.see("paused", "resume")
        assert not PairList.of(state).load()[0].on
        await click_on(d, "~/site", "resume")
        await d.see("watching")
        await click_on(d, "~/site", "remove")
        await d.see("Both sides keep their files")
        await click_on(d, "Remove", "Remove")
        await d.see("No pair yet")
        assert PairList.of(state).load() == ()
        await holds(d, "p/a.txt", "p/b.txt")


async def test_a_conflict_is_told_and_decided(desk: OpenDesk, pair: Pair, state: Path, host: SyncHost) -> None:
    PairList.of(state).add(KeptPair(pair))
    async with desk(size=(120, 40)) as d:
        await show(d)
        await d.see("watching")
        await holds(d, "p/a.txt", "p/b.txt")
        await d.press("full_stop")
        await d.see("paused")
        write(pair, "a.txt", "mine")
        await d.put("p/a.txt", b"theirs")
        await d.press("full_stop")
        await d.see("1 conflict", "two versions", "Sync!")
        await d.told("1 new conflict")
        await d.press("down", "enter")
        await d.see("Two versions of a.txt", "(*) both")
        await d.press("down")
        await d.see("(*) local")
        await push(d, "decide")
        await d.gone("1 conflict")
        await d.gone("Sync!")

        async def settled() -> bool:
            return await d.names() == ["p/a.txt", "p/b.txt"] and await d.read("p/a.txt") == b"mine"

        await eventually(settled)
        assert read(pair, "a.txt") == "mine"


async def test_hazard_23_a_halt_says_why_shows_the_plan_and_goes_on_only_when_told(
    desk: OpenDesk, pair: Pair, state: Path, host: SyncHost
) -> None:
    PairList.of(state).add(KeptPair(pair))
    async with desk(size=(120, 30)) as d:
        await show(d)
        await d.see("watching")
        await holds(d, "p/a.txt", "p/b.txt")
        for name in ("a.txt", "b.txt"):
            delete(pair, name)
        await d.see("halted", "no files any more", "2 to delete in the bucket")
        await d.told("is not kept in step")
        await d.press("enter")
        await d.see("Go, and delete 2", "Deletes in the bucket can be undone")
        await d.press("enter", "enter", "escape")
        await holds(d, "p/a.txt", "p/b.txt")
        await d.press("enter")
        await d.see("Go, and delete 2")
        await click_on(d, "Go, and delete 2")
        await holds(d)
        await d.see("watching")


async def test_hazard_67_a_pair_of_the_project_waits_until_it_is_approved(
    desk: OpenDesk, site: Path, store: StoreServer, state: Path, host: SyncHost
) -> None:
    (site.parent / "pail.toml").write_text(
        f'[[sync]]\nfolder = "site"\nurl = "{URL}/p"\nmode = "push"\nendpoint = "{store.endpoint}"\n'
    )
    async with desk(size=(80, 24)) as d:
        await show(d)
        await d.see("proposed", "nothing moves before you approve it", "Approve")
        assert PairList.of(state).load() == ()
        await d.press("enter")
        await d.see("Approve this pair on this machine?", "push: the bucket follows the folder")
        await push(d, "go")
        await d.see("2 of 2 ticked")
        assert await d.names() == []
        await push(d, "go")
        await holds(d, "p/a.txt", "p/b.txt")


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (40, 10)])
async def test_the_view_holds_in_small_windows_and_in_ascii(
    desk: OpenDesk, pair: Pair, state: Path, size: tuple[int, int]
) -> None:
    PairList.of(state).add(KeptPair(pair, on=False))
    async with desk(size=size, symbols=ASCII) as d:
        await show(d)
        await d.see("site", "paused")
        assert d.text().isascii()
