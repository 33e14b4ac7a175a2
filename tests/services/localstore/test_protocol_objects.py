"""Protocol checks: objects' metadata, preconditions, versions, soft delete, holds and retention."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import google_crc32c
import pytest

from tests.services.localstore.raw import Raw

B = "/storage/v1/b/bucket"


def test_a_new_object_has_googles_fields(raw: Raw) -> None:
    made = raw.made("dir/näme", b"content")
    assert made == raw.obj("dir/näme").json
    crc = base64.b64encode(google_crc32c.value(b"content").to_bytes(4, "big")).decode()
    md5 = base64.b64encode(hashlib.md5(b"content").digest()).decode()
    expected = {
        "kind": "storage#object",
        "name": "dir/näme",
        "bucket": "bucket",
        "id": f"bucket/dir/näme/{made['generation']}",
        "size": "7",
        "crc32c": crc,
        "md5Hash": md5,
        "metageneration": "1",
        "contentType": "text/plain",
        "storageClass": "STANDARD",
        "selfLink": f"{raw.store.endpoint}/storage/v1/b/bucket/o/dir%2Fn%C3%A4me",
    }
    assert {key: made[key] for key in expected} == expected
    assert made["timeCreated"] == made["updated"] == made["timeStorageClassUpdated"]
    assert made["mediaLink"].endswith(f"dir%2Fn%C3%A4me?generation={made['generation']}&alt=media")
    assert made["etag"]


def test_an_object_takes_its_buckets_storage_class(raw: Raw) -> None:
    raw.call("PATCH", B, {"storageClass": "ARCHIVE"})
    assert raw.made("x")["storageClass"] == "ARCHIVE"


def test_generations_grow_with_every_write(raw: Raw) -> None:
    found = [int(raw.made("x", b"%d" % index)["generation"]) for index in range(5)]
    assert found == sorted(set(found))


# Each row: condition with the live generation G and metageneration 1; status of a read, a write and a delete.
CONDITIONS: list[tuple[str, str, int, int]] = [
    ("ifGenerationMatch", "G", 200, 200),
    ("ifGenerationMatch", "G-1", 412, 412),
    ("ifGenerationMatch", "0", 412, 412),
    ("ifGenerationNotMatch", "G", 304, 412),
    ("ifGenerationNotMatch", "G-1", 200, 200),
    ("ifGenerationNotMatch", "0", 200, 200),
    ("ifMetagenerationMatch", "1", 200, 200),
    ("ifMetagenerationMatch", "2", 412, 412),
    ("ifMetagenerationNotMatch", "1", 304, 412),
    ("ifMetagenerationNotMatch", "2", 200, 200),
]


@pytest.mark.parametrize(("condition", "value", "read", "write"), CONDITIONS)
def test_preconditions_hold_or_fail(raw: Raw, condition: str, value: str, read: int, write: int) -> None:
    generation = int(raw.made("x", b"old")["generation"])
    number = {"G": generation, "G-1": generation - 1}.get(value, value)
    asked = {condition: number}
    assert raw.obj("x", **asked).status == read
    assert raw.media("x", **asked).status == read
    assert raw.obj("x", "PATCH", {"contentType": "text/x"}, **asked).status == write
    raw.made("y", b"source")
    copied = raw.obj("y", "POST", {}, _of="/rewriteTo/b/bucket/o/x", **asked | {condition: number})
    # After the patch the metageneration is 2, so what was about metageneration 1 has turned over.
    if "Meta" not in condition:
        assert copied.status == write
    fresh = int(raw.made("z", b"old")["generation"])
    number = {"G": fresh, "G-1": fresh - 1}.get(value, value)
    assert raw.put("z", b"new", **{condition: number}).status == write
    assert raw.media("z").body == (b"new" if write == 200 else b"old")
    if write == 412:
        assert raw.obj("z", "DELETE", **{condition: number}).status == 412
        assert raw.media("z").body == b"old"


def test_conditions_on_a_missing_object(raw: Raw) -> None:
    assert raw.put("x", ifGenerationMatch=5).status == 412
    assert raw.put("x", ifGenerationNotMatch=0).status == 412
    assert raw.obj("x", ifGenerationMatch=0).status == 404
    assert raw.put("x", ifGenerationMatch=0).status == 200
    assert raw.put("x", ifGenerationMatch=0).status == 412


@pytest.mark.parametrize("value", ["abc", "1.5", "9" * 20, ""])
def test_a_precondition_that_is_no_number_is_refused(raw: Raw, value: str) -> None:
    assert raw.put("x", ifGenerationMatch=value).status == 400


def test_etag_headers_are_preconditions_too(raw: Raw) -> None:
    etag = raw.made("x")["etag"]
    assert raw.media("x", {"If-None-Match": etag}).status == 304
    assert raw.media("x", {"If-Match": '"other"'}).status == 412
    assert raw.media("x", {"If-Match": etag}).status == 200


def test_a_patch_merges_and_null_removes(raw: Raw) -> None:
    raw.made("x")
    raw.obj("x", "PATCH", {"metadata": {"a": "1", "b": "2"}, "cacheControl": "no-store"})
    found = raw.obj("x", "PATCH", {"metadata": {"a": None, "c": "3"}, "contentType": "image/png"}).json
    assert found["metadata"] == {"b": "2", "c": "3"}
    assert found["contentType"] == "image/png"
    assert found["cacheControl"] == "no-store"
    assert found["metageneration"] == "3"
    assert found["generation"] == raw.obj("x").json["generation"]
    found = raw.obj("x", "PATCH", {"metadata": None, "cacheControl": None}).json
    assert "metadata" not in found
    assert "cacheControl" not in found


def test_an_update_replaces(raw: Raw) -> None:
    raw.made("x")
    raw.obj("x", "PATCH", {"metadata": {"a": "1"}, "cacheControl": "no-store"})
    found = raw.obj("x", "PUT", {"contentType": "image/png"}).json
    assert found["contentType"] == "image/png"
    assert not {"metadata", "cacheControl"} & set(found)


@pytest.mark.parametrize(
    "patch",
    [
        {"metadata": {"a": 1}},
        {"metadata": "text"},
        {"metadata": {"a": "x" * 9000}},
        {"contentType": 5},
        {"temporaryHold": "yes"},
        {"customTime": "yesterday"},
        {"retention": {"mode": "Maybe", "retainUntilTime": "2040-01-01T00:00:00Z"}},
    ],
)
def test_an_invalid_patch_is_refused(raw: Raw, patch: dict[str, Any]) -> None:
    raw.made("x")
    assert raw.obj("x", "PATCH", patch).status == 400
    assert raw.obj("x").json["metageneration"] == "1"


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"metadata": {"a": "\\ud800"}}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(raw: Raw, body: bytes) -> None:
    raw.made("x")
    assert raw.obj("x", "PATCH", body).status == 400


def test_a_custom_time_only_moves_forward(raw: Raw) -> None:
    raw.made("x")
    assert raw.obj("x", "PATCH", {"customTime": "2030-01-01T00:00:00Z"}).status == 200
    assert raw.obj("x", "PATCH", {"customTime": "2029-01-01T00:00:00Z"}).status == 400
    assert raw.obj("x", "PATCH", {"customTime": None}).status == 400


def test_without_versioning_an_overwrite_leaves_one_generation(raw: Raw) -> None:
    old = raw.made("x", b"old")["generation"]
    raw.made("x", b"new")
    assert raw.obj("x", generation=old).status == 404
    assert raw.media("x").body == b"new"
    assert len(raw.list(versions="true")["items"]) == 1


def test_versioning_keeps_noncurrent_generations(raw: Raw) -> None:
    raw.call("PATCH", B, {"versioning": {"enabled": True}})
    old = raw.made("x", b"old")["generation"]
    new = raw.made("x", b"new")["generation"]
    assert raw.media("x", generation=old).body == b"old"
    assert raw.obj("x", generation=old).json["timeDeleted"]
    assert raw.obj("x", "DELETE").status == 204
    assert raw.obj("x").status == 404
    assert raw.names() == []
    assert [item["generation"] for item in raw.list(versions="true")["items"]] == [old, new]
    assert raw.obj("x", "DELETE", generation=old).status == 204
    assert [item["generation"] for item in raw.list(versions="true")["items"]] == [new]
    assert raw.obj("x", "POST", {}, _of="/copyTo/b/bucket/o/back", sourceGeneration=new).status == 200
    assert raw.media("back").body == b"new"


def test_a_soft_deleted_object_can_be_restored(raw: Raw) -> None:
    made = raw.made("x", b"content")
    raw.obj("x", "PATCH", {"metadata": {"k": "v"}})
    raw.obj("x", "DELETE")
    assert raw.obj("x").status == 404
    listed = raw.list(softDeleted="true")["items"]
    assert [item["generation"] for item in listed] == [made["generation"]]
    assert listed[0]["softDeleteTime"] < listed[0]["hardDeleteTime"]
    assert raw.obj("x", softDeleted="true", generation=made["generation"]).status == 200
    assert raw.obj("x", "POST", _of="/restore").status == 400
    restored = raw.obj("x", "POST", _of="/restore", generation=made["generation"])
    assert restored.json["metadata"] == {"k": "v"}
    assert int(restored.json["generation"]) > int(made["generation"])
    assert raw.media("x").body == b"content"
    refused = raw.obj("x", "POST", _of="/restore", generation=made["generation"], ifGenerationMatch=0)
    assert refused.status == 412


def test_without_a_soft_delete_policy_a_delete_is_for_good(raw: Raw) -> None:
    raw.call("PATCH", B, {"softDeletePolicy": {"retentionDurationSeconds": "0"}})
    made = raw.made("x")
    raw.obj("x", "DELETE")
    assert "items" not in raw.list(softDeleted="true")
    assert raw.obj("x", "POST", _of="/restore", generation=made["generation"]).status == 404
    files = [path for path in (raw.store.directory / "blobs").rglob("*") if path.is_file()]
    assert files == []


@pytest.mark.parametrize("hold", ["temporaryHold", "eventBasedHold"])
def test_a_hold_forbids_deletes_and_overwrites_until_it_is_released(raw: Raw, hold: str) -> None:
    raw.made("x", b"old")
    raw.obj("x", "PATCH", {hold: True})
    for answer in (raw.obj("x", "DELETE"), raw.put("x", b"new")):
        assert answer.status == 403
    assert raw.media("x").body == b"old"
    raw.obj("x", "PATCH", {hold: False})
    assert raw.obj("x", "DELETE").status == 204


def test_a_retention_policy_forbids_deletes(raw: Raw) -> None:
    raw.call("PATCH", B, {"retentionPolicy": {"retentionPeriod": "3600"}})
    made = raw.made("x")
    assert made["retentionExpirationTime"] > made["timeCreated"]
    answer = raw.obj("x", "DELETE")
    assert (answer.status, answer.reason) == (403, "retentionPolicyNotMet")
    assert raw.put("x").status == 403
    assert raw.obj("x", "POST", {}, _of="/moveTo/o/y").status == 403
    assert raw.obj("y").status == 404
    raw.call("PATCH", B, {"retentionPolicy": None})
    assert raw.obj("x", "DELETE").status == 204


def test_an_objects_own_retention_forbids_deletes(raw: Raw) -> None:
    raw.made("x")
    retention = {"mode": "Unlocked", "retainUntilTime": "2099-01-01T00:00:00Z"}
    assert raw.obj("x", "PATCH", {"retention": retention}).status == 200
    assert raw.obj("x", "DELETE").status == 403
    assert raw.obj("x", "PATCH", {"retention": None}).status == 403
    assert raw.obj("x", "PATCH", {"retention": None}, overrideUnlockedRetention="true").status == 200
    assert raw.obj("x", "DELETE").status == 204


def test_a_default_event_based_hold_is_put_on_new_objects(raw: Raw) -> None:
    raw.call("PATCH", B, {"defaultEventBasedHold": True})
    assert raw.made("x")["eventBasedHold"] is True


NAMES = [
    "a", "a/b", "a/", "dir", "dir/", "a//b", "/lead", "//", "trail//", "sp ace", " ", "q?x=1", "#", "a#b", "%", "%2F",
    "100%25", "..x", "../../etc/passwd", "a/../b", "a/./b", "./x", "...", "\x1b]0;x\x07", "\u202etxt.exe", "tab\there",
    "nul\x00byte", "ünï/ćode", "emoji 🎈", "[red]x[/]", "a+b&c=d;e", "'\"`$(x)", "back\\slash", "\ufeffbom", "ﬀ",
    "e\u0301", "\xe9", "-dash", "~tilde", "*", "\x7f", "x" * 1024, "ü" * 512, "/".join("s" * 300),
]  # fmt: skip


def test_every_name_is_kept_exactly_and_listed_in_byte_order(raw: Raw) -> None:
    for name in NAMES:
        made = raw.made(name, name.encode())
        assert made["name"] == name
    assert raw.names() == sorted(NAMES, key=str.encode)
    for name in NAMES:
        assert raw.media(name).body == name.encode()
        assert raw.call("GET", raw.obj(name).json["mediaLink"].removeprefix(raw.store.endpoint)).status == 200
        assert raw.obj(name, "DELETE").status == 204
    assert raw.names() == []


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "a\rb", "x" * 1025, "ü" * 513, ".well-known/acme-challenge/x"])
def test_a_bad_name_is_refused(raw: Raw, name: str) -> None:
    answer = raw.put(name)
    assert answer.status == 400
    assert answer.json["error"]["message"]
    assert raw.multipart({"name": name}, b"x").status == 400


def test_a_name_that_is_not_utf8_is_refused(raw: Raw) -> None:
    assert raw.call("GET", f"{B}/o/%ff").status == 400
    assert raw.call("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=%ff", b"").status == 400
