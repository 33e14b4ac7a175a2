"""With fewer permissions than an owner's: what is shown still makes sense, and what cannot work is said beforehand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.connection import ConnectionOptions
from services.localstore.server import StoreServer
from services.permissions import CREATE, DELETE, GET, LIST, SETTINGS, UPDATE_OBJECT
from tests.flows.conftest import BUCKET, URL, Desk, OpenDesk, eventually
from tests.guard import Guard
from tests.services.gcs.scripted import serving

READ_ONLY = frozenset({LIST, GET, SETTINGS})
OBJECT_ONLY = frozenset({LIST, GET, CREATE, DELETE, UPDATE_OBJECT})
NO_LIST = frozenset({GET, CREATE})


@pytest.fixture
def guard(store: StoreServer) -> Guard:
    return Guard(store.endpoint)


@pytest.fixture
def options(guard: Guard) -> Iterator[ConnectionOptions]:
    with serving(guard) as door:
        yield ConnectionOptions(endpoint=door.url, project="flows")


async def known(d: Desk) -> None:
    """Wait until it was found out what may be done."""
    await eventually(lambda: d.main.desk.place.access.ability != "unknown")


async def test_read_only(desk: OpenDesk, guard: Guard, options: ConnectionOptions) -> None:
    guard.allowed = READ_ONLY
    async with desk(URL, options=options, objects={"a.txt": b"x"}) as d:
        await d.see("a.txt", "read only")
        await known(d)
        for key, permission in (("u", "create"), ("X", "delete"), ("m", "delete"), ("n", "create"), ("e", "update")):
            await d.press(key)
            await d.told(f"needs storage.objects.{permission}, which these credentials do not have here")
            assert len(d.app.screen_stack) == 2, "no dialog opens for what cannot work"
            d.app.clear_notifications()
        await d.press("colon")
        await d.type("delete")
        await d.see("! needs storage.objects.delete")
        await d.press("escape")
        await d.press("2")
        await d.see("Changing them", "needs storage.buckets.update")
        assert "e change" not in d.text()
        await d.press("G")
        await d.see("Delete bucket", "needs storage.buckets.delete")
        await d.press("1", "b")
        await d.see(f"gs://{BUCKET} · read only: may not create or delete objects", "may not list buckets")


async def test_what_is_refused_is_greyed_out_at_the_end_of_the_key_line(
    desk: OpenDesk, guard: Guard, options: ConnectionOptions
) -> None:
    guard.allowed = READ_ONLY
    async with desk(URL, options=options, objects={"a.txt": b"x"}, size=(140, 30)) as d:
        await d.see("a.txt", "read only")
        await known(d)
        await eventually(lambda: any(hint.command == "download" for hint in d.main._keys.hints))
        hints = d.main._keys.hints
        off = [hint.off for hint in hints]
        assert off == sorted(off)
        assert not next(hint for hint in hints if hint.command == "download").off


async def test_the_signs_of_a_row_say_why_as_well(desk: OpenDesk, guard: Guard, options: ConnectionOptions) -> None:
    guard.allowed = READ_ONLY
    async with desk(URL, options=options, objects={"a.txt": b"x"}) as d:
        await d.see("a.txt", "read only")
        await known(d)
        y, line = next((y, line) for y, line in enumerate(d.text().splitlines()) if "↓ ✕" in line)
        await d.pilot.click(offset=(line.index("✕"), y))
        await d.told("needs storage.objects.delete")


async def test_objects_only(desk: OpenDesk, guard: Guard, options: ConnectionOptions) -> None:
    guard.allowed = OBJECT_ONLY
    async with desk(URL, options=options, objects={"a.txt": b"x"}) as d:
        await d.see("a.txt", "read/write")
        await d.press("2")
        await d.see("Bucket ID", "storage.buckets.get", "Use from code", "Delete bucket")
        await d.press("1", "X")
        await d.see("Delete the object a.txt?")
        await d.press("right", "enter")
        await eventually(lambda: d.rows() == [])
        d.main.action_command("delete_bucket")
        await d.told("needs storage.buckets.delete")


async def test_nothing_may_be_listed(desk: OpenDesk, guard: Guard, options: ConnectionOptions) -> None:
    guard.allowed = NO_LIST
    async with desk(URL, options=options, objects={"a.txt": b"x"}) as d:
        await known(d)
        await d.see("storage.objects.list", "R tries again", "b chooses another bucket", "u uploads all the same")
        await d.press("u")
        await d.see("Upload files and folders")
        await d.press("escape", "b")
        await d.see("may not list or delete objects")


async def test_no_access_at_all(desk: OpenDesk, guard: Guard, options: ConnectionOptions) -> None:
    guard.allowed = frozenset()
    async with desk("", options=options) as d:
        await d.see("No bucket is open", "may not list buckets")
        d.main.action_command("add_bucket")
        await d.see("Add an existing bucket", "may not list buckets")
        await d.type(BUCKET)
        await d.see("no access: nothing is allowed in it")
        await d.press("enter")
        await d.see("cannot be opened", "Add an existing bucket")
        assert not d.main.desk.session.is_attached(BUCKET)
