"""Protocol checks: buckets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.localstore.raw import Raw

B = "/storage/v1/b/bucket"


def test_a_new_bucket_has_googles_defaults(raw: Raw) -> None:
    found = raw.call("GET", B).json
    assert found["kind"] == "storage#bucket"
    assert found["id"] == found["name"] == "bucket"
    assert found["location"] == "US"
    assert found["locationType"] == "multi-region"
    assert found["storageClass"] == "STANDARD"
    assert found["metageneration"] == "1"
    assert found["softDeletePolicy"]["retentionDurationSeconds"] == "604800"
    assert found["softDeletePolicy"]["effectiveTime"]
    assert found["iamConfiguration"]["uniformBucketLevelAccess"] == {"enabled": False}
    assert found["iamConfiguration"]["publicAccessPrevention"] == "inherited"
    assert found["projectNumber"].isdecimal()
    assert found["selfLink"].startswith(raw.store.endpoint)
    assert found["timeCreated"] == found["updated"]
    assert found["etag"]


def test_a_bucket_keeps_what_it_was_created_with(raw: Raw) -> None:
    rule = {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 3}}]}
    cors = [{"origin": ["*"], "method": ["GET"], "maxAgeSeconds": 60}]
    found = raw.make_bucket(
        "second",
        location="europe-west1",
        storageClass="NEARLINE",
        labels={"team": "x"},
        versioning={"enabled": True},
        lifecycle=rule,
        cors=cors,
        softDeletePolicy={"retentionDurationSeconds": "0"},
    )
    assert (found["location"], found["locationType"]) == ("EUROPE-WEST1", "region")
    assert found["storageClass"] == "NEARLINE"
    assert found["labels"] == {"team": "x"}
    assert found["versioning"] == {"enabled": True}
    assert (found["lifecycle"], found["cors"]) == (rule, cors)
    assert found["softDeletePolicy"] == {"retentionDurationSeconds": "0"}


@pytest.mark.parametrize(
    "name", ["ab", "A-bucket", "-abc", "abc-", "a" * 64, "192.168.1.1", "goog-x", "my-google", "a..b", "a/b", "ä-b", ""]
)
def test_a_bad_bucket_name_is_refused(raw: Raw, name: str) -> None:
    answer = raw.call("POST", "/storage/v1/b?project=p", {"name": name})
    assert answer.status == 400
    assert answer.json["error"]["code"] == 400


@pytest.mark.parametrize("name", ["abc", "a.b.c", "a_b-c", "0bucket0", "a" * 63])
def test_a_good_bucket_name_is_accepted(raw: Raw, name: str) -> None:
    assert raw.make_bucket(name)["name"] == name


def test_a_taken_bucket_name_is_a_conflict(raw: Raw) -> None:
    answer = raw.call("POST", "/storage/v1/b?project=p", {"name": "bucket"})
    assert (answer.status, answer.reason) == (409, "conflict")


def test_a_missing_bucket_is_not_found(raw: Raw) -> None:
    for method, path in [
        ("GET", "/storage/v1/b/none"),
        ("DELETE", "/storage/v1/b/none"),
        ("GET", "/storage/v1/b/none/o"),
        ("GET", "/storage/v1/b/none/o/x"),
        ("GET", "/storage/v1/b/none/storageLayout"),
        ("POST", "/upload/storage/v1/b/none/o?uploadType=media&name=x"),
    ]:
        answer = raw.call(method, path)
        assert (answer.status, answer.reason) == (404, "notFound"), path


def test_buckets_are_listed_in_pages(raw: Raw) -> None:
    for index in range(5):
        raw.make_bucket(f"list-{index}")
    first = raw.call("GET", "/storage/v1/b?project=p", prefix="list-", maxResults=3).json
    assert [item["name"] for item in first["items"]] == ["list-0", "list-1", "list-2"]
    token = first["nextPageToken"]
    second = raw.call("GET", "/storage/v1/b?project=p", prefix="list-", maxResults=3, pageToken=token).json
    assert [item["name"] for item in second["items"]] == ["list-3", "list-4"]
    assert "nextPageToken" not in second


def test_a_patch_changes_what_it_names_and_null_removes(raw: Raw) -> None:
    raw.call("PATCH", B, {"labels": {"a": "1", "b": "2"}, "storageClass": "COLDLINE"})
    found = raw.call("PATCH", B, {"labels": {"a": None}, "versioning": {"enabled": True}}).json
    assert found["labels"] == {"b": "2"}
    assert found["storageClass"] == "COLDLINE"
    assert found["versioning"] == {"enabled": True}
    assert found["metageneration"] == "3"
    assert "labels" not in raw.call("PATCH", B, {"labels": None}).json


def test_an_update_drops_what_it_does_not_name(raw: Raw) -> None:
    raw.call("PATCH", B, {"labels": {"a": "1"}, "cors": [{"origin": ["*"]}]})
    found = raw.call("PUT", B, {"labels": {"b": "2"}}).json
    assert "cors" not in found
    assert found["labels"] == {"b": "2"}


def test_a_bucket_patch_is_compare_and_set(raw: Raw) -> None:
    assert raw.call("PATCH", B, {"labels": {"a": "1"}}, ifMetagenerationMatch=1).status == 200
    answer = raw.call("PATCH", B, {"labels": {"a": "2"}}, ifMetagenerationMatch=1)
    assert (answer.status, answer.reason) == (412, "conditionNotMet")
    assert raw.call("GET", B, ifMetagenerationNotMatch=2).status == 304


@pytest.mark.parametrize(
    "patch",
    [
        {"storageClass": "FAST"},
        {"location": "EU"},
        {"hierarchicalNamespace": {"enabled": True}},
        {"softDeletePolicy": {"retentionDurationSeconds": "5"}},
        {"labels": {"UPPER": "x"}},
        {"iamConfiguration": {"publicAccessPrevention": "sometimes"}},
        {"versioning": "yes"},
    ],
)
def test_an_invalid_bucket_patch_is_refused(raw: Raw, patch: dict[str, Any]) -> None:
    assert raw.call("PATCH", B, patch).status == 400
    assert raw.call("GET", B).json["metageneration"] == "1"


def test_uniform_access_is_kept_under_both_its_names(raw: Raw) -> None:
    found = raw.call("PATCH", B, {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}}).json
    access = found["iamConfiguration"]
    assert access["uniformBucketLevelAccess"]["enabled"] is True
    assert access["bucketPolicyOnly"]["enabled"] is True
    assert access["uniformBucketLevelAccess"]["lockedTime"]
    found = raw.call("PATCH", B, {"iamConfiguration": {"publicAccessPrevention": "enforced"}}).json
    assert found["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"] is True
    assert found["iamConfiguration"]["publicAccessPrevention"] == "enforced"


def test_a_bucket_with_objects_is_not_deleted(raw: Raw) -> None:
    raw.made("x")
    answer = raw.call("DELETE", B)
    assert (answer.status, answer.reason) == (409, "conflict")
    assert raw.obj("x", "DELETE").status == 204
    assert raw.call("DELETE", B).status == 204
    assert raw.call("GET", B).status == 404


def test_a_bucket_with_noncurrent_objects_is_not_deleted(raw: Raw) -> None:
    raw.call("PATCH", B, {"versioning": {"enabled": True}})
    raw.made("x")
    raw.obj("x", "DELETE")
    assert raw.call("DELETE", B).status == 409


def test_a_deleted_bucket_can_be_listed_and_restored_with_its_objects(raw: Raw) -> None:
    generation = raw.call("GET", B).json["generation"]
    made = raw.made("x", b"content")
    raw.obj("x", "DELETE")
    raw.call("DELETE", B)
    listed = raw.call("GET", "/storage/v1/b?project=p&softDeleted=true").json["items"]
    assert [(item["name"], item["generation"]) for item in listed] == [("bucket", generation)]
    assert listed[0]["hardDeleteTime"] > listed[0]["softDeleteTime"]
    assert raw.call("GET", B, softDeleted="true", generation=generation).json["name"] == "bucket"
    assert raw.call("POST", f"{B}/restore", generation=generation).status == 200
    assert raw.call("POST", f"{B}/restore", generation=generation).status == 409
    assert raw.obj("x", "POST", _of="/restore", generation=made["generation"]).status == 200
    assert raw.media("x").body == b"content"


def test_the_storage_layout_tells_a_hierarchical_bucket(raw: Raw) -> None:
    assert raw.call("GET", f"{B}/storageLayout").json["hierarchicalNamespace"] == {"enabled": False}
    uniform = {"uniformBucketLevelAccess": {"enabled": True}}
    raw.make_bucket("tree", hierarchicalNamespace={"enabled": True}, iamConfiguration=uniform)
    layout = raw.call("GET", "/storage/v1/b/tree/storageLayout").json
    assert layout["kind"] == "storage#storageLayout"
    assert layout["hierarchicalNamespace"] == {"enabled": True}
    refused = {"name": "tree-2", "hierarchicalNamespace": {"enabled": True}}
    assert raw.call("POST", "/storage/v1/b?project=p", refused).status == 400


def test_the_iam_policy_is_compare_and_set(raw: Raw) -> None:
    policy = raw.call("GET", f"{B}/iam").json
    assert policy["kind"] == "storage#policy"
    policy["bindings"] = [{"role": "roles/storage.objectViewer", "members": ["allUsers"]}]
    changed = raw.call("PUT", f"{B}/iam", policy)
    assert changed.json["bindings"] == policy["bindings"]
    assert changed.json["etag"] != policy["etag"]
    assert raw.call("PUT", f"{B}/iam", policy).status == 412


def test_permissions_are_granted_as_asked(raw: Raw) -> None:
    path = f"{B}/iam/testPermissions?permissions=storage.objects.get&permissions=storage.buckets.delete"
    assert raw.call("GET", path).json["permissions"] == ["storage.objects.get", "storage.buckets.delete"]


def test_a_locked_retention_policy_cannot_shrink(raw: Raw) -> None:
    raw.call("PATCH", B, {"retentionPolicy": {"retentionPeriod": "100"}})
    assert raw.call("POST", f"{B}/lockRetentionPolicy", ifMetagenerationMatch=2).json["retentionPolicy"]["isLocked"]
    assert raw.call("PATCH", B, {"retentionPolicy": None}).status == 403
    assert raw.call("PATCH", B, {"retentionPolicy": {"retentionPeriod": "50"}}).status == 403
    longer = raw.call("PATCH", B, {"retentionPolicy": {"retentionPeriod": "200"}})
    assert longer.json["retentionPolicy"]["retentionPeriod"] == "200"


def test_fields_select_parts_of_an_answer(raw: Raw) -> None:
    assert raw.call("GET", B, fields="name,softDeletePolicy/retentionDurationSeconds").json == {
        "name": "bucket",
        "softDeletePolicy": {"retentionDurationSeconds": "604800"},
    }
    assert raw.call("GET", B, fields="name,(").status == 400
