"""Measures the object tree: `python -m tests.bench.object_tree [ROWS]`; figures of one machine are in object_tree.md.

"Stall" is the longest time for which the event loop could not run anything else meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psutil
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

from app.collector import RowKeeper
from services.collecting import calm_collector
from services.model import ListPage, ObjectRow
from tests.widgets.support import NOW, Stage, clock
from widgets.object_rows import Order
from widgets.object_tree import ObjectTree

PAGE = 1_000
"""Rows of a page, as the service sends them."""

MEBIBYTE = 2**20
"""Bytes."""


class CountingDriver(HeadlessDriver):
    """Takes what would go to the terminal, and counts it."""

    written = 0
    """Characters so far."""

    @property
    def is_headless(self) -> bool:
        """Pretend to be a terminal, or nothing is written."""
        return False

    def write(self, data: str) -> None:
        """Count."""
        CountingDriver.written += len(data.encode())


class Bench:
    """Runs steps and prints a line for each."""

    def __init__(self, tree: ObjectTree, pilot: Pilot[Any]) -> None:
        self.tree = tree
        self.pilot = pilot
        self.process = psutil.Process()

    def memory(self) -> float:
        return self.process.memory_info().rss / MEBIBYTE

    async def measure(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        stop = asyncio.Event()
        watch = asyncio.create_task(longest_stall(stop))
        await asyncio.sleep(0.01)
        start, bytes_before = time.perf_counter(), CountingDriver.written
        await step()
        await self.pilot.pause()
        took = time.perf_counter() - start
        stop.set()
        stall = await watch
        written = CountingDriver.written - bytes_before
        print(
            f"| {name} | {took * 1000:.0f} | {stall * 1000:.0f} | {self.memory():.0f} | {written:,} |",
            file=sys.__stdout__,
            flush=True,
        )

    async def keys(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)

    async def settled(self, change: Callable[[], None]) -> None:
        change()
        await asyncio.sleep(0)
        await self.tree.workers.wait_for_complete()


async def longest_stall(stop: asyncio.Event) -> float:
    loop = asyncio.get_running_loop()
    worst, last = 0.0, loop.time()
    while not stop.is_set():
        await asyncio.sleep(0.001)
        now = loop.time()
        worst, last = max(worst, now - last - 0.001), now
    return worst


def make_pages(total: int) -> list[ListPage]:
    def row(index: int) -> ObjectRow:
        size, generation = index * 7_919 % 1_000_003, 1_763_000_000_000_000 + index
        name = f"logs-{index:07d}.json"
        return ObjectRow(name, size, NOW - index, generation, 1, "n03x6A==", "application/json", "STANDARD")

    return [
        ListPage([row(index) for index in range(start, min(start + PAGE, total))], [], "")
        for start in range(0, total, PAGE)
    ]


async def main(total: int) -> None:
    calm_collector()  # as the program does
    app = Stage(lambda: ObjectTree(clock=clock))
    async with app.run_test(size=(120, 40)) as pilot:
        app._driver.__class__ = CountingDriver  # run_test insists on a driver that writes nothing
        tree = app.query_one(ObjectTree)
        tree.focus()
        tree.show("")
        pages = make_pages(total)
        bench = Bench(tree, pilot)
        print(f"| {total:,} rows, 120×40 | ms | stall ms | MiB | bytes |\n|---|---|---|---|---|", file=sys.__stdout__)
        print(f"| rows in memory | | | {bench.memory():.0f} | |", file=sys.__stdout__)

        keeper = RowKeeper()

        async def feed() -> None:
            for index, page in enumerate(pages):
                tree.add_page("", page, final=index == len(pages) - 1)
                keeper.grew(len(page.objects))
                if index % 4 == 3:
                    await asyncio.sleep(0)

        await bench.measure("add all pages", feed)
        await bench.measure("10 × down", lambda: bench.keys(*["j"] * 10))
        await bench.measure("end", lambda: bench.keys("end"))
        await bench.measure("10 × up", lambda: bench.keys(*["k"] * 10))
        await bench.measure("page up", lambda: bench.keys("pageup"))
        for order in (Order("size", descending=True), Order("type"), Order("name", descending=True), Order()):
            way = "down" if order.descending else "up"
            await bench.measure(
                f"sort by {order.key}, {way}", lambda order=order: bench.settled(lambda: tree.sort_by(order))
            )
        await bench.measure("filter", lambda: bench.settled(lambda: setattr(tree, "filter_text", "77")))
        await bench.measure("no filter", lambda: bench.settled(lambda: setattr(tree, "filter_text", "")))
        await bench.measure("mark all", lambda: bench.keys("a"))
        await bench.measure("unmark all", lambda: bench.keys("escape"))
        tree.refresh_folder("")
        await bench.measure("refresh", feed)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
