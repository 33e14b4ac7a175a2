"""The hazards of sync by number, over a real folder and a real store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.errors import BucketNotFound, Safeguard
from tests.services.sync.conftest import Machine, OpenMachine


async def in_step(machine: Machine) -> bool:
    """Tell whether nothing is left to do."""
    return not (await machine.sync(dry_run=True)).plan.work


async def test_both_sides_carry_adds_edits_and_deletes(box: Machine) -> None:
    for name in ("a", "b", "sub/c", "sub/d", *map(str, range(40))):
        box.write(name, f"first {name}")
    await box.sync()
    assert await box.objects() == box.files()
    box.write("a", "edited here")
    await box.put("b", "edited there")
    await box.put("new/e", "made there")
    box.write("f", "made here")
    (box.folder / "sub/c").unlink()
    await box.remove("sub/d")
    result = await box.sync()
    assert not [item for item in result.items if item.state == "failed"]
    assert await box.objects() == box.files()
    assert box.read("b") == "edited there"
    assert box.read("new/e") == "made there"
    assert not (box.folder / "sub").exists()
    assert "first sub/d" in box.trash()
    assert await in_step(box)


async def test_hazard_23_an_emptied_root_deletes_nothing(box: Machine) -> None:
    for number in range(20):
        box.write(str(number), "x")
    await box.sync()
    for path in box.folder.glob("[0-9]*"):
        path.unlink()
    with pytest.raises(Safeguard, match="no files any more"):
        await box.sync()
    assert len(await box.objects()) == 20


async def test_hazard_23_a_vanished_root_deletes_nothing(box: Machine) -> None:
    box.write("a", "x")
    await box.sync()
    box.folder.rename(box.folder.with_name("elsewhere"))
    with pytest.raises(Safeguard, match="not there any more"):
        await box.sync()
    assert await box.objects() == {"a": "x"}


async def test_hazard_25_a_mass_delete_needs_its_own_word(box: Machine) -> None:
    for number in range(100):
        box.write(str(number), str(number))
    await box.sync()
    for number in range(60):
        (box.folder / str(number)).unlink()
    with pytest.raises(Safeguard, match="60 of 100"):
        await box.sync()
    assert len(await box.objects()) == 100
    from services.sync.gate import MaxDelete

    await box.sync(max_delete=MaxDelete(60))
    assert len(await box.objects()) == 40


async def test_hazard_26_two_edits_are_both_kept_on_both_sides(box: Machine) -> None:
    box.write("doc.txt", "first")
    box.write("other", "x")
    await box.sync()
    box.write("doc.txt", "ours")
    await box.put("doc.txt", "theirs")
    await box.sync()
    files = box.files()
    assert files["doc.txt"] == "theirs"
    (copy,) = [name for name in files if name.startswith("doc.conflict-box-") and name.endswith(".txt")]
    assert files[copy] == "ours"
    assert await box.objects() == files
    assert await in_step(box)


async def test_hazard_27_an_edit_beats_a_delete_on_either_side(box: Machine) -> None:
    for name in ("a", "b", "c"):
        box.write(name, "first")
    await box.sync()
    (box.folder / "a").unlink()
    await box.put("a", "edited there")
    box.write("b", "edited here")
    await box.remove("b")
    await box.sync()
    assert box.files() == {"a": "edited there", "b": "edited here", "c": "first"}
    assert await box.objects() == box.files()


async def test_hazard_28_the_same_content_on_both_sides_moves_nothing(box: Machine) -> None:
    box.write("a", "same")
    made = await box.put("a", "same")
    result = await box.sync()
    assert not result.items
    info = await box.storage.data.stat("bucket", "p/a")
    assert info.generation == made.generation


async def test_hazard_31_a_deleted_memory_is_a_first_sync_without_deletes(box: Machine) -> None:
    box.write("a", "x")
    box.write("b", "y")
    await box.sync()
    for path in box.database.parent.glob("state.db*"):
        path.unlink()
    (box.folder / "a").unlink()
    result = await box.sync()
    assert [(item.action.kind, item.action.key) for item in result.items] == [("download", "a")]
    assert box.files() == {"a": "x", "b": "y"}


@pytest.mark.parametrize("damage", ["noise", "older", "foreign"])
async def test_hazard_32_a_memory_that_cannot_be_trusted_is_begun_anew(box: Machine, damage: str) -> None:
    import sqlite3

    box.write("a", "x")
    await box.sync()
    if damage == "noise":
        box.database.write_bytes(os.urandom(20_000))
        for path in box.database.parent.glob("state.db-*"):
            path.unlink()
    else:
        with sqlite3.connect(box.database) as db:
            if damage == "older":
                db.execute("PRAGMA user_version = -1")
            else:
                db.execute("UPDATE meta SET value = 'another'")
        db.close()
    (box.folder / "a").unlink()
    await box.sync()
    assert box.files() == {"a": "x"}
    assert "cannot be trusted" in box.notices[0]


async def test_hazard_32_a_newer_memory_is_refused(box: Machine) -> None:
    import sqlite3

    from services.errors import Rejected

    await box.sync()
    with sqlite3.connect(box.database) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(Rejected, match="newer version"):
        await box.sync()


async def test_hazard_34_two_machines_on_one_prefix_converge(open_machine: OpenMachine) -> None:
    one, two = await open_machine("one"), await open_machine("two")
    one.write("a", "from one")
    two.write("b", "from two")
    one.write("both", "one's")
    two.write("both", "two's")
    for _ in range(2):
        await one.sync()
        await two.sync()
    await one.sync()
    assert one.files() == two.files() == await one.objects()
    assert {"one's", "two's", "from one", "from two"} == set(one.files().values())


async def test_hazard_36_an_edit_of_the_same_size_with_its_time_put_back_is_found(box: Machine) -> None:
    path = box.write("a", "one")
    before = path.stat()
    await box.sync()
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    await box.sync()
    assert await box.objects() == {"a": "two"}


async def test_hazard_37_a_folder_that_is_moved_in_goes_up_whole(box: Machine, tmp_path: Path) -> None:
    box.write("a", "x")
    await box.sync()
    for number in range(200):
        path = tmp_path / "outside" / str(number % 7) / str(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    (tmp_path / "outside").rename(box.folder / "inside")
    await box.sync()
    assert len(await box.objects()) == 201


async def test_hazard_40_what_editors_leave_beside_a_file_stays_here(box: Machine) -> None:
    for name in (".a.swp", "a~", "#a#", ".#a", "4913", ".~lock.a#"):
        box.write(name, "noise")
    box.write("a", "text")
    result = await box.sync()
    assert await box.objects() == {"a": "text"}
    assert result.ignored == 6


async def test_hazard_42_renames_are_moves_on_the_server(box: Machine) -> None:
    for number in range(60):
        box.write(f"old/{number}", f"content {number}")
    await box.sync()
    (box.folder / "old").rename(box.folder / "new")
    result = await box.sync()
    assert {item.action.kind for item in result.items} == {"move-remote"}
    assert await box.objects() == box.files()
    assert await in_step(box)


async def test_hazard_44_names_that_no_disk_holds_together_are_reported_and_stay(box: Machine) -> None:
    for name in ("a", "a/b", "x", "./x", "n//m", "dir/", "dir/f"):
        await box.put(name, name if not name.endswith("/") else "")
    result = await box.sync()
    assert [problem.key for problem in result.problems] == ["a"]
    assert set(await box.objects()) == {"a", "a/b", "x", "./x", "n//m", "dir/", "dir/f"}
    assert await in_step(box)


async def test_hazard_45_empty_folders_and_placeholders_go_both_ways(box: Machine) -> None:
    (box.folder / "empty/inner").mkdir(parents=True)
    await box.put("there/", "")
    box.write("a", "x")
    await box.sync()
    assert set(await box.objects()) == {"a", "empty/inner/", "there/"}
    assert (box.folder / "there").is_dir()
    await box.remove("empty/inner/")
    (box.folder / "there").rmdir()
    await box.sync()
    assert not (box.folder / "empty/inner").exists()
    assert "there/" not in await box.objects()


async def test_hazard_48_a_bucket_that_is_gone_is_not_empty(box: Machine) -> None:
    box.write("a", "x")
    await box.sync()
    await box.remove("a")
    await box.storage.control.delete_bucket("bucket")
    with pytest.raises(BucketNotFound):
        await box.sync()
    assert box.files() == {"a": "x"}


async def test_hazard_58_links_and_special_files_are_reported_and_left_alone(box: Machine) -> None:
    (box.folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(box.folder / "pipe")
    await box.put("link", "from there")
    await box.put("link/below", "from there")
    result = await box.sync()
    assert {"link", "pipe"} <= {problem.key for problem in result.problems}
    assert (box.folder / "link").is_symlink()
    assert set(await box.objects()) == {"link", "link/below"}


async def test_hazard_69_a_name_that_is_not_utf8_is_reported(box: Machine) -> None:
    box.write(os.fsdecode(b"bad\xff"), "x")
    box.write("good", "x")
    result = await box.sync()
    assert await box.objects() == {"good": "x"}
    assert len(result.problems) == 1


async def test_rules_leave_out_on_both_sides_and_delete_nothing(box: Machine) -> None:
    box.write("keep", "x")
    box.write("sub/out.log", "here")
    await box.sync()
    box.write(".pailignore", "*.log\nbuild/\n")
    box.write("sub/.pailignore", "!special.log\n")
    box.write("sub/special.log", "taken in again")
    box.write("build/x", "out")
    await box.put("build/y", "out there")
    (box.folder / "sub/out.log").unlink()
    await box.sync()
    assert set(await box.objects()) == {
        "keep", "sub/out.log", ".pailignore", "sub/.pailignore", "sub/special.log", "build/y",
    }  # fmt: skip
    assert not (box.folder / "build/y").exists()


async def test_push_deletes_only_where_asked_to(open_machine: OpenMachine) -> None:
    box = await open_machine(mode="push")
    for name in "abcd":
        box.write(name, name)
    await box.put("extra", "x")
    await box.sync()
    (box.folder / "a").unlink()
    await box.sync()
    assert set(await box.objects()) == {"a", "b", "c", "d", "extra"}
    await box.sync(delete=True)
    assert set(await box.objects()) == {"b", "c", "d"}


async def test_pull_keeps_what_it_overwrites_in_the_trash(open_machine: OpenMachine) -> None:
    box = await open_machine(mode="pull")
    await box.put("a", "theirs")
    box.write("a", "mine")
    box.write("extra", "x")
    await box.sync()
    assert box.files() == {"a": "theirs", "extra": "x"}
    assert box.trash() == ["mine"]
    assert (box.folder / ".pail").stat().st_mode & 0o777 == 0o700
    assert (box.folder / ".pail/trash").stat().st_mode & 0o777 == 0o700


async def test_a_replaced_file_keeps_its_permissions_and_a_new_one_gets_none_from_the_bucket(box: Machine) -> None:
    path = box.write("run.sh", "one")
    path.chmod(0o755)
    await box.sync()
    await box.put("run.sh", "two")
    await box.sync()
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o755


async def test_a_dry_run_changes_nothing_on_either_side(box: Machine) -> None:
    box.write("a", "x")
    await box.put("b", "y")
    result = await box.sync(dry_run=True)
    assert {(action.kind, action.key) for action in result.plan.work} == {("upload", "a"), ("download", "b")}
    assert [path.name for path in box.folder.iterdir()] == ["a"]
    assert set(await box.objects()) == {"b"}
