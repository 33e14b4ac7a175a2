"""The workspace's buckets with the real command: `attach detach select buckets`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from tests.e2e.conftest import Pail

Put = Callable[..., None]


def test_a_bucket_is_attached_selected_and_detached(pail: Pail, put: Put) -> None:
    put("one-1")
    put("two-2")
    put("two-2", "x", b"12")
    assert "Attached gs://two-2 to your buckets: read/write" in pail("attach", "gs://two-2", "--alias", "Zwei").err
    assert "Selected gs://one-1" in pail("select", "gs://one-1").err
    records = pail("--json", "buckets").records
    assert [(r["name"], r["alias"], r["attached"], r["current"]) for r in records] == [
        ("two-2", "Zwei", True, False),
        ("one-1", "", False, True),
    ]
    detached = pail("detach", "gs://two-2")
    assert "its data stays" in detached.err
    assert "was not attached" in pail("detach", "gs://two-2").err
    assert pail("cat", "gs://two-2/x").raw == b"12", "no data is touched"
    assert [r["attached"] for r in pail("--json", "buckets").records] == [False, False]


def test_a_project_keeps_its_buckets_in_its_own_file(pail: Pail, put: Put, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    file = project / "pail.toml"
    file.write_text("# mine\n")
    put("one-1")
    [record] = pail("--json", "attach", "gs://one-1", "--workspace", str(project)).records
    assert (record["attached"], record["current"], record["access"]) == (True, True, "read/write")
    assert file.read_text().startswith("# mine\n")
    assert 'name = "one-1"' in file.read_text()
    assert pail("--json", "buckets", cwd=project).records[0]["current"] is True
    assert pail("--json", "buckets").records[0]["attached"] is False, "elsewhere it is not attached"


def test_a_bucket_that_is_not_there_is_not_attached(pail: Pail) -> None:
    assert "no bucket gs://typo-1" in pail("attach", "gs://typo-1", code=3).err
    pail("select", "gs://typo-1", code=3)
    pail("attach", "gs://b/x", code=2)
    assert pail("buckets").lines == []


def test_a_bucket_that_must_not_be_listed_is_not_attached(
    home: Path, store_factory: Callable[..., StoreServer]
) -> None:
    faults = Faults()
    pail = Pail(home, ("--endpoint", store_factory(faults=faults).endpoint))
    pail("mb", "gs://one-1")
    for operation in ("buckets.test_iam_permissions", "objects.list", "buckets.list"):
        faults.add(Fault(operation, "status", status=403, count=None))
    refused = pail("attach", "gs://one-1", code=7)
    assert "cannot open gs://one-1" in refused.err
    pail("buckets", code=7)
    faults.clear()
    faults.add(Fault("buckets.list", "status", status=403, count=None))
    pail("attach", "gs://one-1")
    listed = pail("buckets")
    assert listed.lines == ["gs://one-1"]
    assert "cannot be listed" in listed.err


def test_deleted_buckets_are_listed_and_restored(pail: Pail, put: Put) -> None:
    put("one-1")
    put("one-1", "x", b"12")
    pail("--yes", "rb", "--all", "gs://one-1")
    [record] = pail("--json", "buckets", "--deleted").records
    assert record["name"] == "one-1"
    assert record["restorable_until"].endswith("Z")
    pail("restore", "--dry-run", "gs://one-1")
    assert pail("buckets").lines == []
    assert "Restored gs://one-1" in pail("restore", "gs://one-1").err
    assert pail("buckets").lines == ["gs://one-1"]
    assert "pail restore -r" in pail("restore", "gs://one-1", code=3).err
    pail("restore", "-r", "gs://one-1")
    assert pail("cat", "gs://one-1/x").raw == b"12"
