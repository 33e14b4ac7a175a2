"""The Usage view: counted while one looks, gone through folder by folder, deleted from, by keys and with the mouse."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.actions import usage as usage_actions
from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from services.multipart import survey
from tests.e2e.test_cli_bucket_tools import ask
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually
from widgets.symbols import ASCII
from widgets.usage_panel import UsagePanel
from widgets.usage_rows import SECTIONS

OBJECTS = {
    "logs/2024/app.log": b"x" * 100,
    "logs/2025/app.log": b"x" * 3_000,
    "logs/2025/web.log": b"x" * 200,
    "photos/a.png": b"x" * 900,
    "readme.md": b"# hi",
}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(store_factory: Callable[..., StoreServer], faults: Faults) -> StoreServer:
    return store_factory(faults=faults)


def panel(d: Desk) -> UsagePanel:
    return d.main.usage_panel


async def counted(d: Desk) -> None:
    await d.see("m Move")
    await d.press("5")
    await d.see("counted just now")


async def click_text(d: Desk, text: str, *, line: str = "", times: int = 1) -> None:
    """Click on a text of the screen, on the line that holds `line`."""
    y, row = next((y, row) for y, row in enumerate(d.text().splitlines()) if text in row and line in row)
    await d.pilot.click(offset=(row.index(text), y), times=times)
    await d.pilot.pause()


def begin_upload(store: StoreServer, name: str, size: int) -> None:
    """Begin a multipart upload with one part, and leave it."""
    begun, _ = ask(store, "POST", f"/{BUCKET}/{name}?uploads", b"")
    key = begun.partition(b"<UploadId>")[2].partition(b"</UploadId>")[0].decode()
    ask(store, "PUT", f"/{BUCKET}/{name}?partNumber=1&uploadId={key}", b"1" * size)


async def test_folders_are_gone_into_by_keys_and_shown_in_the_path(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(120, 30)) as d:
        await counted(d)
        await d.see("4.2 KB · 5 objects", "would be under $0.01 a month", "[5 Usage]", "logs/", "78 %", "] Section")
        await d.press("enter", "l")
        assert panel(d).prefix == "logs/2025/"
        await d.see("flow-bucket › logs › 2025", "objects right here")
        await d.press("h")
        await d.see("2024/", "97 %")
        await d.press("backspace")
        assert panel(d).prefix == ""


async def test_it_is_all_done_with_the_mouse(desk: OpenDesk, store: StoreServer) -> None:
    begin_upload(store, "half.mov", 700)
    async with desk(objects=OBJECTS, size=(120, 30)) as d:
        await d.see("m Move")
        await click_text(d, "5 Usage")
        await d.see("counted just now")
        await click_text(d, "logs/", times=2)
        await d.see("flow-bucket › logs", "2025/")
        await click_text(d, "flow-bucket", line="›")
        await d.see("photos/")
        await click_text(d, "Largest")
        await d.see("logs/2025/app.log", "71 %")
        await click_text(d, "Hidden")
        await d.see("Unfinished uploads", "700 B")
        await click_text(d, "Unfinished", times=2)
        await d.see("Abort 1 unfinished upload?", "All were begun within a day")
        await click_text(d, "Abort", line="Cancel")
        await d.told("Aborted 1 upload, 700 B.")
        assert (await survey(d.storage.data, BUCKET)).uploads == 0
        await d.put("new.txt")
        await click_text(d, "recount")
        await d.see("6 objects")
        await click_text(d, "Largest")
        await click_text(d, "photos/a.png", times=2)
        await eventually(lambda: d.tree.cursor_entry and d.tree.cursor_entry.name == "photos/a.png")
        await d.see("[1 Objects]")


async def test_it_is_all_ascii_where_the_terminal_knows_no_more(desk: OpenDesk) -> None:
    async with desk(objects={**OBJECTS, **{f"many/{n}/x": b"x" for n in range(40)}}, size=(80, 24), symbols=ASCII) as d:
        await counted(d)
        for _ in SECTIONS:
            assert d.text().isascii(), d.text()
            await d.press("right_square_bracket")
        await d.press("G", "k", "enter")
        await d.see("..")
        assert d.text().isascii(), d.text()
        await d.press("1", "ctrl+f")
        await d.type("x")
        await d.press("enter")
        await d.see("40 found")
        assert d.text().isascii(), d.text()
        await d.press("2")
        await d.see("Bucket ID")
        assert d.text().isascii(), d.text()


async def test_a_folder_is_deleted_and_the_count_follows(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await counted(d)
        await d.press("X")
        await d.see("Delete the folder logs/?", "3 objects, 3.3 KB")
        await d.press("right", "enter")
        await eventually(lambda: has(d, ["photos/a.png", "readme.md"]))
        await d.see("904 B · 2 objects")
        await d.press("right_square_bracket")
        await d.see("deleted, kept")
        await eventually(lambda: d.main.undo.possible)
        await d.press("z")
        await eventually(lambda: has(d, sorted(OBJECTS)))


async def test_a_count_that_follows_a_delete_stays_in_the_folder(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(120, 30)) as d:
        await counted(d)
        await d.press("enter", "j")
        await d.see("flow-bucket › logs", "2024/")
        await d.press("X")
        await d.see("Delete the folder 2024/?")
        await d.press("right", "enter")
        await d.see("4.1 KB · 4 objects", "flow-bucket › logs", "2025/")
        await d.press("X")
        await d.see("Delete the folder 2025/?")
        await d.press("right", "enter")
        await d.see("904 B · 2 objects", "photos/")
        await d.gone("›")


async def has(d: Desk, names: list[str]) -> bool:
    return await d.names() == names


async def test_a_large_bucket_is_not_counted_again_by_itself(desk: OpenDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_actions, "QUICK", 2)
    async with desk(objects=OBJECTS, size=(120, 30)) as d:
        await counted(d)
        await d.press("right_square_bracket", "right_square_bracket", "right_square_bracket", "right_square_bracket")
        await d.see("Updated")
        await d.press("X")
        await d.see("Delete the object app.log?")
        await d.press("right", "enter")
        await d.see("changed since")
        await d.press("R")
        await d.see("4 objects", "counted just now  R recount")


async def test_a_count_is_cancelled_and_gone_on_with(desk: OpenDesk, faults: Faults) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("m Move")
        faults.add(Fault("objects.list", "latency", seconds=60.0))
        await d.press("5")
        await d.see("counting…  Esc cancel", "Esc Cancel")
        await d.press("escape")
        await d.see("not complete  R go on")
        await d.press("R")
        await d.see("5 objects", "counted just now")


async def test_the_last_count_is_shown_at_once_with_its_age(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS) as d:
        await counted(d)
        first = panel(d)._state.usage
        assert first is not None
        d.main.desk.open_bucket(BUCKET, "")
        assert panel(d)._state.usage is None
        await d.see("m Move")
        await d.press("5")
        await d.see("5 objects", "counted just now")
        await eventually(lambda: not d.main.usage.counting)
        kept = panel(d)._state.usage
        assert kept is not None
        assert kept.now == first.now, "it was not counted again"


async def test_a_refused_count_says_why_and_can_be_tried_again(desk: OpenDesk, faults: Faults) -> None:
    async with desk(objects=OBJECTS) as d:
        await d.see("m Move")
        faults.add(Fault("objects.list", "status", status=403, count=None))
        await d.press("5")
        await d.see("! cannot list", "Ask the owner")
        faults.clear()
        await d.press("R")
        await d.see("5 objects", "counted just now")


async def test_operations_of_the_worker_are_counted_in(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(120, 30)) as d:
        await counted(d)
        await d.press("left_square_bracket")
        await d.see("Class A", "with the worker's", "Prices")
        shown = panel(d).rows.rows[0].objects
        assert shown is not None
        assert shown >= 2
        state = panel(d)._state.operations
        assert state is not None
        before = state.by_operation.get("objects.insert", 0)
        d.main.action_command("view_objects")
        (d.home / "up.txt").write_bytes(b"up")
        d.main.attempt(d.main.objects.pasted(str(d.home / "up.txt")))
        await d.see("up.txt")  # the key line says "Upload" before the dialog is there
        await d.press("enter")
        await eventually(lambda: has(d, sorted([*OBJECTS, "up.txt"])))
        await d.press("5")

        def inserts() -> int:
            now = panel(d)._state.operations
            return now.by_operation.get("objects.insert", 0) if now is not None else 0

        await eventually(lambda: inserts() > before)


async def test_a_suggested_rule_is_added(desk: OpenDesk) -> None:
    async with desk(objects=OBJECTS, size=(120, 30)) as d:
        await counted(d)
        await d.press("left_square_bracket", "left_square_bracket")
        await d.see("+ to Nearline after 30 days", "fits nothing today")
        await d.press("j", "j", "enter")
        await d.see("Add a lifecycle rule", "understood as: delete older versions after 30 days")
        await d.press("enter")
        await d.told("Added: delete older versions after 30 days")
        rules = (await d.storage.control.get_bucket(BUCKET)).resource["lifecycle"]["rule"]
        assert rules[0]["condition"] == {"daysSinceNoncurrentTime": 30}


async def test_unfinished_uploads_are_aborted_from_the_palette(desk: OpenDesk, store: StoreServer) -> None:
    begin_upload(store, "half.mov", 700)
    async with desk(objects=OBJECTS) as d:
        await d.see("m Move")
        await d.press("colon")
        await d.type("abort unf")
        await d.press("enter")
        await d.see("Abort 1 unfinished upload?", "700 B")
        await d.press("enter")  # Cancel has the focus
        await d.gone("Abort 1 unfinished upload?")
        assert (await survey(d.storage.data, BUCKET)).uploads == 1
        d.main.action_command("abort_uploads")
        await d.see("Abort 1 unfinished upload?")
        await d.press("right", "enter")
        await d.told("Aborted 1 upload, 700 B.")
        d.main.action_command("abort_uploads")
        await d.told("There is no unfinished upload")
