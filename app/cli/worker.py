"""`pail worker`: the process that goes on with transfers when nobody looks."""

from __future__ import annotations

from typing import Final

from app.cli.context import Context
from app.cli.runtime import run_async
from services.names import display_name
from services.paths import state_dir
from services.worker.client import WorkerStatus, status, stop
from services.worker.server import serve
from widgets import formats

FOR_EVER: Final = float("inf")
"""A worker in the foreground does not leave for want of work."""


def run(context: Context) -> int:
    """Run the worker here, say whether one runs, or stop it."""
    action = context.args.action
    if action == "run":
        context.output.message(f"Serving {display_name(str(state_dir()))}; ctrl+c stops it.")
        serve(state_dir(), idle_exit_s=FOR_EVER)
        return 0
    return run_async(_stop(context) if action == "stop" else _status(context))


async def _status(context: Context) -> int:
    found = await status()
    output = context.output
    if output.json:
        output.record(
            "worker",
            running=found.running,
            pid=found.pid or None,
            version=found.version,
            socket=found.socket,
            jobs=found.jobs,
            transfers=found.transfers,
        )
    else:
        output.line(in_words(found))
    return 0


def in_words(found: WorkerStatus) -> str:
    """Return what a worker does, in a line."""
    work = (
        f"{formats.count(found.jobs, 'unfinished job')} with {formats.count(found.transfers, 'transfer')}"
        if found.jobs
        else "nothing to do"
    )
    if not found.running:
        return f"not running; {work}"
    return f"running (process {found.pid}, version {found.version}); {work}"


async def _stop(context: Context) -> int:
    ran = await stop()
    if context.output.json:
        context.output.record("worker", running=False, stopped=ran)
    context.output.message("The worker was stopped." if ran else "No worker is running.")
    return 0
