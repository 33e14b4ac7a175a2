"""Compare-and-set under concurrency, clients side by side, and clients that stall."""

from __future__ import annotations

import http.client
import random
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services.localstore.server import StoreServer
from services.localstore.store import StoreOptions
from tests.services.localstore.raw import Raw, eventually

WRITERS = 16


def test_of_many_create_only_uploads_exactly_one_wins(raw: Raw) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        for round_number in range(5):
            name = f"x{round_number}"
            answers = list(pool.map(lambda i: raw.put(name, b"%d" % i, ifGenerationMatch=0), range(WRITERS)))  # noqa: B023
            won = [index for index, answer in enumerate(answers) if answer.status == 200]
            assert len(won) == 1
            assert {answer.status for answer in answers} == {200, 412}
            assert raw.media(name).body == b"%d" % won[0]


def test_counting_by_compare_and_set_loses_no_update(raw: Raw) -> None:
    raw.made("count", b"0")

    def increment(_index: int) -> None:
        while True:
            media = raw.media("count")
            seen = media.headers["x-goog-generation"]
            if raw.put("count", b"%d" % (int(media.body) + 1), ifGenerationMatch=seen).status == 200:
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(increment, range(40)))
    assert raw.media("count").body == b"40"


def test_metadata_by_compare_and_set_loses_no_update(raw: Raw) -> None:
    raw.made("x")

    def add(index: int) -> None:
        while True:
            seen = raw.obj("x").json["metageneration"]
            patch = {"metadata": {f"k{index}": "v"}}
            if raw.obj("x", "PATCH", patch, ifMetagenerationMatch=seen).status == 200:
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))
    found = raw.obj("x").json
    assert len(found["metadata"]) == 24
    assert found["metageneration"] == "25"


def test_one_of_a_delete_and_an_overwrite_of_the_same_generation_fails(raw: Raw) -> None:
    with ThreadPoolExecutor(2) as pool:
        for _round in range(10):
            seen = raw.made("x", b"old")["generation"]
            deleted = pool.submit(raw.obj, "x", "DELETE", ifGenerationMatch=seen)
            written = pool.submit(raw.put, "x", b"new", ifGenerationMatch=seen)
            statuses = sorted([deleted.result().status, written.result().status])
            assert statuses in ([200, 412], [204, 412], [200, 404])


def test_readers_never_see_a_torn_object(raw: Raw) -> None:
    raw.call("PATCH", "/storage/v1/b/bucket", {"softDeletePolicy": {"retentionDurationSeconds": "0"}})
    raw.made("x", b"\0" * 600_000)

    def write(index: int) -> int:
        return raw.put("x", bytes([index]) * 600_000).status

    def read(_index: int) -> bool:
        body = raw.media("x").body
        return len(body) == 600_000 and len(set(body)) == 1

    with ThreadPoolExecutor(8) as pool:
        written = [pool.submit(write, index) for index in range(20)]
        whole = [pool.submit(read, index) for index in range(60)]
        assert {future.result() for future in written} == {200}
        assert all(future.result() for future in whole)


def test_sixty_four_clients_upload_and_download_side_by_side(raw: Raw) -> None:
    def round_trip(index: int) -> bool:
        data = random.Random(index).randbytes(300_000 + index)
        raw.made(f"o{index}", data)
        return raw.media(f"o{index}").body == data

    with ThreadPoolExecutor(64) as pool:
        assert all(pool.map(round_trip, range(64)))
    assert len(raw.names()) == 64


def test_stalled_clients_harm_no_other(raw: Raw) -> None:
    raw.made("large", bytes(4 << 20))
    stalled = []
    for _client in range(64):
        upload = socket.create_connection(("127.0.0.1", raw.store.port))
        upload.sendall(
            b"POST /upload/storage/v1/b/bucket/o?uploadType=media&name=never HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Length: 10000000\r\n\r\nfirst"
        )
        download = socket.create_connection(("127.0.0.1", raw.store.port))
        download.sendall(b"GET /bucket/large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        stalled += [upload, download]
    try:
        for index in range(20):
            raw.made(f"x{index}", b"content")
            assert raw.media(f"x{index}").body == b"content"
        assert raw.obj("never").status == 404
    finally:
        for connection in stalled:
            connection.close()


def test_requests_follow_each_other_on_one_connection(raw: Raw) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", raw.store.port, timeout=20)
    # An answer that comes before its request's body was read must leave the connection usable.
    for path, status in [
        ("/upload/storage/v1/b/none/o?uploadType=media&name=x", 404),
        ("/upload/storage/v1/b/bucket/o?uploadType=media&name=x", 200),
        ("/nowhere", 404),
        ("/upload/storage/v1/b/bucket/o?uploadType=media&name=x&ifGenerationMatch=0", 412),
    ] * 3:
        connection.request("POST", path, bytes(400_000))
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


def test_generations_grow_across_a_restart_and_a_clock_that_goes_back(
    store_factory: Callable[..., StoreServer], tmp_path: Path
) -> None:
    folder = tmp_path / "same"
    now = [2_000_000_000.0]
    first = store_factory(folder, options=StoreOptions(clock=lambda: now[0]))
    raw = Raw(first)
    raw.make_bucket()
    old = int(raw.made("x")["generation"])
    raw.call("PATCH", "/storage/v1/b/bucket", {"softDeletePolicy": {"retentionDurationSeconds": "0"}})
    raw.obj("x", "DELETE")
    first.stop()
    now[0] -= 1_000_000
    raw = Raw(store_factory(folder, options=StoreOptions(clock=lambda: now[0])))
    assert int(raw.made("x")["generation"]) > old


def test_what_has_expired_is_purged(store_factory: Callable[..., StoreServer], tmp_path: Path) -> None:
    folder = tmp_path / "same"
    now = [1_700_000_000.0]
    first = store_factory(folder, options=StoreOptions(clock=lambda: now[0]))
    raw = Raw(first)
    raw.make_bucket()
    raw.made("x", b"content")
    raw.made("kept", b"kept")
    raw.obj("x", "DELETE")

    def files() -> list[Path]:
        return [path for path in (folder / "blobs").rglob("*") if path.is_file()]

    assert len(files()) == 2
    now[0] += 7 * 86_400 + 1
    assert "items" not in raw.list(softDeleted="true")
    first.stop()
    raw = Raw(store_factory(folder, options=StoreOptions(clock=lambda: now[0])))
    eventually(lambda: len(files()) == 1)
    assert raw.media("kept").body == b"kept"
