"""Measure the data plane alone, without engine, journal and disk: `python -m tests.bench.plane --help`.

Each run is a process of its own, so that CPU and memory are those of one road.  Bodies are checked as they pass.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

from services import checksum
from services.connection import Connection
from services.gcs.interface import DataPlane, ListQuery
from services.gcs.open import open_storage
from services.model import CREATE_ONLY, Precondition, WriteAttributes
from tests.bench.measure import Cost, certificate, run, serving

BUCKET: Final = "plane"
SMALL: Final = os.urandom(4096)
PART: Final = 16 << 20
BIG: Final = 1 << 30
STREAMS: Final = 2
"""Ranges of a large download side by side."""

PATTERN: Final = memoryview(os.urandom(1 << 20) * (PART >> 20))


async def _each(count: int, width: int, act: Callable[[int], Awaitable[Any]]) -> None:
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await act(number)

    await asyncio.gather(*(work() for _ in range(width)))


async def up(data: DataPlane, options: argparse.Namespace) -> None:
    """Create small objects."""
    attributes, crc32c = WriteAttributes(), checksum.of(SMALL)

    async def act(number: int) -> None:
        await data.insert(
            BUCKET, f"up/{number:06d}", SMALL, attributes=attributes, crc32c=crc32c, precondition=CREATE_ONLY
        )

    await _each(options.objects, options.width, act)


async def _read(data: DataPlane, name: str, start: int = 0, end: int | None = None) -> None:
    running, size = checksum.Crc32c(), 0
    async with data.read(BUCKET, name, start=start, end=end) as body:
        async for piece in body:
            running.update(piece)
            size += len(piece)
        assert end is not None or running.base64() == body.crc32c
        assert size == (body.size if end is None else end - start)


async def down(data: DataPlane, options: argparse.Namespace) -> None:
    """Read small objects."""
    await _each(options.objects, options.width, lambda number: _read(data, f"up/{number:06d}"))


async def list_all(data: DataPlane, options: argparse.Namespace) -> None:
    """List them page by page."""
    token, found = "", 0
    while True:
        page = await data.list_page(BUCKET, ListQuery(prefix="up/"), token)
        found += len(page.objects)
        token = page.next_token
        if not token:
            break
    assert found == options.objects


async def delete(data: DataPlane, options: argparse.Namespace) -> None:
    """Delete them in batches of 100."""

    async def act(number: int) -> None:
        items = [(f"up/{index:06d}", 1) for index in range(number * 100, min((number + 1) * 100, options.objects))]
        assert not any(await data.delete_many(BUCKET, items))

    await _each((options.objects + 99) // 100, 8, act)


async def big_up(data: DataPlane, _options: argparse.Namespace) -> None:
    """Upload one large object in parts, with its checksum."""
    session = await data.start_upload(
        BUCKET, "big", size=BIG, attributes=WriteAttributes(), crc32c="", precondition=Precondition()
    )
    running = checksum.Crc32c()
    piece = bytes(PATTERN)
    for offset in range(0, BIG, PART):
        running.update(piece)
        status = await data.upload_part(session, PATTERN, offset=offset, total=BIG)
    assert status.done is not None
    assert status.done.crc32c == running.base64()


async def big_down(data: DataPlane, _options: argparse.Namespace) -> None:
    """Download it in ranges."""
    size = BIG // STREAMS
    await asyncio.gather(*(_read(data, "big", at * size, (at + 1) * size) for at in range(STREAMS)))


ROWS: Final = {"up": up, "down": down, "list": list_all, "delete": delete, "big-up": big_up, "big-down": big_down}
ROADS: Final = ("lean", "library")


async def _one(options: argparse.Namespace) -> None:
    async with await open_storage(Connection(endpoint=options.address), road=options.road) as storage:
        await ROWS[options.row](storage.data, options)


def _compare(options: argparse.Namespace) -> None:
    costs: dict[tuple[str, str], list[Cost]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        extra = certificate(folder) if options.tls else []
        environment = os.environ | ({"SSL_CERT_FILE": str(folder / "cert.pem")} if options.tls else {})
        for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            environment.pop(variable, None)
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        with serving(*extra) as server:
            for number in range(options.rounds):
                for row in ROWS:
                    for road in ROADS[:: 1 if number % 2 else -1]:
                        words = ["--address", server.address, "--road", road, "--row", row]
                        words += ["--objects", str(options.objects), "--width", str(options.width)]
                        if row == "delete":  # every road deletes what it finds there: put it back first
                            _put_back(words, environment, folder)
                        command = [sys.executable, "-m", "tests.bench.plane", *words]
                        costs.setdefault((row, road), []).append(run(command, environment, folder))
    print("| row | " + " | ".join(f"{road}: wall s · CPU s · MiB" for road in ROADS) + " |\n|---|---|---|")
    for row in ROWS:
        print(f"| {row} | " + " | ".join(_cell(costs[row, road]) for road in ROADS) + " |")


def _put_back(words: Iterable[str], environment: dict[str, str], folder: Path) -> None:
    again = ["up" if word == "delete" else word for word in words]
    run([sys.executable, "-m", "tests.bench.plane", *again], environment, folder)


def _cell(costs: list[Cost]) -> str:
    wall, cpu, rss = (statistics.median(getattr(cost, key) for cost in costs) for key in ("wall_s", "cpu_s", "rss_mib"))
    return f"{wall:.2f} · {cpu:.2f} · {rss:.0f}"


def main() -> None:
    """Compare the roads, or run one row on one of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.plane", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--width", type=int, default=64, help="requests under way")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--address", default="", help=argparse.SUPPRESS)
    parser.add_argument("--road", choices=ROADS, default="lean", help=argparse.SUPPRESS)
    parser.add_argument("--row", choices=ROWS, default="up", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.address:
        asyncio.run(_one(options))
    else:
        _compare(options)


if __name__ == "__main__":
    main()
