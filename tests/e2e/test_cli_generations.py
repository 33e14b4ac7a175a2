"""What was deleted, and older versions, with the real command: `versions restore`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from tests.e2e import hostile
from tests.e2e.conftest import Pail

Put = Callable[..., None]


def test_versions_are_live_noncurrent_and_deleted(pail: Pail, put: Put) -> None:
    put("bucket")
    for body in (b"1", b"22"):
        put("bucket", "a", body)
    put("bucket", "a-other", b"1")
    pail("settings", "gs://bucket", "versioning=on")
    put("bucket", "a", b"333")
    records = pail("--json", "versions", "gs://bucket/a").records
    assert [(r["state"], r["size"]) for r in records] == [("live", 3), ("noncurrent", 2), ("soft-deleted", 1)]
    assert {r["name"] for r in records} == {"a"}
    assert records[2]["restorable_until"] > records[2]["deleted"]
    assert (records[0]["deleted"], records[0]["restorable_until"]) == (None, None)
    lines = pail("versions", "gs://bucket/a").lines
    assert [line.split()[0] for line in lines] == [r["generation"] for r in records]
    assert len(pail("versions", "gs://bucket").lines) == 4
    assert len(pail("versions", "gs://bucket/a*").lines) == 4
    pail("versions", "gs://bucket/a*", "--literal", code=4)
    pail("versions", "gs://bucket/none/", code=3)


def test_an_object_that_was_deleted_comes_back(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "d/x", b"12345")
    assert "is not deleted" in pail("restore", "gs://bucket/d/x", code=2).err
    pail("rm", "gs://bucket/d/x")
    planned = pail("--json", "restore", "--dry-run", "gs://bucket/d/x").records
    assert [r.get("state") for r in planned] == ["planned", None]
    pail("cat", "gs://bucket/d/x", code=4)
    item, summary = pail("--json", "restore", "gs://bucket/d/x").records
    assert (item["kind"], item["action"], item["state"], item["size"]) == ("item", "restore", "done", 5)
    assert item["source"] == item["target"] == "gs://bucket/d/x"
    assert item["generation"] == pail("--json", "stat", "gs://bucket/d/x").records[0]["generation"]
    assert (summary["kind"], summary["restore"], summary["done"]) == ("summary", 1, 1)
    assert pail("cat", "gs://bucket/d/x").raw == b"12345"
    pail("restore", "gs://bucket/d/none", code=4)
    pail("restore", "gs://bucket/d/", code=2)
    pail("restore", "-r", "gs://bucket/none/", code=3)


def test_an_older_version_replaces_the_live_one(pail: Pail, put: Put) -> None:
    put("bucket")
    pail("settings", "gs://bucket", "versioning=on", "soft-delete=off")
    for body in (b"old", b"new!"):
        put("bucket", "a", body)
    live, older = (r["generation"] for r in pail("--json", "versions", "gs://bucket/a").records)
    pail("restore", "gs://bucket/a", "--generation", live, code=2)
    pail("restore", "gs://bucket/a", "--generation", "17", code=4)
    pail("restore", "gs://bucket/a", "--generation", older)
    assert pail("cat", "gs://bucket/a").raw == b"old"
    assert len(pail("versions", "gs://bucket/a").lines) == 3, "what was live stays as a version"


def test_a_folder_and_a_glob_come_back_with_every_name(pail: Pail, put: Put) -> None:
    put("bucket")
    for name in hostile.ALL:
        put("bucket", name, name.encode())
    put("bucket", "logs/a.csv", b"a")
    put("bucket", "logs/b.txt", b"b")
    before = pail("ls", "-r", "gs://bucket").raw
    pail("--yes", "rm", "-r", "gs://bucket")
    pail("restore", "gs://bucket/logs/*.csv")
    assert pail("ls", "-r", "gs://bucket").lines == ["gs://bucket/logs/a.csv"]
    records = pail("--json", "restore", "-r", "gs://bucket").records
    assert records[-1]["done"] == len(hostile.ALL) + 1
    assert pail("ls", "-r", "gs://bucket").raw == before


def test_somebody_elses_object_is_not_replaced(home: Path, store_factory: Callable[..., StoreServer]) -> None:
    faults = Faults()
    pail = Pail(home, ("--endpoint", store_factory(faults=faults).endpoint))
    pail("mb", "gs://bucket")
    for name in ("a", "b"):
        pail("cp", "-", f"gs://bucket/{name}", stdin=b"mine")
    pail("--yes", "rm", "-r", "gs://bucket")
    faults.add(Fault("objects.restore", "status", status=412, count=None))
    assert "changed" in pail("restore", "gs://bucket/a", code=8).err
    faults.clear()
    faults.add(Fault("objects.restore", "status", status=403))
    failed = pail("--json", "restore", "-r", "gs://bucket", code=6)
    assert [r.get("state") for r in failed.records[:-1]].count("failed") == 1
    # The answer is lost, but the object is back: it is read back, and nothing is done twice.
    pail("rm", "-r", "gs://bucket/", "--yes")
    faults.add(Fault("objects.restore", "reset", stage="after"))
    pail("restore", "gs://bucket/a")
    assert pail("cat", "gs://bucket/a").raw == b"mine"


def test_an_object_and_the_folder_of_its_name_come_back_together(pail: Pail, put: Put) -> None:
    put("bucket")
    for name in ("a", "a/1", "a/2"):
        put("bucket", name, b"1")
    pail("rm", "-r", "gs://bucket/a/")
    assert pail("--json", "restore", "-r", "gs://bucket/a").records[-1]["done"] == 2, "a itself is not deleted"
    pail("--yes", "rm", "-r", "gs://bucket")
    assert pail("--json", "restore", "-r", "gs://bucket/a").records[-1]["done"] == 3


def test_a_listing_that_fails_half_way_is_told_and_what_was_begun_is_ended(
    home: Path, store_factory: Callable[..., StoreServer]
) -> None:
    faults = Faults()
    pail = Pail(home, ("--endpoint", store_factory(faults=faults).endpoint))
    pail("mb", "gs://bucket")
    pail("cp", "-", "gs://bucket/d/a", stdin=b"mine")
    pail("rm", "gs://bucket/d/a")
    faults.add(Fault("objects.list", "status", status=403, count=None))
    refused = pail("restore", "-r", "gs://bucket/d/", code=7)
    assert "cannot list gs://bucket/d/" in refused.err


def test_restoring_what_is_not_allowed_says_so(home: Path, store_factory: Callable[..., StoreServer]) -> None:
    faults = Faults()
    pail = Pail(home, ("--endpoint", store_factory(faults=faults).endpoint))
    pail("mb", "gs://bucket")
    pail("cp", "-", "gs://bucket/a", stdin=b"mine")
    pail("rm", "gs://bucket/a")
    faults.add(Fault("buckets.get", "status", status=403, count=None))
    [record] = pail("--json", "versions", "gs://bucket/a").records
    assert (record["state"], record["restorable_until"]) == ("soft-deleted", None), "settings need not be readable"
    faults.add(Fault("objects.restore", "status", status=403, count=None))
    pail("restore", "gs://bucket/a", code=7)
