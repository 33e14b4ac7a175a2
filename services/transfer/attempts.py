"""Carrying one transfer out, again and again while that makes sense."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Final

from services.errors import Corrupt, NotAuthenticated, ObjectNotFound, PailError, Rejected, SourceChanged, Transient
from services.transfer import local
from services.transfer.acts import action_of, look_at_source
from services.transfer.core import log
from services.transfer.doubt import look_again, seen_again
from services.transfer.job import bucket_of
from services.transfer.run import Run

REFUSALS: Final = 3
"""Times that a request has to be called wrong until that is believed: of 10,000 objects, on a line that damages one
request in a hundred, one had it twice in a row."""

SETTLE_ROUNDS: Final = 15
"""Times that a file which changes is looked at before it is uploaded again all the same."""


async def act(run: Run) -> None:
    """Carry a transfer out, again and again while that makes sense."""
    action = action_of(run.record)
    options, corrupt, changed, vanished, refused = run.tools.options, 0, 0, 0, 0
    while True:
        try:
            if not run.record.generation:
                await look_at_source(run)
            await action(run)
        except (Transient, NotAuthenticated) as error:
            await run.patience().after(bucket_of(run.record), error, progressed=run.failed_once(error))
        except Corrupt as error:
            corrupt += 1
            run.failed_once(error)
            if corrupt >= run.most_corrupt or run.record.action == "download":
                raise
            await _again(look_again(run))
        except ObjectNotFound as error:
            vanished += 1
            if vanished > options.max_restarts:
                raise
            with contextlib.suppress(Transient):
                await seen_again(run, error)
        except Rejected as error:
            # A wrong bit in what we said looks like that, too.
            refused += 1
            run.failed_once(error)
            if refused >= REFUSALS:
                raise
        except SourceChanged as error:
            changed += 1
            run.failed_once(error)
            if changed >= options.max_changed:
                raise
            await _settled(run)
        else:
            return
        run.verifying, run.moved = False, 0


async def _settled(run: Run) -> None:
    """Wait until a file that changed stays as it is for a while."""
    record, before = run.record, ""
    for _ in range(SETTLE_ROUNDS):
        found = await run.disk(local.look, record.source, record.base)
        now = local.fingerprint(found) if found is not None else "gone"
        if now == before:
            return
        before = now
        await asyncio.sleep(run.tools.options.settle_s)


async def _again(look: Awaitable[None]) -> None:
    """Take a second look, where that is possible."""
    with contextlib.suppress(Transient, ObjectNotFound):
        await look


def as_ours(error: BaseException) -> PailError:
    """Return a failure in our words; of what nobody foresaw the log has the rest."""
    if isinstance(error, PailError):
        return error
    log.error("internal error", exc_info=error)
    return PailError(f"internal error: {type(error).__name__}", remedy="Please report it with the log of the worker.")
