"""Protocol checks: downloads."""

from __future__ import annotations

import base64
import gzip
import http.client
import os
import random
from typing import Any

import google_crc32c
import psutil
import pytest

from tests.services.localstore.raw import Raw, esc, eventually

DATA = random.Random(3).randbytes(1 << 20)


@pytest.fixture
def stored(raw: Raw) -> Raw:
    raw.made("x", DATA)
    return raw


RANGES = [
    ("bytes=0-0", 0, 1),
    ("bytes=10-19", 10, 20),
    ("bytes=1048570-", 1048570, 1048576),
    ("bytes=-7", 1048569, 1048576),
    ("bytes=-9999999", 0, 1048576),
    ("bytes=5-9999999", 5, 1048576),
    ("bytes=100-600000", 100, 600001),
]


@pytest.mark.parametrize(("header", "start", "end"), RANGES)
def test_a_range_is_served(stored: Raw, header: str, start: int, end: int) -> None:
    answer = stored.media("x", {"Range": header})
    assert answer.status == 206
    assert answer.body == DATA[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(DATA)}"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize(
    "header", ["bytes=1048576-", "bytes=9999999-99999999", "bytes=-0", "bytes=99999999999999999999999-"]
)
def test_a_range_past_the_end_is_416(stored: Raw, header: str) -> None:
    answer = stored.media("x", {"Range": header})
    assert answer.status == 416
    assert answer.headers["content-range"] == "bytes */1048576"


def test_any_range_of_an_empty_object_is_416(raw: Raw) -> None:
    raw.made("empty", b"")
    assert raw.media("empty").body == b""
    answer = raw.media("empty", {"Range": "bytes=0-"})
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */0")


@pytest.mark.parametrize("header", ["bytes=", "bytes=-", "bytes=9-5", "lines=0-5", "bytes=a-b", "bytes=0-1,4-5"])
def test_a_range_that_makes_no_sense_is_passed_over(stored: Raw, header: str) -> None:
    answer = stored.media("x", {"Range": header})
    assert answer.status == 200
    assert answer.body == DATA


def test_the_headers_describe_the_generation(stored: Raw) -> None:
    stored.obj("x", "PATCH", {"cacheControl": "no-store", "contentDisposition": "attachment", "metadata": {"k": "v"}})
    meta = stored.obj("x").json
    headers = stored.media("x").headers
    assert headers["x-goog-generation"] == meta["generation"]
    assert headers["x-goog-metageneration"] == "2"
    assert headers["x-goog-hash"] == f"crc32c={meta['crc32c']},md5={meta['md5Hash']}"
    assert headers["x-goog-storage-class"] == "STANDARD"
    assert headers["x-goog-stored-content-length"] == str(len(DATA))
    assert headers["x-goog-stored-content-encoding"] == "identity"
    assert headers["x-goog-meta-k"] == "v"
    assert headers["content-type"] == "text/plain"
    assert headers["cache-control"] == "no-store"
    assert headers["content-disposition"] == "attachment"
    assert headers["etag"] == meta["etag"]
    assert headers["last-modified"].endswith("GMT")
    assert headers["accept-ranges"] == "bytes"


def test_metadata_that_fits_no_header_is_left_out_of_them(raw: Raw) -> None:
    hostile = {"k": "line\r\nX-Evil: 1", "bad name:": "v", "ok": "é"}
    raw.multipart({"name": "x", "contentType": "text/x\r\nX-Evil: 1", "metadata": hostile}, b"data")
    answer = raw.media("x")
    assert (answer.status, answer.body) == (200, b"data")
    assert "x-evil" not in answer.headers
    assert raw.obj("x").json["metadata"] == hostile


@pytest.mark.parametrize(
    "path", ["/download/storage/v1/b/bucket/o/{}?alt=media", "/bucket/{}", "/b/bucket/o/{}?alt=media"]
)
def test_every_path_to_the_content_works(raw: Raw, path: str) -> None:
    name = "dir/a b%#?.txt"
    raw.made(name, b"content")
    found = path.format(esc(name))
    assert raw.call("GET", found).body == b"content"
    assert raw.call("GET", found, None, {"Range": "bytes=1-2"}).body == b"on"
    if path.startswith("/bucket"):
        assert raw.call("GET", "/bucket/dir/a%20b%25%23%3F.txt").body == b"content"
    head = raw.call("HEAD", found)
    assert (head.status, head.headers["content-length"], head.body) == (200, "7", b"")


def test_a_missing_object_is_not_found(raw: Raw) -> None:
    answer = raw.media("none")
    assert (answer.status, answer.reason) == (404, "notFound")
    raw.made("x")
    assert raw.media("x", generation=5).status == 404
    assert raw.media("x", generation="five").status == 400


def gzipped(raw: Raw, data: bytes, **extra: Any) -> bytes:
    packed = gzip.compress(data)
    resource = {"name": "z", "contentEncoding": "gzip", "contentType": "text/plain", **extra}
    assert raw.multipart(resource, packed).status == 200
    return packed


def test_gzip_is_kept_for_those_who_accept_it(raw: Raw) -> None:
    packed = gzipped(raw, DATA)
    answer = raw.media("z", {"Accept-Encoding": "gzip"})
    assert answer.body == packed
    assert answer.headers["content-encoding"] == "gzip"
    part = raw.media("z", {"Accept-Encoding": "gzip", "Range": "bytes=2-9"})
    assert (part.status, part.body) == (206, packed[2:10])


def test_gzip_is_undone_for_those_who_do_not_accept_it(raw: Raw) -> None:
    packed = gzipped(raw, DATA * 3)
    answer = raw.media("z", {"Accept-Encoding": "identity", "Range": "bytes=2-9"})
    assert answer.status == 200
    assert answer.body == DATA * 3
    assert "content-encoding" not in answer.headers
    assert answer.headers["x-goog-stored-content-encoding"] == "gzip"
    assert answer.headers["x-goog-stored-content-length"] == str(len(packed))
    crc = base64.b64encode(google_crc32c.value(packed).to_bytes(4, "big")).decode()
    assert f"crc32c={crc}" in answer.headers["x-goog-hash"]


def test_no_transform_keeps_gzip_as_it_is(raw: Raw) -> None:
    packed = gzipped(raw, b"text", cacheControl="no-transform")
    assert raw.media("z").body == packed


def test_what_only_claims_to_be_gzip_is_served_as_it_is(raw: Raw) -> None:
    raw.multipart({"name": "z", "contentEncoding": "gzip"}, b"plain")
    assert raw.media("z").body == b"plain"


def test_a_broken_gzip_body_never_ends_cleanly(raw: Raw) -> None:
    broken = bytearray(gzip.compress(DATA))
    broken[len(broken) // 2] ^= 0xFF
    raw.multipart({"name": "z", "contentEncoding": "gzip"}, bytes(broken))
    with pytest.raises((http.client.HTTPException, OSError)):
        raw.media("z")


def test_a_download_stays_with_its_generation(stored: Raw) -> None:
    stored.call("PATCH", "/storage/v1/b/bucket", {"softDeletePolicy": {"retentionDurationSeconds": "0"}})
    large = random.Random(4).randbytes(8 << 20)
    stored.made("large", large)
    connection = http.client.HTTPConnection("127.0.0.1", stored.store.port)
    connection.request("GET", "/bucket/large")
    response = connection.getresponse()
    first = response.read(1000)
    stored.made("large", b"new")
    assert first + response.read() == large
    connection.close()
    assert stored.media("large").body == b"new"


def test_a_client_that_goes_away_ends_its_download(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    raw.made("large", bytes(64 << 20))
    reads = []
    plain = os.pread

    def counted(descriptor: int, size: int, offset: int) -> bytes:
        reads.append(offset)
        return plain(descriptor, size, offset)

    monkeypatch.setattr("services.localstore.downloads.os.pread", counted)
    connection = http.client.HTTPConnection("127.0.0.1", raw.store.port)
    connection.request("GET", "/bucket/large")
    response = connection.getresponse()
    response.read(1)
    response.close()
    connection.close()
    eventually(lambda: not any("blobs" in file.path for file in psutil.Process().open_files()))
    assert len(reads) < 200
