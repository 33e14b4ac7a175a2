"""Who may talk to a store, and what other users of the machine can see of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from services.errors import Busy, LocalFileError, PailError, Unsafe
from services.localstore.server import StoreServer
from tests.services.localstore.raw import Raw

LIST = "/storage/v1/b"


@pytest.fixture
def closed(store_factory: Callable[..., StoreServer]) -> StoreServer:
    return store_factory(open_access=False)


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic abc", "Bearer"])
def test_the_token_is_asked_for(closed: StoreServer, header: str) -> None:
    answer = Raw(closed, Authorization=header).call("GET", LIST)
    assert (answer.status, answer.reason) == (401, "required")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert Raw(closed).call("GET", LIST).status == 200


@pytest.mark.parametrize("path", [LIST, "/bucket/object", "/nowhere", "/batch", "/upload/storage/v1/b/x/o"])
def test_nothing_answers_without_the_token(closed: StoreServer, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        assert Raw(closed, Authorization="").call(method, path).status == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:80", "localhost.evil:1", ""])
def test_a_foreign_host_is_refused(store: StoreServer, host: str) -> None:
    assert Raw(store).call("GET", LIST, None, {"Host": host}).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:4443", "[::1]:80", "LOCALHOST"])
def test_every_name_of_the_loopback_is_accepted(store: StoreServer, host: str) -> None:
    assert Raw(store).call("GET", LIST, None, {"Host": host}).status == 200


def test_a_foreign_origin_is_refused(store: StoreServer) -> None:
    for origin in ("http://evil.example", "null", "https://127.0.0.1"):
        assert Raw(store).call("GET", LIST, None, {"Origin": origin}).status == 403
    assert Raw(store).call("GET", LIST, None, {"Origin": store.endpoint}).status == 200


def test_files_are_private_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with StoreServer(tmp_path / "store") as store:
            raw = Raw(store)
            raw.make_bucket()
            raw.made("x", bytes(600_000))
            raw.call("POST", "/upload/storage/v1/b/bucket/o?uploadType=resumable&name=y", {})
            for path in [tmp_path / "store", *(tmp_path / "store").rglob("*")]:
                mode = stat.S_IMODE(path.lstat().st_mode)
                allowed = 0o700 if path.is_dir() else 0o600
                assert mode & ~allowed == 0, (path, oct(mode))
    finally:
        os.umask(before)


def test_a_second_store_on_a_folder_is_refused(store: StoreServer) -> None:
    with pytest.raises(Busy):
        StoreServer(store.directory)
    assert Raw(store).call("GET", LIST).status == 200


def test_a_planted_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(Unsafe):
        StoreServer(tmp_path / "link")


def test_a_port_that_is_taken_is_refused_in_words(store: StoreServer, tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match="cannot listen"):
        StoreServer(tmp_path / "other", port=store.port)
    # A start that failed must not keep the folder.
    with StoreServer(tmp_path / "other", open_access=True) as other:
        assert Raw(other).call("GET", LIST).status == 200


def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    import sqlite3

    (tmp_path / "store").mkdir(mode=0o700)
    connection = sqlite3.connect(tmp_path / "store" / "metadata.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(PailError, match="version 99"):
        StoreServer(tmp_path / "store")


def test_customer_supplied_keys_are_refused_rather_than_ignored(store: StoreServer) -> None:
    raw = Raw(store)
    raw.make_bucket()
    headers = {"x-goog-encryption-algorithm": "AES256"}
    path = "/upload/storage/v1/b/bucket/o?uploadType=media&name=x"
    assert raw.call("POST", path, b"secret", headers).status == 400
    assert raw.obj("x").status == 404


@pytest.mark.parametrize(
    "line",
    [
        b"GET  HTTP/1.1",
        b"NONSENSE",
        b"GET /storage/v1/b HTTP/9.9",
        b"GET /\xff\xfe HTTP/1.1",
        b"GET * HTTP/1.1",
        b"\x00" * 50,
    ],
)
def test_broken_requests_end_in_an_answer_or_a_closed_connection(store: StoreServer, line: bytes) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", store.port), timeout=10) as connection:
        connection.sendall(line + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert Raw(store).call("GET", LIST).status == 200
