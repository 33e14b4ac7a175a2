"""Protocol checks: rewrite, copy, move, compose and batches."""

from __future__ import annotations

import base64
import email
import json
import random
from typing import Any

import google_crc32c
import pytest

from services.localstore.store import StoreOptions
from tests.services.localstore.raw import Answer, Raw

MIB = 1 << 20


def rewrite(raw: Raw, source: str, target: str, body: Any = None, **query: Any) -> Answer:
    return raw.obj(source, "POST", body or {}, _of=f"/rewriteTo/b/bucket/o/{target}", **query)


def test_a_rewrite_copies_content_and_metadata(raw: Raw) -> None:
    raw.multipart({"name": "x", "metadata": {"k": "v"}, "cacheControl": "no-store"}, b"content")
    answer = rewrite(raw, "x", "y").json
    assert answer["kind"] == "storage#rewriteResponse"
    assert answer["done"] is True
    assert answer["objectSize"] == answer["totalBytesRewritten"] == "7"
    made = answer["resource"]
    assert (made["metadata"], made["cacheControl"], made["contentType"]) == ({"k": "v"}, "no-store", "text/plain")
    source = raw.obj("x").json
    assert (made["crc32c"], made["md5Hash"]) == (source["crc32c"], source["md5Hash"])
    assert raw.media("y").body == b"content"


def test_a_rewrite_with_metadata_replaces_it(raw: Raw) -> None:
    raw.multipart({"name": "x", "metadata": {"k": "v"}}, b"content")
    body = {"metadata": {"n": "w"}, "storageClass": "NEARLINE"}
    made = rewrite(raw, "x", "y", body).json["resource"]
    assert (made["metadata"], made["storageClass"]) == ({"n": "w"}, "NEARLINE")


def test_a_rewrite_onto_itself_changes_the_storage_class(raw: Raw) -> None:
    made = raw.made("x", b"content")
    changed = rewrite(raw, "x", "x", {"storageClass": "COLDLINE"}).json["resource"]
    assert changed["storageClass"] == "COLDLINE"
    assert int(changed["generation"]) > int(made["generation"])
    assert raw.media("x").body == b"content"


def test_a_large_rewrite_goes_on_with_its_token(store_factory: Any) -> None:
    raw = Raw(store_factory(options=StoreOptions(rewrite_bytes_per_call=2 * MIB)))
    raw.make_bucket()
    data = random.Random(1).randbytes(5 * MIB)
    raw.made("x", data)
    first = rewrite(raw, "x", "y").json
    assert (first["done"], first["totalBytesRewritten"], first["objectSize"]) == (False, str(2 * MIB), str(5 * MIB))
    assert raw.obj("y").status == 404
    token = first["rewriteToken"]
    assert rewrite(raw, "x", "z", rewriteToken=token).status == 400
    second = rewrite(raw, "x", "y", rewriteToken=token).json
    assert second["totalBytesRewritten"] == str(4 * MIB)
    third = rewrite(raw, "x", "y", rewriteToken=second["rewriteToken"]).json
    assert third["done"] is True
    assert raw.media("y").body == data
    assert rewrite(raw, "x", "y", rewriteToken=token).status == 400
    assert rewrite(raw, "x", "w", maxBytesRewrittenPerCall=5).status == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"ifSourceGenerationMatch": "1"}, 412),
        ({"ifSourceMetagenerationMatch": "2"}, 412),
        ({"ifSourceMetagenerationMatch": "1"}, 200),
        ({"sourceGeneration": "1"}, 404),
        ({"ifGenerationMatch": "0"}, 200),
        ({"ifGenerationMatch": "1"}, 412),
    ],
)
@pytest.mark.parametrize("way", ["rewriteTo/b/bucket/o", "copyTo/b/bucket/o", "moveTo/o"])
def test_preconditions_of_copies(raw: Raw, way: str, query: dict[str, str], status: int) -> None:
    if way.startswith("move") and "sourceGeneration" in query:
        query = {"ifSourceGenerationMatch": "1"}
        status = 412
    raw.made("x", b"content")
    assert raw.obj("x", "POST", {}, _of=f"/{way}/y", **query).status == status
    assert raw.obj("y").status == (200 if status == 200 else 404)


def test_a_copy_goes_to_another_bucket(raw: Raw) -> None:
    raw.make_bucket("other", storageClass="NEARLINE")
    raw.made("x", b"content")
    made = raw.obj("x", "POST", {}, _of="/copyTo/b/other/o/dir%2Fy").json
    assert (made["bucket"], made["name"], made["storageClass"]) == ("other", "dir/y", "NEARLINE")
    assert raw.call("GET", "/other/dir/y").body == b"content"


def test_a_copy_outlives_its_source(raw: Raw) -> None:
    raw.call("PATCH", "/storage/v1/b/bucket", {"softDeletePolicy": {"retentionDurationSeconds": "0"}})
    raw.made("x", b"content")
    rewrite(raw, "x", "y")
    raw.obj("x", "DELETE")
    assert raw.media("y").body == b"content"


def test_a_move_renames(raw: Raw) -> None:
    raw.multipart({"name": "x", "metadata": {"k": "v"}}, b"content")
    moved = raw.obj("x", "POST", _of="/moveTo/o/dir%2Fy")
    assert moved.json["name"] == "dir/y"
    assert moved.json["metadata"] == {"k": "v"}
    assert raw.names() == ["dir/y"]
    assert raw.media("dir/y").body == b"content"
    assert raw.obj("x", "POST", _of="/moveTo/o/z").status == 404
    assert raw.obj("dir/y", "POST", _of="/moveTo/o/dir%2Fy").status == 400


def test_a_compose_joins_its_sources(raw: Raw) -> None:
    made = [raw.made(f"p{index}", b"part%d;" % index) for index in range(3)]
    body = {
        "destination": {"contentType": "text/joined", "metadata": {"k": "v"}},
        "sourceObjects": [
            {"name": "p0"},
            {"name": "p1", "generation": made[1]["generation"]},
            {"name": "p2", "objectPreconditions": {"ifGenerationMatch": made[2]["generation"]}},
        ],
    }
    joined = raw.obj("all", "POST", body, _of="/compose", ifGenerationMatch=0).json
    data = b"part0;part1;part2;"
    assert joined["componentCount"] == 3
    assert "md5Hash" not in joined
    assert joined["crc32c"] == base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
    assert (joined["contentType"], joined["metadata"]) == ("text/joined", {"k": "v"})
    answer = raw.media("all")
    assert answer.body == data
    assert "md5" not in answer.headers["x-goog-hash"]
    again = raw.obj("all", "POST", {"sourceObjects": [{"name": "all"}, {"name": "p0"}]}, _of="/compose").json
    assert again["componentCount"] == 4
    assert raw.obj("all", "POST", body, _of="/compose", ifGenerationMatch=0).status == 412


@pytest.mark.parametrize(
    ("sources", "status"),
    [
        ([], 400),
        ([{"name": "p"}] * 33, 400),
        ([{"name": "p"}] * 32, 200),
        ([{"name": "none"}], 404),
        ([{"name": "p", "objectPreconditions": {"ifGenerationMatch": "5"}}], 412),
        (["p"], 400),
        ("p", 400),
    ],
)
def test_what_a_compose_accepts(raw: Raw, sources: Any, status: int) -> None:
    raw.made("p")
    assert raw.obj("all", "POST", {"sourceObjects": sources}, _of="/compose").status == status


def batch(raw: Raw, *calls: str, path: str = "/batch/storage/v1") -> list[tuple[int, str, str]]:
    """Send calls and return (status, content id, body) of each."""
    parts = [
        f"--b\r\nContent-Type: application/http\r\nContent-ID: <id+{index}>\r\n\r\n{call}\r\n"
        for index, call in enumerate(calls)
    ]
    answer = raw.call("POST", path, "".join(parts) + "--b--", {"Content-Type": "multipart/mixed; boundary=b"})
    assert answer.status == 200, answer
    message = email.message_from_bytes(
        b"Content-Type: " + answer.headers["content-type"].encode() + b"\r\n\r\n" + answer.body
    )
    found = []
    for part in message.walk():
        if part.get_content_type() == "application/http":
            payload = str(part.get_payload())
            status = int(payload.split(" ")[1])
            found.append((status, str(part["Content-ID"]), payload.replace("\r\n", "\n").partition("\n\n")[2]))
    return found


def test_a_batch_answers_each_call(raw: Raw) -> None:
    raw.made("x")
    raw.made("y z")
    found = batch(
        raw,
        "GET /storage/v1/b/bucket/o/x?fields=name HTTP/1.1\r\n",
        "DELETE /storage/v1/b/bucket/o/none HTTP/1.1\r\n",
        'PATCH /storage/v1/b/bucket/o/y%20z HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{"metadata":{"k":"v"}}',
        "GET /storage/v1/b/bucket/o/x?ifGenerationMatch=1 HTTP/1.1\r\n",
        "GET /nowhere HTTP/1.1\r\n",
        "nonsense\r\n",
    )
    assert [status for status, _, _ in found] == [200, 404, 200, 412, 404, 400]
    assert json.loads(found[0][2]) == {"name": "x"}
    assert [name for _, name, _ in found] == [f"<response-id+{index}>" for index in range(6)]
    assert raw.obj("y z").json["metadata"] == {"k": "v"}


def test_a_batch_takes_a_hundred_calls_and_no_media(raw: Raw) -> None:
    call = "GET /storage/v1/b/bucket HTTP/1.1\r\n"
    assert [status for status, _, _ in batch(raw, *[call] * 100)] == [200] * 100
    body = f"--b\r\n\r\n{call}\r\n" * 101 + "--b--"
    assert raw.call("POST", "/batch", body, {"Content-Type": "multipart/mixed; boundary=b"}).status == 400
    raw.made("x")
    media = batch(raw, "GET /storage/v1/b/bucket/o/x?alt=media HTTP/1.1\r\n", "GET /bucket/x HTTP/1.1\r\n")
    assert media[0][0] == 400
    assert raw.call("POST", "/batch", b"x", {"Content-Type": "text/plain"}).status == 400
    assert raw.call("POST", "/batch", b"x", {"Content-Type": "multipart/mixed; boundary=b"}).status == 400
