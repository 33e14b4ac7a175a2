"""Looking at buckets and objects with the real command: `buckets mb rb ls stat cat`."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from tests.e2e import hostile
from tests.e2e.conftest import Pail

Put = Callable[..., None]


def test_a_bucket_is_made_listed_and_deleted(pail: Pail) -> None:
    assert "Created gs://one-two" in pail("mb", "gs://one-two").err
    assert pail("buckets").lines == ["gs://one-two"]
    assert pail("ls").lines == ["gs://one-two"]
    [record] = pail("buckets", "--json").records
    assert record == {
        "kind": "bucket",
        "url": "gs://one-two",
        "name": "one-two",
        "alias": "",
        "current": False,
        "attached": False,
        "access": "read/write",
    }
    assert pail("rb", "gs://one-two").out == ""
    assert pail("buckets").lines == []


def test_settings_of_a_new_bucket_are_what_was_asked_for(pail: Pail) -> None:
    pail("mb", "gs://one-two", "--location", "europe-west1", "--class", "nearline", "--hns")
    [record] = pail("--json", "stat", "gs://one-two").records
    assert (record["location"], record["storage_class"], record["hierarchical_namespace"]) == (
        "EUROPE-WEST1",
        "NEARLINE",
        True,
    )
    assert record["uniform_access"] is True


def test_a_bucket_with_something_in_it_stays_without_all(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "x", b"1")
    result = pail("rb", "gs://bucket", code=1)
    assert "not empty" in result.err
    assert "rb --all" in result.err
    refused = pail("rb", "--all", "gs://bucket", code=2)
    assert "--yes" in refused.err
    assert pail("cat", "gs://bucket/x").raw == b"1"
    assert pail("--yes", "rb", "--all", "gs://bucket").code == 0
    pail("ls", "gs://bucket", code=3)


@pytest.mark.parametrize(
    "settings", [{"versioning": {"enabled": True}}, {"softDeletePolicy": {"retentionDurationSeconds": 0}}]
)
def test_rb_all_takes_older_generations_along(pail: Pail, put: Put, settings: dict[str, object]) -> None:
    put("bucket")
    change = json.dumps(settings).encode()
    url = f"{pail.connection[1]}/storage/v1/b/bucket"
    request = urllib.request.Request(url, change, {"Content-Type": "application/json"}, method="PATCH")
    with urllib.request.urlopen(request) as answer:
        answer.read()
    for number in range(130):
        put("bucket", f"{number % 120}", b"12345")
    expected = 130 if "versioning" in settings else 120
    assert f"Deleted {expected} objects" in pail("--yes", "rb", "--all", "gs://bucket").err
    assert pail("buckets").lines == []


def test_rb_all_takes_real_folders_along(pail: Pail, tmp_path: Path) -> None:
    (tmp_path / "dir" / "sub").mkdir(parents=True)
    (tmp_path / "dir" / "sub" / "f").write_bytes(b"1")
    pail("mb", "gs://real-folders", "--hns")
    pail("cp", "-r", str(tmp_path / "dir"), "gs://real-folders/")
    pail("--yes", "rb", "--all", "gs://real-folders")
    assert pail("buckets").lines == []


def test_ls_shows_a_folder_at_a_time(pail: Pail, put: Put) -> None:
    put("bucket")
    for name in ("a", "a/b", "d/1", "d/e/2", "d-x", "z"):
        put("bucket", name, b"12345")
    assert pail("ls", "gs://bucket").lines == [f"gs://bucket/{name}" for name in ("a", "a/", "d-x", "d/", "z")]
    assert pail("ls", "gs://bucket/d").lines == ["gs://bucket/d/1", "gs://bucket/d/e/"]
    assert pail("ls", "gs://bucket/d/").lines == ["gs://bucket/d/1", "gs://bucket/d/e/"]
    assert pail("ls", "gs://bucket/a").lines == ["gs://bucket/a"]
    assert pail("ls", "gs://bucket/a/").lines == ["gs://bucket/a/b"]
    assert pail("ls", "-r", "gs://bucket/d").lines == ["gs://bucket/d/1", "gs://bucket/d/e/2"]
    assert len(pail("ls", "-r", "gs://bucket").lines) == 6


def test_ls_l_tells_size_time_and_class(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "x", b"12345")
    result = pail("ls", "-l", "gs://bucket")
    size, time, storage_class, url = result.lines[0].split()
    assert (size, storage_class, url) == ("5", "STANDARD", "gs://bucket/x")
    assert time.endswith("Z")
    assert "1 object, 5 B" in result.err


def test_globs_come_after_exact_names(pail: Pail, put: Put) -> None:
    put("bucket")
    for name in ("a*", "ab", "ac", "d/ab", "d/x/ab", "e/ab"):
        put("bucket", name)
    assert pail("ls", "gs://bucket/a*").lines == ["gs://bucket/a*"]
    assert pail("ls", "gs://bucket/a?").lines == [f"gs://bucket/{name}" for name in ("a*", "ab", "ac")]
    assert pail("ls", "gs://bucket/[bc]*", code=4).out == ""
    assert pail("ls", "gs://bucket/**ab").lines == [f"gs://bucket/{name}" for name in ("ab", "d/ab", "d/x/ab", "e/ab")]
    assert pail("ls", "gs://bucket/*/ab").lines == ["gs://bucket/d/ab", "gs://bucket/e/ab"]
    assert pail("ls", "gs://bucket/[de]").lines == ["gs://bucket/d/ab", "gs://bucket/d/x/", "gs://bucket/e/ab"]
    assert pail("ls", "gs://bucket/d*/x*/").lines == ["gs://bucket/d/x/ab"]
    pail("ls", "--literal", "gs://bucket/a?", code=4)


def test_hostile_names_are_raw_in_a_pipe_and_valid_in_json(pail: Pail, put: Put) -> None:
    put("bucket")
    for name in hostile.ALL:
        put("bucket", name, name.encode())
    expected = sorted(hostile.ALL, key=str.encode)
    assert pail("ls", "-r", "gs://bucket").raw == "".join(f"gs://bucket/{name}\n" for name in expected).encode()
    result = pail("--json", "ls", "-r", "gs://bucket")
    assert [record["name"] for record in result.records] == expected
    assert result.raw.isascii()
    assert not any(byte < 32 and byte != 10 for byte in result.raw)
    urls = [f"gs://bucket/{name}" for name in hostile.ALL]
    assert pail("cat", "--literal", *urls).raw == "".join(hostile.ALL).encode()


def test_records_have_the_promised_fields(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "d/x", b"hello")
    [prefix] = pail("--json", "ls", "gs://bucket").records
    assert prefix == {"kind": "prefix", "url": "gs://bucket/d/", "name": "d/"}
    [listed] = pail("--json", "ls", "gs://bucket/d/").records
    [stated] = pail("--json", "stat", "gs://bucket/d/x").records
    for record in (listed, stated):
        assert record["kind"] == "object"
        assert (record["url"], record["name"], record["size"]) == ("gs://bucket/d/x", "d/x", 5)
        assert isinstance(record["generation"], str)
        assert record["metageneration"] == "1"
        assert record["crc32c"] == "mnG7TA=="
        assert record["content_type"] == "text/plain"
        assert record["storage_class"] == "STANDARD"
        assert record["updated"].endswith("Z")
    assert stated["md5"] == "XUFAKrxLKna5cZ2REBfFkg=="
    assert pail("--json", "stat", "gs://bucket/d").records[0]["kind"] == "prefix"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("0-0", b"0"), ("2-4", b"234"), ("5-", b"56789"), ("-3", b"789"), ("-99", b"0123456789"), ("8-99", b"89")],
)
def test_cat_prints_ranges(pail: Pail, put: Put, asked: str, expected: bytes) -> None:
    put("bucket")
    put("bucket", "x", b"0123456789")
    assert pail("cat", "gs://bucket/x", "--range", asked).raw == expected


def test_cat_prints_several_in_order_and_exactly_one_generation(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "b", b"B\n")
    put("bucket", "a", b"\xff\x00A")
    assert pail("cat", "gs://bucket/b", "gs://bucket/a").raw == b"B\n\xff\x00A"
    assert pail("cat", "gs://bucket/*").raw == b"\xff\x00AB\n"
    generation = pail("--json", "stat", "gs://bucket/a").records[0]["generation"]
    assert pail("cat", "gs://bucket/a", "--generation", generation).raw == b"\xff\x00A"
    pail("cat", "gs://bucket/a", "--generation", "1", code=4)
    assert "exactly one" in pail("cat", "gs://bucket/a", "gs://bucket/b", "--generation", "1", code=2).err


def test_of_several_that_are_looked_for_the_missing_ones_are_named(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "x", b"1")
    result = pail("cat", "gs://bucket/nope", "gs://bucket/x", code=6)
    assert result.raw == b"1"
    assert "gs://bucket/nope" in result.err
    assert pail("cat", "gs://bucket/no", "gs://bucket/nope", code=4).raw == b""


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("ls", "gs://nope"), 3, "bucket-not-found"),
        (("ls", "gs://bucket/nope/"), 3, "bucket-not-found"),
        (("ls", "gs://bucket/nope"), 4, "object-not-found"),
        (("ls", "bucket"), 2, "usage"),
        (("cat", "gs://bucket/nope"), 4, "object-not-found"),
        (("cat", "gs://nope/nope"), 3, "bucket-not-found"),
        (("cat", "gs://bucket"), 2, "usage"),
        (("cat", "gs://bucket/x", "--range", "99-"), 1, "bad-range"),
        (("stat", "gs://bucket/nope"), 4, "object-not-found"),
        (("stat", "gs://bucket/nope/"), 3, "bucket-not-found"),
        (("stat", "gs://nope"), 3, "bucket-not-found"),
        (("stat", "gs://"), 2, "usage"),
        (("cat", "gs://bucket/\udcff"), 2, "usage"),
        (("mb", "gs://bucket"), 1, "conflict"),
        (("mb", "gs://UPPER"), 2, "usage"),
        (("mb", "gs://bucket/x"), 2, "usage"),
        (("mb", "/tmp"), 2, "usage"),
        (("rb", "gs://nope"), 3, "bucket-not-found"),
        (("rb", "gs://bucket"), 1, "conflict"),
        (("nope",), 2, "usage"),
        (("ls", "--nope"), 2, "usage"),
        (("cat",), 2, "usage"),
    ],
)
def test_each_failure_has_its_exit_code_and_a_record(
    pail: Pail, put: Put, words: tuple[str, ...], code: int, reason: str
) -> None:
    put("bucket")
    put("bucket", "x", b"1")
    [record] = [json.loads(line) for line in pail("--json", *words, code=code).err.splitlines()]
    assert (record["kind"], record["code"], record["reason"]) == ("error", code, reason)
    assert record["error"]
    assert record["remedy"]
    assert "url" in record


@pytest.mark.parametrize("words", [("ls", "gs://nope"), ("cat", "gs://nope/x"), ("nope",), ("ls", "--nope")])
def test_a_person_reads_what_failed_and_what_to_do(pail: Pail, words: tuple[str, ...]) -> None:
    first, second = pail(*words, code=None).err.splitlines()
    assert first.startswith("pail: ")
    assert second


def test_nobody_listening_is_a_passing_fault(home: Path) -> None:
    pail = Pail(home, ("--endpoint", "http://127.0.0.1:9"))
    assert "pail: " in pail("ls", "gs://bucket", code=5).err


def test_wrong_bytes_end_cat_with_an_error_after_they_are_out(
    home: Path, store_factory: Callable[..., StoreServer]
) -> None:
    faults = Faults()
    pail = Pail(home, ("--endpoint", store_factory(faults=faults).endpoint))
    put_bytes(pail, b"0123456789" * 100)
    faults.add(Fault("objects.get_media", "corrupt", "response", at=500, count=None))
    result = pail("cat", "gs://bucket/x", code=1)
    assert len(result.raw) == 1000
    assert "CRC32C" in result.err
    assert pail("cat", "gs://bucket/x", "--range", "0-9").raw == b"0123456789"


def test_a_broken_connection_is_taken_up_where_it_broke(home: Path, store_factory: Callable[..., StoreServer]) -> None:
    faults = Faults()
    pail = Pail(home, ("--endpoint", store_factory(faults=faults).endpoint))
    body = os.urandom(3 << 20)
    put_bytes(pail, body)
    faults.add(Fault("objects.get_media", "reset", "response", at=1 << 20, count=2))
    assert pail("cat", "gs://bucket/x").raw == body
    assert faults.struck["objects.get_media"] == 2


def put_bytes(pail: Pail, body: bytes) -> None:
    """Put `gs://bucket/x` into the store that `pail` uses."""
    pail("mb", "gs://bucket")
    url = f"{pail.connection[1]}/upload/storage/v1/b/bucket/o?uploadType=media&name=x"
    with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST")) as answer:
        answer.read()


def test_a_closed_pipe_ends_a_command_quietly(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "big", bytes(4 << 20))
    process = subprocess.Popen(
        pail.command("cat", "gs://bucket/big"), env=pail.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 0


def test_a_full_disk_behind_standard_output_is_an_error(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "x", b"1")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            pail.command("cat", "gs://bucket/x"), env=pail.environment, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"cannot write the output: No space left" in done.stderr


def test_closed_standard_streams_do_no_harm(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "x", b"1")
    line = " ".join(pail.command("ls", "gs://bucket"))
    done = subprocess.run(["sh", "-c", f"{line} <&- >&- 2>&-"], env=pail.environment, check=False, cwd=pail.home)
    assert done.returncode == 0


def test_names_beyond_ascii_reach_a_pipe_also_in_the_c_locale(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "ünï", b"1")
    env = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert pail("ls", "gs://bucket", env=env).raw == "gs://bucket/ünï\n".encode()
    assert "\\xfc" in pail("cat", "gs://bucket/ü", env=env, code=4).err


def test_listing_by_pages_names_every_object_once(pail: Pail, put: Put) -> None:
    put("bucket")
    names = [f"d{number // 500}/{number:05}" for number in range(1100)]
    for name in names:
        put("bucket", name)
    assert [record["name"] for record in pail("--json", "ls", "-r", "gs://bucket").records] == names
    assert pail("ls", "gs://bucket").lines == ["gs://bucket/d0/", "gs://bucket/d1/", "gs://bucket/d2/"]


@pytest.mark.parametrize("words", [("--version",), ("-V",), ("--help",), ("ls", "--help"), ("ls", "-V")])
def test_version_and_help_load_neither_textual_nor_google_nor_asyncio(pail: Pail, words: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom app.__main__ import main\nresult = main()\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "heavy = loaded & {'textual', 'google', 'google_crc32c', 'asyncio', 'rich', 'requests', 'sqlite3'}\n"
        "sys.exit(f'loaded {heavy}' if heavy else result)"
    )
    command = [pail.command()[0], "-c", code, *words]
    done = subprocess.run(command, env=pail.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_store_serve_prints_its_endpoint_first_and_stops_when_told(pail: Pail, tmp_path: Path) -> None:
    process = subprocess.Popen(
        pail.command("store", "serve", "--dir", str(tmp_path / "served"), "--open", connected=False),
        env=pail.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    endpoint = process.stdout.readline().strip()
    try:
        assert endpoint.startswith("http://127.0.0.1:")
        pail("--endpoint", endpoint, "mb", "gs://served", connected=False)
        assert pail("ls", "--endpoint", endpoint, connected=False).lines == ["gs://served"]
        busy = pail("store", "serve", "--dir", str(tmp_path / "served"), connected=False, code=None)
        assert busy.code != 0
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert (tmp_path / "served").stat().st_mode & 0o777 == 0o700


def test_a_bucket_that_cannot_be_emptied_says_which_objects_stay(
    store_factory: Callable[..., StoreServer], home: Path
) -> None:
    faults = Faults()
    server = store_factory(faults=faults)
    pail = Pail(home, ("--endpoint", server.endpoint))
    pail("mb", "gs://bucket")
    pail("cp", "-", "gs://bucket/a", stdin=b"x")
    faults.add(Fault("batch", "status", status=403, count=None))
    result = pail("--yes", "rb", "--all", "gs://bucket", code=6)
    assert "internal error" not in result.err
    assert result.err.startswith("Failed gs://bucket/a#")
    faults.clear()
    pail("--yes", "rb", "--all", "gs://bucket")
    assert pail("ls").lines == []


def test_a_damaged_listing_is_asked_for_again(store_factory: Callable[..., StoreServer], home: Path) -> None:
    faults = Faults()
    server = store_factory(faults=faults)
    pail = Pail(home, ("--endpoint", server.endpoint))
    pail("mb", "gs://bucket")
    pail("cp", "-", "gs://bucket/a", stdin=b"x")
    faults.add(Fault("objects.list", "truncate", "response", at=20, count=2))
    assert pail("ls", "gs://bucket").lines == ["gs://bucket/a"]
    faults.add(Fault("objects.list", "truncate", "response", at=20, count=None))
    assert "not what a storage server sends" in pail("ls", "gs://bucket", code=5).err
