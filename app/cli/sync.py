"""`pail sync`: keeps a folder and a prefix in step, in one pass or live."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.live import LiveLine
from app.cli.output import Output, one_line, report, write_error
from app.cli.runtime import run_async
from app.cli.several import exit_code
from app.cli.units import rfc3339
from services.errors import ExitCode, PailError, SomeFailed, UsageError
from services.gcs.interface import Storage
from services.names import GsUrl, display_name, is_gs_url, local_path, parse_gs_url
from services.paths import state_dir
from services.sync.apply import Item
from services.sync.conflicts import machine_name
from services.sync.controller import Controller, Listener, Phase, Result
from services.sync.disk import Disk
from services.sync.entries import Action
from services.sync.gate import MaxDelete
from services.sync.live import Live
from services.sync.pair import Pair, claim, make_pair
from services.sync.remote import Prefix
from services.sync.state import State
from services.transfer.meter import Bandwidth
from widgets import formats

GRACE_S: Final = 4.0
"""Seconds in which what is under way may end after SIGTERM."""

DISK_THREADS: Final = 8
"""Threads for local files."""

VERBS: Final = {
    "upload": "Uploaded",
    "download": "Downloaded",
    "conflict": "Kept both",
    "move": "Moved",
    "delete": "Deleted",
    "delete-local": "Deleted here",
}
"""What is said of an action that is done, by its stable word."""

_WORDS: Final = {"move-remote": "move", "delete-remote": "delete"}
"""Stable words of actions that are called differently inside."""

HINT: Final = "Nothing is half done: repeat the command to go on."
"""What to do after ctrl+c."""


def run(context: Context) -> int:
    """Sync what the command line names."""
    args = context.args
    if is_gs_url(args.folder) or not is_gs_url(args.url):
        raise UsageError("a folder and a gs:// URL are needed, in this order", remedy="See 'pail sync --help'.")
    if args.delete and args.mode == "two-way":
        raise UsageError(
            "--delete is for push and pull: two-way carries deletes anyway", remedy="Leave it out, or add --mode."
        )
    if args.watch and args.dry_run:
        raise UsageError("--dry-run does not go with --watch", remedy="Leave one of them out.")
    return run_async(_sync(context), hint=HINT)


async def _sync(context: Context) -> int:
    args = context.args
    async with open_connection(context) as (connection, storage):
        pair = replace(
            make_pair(Path(args.folder), parse_gs_url(args.url), connection),
            mode=args.mode,
            delete=args.delete,
            max_delete=MaxDelete.parse(args.max_delete) if args.max_delete else None,
            excludes=tuple(args.exclude),
        )
        teller = Teller(context.output, pair, watch=args.watch)
        async with _opened(pair, storage, teller, args.bandwidth) as controller:
            if not args.dry_run:
                await _warn(context.output, pair, storage)
            if args.watch:
                return await _watch(controller)
            result = await controller.sync(dry_run=args.dry_run)
        return teller.finish(result, dry_run=args.dry_run)


@asynccontextmanager
async def _opened(pair: Pair, storage: Storage, teller: Teller, bandwidth: int) -> AsyncIterator[Controller]:
    """Claim a pair and yield what runs it; raises `Busy`, `UsageError`, `PailError`."""
    claimed = await asyncio.to_thread(claim, pair, state_dir())
    threads = ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="pail-disk")
    loop = asyncio.get_running_loop()

    async def on_disk(function: Any, *arguments: Any) -> Any:
        future = loop.run_in_executor(threads, function, *arguments)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # Nothing is closed or deleted while a thread still uses it.
            await asyncio.wait([future])
            raise

    try:
        state = await on_disk(State.open, claimed.database, pair.identity)
        try:
            yield Controller(
                pair,
                Disk(pair.root, prefix=pair.prefix, umask=_umask()),
                Prefix(storage.data, pair.bucket, pair.prefix),
                state,
                on_disk=on_disk,
                machine=machine_name(socket.gethostname()),
                listener=Listener(teller.phase, teller.item, teller.notice),
                throttle=Bandwidth(bandwidth).take,
            )
        finally:
            state.close()
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
        claimed.release()


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


async def _warn(output: Output, pair: Pair, storage: Storage) -> None:
    """Say so where the bucket cannot bring back what a sync deletes or overwrites in it."""
    if pair.mode == "pull":
        return
    try:
        info = await storage.control.get_bucket(pair.bucket)
    except PailError:
        # Whoever may not read the settings may still sync; whether the bucket is there the listing tells.
        return
    if not info.soft_delete_s and not info.versioning:
        output.message(f"Note: {display_name(pair.bucket)} keeps neither deleted nor older versions of its objects.")


async def _watch(controller: Controller) -> int:
    """Keep a pair in step until SIGTERM, which ends it in order, or ctrl+c."""
    live = Live(controller)
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(live.run())
    asked = False

    def stop() -> None:
        nonlocal asked
        if asked:
            running.cancel()
        asked = True
        live.stop()
        loop.call_later(GRACE_S, running.cancel)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop)
    try:
        await running
    except asyncio.CancelledError:
        if not asked:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            raise
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)
    return ExitCode.OK


class Teller:
    """Says what a sync does: records or sentences, and on a terminal a line with where it stands."""

    def __init__(self, output: Output, pair: Pair, *, watch: bool) -> None:
        self._output = output
        self._pair = pair
        self._watch = watch
        self._live = LiveLine(output)
        self._counts: Counter[str] = Counter()
        self._bytes = 0
        self._said: tuple[Phase, str] | None = None
        self._started = time.monotonic()

    def phase(self, phase: Phase, why: str) -> None:
        """Say where it stands."""
        self._live.show(f"{phase}{': ' if why else ''}{why}")
        if not self._watch or self._said == (phase, why):
            return
        self._said = (phase, why)
        if self._output.json:
            self._output.record("state", time=rfc3339(time.time()), phase=phase, reason=why)
            self._output.flush()
        elif phase in ("watching", "waiting", "halted"):
            self._say(f"{phase}{': ' if why else ''}{why}")

    def notice(self, text: str) -> None:
        """Say something that is not about one item."""
        if self._output.json:
            self._output.record("notice", time=rfc3339(time.time()), message=text)
        self._say(text)

    def item(self, item: Item) -> None:
        """Take in one action that has ended."""
        if item.state == "later":
            return
        self._tell(item.action, item.state, item.error.message if item.error else "", item.kept)
        if item.state == "done":
            self._bytes += item.action.size
        if self._watch:
            self._output.flush()

    def _tell(self, action: Action, state: str, reason: str = "", kept: str = "") -> None:
        word = _WORDS.get(action.kind, action.kind)
        source, target = self._places(action, kept or action.copy)
        self._counts[state] += 1
        if state != "failed":
            self._counts[word] += 1
        if self._output.json:
            entry = action.remote
            self._output.record(
                "item",
                action=word,
                source=source,
                target=target,
                size=action.size,
                generation=str(entry.generation) if entry else "",
                crc32c=entry.crc32c if entry else "",
                state=state,
                reason=reason,
            )
        elif state == "failed" or not self._output.quiet:
            way = display_name(source) + (f" -> {display_name(target)}" if target else "")
            start = {"done": VERBS[word], "failed": f"Failed to {word}"}.get(state, f"Would {word}")
            self._say(f"{start} {way}" + (f": {one_line(reason)}" if reason else ""))

    def _say(self, text: str) -> None:
        self._live.clear()
        stamp = f"{rfc3339(time.time())} " if self._watch else ""
        write_error(f"{stamp}{one_line(text)}\n")

    def _places(self, action: Action, kept: str) -> tuple[str, str]:
        """Return where an action takes something from, and where to."""
        here, there = self._here(action.key), str(GsUrl(self._pair.bucket, self._pair.prefix + action.key))
        if action.kind == "upload":
            return here, there
        if action.kind == "download":
            return there, here
        if action.kind == "conflict":
            return here, self._here(kept)
        if action.kind == "move-remote":
            return str(GsUrl(self._pair.bucket, self._pair.prefix + action.source)), there
        return (there if action.kind == "delete-remote" else here), ""

    def _here(self, key: str) -> str:
        return f"{self._pair.root}/{local_path(key.rstrip('/'))}" + ("/" if key.endswith("/") else "")

    def finish(self, result: Result, *, dry_run: bool) -> int:
        """Print the summary and return the exit code; raises what ended a sync early."""
        self._live.clear()
        if dry_run:
            for action in result.plan.work:
                self._tell(action, "planned")
        self._tell_problems(result)
        self._summarise(result)
        if result.stopped is not None:
            raise result.stopped
        failures = [item.error for item in result.items if item.error is not None]
        if result.again and not dry_run:
            failures.append(SomeFailed("some files keep changing", remedy="Run it again once they are at rest."))
        if not failures:
            return ExitCode.OK
        total = len(result.items) + result.again
        if total == 1:
            raise failures[0]
        code = exit_code([error.exit_code for error in failures], total=total)
        failed = SomeFailed(
            f"{len(failures)} of {formats.count(total, 'item')} failed",
            remedy=failures[0].remedy or "What is done stays done; run it again for the rest.",
        )
        report(failed, json_records=self._output.json, code=code)
        return code

    def _tell_problems(self, result: Result) -> None:
        for problem in result.problems:
            if self._output.json:
                self._output.record(
                    "item", action="skip", source=problem.key, target="", size=0, generation="", crc32c="",
                    state="done", reason=problem.message,
                )  # fmt: skip
            else:
                self._output.message(f"Left alone: {one_line(problem.message)}")

    def _summarise(self, result: Result) -> None:
        seconds = time.monotonic() - self._started
        left = {"skipped": len(result.problems), "ignored": result.ignored}
        if self._output.json:
            self._output.record("summary", **self._counts, **left, bytes=self._bytes, seconds=round(seconds, 3))
            self._output.flush()
            return
        counts = {name: self._counts[name] for name in ("done", "planned", "failed")}
        counts |= {"conflicts": self._counts["conflict"], "left alone": left["skipped"], "ignored": left["ignored"]}
        named = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing to do"
        self._output.message(f"{named}; {formats.size(self._bytes)} in {formats.duration(seconds)}")
