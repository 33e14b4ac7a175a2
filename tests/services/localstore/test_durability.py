"""kill -9 at any moment: what was acknowledged is there and whole, and nothing else is."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from services.localstore.server import StoreServer
from tests.services.localstore.raw import Raw, eventually

WRITERS = 8


@contextlib.contextmanager
def killed_store(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a store as a process of its own; it is killed at the latest when the context ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "services.localstore", str(folder), "--open"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip().removeprefix("http://"), process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Writer(threading.Thread):
    """Uploads one object after the other, in every way, until the store dies under it."""

    def __init__(self, host: str, number: int) -> None:
        super().__init__()
        self.host = host
        self.random = random.Random(number)
        self.number = number
        self.acknowledged: dict[str, tuple[str, bytes]] = {}
        self.deleted: set[str] = set()
        self.count = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection(self.host, timeout=20)
        index = 0
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                name = f"w{self.number}/{index % 50}"
                data = self.random.randbytes(self.random.choice([0, 1, 5000, 300_000, 700_000]))
                self.deleted.discard(name)
                self.acknowledged.pop(name, None)
                self.acknowledged[name] = (self.upload(connection, name, data), data)
                if index % 7 == 0:
                    # From here on the object may be gone or not: a delete that was sent may be committed.
                    del self.acknowledged[name]
                    connection.request("DELETE", f"/storage/v1/b/bucket/o/{quote(name, safe='')}")
                    assert connection.getresponse().read() == b""
                    self.deleted.add(name)
                index += 1
                self.count = index
        connection.close()

    def upload(self, connection: http.client.HTTPConnection, name: str, data: bytes) -> str:
        path = f"/upload/storage/v1/b/bucket/o?name={quote(name, safe='')}&uploadType="
        if self.random.random() < 0.3:
            connection.request("POST", f"{path}resumable", b"{}")
            response = connection.getresponse()
            response.read()
            location = response.headers["Location"].partition("/upload")[2]
            connection.request("PUT", f"/upload{location}", data)
        else:
            connection.request("POST", f"{path}media", data)
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        generation: str = json.loads(body)["generation"]
        return generation


@pytest.mark.parametrize("acknowledged", [20, 150, 400])
def test_every_acknowledged_object_survives_a_kill(tmp_path: Path, acknowledged: int) -> None:
    folder = tmp_path / "store"
    with killed_store(folder) as (host, process):
        connection = http.client.HTTPConnection(host)
        connection.request("POST", "/storage/v1/b?project=p", json.dumps({"name": "bucket"}))
        assert connection.getresponse().status == 200
        connection.close()
        writers = [Writer(host, number) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        eventually(lambda: sum(writer.count for writer in writers) >= acknowledged, seconds=60)
        process.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.join()
    with StoreServer(folder, open_access=True) as store:
        raw = Raw(store)
        for writer in writers:
            for name, (generation, data) in writer.acknowledged.items():
                answer = raw.media(name)
                assert answer.status == 200
                assert answer.body == data
                assert answer.headers["x-goog-generation"] == generation
            for name in writer.deleted:
                assert raw.obj(name).status == 404
        # Nothing torn: whatever else is listed is whole, and every file belongs to a row.
        for item in raw.list()["items"]:
            assert str(len(raw.media(item["name"]).body)) == item["size"]
        rows = [item for item in raw.list(softDeleted="true").get("items", []) if item["size"] != "0"]
        rows += [item for item in raw.list()["items"] if item["size"] != "0"]
        files = [path for path in (folder / "blobs").rglob("*") if path.is_file()]
        assert len(files) == len(rows)


def test_orphans_are_collected_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    with StoreServer(folder, open_access=True) as store:
        raw = Raw(store)
        raw.make_bucket()
        raw.made("x", b"content")
    orphan = folder / "blobs" / "00000000" / f"{999:016x}"
    orphan.write_bytes(b"orphan")
    (folder / "partial" / "body-0000000000000007").write_bytes(b"torn")
    with StoreServer(folder, open_access=True) as store:
        assert not orphan.exists()
        assert list((folder / "partial").iterdir()) == []
        raw = Raw(store)
        assert raw.media("x").body == b"content"
        raw.made("y", b"second")
        assert raw.media("y").body == b"second"


def test_a_full_disk_refuses_uploads_and_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with StoreServer(tmp_path / "store", open_access=True) as store:
        raw = Raw(store)
        raw.make_bucket()
        raw.made("x", b"old")
        with monkeypatch.context() as patched:

            def full(_descriptor: int) -> None:
                raise OSError(28, os.strerror(28))

            patched.setattr("services.localstore.blobs.os.fsync", full)
            answer = raw.put("x", b"new")
            assert answer.status == 500
            assert answer.reason == "internalError"
        assert raw.media("x").body == b"old"
        assert list((tmp_path / "store" / "partial").iterdir()) == []
        assert raw.put("x", b"new").status == 200
