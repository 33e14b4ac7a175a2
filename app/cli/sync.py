"""`pail sync`: keeps a folder and a prefix in step, in one pass or live; lists, pauses and removes pairs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Final

from app.cli.confirm import can_ask, confirm
from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.runtime import run_async
from app.cli.sync_output import Teller
from services.connection import Connection
from services.errors import Busy, ExitCode, UsageError
from services.gcs.interface import Storage
from services.names import display_name, is_gs_url, parse_gs_url
from services.paths import state_dir
from services.sync.controller import Controller, Listener
from services.sync.gate import MaxDelete
from services.sync.limits import Limits, configured
from services.sync.move import Throttle
from services.sync.opened import keeps_nothing, opened
from services.sync.pair import FOLDER, Pair, busy, make_pair, read_owner
from services.sync.pairs import KeptPair, PairList, check_overlaps
from services.transfer.meter import limited
from widgets import formats

GRACE_S: Final = 4.0
"""Seconds in which what is under way may end after SIGTERM."""

HINT: Final = "Nothing is half done: repeat the command to go on."
"""What to do after ctrl+c."""

VERBS: Final = ("resume", "pause", "remove", "approve", "install", "uninstall")
"""What is done to a pair instead of syncing it; one at a time."""


def run(context: Context) -> int:
    """Sync what the command line names, or do to the pair what it says."""
    args = context.args
    verbs = [verb for verb in VERBS if getattr(args, verb)]
    if len(verbs) > 1 or (verbs and ((args.watch and verbs != ["install"]) or args.dry_run)):
        raise UsageError(f"--{verbs[-1]} does not go with the rest", remedy="See 'pail sync --help'.")
    if args.folder is None:
        if verbs or args.watch or args.dry_run:
            raise UsageError("a folder is needed", remedy="See 'pail sync --help'.")
        from app.cli import sync_pairs  # with all that shows and keeps pairs; a pass needs none of it

        return run_async(sync_pairs.print_pairs(context))
    if is_gs_url(args.folder) or (args.url is not None and not is_gs_url(args.url)):
        raise UsageError("a folder and a gs:// URL are needed, in this order", remedy="See 'pail sync --help'.")
    if args.delete and args.mode in (None, "two-way") and args.url is not None:
        raise UsageError(
            "--delete is for push and pull: two-way carries deletes anyway", remedy="Leave it out, or add --mode."
        )
    if args.watch and args.dry_run:
        raise UsageError("--dry-run does not go with --watch", remedy="Leave one of them out.")
    if verbs:
        from app.cli import sync_pairs

        return run_async(sync_pairs.do(context, verbs[0]))
    return run_async(_sync(context), hint=HINT)


async def _sync(context: Context) -> int:
    args = context.args
    if args.url is None:
        return await _sync_known(context)
    async with open_connection(context) as (connection, storage):
        pair = pair_of(context, connection)
        return await _sync_pair(context, pair, storage)


async def _sync_known(context: Context) -> int:
    """Sync a pair of the list, over the connection that it was made with."""
    from app.cli import sync_pairs
    from services.gcs.open import open_storage

    kept = await asyncio.to_thread(sync_pairs.known, context)
    pair = kept.pair._replace(max_delete=_max_delete(context) or kept.pair.max_delete)
    if context.args.mode not in (None, pair.mode) or context.args.exclude or (context.args.delete and not pair.delete):
        raise UsageError(
            "the pair has a mode and rules of its own", remedy="Name the URL as well to sync it in another way."
        )
    async with await open_storage(pair.connection) as storage:
        return await _sync_pair(context, pair, storage)


def pair_of(context: Context, connection: Connection) -> Pair:
    """Return the pair that a command line names in full; raises `UsageError`."""
    args = context.args
    return make_pair(Path(args.folder), parse_gs_url(args.url), connection)._replace(
        mode=args.mode or "two-way",
        delete=args.delete,
        max_delete=_max_delete(context),
        excludes=tuple(args.exclude),
    )


def _max_delete(context: Context) -> MaxDelete | None:
    return MaxDelete.parse(context.args.max_delete) if context.args.max_delete else None


async def _sync_pair(context: Context, pair: Pair, storage: Storage) -> int:
    args = context.args
    pairs = PairList.of(state_dir())
    await asyncio.to_thread(lambda: check_overlaps(pair, pairs.load()))
    limits = await asyncio.to_thread(configured)
    teller = Teller(context.output, pair, watch=args.watch)
    if not args.dry_run and await keeps_nothing(storage, pair):
        note = f"Note: {display_name(pair.bucket)} keeps neither deleted nor older versions of its objects."
        context.output.message(note)
    if args.watch:
        await _ask_first(context, pair, storage)
        return await _watch(context, pair, storage, pairs, teller, limits)
    try:
        return await _once(context, pair, storage, teller, limits)
    except Busy:
        return await _hand_over(context, pair, teller)


async def _once(context: Context, pair: Pair, storage: Storage, teller: Teller, limits: Limits) -> int:
    args = context.args
    listener = Listener(teller.phase, teller.item, teller.notice)
    async with opened(
        pair,
        storage,
        state_dir(),
        listener=listener,
        throttle=_throttle(args.bandwidth, limits),
        trash_bytes=limits.trash_bytes,
    ) as found:
        if pair.delete and not args.dry_run and await found.on_disk(found.state.is_new):
            await _confirm_deletes(context, pair, found.controller)
        result = await found.controller.sync(dry_run=args.dry_run)
        with contextlib.suppress(OSError):
            await found.on_disk(found.controller.disk.trash.expire)
    return teller.finish(result, dry_run=args.dry_run)


def _throttle(asked: str, limits: Limits) -> Throttle:
    """Return what holds bytes back: what was asked for, and what the settings say of everything."""
    both = [limited(text) for text in (asked, limits.bandwidth) if text]

    async def take(count: int) -> None:
        for limit in both:
            await limit.take(count)

    return take


async def _ask_first(context: Context, pair: Pair, storage: Storage) -> None:
    """Before the first live sync that deletes: have a person see how much."""
    if pair.delete and can_ask() and not context.args.yes:
        async with opened(pair, storage, state_dir()) as found:
            if await found.on_disk(found.state.is_new):
                await _confirm_deletes(context, pair, found.controller)


async def _confirm_deletes(context: Context, pair: Pair, controller: Controller) -> None:
    """Ask before a first sync deletes what only the other side has.

    Without a terminal `--delete` was the word; the gate holds in any case.
    """
    if not can_ask():
        return
    result = await controller.run_pass(dry_run=True)
    if result.stopped is not None:
        raise result.stopped
    deletes = result.plan.deletes
    if deletes:
        where = "from the bucket" if pair.mode == "push" else "here"
        size = formats.size(sum(action.size for action in deletes))
        names = "\n".join(f"  {display_name(action.key)}" for action in deletes[:10])
        more = f"\n  and {len(deletes) - 10:,} more" if len(deletes) > 10 else ""
        count = formats.count(len(deletes), "file")
        await confirm(
            context,
            f"This first sync deletes {count} ({size}) {where} that the other side does not have:\n{names}{more}\nGo?",
            url=pair.url,
        )


async def _hand_over(context: Context, pair: Pair, teller: Teller) -> int:
    """Have the process that runs the pair make the pass, and tell what came of it; raises `Busy` where it cannot."""
    from services.sync.overview import owner_socket  # only where the pair is in other hands
    from services.sync.owner import OwnerLink
    from services.worker.link import Gone

    args = context.args
    owner = await asyncio.to_thread(read_owner, state_dir() / FOLDER / f"{pair.id}.lock")
    if owner.kind == "once":
        raise busy(pair, owner)
    link = OwnerLink(owner_socket(pair.id, state_dir()))
    try:
        view = await link.view()
        other = args.mode not in (None, view.mode) or (args.delete and not view.delete)
        if other or args.exclude or args.bandwidth:
            raise UsageError(
                f"{owner.words} keeps {display_name(pair.root)} in step in its own way ({view.mode})",
                remedy="Leave --mode, --delete, --exclude and --bandwidth out, or stop it first.",
            )
        context.output.detail(f"Handed to {owner.words}")
        done = await link.once(max_delete=args.max_delete or "", dry_run=args.dry_run)
    except Gone:
        raise busy(pair, owner) from None
    finally:
        await link.close()
    return teller.finish_for(done, dry_run=args.dry_run)


async def _watch(
    context: Context, pair: Pair, storage: Storage, pairs: PairList, teller: Teller, limits: Limits
) -> int:
    """Keep a pair in step until SIGTERM, which ends it in order, or ctrl+c."""
    from services.sync.runner import Runner  # with the live sync

    runner = Runner(
        pair,
        storage,
        state_dir(),
        kind="watch",
        listener=Listener(teller.phase, teller.item, teller.notice),
        throttle=_throttle(context.args.bandwidth, limits),
        limits=limits,
    )
    if await asyncio.to_thread(pairs.find, pair.id) is None:
        # From now on it is a pair of this machine, which nothing may overlap with; the worker leaves it alone.
        await asyncio.to_thread(pairs.add, KeptPair(pair, on=False))
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(runner.run())
    asked = False

    def stop() -> None:
        nonlocal asked
        if asked:
            running.cancel()
        asked = True
        runner.stop()
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
