"""Objects in a person's own programs: looked at, edited, and sent back only if nobody else changed them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from services import checksum
from services.gcs.interface import ANY
from services.model import WriteAttributes
from services.programs import command_line
from tests.flows.conftest import BUCKET, Desk, OpenDesk, eventually


def editor(folder: Path, monkeypatch: pytest.MonkeyPatch, *, body: str = "", variable: str = "VISUAL") -> Path:
    """Make a program that notes its words and does `body` with the file `path`; return where it notes them."""
    script, noted = folder / "a program.py", folder / "noted"
    script.write_text(
        f"import sys, pathlib\npath = pathlib.Path(sys.argv[-1])\n"
        f"pathlib.Path({str(noted)!r}).write_text(repr((sys.argv[1:], path.read_bytes(), oct(path.stat().st_mode))))"
        f"\n{body}\n"
    )
    monkeypatch.setenv(variable, f"'{sys.executable}' '{script}' -x")
    return noted


async def ready(d: Desk, name: str = "notes.txt") -> None:
    await eventually(lambda: name in d.rows())


def copies(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "state" / "pail" / "opened").rglob("*") if path.is_file()]


async def test_an_object_is_shown_in_the_pager_and_its_copy_removed(
    desk: OpenDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = editor(tmp_path, monkeypatch, variable="PAGER")
    async with desk(objects={"notes.txt": b"hello"}) as d:
        await ready(d)
        await d.press("o")
        await eventually(noted.exists)
        words, content, mode = eval(noted.read_text())
        assert words[:2] == ["-x", "--"]
        assert words[2].endswith("/notes.txt")
        assert (content, mode) == (b"hello", "0o100600")
        await eventually(lambda: not copies(tmp_path))


async def test_what_was_edited_is_uploaded_with_all_that_is_kept_about_it(
    desk: OpenDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, monkeypatch, body="path.write_bytes(b'edited')")
    async with desk() as d:
        attributes = WriteAttributes("text/x-notes", cache_control="no-store", metadata={"colour": "red"})
        await d.storage.data.insert(
            BUCKET, "notes.txt", b"old", attributes=attributes, crc32c=checksum.of(b"old"), precondition=ANY
        )
        await d.press("R")
        await ready(d)
        await d.press("E")
        await d.told("Uploaded notes.txt")
        assert await d.read("notes.txt") == b"edited"
        info = await d.storage.data.stat(BUCKET, "notes.txt")
        assert (info.content_type, info.metadata["colour"]) == ("text/x-notes", "red")
        assert info.resource["cacheControl"] == "no-store"
        assert not copies(tmp_path)


async def test_what_was_not_edited_is_not_uploaded(
    desk: OpenDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, monkeypatch, body="path.touch()")
    async with desk(objects={"notes.txt": b"same"}) as d:
        await ready(d)
        before = (await d.storage.data.stat(BUCKET, "notes.txt")).generation
        await d.press("E")
        await d.told("was not changed")
        assert (await d.storage.data.stat(BUCKET, "notes.txt")).generation == before
        await eventually(lambda: not copies(tmp_path))


@pytest.mark.parametrize("key", ["k", "r", "escape"])
async def test_somebody_elses_change_is_never_overwritten_unasked(
    desk: OpenDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    flag = tmp_path / "go"
    editor(
        tmp_path,
        monkeypatch,
        body=f"import os, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.01)\npath.write_bytes(b'mine')",
    )
    async with desk(objects={"notes.txt": b"old"}) as d:
        await ready(d)
        await d.press("E")
        await eventually((tmp_path / "noted").exists)
        await d.put("notes.txt", b"theirs")
        flag.touch()
        await d.see("Somebody changed it meanwhile")
        await d.press(key)
        if key == "k":
            await d.told("Uploaded notes (1).txt")
            assert await d.read("notes (1).txt") == b"mine"
            assert await d.read("notes.txt") == b"theirs"
        elif key == "r":
            await d.told("Uploaded notes.txt")
            assert await d.read("notes.txt") == b"mine"
        else:
            await d.told("your copy is kept")
            assert await d.read("notes.txt") == b"theirs"
            [copy] = copies(tmp_path)
            assert copy.read_bytes() == b"mine"


async def test_a_program_that_is_not_there_is_named(desk: OpenDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", "no-such-pager")
    async with desk(objects={"notes.txt": b"old"}) as d:
        await ready(d)
        await d.press("o")
        await d.told("cannot run no-such-pager")


def test_h65_no_shell_sees_the_name_and_no_program_takes_it_for_an_option() -> None:
    path = Path("/tmp") / "-rf $(reboot).txt"
    assert command_line(["vi", "-u", "NONE"], path) == ["vi", "-u", "NONE", "--", os.fspath(path)]
