"""Moving data with the real command: `cp mv rm`, also through pipes."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import os
import random
import signal
import sqlite3
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from tests.e2e import hostile
from tests.e2e.conftest import Pail, wait_for

Put = Callable[..., None]


def write_tree(root: Path, names: list[str]) -> dict[str, bytes]:
    """Write files below `root`, each with bytes of its own, and return them by name."""
    chance = random.Random(7)
    made = {}
    for name in names:
        made[name] = name.encode() + chance.randbytes(chance.choice([0, 1, 4096, 70_000]))
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made[name])
    return made


def read_tree(root: Path) -> dict[str, bytes]:
    """Return every file below `root` by its relative path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def listed(pail: Pail, url: str) -> list[str]:
    return [record["name"] for record in pail("--json", "ls", "-r", url).records]


@pytest.fixture
def bucket(pail: Pail, put: Put) -> str:
    put("bucket")
    return "gs://bucket"


def test_a_tree_with_odd_names_comes_back_as_it_went(pail: Pail, bucket: str, tmp_path: Path) -> None:
    made = write_tree(tmp_path / "src", [*hostile.SAFE_ON_DISK, *(f"n{i % 3}/f{i}" for i in range(30))])
    up = pail("--json", "cp", "-r", str(tmp_path / "src"), f"{bucket}/up/")
    assert up.records[-1]["kind"] == "summary"
    assert (up.records[-1]["upload"], up.records[-1]["failed"]) == (len(made), 0)
    assert listed(pail, f"{bucket}/up/") == sorted((f"up/src/{name}" for name in made), key=str.encode)
    pail("cp", "-r", f"{bucket}/up/", str(tmp_path / "back"))
    assert read_tree(tmp_path / "back") == {f"src/{name}": data for name, data in made.items()}


def test_names_that_no_disk_holds_stay_inside_the_root_and_can_be_sent_back(
    pail: Pail, put: Put, bucket: str, tmp_path: Path
) -> None:
    for name in hostile.ESCAPED_ON_DISK:
        put("bucket", f"in/{name}", name.encode())
    pail("cp", "-r", f"{bucket}/in", str(tmp_path / "deep" / "back"))
    assert sorted(read_tree(tmp_path / "deep" / "back").values()) == sorted(
        name.encode() for name in hostile.ESCAPED_ON_DISK
    )
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["back"]
    pail("cp", "-r", str(tmp_path / "deep" / "back"), f"{bucket}/again")
    assert listed(pail, f"{bucket}/again") == sorted(
        (f"again/{name}" for name in hostile.ESCAPED_ON_DISK), key=str.encode
    )


def test_what_a_disk_cannot_hold_side_by_side_is_named_and_the_rest_arrives(
    pail: Pail, put: Put, bucket: str, tmp_path: Path
) -> None:
    for name in ("a", "a/b", "c"):
        put("bucket", name, name.encode())
    result = pail("cp", "-r", bucket, str(tmp_path / "back"), code=6)
    assert "a/b" in result.err
    assert "1 of 3 items failed" in result.err
    assert read_tree(tmp_path / "back") == {"a": b"a", "c": b"c"}


@pytest.mark.parametrize(
    ("before", "source", "target", "expected"),
    [
        ([], "dir", "gs://bucket/p", ["p/f", "p/s/g"]),
        ([], "dir", "gs://bucket/p/", ["p/dir/f", "p/dir/s/g"]),
        (["p/x"], "dir", "gs://bucket/p", ["p/dir/f", "p/dir/s/g", "p/x"]),
        ([], "dir", "gs://bucket", ["dir/f", "dir/s/g"]),
        ([], "dir/f", "gs://bucket/", ["f"]),
        ([], "dir/f", "gs://bucket/new", ["new"]),
        ([], "dir/f", "gs://bucket/p/", ["p/f"]),
    ],
)
def test_targets_mean_what_they_mean_in_gcloud(
    pail: Pail, put: Put, bucket: str, tmp_path: Path, before: list[str], source: str, target: str, expected: list[str]
) -> None:
    for name in before:
        put("bucket", name)
    write_tree(tmp_path / "dir", ["f", "s/g"])
    pail("cp", "-r", source, target, cwd=tmp_path)
    assert listed(pail, bucket) == expected


def test_downloads_go_into_a_folder_that_exists(pail: Pail, put: Put, bucket: str, tmp_path: Path) -> None:
    put("bucket", "p/f", b"F")
    pail("cp", "-r", f"{bucket}/p", "new", cwd=tmp_path)
    assert read_tree(tmp_path) | {"new/f": b"F"} == read_tree(tmp_path)
    (tmp_path / "old").mkdir()
    pail("cp", "-r", f"{bucket}/p", "old", cwd=tmp_path)
    assert (tmp_path / "old" / "p" / "f").read_bytes() == b"F"
    pail("cp", f"{bucket}/p/f", ".", cwd=tmp_path)
    assert (tmp_path / "f").read_bytes() == b"F"


def test_copies_and_moves_on_the_server(pail: Pail, put: Put, bucket: str) -> None:
    put("bucket", "a/1", b"1")
    put("bucket", "a/2", b"2")
    put("other-bucket")
    copied = pail("--json", "cp", "-r", f"{bucket}/a", "gs://other-bucket/")
    assert {record["action"] for record in copied.records[:-1]} == {"copy"}
    assert listed(pail, "gs://other-bucket") == ["a/1", "a/2"]
    moved = pail("--json", "mv", "-r", f"{bucket}/a", f"{bucket}/b")
    assert {(record["action"], record["state"]) for record in moved.records[:-1]} == {("move", "done")}
    assert listed(pail, bucket) == ["b/1", "b/2"]
    pail("mv", f"{bucket}/b/1", f"{bucket}/b/3")
    assert listed(pail, bucket) == ["b/2", "b/3"]


def test_moves_between_here_and_a_bucket_leave_one_copy(pail: Pail, bucket: str, tmp_path: Path) -> None:
    write_tree(tmp_path, ["f"])
    data = (tmp_path / "f").read_bytes()
    pail("mv", "f", f"{bucket}/f", cwd=tmp_path)
    assert not (tmp_path / "f").exists()
    assert pail("cat", f"{bucket}/f").raw == data
    pail("mv", f"{bucket}/f", "g", cwd=tmp_path)
    assert (tmp_path / "g").read_bytes() == data
    assert listed(pail, bucket) == []


def test_modification_times_are_kept(pail: Pail, bucket: str, tmp_path: Path) -> None:
    write_tree(tmp_path, ["f"])
    os.utime(tmp_path / "f", (1_600_000_000, 1_600_000_000))
    pail("cp", "f", f"{bucket}/f", cwd=tmp_path)
    assert pail("--json", "stat", f"{bucket}/f").records[0]["mtime"] == "2020-09-13T12:26:40.000Z"
    pail("cp", f"{bucket}/f", "g", cwd=tmp_path)
    assert (tmp_path / "g").stat().st_mtime == 1_600_000_000


def test_a_dry_run_says_what_parts_of_a_very_large_file_cost(pail: Pail, put: Put, bucket: str, tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(200 << 20)
    words = "1 very large file, 210 MB, may go up in parallel parts"
    for mode, said in (("always", True), ("never", False)):
        done = pail("cp", "--dry-run", "--parallel-uploads", mode, str(tmp_path / "large"), f"{bucket}/large")
        assert (words in done.err) is said


def test_a_dry_run_names_everything_and_changes_nothing(pail: Pail, put: Put, bucket: str, tmp_path: Path) -> None:
    put("bucket", "a", b"1")
    write_tree(tmp_path / "dir", ["f", "g"])
    result = pail("--json", "cp", "-r", "--dry-run", "dir", f"{bucket}/p", cwd=tmp_path)
    assert [record["state"] for record in result.records[:-1]] == ["planned", "planned"]
    summary = result.records[-1]
    assert (summary["planned"], summary["class_a"], summary["class_b"]) == (2, 2, 0)
    assert 0 < summary["cost"] < 0.01
    told = pail("cp", "-r", "--dry-run", "dir", f"{bucket}/p", cwd=tmp_path).err
    assert "2 class A and 0 class B operations, under $0.01" in told
    assert "Would delete gs://bucket/a" in pail("rm", "--dry-run", f"{bucket}/*").err
    assert listed(pail, bucket) == ["a"]


def test_no_clobber_skips_and_exclude_leaves_out(pail: Pail, put: Put, bucket: str, tmp_path: Path) -> None:
    put("bucket", "p/dir/f", b"old")
    write_tree(tmp_path / "dir", ["f", "g", "h.tmp", "t/x"])
    result = pail(
        "--json",
        "cp",
        "-r",
        "--no-clobber",
        "--exclude",
        "*.tmp",
        "--exclude",
        "t/",
        "dir",
        f"{bucket}/p",
        cwd=tmp_path,
    )
    assert (result.records[-1]["skip"], result.records[-1]["upload"]) == (1, 1)
    assert pail("cat", f"{bucket}/p/dir/f").raw == b"old"
    assert listed(pail, bucket) == ["p/dir/f", "p/dir/g"]


def test_gzip_objects_come_as_stored_or_decoded(pail: Pail, bucket: str, store: StoreServer, tmp_path: Path) -> None:
    packed = gzip.compress(b"plain" * 1000)
    put_gzip(store, packed)
    assert pail("cat", f"{bucket}/z").raw == packed
    assert pail("cp", f"{bucket}/z", "-").raw == packed
    assert pail("cp", "--decompress", f"{bucket}/z", "-").raw == b"plain" * 1000
    pail("cp", f"{bucket}/z", "stored", cwd=tmp_path)
    pail("cp", "--decompress", f"{bucket}/z", "decoded", cwd=tmp_path)
    assert (tmp_path / "stored").read_bytes() == packed
    assert (tmp_path / "decoded").read_bytes() == b"plain" * 1000


def put_gzip(store: StoreServer, packed: bytes) -> None:
    import json
    import urllib.request

    resource = json.dumps({"name": "z", "contentEncoding": "gzip", "contentType": "text/plain"})
    head = f"--B\r\nContent-Type: application/json\r\n\r\n{resource}\r\n--B\r\nContent-Type: text/plain\r\n\r\n"
    request = urllib.request.Request(
        f"{store.endpoint}/upload/storage/v1/b/bucket/o?uploadType=multipart",
        data=head.encode() + packed + b"\r\n--B--\r\n",
        headers={"Content-Type": "multipart/related; boundary=B"},
    )
    with urllib.request.urlopen(request) as answer:
        answer.read()


@pytest.mark.parametrize("size", [0, 1, 8 << 20, (8 << 20) + 1, 20_000_000])
def test_a_pipe_goes_up_and_comes_down(pail: Pail, bucket: str, size: int) -> None:
    body = random.Random(size).randbytes(size)
    result = pail("--json", "cp", "-", f"{bucket}/piped.txt", stdin=body)
    assert result.records[0] | {"source": "-", "size": size, "state": "done"} == result.records[0]
    assert pail("cp", f"{bucket}/piped.txt", "-").raw == body
    assert pail("--json", "stat", f"{bucket}/piped.txt").records[0]["content_type"] == "text/plain"


def test_a_pipe_survives_lost_answers(home: Path, store_factory: Callable[..., StoreServer]) -> None:
    faults = Faults()
    pail = Pail(home, ("--endpoint", store_factory(faults=faults).endpoint))
    pail("mb", "gs://bucket")
    faults.add(Fault("uploads.put", "status", "after", count=2))
    faults.add(Fault("objects.insert", "status", "after"))
    body = random.Random(3).randbytes(17 << 20)
    pail("cp", "-", "gs://bucket/big", stdin=body)
    pail("cp", "-", "gs://bucket/small", stdin=b"small")
    assert pail("cat", "gs://bucket/big").raw == body
    assert pail("cat", "gs://bucket/small").raw == b"small"
    assert (faults.struck["uploads.put"], faults.struck["objects.insert"]) == (2, 1)
    assert len(pail("--json", "ls", "-r", "gs://bucket").records) == 2


def test_a_pipe_can_be_told_to_leave_what_is_there(pail: Pail, put: Put, bucket: str) -> None:
    put("bucket", "x", b"old")
    assert pail("--json", "cp", "--no-clobber", "-", f"{bucket}/x", stdin=b"new").records[0]["action"] == "skip"
    assert pail("cat", f"{bucket}/x").raw == b"old"
    pail("cp", "-", f"{bucket}/x", stdin=b"new")
    assert pail("cat", f"{bucket}/x").raw == b"new"


def test_what_is_no_ordinary_file_is_named_and_the_rest_arrives(pail: Pail, bucket: str, tmp_path: Path) -> None:
    write_tree(tmp_path / "dir", ["ok"])
    os.mkfifo(tmp_path / "dir" / "fifo")
    (tmp_path / "dir" / "link").symlink_to("/etc/passwd")
    (tmp_path / "dir" / os.fsdecode(b"\xff")).write_bytes(b"1")
    result = pail("--json", "cp", "-r", "dir", f"{bucket}/", code=6, cwd=tmp_path)
    assert [result.records[-1][key] for key in ("upload", "skip", "done", "failed")] == [2, 2, 3, 1]
    assert result.raw.isascii()
    assert listed(pail, bucket) == ["dir/ok"]


def test_rm_deletes_the_exact_name_the_folder_or_the_matches(pail: Pail, put: Put, bucket: str) -> None:
    for name in ("a*", "ab", "ac", "d/1", "d/2", "e"):
        put("bucket", name)
    pail("rm", f"{bucket}/a*")
    assert listed(pail, bucket) == ["ab", "ac", "d/1", "d/2", "e"]
    refused = pail("rm", f"{bucket}/a*", code=2)
    assert "2 objects matching" in refused.err
    assert "--yes" in refused.err
    assert "folder" in pail("rm", f"{bucket}/d", code=2).err
    assert len(listed(pail, bucket)) == 5
    pail("--yes", "rm", f"{bucket}/a*")
    pail("rm", "-r", f"{bucket}/d")
    assert listed(pail, bucket) == ["e"]
    pail("rm", "-r", bucket, code=2)
    pail("rm", "-r", bucket, "--yes")
    assert listed(pail, bucket) == []


def test_rm_of_several_names_the_missing_ones(pail: Pail, put: Put, bucket: str) -> None:
    put("bucket", "a")
    result = pail("rm", f"{bucket}/nope", f"{bucket}/a", code=6)
    assert f"{bucket}/nope" in result.err
    assert listed(pail, bucket) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("cp", "nope", "gs://bucket/"), 1),
        (("cp", "gs://bucket/nope", "x"), 4),
        (("cp", "-r", "gs://bucket/nope/", "x"), 3),
        (("cp", "f", "gs://nope/"), 3),
        (("cp", "f", "g"), 2),
        (("cp", "f"), 2),
        (("cp", "dir", "gs://bucket/"), 2),
        (("cp", "f", "dir/in", "gs://bucket/one"), 2),
        (("cp", "-", "gs://bucket/p/"), 2),
        (("cp", "-", "-"), 2),
        (("cp", "-", "g"), 2),
        (("cp", "-r", "gs://bucket/x", "-"), 2),
        (("cp", "gs://bucket/x", "-", "--json"), 2),
        (("mv", "-", "gs://bucket/x"), 2),
        (("mv", "f", "g"), 2),
        (("mv", "gs://bucket/x", "gs://bucket/x"), 2),
        (("rm", "gs://bucket/nope"), 4),
        (("rm", "f"), 2),
        (("rm", "gs://bucket"), 2),
        (("rm", "gs://bucket/x", "--generation", "1"), 4),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(
    pail: Pail, put: Put, bucket: str, tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    put("bucket", "x", b"1")
    write_tree(tmp_path, ["f", "dir/in"])
    result = pail(*words, code=code, cwd=tmp_path)
    errors = result.err.splitlines()
    assert errors[0].startswith(("pail: ", '{"kind":"error"'))
    assert len(errors) == (1 if "--json" in words else 2)
    if code != 2:
        assert listed(pail, bucket) == ["x"]


def test_an_interrupted_copy_ends_with_130_and_says_how_to_go_on(pail: Pail, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(64 << 20))
    process = subprocess.Popen(
        pail.command("cp", "--bandwidth", "1M", "big", f"{bucket}/big"),
        env=pail.environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    journals = pail.home / "state" / "pail" / "journals"
    wait_for(lambda: journals.is_dir() and any(journals.iterdir()))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.splitlines()[-2] == "pail: interrupted"
    assert "pail transfers" in errors.splitlines()[-1]
    assert listed(pail, bucket) == []


def test_an_interruption_does_not_wait_for_a_silent_pipe(pail: Pail, bucket: str) -> None:
    process = subprocess.Popen(
        pail.command("cp", "-", f"{bucket}/x"), env=pail.environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(b"begun")
    process.stdin.flush()
    pipe = process.stdin.fileno()
    wait_for(lambda: int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder) == 0)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    process.stdin.close()
    assert process.stderr is not None
    process.stderr.close()
    assert listed(pail, bucket) == []


def test_state_is_private_whatever_the_umask_is(pail: Pail, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1")
    line = " ".join(pail.command("cp", "f", f"{bucket}/f"))
    subprocess.run(
        ["sh", "-c", f"umask 000; {line}"], env=pail.environment, cwd=tmp_path, check=True, capture_output=True
    )
    state = pail.home / "state" / "pail"
    for path in (state, *state.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_hazard_53_a_second_interruption_ends_a_copy_at_once_and_nothing_is_lost(
    pail: Pail, bucket: str, tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(random.Random(53).randbytes(12 << 20))
    words = ("cp", "--bandwidth", "3M", "big", f"{bucket}/big")
    process = subprocess.Popen(
        pail.command(*words), env=pail.environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    journals = pail.home / "state" / "pail" / "journals"
    wait_for(lambda: any(_sessions(path) for path in journals.glob("run-*.db")))
    (journal,) = journals.glob("run-*.db")
    with contextlib.closing(sqlite3.connect(journal, isolation_level=None)) as db:
        # What the first signal asks for is written down: that has to wait, and so the end in order does.
        db.execute("BEGIN IMMEDIATE")
        wait_for(lambda: process.poll() is not None or process.send_signal(signal.SIGINT))
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "interrupted" not in errors  # which the end in order says
    assert listed(pail, bucket) == []
    pail(*words, cwd=tmp_path)
    assert pail("cp", f"{bucket}/big", "-").raw == (tmp_path / "big").read_bytes()
    assert list(journals.glob("run-*.db")) == []  # the second command took over what the first one had begun


def _sessions(journal: Path) -> int:
    """Return how many uploads of a journal have begun to send."""
    with (
        contextlib.suppress(sqlite3.OperationalError),  # its tables are not made yet
        contextlib.closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db,
    ):
        return int(db.execute("SELECT count(*) FROM transfers WHERE session <> ''").fetchone()[0])
    return 0
