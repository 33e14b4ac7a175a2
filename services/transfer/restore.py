"""Bringing back: a soft-deleted generation is restored, an older version is copied over what is live now."""

from __future__ import annotations

from services.model import ObjectInfo
from services.names import parse_gs_url
from services.transfer.copy import rewrite, verified, written
from services.transfer.past import find_past
from services.transfer.plan import describe
from services.transfer.run import Run
from services.transfer.target import ObjectTarget


async def restore(run: Run) -> None:
    """Make one generation live again, as a new one, only over the generation that was seen.

    Raises `PailError`, `Skipped` where it is live already, `Asking` where another object has its name.
    """
    info, soft_deleted = await find_past(run, parse_gs_url(run.record.source))
    describe(run.record, info)
    await verified(run, await written(run, _restore_once if soft_deleted else rewrite), moved=False)


async def _restore_once(run: Run, target: ObjectTarget) -> ObjectInfo:
    data = await run.data()
    return await data.restore(target.bucket, target.name, run.record.generation, precondition=target.precondition)
