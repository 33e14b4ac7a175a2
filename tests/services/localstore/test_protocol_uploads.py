"""Protocol checks: media, multipart and resumable uploads."""

from __future__ import annotations

import base64
import hashlib
import http.client
import random
from typing import Any

import google_crc32c
import pytest

from services.localstore.server import StoreServer
from services.localstore.store import StoreOptions
from tests.services.localstore.raw import Answer, Raw, eventually

PART = 256 << 10
UPLOAD = "/upload/storage/v1/b/bucket/o"


def crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def random_bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def start(raw: Raw, name: str = "r", resource: dict[str, Any] | None = None, **query: Any) -> str:
    """Open a session and return its path and query."""
    headers = {key: query.pop(key) for key in list(query) if key.startswith("X-")}
    answer = raw.call("POST", UPLOAD, resource or {}, headers, uploadType="resumable", name=name, **query)
    assert answer.status == 200, answer
    assert answer.headers["x-guploader-uploadid"]
    return answer.headers["location"].removeprefix(raw.store.endpoint)


def send(raw: Raw, uri: str, data: bytes, span: str | None, **headers: str) -> Answer:
    if span is not None:
        headers["Content-Range"] = f"bytes {span}"
    return raw.call("PUT", uri, data, headers)


def test_a_multipart_upload_keeps_its_metadata(raw: Raw) -> None:
    data = b"\r\n--se\r\n-\r\n--\r\ntail\r\n"
    resource = {"name": "m", "metadata": {"k": "ü"}, "contentType": "image/png", "crc32c": crc32c(data)}
    answer = raw.multipart(resource, data)
    assert answer.status == 200, answer
    assert answer.json["contentType"] == "image/png"
    assert answer.json["metadata"] == {"k": "ü"}
    assert raw.media("m").body == data


@pytest.mark.parametrize("size", [0, 1, 7, PART - 1, PART, PART + 1, 3 * PART + 5])
def test_every_size_comes_back_by_every_way_up(raw: Raw, size: int) -> None:
    data = random_bytes(size)
    assert raw.put("media", data).status == 200
    assert raw.multipart({"name": "multipart"}, data).status == 200
    assert send(raw, start(raw, "single"), data, None).status == 200
    for name in ("media", "multipart", "single"):
        answer = raw.media(name)
        assert answer.body == data
        assert answer.headers["content-length"] == str(size)
        assert answer.headers["x-goog-hash"] == f"crc32c={crc32c(data)},md5={md5(data)}"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"x"),
        ("multipart/related", b"--sep"),
        ("multipart/related; boundary=sep", b""),
        ("multipart/related; boundary=sep", b"--sep\r\n\r\n{}\r\n--sep--"),
        ("multipart/related; boundary=sep", b'--sep\r\n\r\n{"name":"x"}\r\n--sep\r\n\r\ndata without end'),
        ("multipart/related; boundary=sep", b"--sep\r\n\r\nnot json\r\n--sep\r\n\r\ndata\r\n--sep--"),
    ],
)
def test_a_broken_multipart_body_is_refused(raw: Raw, content_type: str, body: bytes) -> None:
    answer = raw.call("POST", UPLOAD, body, {"Content-Type": content_type}, uploadType="multipart")
    assert answer.status == 400
    assert raw.names() == []


@pytest.mark.parametrize("field", ["crc32c", "md5Hash"])
@pytest.mark.parametrize("way", ["multipart", "resumable"])
def test_a_wrong_checksum_in_the_metadata_commits_nothing(raw: Raw, field: str, way: str) -> None:
    wrong = {"crc32c": crc32c, "md5Hash": md5}[field](b"other")
    resource = {"name": "x", field: wrong}
    if way == "multipart":
        answer = raw.multipart(resource, b"data")
    else:
        answer = send(raw, start(raw, "x", resource), b"data", None)
    assert answer.status == 400
    assert "doesn't match" in answer.json["error"]["message"]
    assert raw.obj("x").status == 404


@pytest.mark.parametrize("hashes", [f"crc32c={crc32c(b'other')}", f"md5={md5(b'other')}"])
def test_a_wrong_goog_hash_header_commits_nothing(raw: Raw, hashes: str) -> None:
    answer = raw.call("POST", UPLOAD, b"data", {"X-Goog-Hash": hashes}, uploadType="media", name="x")
    assert answer.status == 400
    assert send(raw, start(raw, "x"), b"data", "0-3/4", **{"X-Goog-Hash": hashes}).status == 400
    assert send(raw, start(raw, "x", **{"X-Goog-Hash": hashes}), b"data", "0-3/4").status == 400
    assert raw.obj("x").status == 404
    right = f"crc32c={crc32c(b'data')},md5={md5(b'data')}"
    assert send(raw, start(raw, "x"), b"data", "0-3/4", **{"X-Goog-Hash": right}).status == 200


def test_a_session_says_how_far_it_is(raw: Raw) -> None:
    data = random_bytes(2 * PART + 100)
    uri = start(raw)
    before = send(raw, uri, b"", "*/*")
    assert before.status == 308
    assert "range" not in before.headers
    first = send(raw, uri, data[:PART], f"0-{PART - 1}/{len(data)}")
    assert (first.status, first.headers["range"]) == (308, f"bytes=0-{PART - 1}")
    assert send(raw, uri, b"", f"*/{len(data)}").headers["range"] == f"bytes=0-{PART - 1}"
    last = send(raw, uri, data[PART:], f"{PART}-{len(data) - 1}/{len(data)}")
    assert last.status == 200
    after = send(raw, uri, b"", f"*/{len(data)}")
    assert (after.status, after.json) == (200, last.json)
    assert raw.media("r").body == data


def test_an_overlap_is_accepted_and_a_gap_refused(raw: Raw) -> None:
    data = random_bytes(3 * PART)
    uri = start(raw)
    send(raw, uri, data[: 2 * PART], f"0-{2 * PART - 1}/*")
    gap = send(raw, uri, b"x" * PART, f"{3 * PART}-{4 * PART - 1}/*")
    assert gap.status == 503
    assert "exceeds already uploaded size" in gap.json["error"]["message"]
    assert send(raw, uri, b"", "*/*").headers["range"] == f"bytes=0-{2 * PART - 1}"
    assert send(raw, uri, data[PART:], f"{PART}-{3 * PART - 1}/{3 * PART}").status == 200
    assert raw.media("r").body == data


def test_a_total_may_be_unknown_until_the_end(raw: Raw) -> None:
    uri = start(raw)
    send(raw, uri, b"a" * PART, f"0-{PART - 1}/*")
    assert send(raw, uri, b"bc", f"{PART}-{PART + 1}/{PART + 2}").status == 200
    assert raw.media("r").body == b"a" * PART + b"bc"
    uri = start(raw, "even")
    send(raw, uri, b"a" * PART, f"0-{PART - 1}/*")
    assert send(raw, uri, b"", f"*/{PART}").status == 200
    assert raw.obj("even").json["size"] == str(PART)
    assert send(raw, start(raw, "none"), b"", "*/0").status == 200
    assert raw.obj("none").json["size"] == "0"


def test_a_part_before_the_last_is_at_least_256_kib(raw: Raw) -> None:
    uri = start(raw)
    assert send(raw, uri, b"x" * 1000, "0-999/5000").status == 400
    assert "range" not in send(raw, uri, b"", "*/*").headers
    uneven = send(raw, uri, b"x" * (PART + 5), f"0-{PART + 4}/*")
    assert (uneven.status, uneven.headers["range"]) == (308, f"bytes=0-{PART - 1}")


@pytest.mark.parametrize(
    ("span", "size"),
    [("0-9/5", 10), ("5-3/10", 2), ("0-9/10", 4), ("x-y/z", 4), ("0-3", 4), ("-1-3/4", 4)],
)
def test_a_senseless_content_range_is_refused(raw: Raw, span: str, size: int) -> None:
    uri = start(raw)
    assert send(raw, uri, b"x" * size, span).status == 400
    assert raw.names() == []
    assert send(raw, uri, b"good", "0-3/4").status == 200


def test_an_announced_length_is_enforced(raw: Raw) -> None:
    uri = start(raw, **{"X-Upload-Content-Length": "4", "X-Upload-Content-Type": "image/png"})
    assert send(raw, uri, b"12345", "0-4/5").status == 400
    assert send(raw, uri, b"1234", "0-3/4").json["contentType"] == "image/png"


def test_a_cancelled_session_is_gone(raw: Raw) -> None:
    uri = start(raw)
    send(raw, uri, b"a" * PART, f"0-{PART - 1}/*")
    assert raw.call("DELETE", uri).status == 499
    assert send(raw, uri, b"", "*/*").status == 410
    assert list((raw.store.directory / "partial").iterdir()) == []


def test_an_unknown_session_is_not_found(raw: Raw) -> None:
    assert send(raw, f"{UPLOAD}?uploadType=resumable&upload_id=guess", b"x", "0-0/1").status == 404


def test_preconditions_are_checked_at_the_start_and_at_the_end(raw: Raw) -> None:
    raw.made("x", b"old")
    refused = raw.call("POST", UPLOAD, {}, uploadType="resumable", name="x", ifGenerationMatch=0)
    assert refused.status == 412
    uri = start(raw, "y", ifGenerationMatch=0)
    raw.made("y", b"first")
    assert send(raw, uri, b"second", "0-5/6").status == 412
    assert raw.media("y").body == b"first"
    assert send(raw, uri, b"", "*/6").status == 410


def test_a_session_expires_after_a_week(store_factory: Any) -> None:
    now = [1_700_000_000.0]
    raw = Raw(store_factory(options=StoreOptions(clock=lambda: now[0])))
    raw.make_bucket()
    uri = start(raw)
    send(raw, uri, b"a" * PART, f"0-{PART - 1}/*")
    now[0] += 7 * 86_400 - 1
    assert send(raw, uri, b"", "*/*").status == 308
    now[0] += 2
    assert send(raw, uri, b"", "*/*").status == 410


def test_a_session_survives_a_restart(store_factory: Any, tmp_path: Any) -> None:
    data = random_bytes(3 * PART)
    server: StoreServer = store_factory(tmp_path / "same")
    raw = Raw(server)
    raw.make_bucket()
    uri = start(raw, "r", {"metadata": {"k": "v"}})
    send(raw, uri, data[:PART], f"0-{PART - 1}/*")
    server.stop()
    raw = Raw(store_factory(tmp_path / "same"))
    assert send(raw, uri, b"", "*/*").headers["range"] == f"bytes=0-{PART - 1}"
    done = send(raw, uri, data[PART:], f"{PART}-{3 * PART - 1}/{3 * PART}")
    assert done.status == 200
    assert (done.json["md5Hash"], done.json["metadata"]) == (md5(data), {"k": "v"})
    assert raw.media("r").body == data


def test_the_session_id_is_not_kept_on_the_disk(raw: Raw) -> None:
    uri = start(raw)
    secret = uri.partition("upload_id=")[2].encode()
    assert len(secret) >= 43
    send(raw, uri, b"a" * PART, f"0-{PART - 1}/*")
    files = [path for path in raw.store.directory.rglob("*") if path.is_file()]
    assert all(secret not in path.read_bytes() for path in files)


def test_what_arrived_before_a_broken_connection_is_kept(raw: Raw) -> None:
    uri = start(raw)
    data = random_bytes(4 * PART)
    connection = http.client.HTTPConnection("127.0.0.1", raw.store.port)
    connection.putrequest("PUT", uri)
    connection.putheader("Content-Length", str(len(data)))
    connection.putheader("Content-Range", f"bytes 0-{len(data) - 1}/{len(data)}")
    connection.endheaders()
    connection.send(data[: 2 * PART + 1000])
    partial = raw.store.directory / "partial" / "session-1"
    eventually(lambda: partial.exists() and partial.stat().st_size >= PART)
    connection.close()
    found = send(raw, uri, b"", f"*/{len(data)}")
    assert found.status == 308
    received = int(found.headers["range"].rpartition("-")[2]) + 1
    assert received in {PART, 2 * PART}
    assert send(raw, uri, data[received:], f"{received}-{len(data) - 1}/{len(data)}").status == 200
    assert raw.media("r").body == data


def test_a_new_request_takes_a_session_over_from_a_stalled_one(raw: Raw) -> None:
    uri = start(raw)
    data = random_bytes(2 * PART)
    stalled = http.client.HTTPConnection("127.0.0.1", raw.store.port, timeout=20)
    stalled.putrequest("PUT", uri)
    stalled.putheader("Content-Length", str(len(data)))
    stalled.endheaders()
    stalled.send(data[:PART])
    partial = raw.store.directory / "partial"
    try:
        # Its bytes lie on the disk: the server is at work on it, so whatever comes now comes later.
        eventually(lambda: any(file.stat().st_size for file in partial.iterdir()))
        assert send(raw, uri, b"", "*/*").status == 308
        assert send(raw, uri, data, None).status == 200
        with pytest.raises((OSError, http.client.HTTPException)):
            stalled.getresponse()
    finally:
        stalled.close()
    assert raw.media("r").body == data


def test_an_upload_that_breaks_off_leaves_nothing(raw: Raw) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", raw.store.port)
    connection.putrequest("POST", f"{UPLOAD}?uploadType=media&name=torn")
    connection.putheader("Content-Length", str(4 * PART))
    connection.endheaders()
    connection.send(b"x" * (2 * PART))
    partial = raw.store.directory / "partial"
    eventually(lambda: bool(list(partial.iterdir())))
    connection.close()
    eventually(lambda: not list(partial.iterdir()))
    assert raw.obj("torn").status == 404


def test_the_older_upload_path_works_too(raw: Raw) -> None:
    path = "/resumable/upload/storage/v1/b/bucket/o?uploadType=media&name=x"
    assert raw.call("POST", path, b"data").status == 200


@pytest.mark.parametrize("kind", ["", "other"])
def test_an_unknown_kind_of_upload_is_refused(raw: Raw, kind: str) -> None:
    assert raw.call("POST", f"{UPLOAD}?uploadType={kind}&name=x", b"data").status == 400


def test_an_answer_shows_only_the_selected_fields(raw: Raw) -> None:
    assert set(raw.made("x", fields="name,generation")) == {"name", "generation"}
    answer = send(raw, start(raw, "y", fields="name"), b"data", None)
    assert answer.json == {"name": "y"}


def test_clients_that_cannot_take_a_308_get_it_in_disguise(raw: Raw) -> None:
    uri = start(raw)
    answer = send(raw, uri, b"a" * PART, f"0-{PART - 1}/*", **{"X-GUploader-No-308": "yes"})
    assert answer.status == 200
    assert answer.headers["x-http-status-code-override"] == "308"
    assert answer.headers["range"] == f"bytes=0-{PART - 1}"


@pytest.mark.parametrize("quoted", ["'==sep=='", '"==sep=="'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_multipart_bodies_of_other_clients_are_understood(raw: Raw, quoted: str, end: str) -> None:
    lines = ["--==sep==", "Content-Type: application/json", "MIME-Version: 1.0", "", '{"name": "x"}']
    lines += ["--==sep==", "Content-Type: text/x", "Content-Transfer-Encoding: binary", "", "two\nlines", "--==sep==--"]
    headers = {"Content-Type": f"multipart/related; boundary={quoted}"}
    answer = raw.call("POST", f"{UPLOAD}?uploadType=multipart", end.join(lines), headers)
    assert answer.status == 200, answer
    assert answer.json["contentType"] == "text/x"
    assert raw.media("x").body == b"two\nlines"
