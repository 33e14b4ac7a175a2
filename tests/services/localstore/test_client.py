"""The store seen through google-cloud-storage itself."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

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
