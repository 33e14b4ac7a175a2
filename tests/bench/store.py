"""Figures of the embedded store: `python -m tests.bench.store [--list N]` prints the table of docs/performance.md.

The store runs as a process of its own on a disk (TMPDIR), with every commit flushed; the client is plain `http.client`.
Memory is the growth of the store's resident set over its state right after the start, sampled every 20 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

GIB = 1 << 30
CHUNK = 1 << 20
UPLOAD = "/upload/storage/v1/b/bench/o?uploadType=media&name="


class Store:
    """A store process and the peak of its memory."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.localstore", str(folder), "--open"], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.host = self.process.stdout.readline().strip().removeprefix("http://")
        self.measured = psutil.Process(self.process.pid)
        self.base = self.measured.memory_info().rss
        self.peak = self.base

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, timeout=120)

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        connection = self.connect()
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        data = response.read()
        assert response.status < 300, data
        connection.close()
        return data

    @contextlib.contextmanager
    def measure(self, label: str, amount: Callable[[float], str]) -> Iterator[None]:
        """Print time, rate, CPU of the store and growth of its memory."""
        self.peak = self.measured.memory_info().rss
        done = threading.Event()

        def sample() -> None:
            while not done.wait(0.02):
                self.peak = max(self.peak, self.measured.memory_info().rss)

        sampler = threading.Thread(target=sample)
        sampler.start()
        cpu = sum(self.measured.cpu_times()[:2])
        began = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - began
            done.set()
            sampler.join()
        cpu = sum(self.measured.cpu_times()[:2]) - cpu
        growth = (self.peak - self.base) / (1 << 20)
        print(f"| {label} | {elapsed:.2f} s | {amount(elapsed)} | {cpu:.2f} s | {growth:.0f} MiB |", flush=True)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def put_zeros(store: Store, name: str, size: int) -> None:
    connection = store.connect()
    connection.putrequest("POST", UPLOAD + name)
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    for _chunk in range(size // CHUNK):
        connection.send(bytes(CHUNK))
    assert connection.getresponse().status == 200
    connection.close()


def get(store: Store, name: str) -> None:
    connection = store.connect()
    connection.request("GET", f"/bench/{name}")
    response = connection.getresponse()
    while response.read(CHUNK):
        pass
    connection.close()


def megabytes(size: int) -> Callable[[float], str]:
    return lambda elapsed: f"{size / elapsed / (1 << 20):.0f} MiB/s"


def operations(count: int) -> Callable[[float], str]:
    return lambda elapsed: f"{count / elapsed:.0f} a second"


def small(store: Store, method: str, path: str, body: bytes | None, count: int, clients: int) -> None:
    """Run `count` requests on `clients` connections, each of which waits for its answer."""

    def client(number: int) -> None:
        connection = store.connect()
        for index in range(number, count, clients):
            connection.request(method, path.format(index), body)
            response = connection.getresponse()
            response.read()
            assert response.status < 300
        connection.close()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))


def stall(store: Store) -> list[socket.socket]:
    """Open 64 uploads and 64 downloads that never go on."""
    host, _, port = store.host.partition(":")
    stalled = []
    for request in (
        f"POST {UPLOAD}never HTTP/1.1\r\nHost: {store.host}\r\nContent-Length: 99999999\r\n\r\nx",
        f"GET /bench/large HTTP/1.1\r\nHost: {store.host}\r\n\r\n",
    ) * 64:
        connection = socket.create_connection((host, int(port)))
        connection.sendall(request.encode())
        stalled.append(connection)
    return stalled


def fill(store: Store, count: int) -> None:
    """Make `count` objects below `list/` by batches of copies."""
    store.call("POST", f"{UPLOAD}source", b"")
    for start in range(0, count, 100):
        calls = "".join(
            "--b\r\nContent-Type: application/http\r\n\r\nPOST /storage/v1/b/bench/o/source/copyTo/b/bench/o/"
            f"list%2F{index % 100:02d}%2F{index:07d} HTTP/1.1\r\n\r\n\r\n"
            for index in range(start, min(start + 100, count))
        )
        store.call("POST", "/batch", f"{calls}--b--".encode(), {"Content-Type": "multipart/mixed; boundary=b"})


def walk(store: Store, query: str) -> tuple[int, list[float]]:
    """Follow a list to its end; return the number of items and the seconds of each page."""
    found, token, times = 0, "", []
    while True:
        began = time.perf_counter()
        page = json.loads(store.call("GET", f"/storage/v1/b/bench/o?{query}{token}"))
        times.append(time.perf_counter() - began)
        found += len(page.get("items", [])) + len(page.get("prefixes", []))
        if "nextPageToken" not in page:
            return found, times
        token = f"&pageToken={page['nextPageToken']}"


def listings(store: Store, count: int) -> None:
    with store.measure(f"{count:,} objects made by batches of copies", operations(count)):
        fill(store, count)
    for label, query in (
        ("listed in full", "prefix=list/"),
        ("listed with five fields", "prefix=list/&fields=items(name,size,updated,generation,crc32c),nextPageToken"),
    ):
        with store.measure(f"{count:,} objects {label}", operations(count)):
            found, times = walk(store, query)
        assert found == count
        print(f"| – its first and last ten pages | {sum(times[:10]):.3f} s, {sum(times[-10:]):.3f} s | | | |")
    with store.measure("100 prefixes over them", operations(100)):
        assert walk(store, "prefix=list/&delimiter=/")[0] == 100


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", type=int, default=100_000, help="objects in the lists")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        try:
            store.call("POST", "/storage/v1/b?project=p", b'{"name": "bench"}')
            print("| what | time | rate | CPU of the store | its memory grew by |")
            print("|---|---|---|---|---|")
            with store.measure("1 GiB up", megabytes(GIB)):
                put_zeros(store, "large", GIB)
            with store.measure("1 GiB down", megabytes(GIB)):
                get(store, "large")
            with store.measure("64 clients at once, 16 MiB up each", megabytes(GIB)), ThreadPoolExecutor(64) as pool:
                list(pool.map(lambda index: put_zeros(store, f"c{index}", 16 * CHUNK), range(64)))
            with store.measure("64 clients at once, 16 MiB down each", megabytes(GIB)), ThreadPoolExecutor(64) as pool:
                list(pool.map(lambda index: get(store, f"c{index}"), range(64)))
            for clients in (1, 32):
                with store.measure(f"2,000 × 4 KiB up, {clients} clients", operations(2000)):
                    small(store, "POST", f"{UPLOAD}s{clients}-{{}}", bytes(4096), 2000, clients)
            with store.measure("2,000 × 4 KiB down, 32 clients", operations(2000)):
                small(store, "GET", "/bench/s32-{}", None, 2000, 32)
            stalled = stall(store)
            with store.measure("the same beside 128 stalled clients", operations(2000)):
                small(store, "GET", "/bench/s32-{}", None, 2000, 32)
            for connection in stalled:
                connection.close()
            with store.measure("delete 2,000, 32 clients", operations(2000)):
                small(store, "DELETE", "/storage/v1/b/bench/o/s32-{}", None, 2000, 32)
            listings(store, arguments.list)
        finally:
            store.stop()


if __name__ == "__main__":
    main()
