"""Settings, access and usage of a bucket with the real command: `settings access usage`."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from tests.e2e.conftest import Pail

Put = Callable[..., None]


def faulty(home: Path, store_factory: Callable[..., StoreServer], *faults: Fault) -> tuple[Pail, Faults, StoreServer]:
    planted = Faults(*faults)
    server = store_factory(faults=planted)
    pail = Pail(home, ("--endpoint", server.endpoint))
    pail("mb", "gs://bucket")
    return pail, planted, server


def ask(server: StoreServer, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[bytes, str]:
    made = urllib.request.Request(server.endpoint + path, data=body, method=method, headers=headers)
    with urllib.request.urlopen(made) as answer:
        return answer.read(), answer.headers.get("ETag", "")


def test_settings_are_shown_in_words_and_as_records(pail: Pail, put: Put) -> None:
    put("bucket")
    text = pail("settings", "gs://bucket").out
    assert "Soft delete" in text
    assert "7 days" in text
    [record] = pail("--json", "settings", "gs://bucket").records
    assert (record["kind"], record["url"], record["location"]) == ("settings", "gs://bucket", "US")
    assert record["settings"]["soft-delete"] == {"value": "7d", "words": "7 days"}
    pail("settings", "gs://none-1", code=3)
    pail("settings", "gs://bucket/x", code=2)


def test_only_what_is_named_changes(pail: Pail, put: Put) -> None:
    put("bucket")
    changed = pail(
        "settings",
        "gs://bucket",
        "soft-delete=30d",
        "labels=+team=media",
        "lifecycle=+delete after 90 days (logs/)",
        "lifecycle=+to Nearline after 30 days",
    )
    assert "Soft delete: 30 days" in changed.err
    before = pail("--json", "settings", "gs://bucket").records[0]["settings"]
    assert before["labels"]["words"] == "team=media"
    assert before["lifecycle"]["words"] == "delete after 90 days (logs/); to Nearline after 30 days"
    [after] = pail("--json", "settings", "gs://bucket", "labels=-team", "lifecycle=-1").records
    assert after["settings"]["labels"]["words"] == "none"
    assert after["settings"]["lifecycle"]["words"] == "to Nearline after 30 days"
    assert after["settings"]["soft-delete"]["words"] == "30 days"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("soft-delete=1d", "7 to 90 days"),
        ("colour=red", "no setting 'colour'"),
        ("versioning", "no value"),
        ("lifecycle=+explode", "not a lifecycle rule"),
        ("cors=[", "not JSON"),
    ],
)
def test_a_wrong_change_is_refused_with_what_to_write(pail: Pail, put: Put, change: str, why: str) -> None:
    put("bucket")
    refused = pail("settings", "gs://bucket", "versioning=on", change, code=2)
    assert why in refused.err
    assert len(refused.err.strip().splitlines()) == 2, "an error is two lines"
    assert pail("--json", "settings", "gs://bucket").records[0]["settings"]["versioning"]["value"] == "off"


def test_settings_that_somebody_else_changed_meanwhile_stay(
    home: Path, store_factory: Callable[..., StoreServer]
) -> None:
    slow = Fault("buckets.patch", "latency", seconds=2.0)
    pail, faults, server = faulty(home, store_factory, slow)
    running = subprocess.Popen(
        pail.command("settings", "gs://bucket", "versioning=on"),
        env=pail.environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not faults.calls["buckets.patch"] and time.monotonic() < deadline:
        time.sleep(0.01)
    ask(server, "PATCH", "/storage/v1/b/bucket", b'{"labels": {"a": "b"}}', **{"Content-Type": "application/json"})
    _, err = running.communicate(timeout=30)
    assert running.returncode == 8, err
    assert pail("--json", "settings", "gs://bucket").records[0]["settings"]["versioning"]["value"] == "off"


def test_a_change_whose_answer_was_lost_is_read_back(home: Path, store_factory: Callable[..., StoreServer]) -> None:
    pail, faults, _ = faulty(home, store_factory, Fault("buckets.patch", "reset", stage="after"))
    assert "Versioning: on" in pail("settings", "gs://bucket", "versioning=on").err
    faults.add(Fault("buckets.patch", "reset"))
    pail("settings", "gs://bucket", "versioning=off", code=5)
    faults.add(Fault("buckets.set_iam_policy", "reset", stage="after"))
    assert "Ada" in pail("access", "gs://bucket", "grant", "ada@example.com", "viewer").err.title()
    assert faults.calls["buckets.set_iam_policy"] == 1


def test_access_is_granted_shown_and_revoked(pail: Pail, put: Put) -> None:
    put("bucket")
    assert "You may read objects" in pail("access", "gs://bucket").err
    pail("access", "gs://bucket", "grant", "ada@example.com", "viewer")
    assert "already" in pail("access", "gs://bucket", "grant", "Ada@example.com", "roles/storage.objectViewer").err
    assert any(line.startswith("ada@example.com") and "Viewer" in line for line in pail("access", "gs://bucket").lines)
    records = pail("--json", "access", "gs://bucket").records
    assert records[0]["kind"] == "permissions"
    assert "storage.objects.get" in records[0]["allowed"]
    [ada] = [r for r in records if r.get("member") == "user:ada@example.com"]
    assert (ada["kind"], ada["role"], ada["public"]) == ("access", "roles/storage.objectViewer", False)
    assert "no longer Viewer" in pail("access", "gs://bucket", "revoke", "ada@example.com", "viewer").err
    assert "not Viewer here" in pail("access", "gs://bucket", "revoke", "ada@example.com", "viewer").err
    for words in (["grant", "nobody", "viewer"], ["grant", "a@example.com", "king"], ["grant", "a@example.com"], ["x"]):
        pail("access", "gs://bucket", *words, code=2)


def test_public_access_is_asked_for(pail: Pail, put: Put) -> None:
    put("bucket")
    refused = pail("access", "gs://bucket", "grant", "allUsers", "viewer", code=2)
    assert "Everyone on the internet will be able to read every object" in refused.err
    assert "--yes" in refused.err
    pail("--yes", "access", "gs://bucket", "grant", "allUsers", "viewer")
    assert any("PUBLIC" in line for line in pail("access", "gs://bucket").lines)


def test_a_policy_that_somebody_else_changed_is_not_overwritten(
    home: Path, store_factory: Callable[..., StoreServer]
) -> None:
    pail, faults, _ = faulty(home, store_factory, Fault("buckets.set_iam_policy", "status", status=412))
    pail("access", "gs://bucket", "grant", "ada@example.com", "viewer", code=8)
    assert not [r for r in pail("--json", "access", "gs://bucket").records if r.get("member") == "user:ada@example.com"]
    faults.add(Fault("buckets.get_iam_policy", "status", status=403, count=None))
    refused = pail("access", "gs://bucket", code=7)
    assert "You may" in refused.err, "what these credentials may do is said all the same"


def test_usage_counts_what_is_hidden_and_what_it_costs(pail: Pail, put: Put, store: StoreServer) -> None:
    put("bucket")
    put("bucket", "logs/a", b"1" * 1000, "text/plain; charset=utf-8")
    put("bucket", "logs/a", b"1" * 500)
    put("bucket", "b", b"1" * 300, "image/png")
    pail("settings", "gs://bucket", "lifecycle=+delete after 0 days (logs/)")
    begun, _ = ask(store, "POST", "/bucket/up%01load%3Fx?uploads", b"")
    key = begun.partition(b"<UploadId>")[2].partition(b"</UploadId>")[0].decode()
    ask(store, "PUT", f"/bucket/up%01load%3Fx?partNumber=1&uploadId={key}", b"1" * 700)
    [record] = pail("--json", "usage", "gs://bucket").records
    assert (record["kind"], record["objects"], record["size"]) == ("usage", 2, 800)
    assert record["classes"]["soft-deleted"] == {"STANDARD": {"objects": 1, "size": 1000}}
    assert (record["unfinished_uploads"]["uploads"], record["unfinished_uploads"]["size"]) == (1, 700)
    [rule] = record["lifecycle"]
    assert (rule["rule"], rule["objects"], rule["size"]) == ("delete after 0 days (logs/)", 1, 500)
    assert record["monthly_cost"]["amount"] >= record["monthly_cost"]["hidden"] >= 0
    assert record["operations"]["class_a"] >= 2
    assert record["operations"]["class_b"] >= 3
    text = pail("usage", "gs://bucket")
    assert "Unfinished uploads" in text.out
    assert "abort unfinished uploads after 7 days" in text.err
    assert "pail usage gs://bucket --abort-uploads" in text.err
    assert [each["rule"] for each in record["suggested"]] == [
        "to Nearline after 30 days",
        "to Coldline after 90 days",
        "delete older versions after 30 days",
    ]
    pail("usage", "gs://bucket/none/", code=3)


def begin_upload(store: StoreServer, name: str, size: int) -> None:
    """Begin a multipart upload with one part, and leave it."""
    begun, _ = ask(store, "POST", f"/bucket/{name}?uploads", b"")
    key = begun.partition(b"<UploadId>")[2].partition(b"</UploadId>")[0].decode()
    ask(store, "PUT", f"/bucket/{name}?partNumber=1&uploadId={key}", b"1" * size)


def test_usage_aborts_unfinished_uploads_once_confirmed(pail: Pail, put: Put, store: StoreServer) -> None:
    put("bucket")
    put("bucket", "a", b"1")
    for name, size in (("one", 700), ("logs/two", 50)):
        begin_upload(store, name, size)
    young = pail("--json", "usage", "gs://bucket", "--abort-uploads")
    assert young.records[0]["aborted_uploads"] == {"uploads": 0, "size": 0}
    assert young.records[0]["unfinished_uploads"]["uploads"] == 2, "somebody may still be sending them"
    refused = pail("usage", "gs://bucket", "--abort-uploads", "--older", "0", code=2)
    assert "Abort 2 unfinished uploads, 750 B, in gs://bucket" in refused.err
    [record] = pail("--json", "--yes", "usage", "gs://bucket", "--abort-uploads", "--older", "0").records
    assert record["aborted_uploads"] == {"uploads": 2, "size": 750}
    assert record["unfinished_uploads"]["uploads"] == 0
    assert record["objects"] == 1
    pail("usage", "gs://bucket", "--older", "7d", code=2)


def test_usage_by_group_and_of_the_selected_bucket(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "d/a", b"1" * 1000, "text/plain; charset=utf-8")
    put("bucket", "b", b"1" * 300, "image/png")
    assert "none is selected" in pail("usage", code=2).err
    pail("select", "gs://bucket")
    *groups, total = pail("--json", "usage", "--by", "folder").records
    assert [(g["folder"], g["url"], g["size"]) for g in groups] == [
        ("d/", "gs://bucket/d/", 1000),
        ("(objects in the bucket itself)", "gs://bucket", 300),
    ]
    assert total["size"] == 1300
    *groups, _ = pail("--json", "usage", "--by", "type").records
    assert [(g["type"], g["size"]) for g in groups] == [("text/plain", 1000), ("image/png", 300)]
    *groups, _ = pail("--json", "usage", "--by", "class").records
    assert [g["class"] for g in groups] == ["STANDARD"]
    *groups, _ = pail("--json", "usage", "--by", "age").records
    assert (groups[0]["age"], groups[0]["objects"]) == ("under a day", 2)
    put("bucket", "later", b"1")
    assert pail("--json", "usage", "--cached").records[0]["size"] == 1300
    pail("usage", "--cached", "gs://bucket/d/", code=2)


def test_usage_without_the_settings_or_the_xml_api_says_what_is_missing(
    home: Path, store_factory: Callable[..., StoreServer]
) -> None:
    denied = [Fault(name, "status", status=403, count=None) for name in ("buckets.get", "multipart.list")]
    pail, _, _ = faulty(home, store_factory, *denied)
    pail("cp", "-", "gs://bucket/a", stdin=b"12345")
    result = pail("--json", "usage", "gs://bucket")
    assert (result.records[0]["size"], result.records[0]["unfinished_uploads"]) == (5, None)
    assert result.records[0]["monthly_cost"]["exact"] is False
    assert "Prices are a guess" in result.err
    assert "Unfinished uploads are not counted" in result.err


def test_prices_come_from_the_configuration(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "a", b"1" * 1024)
    file = Path(pail.environment["XDG_CONFIG_HOME"]) / "pail" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[prices]\ncurrency = "EUR "\n[prices.storage.US]\nSTANDARD = 1048576\n')
    cost = pail("--json", "usage", "gs://bucket").records[0]["monthly_cost"]
    assert (cost["amount"], cost["currency"]) == (1.0, "EUR ")
    file.write_text("[prices]\n\n[prices.storage.US]\nSTANDARD = -1\n")
    refused = pail("usage", "gs://bucket", code=2)
    assert "line 4" in refused.err
    file.write_text("[prices]\n[colours]\n")
    assert "line 2" in pail("usage", "gs://bucket", code=2).err
    file.chmod(0o666)
    assert "other users" in pail("usage", "gs://bucket", code=1).err


def test_credentials_that_may_only_read_are_told_so(home: Path, store_factory: Callable[..., StoreServer]) -> None:
    denied = ("buckets.patch", "buckets.set_iam_policy")
    pail, _, _ = faulty(home, store_factory, *(Fault(name, "status", status=403, count=None) for name in denied))
    refused = pail("--json", "settings", "gs://bucket", "versioning=on", code=7)
    assert '"reason":"forbidden"' in refused.err
    assert "gs://bucket" in pail("access", "gs://bucket", "grant", "ada@example.com", "viewer", code=7).err
    assert pail("settings", "gs://bucket").lines
    assert pail("usage", "gs://bucket").lines
