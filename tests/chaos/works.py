"""The real worker, as a process of its own, and a person who looks at it: what kills and blackouts are tried on."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.connection import Connection
from services.transfer.messages import JobItem, JobSpec, JobView, Submit
from services.worker.client import WorkerClient, connect, stop
from tests.chaos.bed import Report, checksums_of, create_bucket, difference, make_tree, stored, tree_of
from tests.chaos.proxy import Proxy

MIB = 1 << 20


async def until(condition: Callable[[], Awaitable[Any] | Any], limit_s: float = 120.0) -> Any:
    """Wait until `condition` is true and return what it returned; raises `TimeoutError`."""
    async with asyncio.timeout(limit_s):
        while True:
            found = condition()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.02)


@dataclass
class Works:
    """A worker's client and the folders it works on."""

    client: WorkerClient
    connection: Connection
    folder: Path
    endpoint: str
    problems: list[str] = field(default_factory=list)

    async def start(self, action: str, source: str, target: str, bandwidth: int = 0) -> str:
        spec = JobSpec(
            action,  # type: ignore[arg-type]  # the callers name actions
            self.connection,
            (JobItem(source, target, tree=True),),
            bandwidth=bandwidth,
            origin="chaos",
        )
        return (await self.client.submit(Submit(spec))).id

    async def view(self, job: str) -> JobView:
        """Return how a job stands."""
        return next(view for view in (await self.client.snapshot()).jobs if view.id == job)

    async def ended(self, job: str) -> bool:
        return (await self.view(job)).finished is not None

    def check(self, what: str, problem: str) -> None:
        """Take note of something that is not as it should be."""
        if problem:
            self.problems.append(f"{what}: {problem}")


@asynccontextmanager
async def works(endpoint: str, folder: Path, *, through: str = "") -> AsyncIterator[Works]:
    """Open a worker in a state folder of its own, on the store at `endpoint`, reached by way of `through`."""
    state = folder / "state"
    client = await connect(state)
    try:
        yield Works(client, Connection(endpoint=through or endpoint, project="p"), folder, endpoint)
    finally:
        await client.close()
        await stop(state)


async def kill_again_and_again(
    endpoint: str, folder: Path, *, times: int, seed: int, files: int, large: int, say: Report = print
) -> list[str]:
    """Kill the worker `times` times at random moments of real jobs, one after the other; returns what went wrong."""
    chance = random.Random(seed)
    tree = folder / "tree"
    make_tree(tree, files, seed=seed, large=large, large_size=24 * MIB)
    wanted, sums = tree_of(tree), checksums_of(tree)
    killed, rounds, begun = 0, 0, time.monotonic()
    async with works(endpoint, folder) as at:
        while killed < times:
            rounds += 1
            bucket, back = f"round-{rounds}", folder / f"back-{rounds}"
            create_bucket(endpoint, bucket)

            def there(prefix: str, bucket: str = bucket) -> str:
                return difference(sums, stored(endpoint, bucket, prefix))

            def gone(prefix: str, bucket: str = bucket) -> str:
                return difference({}, stored(endpoint, bucket, prefix))

            url = f"gs://{bucket}"
            jobs: list[tuple[str, str, str, Callable[[], str]]] = [
                ("upload", str(tree), f"{url}/a/", lambda: there("a/")),
                ("copy", f"{url}/a/", f"{url}/b/", lambda: there("b/")),
                ("move", f"{url}/b/", f"{url}/c/", lambda: there("c/") or gone("b/")),
                ("download", f"{url}/c/", str(back), lambda: difference(wanted, tree_of(back))),  # noqa: B023
                ("delete", f"{url}/a/", "", lambda: gone("a/")),
            ]
            for action, source, target, check in jobs:
                before = killed
                job = await at.start(action, source, target, bandwidth=20 * MIB)
                while not await at.ended(job):
                    await asyncio.sleep(chance.uniform(0.02, 0.9))
                    pid = at.client.worker_pid
                    if killed < times and pid and not await at.ended(job):
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
                        await _replaced(at, pid)
                view = await at.view(job)
                at.check(f"{action} in round {rounds}", check())
                if view.state != "done" or view.failed:
                    at.check(f"{action} in round {rounds}", f"{view.state}, {view.failed} failed: {view.reason}")
                say(f"round {rounds}  {action:9} {view.done:6,} done, killed {killed - before:3} times")
        at.check("leftovers", ", ".join(unfinished(folder)[:3]))
    say(f"seed {seed}: killed {killed} times in {rounds} rounds, {time.monotonic() - begun:.0f} s")
    return at.problems


def unfinished(folder: Path) -> list[str]:
    """Return the names of unfinished downloads below a folder."""
    return [path.name for path in folder.rglob(".pail-part-*")]


async def black_out(
    endpoint: str, folder: Path, *, seconds: float, seed: int, say: Report = print, refuse_as: int | None = None
) -> list[str]:
    """Cut the line for so long in the middle of an upload and a download, or have every request refused."""
    tree = folder / "tree"
    make_tree(tree, 400, seed=seed, large=2, large_size=24 * MIB)
    wanted, sums = tree_of(tree), checksums_of(tree)
    create_bucket(endpoint, "dark")
    with Proxy(endpoint) as proxy:
        async with works(endpoint, folder, through=proxy.endpoint) as at:
            first = await at.start("upload", str(tree), "gs://dark/a/")
            await until(lambda: at.ended(first))
            jobs = [
                await at.start("upload", str(tree), "gs://dark/b/", bandwidth=8 * MIB),
                await at.start("download", "gs://dark/a/", str(folder / "back"), bandwidth=8 * MIB),
            ]

            async def under_way() -> bool:
                views = [await at.view(job) for job in jobs]
                return all(view.bytes > 4 * MIB for view in views)

            await until(under_way)
            if refuse_as is None:
                proxy.black_out(dark=True)
            else:
                proxy.refuse_as = refuse_as
            dark = time.monotonic()
            notice = await until(lambda: _notice(at))
            say(f"told after {time.monotonic() - dark:.1f} s: {notice}")
            while time.monotonic() - dark < seconds:
                await asyncio.sleep(min(1.0, seconds / 10))
                failed = sum([(await at.view(job)).failed for job in jobs])
                if failed:
                    at.check("in the dark", f"{failed} failed")
                    break
            before = sum([(await at.view(job)).bytes for job in jobs])
            if refuse_as is None:
                proxy.black_out(dark=False)
            else:
                proxy.refuse_as = None
            light = time.monotonic()

            async def moves() -> bool:
                return sum([(await at.view(job)).bytes for job in jobs]) > before

            await until(moves)
            again = time.monotonic() - light
            say(f"dark for {light - dark:.0f} s; bytes moved again {again:.1f} s after")
            at.check("return", "" if again <= 15 else f"{again:.1f} s instead of 15")
            for job in jobs:
                await _over(at, job)
                view = await at.view(job)
                if view.state != "done" or view.failed:
                    at.check(view.action, f"{view.state}, {view.failed} failed: {view.reason}")
            at.check("upload", difference(sums, stored(endpoint, "dark", "b/")))
            at.check("download", difference(wanted, tree_of(folder / "back")))
            at.check("notice", await _notice(at))
    return at.problems


async def _replaced(at: Works, pid: int) -> None:
    await until(lambda: at.client.worker_pid not in (0, pid))


async def _over(at: Works, job: str) -> None:
    await until(lambda: at.ended(job))


async def _notice(at: Works) -> str:
    return (await at.client.snapshot()).notice


async def fill_the_disk(
    endpoint: str, folder: Path, disk: Path, grow: Callable[[], object], *, seed: int, say: Report = print
) -> list[str]:
    """Download onto a disk that is too small; `grow` makes room, and the job has to go on by itself."""
    tree = folder / "tree"
    make_tree(tree, 300, seed=seed, large=2, large_size=16 * MIB)
    wanted = tree_of(tree)
    create_bucket(endpoint, "disk")
    async with works(endpoint, folder) as at:
        up = await at.start("upload", str(tree), "gs://disk/a/")
        await until(lambda: at.ended(up))
        job = await at.start("download", "gs://disk/a/", str(disk / "back"))

        async def paused() -> bool:
            view = await at.view(job)
            return view.state == "paused" and view.code == "disk-full"

        await until(paused)
        view = await at.view(job)
        say(f"paused: {view.reason}. {view.remedy}")
        at.check("while it is full", f"{view.failed} failed" if view.failed else "")
        grow()
        start = time.monotonic()
        await until(lambda: at.ended(job))
        view = await at.view(job)
        late = time.monotonic() - start
        say(f"{view.state} {late:.1f} s after there was room; {view.done:,} done, {view.failed} failed")
        at.check("download", view.reason if view.state != "done" or view.failed else "")
        at.check("download", difference(wanted, tree_of(disk / "back")))
    return at.problems
