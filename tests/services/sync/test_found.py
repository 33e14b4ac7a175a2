"""What the simulation found in the engine, each as small as it could be made."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services import checksum
from services.errors import Safeguard, Transient
from services.gcs.interface import ListQuery
from services.model import Precondition, VersionPage, VersionRow, WriteAttributes
from services.sync import disk as disk_module
from services.sync import exchange
from services.sync.controller import Controller
from services.sync.disk import Disk
from services.sync.entries import Signature
from services.sync.notes import Notes
from services.sync.remote import Prefix
from services.sync.state import Intent, State
from services.transfer.local import PARTIAL_PREFIX
from services.transfer.metadata import NONCE_KEY
from tests.services.sync.conftest import BUCKET, Machine, at_once, no_sleep
from tests.services.sync.test_disk import during
from tests.services.transfer.doubles import Changed

DAY_NS = 86_400 * 10**9


def listing(box: Machine, answer: Callable[[VersionPage], VersionPage]) -> Machine:
    """Return the machine with another answer to its first listing."""
    changed = False

    async def list_versions(real: Any, *arguments: Any, **options: Any) -> VersionPage:
        nonlocal changed
        page: VersionPage = await real(*arguments, **options)
        if changed:
            return page
        changed = True
        return answer(page)

    return replace(box, data=Changed(box.data, {"list_versions": list_versions}))


async def test_hazard_24_what_was_deleted_here_stays_deleted_after_an_empty_listing(box: Machine) -> None:
    for name in "abc":
        box.write(name, name)
    await box.sync()
    (box.folder / "a").unlink()
    await listing(box, lambda page: page._replace(objects=[])).sync()
    await box.sync()
    assert set(box.files()) == set(await box.objects()) == {"b", "c"}


@pytest.mark.parametrize("versioning", [False, True])
async def test_hazard_24_a_listing_of_the_past_makes_up_no_conflict(box: Machine, versioning: bool) -> None:
    """With versioning the generation of the past can even be downloaded."""
    bucket = await box.storage.control.get_bucket(BUCKET)
    await box.storage.control.patch_bucket(
        BUCKET, {"versioning": {"enabled": versioning}}, metageneration=bucket.metageneration
    )
    box.write("a", "first")
    box.write("b", "x")
    await box.sync()
    past = [row for row in await _rows(box) if row[0] == "p/a"]
    await box.put("a", "edited there")
    await box.sync()
    box.write("a", "edited here")

    def stale(page: VersionPage) -> VersionPage:
        return page._replace(objects=[*past, *(row for row in page.objects or () if row[0] != "p/a")])

    await listing(box, stale).sync()
    await box.sync()
    assert box.files() == {"a": "edited here", "b": "x"} == await box.objects()


async def test_hazard_24_what_a_listing_of_the_past_says_is_not_agreed_on(box: Machine) -> None:
    box.write("a", "first")
    box.write("b", "x")
    await box.sync()
    past = [row for row in await _rows(box) if row[0] == "p/a"]
    await box.put("a", "edited there")
    await box.sync()
    box.write("a", "first")  # as the listing of the past says
    await listing(
        box, lambda page: page._replace(objects=[*past, *(r for r in page.objects or () if r[0] != "p/a")])
    ).sync()
    await box.sync()
    assert box.files() == {"a": "first", "b": "x"} == await box.objects()


async def _rows(box: Machine) -> list[VersionRow]:
    page = await box.storage.data.list_versions(BUCKET, ListQuery(prefix="p/"))
    return page.objects or []


async def test_an_edit_in_the_moment_of_a_download_is_kept_under_the_name_of_a_conflict(
    box: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = box.write("d/a.txt", "first")
    await box.sync()
    await box.put("d/a.txt", "edited there")
    during(monkeypatch, "swap", lambda: path.write_text("edited here"))
    await box.sync()
    files = box.files()
    assert files.pop("d/a.txt") == "edited there"
    ((name, text),) = files.items()
    assert name.startswith("d/a.conflict-box-")
    assert text == "edited here"
    assert await box.objects() == box.files()


async def test_a_crash_in_recovery_does_not_make_an_unplaced_download_a_delete(box: Machine, tmp_path: Path) -> None:
    await box.put("a", "there")
    box.write("b", "x")
    state = State.open(box.database, box.pair.identity)
    disk = Disk(box.pair.root, prefix=box.pair.prefix)
    info = await box.storage.data.stat(BUCKET, "p/a")
    partial = disk.partial("a", "sync-1", info.generation, info.size)
    inode = disk.partial_inode("a", "sync-1", info.generation)
    partial.close()
    state.begin([Intent("a", "place", "sync-1", info.crc32c, info.size, info.generation, inode)])

    class Ended(BaseException):
        pass

    async def until_the_file_is_gone(function: Callable[..., Any], *arguments: Any) -> Any:
        done = function(*arguments)
        if not disk.partial_inode("a", "sync-1", info.generation):
            raise Ended
        return done

    controller = Controller(
        box.pair, disk, Prefix(box.data, BUCKET, "p/"), state, on_disk=until_the_file_is_gone, sleep=no_sleep
    )
    with pytest.raises(Ended):
        await controller.run_pass()
    state.close()
    await box.sync()
    assert box.files() == {"a": "there", "b": "x"} == await box.objects()


async def test_hazard_23_what_was_begun_is_not_looked_up_in_a_folder_that_is_not_mounted(box: Machine) -> None:
    box.write("a", "first")
    box.write("b", "x")
    await box.sync()
    info = await box.put("a", "edited there")
    state = State.open(box.database, box.pair.identity)
    state.begin([Intent("a", "place", "sync-1", info.crc32c, info.size, info.generation, 12345)])
    state.close()
    box.folder.rename(box.folder.with_name("elsewhere"))
    box.folder.mkdir()
    with pytest.raises(Safeguard):
        await box.sync()
    state = State.open(box.database, box.pair.identity)
    assert state.load()["a"].generation != info.generation
    assert [intent.key for intent in state.intents()] == ["a"]
    state.close()


async def test_what_is_begun_is_durable_whoever_else_begins_something() -> None:
    written: list[str] = []

    class Memory:
        def begin(self, intents: list[Intent]) -> None:
            written.extend(intent.key for intent in intents)

    async def slowly(function: Callable[..., Any], *arguments: Any) -> Any:
        for _ in range(3):
            await asyncio.sleep(0)
        return function(*arguments)

    notes = Notes(Memory(), {}, slowly)

    async def begin(key: str, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await notes.begin(Intent(key, "place", "n"))
        assert key in written

    await asyncio.gather(*(begin(str(number), number % 7) for number in range(30)))
    assert len(written) == 30


async def test_unfinished_downloads_that_no_memory_knows_of_go_to_the_trash(box: Machine) -> None:
    box.write("d/a", "x")
    box.write(f"d/{PARTIAL_PREFIX}sync-0123456789abcdef-7", "half")
    other = box.write(f"d/{PARTIAL_PREFIX}0123456789abcdef-7", "of a transfer")
    await box.sync()
    assert box.trash() == ["half"]
    assert other.exists()


def test_hazard_36_a_time_in_the_future_does_not_make_a_fresh_file_look_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_800_000_000_000_000_001
    monkeypatch.setattr(time, "time_ns", lambda: now)
    assert disk_module.settled(Signature(1, 2, now + DAY_NS, now - 1000)) is None
    assert disk_module.settled(Signature(1, 2, now + DAY_NS, now - DAY_NS)) is not None


async def test_hazard_10_an_edit_in_the_tick_in_which_a_file_was_read_is_found_later(
    box: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signature of a fresh file proves nothing, however long the upload took."""
    path = box.write("a", "one")
    found = path.stat()
    state = State.open(box.database, box.pair.identity)
    late = [0]
    monkeypatch.setattr(time, "time_ns", lambda: found.st_mtime_ns + 1000 + late[0])

    async def slow(insert: Any, *arguments: Any, **options: Any) -> Any:
        late[0] = DAY_NS
        return await insert(*arguments, **options)

    controller = Controller(
        box.pair,
        Disk(box.pair.root),
        Prefix(Changed(box.data, {"insert": slow}), BUCKET, "p/"),
        state,
        on_disk=at_once,
        sleep=no_sleep,
    )
    await controller.run_pass()
    assert state.load()["a"].signature is None
    assert state.load()["a"].crc32c == checksum.of(b"one")
    state.close()


async def test_a_listing_after_a_download_does_not_take_the_new_file_for_an_edit(box: Machine) -> None:
    await box.put("a", "one")
    state = State.open(box.database, box.pair.identity)
    controller = Controller(
        box.pair, Disk(box.pair.root), Prefix(box.data, BUCKET, "p/"), state, on_disk=at_once, sleep=no_sleep
    )
    await controller.run_pass()
    await box.put("a", "two")
    result = await controller.run_remote()
    assert [(item.action.kind, item.state) for item in result.items] == [("download", "done")]
    state.close()


def test_without_a_rename_that_replaces_nothing_what_is_saved_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setattr(exchange, "_function", lambda: None)
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("first")
    link = os.link

    def saved(*arguments: Any, **options: Any) -> None:
        link(*arguments, **options)
        monkeypatch.setattr(os, "link", link)
        (tmp_path / "tmp").write_text("saved")
        (tmp_path / "tmp").replace(old)

    monkeypatch.setattr(os, "link", saved)
    folder = os.open(tmp_path, os.O_RDONLY)
    exchange.rename_new(folder, "old", folder, "new")
    os.close(folder)
    assert (old.read_text(), new.read_text()) == ("saved", "first")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


async def test_hazard_30_a_download_is_on_the_disk_before_it_is_relied_on(
    box: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a loss of power in between leaves a missing file that looks like one somebody deleted."""
    await box.put("a", "there")
    done: list[str] = []
    fsync, begin = os.fsync, State.begin

    def flushed(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def begun(self: State, intents: Iterable[Intent]) -> None:
        rows = list(intents)
        done.extend(intent.kind for intent in rows)
        begin(self, rows)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(State, "begin", begun)
    await box.sync()
    assert box.files() == {"a": "there"}
    assert done == ["download", "file", "folder", "place", "folder"]


async def test_hazard_30_nothing_is_decided_on_a_part_before_all_that_was_begun_is_known(box: Machine) -> None:
    box.write("a", "first")
    await box.sync()
    box.write("a", "second")
    state = State.open(box.database, box.pair.identity)
    try:
        info = await box.storage.data.stat(BUCKET, "p/a")
        attributes = WriteAttributes(content_type="", metadata={NONCE_KEY: "sync-1"})
        state.begin([Intent("a", "upload", "sync-1")])
        await box.storage.data.insert(
            BUCKET, "p/a", b"second", attributes=attributes, crc32c=checksum.of(b"second"),
            precondition=Precondition(generation=info.generation),
        )  # fmt: skip
        box.write("a", "third")
        down = [True]

        async def refused(real: Any, *arguments: Any, **options: Any) -> Any:
            if down[0]:
                raise Transient("no connection")
            return await real(*arguments, **options)

        controller = Controller(
            box.pair,
            Disk(box.pair.root, prefix=box.pair.prefix),
            Prefix(Changed(box.data, {"stat": refused}), BUCKET, "p/"),
            state,
            on_disk=at_once,
            sleep=no_sleep,
        )
        with pytest.raises(Transient):
            await controller.run_pass()
        down[0] = False
        box.write("a", "fourth!")
        await controller.run_folders({""})
    finally:
        state.close()
    assert box.files() == {"a": "fourth!"} == await box.objects(), "our own upload is no second edit"


async def test_hazard_30_a_file_on_its_way_to_the_trash_comes_back_after_a_crash(
    box: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit in the moment of a delete is looked at only once the file has been taken away."""
    path = box.write("d/a", "first")
    box.write("b", "x")
    await box.sync()
    await box.remove("d/a")
    during(monkeypatch, "rename_away", lambda: path.write_text("edited here"))

    class Ended(BaseException):
        pass

    def ended(*_: Any) -> None:
        raise Ended

    with monkeypatch.context() as patched:
        patched.setattr(disk_module, "_is_planned", ended)
        with pytest.raises(BaseException) as raised:
            await box.sync()
    assert raised.group_contains(Ended) if isinstance(raised.value, BaseExceptionGroup) else raised.errisinstance(Ended)
    assert box.files() == {"b": "x"}
    await box.sync()
    assert box.files() == {"d/a": "edited here", "b": "x"} == await box.objects()


@pytest.mark.parametrize("names", ["one", "both"])
async def test_hazard_30_a_download_that_has_both_its_names_has_taken_its_name(box: Machine, names: str) -> None:
    """Without renames that replace nothing a hard link comes first."""
    await box.put("a", "there")
    box.write("b", "x")
    state = State.open(box.database, box.pair.identity)
    disk = Disk(box.pair.root, prefix=box.pair.prefix)
    info = await box.storage.data.stat(BUCKET, "p/a")
    partial = disk.partial("a", "sync-1", info.generation, info.size)
    partial.write([b"there"])
    inode = disk.partial_inode("a", "sync-1", info.generation)
    partial.close()
    state.begin([Intent("a", "place", "sync-1", info.crc32c, info.size, info.generation, inode)])
    (part,) = box.folder.glob(f"{PARTIAL_PREFIX}*")
    (box.folder / "a").hardlink_to(part)
    if names == "one":
        part.unlink()
    state.close()
    (box.folder / "a").write_text("edited here")
    await box.sync()
    assert box.files() == {"a": "edited here", "b": "x"} == await box.objects()
    assert not list(box.folder.glob(f"{PARTIAL_PREFIX}*"))


async def test_hazard_30_what_is_seen_after_a_crash_is_on_the_disk_before_it_is_relied_on(
    box: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that has ended may have renamed without a flush; the power may fail only now."""
    await box.put("a", "there")
    box.write("a", "there")
    state = State.open(box.database, box.pair.identity)
    info = await box.storage.data.stat(BUCKET, "p/a")
    state.begin([Intent("a", "place", "sync-1", info.crc32c, info.size, info.generation, 1)])
    state.close()
    done: list[str] = []
    fsync, save = os.fsync, State.save

    def flushed(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def saved(self: State, changes: Iterable[Any], ended: Iterable[str] = ()) -> None:
        rows = list(changes)
        done.extend("agreed" for _ in rows)
        save(self, rows, ended)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(State, "save", saved)
    await box.sync()
    assert done[:2] == ["folder", "agreed"]
