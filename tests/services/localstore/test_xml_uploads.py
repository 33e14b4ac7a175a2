"""Multipart uploads of the XML API: begun, sent in parts, listed, completed, aborted; also by the data plane."""

from __future__ import annotations

import json
import re
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from services.connection import Connection
from services.errors import BucketNotFound, Forbidden, Transient
from services.gcs.interface import Storage
from services.gcs.open import Road, open_storage
from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from services.model import BucketSpec
from services.multipart import survey

MIB = 1 << 20
NAMES = ["a", "a\x01b", "b?c&d=#/<x>", "ü/\u202e", "z"]


def send(server: StoreServer, method: str, path: str, body: bytes | None = None, code: int = 200) -> tuple[str, str]:
    """Send a request and return the answer's text and its ETag."""
    made = urllib.request.Request(server.endpoint + path, data=body, method=method)
    try:
        with urllib.request.urlopen(made) as answer:
            found, text, etag = answer.status, answer.read().decode(), answer.headers.get("ETag") or ""
    except urllib.error.HTTPError as error:
        with error:
            found, text, etag = error.code, error.read().decode(), ""
    assert found == code, text
    return text, etag


def begin(server: StoreServer, name: str) -> str:
    """Begin an upload and return its path with its id."""
    path = f"/bucket/{quote(name, safe='')}"
    text, _ = send(server, "POST", f"{path}?uploads", b"")
    match = re.search("<UploadId>([^<]+)</UploadId>", text)
    assert match is not None
    return f"{path}?uploadId={match[1]}"


def completion(*parts: tuple[int, str]) -> bytes:
    inner = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in parts)
    return f"<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>".encode()


def content(server: StoreServer, name: str) -> bytes:
    with urllib.request.urlopen(f"{server.endpoint}/bucket/{name}") as answer:
        body: bytes = answer.read()
    return body


@pytest.fixture
def server(store_factory: Callable[..., StoreServer]) -> StoreServer:
    found = store_factory()
    send(found, "POST", "/storage/v1/b?project=p", json.dumps({"name": "bucket"}).encode())
    return found


def connect(server: StoreServer) -> Connection:
    return Connection(endpoint=server.endpoint, project="p")


def test_parts_become_an_object_in_their_order(server: StoreServer) -> None:
    upload = begin(server, "big")
    first, last = b"1" * (5 * MIB), b"2" * 1000
    _, etag_2 = send(server, "PUT", f"{upload}&partNumber=2", last)
    send(server, "PUT", f"{upload}&partNumber=1", b"wrong")
    _, etag_1 = send(server, "PUT", f"{upload}&partNumber=1", first)
    assert etag_1 != etag_2
    parts, _ = send(server, "GET", upload)
    assert re.findall("<Size>([0-9]+)</Size>", parts) == [str(5 * MIB), "1000"]
    send(server, "POST", upload, completion((2, etag_2), (1, etag_1)), 400)
    send(server, "POST", upload, completion((1, '"other"'), (2, etag_2)), 400)
    send(server, "POST", upload, completion((1, etag_1), (3, "")), 400)
    send(server, "POST", upload, completion((1, etag_1), (2, etag_2)))
    send(server, "POST", upload, completion((1, etag_1), (2, etag_2)), 404)
    assert content(server, "big") == first + last
    assert "<Upload>" not in send(server, "GET", "/bucket?uploads")[0]


def test_a_short_part_before_the_last_is_refused(server: StoreServer) -> None:
    upload = begin(server, "big")
    etags = [send(server, "PUT", f"{upload}&partNumber={n}", b"x")[1] for n in (1, 2)]
    send(server, "POST", upload, completion((1, etags[0]), (2, etags[1])), 400)
    send(server, "PUT", f"{upload}&partNumber=0", b"x", 400)
    send(server, "PUT", f"{upload}&partNumber=10001", b"x", 400)
    send(server, "PUT", "/bucket/big?uploadId=none&partNumber=1", b"x", 404)
    send(server, "POST", "/none-1/big?uploads", b"", 404)


@pytest.mark.parametrize("road", ["library", "lean"])
async def test_the_data_plane_finds_measures_and_aborts_them(server: StoreServer, road: Road) -> None:
    for name in NAMES:
        send(server, "PUT", f"{begin(server, name)}&partNumber=1", name.encode() * 100)
    send(server, "PUT", f"{begin(server, 'z')}&partNumber=7", b"12345")
    async with await open_storage(connect(server), road=road) as storage:
        page = await storage.data.list_multipart_uploads("bucket")
        assert [upload.name for upload in page.uploads] == sorted([*NAMES, "z"], key=str.encode)
        assert page.next_token == ""
        assert all(upload.started and upload.storage_class == "STANDARD" for upload in page.uploads)
        found = await survey(storage.data, "bucket")
        assert (found.uploads, found.size) == (6, sum(len(name.encode()) * 100 for name in NAMES) + 5)
        below = await storage.data.list_multipart_uploads("bucket", prefix="ü/")
        assert [upload.name for upload in below.uploads] == ["ü/\u202e"]
        for upload in page.uploads:
            await storage.data.abort_multipart_upload("bucket", upload)
            await storage.data.abort_multipart_upload("bucket", upload)  # one that is gone is fine
            assert await storage.data.multipart_size("bucket", upload) == 0
        assert (await survey(storage.data, "bucket")).uploads == 0
        with pytest.raises(BucketNotFound):
            await storage.data.list_multipart_uploads("none-1")
        counts = storage.operations.counts().by_operation
        assert counts["multipart.abort"] == 12
        assert counts["multipart.listParts"] == 12


async def test_lists_go_on_page_by_page(server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.localstore.xml_uploads.PAGE_LIMIT", 2)
    for name in [*NAMES, "z", "z"]:
        upload = begin(server, name)
        for number in (1, 2, 3):
            send(server, "PUT", f"{upload}&partNumber={number}", b"12345")
    async with await open_storage(connect(server)) as storage:
        found = await survey(storage.data, "bucket")
    assert (found.uploads, found.size) == (7, 7 * 15)


async def test_what_is_no_answer_of_a_storage_server_is_a_passing_fault(
    store_factory: Callable[..., StoreServer],
) -> None:
    faults = Faults()
    server = store_factory(faults=faults)
    async with await open_storage(connect(server)) as storage:
        await storage.control.create_bucket(BucketSpec("bucket"))
        faults.add(Fault("multipart.list", "truncate", stage="response", at=60))
        with pytest.raises(Transient):
            await storage.data.list_multipart_uploads("bucket")
        faults.add(Fault("multipart.list", "status", status=403))
        with pytest.raises(Forbidden):
            await storage.data.list_multipart_uploads("bucket")
        faults.add(Fault("multipart.list", "status", status=503))
        assert (await storage.data.list_multipart_uploads("bucket")).uploads == [], "a list is asked for again"


async def test_uploads_and_their_parts_outlive_a_restart(
    store_factory: Callable[..., StoreServer], tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    with StoreServer(folder, open_access=True) as server:
        send(server, "POST", "/storage/v1/b?project=p", json.dumps({"name": "bucket"}).encode())
        upload = begin(server, "x")
        _, etag = send(server, "PUT", f"{upload}&partNumber=1", b"12345")
    again = store_factory(folder)
    send(again, "POST", upload, completion((1, etag)))
    assert content(again, "x") == b"12345"


async def test_a_store_of_the_version_before_is_brought_up_to_date(
    store_factory: Callable[..., StoreServer], tmp_path: Path
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    with StoreServer(folder, open_access=True) as server:
        send(server, "POST", "/storage/v1/b?project=p", json.dumps({"name": "bucket"}).encode())
        send(server, "POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=x", b"12345")
    with sqlite3.connect(folder / "metadata.sqlite") as database:
        database.executescript("DROP TABLE multipart_parts; DROP TABLE multipart_uploads; PRAGMA user_version = 1;")
    database.close()
    again = store_factory(folder)
    begin(again, "y")
    assert content(again, "x") == b"12345"


async def test_requests_are_counted_as_they_are_billed(server: StoreServer) -> None:
    storage: Storage
    async with await open_storage(connect(server)) as storage:
        await storage.control.get_bucket("bucket")
        await storage.control.list_buckets()
        await storage.data.delete_many("bucket", [("a", 1), ("b", 2)])
        counts = storage.operations.counts()
    assert counts.by_operation == {"buckets.get": 1, "buckets.list": 1, "objects.delete": 2}
    assert (counts.of_class("A"), counts.of_class("B"), counts.of_class("free")) == (1, 1, 2)
