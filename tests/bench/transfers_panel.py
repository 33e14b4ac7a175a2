"""Measures the Transfers view: `python -m tests.bench.transfers_panel [TRANSFERS]`.

A queue of that many transfers is scrolled through while samples come in, as over a real engine: each holds what the
view asked for.  "Stall" is the longest time for which the event loop could not run anything else meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

from services.transfer.messages import JobView, Snapshot, SnapshotQuery, TransferView
from tests.widgets.support import NOW, Stage
from widgets.transfers_panel import TransfersPanel


def queue(total: int) -> Callable[[SnapshotQuery], Snapshot]:
    """Return what answers queries about one job of so many transfers."""
    job = JobView("1", "upload", "/d", "gs://b/d/", "running", total, size=total * 4096, planned=True, created=NOW)

    def view(number: int) -> TransferView:
        return TransferView(
            f"1.{number}", "1", "upload", f"/d/file-{number:07}", f"gs://b/d/{number}", "queued", 0, 4096
        )

    def answer(query: SnapshotQuery) -> Snapshot:
        shown = range(query.offset, min(total, query.offset + query.limit))
        return Snapshot(jobs=(job,), transfers=tuple(map(view, shown)), total=total, running=1)

    return answer


async def longest_stall(stop: asyncio.Event) -> float:
    longest, last = 0.0, time.perf_counter()
    while not stop.is_set():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return longest


async def main(total: int) -> None:
    answer = queue(total)
    app = Stage(TransfersPanel)
    async with app.run_test(size=(120, 40)) as pilot:
        panel = app.query_one(TransfersPanel)
        panel.focus()
        panel.update(answer(SnapshotQuery(limit=100)))
        panel.action_unfold()
        await pilot.pause()
        samples: list[float] = []

        async def look(y: float) -> None:
            panel.scroll_to(y=y, animate=False, force=True)
            await asyncio.sleep(0)
            query = panel.query_wanted
            found = answer(query)
            start = time.perf_counter()
            panel.update(found, query)
            samples.append(time.perf_counter() - start)
            await asyncio.sleep(0.02)  # the screen is painted meanwhile

        print(
            f"| {total:,} transfers, 120×40 | steps | ms a step, CPU | slowest sample ms | stall ms |",
            file=sys.__stdout__,
        )
        print("|---|---|---|---|---|", file=sys.__stdout__)
        for name, places in (
            ("line by line", range(300)),
            ("page by page", range(0, min(total, 300 * 39), 39)),
            ("from end to end", range(0, total, max(1, total // 200))),
        ):
            samples.clear()
            stop = asyncio.Event()
            watch = asyncio.create_task(longest_stall(stop))
            start = time.process_time()
            for y in places:
                await look(y)
            spent = time.process_time() - start
            stop.set()
            stall = await watch
            each = spent * 1000 / len(places)
            print(
                f"| {name} | {len(places)} | {each:.1f} | {max(samples) * 1000:.1f} | {stall * 1000:.0f} |",
                file=sys.__stdout__,
            )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
