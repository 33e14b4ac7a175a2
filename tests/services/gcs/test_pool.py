"""Threads for blocking calls."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.errors import Interrupted
from services.gcs.pool import ThreadPool


async def test_results_and_errors_come_back_from_threads() -> None:
    pool = ThreadPool("test", 2)
    assert await pool.run(threading.current_thread) is not threading.current_thread()
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0)
    pool.close()
    assert pool.join(10)


async def test_never_more_threads_than_its_size_and_no_more_than_are_needed() -> None:
    pool = ThreadPool("test", 3)
    for _ in range(10):
        await pool.run(lambda: None)
        # A result is known a moment before its thread is idle again, and only an idle one is used again.
        while pool._idle < len(pool._threads):  # noqa: ASYNC110 - the pool has no event for it
            await asyncio.sleep(0)
    assert len(pool._threads) == 1
    gate = threading.Event()
    jobs = [pool.submit(gate.wait) for _ in range(20)]
    assert len(pool._threads) == 3
    gate.set()
    assert all([await asyncio.wrap_future(job) for job in jobs])
    pool.close()
    assert pool.join(10)


async def test_closing_tells_those_who_still_wait_and_refuses_more() -> None:
    pool = ThreadPool("test", 1)
    gate, begun = threading.Event(), threading.Event()
    running = pool.submit(lambda: begun.set() or gate.wait())
    await asyncio.to_thread(begun.wait)
    waiting = asyncio.create_task(pool.run(lambda: None))
    await asyncio.sleep(0)
    pool.close()
    with pytest.raises(Interrupted):
        await waiting
    with pytest.raises(Interrupted):
        pool.submit(lambda: None)
    gate.set()
    assert running.result(10)
    assert pool.join(10)


async def test_cancelling_calls_what_makes_the_thread_come_back() -> None:
    pool = ThreadPool("test", 1)
    gate, begun = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        gate.wait()

    task = asyncio.create_task(pool.run(work, give_up=gate.set))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gate.is_set()
    pool.close()
    assert pool.join(10)


def test_a_thread_that_hangs_does_not_hold_up_the_end_of_the_process() -> None:
    code = (
        "import threading; from services.gcs.pool import ThreadPool; begun = threading.Event()\n"
        "pool = ThreadPool('test'); pool.submit(lambda: (begun.set(), threading.Event().wait())); begun.wait()"
    )
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60, check=False).returncode == 0
