"""`pail sync` about pairs themselves: list, approve, resume, pause, remove, and the unit that runs one at login."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from app.cli.confirm import can_ask
from app.cli.connect import find, load_workspace
from app.cli.context import Context, connection_options
from services.connection import Connection
from services.credentials import local_folder
from services.errors import NotAuthenticated, PailError, UsageError
from services.names import display_name, parse_gs_url
from services.paths import state_dir
from services.sync.overview import PairBook
from services.sync.pair import FOLDER, make_pair
from services.sync.pairs import KeptPair, PairList, find_by_folder
from services.sync.status import PairLook
from services.sync.unit import Unit, remove_unit, unit_for, write_unit
from services.worker.client import connect


def known(context: Context) -> KeptPair:
    """Return the pair of the list that a command line names by its folder; blocks.  Raises `UsageError`."""
    return find_by_folder(PairList.of(state_dir()).load(), os.path.realpath(context.args.folder))


async def print_pairs(context: Context) -> int:
    """List the pairs, and where each stands."""
    output = context.output
    connection: Connection | None = None
    project: Path | None = None
    try:
        connection = await find(context)
        project = (await load_workspace(context, connection)).folder
    except NotAuthenticated:
        # The pairs of the list are there all the same.
        output.detail("No connection: what a project proposes is not shown.")
    book = PairBook(state_dir(), project, connection)
    try:
        found = await book.look()
    finally:
        await book.close()
    for problem in found.problems:
        output.message(problem)
    for look in found.pairs:
        if output.json:
            output.record("pair", **_record(look))
        else:
            way = {"push": "->", "pull": "<-"}.get(look.mode, "<->")
            output.line(f"{output.name(look.root)} {way} {output.name(look.url)}  {stand_of(look)}")
    if not found.pairs and not output.json:
        output.message("No pair yet. Make one: pail sync DIR gs://BUCKET/PREFIX --watch")
    return 0


def stand_of(look: PairLook) -> str:
    """Return where a pair stands, in a few words."""
    if look.proposed:
        return "proposed by pail.toml: pail sync DIR --approve"
    if look.changed:
        return "pail.toml says something else now: pail sync DIR --approve"
    if look.view is not None:
        why = f": {look.view.why}" if look.view.why else ""
        return f"{look.view.stand}{why}; {look.owner.words if look.owner else 'nobody'}"
    if look.owner is not None:
        return f"being synced ({look.owner.words})"
    return "waits for the worker" if look.on else "paused"


def _record(look: PairLook) -> dict[str, Any]:
    view, owner = look.view, look.owner
    return {
        "id": look.id,
        "folder": look.root,
        "url": look.url,
        "mode": look.mode,
        "delete": look.delete,
        "on": look.on,
        "project": look.project,
        "proposed": look.proposed,
        "state": view.stand if view else "running" if owner else "proposed" if look.proposed else "paused",
        "reason": view.why if view else "",
        "remedy": view.remedy if view else "",
        "pid": owner.pid if owner else 0,
        "host": owner.host if owner else "",
        "by": owner.kind if owner else "",
        "files": view.tracked if view else 0,
        "ignored": view.ignored if view else 0,
        "conflicts": len(view.conflicts) if view else 0,
        "problems": view.troubles_total if view else 0,
        "requests": view.requests if view else 0,
        "looks": view.looks if view else 0,
        "looks_limit": view.requests_limit if view else 0,
    }


async def do(context: Context, verb: str) -> int:
    """Do something to a pair; raises `UsageError` where there is none."""
    if verb in ("install", "uninstall"):
        return await asyncio.to_thread(_install, context, remove=verb == "uninstall")
    pairs = PairList.of(state_dir())
    if verb == "approve":
        return await _approve(context)
    if verb == "resume" and context.args.url is not None:
        kept = await _made(context, pairs)
    else:
        kept = await asyncio.to_thread(known, context)
    shown = f"{display_name(kept.pair.root)} and {display_name(kept.pair.url)}"
    if verb == "remove":
        await PairBook(state_dir()).remove(kept.id)
        context.output.message(f"Removed the pair of {shown}; both sides keep their files.")
        return 0
    ask = verb == "resume" and await asyncio.to_thread(_asks_first, context, kept)
    await asyncio.to_thread(lambda: pairs.change(kept.id, on=verb == "resume", ask=ask))
    if verb == "resume":
        await _start_worker()
        context.output.message(
            f"The plan of {shown} waits in the Sync view: 'pail', then 4. It deletes, and this is its first sync."
            if ask
            else f"The worker keeps {shown} in step."
        )
    else:
        context.output.message(f"Paused {shown}.")
    return 0


def _asks_first(context: Context, kept: KeptPair) -> bool:
    """Tell whether a person has to see a plan first: that of a first sync that deletes."""
    fresh = not (state_dir() / FOLDER / f"{kept.id}.db").exists()
    return kept.ask or (kept.pair.delete and fresh and can_ask() and not context.args.yes)


async def _made(context: Context, pairs: PairList) -> KeptPair:
    """Put a pair on the list that the command line names in full."""
    from app.cli.sync import pair_of

    kept = KeptPair(pair_of(context, await find(context)), on=False)
    await asyncio.to_thread(pairs.add, kept)
    return kept


async def _approve(context: Context) -> int:
    """Approve what the project says of a folder (hazard 67): whoever types this has seen it."""
    connection = await find(context)
    workspace = await load_workspace(context, connection)
    book = PairBook(state_dir(), workspace.folder, connection)
    root = await asyncio.to_thread(os.path.realpath, context.args.folder)
    waiting = [look for look in (await book.look()).pairs if look.proposed and look.root == root]
    if len(waiting) != 1:
        raise UsageError(f"no pail.toml proposes a pair for {display_name(root)}", remedy="See 'pail sync'.")
    look = waiting[0]
    await book.approve(look.id)
    # On the command line the word for it is --approve itself: there is no plan to look at.
    await asyncio.to_thread(lambda: book.list.change(look.id, on=False, ask=False))
    context.output.message(
        f"Approved: {display_name(look.root)} with {display_name(look.url)}, {look.mode}"
        f"{', deleting' if look.delete else ''}. Run it with: pail sync DIR, or pail sync DIR --resume"
    )
    return 0


async def _start_worker() -> None:
    client = await connect(state_dir(), start=True)
    await client.close()


def _install(context: Context, *, remove: bool) -> int:
    args = context.args
    if args.url is None:
        kept = known(context)
        root, url = kept.pair.root, kept.pair.url
    else:
        connection = Connection()
        pair = make_pair(Path(args.folder), parse_gs_url(args.url), connection)
        root, url = pair.root, pair.url
    words = _words(context)
    unit: Unit = unit_for(root, url, words, program=(sys.executable, "-P", "-m", "app"), environment=os.environ)
    if remove:
        if not remove_unit(unit):
            raise UsageError(f"there is no unit for {display_name(root)}", remedy="See ~/.config/systemd/user.")
        context.output.message(f"Deleted {display_name(str(unit.path))}. {unit.after_removal}")
        return 0
    try:
        write_unit(unit)
    except OSError as error:
        raise PailError(
            f"cannot write {display_name(str(unit.path))}: {error.strerror}", remedy="Check its permissions."
        ) from error
    pairs = PairList.of(state_dir())
    for kept in pairs.load():
        if (kept.pair.root, kept.pair.url) == (root, url) and kept.on:
            pairs.change(kept.id, on=False)
            context.output.message("The worker leaves the pair alone from now on: only one process runs it.")
    context.output.message(f"Wrote {display_name(str(unit.path))}. Start it, now and at each login:")
    for line in unit.steps:
        context.output.message(f"  {line}")
    return 0


def _words(context: Context) -> tuple[str, ...]:
    """Return the options that the unit has to repeat; files are named by their full path."""
    args, options = context.args, connection_options(context)
    words: list[str] = []
    if options.local is not None:
        words.append(f"--local={local_folder(options.local)}")
    for name, value in (
        ("--endpoint", options.endpoint),
        ("--project", options.project),
        ("--credentials", _full(options.credentials) if options.credentials else ""),
        ("--quota-project", options.quota_project),
    ):
        if value:
            words += [name, value]
    words += ["--anonymous"] if options.anonymous else []
    words += ["--mode", args.mode] if args.mode else []
    words += ["--delete"] if args.delete else []
    words += ["--max-delete", args.max_delete] if args.max_delete else []
    for pattern in args.exclude:
        words += [f"--exclude={pattern}"]
    words += [f"--bandwidth={args.bandwidth}"] if args.bandwidth else []
    return tuple(words)


def _full(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - links stay as they are
