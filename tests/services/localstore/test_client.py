"""The store seen through google-cloud-storage itself."""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage import transfer_manager

from services.localstore.server import StoreServer


@pytest.fixture
def client(store: StoreServer) -> Iterator[storage.Client]:
    made = storage.Client(
        project="project",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": store.endpoint},
    )
    yield made
    made.close()


@pytest.fixture
def bucket(client: storage.Client) -> storage.Bucket:
    return client.create_bucket("contract")


def test_an_object_comes_back_as_it_went(bucket: storage.Bucket) -> None:
    blob = bucket.blob("a/b c?#%.txt")
    blob.upload_from_string(b"content", content_type="text/plain")
    assert blob.generation is not None
    assert blob.download_as_bytes() == b"content"
    assert blob.download_as_bytes(start=1, end=3) == b"ont"
    assert [found.name for found in bucket.list_blobs()] == ["a/b c?#%.txt"]


@pytest.mark.parametrize("known_size", [True, False])
def test_a_resumable_upload_in_parts_comes_back_as_it_went(bucket: storage.Bucket, known_size: bool) -> None:
    data = random.Random(1).randbytes((3 << 20) + 17)
    blob = bucket.blob("large", chunk_size=1 << 20)
    blob.upload_from_file(io.BytesIO(data), size=len(data) if known_size else None)
    assert bucket.blob("large").download_as_bytes(checksum="crc32c") == data


def test_a_create_only_upload_is_refused_when_the_name_is_taken(bucket: storage.Bucket) -> None:
    bucket.blob("taken").upload_from_string("1", if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("taken").upload_from_string("2", if_generation_match=0)


def test_a_batch_deletes_what_it_names(client: storage.Client, bucket: storage.Bucket) -> None:
    blobs = [bucket.blob(f"b{index}") for index in range(5)]
    for blob in blobs:
        blob.upload_from_string("x")
    with client.batch():
        for blob in blobs:
            blob.delete()
    assert list(bucket.list_blobs()) == []


def test_metadata_is_patched_with_preconditions(bucket: storage.Bucket) -> None:
    blob = bucket.blob("x")
    blob.upload_from_string("content")
    blob.metadata = {"k": "v"}
    blob.patch(if_metageneration_match=1)
    assert bucket.get_blob("x").metadata == {"k": "v"}
    with pytest.raises(exceptions.PreconditionFailed):
        blob.patch(if_metageneration_match=1)


def test_a_stale_delete_is_refused(bucket: storage.Bucket) -> None:
    blob = bucket.blob("x")
    blob.upload_from_string("old")
    seen = blob.generation
    bucket.blob("x").upload_from_string("new")
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("x").delete(if_generation_match=seen)
    # The blob itself names its generation, and that one is no longer there.
    with pytest.raises(exceptions.NotFound):
        blob.delete()
    assert bucket.blob("x").download_as_bytes() == b"new"
    with pytest.raises(exceptions.NotFound):
        bucket.blob("none").delete()


def test_lists_page_and_fold(client: storage.Client, bucket: storage.Bucket) -> None:
    for name in ("a", "b/1", "b/2", "c/", "d"):
        bucket.blob(name).upload_from_string("x")
    pages = client.list_blobs(bucket, delimiter="/", page_size=2)
    assert [blob.name for blob in pages] == ["a", "d"]
    assert pages.prefixes == {"b/", "c/"}
    assert [blob.name for blob in client.list_blobs(bucket, match_glob="b/*")] == ["b/1", "b/2"]


def test_copies_moves_composes_and_rewrites(bucket: storage.Bucket) -> None:
    one, two = bucket.blob("one"), bucket.blob("two")
    one.upload_from_string("1", content_type="text/plain")
    two.upload_from_string("2")
    assert bucket.copy_blob(one, bucket, "copy", if_generation_match=0).download_as_bytes() == b"1"
    joined = bucket.blob("joined")
    joined.compose([one, two], if_generation_match=0)
    assert joined.download_as_bytes() == b"12"
    token, done, total = bucket.blob("rewritten").rewrite(joined, if_generation_match=0)
    assert (token, done, total) == (None, 2, 2)
    moved = bucket.move_blob(one, "moved", if_generation_match=0)
    assert moved.download_as_bytes() == b"1"
    assert not one.exists()


def test_deleted_objects_and_buckets_are_restored(client: storage.Client, bucket: storage.Bucket) -> None:
    blob = bucket.blob("x")
    blob.upload_from_string("content")
    blob.delete()
    gone = next(iter(client.list_blobs(bucket, soft_deleted=True)))
    assert gone.generation == blob.generation
    assert bucket.restore_blob("x", generation=gone.generation).download_as_bytes() == b"content"
    bucket.blob("x").delete()
    bucket.reload()
    generation = bucket.generation
    bucket.delete()
    assert [found.name for found in client.list_buckets(soft_deleted=True)] == ["contract"]
    client.restore_bucket("contract", generation)
    assert client.get_bucket("contract").exists()


def test_versions_are_listed_and_read(client: storage.Client, bucket: storage.Bucket) -> None:
    bucket.versioning_enabled = True
    bucket.patch()
    for text in ("old", "new"):
        bucket.blob("x").upload_from_string(text)
    found = [blob.generation for blob in client.list_blobs(bucket, versions=True)]
    assert len(found) == 2
    assert bucket.blob("x", generation=found[0]).download_as_bytes() == b"old"


def test_settings_and_access_of_a_bucket(client: storage.Client, bucket: storage.Bucket) -> None:
    bucket.labels = {"team": "x"}
    bucket.add_lifecycle_delete_rule(age=3)
    bucket.iam_configuration.uniform_bucket_level_access_enabled = True
    bucket.patch(if_metageneration_match=1)
    found = client.get_bucket("contract")
    assert found.labels == {"team": "x"}
    assert [rule["action"]["type"] for rule in found.lifecycle_rules] == ["Delete"]
    assert found.iam_configuration.uniform_bucket_level_access_enabled is True
    policy = found.get_iam_policy(requested_policy_version=3)
    policy.bindings = [{"role": "roles/storage.objectViewer", "members": {"user:a@example.com"}}]
    found.set_iam_policy(policy)
    assert found.get_iam_policy().bindings[0]["role"] == "roles/storage.objectViewer"
    assert found.test_iam_permissions(["storage.objects.get"]) == ["storage.objects.get"]


def test_gzip_objects_are_decompressed_unless_asked_raw(bucket: storage.Bucket) -> None:
    packed = gzip.compress(b"text" * 1000)
    blob = bucket.blob("z")
    blob.content_encoding = "gzip"
    blob.upload_from_string(packed)
    assert blob.download_as_bytes() == b"text" * 1000
    assert blob.download_as_bytes(raw_download=True) == packed


def test_an_upload_whose_checksum_is_wrong_is_refused(bucket: storage.Bucket) -> None:
    blob = bucket.blob("x")
    blob.crc32c = "AAAAAA=="
    with pytest.raises(exceptions.BadRequest):
        blob.upload_from_string("content", checksum=None)
    assert not bucket.blob("x").exists()


def test_a_multipart_upload_in_parts_comes_back_as_it_went(bucket: storage.Bucket, tmp_path: Path) -> None:
    data = random.Random(2).randbytes((11 << 20) + 17)
    (tmp_path / "large").write_bytes(data)
    blob = bucket.blob("d/large ü", chunk_size=None)
    blob.metadata = {"key": "value"}
    transfer_manager.upload_chunks_concurrently(
        str(tmp_path / "large"), blob, chunk_size=5 << 20, worker_type=transfer_manager.THREAD, content_type="text/x"
    )
    found = bucket.get_blob("d/large ü")
    assert (found.size, found.content_type, found.metadata) == (len(data), "text/x", {"key": "value"})
    assert found.download_as_bytes(checksum="crc32c") == data
