"""The small parts of transfers, each alone."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.connection import Connection, CredentialSpec
from services.errors import DiskFull, LocalFileError, ObjectNotFound, PailError, Rejected, SessionGone, Unsafe
from services.transfer import codec, local, messages, schema
from services.transfer.facts import FactBoard
from services.transfer.job import summary
from services.transfer.messages import (
    Command,
    Fact,
    ItemFact,
    JobItem,
    JobSpec,
    NoticeFact,
    Submit,
    TransferView,
)
from services.transfer.metadata import content_type
from services.transfer.meter import Bandwidth, Meter, eta, part_size
from services.transfer.partial import open_partial, partial_name, remove_partial
from services.transfer.plan import _Ancestors
from services.transfer.scan import BATCH, Excludes, scan_tree, take


@given(st.text(), st.binary().map(os.fsdecode), st.booleans())
def test_messages_survive_the_codec(source: str, target: str, tree: bool) -> None:
    spec = JobSpec(
        "copy",
        Connection(CredentialSpec("key-file", "/k"), project="p"),
        (JobItem(source, target, tree=tree, generation=2**60),),
        excludes=(source,),
    )
    assert codec.loads(codec.dumps(Submit(spec))) == Submit(spec)
    assert codec.dumps(Submit(spec)).isascii()


def test_every_command_and_fact_can_travel() -> None:
    for kind in (*get_args(Command), *get_args(Fact), messages.Snapshot, messages.Reply, messages.SnapshotQuery):
        assert codec._FIELDS[kind] == kind._fields


def test_what_tells_of_pairs_is_loaded_when_it_travels() -> None:
    program = """
import sys
from services.transfer import codec
assert "services.sync.status" not in sys.modules
try:
    codec.from_plain({"$": "PairView"})
except codec.Rejected as error:
    assert "broken" in error.message, error.message
assert set(codec._OF_PAIRS) < set(codec._CLASSES)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("text", ["{", '{"$":"Popen"}', '{"$":"JobItem"}', "[" * 100_000])
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        codec.loads(text)


def test_fields_of_a_newer_version_are_ignored() -> None:
    assert codec.loads('{"$":"Reply","id":"1","affected":2,"new":3}') == messages.Reply("1", 2)


def test_errors_survive_the_codec() -> None:
    for kind in (ObjectNotFound, SessionGone, PailError):
        found = codec.error_from_plain(codec.error_to_plain(kind("why", remedy="do", url="gs://b/\udcff")))
        assert (type(found), found.message, found.remedy, found.url) == (kind, "why", "do", "gs://b/\udcff")
    assert type(codec.error_from_plain({"kind": "ExitCode"})) is PailError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_rate_follows_what_moves_and_says_when_it_ends() -> None:
    clock = Clock()
    meter = Meter(clock)
    for second in range(30):
        clock.now = float(second)
        meter.sample(second * 1000)
    assert meter.rate == pytest.approx(1000, rel=0.01)
    for second in range(30, 90):
        clock.now = float(second)
        meter.sample(29_000)
    assert meter.rate == 0
    assert eta(1000, 500.0) == 2
    assert eta(1000, 0.0) is None


async def test_the_token_bucket_lets_pass_what_was_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    limit = Bandwidth(1000, clock)

    async def sleep(waiting: Any, seconds: float) -> None:
        waiting.close()
        clock.now += seconds
        raise TimeoutError

    monkeypatch.setattr("services.transfer.meter.asyncio.wait_for", sleep)
    for _ in range(20):
        await limit.take(500)
    assert clock.now == pytest.approx(9.5)
    limit.set_rate(0)
    await limit.take(10**9)
    assert clock.now == pytest.approx(9.5)


@pytest.mark.parametrize(
    ("wanted", "rates", "size"),
    [
        (8 << 20, [0, 0], 8 << 20),
        (8 << 20, [1 << 20, 0], 1 << 20),
        (8 << 20, [1000], 256 << 10),
        (300_000, [], 262_144),
    ],
)
def test_parts_are_about_a_second_of_what_is_allowed(wanted: int, rates: list[int], size: int) -> None:
    assert part_size(wanted, rates, 256 << 10) == size


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.txt", "a (1).txt"),
        ("d/a.tar.gz", "d/a.tar (1).gz"),
        (".bashrc", ".bashrc (1)"),
        ("a.d/b", "a.d/b (1)"),
        ("d/e/", "d/e (1)/"),
    ],
)
def test_the_name_of_the_second_copy_is_predictable(name: str, kept: str) -> None:
    assert local.free_name(name, 1) == kept


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gs://b/a.txt", "text/plain"),
        ("gs://b/a.tar.gz", "application/gzip"),
        ("gs://b/x", "application/octet-stream"),
        ("gs://b/p.png/q", "application/octet-stream"),
        ("gs://b/P.PNG", "image/png"),
        ("gs://b/a:b.csv", "text/csv"),
        ("gs://b/.png", "application/octet-stream"),
    ],
)
def test_the_type_follows_from_the_name(name: str, kind: str) -> None:
    assert content_type(name) == kind


def test_the_files_of_the_system_are_read_for_unknown_endings_alone(tmp_path: Path) -> None:
    (tmp_path / "mime.types").write_text("text/x-own txt own\n")
    program = f"""
import mimetypes
mimetypes.knownfiles = [{str(tmp_path / "mime.types")!r}]
from services.transfer.metadata import content_type
assert content_type("a.txt") == "text/plain" and not mimetypes.inited
assert content_type("a.own") == "text/x-own" and mimetypes.inited
assert content_type("a.txt") == "text/plain"
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_a_journal_is_made_in_one_transaction() -> None:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        done: list[str] = []
        db.set_trace_callback(done.append)
        schema.create(db)
        assert [word for word in done if word.strip().rstrip(";") in ("BEGIN", "COMMIT")] == ["BEGIN;", "COMMIT"]
        db.set_trace_callback(None)
        schema.create(db)  # is content with what it made
        assert schema.journal_id(db)


def test_a_path_below_the_base_never_leaves_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    base = len(str(tmp_path / "in"))
    for path in ("in/link/f", "in/../out/f"):
        with pytest.raises(Unsafe), local.explained(path, "read"), local.opened_place(f"{tmp_path}/{path}", base):
            pass
    with local.opened_place(f"{tmp_path}/in/a/b/f", base, make=True) as place:
        assert place.name == "f"
    assert (tmp_path / "in" / "a" / "b").is_dir()


def test_what_was_named_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    source = local.open_source(str(tmp_path / "link"), 0)
    assert source.read(0, 10) == b"x"
    assert source.unchanged()
    (tmp_path / "real").write_bytes(b"y")
    assert not source.unchanged()
    source.close()
    with pytest.raises(Unsafe):
        local.open_source(str(tmp_path / "link"), len(str(tmp_path)))


@pytest.mark.parametrize(
    ("number", "doing", "kind"),
    [(28, "write", DiskFull), (30, "write", DiskFull), (5, "read", LocalFileError), (13, "read", LocalFileError)],
)
def test_h46_only_faults_of_the_disk_as_a_whole_let_a_job_wait(number: int, doing: str, kind: type[PailError]) -> None:
    error = local.local_error(OSError(number, os.strerror(number)), "/x\x1b", doing)
    assert type(error) is kind
    assert error.remedy
    assert "\x1b" not in error.message


def test_an_unfinished_download_goes_on_from_what_lies_on_the_disk(tmp_path: Path) -> None:
    path = str(tmp_path / "f")
    first = open_partial(path, 0, "nonce", 5, 100)
    first.write([b"a" * 30, b"b" * 20])
    first.close()
    second = open_partial(path, 0, "nonce", 5, 100)
    assert second.offset == 50
    second.write([b"c" * 50])
    assert second.finish(mtime=1.0, umask=0o022, replace=False)
    second.close()
    assert Path(path).read_bytes() == b"a" * 30 + b"b" * 20 + b"c" * 50
    assert Path(path).stat().st_mode & 0o777 == 0o644
    third = open_partial(path, 0, "nonce", 6, 10)
    assert not third.finish(mtime=None, umask=0o022, replace=False)
    third.close()
    remove_partial(path, 0, "nonce")
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_an_unfinished_file_that_somebody_planted_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    os.link(tmp_path / "victim", tmp_path / partial_name("nonce", 5))
    with pytest.raises(LocalFileError):
        open_partial(str(tmp_path / "f"), 0, "nonce", 5, 100)
    (tmp_path / partial_name("nonce", 6)).symlink_to(tmp_path / "victim")
    with pytest.raises(Unsafe):
        open_partial(str(tmp_path / "f"), 0, "nonce", 6, 100)
    assert (tmp_path / "victim").read_bytes() == b"precious"


def test_h22_planning_needs_memory_for_one_batch_only(tmp_path: Path) -> None:
    for number in range(BATCH + 10):
        (tmp_path / f"{number:04}").touch()
    scan = scan_tree(str(tmp_path), Excludes(()))
    assert len(take(scan)) == BATCH
    assert len(take(scan)) == 10
    assert take(scan) == []


def test_a_folder_that_cannot_be_read_is_reported_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/x", "b/x"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    real: Callable[[str], Any] = os.scandir

    def scandir(path: str) -> Any:
        if path.endswith("/a"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr("services.transfer.scan.os.scandir", scandir)
    found = list(scan_tree(str(tmp_path), Excludes(())))
    assert [(one.relative, one.error is None) for one in found] == [("a", False), ("b/x", True)]


@given(st.lists(st.text(alphabet="ab!/", min_size=1, max_size=6), unique=True))
def test_h44_objects_below_objects_are_found_in_one_pass(names: list[str]) -> None:
    above, clashes = _Ancestors(), set()
    placed: list[str] = []
    for name in sorted(names, key=str.encode):
        clash = above.above(name)
        expected = [upper for upper in placed if name.startswith(upper + "/") and not upper.endswith("/")]
        assert bool(clash) == bool(expected)
        if clash:
            clashes.add(name)
        else:
            placed.append(name)


async def test_facts_about_items_go_only_to_those_who_want_them_and_never_pile_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.transfer.facts.MOST_WAITING", 3)
    board = FactBoard()
    wants, others = board.subscribe(items=True), board.subscribe(items=False)
    item = ItemFact(TransferView("1.1", "1", "upload", "/a", "gs://b/a", "done"))
    for _ in range(10):
        board.publish(item)
    board.publish(NoticeFact("end"))
    board.close()
    assert [type(fact).__name__ for fact in [fact async for fact in wants]] == ["ItemFact"] * 3 + ["NoticeFact"] * 2
    assert [fact async for fact in others] == [NoticeFact("end")]


@pytest.mark.parametrize(
    ("items", "short"),
    [
        ((JobItem("/a/b", "gs://x/y"),), ("/a/b", "gs://x/y")),
        ((JobItem("/a/b/c", "gs://x/y/c"), JobItem("/a/b/d", "gs://x/y/d")), ("/a/b/", "gs://x/y/")),
        ((JobItem("", "gs://x/f/"),), ("gs://x/f/", "")),
    ],
)
def test_a_job_is_summed_up_by_what_its_items_have_in_common(
    items: tuple[JobItem, ...], short: tuple[str, str]
) -> None:
    assert summary(items) == short
